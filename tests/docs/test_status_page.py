"""The page docs/status.md: its screen is what the code prints, its keys are the document's."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from hakit.preflight.failover import FailoverDocument
from hakit.rules_status import STATUS
from hakit.status import status_text
from hakit.status.document import (
    CopyDocument,
    DatabaseDocument,
    PairDocument,
    RegionDocument,
    StatusDocument,
    document_of,
)
from hakit.status.restores import Check
from hakit.status.seen import SeenCopy, SeenRegion, copy_of
from hakit.topology import load
from tests.docs.test_documentation import blocks
from tests.unit.postgres.given import objects
from tests.unit.status.given import NOW, PRIMARY, REPLICA
from tests.unit.status.given import STATUS as HEALTHY

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "status.md"
KINDS = [StatusDocument, RegionDocument, FailoverDocument, PairDocument, DatabaseDocument, CopyDocument]
TOPOLOGY = load(ROOT / "stacks" / "topology.prod.yaml")


def _copy(region: str, **more: Any) -> SeenCopy:
    made = objects(region, given=TOPOLOGY)["cluster-g1"]
    return replace(copy_of({**made, "status": HEALTHY}, {}), **more)


def _checks() -> Iterator[Check]:
    """Of both archives, in the standby's cluster."""
    for region, hours in (("us-east-1", 8), ("us-west-2", 7)):
        proven = NOW - dt.timedelta(hours=hours)
        yield Check(f"orders-from-{region}", "shop-restore-checks", "shop", "orders", region, proven=proven)


def test_the_screen_is_what_is_printed() -> None:
    seen = {
        "us-east-1": SeenRegion("v1.34.1", (_copy("us-east-1", now=PRIMARY, backup=NOW - dt.timedelta(hours=10)),)),
        "us-west-2": SeenRegion("v1.34.1", (_copy("us-west-2", now=REPLICA),), checks=tuple(_checks())),
    }
    assert blocks(PAGE, "text") == [status_text(document_of(TOPOLOGY, "topology.yaml", seen, NOW))]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_every_key_of_the_document(kind: type) -> None:
    section = PAGE.read_text().partition("## --format json\n")[2]
    assert [name for name in get_type_hints(kind) if f"`{name}`" not in section] == []


def test_the_page_names_every_code() -> None:
    text = PAGE.read_text()
    assert [rule.code for rule in STATUS if rule.code not in text] == []
