"""Wrong charts and values: each message says what, where, what is possible and what to do, and never a secret."""

import base64
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hakit.charts.freeze import keyed
from hakit.charts.render import render
from hakit.charts.source import load, read_values
from hakit.errors import HakitError
from tests.charts.build import RELEASE, config, make_chart, one


def _message(function: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(HakitError) as refused:
        function(*args, **kwargs)
    assert refused.value.__cause__ is None
    return str(refused.value)


# --- charts ---------------------------------------------------------------------------------------------------------


def test_a_missing_chart_names_its_neighbours_and_the_nearest(tmp_path: Path) -> None:
    make_chart(tmp_path, "")
    text = _message(load, "wep", tmp_path)
    assert "nothing is there" in text
    assert "beside it are: web" in text
    assert "did you mean 'web'?" in text
    assert "there is no folder nowhere" in _message(load, "nowhere/web", tmp_path)


def test_a_folder_of_charts_names_the_charts_in_it(tmp_path: Path) -> None:
    make_chart(tmp_path, "")
    text = _message(load, str(tmp_path))
    assert "the folder has no Chart.yaml" in text
    assert f"{tmp_path}/web" in text


def test_a_file_that_is_no_archive_and_an_archive_that_is_broken(tmp_path: Path) -> None:
    (tmp_path / "web.txt").write_text("no chart")
    (tmp_path / "web.tgz").write_bytes(b"no archive")
    assert "the file is not an archive" in _message(load, "web.txt", tmp_path)
    assert "Helm cannot load it" in _message(load, "web.tgz", tmp_path)


def test_an_archive_renders_as_its_folder_does(tmp_path: Path) -> None:
    folder = make_chart(tmp_path, config("{a: b}"))
    with tarfile.open(tmp_path / "web-1.0.0.tgz", "w:gz") as archive:
        archive.add(tmp_path / "web", "web")
    packed = load("web-1.0.0.tgz", tmp_path)
    assert render(packed, {}, RELEASE) == render(folder, {}, RELEASE) != []
    assert packed.templates == folder.templates


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Chart.yaml": "name: ["}, "cannot load Chart.yaml"),
        ({"values.yaml": "a: ["}, "cannot load values.yaml"),
        ({"crds/a.yaml": "a: ["}, "crds/a.yaml is no Kubernetes object"),
        ({"crds/a.yaml": "a: b"}, "a mapping without kind"),
    ],
)
def test_a_chart_with_a_broken_file_names_it(tmp_path: Path, files: dict[str, str], message: str) -> None:
    folder = tmp_path / "web"
    for name, text in {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert message in _message(load, str(folder))


def test_a_changed_chart_is_read_again(tmp_path: Path) -> None:
    make_chart(tmp_path, config("{a: old}"))
    assert render(make_chart(tmp_path, config("{a: newer}")), {}, RELEASE)[0]["data"] == {"a": "newer"}


# --- rendering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('{{ required "give image.tag" .Values.tag }}', "the chart does not render: give image.tag (web/templates/all"),
        ('{{ fail "needs four nodes" }}', "needs four nodes"),
        ('{{ include "missing" . }}', "missing"),
        ("{{ .Values.a.b.c }}", "nil pointer"),
        ("kind: [", "does not render to a Kubernetes object"),
        ("just a text", "a text"),
        ("kind: List\nitems: [{a: b}]", "a mapping without kind"),
    ],
)
def test_a_chart_that_does_not_render_says_what_its_template_says(tmp_path: Path, template: str, message: str) -> None:
    text = _message(render, make_chart(tmp_path, template), {}, RELEASE)
    assert message in text
    assert str(tmp_path) in text


def test_a_schema_s_refusal_names_the_value_and_what_it_takes(tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"size": {"type": "integer"}}}'
    chart = make_chart(tmp_path, "", **{"values.schema.json": schema})
    assert "'/size': got string, want integer" in _message(render, chart, {"size": "large"}, RELEASE)


SECRETS = [
    ("one line", "c4nary-secret"),
    ("several lines", "-----BEGIN KEY-----\nc4naryline1\nc4naryline2\n-----END KEY-----\n"),
    ("spaces that a message would fold", "c4nary  two   spaces"),
    ("signs that quoting and URLs escape", 'c4nary"<&> é\\tail'),
    ("a number, which Helm prints with an exponent", 12345678),
]
SAYS = [
    "{{ fail (print .Values.auth.password) }}",
    "{{ fail (.Values.auth.password | toString | b64enc) }}",
    '{{ fail (printf "%q" (toString .Values.auth.password)) }}',
    "kind: [\n{{ .Values.auth.password }}: {{ .Values.auth.password }}",
    "kind: Secret\nstringData: {{ .Values.auth.password }}: {",
    "{{ index .Values.auth.password 99 99 }}",
    "{{ fail (toJson .Values.auth) }}",
    '{{ fail (printf "https://db/?p=%s" (toString .Values.auth.password | urlquery)) }}',
]


@pytest.mark.parametrize("template", SAYS)
@pytest.mark.parametrize("secret", [secret for _, secret in SECRETS], ids=[name for name, _ in SECRETS])
def test_a_message_never_holds_a_secret(tmp_path: Path, template: str, secret: Any) -> None:
    text = _message(render, make_chart(tmp_path, template), {"auth": {"password": secret}}, RELEASE)
    lines = [line for line in str(secret).splitlines() if "c4nary" in line or line.isdigit()]
    for form in [*lines, *(" ".join(line.split()) for line in lines), "1.2345678e+07", "c4nary"]:
        assert form not in text
        assert base64.b64encode(form.encode()).decode() not in text
    assert base64.b64encode(str(secret).encode()).decode() not in text


def test_a_secret_in_a_list_of_environment_variables_is_one_by_the_name_beside_it(tmp_path: Path) -> None:
    values = {"env": [{"name": "DB_PASSWORD", "value": "c4nary"}, {"name": "MODE", "value": "plain"}]}
    template = "{{ range .Values.env }}{{ $.Files.Get .value }}{{ end }}{{ fail (toJson .Values.env) }}"
    text = _message(render, make_chart(tmp_path, template), values, RELEASE)
    assert "c4nary" not in text
    assert "plain" in text
    assert "DB_PASSWORD" in text


def test_a_control_character_in_a_value_is_an_ordinary_message(tmp_path: Path) -> None:
    chart = make_chart(tmp_path, "kind: A\na: {{ .Values.auth.password }}")
    text = _message(render, chart, {"auth": {"password": "c4nary\x00"}}, RELEASE)
    assert "does not render to a Kubernetes object" in text
    assert "c4nary" not in text


# --- values files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a: 1\nb: [\n", 3, "not YAML"),
        ("a: 1\n  b: 2\n", 2, "not YAML"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "b.c is there twice, first in line 3; Helm silently takes the last"),
        ("list:\n  - {a: 1, a: 2}\n", 2, "list.a is there twice"),
        ("- a\n", 1, "not a mapping"),
        ("text\n", 1, "not a mapping"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("a: !unknown 1\n", 1, "not YAML"),
    ],
)
def test_a_broken_values_file_is_named_with_its_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(content)
    text = _message(read_values, file)
    assert text.startswith(f"{file}:{line}: ")
    assert message in text


@pytest.mark.parametrize("content", [b"a: \xe9\n", b"a: \x00\n"])
def test_a_values_file_that_is_no_text_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "values.yaml"
    file.write_bytes(content)
    assert str(file) in _message(read_values, file)


def test_a_missing_values_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "values-prod.yaml").write_text("")
    text = _message(read_values, tmp_path / "values-prd.yaml")
    assert "did you mean 'values-prod.yaml'?" in text


def test_an_empty_values_file_has_no_values_and_a_merge_key_no_duplicates(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("# nothing\n")
    assert read_values(file) == ({}, {})
    file.write_text("base: &base {a: 1, b: 2}\nweb:\n  <<: *base\n  b: 3\n")
    values, lines = read_values(file)
    assert values["web"] == {"a": 1, "b": 3}
    assert lines["web", "b"] == f"{file}:4"


# --- objects --------------------------------------------------------------------------------------------------------


def test_one_object_twice_is_refused_and_one_name_in_two_places_is_not() -> None:
    web = one(config("{}"))
    assert "renders ConfigMap/web twice" in _message(keyed, [web, dict(web)], "shop")
    elsewhere = {**web, "metadata": {"name": "web", "namespace": "other"}}
    group = {**web, "apiVersion": "example.org/v1"}
    assert list(keyed([web, elsewhere, group], "shop")) == [
        "ConfigMap/web",
        "ConfigMap/web/other",
        "ConfigMap/web/shop",
    ]


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**64])
def test_a_number_that_a_double_cannot_hold_is_refused(number: int) -> None:
    text = _message(keyed, [{**one(config("{}")), "spec": [{"size": number}]}], "shop")
    assert f"ConfigMap/web: the number {number} does not arrive unharmed" in text
    keyed([{**one(config("{}")), "spec": [{"size": 2**53}]}], "shop")
