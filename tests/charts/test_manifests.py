"""Reading manifests as Helm does. The oracle is Helm: `fromYaml` is the very sigs.k8s.io/yaml that reads a manifest."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.charts.manifests import dump, load_values, parse
from hakit.charts.render import render_texts
from hakit.charts.source import Chart
from tests.charts.build import RELEASE, make_chart

YAML_1_1 = [
    # booleans: https://yaml.org/type/bool.html, all of them, also y and n
    *[(text, True) for text in ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE")],
    *[(text, False) for text in ("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE")],
    ("yEs", "yEs"),
    # null: https://yaml.org/type/null.html
    *[(text, None) for text in ("~", "null", "Null", "NULL", "")],
    # numbers: Go's strconv.ParseInt(text, 0, 64), underscores taken out (goyaml.v2 resolve.go)
    ("0644", 420),
    ("0o644", 420),
    ("0x1F", 31),
    ("-0b101", -5),
    ("1_000", 1000),
    ("+7", 7),
    ("08", 8),  # no octal number, so a decimal one
    ("1e3", 1000.0),
    ("1.5", 1.5),
    (".5", 0.5),
    ("-1.", -1.0),
    ("1e400", "1e400"),  # too large for a float64
    # not in Go: sexagesimal numbers and dates of YAML 1.1
    ("1:20", "1:20"),
    ("190:20:30", "190:20:30"),
    ("2001-12-14", "2001-12-14"),
    ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
    # texts that look like something
    ("1.2.3", "1.2.3"),
    ("0x", "0x"),
    ("_1", "_1"),
    ("'yes'", "yes"),
    ('"0644"', "0644"),
    ("100m", "100m"),
]


@pytest.mark.parametrize(("text", "value"), YAML_1_1)
def test_a_scalar_is_read_as_helm_reads_it(text: str, value: Any) -> None:
    found = load_values(f"a: {text}\n")["a"]
    assert (found, type(found)) == (value, type(value))


def test_infinity_and_what_is_no_number_are_floats() -> None:
    found = load_values("[.inf, -.Inf, .nan]")
    assert found[:2] == [math.inf, -math.inf]
    assert math.isnan(found[2])


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    template = "{{ range .Values.texts }}{{ . | fromYaml | toJson }}\n{{ end }}"
    return make_chart(tmp_path_factory.mktemp("yaml"), template)


def _by_helm(helm: Chart, texts: list[str]) -> list[Any]:
    rendered = render_texts(helm, {"texts": texts}, RELEASE)["web/templates/all.yaml"]
    return [json.loads(line) for line in rendered.splitlines() if line]


def test_helm_reads_the_table_the_same(helm: Chart) -> None:
    found = _by_helm(helm, [f"a: {text}\n" for text, _ in YAML_1_1])
    assert found == [{"a": value} for _, value in YAML_1_1]


@settings(deadline=None, max_examples=40, derandomize=True)
@given(texts=st.lists(st.text("0123456789xobB_.eE+-:~yYnNInfaAs", min_size=1, max_size=6), min_size=20, max_size=60))
def test_whatever_the_scalar_helm_reads_it_the_same(helm: Chart, texts: list[str]) -> None:
    for text, found in zip(texts, _by_helm(helm, [f"a: {text}\n" for text in texts]), strict=True):
        if "Error" in found:  # no YAML, or a number that JSON does not have
            continue
        assert load_values(f"a: {text}\n") == found, text


def test_empty_documents_and_comments_are_nothing_and_a_list_is_its_items() -> None:
    text = "---\n# nothing\n---\n---\nkind: List\nitems: [{kind: A}, {kind: B}]\n---\nkind: C\n"
    assert [obj["kind"] for obj in parse(text)] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("text", "nature"),
    [
        ("just a text", "a text"),
        ("[a]", "a list"),
        ("a: b", "a mapping without kind"),
        ("kind: 1", "a mapping without kind"),
        ("kind: List\nitems: [null]", "a NoneType"),
        ("kind: List\nitems: [{a: b}]", "a mapping without kind"),
    ],
)
def test_what_is_no_kubernetes_object_is_refused_by_its_nature(text: str, nature: str) -> None:
    with pytest.raises(TypeError, match=f"not a Kubernetes object but {nature}"):
        parse(text)


def test_a_dump_has_the_keys_that_a_reader_looks_for_in_front() -> None:
    given_object = {
        "status": {},
        "spec": {"z": 1, "name": "web", "a": [{"value": "v", "name": "one"}]},
        "metadata": {"labels": {"b": "1", "a": "yes"}, "namespace": "shop", "name": "web"},
        "kind": "K",
        "apiVersion": "v1",
    }
    assert dump([given_object, {"kind": "Second"}]) == (
        "apiVersion: v1\n"
        "kind: K\n"
        "metadata:\n  name: web\n  namespace: shop\n  labels:\n    a: 'yes'\n    b: '1'\n"
        "spec:\n  name: web\n  a:\n    - name: one\n      value: v\n  z: 1\n"
        "status: {}\n"
        "---\n"
        "kind: Second\n"
    )


SCALARS = st.text("0123456789xobB_.eE+-:~yYnNInfaAs", min_size=1, max_size=6)
TEXTS = SCALARS | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=8)
TREES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(codec="utf-8"), max_size=8)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abyn01", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(TREES)
def test_what_is_dumped_is_read_back_the_same(tree: Any) -> None:
    assert parse(dump([{"kind": "K", "spec": tree}])) == [{"kind": "K", "spec": tree}]


@pytest.mark.parametrize("text", ["y", "n", "on", "0o644", "08", "1e3", "1:20", "2001-12-14", "null", "", "~", "<<"])
def test_a_text_that_looks_like_something_else_is_quoted(helm: Chart, text: str) -> None:
    (found,) = _by_helm(helm, [dump([{"kind": "K", "value": text, "map": {text: 1}}])])
    assert found == {"kind": "K", "value": text, "map": {text: 1}}, "kubectl would read what was meant"
