"""`hakit adopt` over a file of what runs. A cluster is read in `tests/lab/test_adopt_looks.py`."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hakit.charts.adoption import Row, compare
from hakit.cli import app

_PROGRAM = """\
import pulumi, pulumi_kubernetes as k8s, hakit
cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
hakit.ZonalApp("orders", {
    "chart": "orders", "namespace": "shop", "zones": ["a", "b", "c"], "replicas": 3, "values": {"tag": "1"},
}, pulumi.ResourceOptions(provider=cluster))
"""
CLAIM: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "orders", "namespace": "shop"},
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": "orders",
        "resources": {"requests": {"storage": "1024Mi"}},
    },
}
WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "example.org/web:1"}]},
        },
    },
}


def changed(obj: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    found = copy.deepcopy(obj)
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return found


def test_defaults_of_the_server_and_another_way_to_write_an_amount_are_no_change() -> None:
    wanted = changed(CLAIM, "spec", "resources", to={"requests": {"storage": "1Gi"}})
    live = changed(CLAIM, "status", to={"phase": "Bound"})
    live["spec"]["volumeMode"] = "Filesystem"
    assert compare([wanted], [live], "shop") == [Row("PersistentVolumeClaim/orders", "shop", "same")]


def test_another_template_makes_pods_anew_and_another_number_does_not() -> None:
    image = changed(WEB, "spec", "template", "spec", to={"containers": [{"name": "web", "image": "example.org/web:2"}]})
    found = compare([image], [WEB], "shop")
    field = "spec.template.spec.containers[web].image"
    assert found == [Row("Deployment/web", "shop", "changed", (field,), pods=True)]
    found = compare([changed(WEB, "spec", "replicas", to=6)], [WEB], "shop")
    assert found == [Row("Deployment/web", "shop", "changed", ("spec.replicas",))]


def test_a_field_that_never_changes_is_named() -> None:
    wanted = changed(CLAIM, "spec", "storageClassName", to="regional")
    found = compare([wanted], [CLAIM], "shop")
    assert found == [Row("PersistentVolumeClaim/orders", "shop", "refused", ("spec.storageClassName",))]


def test_what_the_release_had_goes_and_what_nobody_owned_is_left() -> None:
    assert compare([], [CLAIM], "shop", [CLAIM]) == [Row("PersistentVolumeClaim/orders", "shop", "goes", data=True)]
    keeping = changed(CLAIM, "metadata", "annotations", to={"helm.sh/resource-policy": "keep"})
    assert compare([], [keeping], "shop", [CLAIM]) == [Row("PersistentVolumeClaim/orders", "shop", "kept")]
    assert compare([], [CLAIM], "shop") == [Row("PersistentVolumeClaim/orders", "shop", "left")]


def test_a_field_that_the_release_had_and_nobody_asks_for_is_taken_out() -> None:
    had = changed(WEB, "spec", "paused", to=True)
    assert compare([WEB], [had], "shop", [had]) == [Row("Deployment/web", "shop", "changed", ("spec.paused",))]
    assert compare([WEB], [had], "shop") == [Row("Deployment/web", "shop", "same")]


def test_a_secret_that_a_preview_hides_is_not_compared() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "YQ=="}}
    assert compare([changed(secret, "data", "key", to="[secret]")], [secret], "shop")[0].verdict == "same"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: orders\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(_PROGRAM)
    chart = Path(__file__).parents[1] / "lab" / "programs" / "charts" / "orders"
    (tmp_path / "orders").symlink_to(chart)
    return tmp_path


def test_the_command_prints_each_object_and_ends_with_1_where_something_cannot_be(project: Path) -> None:
    live = project / "live.yaml"
    live.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [CLAIM, WEB]}))
    done = CliRunner().invoke(app, ["adopt", "orders", str(project), "--live", str(live), "--format", "json"])
    assert done.exit_code == 0, done.output
    verdicts = {each["object"]: each["verdict"] for each in json.loads(done.stdout)["objects"]}
    assert verdicts["PersistentVolumeClaim/orders"] == "same"
    assert verdicts["Deployment/web"] == "changed"
    assert verdicts["PodDisruptionBudget/web"] == "new"

    other = changed(WEB, "spec", "selector", to={"matchLabels": {"app": "other"}})
    live.write_text(yaml.safe_dump_all([CLAIM, other]))
    done = CliRunner().invoke(app, ["adopt", "orders", str(project), "--live", str(live)])
    assert done.exit_code == 1
    assert "Deployment/web" in done.stdout
    assert "cannot become that" in done.stdout
    assert "spec.selector.matchLabels.app" in done.stdout
