"""The stand-in for the Kubernetes provider, where it refuses and what it calls a difference."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2

from lab.providers.difference import differences
from lab.providers.kubernetes import RELEASE, Provider, _flags, without_nulls

pytestmark = pytest.mark.lab


def _struct(content: dict[str, Any]) -> Struct:
    message = Struct()
    message.update(content)
    return message


def _diff(tmp_path: Path, type_: str, old: dict[str, Any], new: dict[str, Any]) -> Any:
    request = provider_pb2.DiffRequest(type=type_, old_inputs=_struct(old), news=_struct(new))
    return Provider(tmp_path, tmp_path).Diff(request, None)  # ty: ignore[invalid-argument-type]


def test_differences_are_named_by_the_path_of_each_leaf():
    old = {"values": {"objects": {"Deployment/a": {"spec": {"replicas": 3, "list": [1, 2]}}}}, "gone": 1}
    new = {"values": {"objects": {"Deployment/a": {"spec": {"replicas": 4, "list": [1, 2, 3]}}}}, "come": None}
    assert differences(old, new) == {
        'values.objects["Deployment/a"].spec.replicas': "UPDATE",
        'values.objects["Deployment/a"].spec.list[2]': "ADD",
        "gone": "DELETE",
        "come": "ADD",
    }
    assert differences(new, new) == {}


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_another_name_or_namespace_replaces_a_release_and_another_timeout_does_not(tmp_path: Path, field: str):
    # forceNewFields in pulumi-kubernetes, provider/pkg/provider/helm_release.go, Diff
    old = {"name": "a", "namespace": "n", "timeout": 600}
    assert list(_diff(tmp_path, RELEASE, old, {**old, field: "other"}).replaces) == [field]
    assert list(_diff(tmp_path, RELEASE, old, {**old, "timeout": 300}).replaces) == []


def test_another_name_replaces_an_object_and_another_label_does_not(tmp_path: Path):
    old = {"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "1"}}}
    renamed = {"kind": "ConfigMap", "metadata": {"name": "b", "labels": {"x": "1"}}}
    labelled = {"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"x": "2"}}}
    assert list(_diff(tmp_path, "kubernetes:core/v1:ConfigMap", old, renamed).replaces) == ["metadata.name"]
    assert list(_diff(tmp_path, "kubernetes:core/v1:ConfigMap", old, labelled).replaces) == []


@pytest.mark.parametrize(
    ("kind", "field"),
    [("ConfigMap", "data"), ("Secret", "data"), ("StatefulSet", "spec"), ("PersistentVolumeClaim", "spec")],
)
def test_an_object_is_deleted_and_made_anew_for_what_its_kind_cannot_change(tmp_path: Path, kind: str, field: str):
    # pulumi-kubernetes, provider/pkg/provider/diff.go, forceNew and forceNewProperties
    changed = {"data": "number", "spec": "volumeClaimTemplates" if kind == "StatefulSet" else "storageClassName"}[field]
    old = {"kind": kind, "metadata": {"name": "a"}, field: {changed: "1", "other": "1"}}
    answer = _diff(tmp_path, f"kubernetes:any/v1:{kind}", old, {**old, field: {changed: "2", "other": "1"}})
    assert list(answer.replaces) == [f"{field}.{changed}"]
    assert answer.deleteBeforeReplace, "two cannot have one name"
    if field == "spec":
        assert list(_diff(tmp_path, "", old, {**old, field: {changed: "1", "other": "2"}}).replaces) == []


def test_config_maps_and_secrets_change_in_place_where_the_provider_is_told_so(tmp_path: Path):
    # provider.go, enableConfigMapMutable and enableSecretMutable; diff.go: an immutable one is replaced all the same
    provider = Provider(tmp_path, tmp_path)
    provider._mutable = {"ConfigMap", "Secret"}
    for kind in ("ConfigMap", "Secret"):
        for immutable, replaced in ((False, []), (True, ["data.number"])):
            old = {"kind": kind, "metadata": {"name": "a"}, "immutable": immutable, "data": {"number": "1"}}
            new = {**old, "data": {"number": "2"}}
            request = provider_pb2.DiffRequest(type="", old_inputs=_struct(old), news=_struct(new))
            answer = provider.Diff(request, None)  # ty: ignore[invalid-argument-type]
            assert list(answer.replaces) == replaced


def test_a_chart_is_looked_for_relative_to_the_programs_folder(tmp_path: Path):
    # release.go, locateChart: path "..." not found
    program, chart = tmp_path / "stacks", tmp_path / "charts" / "shop"
    for folder in (program, chart):
        folder.mkdir(parents=True)
    request = provider_pb2.CheckRequest(type=RELEASE, news=_struct({"chart": "../charts/shop"}))

    def check() -> list[str]:
        answer = Provider(program, tmp_path).Check(request, None)  # ty: ignore[invalid-argument-type]
        return [failure.reason for failure in answer.failures]

    assert check() == ['path "../charts/shop" not found']
    (chart / "Chart.yaml").write_text("name: shop\n", encoding="utf-8")
    assert check() == []


def test_the_arguments_of_a_release_become_helms_flags():
    # release.go, helmCreate (no history there) and helmUpdate (no CRDs there)
    awaited = {"atomic": True, "skipAwait": False, "timeout": 600, "maxHistory": 10, "skipCrds": True}
    assert _flags(awaited, "install") == ["--timeout", "600s", "--atomic", "--wait", "--skip-crds"]
    assert _flags(awaited, "upgrade") == ["--timeout", "600s", "--atomic", "--wait", "--history-max", "10"]
    assert _flags({"skipAwait": True}, "upgrade") == ["--timeout", "300s", "--history-max", "0"]


def test_a_releases_values_lose_their_nulls_and_an_empty_list_becomes_one():
    # release.go, excludeNulls; allowNullValues is off unless a program sets it
    given = {"a": None, "b": [], "c": {}, "d": [None, {"e": None, "f": 0}], "g": ""}
    assert without_nulls(given) == {"b": None, "c": {}, "d": [{"f": 0}], "g": ""}
