"""The page of RegionPair: its program runs, its lists are what the code says."""

from pathlib import Path

import pytest

from hakit.components.region_pair_args import FenceArgs, ReadyArgs, ReadyIngressArgs, RegionPairArgs
from hakit.fence.witness import parse
from hakit.topology import Witness
from tests.components.test_region_pair import FAILOVER_CHANGES
from tests.components.test_what_a_region_names import EXCEPTIONS
from tests.docs.test_documentation import blocks, run_block

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "region-pair.md"


def test_the_program_runs_and_creates_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = run_block(blocks(PAGE, "python")[0])
    pair = found.one("hakit:index:RegionPair")
    assert [child.name for child in found.children(pair)] == ["shop-orders", "shop-warehouse"]


def test_the_fields_that_a_failover_changes_are_those_of_the_test() -> None:
    assert blocks(PAGE, "text")[0].splitlines() == FAILOVER_CHANGES


def test_the_page_lists_what_a_regions_stack_names_of_another() -> None:
    section = (
        PAGE.read_text().partition("\n## What a region's stack names of another region\n")[2].partition("\n## ")[0]
    )
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    assert [tuple(cell.strip("`") for cell in row) for row in rows] == EXCEPTIONS


def test_the_table_names_every_argument() -> None:
    table = PAGE.read_text().partition("\n## Arguments\n")[2]
    names = [
        *(name for kind in (RegionPairArgs, FenceArgs, ReadyArgs, ReadyIngressArgs) for name in kind.__annotations__)
    ]
    assert [name for name in names if f"`{name}`" not in table] == []


def test_the_witness_that_is_shown_is_one() -> None:
    assert parse(blocks(PAGE, "json")[0]) == {"orders": Witness(1, "us-west-2", 1)}
