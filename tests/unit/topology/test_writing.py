# ruff: noqa: S105 (tokens of a test are no passwords)
"""Who may write what, with several databases and long lists; and the whole message of what is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.topology.fence import Record, may_create, may_drop, raise_witness, record_allows, witness_allows
from hakit.topology.handovers import Copy, Epoch, Witness
from hakit.topology.intents import cluster_intent
from hakit.topology.listing import entries
from hakit.topology.model import Handover, Pair
from hakit.topology.writing import Seen, may_append, may_record_token, may_settle
from tests.unit.topology.test_handovers import CANCEL, FAILOVER, PLANNED, REBUILD, SETTLED, TOKEN, A, B, pair
from tests.unit.topology.test_intents import A2, LOST, done, failed, pending, rebuilt

TWO = ("orders", "users")
PRIMARY = Seen(built=True, primary=True, epoch=Epoch(0, 0))
READY = Seen(built=True, prefix=True, epoch=Epoch(0, 0))
BOTH = {(each, copy): seen for each in TWO for copy, seen in ((A, PRIMARY), (B, READY))}


def entry(fields: dict[str, object]) -> Handover:
    return Handover.model_validate(fields)


def message(rule: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(HakitError) as caught:
        rule(*arguments)
    assert "s3cr3t" not in str(caught.value), "a token is never shown"
    return str(caught.value)


def test_every_database_of_the_pair_must_be_ready_for_a_planned_entry() -> None:
    may_append(pair(databases=TWO), entry(PLANNED), BOTH)
    found = message(may_append, pair(databases=TWO), entry(PLANNED), BOTH | {("users", B): replace(READY, built=False)})
    assert found == "users in b, incarnation 1, is not built\n  do:      wait until every instance has the data"


@pytest.mark.parametrize("at", [None, Epoch(0, 2), Epoch(1, 1), Epoch(2, 0)])
def test_the_target_of_a_planned_entry_carries_exactly_the_newest_epoch(at: Epoch | None) -> None:
    seen = {("orders", B): replace(PRIMARY, epoch=Epoch(1, 2)), ("orders", A): replace(READY, epoch=at)}
    assert message(may_append, pair(SETTLED), entry(pending("a")), seen) == (
        "orders in a, incarnation 1, is not at the newest epoch, 12\n  do:      apply the newest file in a first"
    )


def test_the_target_of_a_planned_entry_is_the_current_incarnation_not_the_highest() -> None:
    listed = pair(*LOST, failed("a", incarnation=1), failed("b", settled=True))
    at = Epoch(4, 2)
    seen = {("orders", B): replace(PRIMARY, epoch=at), ("orders", A): replace(READY, epoch=at)}
    may_append(listed, entry(pending("a")), seen)
    assert "a, incarnation 1, is not built" in message(
        may_append, listed, entry(pending("a")), {**seen, ("orders", A): Seen(), ("orders", A2): READY}
    )


def test_a_failover_is_legal_over_whatever_has_not_ended() -> None:
    may_append(pair(PLANNED), entry(failed("a")), {("orders", A): PRIMARY})  # back, over a pending one
    may_append(pair(TOKEN), entry(failed("a")), {("orders", A): READY})
    one_open = {("orders", B): PRIMARY, ("users", B): READY}
    may_append(pair({**PLANNED, "tokens": {"orders": "T1"}}, databases=TWO), entry(FAILOVER), one_open)
    kept = {("orders", A2): READY}
    assert message(may_append, pair(*LOST), entry(failed("a", incarnation=1)), kept) == (
        "orders in a, incarnation 1, is not built\n  do:      choose a region or a kept incarnation that is built"
    )
    may_append(pair(*LOST), entry(failed("a", incarnation=1)), {("orders", A): READY})


def test_settled_needs_every_database_and_a_rebuilt_copy_that_follows() -> None:
    both = {"kind": "planned", "to": "b", "tokens": {"orders": "s3cr3t-1", "users": "s3cr3t-2"}}
    orders, users = (replace(PRIMARY, last_promotion_token=token) for token in both["tokens"].values())  # type: ignore[attr-defined]
    may_settle(pair(both, databases=TWO), {("orders", B): orders, ("users", B): users})
    assert message(may_settle, pair(both, databases=TWO), {("orders", B): orders, ("users", B): orders}) == (
        "users in b, incarnation 1, was not promoted with this entry's token\n"
        "  do:      apply the newest file in b and wait until it is"
    )
    half = {**both, "tokens": {"users": "s3cr3t-2"}}
    assert message(may_settle, pair(half, databases=TWO), {("users", B): users}) == (
        "pair shop, entry 1: orders has no token yet\n  do:      apply the newest file in a"
    )
    unsettled = {**REBUILD, "settled": False}
    for seen, unmet in [
        (Seen(prefix=True), "is not built as a replica"),
        (Seen(built=True, prefix=True, primary=True), "is not built as a replica"),
        (Seen(built=True), "has a history that is not a prefix of b's"),
    ]:
        assert f"a, incarnation 2, {unmet}" in message(may_settle, pair(FAILOVER, unsettled), {("orders", A2): seen})


NOT_YET = "  do:      finish or cancel that one first"
NO_PLANNED = "a cancel without a pending planned entry before it"
USERS_ONLY = {**PLANNED, "tokens": {"users": "T2"}}
LISTED: list[tuple[Pair, str | None]] = [
    # planned
    (pair(SETTLED, pending("a"), pending("b")), "a planned entry follows entry 2 (planned), which is not settled"),
    (pair(FAILOVER, pending("a")), "a planned entry follows entry 1 (failover), which is not settled"),
    (pair(FAILOVER, REBUILD, pending("a")), "a planned entry follows entry 2 (rebuild), which is not settled"),
    (pair(SETTLED, pending("b", "T2")), "this region is active already"),
    (pair(PLANNED, CANCEL, pending("b")), None),
    (pair({**USERS_ONLY, "settled": True}, databases=TWO), "settled without the token of orders"),
    # failover
    (pair(PLANNED, failed("a")), None),
    (pair(PLANNED, failed("b")), None),
    (pair(TOKEN, failed("b")), None),
    (pair(USERS_ONLY, failed("a"), databases=TWO), None),
    (pair({**PLANNED, "tokens": {"orders": "T1"}}, failed("b"), databases=TWO), None),
    (pair(FAILOVER, failed("b")), "this region is active already"),
    (pair(*LOST, failed("a", incarnation=1), failed("a", incarnation=2)), None),
    (pair(*LOST, failed("a", incarnation=1), failed("a", incarnation=1)), "this region is active already"),
    (pair(*LOST, failed("a", incarnation=3)), "no such incarnation was ever listed there"),
    # cancel
    (pair(FAILOVER, CANCEL), NO_PLANNED),
    (pair({**PLANNED, "settled": True}, {**CANCEL, "to": "b"}, databases=()), NO_PLANNED),
    (pair(USERS_ONLY, CANCEL, databases=TWO), "a cancel of entry 1, which has a token already"),
    (pair(PLANNED, {**CANCEL, "accept_loss": "1m"}), "a cancel entry loses nothing"),
    (pair(PLANNED, {**CANCEL, "incarnation": 1}), "a cancel entry changes no incarnation"),
    (pair(PLANNED, {**CANCEL, "settled": True}), "a cancel is complete as it stands"),
    (pair(PLANNED, {**CANCEL, "tokens": {"orders": "T1"}}), "a cancel entry takes no token"),
    # rebuild
    (pair(SETTLED, REBUILD), None),
    (pair(FAILOVER, REBUILD), None),
    (pair(FAILOVER, {**REBUILD, "incarnation": 1}), "not the next incarnation"),
    (pair(FAILOVER, {**REBUILD, "tokens": {"orders": "T1"}}), "a rebuild entry takes no token"),
    (pair(FAILOVER, {**REBUILD, "accept_loss": "1m"}), "a rebuild entry loses nothing"),
    (pair(TOKEN, REBUILD), "a rebuild over entry 1, which is pending"),
    # only the first entry that does not fit is told
    (pair(CANCEL, CANCEL), NO_PLANNED),
]  # fmt: skip


@pytest.mark.parametrize(("listed", "what"), LISTED)
def test_the_order_of_a_list(listed: Pair, what: str | None) -> None:
    assert [each.what for each in entries((), listed)] == ([what] if what else [])


SECRET = "s3cr3t-1"
DEMOTED = Seen(epoch=Epoch(1, 0), demotion_token=SECRET, token_is_end=True)
BAD: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "out of order": (
        may_append,
        (pair(TOKEN), entry(pending("a")), {}),
        "pair shop, entry 2: a planned entry follows entry 1 (planned), which is not settled\n"
        "  allowed: planned after a settled entry or a cancel, or first\n" + NOT_YET,
    ),
    "the same region": (
        may_append,
        (pair(), entry(failed("a")), {}),
        "pair shop, entry 1: this region is active already\n  given:   a\n  allowed: b, c",
    ),
    "the same region, seen to be primary": (
        may_append,
        (pair(TOKEN), entry(FAILOVER), {("orders", B): PRIMARY}),
        "pair shop, entry 2: this region is active already\n  given:   b",
    ),
    "an unknown region": (
        may_append,
        (pair(), entry(pending("d")), {}),
        "pair shop, entry 1: not a region of the pair\n  given:   d\n  allowed: a, b, c",
    ),
    "an unknown region's copy": (
        may_drop,
        (pair(), "orders", Copy("d", 1), None, ()),
        "pair shop is not in this region\n  given:   d\n  allowed: a, b, c",
    ),
    "an unknown database": (
        may_record_token,
        (pair(PLANNED), "order", SECRET, A, DEMOTED),
        "pair shop: unknown database\n  given:   order\n  allowed: orders\n  do:      did you mean 'orders'?",
    ),
    "a new entry with a token": (
        may_append,
        (pair(), entry(pending("b", SECRET)), BOTH),
        "pair shop: a new entry has neither tokens nor settled\n  do:      they are added later",
    ),
    "a new entry that is settled": (
        may_append,
        (pair(), entry(failed("b", settled=True)), BOTH),
        "pair shop: a new entry has neither tokens nor settled\n  do:      they are added later",
    ),
    "a stale token": (
        may_record_token,
        (pair(done("b", SECRET), pending("a")), "orders", SECRET, B, replace(DEMOTED, epoch=Epoch(2, 0))),
        "orders: a stale token: an older entry has it already\n  do:      apply the newest file first",
    ),
    "a token of an older epoch": (
        may_record_token,
        (pair(PLANNED, CANCEL, PLANNED), "orders", SECRET, A, DEMOTED),
        "orders in a, incarnation 1: its Cluster has not applied entry 3, so its token may be another entry's\n"
        "  given:   epoch 10\n  allowed: epoch 30\n  do:      apply the newest file in a first",
    ),
    "a token older than the data": (
        may_record_token,
        (pair(PLANNED), "orders", SECRET, A, replace(DEMOTED, token_is_end=False)),
        "orders in a, incarnation 1: its token is older than its data, so it is not from this demotion\n"
        "  do:      wait until it is demoted; if its etcd was restored, write a cancel to a and begin again",
    ),
    "a token of the other side": (
        may_record_token,
        (pair(PLANNED), "orders", SECRET, B, DEMOTED),
        "orders: a token is read from the old side only\n  given:   b, incarnation 1\n  allowed: a, incarnation 1",
    ),
    "a planned entry without a primary": (
        may_append,
        (pair(), entry(PLANNED), {}),
        "orders in a, incarnation 1, is not primary\n  do:      mend it first, or write a failover with accept_loss",
    ),
    "a target that has diverged": (
        may_append,
        (pair(), entry(PLANNED), {("orders", A): PRIMARY, ("orders", B): replace(READY, prefix=False)}),
        "orders in b, incarnation 1, has a history that is not a prefix of a's\n  do:      write a rebuild of b first",
    ),
    "settled before the promotion": (
        may_settle,
        (pair(FAILOVER), {}),
        "orders in b, incarnation 1, is not primary\n  do:      apply the newest file in b and wait until it is",
    ),
    "an empty database after a handover": (
        may_create,
        (cluster_intent(pair(FAILOVER), "orders", "a"), Record()),
        "orders incarnation 1 in a: an empty database is created only before the first handover\n"
        "  do:      write a rebuild of it, or a failover to a copy that is built",
    ),
    "an archive's name twice": (
        may_create,
        (cluster_intent(pair(), "orders", "a"), Record(highest_created=2)),
        "orders incarnation 1 in a: it was created here before, and its archive has its name\n"
        "  given:   1\n  allowed: an incarnation above 2\n"
        "  do:      write a rebuild of it, or a failover to a copy that is built",
    ),
    "a copy that the witness names": (
        may_drop,
        (pair(FAILOVER, failed("a"), FAILOVER, rebuilt("a", 2)), "orders", A, Witness(2, "a", 1), {A2}),
        "orders incarnation 1 in a: the witness names it\n  do:      apply the newest file first",
    ),
    "a witness that would fall": (
        raise_witness,
        (Witness(2, "a", 1), Witness(1, "b", 1)),
        "the witness only rises\n  given:   entry 1, b incarnation 1\n  allowed: above entry 2, a incarnation 1\n"
        "  do:      this checkout is old: use the newest file",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused_is_told_in_full_and_never_with_a_token(case: str) -> None:
    rule, arguments, expected = BAD[case]
    assert message(rule, *arguments) == expected


def test_only_a_founded_primary_before_the_first_entry_may_start_empty() -> None:
    first = cluster_intent(pair(), "orders", "a")
    for intent in (replace(first, primary=B), replace(first, bootstrap="recovery"), replace(first, epoch=Epoch(1, 0))):
        assert "orders incarnation 1 in a: " in message(may_create, intent, Record())
    may_create(cluster_intent(pair(FAILOVER), "orders", "c"), Record())  # a replica, at any time


def test_the_record_of_a_region_never_falls() -> None:
    intent = cluster_intent(pair(SETTLED), "orders", "a")
    assert Record(Epoch(1, 0), 0).after(intent, "CREATE") == Record(Epoch(1, 2), 1)
    assert Record(Epoch(1, 0), 0).after(intent, "UPDATE") == Record(Epoch(1, 2), 0), "only a creation uses a name"
    assert Record(Epoch(2, 0), 3).after(intent, "CREATE") == Record(Epoch(2, 0), 3)
    old = Record(Epoch(1, 1), 1)
    assert record_allows(old, old)
    assert record_allows(old, Record(Epoch(1, 2), 2))
    assert not record_allows(old, Record(Epoch(1, 0), 2))
    assert not record_allows(old, Record(Epoch(2, 0), 0))


def test_a_list_that_the_witness_contradicts_is_not_applied() -> None:
    b_at_1, a_at_2 = Witness(1, "b", 1), Witness(2, "a", 1)
    assert witness_allows(None, pair())
    assert witness_allows(b_at_1, pair(FAILOVER))
    assert witness_allows(b_at_1, pair(PLANNED)), "it rises with the token, which may not be in the file yet"
    assert witness_allows(b_at_1, pair(*LOST))
    assert not witness_allows(b_at_1, pair()), "an old checkout"
    assert not witness_allows(a_at_2, pair(FAILOVER))
    assert not witness_allows(b_at_1, pair(failed("c"))), "the entry was rewritten"
    assert not witness_allows(a_at_2, pair(*LOST)), "a rebuild opens nothing: entries were removed and others added"
