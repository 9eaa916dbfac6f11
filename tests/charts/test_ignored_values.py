"""HK003 and HK031: which of the user's values a chart reads, found by rendering; no list of keys knows it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hakit.charts.holes import draft
from hakit.charts.ignored import audit_values
from hakit.charts.objects import id_of
from hakit.charts.render import render
from hakit.charts.source import read_values
from hakit.errors import HakitError
from tests.charts.build import RELEASE, config, make_chart
from tests.charts.corpus import told

WEB = config("{image: '{{ .Values.image.tag }}', list: '{{ .Values.list }}', note: '{{ .Values.note }}'}")
DEFAULTS = "image: {tag: '1'}\nlist: [a]\nnote: null\nreplicaCount: 1"


def ignored(folder: Path, values: dict[str, Any], template: str = WEB, defaults: str = DEFAULTS, **files: str) -> list:
    return audit_values(make_chart(folder, template, defaults, **files), values, RELEASE)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"image": {"tag": "2"}}, []),
        ({"image": {"tag": "1"}}, []),  # equal to the default, and read
        ({"image": {"tag": None}}, []),  # null takes the default away
        ({"image": {"tag": "2", "digest": "x"}}, ["HK003 values image.digest"]),
        ({"list": ["b", {"c": 1}]}, []),
        ({"list": []}, []),
        ({"note": {}}, []),
        ({"replicaCount": 3}, ["HK003 values replicaCount"]),  # in values.yaml, and in no template
        ({"backup": {"enabled": True, "schedule": "daily"}}, ["HK003 values backup"]),  # the highest key, once
        ({"nothing": None}, ["HK003 values nothing"]),
        ({"empty": {}}, ["HK003 values empty"]),
        ({"extra": [{"name": "a"}]}, ["HK003 values extra"]),
        ({"a": 1, "b": 1.5, "c": True}, ["HK003 values a", "HK003 values b", "HK003 values c"]),
    ],
)
def test_a_value_is_ignored_when_nothing_changes_with_it(tmp_path: Path, values: Any, found: list[str]) -> None:
    assert told(ignored(tmp_path, values)) == found


def test_a_misspelt_key_gets_the_nearest_one_of_the_same_map(tmp_path: Path) -> None:
    (found,) = ignored(tmp_path, {"image": {"tga": "2"}})
    assert "did you mean image.tag?" in found.remedy
    assert 'accept={"HK003 image.tga": "why"}' in found.remedy


def test_a_render_with_a_subchart_off_does_not_take_it_from_the_next(tmp_path: Path) -> None:
    # Helm's ProcessDependencies drops it from the loaded chart, and merges the values into its defaults.
    chart = make_chart(tmp_path, config("{}"), **SUB)
    assert [id_of(obj) for obj in render(chart, {"db": {"enabled": False}}, RELEASE)] == ["ConfigMap/web"]
    objects = render(chart, {"db": {"enabled": True, "port": 2}}, RELEASE)
    assert [id_of(obj) for obj in objects] == ["ConfigMap/db", "ConfigMap/web"]
    assert render(chart, {"db": {"enabled": True}}, RELEASE)[0]["data"]["port"] == "1"


def test_for_what_hakit_sets_itself_it_says_so(tmp_path: Path) -> None:
    (found,) = ignored(tmp_path, {"topologySpreadConstraints": [{"maxSkew": 1}]})
    assert found.remedy.startswith("ZonalApp sets this itself")


def test_a_value_that_only_its_notes_read_reaches_no_object(tmp_path: Path) -> None:
    chart = make_chart(tmp_path, {"all.yaml": config("{}"), "NOTES.txt": "{{ .Values.greeting }}"})
    assert told(audit_values(chart, {"greeting": "hello"}, RELEASE)) == ["HK003 values greeting"]


def test_a_render_that_fails_with_a_changed_value_proves_that_it_is_read(tmp_path: Path) -> None:
    template = '{{ if ne .Values.mode "ha" }}{{ fail "mode" }}{{ end }}' + config("{}")
    assert ignored(tmp_path, {"mode": "ha"}, template, "mode: ha") == []


def test_one_of_the_words_that_a_template_compares_with_is_read_though_it_is_the_default(tmp_path: Path) -> None:
    # Any made-up word means "not ha" here, as "single" does: only the template's own word shows that it is read.
    template = config('{{ if eq .Values.mode "ha" }}{a: b}{{ else }}{}{{ end }}')
    assert ignored(tmp_path, {"mode": "single"}, template, "mode: single") == []
    assert told(ignored(tmp_path, {"mood": "single"}, template, "mode: single")) == ["HK003 values mood"]


def test_a_schema_without_other_keys_names_the_unknown_one_by_itself(tmp_path: Path) -> None:
    schema = '{"type": "object", "additionalProperties": false, "properties": {"image": {}}}'
    chart = make_chart(tmp_path, config("{}"), **{"values.schema.json": schema})
    with pytest.raises(HakitError, match="additional properties 'imgae' not allowed"):
        draft(chart, {"imgae": {"tag": "2"}}, RELEASE)


def test_a_schema_that_takes_a_key_does_not_make_templates_read_it(tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"image": {}, "size": {"type": "integer"}, "global": {}}}'
    values = {"image": {"tag": "2"}, "size": 3}
    assert told(ignored(tmp_path, values, **{"values.schema.json": schema})) == ["HK003 values size"]


def test_a_random_chart_is_compared_without_what_is_random(tmp_path: Path) -> None:
    template = config("{password: '{{ randAlphaNum 9 }}', image: '{{ .Values.image.tag }}'}")
    values = {"image": {"tag": "2"}, "size": 3}
    assert told(ignored(tmp_path, values, template)) == ["HK003 values size"]


SUB = {
    "Chart.yaml": """
        apiVersion: v2
        name: web
        version: 1.0.0
        dependencies: [{name: db, version: 1.0.0, condition: db.enabled}]
    """,
    "charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
    "charts/db/values.yaml": "enabled: false\nport: 1\n",
    "charts/db/templates/all.yaml": config("{port: '{{ .Values.port }}', zone: '{{ .Values.global.zone }}'}").replace(
        "name: web", "name: db"
    ),
}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"db": {"enabled": True, "port": 2}, "global": {"zone": "a"}}, []),
        ({"db": {"enabled": True, "prot": 2}}, ["HK003 values db.prot"]),
        ({"db": {"enabled": True}, "global": {"zoen": "a"}}, ["HK003 values global"]),
        ({"db": {"port": 2}}, ["HK031 values db"]),
        ({"global": {"zone": "a"}}, ["HK031 values global"]),
    ],
)
def test_values_of_subcharts_and_global_ones_are_tried_too(tmp_path: Path, values: Any, found: list[str]) -> None:
    assert told(ignored(tmp_path, values, config("{}"), **SUB)) == found


def test_a_dormant_value_names_its_switch_and_its_state(tmp_path: Path) -> None:
    template = config("{{ if .Values.metrics.enabled }}{port: '{{ .Values.metrics.port }}'}{{ else }}{}{{ end }}")
    defaults = "metrics: {enabled: false, port: 1}\ncache: {enabled: true}"
    (found,) = ignored(tmp_path, {"metrics": {"port": 2}}, template, defaults)
    assert (found.code, found.message) == ("HK031", "it has no effect while metrics.enabled is false")
    assert found.detail == "objects change with it when metrics.enabled is true"


def test_a_finding_names_file_and_line_of_the_value(tmp_path: Path) -> None:
    file = tmp_path / "prod.yaml"
    file.write_text("image:\n  tag: '2'\n\n  tga: '3'\n")
    values, lines = read_values(file)
    assert lines["image", "tga"] == f"{file}:4"
    (found,) = audit_values(make_chart(tmp_path, WEB, DEFAULTS), values, RELEASE, lines)
    assert found.where == f"{file}:4"


LEAF = st.one_of(st.text("ab", max_size=3), st.integers(-9, 9), st.booleans(), st.none(), st.just([]), st.just({}))


@settings(deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from("pqrs"), LEAF), st.dictionaries(st.sampled_from("tuvw"), LEAF))
def test_whatever_the_values_exactly_those_that_no_template_prints_are_ignored(
    tmp_path: Path, read: dict[str, Any], unread: dict[str, Any]
) -> None:
    template = config("{all: {{ list .Values.p .Values.q .Values.r .Values.s | toJson | quote }}}")
    assert told(ignored(tmp_path, {**read, **unread}, template, "")) == [
        f"HK003 values {key}" for key in sorted(unread)
    ]
