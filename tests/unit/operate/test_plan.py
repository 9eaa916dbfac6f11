"""What is refused before anything is begun, and what a person is shown."""

from collections.abc import Callable

import pytest

from hakit.errors import HakitError
from hakit.operate import plan
from hakit.operate.steps import Operation
from hakit.operate.text import plan_text
from hakit.operate.world import Sight
from hakit.preview.paint import Paint
from hakit.topology.loading import parse
from tests.unit.operate.fake import STACKS, WITNESS, A, B, FakeWorld, begin, planned
from tests.unit.topology.example import EXAMPLE


def refused(make: Callable[[], object]) -> str:
    with pytest.raises(HakitError) as caught:
        make()
    return str(caught.value)


def test_an_unknown_region_and_the_active_one_are_refused() -> None:
    world = FakeWorld()
    assert "is not in this region" in refused(lambda: planned(world, "switchover", "eu-west-1"))
    for kind in ("switchover", "failover"):
        assert "this region is active already" in refused(lambda kind=kind: planned(world, kind, A))


def test_a_pair_whose_regions_each_write_is_never_handed_over() -> None:
    text = EXAMPLE.replace("mode: active-passive", "mode: active-active\n    writes: partitioned")
    topology = parse(text, "topology.yaml")
    told = refused(lambda: plan.failover(topology, "shop", B, Sight(), STACKS))
    assert "every region writes its own rows" in told


def test_a_switchover_needs_both_sides_and_a_failover_only_its_target() -> None:
    world = FakeWorld()
    world.cut(A)
    told = refused(lambda: planned(world, "switchover", B))
    assert told.startswith("region us-east-1 does not answer\n  given:   no answer within 1 s")
    assert "when it is lost: hakit failover" in told
    assert planned(world, "failover", B).to == B
    world.cut(B)
    assert "region us-west-2 does not answer" in refused(lambda: planned(world, "failover", B))


def test_more_loss_than_is_accepted_is_refused_with_both_numbers() -> None:
    world = FakeWorld()
    sight = world.see(world.model.regions, {})
    late = Sight(sight.seen, sight.positions, dict.fromkeys(sight.seen, 31.0), {})
    told = refused(lambda: plan.failover(world.topology(), "shop", B, late, STACKS, "30s"))
    assert "more may be lost than is accepted\n  given:   31 s behind\n  allowed: 30s" in told
    assert plan.failover(world.topology(), "shop", B, late, STACKS, "1m").entries[0]["accept_loss"] == "1m"
    assert "not a duration" in refused(lambda: plan.failover(world.topology(), "shop", B, sight, STACKS, "soon"))


def test_without_a_word_the_pairs_rpo_is_what_may_be_lost() -> None:
    assert planned(FakeWorld(), "failover", B, "").entries == [{"kind": "failover", "to": B, "accept_loss": "30s"}]


def test_a_file_that_is_older_than_a_region_is_refused() -> None:
    world = FakeWorld()
    old = world.content
    begin(world, planned(world, "switchover", B))
    world.content = old
    told = refused(lambda: planned(world, "failover", B))
    assert "it is at epoch 12, this topology at 0" in told
    assert "this checkout is old: use the newest file" in told


def test_no_region_was_left_behind_by_a_pair_that_is_whole() -> None:
    assert "no region was left behind by a failover" in refused(lambda: planned(FakeWorld(), "failback", ""))


def test_a_region_that_does_not_answer_is_not_rebuilt() -> None:
    world = FakeWorld()
    world.cut(A)
    begin(world, planned(world, "failover", B))
    assert "region us-east-1 does not answer" in refused(lambda: planned(world, "failback", ""))


def test_without_a_witness_a_failover_says_what_nothing_will_stop() -> None:
    world = FakeWorld(content=EXAMPLE)
    operation = planned(world, "failover", B)
    assert not [step for step in operation.steps if step.act == "witness"]
    assert operation.notes[-1] == (
        "the pair has no witness: when us-east-1 comes back nothing stops it, until its stack is updated"
    )
    assert WITNESS not in world.content


def test_a_plan_names_for_every_step_where_why_how_it_is_seen_and_how_it_is_undone() -> None:
    world = FakeWorld()
    shown = plan_text(planned(world, "switchover", B), ["a note"], None, Paint())
    lines = shown.splitlines()
    assert lines[0] == "switchover of pair shop from us-east-1 to us-west-2: 11 steps, about 37 s"
    assert "  ! a note" in lines
    place = lines.index("  3  demote-us-east-1  demote the databases in us-east-1: writes stop")
    assert lines[place + 1] == "     us-east-1 · about 0.3 s · a copy may write when no other one does"
    assert lines[place + 2] == (
        "     done when its Clusters carry the entry's epoch; undo: the way back applies the cancel"
    )
    assert sum("point of no return" in line for line in lines) == 1
    assert lines[-1].startswith("the way back, when a step fails before that: back-append, back-witness")


def test_a_plan_is_the_same_after_a_journal_has_kept_it() -> None:
    for kind in ("switchover", "failover"):
        operation = planned(FakeWorld(), kind, B)
        assert Operation.of(operation.as_dict()) == operation
