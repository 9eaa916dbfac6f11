"""The frozen chart: rendered by Helm it gives back exactly the objects, and nothing of the values is in its files."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hakit.charts.freeze import FOLDER, folder_of, keyed, write
from hakit.charts.objects import id_of
from hakit.charts.render import render
from hakit.charts.source import Chart, load
from hakit.errors import HakitError
from tests.charts.build import RELEASE, config, make_chart, one

OBJECTS = [
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "labels": {"yes": "no", "n": "0644", "date": "2001-12-14"}},
        "data": {
            "template": "{{ .Values.missing }} {{ fail `x` }} {{- $x := 1 }}",
            "lines": "first\n  second\n\nthird\n",
            "crlf": "a\r\nb\ttab",
            "unicode": "Zürich, Ελλάδα, 東京, 😀",
            "looks": '---\n"quoted": [1]\n# comment',
            "empty": "",
            "exponent": "1e3",
        },
    },
    {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {"name": "thing", "annotations": {}},
        "spec": {"large": 2**53, "negative": -(2**53), "size": 1.5, "none": None, "list": [], "map": {}, "on": False},
    },
]


def rendered(folder: Path, objects: list[dict[str, Any]]) -> dict[str, Any]:
    values = {"objects": keyed(objects, RELEASE.namespace)}
    found = {id_of(obj): obj for obj in render(load(str(folder)), values, RELEASE)}
    # By it no other delivery begins while this one would delete everything.
    assert found.pop(f"ConfigMap/{RELEASE.name}-delivered-by-hakit") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{RELEASE.name}-delivered-by-hakit"},
        "immutable": True,
        "data": {"delivery": "release"},
    }
    return found


def test_a_release_that_lets_go_has_no_mark(tmp_path: Path) -> None:
    folder = write(make_chart(tmp_path, ""), tmp_path)
    assert render(load(str(folder)), {"objects": {}, "leave": True}, RELEASE) == []


def test_the_frozen_chart_gives_back_exactly_the_objects(tmp_path: Path) -> None:
    folder = write(make_chart(tmp_path, ""), tmp_path)
    assert rendered(folder, OBJECTS) == {id_of(obj): obj for obj in OBJECTS}
    assert rendered(folder, []) == {}


def _autoscaled(kind: str = "Deployment", **bounds: int) -> list[dict[str, Any]]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return [
        {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": {"paused": False}},
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "any"},
            "spec": {"scaleTargetRef": target, **bounds},
        },
    ]


@pytest.mark.parametrize(
    ("kind", "bounds", "spec"),
    [
        ("Deployment", {"minReplicas": 3, "maxReplicas": 9}, {"paused": False, "replicas": 3}),
        ("Deployment", {"maxReplicas": 9}, {"paused": False, "replicas": 1}),  # Kubernetes' default for the minimum
        ("StatefulSet", {"minReplicas": 3, "maxReplicas": 9}, {"paused": False}),  # not what it scales
    ],
)
def test_what_an_autoscaler_scales_starts_with_its_minimum(
    tmp_path: Path, kind: str, bounds: dict[str, int], spec: dict[str, Any]
) -> None:
    """No cluster is looked into here; tests/lab/test_autoscaler.py shows what is done where there is one."""
    folder = write(make_chart(tmp_path, ""), tmp_path)
    objects = _autoscaled(kind, **bounds)
    found = rendered(folder, objects)
    assert found[f"{kind}/web"]["spec"] == spec
    assert found["HorizontalPodAutoscaler/any"] == objects[1]
    assert objects[0]["spec"] == {"paused": False}


#: All but the control characters beyond ASCII's: those are refused.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters=[chr(each) for each in [*range(0x7F, 0xA0), 0xFFFE, 0xFFFF]]),
    max_size=9,
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abyn01{}", min_size=1), inner, max_size=3),
    max_leaves=9,
)


@settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES)
def test_whatever_is_in_an_object_arrives_unharmed(tmp_path: Path, tree: Any) -> None:
    folder = write(make_chart(tmp_path, ""), tmp_path)
    obj = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": tree}
    assert rendered(folder, [obj]) == {"Thing/thing": obj}


@pytest.mark.parametrize("char", ["\x7f", "\x80", "\x85", "\x9f", "\ufffe"])
def test_a_character_on_which_helm_drops_the_whole_object_is_refused(char: str) -> None:
    for data in ({"a": f"b{char}"}, {f"b{char}": "a"}):
        with pytest.raises(HakitError, match="ConfigMap/web: a text in it holds a control character"):
            keyed([{**one(config("{}")), "data": data}], "shop")


def test_the_frozen_chart_has_the_name_and_version_of_the_original_and_nothing_of_its_values(tmp_path: Path) -> None:
    chart = make_chart(tmp_path, config("{a: '{{ .Values.password }}'}"), "password: c4nary")
    folder = write(chart, tmp_path)
    frozen = load(str(folder))
    assert (frozen.name, frozen.version) == ("web", "1.0.0")
    files = [item for item in folder.rglob("*") if item.is_file()]
    assert sorted(str(item.relative_to(folder)) for item in files) == [
        "Chart.yaml",
        "templates/objects.yaml",
        "values.yaml",
    ]
    assert not any("c4nary" in item.read_text() for item in files)


def test_the_folder_is_the_same_for_all_values_and_on_every_machine(tmp_path: Path) -> None:
    one_place = make_chart(tmp_path / "one", config("{a: b}"), "a: 1")
    other = make_chart(tmp_path / "other", config("{c: d}"), "a: 2")
    assert folder_of(one_place) == folder_of(other), "only name, version and description are in it"
    assert folder_of(one_place).parent == FOLDER
    newer = make_chart(tmp_path / "newer", "", **{"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.1\n"})
    assert folder_of(newer) != folder_of(one_place)


def test_writing_twice_leaves_what_is_there(tmp_path: Path) -> None:
    chart = make_chart(tmp_path, "")
    folder = write(chart, tmp_path)
    before = {item: item.stat().st_mtime_ns for item in folder.rglob("*")}
    assert write(chart, tmp_path) == folder
    assert {item: item.stat().st_mtime_ns for item in folder.rglob("*")} == before
    assert [item.name for item in folder.parent.iterdir()] == [folder.name], "no draft is left behind"


def _write(reference: str, root: str, barrier: Any, answers: Any) -> None:
    chart: Chart = load(reference)
    barrier.wait(20)
    answers.put(str(write(chart, Path(root))))


def test_two_processes_at_once_write_the_same_whole_chart(tmp_path: Path) -> None:
    make_chart(tmp_path, "")
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(2), spawn.Queue()
    arguments = (str(tmp_path / "web"), str(tmp_path), barrier, answers)
    writers = [spawn.Process(target=_write, args=arguments) for _ in range(2)]
    for writer in writers:
        writer.start()
    folders = {answers.get(timeout=30) for _ in writers}
    for writer in writers:
        writer.join(30)
    (folder,) = folders
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert [item.name for item in Path(folder).parent.iterdir()] == [Path(folder).name]
    assert rendered(Path(folder), OBJECTS) == {id_of(obj): obj for obj in OBJECTS}


def test_an_object_keeps_its_key_when_others_come_and_go() -> None:
    web, job = one(config("{}")), {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web"}}
    assert list(keyed([job, web], "shop")) == ["Job/web", "ConfigMap/web"]
    assert list(keyed([web], "shop")) == ["ConfigMap/web"]


def test_the_frozen_chart_keeps_what_helm_judges_a_cluster_by(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(
        'apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: "2.4"\nkubeVersion: ">=1.30.0-0"\n'
    )
    frozen = load(str(write(load(str(folder)), tmp_path)))
    assert (frozen.name, frozen.version, frozen.app_version) == ("web", "1.0.0", "2.4")
    assert frozen.kube_version == ">=1.30.0-0", "without it Helm would install the chart on any version"
