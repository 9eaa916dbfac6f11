"""The page of active-active pairs: its program runs, its lists and its manifest are what the code says."""

from pathlib import Path

import pytest
import yaml

from hakit.topology import loading
from tests.components.test_active_active import FAILOVER_CHANGES
from tests.docs.test_documentation import assert_within, blocks, run_block
from tests.unit.postgres.test_active_active import PARTITIONED, emitted
from tests.unit.topology.example import EXAMPLE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "active-active.md"


def test_the_program_runs_and_its_application_writes_to_the_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = run_block(blocks(PAGE, "python")[0])
    service = found.one("kubernetes:core/v1:Service", "shop-orders-primary")
    assert service.inputs["spec"]["externalName"] == "orders.us-east-1.internal.example.com"


def test_the_topology_is_one() -> None:
    head = EXAMPLE.partition("pairs:\n")[0]
    assert loading.parse(head + blocks(PAGE, "yaml")[0], "t.yaml").pair("shop").writes == "primary-region"


def test_the_subscription_that_is_shown_is_emitted() -> None:
    assert_within(
        yaml.safe_load(blocks(PAGE, "yaml")[1]), emitted("b", "partitioned", **PARTITIONED)["subscription-a"], ""
    )


def test_the_fields_that_a_failover_changes_are_those_of_the_test() -> None:
    assert blocks(PAGE, "text")[0].splitlines() == FAILOVER_CHANGES


def test_the_page_names_every_way_to_write() -> None:
    text = PAGE.read_text()
    assert all(f"| `{writes}` |" in text for writes in ("primary-region", "partitioned", "read-only"))
