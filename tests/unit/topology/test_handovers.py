# ruff: noqa: S105, S106, PLR0917 (tokens of a test are no passwords; a table has its columns)
"""The table "What a region's program emits" and the rules around it, row by row, for three regions."""

from dataclasses import replace

import pytest

from hakit.errors import HakitError
from hakit.topology.fence import Record, guard_allows, may_create, may_drop, raise_witness
from hakit.topology.handovers import Copy, Epoch, Witness, active_region, epoch, role, witness_wanted
from hakit.topology.intents import cluster_intent
from hakit.topology.model import Handover, Pair, make_pair
from hakit.topology.turn import Watched, fence_turn
from hakit.topology.writing import Seen, may_append, may_record_token, may_settle

A, B, C = Copy("a", 1), Copy("b", 1), Copy("c", 1)
PLANNED = {"kind": "planned", "to": "b"}
TOKEN = {**PLANNED, "tokens": {"orders": "T1"}}
SETTLED = {**TOKEN, "settled": True}
FAILOVER = {"kind": "failover", "to": "b", "accept_loss": "30s"}
CANCEL = {"kind": "cancel", "to": "a"}
REBUILD = {"kind": "rebuild", "to": "a", "incarnation": 2}


def pair(*entries: dict[str, object], databases: tuple[str, ...] = ("orders",)) -> Pair:
    return make_pair(
        "shop",
        mode="active-passive",
        founded="a",
        regions=("a", "b", "c"),
        databases=databases,
        objectives={"rto": "5m", "rpo": "30s"},
        handovers=list(entries),
    )


# For each state: (primary, source, token) in a, b and c, from the table of handovers.md.
TABLE = {
    "nothing yet": ([], (A, B, None), (A, A, None), (A, A, None)),
    "planned, no token": ([PLANNED], (B, B, None), (A, A, None), (A, A, None)),
    "planned, token": ([TOKEN], (B, B, None), (B, A, "T1"), (B, B, None)),
    # Settled by whom is not recorded, so the token stays: counterexample 3.
    "planned, settled": ([SETTLED], (B, B, None), (B, A, "T1"), (B, B, None)),
    "failover": ([FAILOVER], (B, B, None), (B, A, None), (B, B, None)),
    "failover over a pending planned": ([PLANNED, FAILOVER], (B, B, None), (B, A, None), (B, B, None)),
    "cancel": ([PLANNED, CANCEL], (A, B, None), (A, A, None), (A, A, None)),
}


@pytest.mark.parametrize("state", TABLE)
def test_each_region_emits_what_the_table_says(state: str) -> None:
    entries, *expected = TABLE[state]
    found = [cluster_intent(pair(*entries), "orders", region) for region in ("a", "b", "c")]
    assert [(each.primary, each.source, each.promotion_token) for each in found] == expected


def test_the_token_is_cleared_once_its_promotion_was_seen_and_recorded() -> None:
    intent = cluster_intent(pair(SETTLED), "orders", "b", promoted_with="T1")
    assert (intent.promotion_token, intent.clear_token, intent.is_primary) == (None, True, True)
    assert cluster_intent(pair(SETTLED), "orders", "b", promoted_with="T0").promotion_token == "T1", "another token"
    assert cluster_intent(pair(SETTLED, FAILOVER | {"to": "c"}), "orders", "b").clear_token, "it carried T1 before"
    assert not cluster_intent(pair(), "orders", "a").clear_token, "the founded copy never carried one"


def test_a_rebuild_brings_a_new_copy_from_the_active_and_keeps_the_old_one_in_quarantine() -> None:
    intent = cluster_intent(pair(FAILOVER, REBUILD), "orders", "a")
    assert (intent.member, intent.primary, intent.bootstrap, intent.recover_from) == (Copy("a", 2), B, "recovery", B)
    (kept,) = intent.kept
    assert (kept.member, kept.primary, kept.quarantined, kept.awaits_ready) == (A, B, True, False)
    assert cluster_intent(pair(FAILOVER, REBUILD), "orders", "b").source == Copy("a", 2), "the peers follow"


def test_a_failover_may_open_a_kept_copy_again() -> None:
    opened = pair(FAILOVER, REBUILD, FAILOVER | {"to": "a", "incarnation": 1})
    intent = cluster_intent(opened, "orders", "a")
    assert (intent.member, intent.is_primary) == (A, True)
    assert [each.member for each in intent.kept] == [Copy("a", 2)]
    assert witness_wanted(opened, "orders") == Witness(3, "a", 1)


def test_the_old_active_of_a_failover_never_counts_as_ready_and_nobody_else_is_concerned() -> None:
    ready = [cluster_intent(pair(FAILOVER), "orders", region).awaits_ready for region in ("a", "b", "c")]
    assert ready == [False, True, True]
    assert cluster_intent(pair(FAILOVER, REBUILD), "orders", "a").awaits_ready, "the new copy counts"


def test_only_the_founded_copy_starts_empty() -> None:
    starts = [cluster_intent(pair(), "orders", region).bootstrap for region in ("a", "b", "c")]
    assert starts == ["initdb", "recovery", "recovery"]


@pytest.mark.parametrize(
    ("entries", "number"),
    [([], 0), ([PLANNED], 10), ([TOKEN], 11), ([SETTLED], 12), ([SETTLED, FAILOVER], 20), ([PLANNED, CANCEL], 20)],
)
def test_the_epoch_is_ten_times_the_entries_plus_the_step(entries: list[dict[str, object]], number: int) -> None:
    assert epoch(pair(*entries), "orders").number == number
    assert Epoch.of(number).number == number


def test_applications_follow_a_planned_handover_only_when_every_database_has_its_token() -> None:
    two = ("orders", "users")
    assert active_region(pair(TOKEN, databases=two)) == "a", "users has no token yet"
    both = {**PLANNED, "tokens": {"orders": "T1", "users": "T2"}}
    assert active_region(pair(both, databases=two)) == "b"
    assert active_region(pair(PLANNED, databases=())) == "b", "nothing to wait for"
    assert active_region(pair(FAILOVER, databases=two)) == "b", "at once"
    assert [role(pair(FAILOVER), region) for region in ("a", "b", "c")] == ["standby", "active", "standby"]


def test_unknown_databases_and_regions_are_refused() -> None:
    with pytest.raises(HakitError, match="unknown database"):
        epoch(pair(), "order")
    with pytest.raises(HakitError, match="not in this region"):
        role(pair(), "d")


def test_the_guard_refuses_below_the_cluster_or_below_the_record() -> None:
    low, high = Epoch(1, 1), Epoch(1, 2)
    assert guard_allows(low, low, high, "UPDATE")
    assert guard_allows(high, high, high, "UPDATE"), "the same file again"
    assert not guard_allows(high, None, low, "UPDATE")
    assert not guard_allows(low, high, low, "UPDATE"), "the record alone refuses"
    assert not guard_allows(None, high, low, "CREATE"), "there is no Cluster to compare with"
    assert guard_allows(None, None, low, "CREATE")
    assert guard_allows(high, None, low, "CREATE"), "what was there is gone; the record remembers it"


def test_what_may_be_created() -> None:
    first = cluster_intent(pair(), "orders", "a")
    may_create(first, Record())
    may_create(cluster_intent(pair(FAILOVER, REBUILD), "orders", "a"), Record(Epoch(1, 0), 1))
    refused = [
        (first, Record(highest_created=1), None, "created here before"),
        (first, Record(), Witness(1, "b", 1), "only before the first handover"),
        (cluster_intent(pair(PLANNED), "orders", "a"), Record(), None, "only before the first handover"),
        (cluster_intent(pair(FAILOVER), "orders", "b"), Record(), None, "never created as a primary"),
        (replace(first, quarantined=True), Record(), None, "kept copy that is missing"),
    ]
    for intent, record, witness, expected in refused:
        with pytest.raises(HakitError, match=expected):
            may_create(intent, record, witness)


def test_an_old_copy_is_dropped_only_when_nothing_names_it_and_the_new_one_is_built() -> None:
    listed, new = pair(FAILOVER, REBUILD), Copy("a", 2)
    may_drop(listed, "orders", A, Witness(1, "b", 1), {new})
    may_drop(listed, "orders", A, None, {new})
    reopened = pair(FAILOVER, REBUILD, FAILOVER | {"to": "a", "incarnation": 1})
    may_drop(reopened, "orders", new, Witness(3, "a", 1), {A})  # the witness names another copy of the region
    for copy, witness, built, expected in [
        (new, None, {new}, "the list of handovers names it"),
        (A, None, set(), "incarnation 2 is not built yet"),
        (A, Witness(3, "b", 1), {new}, "not the newest"),  # an old checkout
        (Copy("a", 3), None, {new}, "not the newest"),
    ]:
        with pytest.raises(HakitError, match=expected):
            may_drop(listed, "orders", copy, witness, built)


def test_the_witness_only_rises() -> None:
    low, high = Witness(1, "b", 1), Witness(2, "a", 1)
    assert raise_witness(None, low) == low
    assert raise_witness(low, high) == high
    assert raise_witness(high, high) == high
    for now, new in [(high, low), (high, Witness(2, "b", 1))]:
        with pytest.raises(HakitError, match="only rises"):
            raise_witness(now, new)


@pytest.mark.parametrize(
    ("witness", "spec_primary", "entries", "fenced", "newer", "does"),
    [
        (Witness(1, "b", 1), True, 0, False, False, "fence"),  # overtaken
        (Witness(1, "a", 1), True, 0, False, False, None),  # named, though behind
        (Witness(1, "b", 1), False, 0, False, False, None),  # a replica must replay
        (Witness(1, "b", 1), True, 1, False, True, "fence"),  # a newer incarnation stands here
        (None, True, 0, False, False, None),
        (Witness(1, "a", 1), True, 1, True, True, "unfence"),  # named: a kept copy opens
        (Witness(1, "b", 1), False, 1, True, False, "unfence"),
        (Witness(1, "b", 1), True, 1, True, False, "unfence"),  # newest, and not behind
        (Witness(2, "b", 1), True, 1, True, False, None),  # still overtaken
    ],
)
def test_a_fence_takes_its_turn_by_the_rule(
    witness: Witness | None, spec_primary: bool, entries: int, fenced: bool, newer: bool, does: str | None
) -> None:
    assert fence_turn(witness, Watched(A, Epoch(entries, 0), spec_primary, fenced), newer) == does


READY = {
    ("orders", A): Seen(built=True, primary=True, epoch=Epoch(0, 0)),
    ("orders", B): Seen(built=True, prefix=True, epoch=Epoch(0, 0)),
}


def test_a_planned_entry_needs_a_primary_and_a_target_that_can_take_over() -> None:
    entry = Handover.model_validate(PLANNED)
    may_append(pair(), entry, READY)
    a, b = READY["orders", A], READY["orders", B]
    for seen_a, seen_b, unmet in [
        (replace(a, primary=False), b, "orders in a, incarnation 1, is not primary"),
        (a, replace(b, built=False), "orders in b, incarnation 1, is not built"),
        (a, replace(b, fenced=True), "orders in b, incarnation 1, is fenced"),
        (a, replace(b, epoch=None), "orders in b, incarnation 1, is not at the newest epoch, 0"),
        (a, replace(b, primary=True), "orders in b, incarnation 1, is a primary itself"),
        (a, replace(b, prefix=False), "has a history that is not a prefix of a's"),
    ]:
        with pytest.raises(HakitError, match=unmet):
            may_append(pair(), entry, {("orders", A): seen_a, ("orders", B): seen_b})


def test_a_failover_needs_a_built_copy_and_is_refused_when_it_changes_nothing() -> None:
    may_append(pair(), Handover.model_validate(FAILOVER), READY)
    may_append(pair(TOKEN), Handover.model_validate(FAILOVER), READY)  # the target never got there
    with pytest.raises(HakitError, match="b, incarnation 1, is not built"):
        may_append(pair(), Handover.model_validate(FAILOVER), {})
    with pytest.raises(HakitError, match="this region is active already"):
        may_append(pair(TOKEN), Handover.model_validate(FAILOVER), {("orders", B): Seen(built=True, primary=True)})


def test_a_rebuild_needs_an_active_copy_that_is_primary() -> None:
    entry = Handover.model_validate(REBUILD)
    may_append(pair(FAILOVER), entry, {("orders", B): Seen(built=True, primary=True)})
    with pytest.raises(HakitError, match="b, incarnation 1, is not primary"):
        may_append(pair(FAILOVER), entry, {("orders", B): Seen(built=True)})


def test_a_token_is_recorded_only_from_this_entrys_own_demotion() -> None:
    seen = Seen(epoch=Epoch(1, 0), demotion_token="T1", token_is_end=True)
    may_record_token(pair(PLANNED), "orders", "T1", A, seen)
    older = pair(SETTLED, {"kind": "planned", "to": "a"})
    for listed, copy, looked, expected in [
        (pair(), A, seen, "no planned handover waits"),
        (pair(FAILOVER), B, seen, "no planned handover waits"),
        (pair(SETTLED), B, seen, "no planned handover waits"),
        (pair(TOKEN), B, seen, "is written already"),
        (pair(PLANNED), B, seen, "from the old side only"),
        (pair(PLANNED), Copy("a", 2), seen, "from the old side only"),
        (pair(PLANNED), A, replace(seen, epoch=Epoch(0, 2)), "has not applied entry 1"),
        (pair(PLANNED), A, replace(seen, epoch=Epoch(1, 1)), "has not applied entry 1"),
        (pair(PLANNED), A, replace(seen, epoch=Epoch(2, 0)), "has not applied entry 1"),
        (pair(PLANNED), A, replace(seen, epoch=None), "has not applied entry 1"),
        (pair(PLANNED), A, replace(seen, primary=True), "still primary"),
        (pair(PLANNED), A, replace(seen, demotion_token="T2"), "not the token in its status"),
        (pair(PLANNED), A, replace(seen, token_is_end=False), "older than its data"),
        (older, B, replace(seen, epoch=Epoch(2, 0)), "a stale token"),
    ]:
        with pytest.raises(HakitError, match=expected) as caught:
            may_record_token(listed, "orders", "T1", copy, looked)
        assert "T1" not in str(caught.value), "a token is never shown"


def test_settled_needs_the_promotion_with_this_entrys_token() -> None:
    done = Seen(built=True, primary=True, last_promotion_token="T1")
    may_settle(pair(TOKEN), {("orders", B): done})
    may_settle(pair(FAILOVER), {("orders", B): replace(done, last_promotion_token=None)})
    may_settle(pair(FAILOVER, REBUILD), {("orders", Copy("a", 2)): Seen(built=True, prefix=True)})
    for listed, seen, expected in [
        (pair(), done, "no entry to settle"),
        (pair(PLANNED, CANCEL), done, "no entry to settle"),
        (pair(SETTLED), done, "settled already"),
        (pair(PLANNED), done, "orders has no token yet"),
        (pair(TOKEN), replace(done, primary=False), "is not primary"),
        (pair(TOKEN), replace(done, last_promotion_token="T0"), "not promoted with this entry's token"),
        (pair(FAILOVER, REBUILD), done, "is not built as a replica"),
    ]:
        with pytest.raises(HakitError, match=expected):
            may_settle(listed, {("orders", B): seen})
