"""Zones and room, with sums made by hand: three nodes of 4 cores, 8 GiB and 10 pods, one in each zone.

Asked are six pods of 1 core and 1 GiB, and three of a database.
"""

from typing import Any

import pytest

from hakit.preflight.amounts import Amount
from hakit.preflight.room import judge, room_of
from tests.unit.preflight.given import amount, node, pod, seen, wanted, workload


def found(want: dict[str, Any], **see: Any) -> list[tuple[str, str, str]]:
    return [(each.code, each.object, each.message) for each in judge(wanted(**want), seen(**see))]


def test_what_fits_with_a_zone_lost_raises_nothing() -> None:
    # Asked: 9 of 12 cores. With a zone lost: 6, and 2 of the database's 3, of 8.
    assert found({}) == []
    assert room_of(wanted(), seen()).all == amount(30, "12", 24)


def test_pods_of_others_take_room_and_the_stacks_own_do_not() -> None:
    own = [pod("a-0", "1", owner=("Deployment", "shop", "web")) for _ in range(3)]
    assert found({}, pods=own) == []
    assert room_of(wanted(), seen(pods=own)).free["a"] == amount(10, "4", 8)
    assert room_of(wanted(), seen(pods=[pod("a-0", "3")])).free["a"] == amount(9, "1", 8)
    assert room_of(wanted(), seen(pods=[pod("", "3")])).free["a"] == amount(10, "4", 8), "it waits for a node"


def test_more_than_there_is_has_no_room() -> None:
    assert found({}, pods=[pod("a-0", "2"), pod("b-0", "2")]) == [("HK110", "region", "9 cpu asked, 8 free")]


def test_every_sort_of_room_counts_and_that_of_pods_too() -> None:
    few = [node(f"{zone}-0", zone, pods=2, gib=2) for zone in "abc"]
    assert found({}, nodes=few) == [("HK110", "region", "9 pods asked, 6 free; 9Gi memory asked, 6Gi free")]


def test_a_pod_that_no_node_can_hold_is_found_though_the_sum_would_do() -> None:
    large = {"workloads": (workload("large", 1, cpu="5"),)}
    (finding,) = judge(wanted(**large), seen())
    assert (finding.code, finding.object) == ("HK110", "Deployment/large")
    assert finding.detail == "the most on one node: 5 cpu asked, 4 free"
    assert found({"workloads": (workload("large", 1, cpu="4"),)}) == []


def test_a_zone_whose_loss_leaves_too_little_is_named() -> None:
    # Free: a 4, b 4, c 2. Without a: 6 for 6 + 2; without b the same; without c: 8 for 8.
    assert found({}, pods=[pod("c-0", "2")]) == [
        ("HK111", "zone a", "with it lost: 8 cpu asked, 6 free"),
        ("HK111", "zone b", "with it lost: 8 cpu asked, 6 free"),
    ]


def test_a_pod_whose_volume_went_with_the_zone_waits_for_it() -> None:
    # Nine pods without volumes ask 9 of the 8 that two zones have; of nine with volumes the lost zone had three.
    free = {"workloads": (workload("web", 9),)}
    assert [code for code, _, _ in found(free)] == ["HK111"] * 3
    bound = {"workloads": (workload("web", 9, kind="StatefulSet", zonal=True),)}
    assert found(bound) == []


def test_a_region_of_one_zone_has_no_other_to_lose_it_to() -> None:
    from tests.unit.preflight.given import region

    alone = {"region": region(zones=["a"]), "workloads": (workload("web", 2),)}
    assert found(alone, nodes=[node("a-0", "a")]) == []


def test_what_a_failover_brings_must_fit_as_well() -> None:
    now = wanted().workloads
    assert found({"then": (*now, workload("more", 3))}) == [], "12 of 12"
    (finding,) = judge(wanted(then=(*now, workload("more", 7, cpu="0.5", gib=0))), seen())
    assert (finding.code, finding.message) == ("HK112", "after a failover: 12.5 cpu asked, 12 free")
    assert finding.detail == "7 pods, 3.5 cpu, 0 memory more than now"


def test_a_daemons_pods_come_off_every_node() -> None:
    daemon = workload("agent", 0, cpu="1", gib=1, kind="DaemonSet", per_node=True)
    room = room_of(wanted(workloads=(daemon,)), seen())
    assert room.free["a"] == amount(9, "3", 7)
    running = [pod("a-0", "1", owner=("DaemonSet", "shop", "agent"))]
    assert room_of(wanted(workloads=(daemon,)), seen(pods=running)).free["a"] == amount(9, "3", 7), "counted once"


def test_a_full_node_has_nothing_left_and_not_less() -> None:
    assert room_of(wanted(), seen(pods=[pod("a-0", "9")])).free["a"] == Amount(
        9, amount(0, "0", 0).cpu, amount(0, "0", 8).memory
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"unschedulable": True},
        {"taints": [{"key": "x", "effect": "NoSchedule"}]},
        {"taints": [{"key": "x", "effect": "NoExecute"}]},
    ],
)
def test_a_zone_whose_nodes_take_no_pods_counts_as_none(spec: dict[str, Any]) -> None:
    nodes = [node("a-0", "a"), node("b-0", "b"), node("c-0", "c", **spec)]
    assert ("HK104", "zone c", "none of its 1 nodes takes pods") in found({}, nodes=nodes)
    preferring = {"taints": [{"key": "x", "effect": "PreferNoSchedule"}]}
    assert found({}, nodes=[*nodes[:2], node("c-0", "c", **preferring)]) == []


def test_a_node_that_is_not_ready_holds_nothing() -> None:
    down = node("c-0", "c")
    down["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    codes = [code for code, _, _ in found({}, nodes=[node("a-0", "a"), node("b-0", "b"), down])]
    assert codes == ["HK104", "HK110"], "9 asked, 8 free"


def test_nodes_without_a_zone_and_zones_without_nodes() -> None:
    three = [node(f"{zone}-0", zone) for zone in "abc"]
    assert found({}, nodes=[*three, node("lost")]) == [("HK103", "nodes", "lost without a zone")]
    many = [node(f"n{number}") for number in range(7)]
    assert found({}, nodes=[*three, *many])[0][2] == "n0, n1, n2, n3, n4 and 2 more without a zone"
    moved = [node("a-0", "a", cpu="9"), node("b-0", "b", cpu="9"), node("d-0", "d")]
    assert found({"workloads": ()}, nodes=moved) == [
        ("HK104", "zone c", "it has no node"),
        ("HK105", "zone d", "nodes are in it, and the topology does not have it"),
    ]


def test_what_was_not_read_is_not_judged() -> None:
    from hakit.observe import RefusedError

    refused = RefusedError(403, "Forbidden", "no")
    assert found({}, nodes=[], unread={"/api/v1/nodes": refused}) == []
    assert found({}, pods=[], nodes=[node("a-0", "a")], unread={"/api/v1/pods": refused}) == [
        ("HK104", "zone b", "it has no node"),
        ("HK104", "zone c", "it has no node"),
    ]
