"""What long lists lead to: the third region, the former active, kept copies, tokens of several databases."""

from dataclasses import fields

import pytest

from hakit.topology.handovers import Copy, Witness, epoch, witness_wanted
from hakit.topology.intents import ClusterIntent, cluster_intent
from hakit.topology.listing import entries
from hakit.topology.model import Pair
from tests.unit.topology.test_handovers import A, B, C, pair


def done(to: str, token: str) -> dict[str, object]:
    return {"kind": "planned", "to": to, "tokens": {"orders": token}, "settled": True}


def pending(to: str, token: str = "") -> dict[str, object]:
    return {"kind": "planned", "to": to, "tokens": {"orders": token} if token else {}}


def failed(to: str, **more: object) -> dict[str, object]:
    return {"kind": "failover", "to": to, "accept_loss": "30s", **more}


def rebuilt(to: str, incarnation: int) -> dict[str, object]:
    return {"kind": "rebuild", "to": to, "incarnation": incarnation, "settled": True}


A2 = Copy("a", 2)
LOST = [failed("b", settled=True), rebuilt("a", 2)]


def emitted(listed: Pair, region: str) -> ClusterIntent:
    assert not list(entries((), listed)), "the list itself keeps the rules"
    return cluster_intent(listed, "orders", region)


@pytest.mark.parametrize(
    ("listed", "region", "primary", "source", "token"),
    [
        (pair(pending("c")), "a", C, C, None),  # it demotes and follows the target, not the nearest
        (pair(done("c", "T1"), pending("b", "T2")), "b", B, C, "T2"),  # the former active is c, not the founder
        (pair(done("c", "T1"), pending("b", "T2")), "a", B, B, None),
        (pair(done("c", "T1"), failed("b")), "b", B, C, None),
        (pair(done("c", "T1"), failed("b")), "a", B, B, None),  # the third region follows: its stack changes too
        (pair(done("c", "T1"), pending("b", "T2"), failed("b")), "b", B, C, None),  # to itself: its source stays
        (pair(done("b", "T1"), pending("a"), {"kind": "cancel", "to": "b"}), "b", B, A, None),  # T1 does not return
        (pair(done("b", "T1"), {"kind": "rebuild", "to": "c", "incarnation": 2}), "b", B, A, "T1"),  # T1 stays
        (pair(*LOST, failed("a", incarnation=1), failed("b"), failed("a")), "a", A, B, None),  # current, not highest
        (pair(*LOST, failed("a", incarnation=1), failed("b"), rebuilt("a", 3)), "a", B, B, None),
        (pair(*LOST, pending("a", "T1")), "a", A2, B, "T1"),
    ],
)
def test_roles_sources_and_tokens_of_long_lists(
    listed: Pair, region: str, primary: Copy, source: Copy, token: str | None
) -> None:
    intent = emitted(listed, region)
    assert (intent.primary, intent.source, intent.promotion_token) == (primary, source, token)


def test_a_rebuild_counts_from_the_highest_incarnation_ever_listed() -> None:
    listed = pair(*LOST, failed("a", incarnation=1), failed("b"), rebuilt("a", 3))
    assert emitted(listed, "a").member == Copy("a", 3)
    again = pair(*LOST, failed("a", incarnation=1), failed("b"), rebuilt("a", 2))
    assert [each.what for each in entries((), again)] == ["not the next incarnation"], "2 was listed before"


def test_a_primary_carries_its_token_or_clears_it_never_both() -> None:
    assert not emitted(pair(pending("b", "T1")), "b").clear_token, "it carries the token now"
    assert emitted(pair(done("b", "T1"), pending("a"), {"kind": "cancel", "to": "b"}), "b").clear_token


def test_a_kept_copy_is_a_replica_of_the_active_whatever_the_current_one_is() -> None:
    (kept,) = emitted(pair(*LOST, pending("a", "T1")), "a").kept
    assert (kept.member, kept.primary, kept.source, kept.promotion_token) == (A, A2, A2, None)
    assert (kept.bootstrap, kept.recover_from, kept.quarantined, kept.awaits_ready) == ("recovery", A2, True, False)
    (kept,) = emitted(pair(*LOST, done("a", "T1"), pending("b")), "a").kept
    assert (kept.member, kept.primary, kept.source) == (A, A2, A2), "never a source that demotes to it"
    (kept,) = emitted(pair(*LOST, failed("a", incarnation=1)), "a").kept
    assert (kept.member, kept.primary, kept.bootstrap, kept.recover_from) == (A2, A, "recovery", A)
    promoted_once = pair(done("b", "T1"), done("a", "T2"), failed("b", settled=True), rebuilt("a", 2))
    (kept,) = emitted(promoted_once, "a").kept
    assert (kept.member, kept.clear_token) == (A, True), "it still carries T2"


@pytest.mark.parametrize(
    ("listed", "waits"),
    [
        (pair(failed("b")), [False, True, True]),
        (pair(failed("b"), failed("a")), [True, False, True]),  # a is opened again, b is left behind
        (pair(failed("b", settled=True), done("a", "T1")), [True, True, True]),
        # b is promoted before it reached the end that a's token names, so a is ahead of it.
        (pair(pending("b", "T1"), failed("b")), [False, True, True]),
        (pair(pending("b", "T1"), failed("c")), [False, False, True]),
        (pair(pending("b", "T1"), failed("a")), [True, False, True]),
        (pair(done("b", "T1"), failed("c")), [True, False, True]),  # a had nothing that b did not have
    ],
)
def test_a_copy_that_a_failover_left_behind_never_counts_as_ready(listed: Pair, waits: list[bool]) -> None:
    assert [emitted(listed, region).awaits_ready for region in ("a", "b", "c")] == waits


def test_each_database_has_its_own_epoch_and_the_same_in_every_region() -> None:
    two = pair(pending("b", "T1"), databases=("orders", "users"))
    assert [epoch(two, each).number for each in ("orders", "users")] == [11, 10], "users has no token yet"
    found = [cluster_intent(two, "orders", region).epoch.number for region in ("a", "b", "c")]
    assert found == [11, 11, 11]
    assert emitted(pair(*LOST), "a").kept[0].epoch.number == 22, "kept copies too"
    assert cluster_intent(two, "users", "b").primary == A, "users still waits"


@pytest.mark.parametrize(
    ("listed", "witness"),
    [
        (pair(), None),
        (pair(pending("b")), None),  # never at append
        (pair(pending("b", "T1")), Witness(1, "b", 1)),  # with the token
        (pair(done("b", "T1"), pending("a")), Witness(1, "b", 1)),
        (pair(failed("b")), Witness(1, "b", 1)),
        (pair(pending("b"), {"kind": "cancel", "to": "a"}), Witness(2, "a", 1)),
        (pair(*LOST), Witness(1, "b", 1)),  # a rebuild changes nobody's right to write
        (pair(*LOST, done("a", "T1")), Witness(3, "a", 2)),
        (pair(*LOST, failed("a", incarnation=1)), Witness(3, "a", 1)),
    ],
)
def test_the_witness_names_entry_region_and_incarnation(listed: Pair, witness: Witness | None) -> None:
    assert witness_wanted(listed, "orders") == witness


def test_a_manifest_never_owns_the_fence() -> None:
    assert not [each.name for each in fields(ClusterIntent) if "fence" in each.name]
