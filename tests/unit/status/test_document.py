"""The screen and the document of `hakit status`."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from hakit.observe import UnreachableError
from hakit.status import exit_code, status_text
from hakit.status.document import StatusDocument, document_of
from hakit.status.judge import Seen
from hakit.status.restores import Check
from hakit.status.seen import SeenRegion
from hakit.status.text import duration
from tests.unit.postgres.given import FAILOVER
from tests.unit.status.given import NOW, PRIMARY, REPLICA, both, copy, declared, healthy

DEAD = UnreachableError("no answer within 15 s")


def document(seen: Seen, *entries: dict[str, Any]) -> StatusDocument:
    return document_of(declared(*entries), "topology.yaml", seen, NOW)


def test_a_healthy_pair_is_one_screen_with_its_objectives_beside_what_was_measured() -> None:
    backup = NOW - dt.timedelta(hours=10)
    seen = both(replace(copy("a", now=PRIMARY), backup=backup), copy("b", now=REPLICA))
    tried = Check("orders-from-a", "shop-restore-checks", "shop", "orders", "a", proven=NOW - dt.timedelta(hours=8))
    seen["b"] = SeenRegion("v1.34.1", (copy("b", now=REPLICA),), checks=(tried,))
    assert status_text(document(seen)) == (
        "a  a · v1.34.1\n"
        "b  b · v1.34.1\n"
        "room for a failover: not asked (--room)\n"
        "\n"
        "shop  active-passive, active in a · RTO 5m, RPO 30s (now 0.2s)\n"
        "  orders, epoch 0\n"
        "    region  copy       role     epoch  ready  behind        archived  backup   proven    certificate\n"
        "    a       orders-g1  primary  0      3/3                  12s ago   10h ago  8h ago    89 days\n"
        "    b       orders-g1  replica  0      3/3    1000    0.2s                     no check  89 days\n"
        "\n"
        "2 of 2 regions answered, 0 errors, 0 warnings\n"
    )


def test_a_dead_region_takes_its_lines_and_nothing_else() -> None:
    found = document({"a": DEAD, "b": SeenRegion("v1.34.1", (copy("b", now=REPLICA),))})
    text = status_text(found)
    assert "a  a · no answer: no answer within 15 s\n" in text
    assert "    a       -          unknown, declared primary  ?      ?      ?" in text
    assert "    b       orders-g1  replica                    0      3/3    ?" in text, "behind whom, nobody knows"
    assert "1 of 2 regions answered, 2 errors, 0 warnings" in text
    assert [each["code"] for each in found["findings"]] == ["HK100", "HK131"]


def test_what_differs_from_the_declared_role_stands_beside_it() -> None:
    seen = both(replace(copy("a"), fenced=True), copy("b", FAILOVER, now=PRIMARY))
    assert "fenced, declared replica" in status_text(document(seen, FAILOVER))


def test_a_copy_that_a_failover_left_behind_has_no_lag() -> None:
    """It has rows of its own: a number of bytes would say that they can be caught up with."""
    seen = both(copy("a", FAILOVER, now=REPLICA), copy("b", FAILOVER, now=PRIMARY))
    (pair,) = document(seen, FAILOVER)["pairs"]
    (a, b) = pair["databases"][0]["copies"]
    assert (a["role"], a["lag_bytes"], a["lag_seconds"]) == ("replica", None, None)
    assert (b["role"], b["declared"]) == ("primary", "primary")


def test_the_document_has_plain_numbers() -> None:
    found = document(healthy())
    (pair,) = found["pairs"]
    assert (pair["active"], pair["rto_seconds"], pair["rpo_seconds"], pair["lag_seconds"]) == ("a", 300, 30, 0.25)
    assert pair["databases"][0]["copies"][1] == {
        "region": "b",
        "cluster": "orders-g1",
        "declared": "replica",
        "role": "replica",
        "epoch": 0,
        "instances": [3, 3],
        "lag_bytes": 1000,
        "lag_seconds": 0.25,
        "archive_seconds": None,
        "backup_seconds": None,
        "proven_seconds": None,
        "restore_checks": [],
        "certificate_days": 89,
        "problem": "",
    }


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (healthy(), 0),
        (both(replace(copy("a", now=PRIMARY), ready=2), copy("b", now=REPLICA)), 3),
        (both(copy("a", now=PRIMARY), copy("b", now=PRIMARY)), 1),
    ],
    ids=["nothing", "a warning", "an error"],
)
def test_the_exit_code_is_that_of_the_worst_finding(seen: Seen, code: int) -> None:
    assert exit_code(document(seen)) == code


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.25, "0.2s"), (30, "30s"), (90, "90s"), (300, "5m"), (7300, "2h"), (172800, "2d")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text
