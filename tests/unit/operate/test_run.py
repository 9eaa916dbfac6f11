"""The step machine on a world of fakes: killed at every moment, cut off at every moment, and run again."""

from collections.abc import Callable

import pytest

from hakit.errors import HakitError
from hakit.operate.acts import ACTS
from hakit.operate.run import Outcome
from hakit.operate.steps import ACTS as KNOWN
from tests.unit.operate.fake import A, B, FakeWorld, Killed, again, begin, holds, nothing, planned

SWITCHOVER_STEPS = [
    "append-planned",
    f"wait-{B}",
    f"demote-{A}",
    "token",
    "witness",
    f"promote-{B}",
    "settle",
    "publish",
    f"update-{B}",
    "update-traffic",
    f"update-{A}",
]
FAILOVER_STEPS = ["append-failover", "witness", f"promote-{B}", "settle", "publish", f"update-{B}", "update-traffic"]


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def at(number: int, does: Callable[[], None]) -> Callable[[str], None]:
    """Do something at one moment, once."""
    left = [number]

    def interfere(_name: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            does()

    return interfere


def die() -> None:
    raise Killed


def moments_of(prepare: Callable[[FakeWorld], None], kind: str) -> int:
    """How many moments an undisturbed run has."""
    world = FakeWorld()
    prepare(world)
    operation = planned(world, kind, B)
    before = len(world.moments)
    begin(world, operation)
    return len(world.moments) - before


def as_it_is(_world: FakeWorld) -> None:
    """Nothing has happened."""


def lose_the_old_side(world: FakeWorld) -> None:
    world.cut(A)


def test_every_act_that_a_step_can_name_is_there() -> None:
    assert set(ACTS) == set(KNOWN)


def test_a_switchover_does_its_steps_in_this_order_and_loses_nothing(world: FakeWorld) -> None:
    operation = planned(world, "switchover", B)
    assert [step.id for step in operation.steps] == SWITCHOVER_STEPS
    assert [step.id for step in operation.steps if step.final] == ["token"]
    assert begin(world, planned(world, "switchover", B)).ended == "done"
    assert world.updates == [B, "traffic", A]
    holds(world, B)
    assert len(world.acknowledged) > 10, "the writer wrote"


def test_a_failover_does_its_steps_in_this_order(world: FakeWorld) -> None:
    lose_the_old_side(world)
    operation = planned(world, "failover", B)
    assert [step.id for step in operation.steps] == FAILOVER_STEPS
    assert operation.steps[0].final, "from its entry on there is no way back"
    assert begin(world, planned(world, "failover", B)).ended == "done"
    assert world.writable() == [B]
    world.reconnect()
    assert world.writable() == [B], "the fence stopped the side that came back"
    assert world.state.fault == ""


def test_a_failover_whose_old_side_answers_demotes_it_first(world: FakeWorld) -> None:
    ids = [step.id for step in planned(world, "failover", B).steps]
    assert ids.index(f"fence-{A}") < ids.index(f"promote-{B}")
    begin(world, planned(world, "failover", B))
    holds(world, B)


@pytest.mark.parametrize(("kind", "prepare"), [("switchover", as_it_is), ("failover", lose_the_old_side)])
def test_killed_at_every_moment_it_goes_on_to_its_end(kind: str, prepare: Callable[[FakeWorld], None]) -> None:
    number = moments_of(prepare, kind)
    assert number == {"switchover": 84, "failover": 52}[kind], "steps were added or taken away: look at each"
    for moment in range(number):
        world = FakeWorld()
        prepare(world)
        operation = planned(world, kind, B)
        world.interfere = at(moment, die)
        with pytest.raises(Killed):
            begin(world, operation)
        world.interfere = nothing
        assert len(world.writable()) <= 1
        if moment == 0:
            assert world.entries() == (), "before the first word of the journal nothing has happened"
            assert begin(world, operation).ended == "done"
        else:
            assert again(world) == Outcome("done", "", []), world.moments[-3:]
        world.reconnect()
        holds(world, B, lossless=kind == "switchover")


@pytest.mark.parametrize("lost", [(A,), (B,), (A, B)])
def test_with_the_network_cut_at_every_moment_of_a_switchover_a_rerun_leaves_exactly_one_side_writable(
    lost: tuple[str, ...],
) -> None:
    ends: set[tuple[str, str]] = set()
    for moment in range(moments_of(as_it_is, "switchover")):
        world = FakeWorld()
        operation = planned(world, "switchover", B)
        world.interfere = at(moment, lambda world=world: world.cut(*lost))
        first = begin(world, operation)
        world.interfere = nothing
        assert len(world.writable()) <= 1
        world.reconnect()
        last = again(world) if first.ended == "stopped" else first
        ends.add((first.ended, last.ended))
        holds(world, B if last.ended == "done" else A)
    assert {last for _, last in ends} == {"done", "undone", "refused"}
    assert ("stopped", "done") in ends, "past the point of no return it went on"


def test_a_step_that_fails_before_the_point_of_no_return_takes_everything_back(world: FakeWorld) -> None:
    refused = False

    def no_answer(name: str) -> None:
        nonlocal refused
        if name == f"apply {A}" and not refused:
            refused = True
            raise HakitError("the API server refuses it")

    world.interfere = no_answer
    outcome = begin(world, planned(world, "switchover", B))
    assert (outcome.ended, outcome.why) == ("undone", f"demote-{A}: the API server refuses it")
    assert [entry.kind for entry in world.entries()] == ["planned", "cancel"]
    holds(world, A)
    assert begin(world, planned(world, "switchover", B)).ended == "done", "the next one begins as ever"
    holds(world, B)


def test_a_cancel_is_taken_before_the_token_and_refused_after_it() -> None:
    ends = []
    for moment in ("add_token", "add_token."):
        world = FakeWorld()
        operation = planned(world, "switchover", B)

        def interfere(name: str, moment: str = moment) -> None:
            if name == moment:
                raise Killed

        world.interfere = interfere
        with pytest.raises(Killed):
            begin(world, operation)
        world.interfere = nothing
        try:
            ends.append(again(world, back=True).ended)
            holds(world, A)
        except HakitError as error:
            ends.append(error.what)
            assert again(world).ended == "done"
            holds(world, B)
    assert ends == ["undone", "the switchover of pair shop is past the point of no return"]


def test_two_switchovers_without_a_pause_and_back_again(world: FakeWorld) -> None:
    for to in (B, A, B, A):
        assert begin(world, planned(world, "switchover", to)).ended == "done"
        holds(world, to)


@pytest.mark.parametrize("to", [A, B])
def test_a_failover_during_a_switchover_in_either_direction_leaves_one_side_writable(to: str) -> None:
    for moment in range(moments_of(as_it_is, "switchover")):
        world = FakeWorld()
        operation = planned(world, "switchover", B)
        world.interfere = at(moment, die)
        with pytest.raises(Killed):
            begin(world, operation)
        world.interfere = nothing
        if to == A and world.entries() == ():
            with pytest.raises(HakitError, match="active already"):
                planned(world, "failover", to)
            continue
        if to == B and world.writable() == [B]:
            with pytest.raises(HakitError, match="active already"):
                planned(world, "failover", to)
            continue
        assert begin(world, planned(world, "failover", to)).ended == "done"
        holds(world, to, lossless=False)


def test_a_list_that_somebody_else_went_on_with_ends_the_operation_and_takes_nothing_back(world: FakeWorld) -> None:
    def foreign(name: str) -> None:
        if name == f"apply {A}":
            world.edit("append_handover", {"kind": "failover", "to": A, "accept_loss": "1s"})

    world.interfere = foreign
    outcome = begin(world, planned(world, "switchover", B))
    assert outcome == Outcome("overtaken", f"pair shop got another entry meanwhile: failover to {A}")
    assert world.state.fault == ""
    assert [entry.kind for entry in world.entries()] == ["planned", "failover"], "nothing was added to it"


def test_what_need_not_be_done_is_left_and_named(world: FakeWorld) -> None:
    world.away.add(A)
    outcome = begin(world, planned(world, "failover", B))
    assert outcome.ended == "done"
    assert [step.id for step in outcome.left] == [f"update-{A}"]


def test_a_failover_is_not_promoted_while_the_witness_cannot_be_told(world: FakeWorld) -> None:
    world.cut(A)
    world.away.add("witness")
    outcome = begin(world, planned(world, "failover", B))
    assert outcome.ended == "stopped"
    assert world.writable() == []
    world.away.clear()
    assert again(world).ended == "done"
    assert world.writable() == [B]


def test_after_a_failover_the_region_is_rebuilt_and_active_again_and_its_old_copy_is_kept(world: FakeWorld) -> None:
    world.cut(A)
    begin(world, planned(world, "failover", B))
    world.reconnect()
    ids = [step.id for step in planned(world, "failback", "").steps]
    assert ids == [
        f"return-{A}",
        "append-rebuild",
        f"rebuild-{A}",
        f"introduce-{B}",
        f"built-{A}",
        "settle-rebuild",
        f"settled-{A}",
        f"settled-{B}",
        "append-planned",
        f"wait-{A}",
        f"demote-{B}",
        "token",
        "witness",
        f"promote-{A}",
        "settle",
        "publish",
        f"update-{A}",
        "update-traffic",
        f"update-{B}",
    ]
    assert begin(world, planned(world, "failback", "")).ended == "done"
    holds(world, A)
    assert [cluster.copy.incarnation for cluster in world.state.place(A).clusters] == [1, 2], "the old copy is kept"
