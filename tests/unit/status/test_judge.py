"""What a status finds: each trap, and the mended twin without it."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from hakit.observe import UnreachableError
from hakit.rules_status import STATUS as RULES
from hakit.status.judge import Seen, judge
from hakit.status.lag import Lag, lag_of
from hakit.status.seen import SeenCopy, SeenRegion
from tests.unit.postgres.given import FAILOVER, PLANNED, REBUILD, SETTLED, TOKEN
from tests.unit.status.given import NOW, PRIMARY, REPLICA, both, copy, declared, healthy
from tests.unit.status.test_restores import TRAPS as RESTORES

DEAD = UnreachableError("no answer within 15 s")


def codes(seen: Seen, *entries: dict[str, Any]) -> list[str]:
    return sorted(each.code for each in judge(declared(*entries), seen, NOW))


def told(seen: Seen, code: str, *entries: dict[str, Any]) -> str:
    (found,) = [each for each in judge(declared(*entries), seen, NOW) if each.code == code]
    return f"{found.message}; {found.detail}"


def with_token(copy: SeenCopy, text: str) -> SeenCopy:
    return replace(copy, token=text)


#: (what it is, entries of the topology, copy in a, copy in b, codes); None: there is none.
_A, _B = copy("a", now=PRIMARY), copy("b", now=REPLICA)
TRAPS: list[tuple[str, list[dict[str, Any]], SeenCopy | None, SeenCopy | None, list[str]]] = [
    ("as it should be", [], _A, _B, []),
    ("two primaries", [], _A, copy("b", now=PRIMARY), ["HK130"]),
    ("two primaries, one that cannot be asked", [FAILOVER], _A, copy("b", FAILOVER, now=PRIMARY), ["HK130", "HK133"]),
    ("none", [], copy("a", now=REPLICA), _B, ["HK131"]),
    ("a later list was applied", [], copy("a", SETTLED, now=REPLICA), copy("b", SETTLED, now=PRIMARY), ["HK132"] * 2),
    (
        "the old side has not applied a failover, and is fenced",
        [FAILOVER],
        replace(copy("a"), fenced=True, problem="fenced"),
        copy("b", FAILOVER, now=PRIMARY),
        ["HK133"],
    ),
    ("a token of another handover", [TOKEN], copy("a", TOKEN, now=REPLICA),
     with_token(copy("b", TOKEN, now=PRIMARY), "T0"), ["HK134"]),
    ("the token of this one", [TOKEN], copy("a", TOKEN, now=REPLICA), copy("b", TOKEN, now=PRIMARY), []),
    ("a token on a replica", [], _A, with_token(_B, "T1"), ["HK134"]),
    ("another primary by hand", [], _A, replace(_B, primary="orders-g1-c"), ["HK135"]),
    ("a copy that is missing", [], _A, None, ["HK136"]),
    ("too far behind", [], replace(_A, now=replace(PRIMARY, lags=(("orders-g1", 31.0),))), _B, ["HK137"]),
    ("just near enough", [], replace(_A, now=replace(PRIMARY, lags=(("orders-g1", 30.0),))), _B, []),
    ("the archive stands still", [], replace(_A, now=replace(PRIMARY, archive_failed=NOW)), _B, ["HK138"]),
    ("the archive works again", [], replace(_A, now=replace(PRIMARY, archive_failed=NOW - dt.timedelta(60))), _B, []),
    ("never archived", [], replace(_A, now=replace(PRIMARY, archived=None, archive_failed=NOW)), _B, ["HK138"]),
    ("an instance is missing", [], replace(_A, ready=2), _B, ["HK139"]),
    ("an instance that was not to be asked", [], _A, replace(_B, now=None, problem="not allowed"), ["HK139"]),
    ("the primary is fenced", [], replace(_A, now=None, fenced=True), _B, ["HK131", "HK140"]),
    ("a certificate ends", [], replace(_A, certificates={"x": NOW + dt.timedelta(days=5)}), _B, ["HK119"]),
    ("a certificate is dead", [], replace(_A, certificates={"x": NOW}), _B, ["HK118"]),
    ("a certificate lives", [], replace(_A, certificates={"x": NOW + dt.timedelta(days=6)}), _B, []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "a", "b", "expected"), [each[1:] for each in TRAPS], ids=[each[0] for each in TRAPS]
)
def test_a_trap_is_found_and_its_mended_twin_is_not(
    entries: list[dict[str, Any]], a: SeenCopy | None, b: SeenCopy | None, expected: list[str]
) -> None:
    assert codes(both(a, b), *entries) == expected


def test_every_rule_of_a_status_has_a_trap() -> None:
    """Those of restores are in test_restores.py."""
    assert {code for each in [*TRAPS, *RESTORES] for code in each[-1]} >= {rule.code for rule in RULES}


def test_a_dead_region_is_told_and_nothing_is_made_up_about_it() -> None:
    seen = {"a": DEAD, "b": SeenRegion("v1.34.1", (_B,))}
    assert codes(seen) == ["HK100", "HK131"]
    assert told(seen, "HK131") == "no copy that was seen takes writes; a did not answer"
    assert codes({"a": DEAD, "b": SeenRegion("v1.34.1", (copy("b", FAILOVER, now=PRIMARY),))}, FAILOVER) == ["HK100"]
    assert codes({"a": DEAD, "b": DEAD}) == ["HK100", "HK100"]


def test_during_a_planned_handover_it_says_what_is_waited_for() -> None:
    seen = both(copy("a", PLANNED, now=REPLICA), copy("b", PLANNED, now=REPLICA))
    assert told(seen, "HK131", PLANNED).endswith("; a planned handover to b waits for its token")


def test_of_a_rebuilt_region_the_kept_copy_is_no_surprise_and_an_unknown_one_is() -> None:
    kept = copy("a", FAILOVER, now=REPLICA)
    new = replace(copy("a", FAILOVER, REBUILD, now=REPLICA), incarnation=2, name="orders-g2", primary="orders-g1-b")
    seen = {
        "a": SeenRegion("v1.34.1", (replace(kept, epoch=20), replace(new, epoch=20))),
        "b": SeenRegion("v1.34.1", (copy("b", FAILOVER, REBUILD, now=PRIMARY),)),
    }
    assert codes(seen, FAILOVER, REBUILD) == []
    assert "HK132" in codes(seen, FAILOVER), "this topology lists no incarnation 2"


def test_what_a_server_refuses_is_told() -> None:
    seen = {**healthy(), "b": SeenRegion("v1.34.1", (_B,), {"/apis/x": "Forbidden: no"})}
    assert told(seen, "HK139") == "it was not to be read; Forbidden: no"


def test_lag_is_told_of_one_history_only() -> None:
    assert lag_of(_B, _A) == Lag(1000, 0.25)
    assert lag_of(replace(_B, now=replace(REPLICA, system="other")), _A) == Lag()
    assert lag_of(_B, None) == Lag()


def test_without_streaming_seconds_are_known_only_when_nothing_is_missing() -> None:
    shipping = replace(_A, now=replace(PRIMARY, lags=()))
    assert lag_of(_B, shipping) == Lag(1000, None)
    assert lag_of(replace(_B, now=replace(REPLICA, position=1_000_000)), shipping) == Lag(0, 0)


def test_of_two_regions_whose_copies_have_one_name_the_larger_lag_counts() -> None:
    own = replace(_A, now=replace(PRIMARY, lags=(("orders-g1", 0.1), ("orders-g1", 7.0), ("orders-g1-2", 60.0))))
    assert lag_of(_B, own).seconds == 7
