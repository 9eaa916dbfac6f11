"""Zones, nodes, and the room on them: for what the stacks ask, with a zone lost, and after a failover. Pure.

Sums by zone and the largest pod, not a scheduler: what does not fit here does not fit; what fits may still find no
place among nodes that are full in pieces.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from hakit.charts.quantity import parse_quantity
from hakit.findings import Finding
from hakit.observe import Object
from hakit.preflight.amounts import NOTHING, Amount
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Wanted

_ZONE = "topology.kubernetes.io/zone"
_MANY = 5


@dataclass(frozen=True)
class Room:
    """What a region has for the stacks, and what they want of it.

    Attributes:
        free: by zone of the topology, what its nodes have left beside the pods of others.
        asked: by the stacks.
        after_failover: asked more, if every standby here became active.
    """

    free: Mapping[str, Amount]
    asked: Amount
    after_failover: Amount

    @property
    def all(self) -> Amount:
        return sum(self.free.values(), NOTHING)


def room_of(wanted: Wanted, seen: Seen) -> Room:
    free = _free(wanted, seen)
    by_zone = {
        zone: sum((free[_name(node)] for node in _open_nodes(seen.nodes) if _zone(node) == zone), NOTHING)
        for zone in wanted.region.zones
    }
    return Room(by_zone, wanted.asked, wanted.after_failover)


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    if "/api/v1/nodes" in seen.unread:
        return  # said already
    yield from _zones(wanted, seen)
    if "/api/v1/pods" not in seen.unread:
        yield from _fitting(wanted, seen)


def _zones(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    without = sorted(_name(node) for node in seen.nodes if not _zone(node))
    if without:
        more = f" and {len(without) - _MANY} more" if len(without) > _MANY else ""
        yield Finding("HK103", "nodes", _ZONE, f"{', '.join(without[:_MANY])}{more} without a zone")
    for zone in wanted.region.zones:
        here = [node for node in seen.nodes if _zone(node) == zone]
        if not _open_nodes(here):
            message = f"none of its {len(here)} nodes takes pods" if here else "it has no node"
            detail = "not ready, cordoned or tainted" if here else _zones_there(seen.nodes)
            yield Finding("HK104", f"zone {zone}", "", message, detail=detail)
    for zone in sorted({_zone(node) for node in seen.nodes} - {"", *wanted.region.zones}):
        names = ", ".join(wanted.region.zones)
        yield Finding("HK105", f"zone {zone}", "", "nodes are in it, and the topology does not have it", detail=names)


def _zones_there(nodes: Sequence[Object]) -> str:
    zones = sorted({_zone(node) for node in nodes} - {""})
    return f"zones with nodes: {', '.join(zones)}" if zones else "no node has a zone"


def _fitting(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    room = room_of(wanted, seen)
    nodes = list(_free(wanted, seen).values())
    for each in wanted.workloads:
        if not each.per_node and not any(each.each.fits(node) for node in nodes):
            message = "no node has room for one of its pods"
            yield Finding("HK110", each.title, "", message, f"namespace {each.namespace}", _largest(each.each, nodes))
    if not room.asked.fits(room.all):
        yield Finding("HK110", "region", "", room.asked.beyond(room.all), detail="by all stacks of the region")
        return  # what more would be wanted has no room either
    if len(room.free) > 1:
        for zone, lost in room.free.items():
            left, wanted_then = room.all - lost, _with_a_zone_lost(wanted)
            if not wanted_then.fits(left):
                yield Finding("HK111", f"zone {zone}", "", f"with it lost: {wanted_then.beyond(left)}")
    if not (room.asked + room.after_failover).fits(room.all):
        then = room.asked + room.after_failover
        more = ", ".join(f"{value} {key}" for key, value in room.after_failover.as_dict().items())
        yield Finding(
            "HK112", "region", "", f"after a failover: {then.beyond(room.all)}", detail=f"{more} more than now"
        )


def _largest(asked: Amount, nodes: Sequence[Amount]) -> str:
    if not nodes:
        return "no node takes pods"
    best = Amount(*(max(getattr(node, key) for node in nodes) for key in ("pods", "cpu", "memory")))
    return f"the most on one node: {asked.beyond(best) or 'enough of each, but not together'}"


def _with_a_zone_lost(wanted: Wanted) -> Amount:
    """Pods whose volumes went with the zone wait for it; all others come back elsewhere."""
    zones = len(wanted.region.zones)
    return sum(
        (
            each.each.times(each.pods - ceil(each.pods / zones) if each.zonal else each.pods)
            for each in wanted.workloads
        ),
        NOTHING,
    )


def _free(wanted: Wanted, seen: Seen) -> dict[str, Amount]:
    """By node that takes pods, what is left beside pods that are not the stacks' own, and beside daemons that come."""
    ours = {(each.kind, each.namespace, each.name) for each in wanted.workloads}
    daemons = sum((each.each for each in wanted.workloads if each.per_node), NOTHING)
    free = {_name(node): _allocatable(node) - daemons for node in _open_nodes(seen.nodes)}
    for pod in seen.pods:
        if pod.node in free and pod.owner not in ours:
            free[pod.node] -= pod.asks
    return {name: left.at_least_nothing() for name, left in free.items()}


def _allocatable(node: Object) -> Amount:
    given = (node.get("status") or {}).get("allocatable") or {}
    pods, cpu, memory = (parse_quantity(given.get(key, 0)) for key in ("pods", "cpu", "memory"))
    return Amount(int(pods), cpu, memory)


def _open_nodes(nodes: Sequence[Object]) -> list[Object]:
    """Those that take pods which tolerate nothing."""
    return [node for node in nodes if _is_ready(node) and not _is_closed(node)]


def _is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _is_closed(node: Object) -> bool:
    spec = node.get("spec") or {}
    taints = spec.get("taints") or []
    return bool(spec.get("unschedulable")) or any(each["effect"] in ("NoSchedule", "NoExecute") for each in taints)


def _name(node: Object) -> str:
    return node["metadata"]["name"]


def _zone(node: Object) -> str:
    return (node["metadata"].get("labels") or {}).get(_ZONE) or ""
