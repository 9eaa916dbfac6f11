"""Values that are not known yet: where they go, what they may not decide, and that filling them in is rendering."""

import base64
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hakit.charts.compare import dotted
from hakit.charts.harden import harden
from hakit.charts.holes import Draft, Hole, Leaf, draft, filled, find_holes
from hakit.charts.intent import Intent
from hakit.charts.manifests import dump
from hakit.charts.render import render
from hakit.charts.source import Chart
from hakit.errors import HakitError
from tests.charts.build import RELEASE, config, make_chart

PASSWORD, HOST, PORT = Hole("auth.password"), Hole("host"), Hole("port")

ALL = """
    apiVersion: v1
    kind: Secret
    metadata: {name: web}
    stringData:
      password: {{ .Values.auth.password | quote }}
      url: "postgres://{{ .Values.host }}:{{ .Values.port }}/?password={{ .Values.auth.password | urlquery }}"
    data:
      encoded: {{ .Values.auth.password | b64enc }}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata:
          labels: {app: web}
          annotations: {checksum: {{ .Values.auth.password | sha256sum }}}
        spec:
          containers:
            - name: web
              ports: [{containerPort: {{ int .Values.port }}}]
"""


def leaves(value: Any) -> list[Leaf]:
    if isinstance(value, Leaf):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [leaf for part in parts for leaf in leaves(part)]


def contents(drafted: Draft, value: Any, real: dict[Hole, Any]) -> Any:
    """Objects with every leaf filled in."""
    if isinstance(value, Leaf):
        return drafted.fill(value, {hole: real[hole] for hole in real})
    if isinstance(value, dict):
        return {key: contents(drafted, item, real) for key, item in value.items()}
    return [contents(drafted, item, real) for item in value] if isinstance(value, list) else value


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return make_chart(tmp_path, ALL)


VALUES = {"auth": {"password": PASSWORD}, "host": HOST, "port": PORT}


def test_each_leaf_knows_the_holes_that_fill_it(chart: Chart) -> None:
    drafted = draft(chart, VALUES, RELEASE)
    found = {dotted(leaf.path): {hole.name for hole in leaf.holes} for leaf in leaves(drafted.objects)}
    assert found == {
        "stringData.password": {"auth.password"},
        "stringData.url": {"auth.password", "host", "port"},
        "data.encoded": {"auth.password"},
        "spec.template.metadata.annotations.checksum": {"auth.password"},
        "spec.template.spec.containers[0].ports[0].containerPort": {"port"},
    }
    assert drafted.unused == []


def test_a_number_field_is_filled_with_a_number(chart: Chart) -> None:
    drafted = draft(chart, VALUES, RELEASE)
    real = {PASSWORD: "s", HOST: "db", PORT: 5432}
    (port,) = contents(drafted, drafted.objects, real)[1]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert port == {"containerPort": 5432}


def test_a_port_that_the_template_does_not_convert_is_a_number_too(tmp_path: Path) -> None:
    chart = make_chart(tmp_path, config("{}").replace("data: {}", "ports: [{containerPort: {{ .Values.port }}}]"))
    drafted = draft(chart, {"port": PORT}, RELEASE)
    assert contents(drafted, drafted.objects, {PORT: 80})[0]["ports"] == [{"containerPort": 80}]


def test_hardened_objects_keep_their_leaves_and_are_dumped_as_placeholders(chart: Chart) -> None:
    drafted = draft(chart, VALUES, RELEASE)
    hardened = harden(drafted.objects, Intent())
    assert len(leaves(hardened)) == len(leaves(drafted.objects)) == 5
    assert "hakit-placeholder-one" in dump(hardened)


@settings(deadline=None, max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    password=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), min_size=1),
    host=st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True),
    port=st.integers(1, 65535),
)
def test_filling_every_leaf_in_is_rendering_with_the_real_values(
    chart: Chart, password: str, host: str, port: int
) -> None:
    drafted = draft(chart, VALUES, RELEASE)
    real = {PASSWORD: password, HOST: host, PORT: port}
    assert contents(drafted, drafted.objects, real) == render(chart, filled(VALUES, real), RELEASE)


def test_a_random_chart_is_filled_in_all_the_same(tmp_path: Path) -> None:
    chart = make_chart(tmp_path, config("{own: '{{ randAlphaNum 9 }}', password: '{{ .Values.auth.password }}'}"))
    drafted = draft(chart, {"auth": {"password": PASSWORD}}, RELEASE)
    (leaf,) = leaves(drafted.objects)
    assert drafted.fill(leaf, {PASSWORD: "real"}) == "real"


def test_a_hole_that_nothing_reads_is_named_as_unused(tmp_path: Path) -> None:
    drafted = draft(make_chart(tmp_path, config("{}")), {"host": HOST, "list": [{"a": HOST}, PORT]}, RELEASE)
    assert drafted.unused == [HOST, PORT] == find_holes({"host": HOST, "list": [{"a": HOST}, PORT]})


# --- what a hole may not decide -------------------------------------------------------------------------------------

WORKLOAD = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
"""


@pytest.mark.parametrize(
    ("template", "field"),
    [
        (WORKLOAD.replace("replicas: 2", "replicas: {{ .Values.host }}"), "Deployment/web spec.replicas"),
        (WORKLOAD.replace("name: web", "name: {{ .Values.host }}"), "metadata.name depends"),
        (WORKLOAD.replace("name: web", "name: a, namespace: {{ .Values.host }}"), "metadata.namespace depends"),
        (WORKLOAD.replace("app: web", "app: {{ .Values.host }}"), "spec.selector.matchLabels.app depends"),
        (WORKLOAD.replace("app: web", '"{{ .Values.host }}": web'), "which objects and keys"),
        (WORKLOAD + '    {{ if hasSuffix "two" .Values.host }}  paused: true{{ end }}\n', "which objects and keys"),
    ],
)
def test_a_hole_that_decides_what_hakit_hardens_is_refused_by_name(tmp_path: Path, template: str, field: str) -> None:
    with pytest.raises(HakitError, match=r"values\.host: ") as refused:
        draft(make_chart(tmp_path, template), {"host": HOST}, RELEASE, where="ZonalApp 'web'")
    assert field in str(refused.value)
    assert refused.value.where == "ZonalApp 'web'"


CANARY = "c4nary-Secret"


@pytest.mark.parametrize(
    ("template", "real"),
    [
        (config('{{ if eq .Values.auth.password "c4nary-Secret" }}{a: b}{{ else }}{}{{ end }}'), CANARY),
        (config("{a: '{{ .Values.auth.password }}'}"), f"'}}\n{CANARY}: ["),  # breaks the YAML
        (config("{{ with .Values.auth.password }}{a: {{ . }}}{{ else }}{}{{ end }}"), ""),
        (
            config("{a: '{{ .Values.auth.password }}'}")
            + '{{ if hasPrefix "c4" .Values.auth.password }}{{ fail .Values.auth.password }}{{ end }}',
            CANARY,
        ),
        (config("{a: '{{ .Values.auth.password }}', b: {{ hasPrefix \"c4\" .Values.auth.password }}}"), CANARY),
    ],
)
def test_a_real_value_that_decides_more_than_a_leaf_is_refused_and_never_shown(
    tmp_path: Path, template: str, real: str
) -> None:
    chart = make_chart(tmp_path, {"all.yaml": template, "own.yaml": config("{p: '{{ .Values.auth.password }}'}")})
    drafted = draft(chart, {"auth": {"password": PASSWORD}}, RELEASE)
    with pytest.raises(HakitError, match=r"values\.auth\.password: ") as refused:
        drafted.fill(leaves(drafted.objects)[0], {PASSWORD: real})
    error = refused.value
    assert error.__cause__ is None
    assert error.__context__ is None, "a tool that follows the chain of errors would find it there"
    shown = "".join(traceback.format_exception(error))
    for form in (CANARY, base64.b64encode(real.encode()).decode()):
        assert not form or form not in shown
