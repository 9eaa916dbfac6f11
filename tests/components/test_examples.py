"""The examples of whole systems, through the real command."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
EAST, WEST = "us-east-1", "us-west-2"


@cache
def preview(example: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", "preview", str(EXAMPLES / example), "--strict", "--format", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def stacks(example: str) -> dict[str, dict[str, Any]]:
    return {stack["stack"]: stack for stack in preview(example)["stacks"]}


def clusters(stack: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in stack["resources"] if each["type"].endswith(":Cluster")]


@pytest.mark.parametrize("example", ["active-passive", "active-active", "single-program"])
def test_an_example_has_no_finding_and_accepts_none(example: str) -> None:
    reports = [report for stack in preview(example)["stacks"] for report in stack["findings"]]
    assert len(reports) == 2, "one application in two regions"
    assert [(report["open"], report["accepted"]) for report in reports] == [([], [])] * 2


def test_active_passive_has_a_stack_a_region_and_one_for_what_no_region_owns() -> None:
    found = stacks("active-passive")
    assert sorted(found) == ["prod-shared", "prod-us-east-1", "prod-us-west-2"]
    assert found["prod-us-east-1"]["exports"]["orders"] == "active"
    assert found["prod-us-west-2"]["exports"]["orders"] == "standby"
    buckets = [each for each in found["prod-shared"]["resources"] if each["type"] == "aws:s3/bucket:Bucket"]
    assert [each["name"] for each in buckets] == [
        "wal-bucket-us-east-1",
        "wal-bucket-us-west-2",
        "witness-bucket-us-east-1",
        "witness-bucket-us-west-2",
    ]
    fences = [each["name"] for each in found["prod-us-west-2"]["resources"] if each["name"] == "shop-fence-deployment"]
    assert fences == ["shop-fence-deployment"]


def test_active_active_serves_in_both_regions_and_writes_to_one_primary() -> None:
    found = stacks("active-active")
    assert sorted(found) == ["prod-us-east-1", "prod-us-west-2"]
    for region in (EAST, WEST):
        exports = found[f"prod-{region}"]["exports"]
        assert exports["host"] == "orders-primary.shop.svc"
        assert f"active in {region}; warehouse-api 4 (2 with a zone lost)" in exports["warehouse"]


def test_the_migration_keeps_the_charts_cluster_and_adds_a_copy_elsewhere() -> None:
    found = stacks("migrate-from-cnpg-chart")
    assert found["prod-us-east-1"]["exports"] == {"orders": "shop-cluster"}
    assert found["prod-us-west-2"]["exports"] == {"orders": "orders-g1"}
    assert [each["protect"] for stack in found.values() for each in clusters(stack)] == [True, True]


def test_a_single_program_deploys_each_region_by_its_own_provider() -> None:
    (stack,) = preview("single-program")["stacks"]
    found = {each["name"]: each for each in clusters(stack)}
    assert sorted(found) == ["shop-us-east-1-orders-cluster-g1", "shop-us-west-2-orders-cluster-g1"]
    for region in (EAST, WEST):
        assert found[f"shop-{region}-orders-cluster-g1"]["provider"] == region
        assert found[f"shop-{region}-orders-cluster-g1"]["protect"]
