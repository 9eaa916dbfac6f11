"""Every order of what can happen, within bounds, and long random orders: the invariants of handovers.md hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.topology.explore import Bounds, Explorer
from tests.unit.topology.world import World

PLANNED = ("planned", "cancel")

# The last number: a floor under the states seen, so that a bound or a rule that stops everything is noticed.
RUNS = {
    "two regions, everything": (("a", "b"), Bounds(depth=6), 4000),
    "two regions, planned and cancelled": (("a", "b"), Bounds(depth=11, kinds=PLANNED, cuts=0, drops=False), 800),
    "two regions, an etcd restored": (("a", "b"), Bounds(depth=9, kinds=PLANNED, restores=1, cuts=0, drops=False), 800),
    "two regions, an etcd restored, three entries": (
        ("a", "b"),
        Bounds(depth=9, entries=3, kinds=PLANNED, restores=1, cuts=0, old_checkouts=1, by_hand=False, drops=False),
        1500,
    ),
    "two regions, an etcd restored, with failovers": (
        ("a", "b"),
        Bounds(depth=6, kinds=(*PLANNED, "failover"), restores=1, cuts=0, drops=False),
        1000,
    ),
    "three regions, everything": (("a", "b", "c"), Bounds(depth=4), 2000),
    "three regions, planned, one after the other": (
        ("a", "b", "c"),
        Bounds(depth=6, kinds=PLANNED, cuts=0, old_checkouts=1, by_hand=False, drops=False),
        500,
    ),
}


@pytest.mark.parametrize("run", RUNS)
def test_no_order_of_updates_breaks_an_invariant(run: str) -> None:
    regions, bounds, floor = RUNS[run]
    seen, way = Explorer(World(regions), bounds).breadth_first()
    assert way == [], "the shortest way to the fault, the fault last"
    assert seen > floor, "the exploration must not stop at once"


_WALKS = {
    regions: Explorer(World(regions), Bounds(depth=0, entries=8, writes=4, cuts=3, old_checkouts=20))
    for regions in (("a", "b"), ("a", "b", "c"))
}


@pytest.mark.parametrize("regions", _WALKS)
@settings(derandomize=True, max_examples=40, deadline=None, database=None)
@given(choices=st.lists(st.integers(0, 10_000), min_size=10, max_size=35))
def test_long_random_walks_break_no_invariant(regions: tuple[str, ...], choices: list[int]) -> None:
    explorer = _WALKS[regions]
    state, way = explorer.world.start(), []
    for choice in choices:
        steps = list(explorer.steps(state))
        if not steps:
            break
        name, state = steps[choice % len(steps)]
        way.append(name)
        assert explorer.faults(state) == "", way


def test_a_first_deployment_leaves_one_writable_side_and_followers_of_it() -> None:
    state = World(("a", "b", "c")).start()
    assert [each.copy.region for each in state.writable()] == ["a"], "founded in a"
    followers = [each for _, place in state.places for each in place.clusters if not each.writable]
    assert [each.intent.source.region for each in followers] == ["a", "a"]
