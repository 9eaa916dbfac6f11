"""Two regions with the Clusters that hakit's own plan makes, and what CloudNativePG would say of them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hakit.observe import UnreachableError
from hakit.status.seen import Instance, SeenCopy, SeenRegion, copy_of
from hakit.topology.model import Topology
from tests.unit.postgres.given import objects, topology

NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
SYSTEM = "7400000000000000000"
STATUS = {
    "readyInstances": 3,
    "phase": "Cluster in healthy state",
    "currentPrimary": "orders-g1-1",
    "instanceNames": ["orders-g1-1", "orders-g1-2", "orders-g1-3"],
    "certificates": {"expirations": {"orders-g1-server": "2027-02-22 11:36:21 +0000 UTC"}},
}
PRIMARY = Instance(True, SYSTEM, 1_000_000, (("orders-g1-2", 9.0), ("orders-g1", 0.25)), NOW - dt.timedelta(seconds=12))
REPLICA = Instance(False, SYSTEM, 999_000)


def declared(*entries: Mapping[str, Any]) -> Topology:
    return topology(*entries, regions=("a", "b"))


def cluster(region: str, *entries: Mapping[str, Any], **status: Any) -> dict[str, Any]:
    """The manifest of a region's copy as the cluster would return it."""
    made = objects(region, *entries, given=declared(*entries))["cluster-g1"]
    return {**made, "status": {**STATUS, **status}}


def copy(region: str, *entries: Mapping[str, Any], now: Instance | None = None, **status: Any) -> SeenCopy:
    return replace(copy_of(cluster(region, *entries, **status), {}), now=now)


def both(a: SeenCopy | None, b: SeenCopy | None) -> dict[str, SeenRegion | UnreachableError]:
    return {name: SeenRegion("v1.34.1", (each,) if each else ()) for name, each in (("a", a), ("b", b))}


def healthy(*entries: Mapping[str, Any]) -> dict[str, SeenRegion | UnreachableError]:
    """As it should be before the first handover."""
    return both(copy("a", *entries, now=PRIMARY), copy("b", *entries, now=REPLICA))
