"""The page of backups says what is so, and its example is what it says."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.components import backup_plan_args
from hakit.components.postgres_cluster_args import PostgresRestoreArgs, PostgresWindowArgs
from hakit.plan.backup_clock import existing, restorable
from hakit.plan.backup_tiers import APPLICATION, DATABASE, TIERS
from hakit.topology import names
from hakit.topology.loading import load
from lab.fetched import BACKUPS
from tests.unit.backup.plans import application, database

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "backup-velero" / "__main__.py"
REFERENCE = ROOT / "stacks" / "region.py"
RESTORE = ROOT / "examples" / "restore-pitr" / "__main__.py"
BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def section(title: str) -> str:
    _, _, rest = PAGE.partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_tiers_are_those_of_the_plan() -> None:
    assert rows("Tiers") == [
        [
            name,
            tier.rpo[DATABASE],
            tier.rpo[APPLICATION],
            tier.rto,
            tier.retention,
            tier.schedule[DATABASE],
            tier.schedule[APPLICATION],
        ]
        for name, tier in TIERS.items()
    ]


CLOCK = [row for row in rows("What there is to restore") if row[0]]


@pytest.mark.parametrize("row", CLOCK, ids=lambda row: f"{row[0]} after {row[1]}")
def test_the_clock_shows_what_the_page_says(row: list[str]) -> None:
    kind, _, tier = row[0].partition(", `")
    promise = {"database": database, "application": application}[kind](tier=tier)
    now = BEGAN + timedelta(days=int(row[1].split()[0]))
    kept, found = existing(promise, BEGAN, now), restorable(promise, BEGAN, now)
    begins, ends = found.window or (found.points[0], found.points[-1])
    shown = [f"{each:%Y-%m-%d %H:%M}" for each in (kept[0].started, begins, ends)]
    assert [str(len(kept)), *shown] == row[2:]


def test_the_clock_has_a_day_a_week_and_more_than_a_year_of_both_kinds() -> None:
    assert [row[1] for row in CLOCK] == ["1 day", "7 days", "40 days", "400 days"] * 2


@pytest.mark.parametrize(
    "args",
    [
        getattr(backup_plan_args, f"Backup{name}Args")
        for name in ("Plan", "Database", "Application", "Measured", "Velero", "Store")
    ],
)
def test_the_page_names_every_argument(args: type) -> None:
    # `retention` to `takes` are between `tier` and `measured` of databases.
    assert [name for name in args.__annotations__ if f"`{name}`" not in section("Arguments")] == []


def test_the_version_of_velero_is_the_one_that_the_lab_has() -> None:
    ((_, _, version, _),) = BACKUPS
    assert f"Velero {version.removeprefix('v')} on a real API server" in section("How far it is proven").replace(
        "\n", " "
    )


@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
def test_the_programs_are_those_of_the_examples_and_of_the_reference_system(block: str) -> None:
    assert any(block in path.read_text(encoding="utf-8") for path in (EXAMPLE, RESTORE, REFERENCE))


@pytest.mark.parametrize("args", [PostgresRestoreArgs, PostgresWindowArgs])
def test_the_page_names_every_argument_of_a_restore(args: type) -> None:
    # What a window has stands in the program.
    told = section("Restoring a database").replace('"', "`")
    assert [name for name in args.__annotations__ if f"`{name}`" not in told] == []


@cache
def preview(example: str = "backup-velero") -> dict[str, Any]:
    command = [sys.executable, "-m", "hakit.cli", "preview", f"examples/{example}", "--strict", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {stack["stack"]: stack for stack in json.loads(done.stdout)["stacks"]}


def test_the_example_has_the_same_plan_in_both_regions() -> None:
    promises = {
        "database orders": "critical: a backup every 6h, kept 35 days; at most 30s lost of 1m",
        "application storefront": "standard: a backup every 1d, kept 30 days; at most 1d 1h 15m lost of 1d 2h",
    }
    for region in ("us-east-1", "us-west-2"):
        stack = preview()[f"prod-{region}"]
        assert stack["exports"]["promises"] == promises
        names = [each["name"] for each in stack["resources"] if each["name"].startswith("shop-")]
        assert sorted(names) == [
            "shop-location-us-east-1",
            "shop-location-us-west-2",
            "shop-repository",
            "shop-schedule-storefront",
        ]


def test_the_buckets_that_the_example_names_are_the_ones_that_it_makes() -> None:
    shared = preview()["prod-shared"]["resources"]
    assert [each["name"] for each in shared if each["type"] == "aws:s3/bucket:Bucket"] == [
        "velero-bucket-us-east-1",
        "velero-bucket-us-west-2",
        "wal-bucket-us-east-1",
        "wal-bucket-us-west-2",
    ]
    topology = load(EXAMPLE.with_name("topology.yaml"))
    for region in ("us-east-1", "us-west-2"):
        assert f'"{region}": "{names.bucket_of(topology, region, "velero")}"' in EXAMPLE.read_text(encoding="utf-8")


def test_the_example_restores_beside_the_database_that_runs() -> None:
    for region, store in (("us-east-1", ["orders-rescued-store-restore"]), ("us-west-2", [])):
        names = [each["name"] for each in preview("restore-pitr")[f"prod-{region}"]["resources"]]
        assert {"orders-cluster-g1", "orders-rescued-cluster-g1"} <= set(names)
        assert [name for name in names if name.endswith("-restore")] == store
        exports = preview("restore-pitr")[f"prod-{region}"]["exports"]
        assert exports == {"orders": "orders-rw.shop.svc", "rescued": "orders-rescued-rw.shop.svc"}


def test_the_restore_of_an_application_is_of_the_plan_and_brings_nothing_that_runs() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    spec = yaml.safe_load(block)["spec"]
    (schedule,) = [each for each in preview()["prod-us-east-1"]["resources"] if each["name"].endswith("-storefront")]
    assert schedule["name"] == "shop-schedule-storefront"
    assert re.fullmatch(r"shop-storefront-\d{14}", spec["backupName"])
    assert spec["includedResources"] == ["persistentvolumeclaims", "persistentvolumes"]
    assert list(spec["namespaceMapping"]) == ["shop"], "the namespace that the plan backs up"
    assert set(spec["namespaceMapping"].values()) != {"shop"}
