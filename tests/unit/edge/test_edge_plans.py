"""What hakit plans, resolved by the stand-in and not by hakit's own lists.

For any topology, any way to steer, any regions drained or fenced and any set of dead pools: who is served by whom. The
stand-in knows of hakit nothing but the inputs that would go to Cloudflare.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.edge.account import BALANCER, KINDS, POOL, REGIONS, Account
from lab.edge.checking import check
from lab.edge.steering import Client, State, resolve
from tests.traffic.shop import cloudflare, run
from tests.unit.edge.plans import planned_account, recorded_account

PLACES = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"]
#: For steering by place: where a client's data center stands. Any point does: no region may be lost from it.
POINTS = st.tuples(st.floats(-60, 70), st.floats(-180, 180))
STEERINGS = ["geo", "weighted", "proximity", "latency"]


@st.composite
def topologies(draw: st.DrawFn) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Two to five regions; what they serve, any of it twice or by nobody; which are drained or fenced."""
    regions = draw(st.lists(st.sampled_from(PLACES), min_size=2, max_size=5, unique=True))
    serves = {region: draw(st.lists(st.sampled_from(REGIONS), unique=True)) for region in regions}
    traffic = {region: draw(st.sampled_from(["serve", "serve", "drain", "fence"])) for region in regions}
    declared = {"serves": {region: f"[{', '.join(codes)}]" for region, codes in serves.items()}, "traffic": traffic}
    others = draw(st.sampled_from(["nearest", *regions])) if any(serves.values()) else None
    return regions, declared, {"others": others} if others else {}


def a_state(account: Account, live: set[str]) -> State:
    """Every pool's endpoints are healthy where the region lives; round trips are even."""
    pools = account.objects[POOL]
    health = {(name, each["name"]): name in live for name, pool in pools.items() for each in pool["origins"]}
    trips = {(code, name): 0.05 for code in REGIONS for name in pools}
    return State(pools, health, round_trips=trips)


@settings(max_examples=150, deadline=None)
@given(topologies(), st.sampled_from(STEERINGS), st.data())
def test_every_region_of_the_world_is_served_by_a_live_region_if_there_is_one(
    made: tuple[list[str], dict[str, Any], dict[str, Any]], steering: str, data: st.DataObject
) -> None:
    regions, declared, more = made
    args = {"steering": steering, **(more if steering == "geo" else {})}
    account = planned_account(args, *regions, mode="active-active", **declared)
    live = data.draw(st.sets(st.sampled_from(regions)))
    able = {region for region in live if declared["traffic"][region] == "serve"}
    draw, place = data.draw(st.floats(0, 1, exclude_max=True)), data.draw(POINTS)
    for code in REGIONS:
        found = resolve(
            account.objects[BALANCER]["the-balancer"], Client(code, place=place, draw=draw), a_state(account, live)
        )
        if able:
            assert (found.why, found.pool in able) == ("steering", True), f"{code}: {found}, able: {able}"
        else:
            assert found.origin is None or declared["traffic"][found.pool or ""] == "serve", f"{code}: {found}"


@settings(max_examples=60, deadline=None)
@given(topologies(), st.sampled_from(["geo", "weighted", "proximity"]), st.data())
def test_sessions_leave_a_dead_or_fenced_region_and_may_stay_in_a_drained_one(
    made: tuple[list[str], dict[str, Any], dict[str, Any]], steering: str, data: st.DataObject
) -> None:
    regions, declared, more = made
    args = {"steering": steering, "affinity": {"by": "cookie"}, **(more if steering == "geo" else {})}
    account = planned_account(args, *regions, mode="active-active", **declared)
    live = data.draw(st.sets(st.sampled_from(regions), min_size=1))
    able = {region for region in live if declared["traffic"][region] == "serve"}
    pinned = data.draw(st.sampled_from(regions))
    session = (pinned, account.objects[POOL][pinned]["origins"][0]["name"])
    state = State(
        **{**vars(a_state(account, live)), "disabled_for": {session: data.draw(st.sampled_from([10.0, 1e6]))}}
    )
    for code in REGIONS:
        client = Client(code, place=(0.0, 0.0), session=session)
        found = resolve(account.objects[BALANCER]["the-balancer"], client, state)
        if pinned in able:
            assert found.why == "session"
        elif found.why == "session":
            assert declared["traffic"][pinned] == "drain"
            assert state.disabled_for[session] == 10.0, "a drain ends"
        elif able:
            assert found.pool in able


@settings(max_examples=60, deadline=None)
@given(topologies(), st.data())
def test_a_standby_never_serves_while_its_health_path_fails(
    made: tuple[list[str], dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    """Active-passive: the path is true only where the region can serve in its role, so the active one alone is up."""
    regions, declared, _ = made
    account = planned_account({}, *regions, **declared)
    lives = data.draw(st.booleans())
    state = a_state(account, {regions[0]} if lives else set())
    for code in REGIONS:
        found = resolve(account.objects[BALANCER]["the-balancer"], Client(code), state)
        assert found.pool in (regions[0], None), "nobody but the active region, dead or alive"
        if declared["traffic"][regions[0]] != "serve":
            assert found.origin is None
        elif lives:
            assert found.why == "steering"


@settings(max_examples=60, deadline=None)
@given(topologies(), st.sampled_from([*STEERINGS, "ordered"]))
def test_the_stand_in_takes_everything_that_is_planned(
    made: tuple[list[str], dict[str, Any], dict[str, Any]], steering: str
) -> None:
    regions, declared, more = made
    mode = "active-passive" if steering == "ordered" else "active-active"
    args = {"steering": steering, **(more if steering == "geo" else {})}
    account = planned_account(args, *regions, mode=mode, **declared)
    found = [
        each
        for kind in KINDS
        for identity, inputs in account.objects[kind].items()
        for each in check(kind, inputs, account, identity)
    ]
    assert found == []


@pytest.mark.parametrize("steering", ["geo", "weighted"])
def test_what_is_planned_is_what_a_program_sends(steering: str, tmp_path: Path) -> None:
    """The properties above look at plans; here the component registers the same."""
    args = {"steering": steering, "affinity": {"by": "cookie"}}
    regions = ("us-east-1", "eu-west-1")
    sent = recorded_account(run(tmp_path, cloudflare(**args), *regions, mode="active-active"))
    plan = planned_account(args, *regions, mode="active-active")
    named = {"the-monitor": "shop-monitor-id"} | {region: f"shop-pool-{region}-id" for region in regions}
    assert sent.objects[POOL] == {named[key]: _with_ids(pool, named) for key, pool in plan.objects[POOL].items()}
    assert list(sent.objects[BALANCER].values()) == [_with_ids(plan.objects[BALANCER]["the-balancer"], named)]


def _with_ids(value: Any, named: dict[str, str]) -> Any:
    """The plan with ids where it has names: a whole string, as a value or as a key."""
    if isinstance(value, dict):
        return {named.get(key, key): _with_ids(each, named) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_ids(each, named) for each in value]
    return named.get(value, value) if isinstance(value, str) else value
