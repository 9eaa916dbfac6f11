"""A chart whose dependency is declared and not there. Helm's engine renders it all the same; `helm install` refuses."""

from pathlib import Path
from typing import Any

import pytest

from hakit.charts.render import Release, render
from hakit.charts.source import load
from hakit.errors import HakitError

RELEASE = Release("web", "default")


def chart(folder: Path, dependency: str, values: str = "") -> Path:
    (folder / "templates").mkdir()
    (folder / "templates" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n")
    (folder / "values.yaml").write_text(values)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{{{dependency}}}]\n")
    return folder


DB = "name: db, version: 1.0.0, repository: 'https://charts.example.com'"


@pytest.mark.parametrize(
    ("dependency", "defaults", "values"),
    [
        (DB, "", {}),
        (f"{DB}, condition: db.enabled", "", {}),  # a condition that no value answers is no condition
        (f"{DB}, condition: db.enabled", "db: {enabled: false}", {"db": {"enabled": True}}),
        (f"{DB}, condition: 'db.enabled,global.db'", "global: {db: true}", {}),
        (f"{DB}, tags: [data, extra]", "tags: {data: false, extra: true}", {}),
    ],
)
def test_a_missing_subchart_that_is_on_is_refused(
    tmp_path: Path, dependency: str, defaults: str, values: dict[str, Any]
) -> None:
    folder = chart(tmp_path, dependency, defaults)
    with pytest.raises(HakitError, match="the subchart db is missing"):
        render(load(str(folder)), values, RELEASE)


@pytest.mark.parametrize(
    ("dependency", "defaults"),
    [
        (f"{DB}, condition: db.enabled", "db: {enabled: false}"),
        (f"{DB}, condition: 'db.enabled,global.db'", "db: {enabled: false}\nglobal: {db: true}"),  # the first counts
        (f"{DB}, tags: [data]", "tags: {data: false}"),
    ],
)
def test_a_missing_subchart_that_is_off_is_not_missed(tmp_path: Path, dependency: str, defaults: str) -> None:
    assert len(render(load(str(chart(tmp_path, dependency, defaults))), {}, RELEASE)) == 1


def test_the_message_says_how_to_fetch_it_or_switch_it_off(tmp_path: Path) -> None:
    folder = chart(tmp_path, f"{DB}, condition: db.enabled", "db: {enabled: true}")
    with pytest.raises(HakitError) as raised:
        render(load(str(folder)), {}, RELEASE)
    assert str(raised.value) == (
        f"chart {folder}: the subchart db is missing\n"
        "  allowed: every dependency of Chart.yaml that is switched on is in charts/\n"
        f"  do:      fetch it with `helm dependency build {folder}`, or switch it off by db.enabled"
    )
