"""A topology with one pair over some regions, and the arguments of a PostgresCluster in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from hakit.plan import postgres
from hakit.plan.postgres_spec import PostgresSpec, specify
from hakit.topology.model import Topology

PLANNED = {"kind": "planned", "to": "b"}
TOKEN = {**PLANNED, "tokens": {"orders": "T1"}}
SETTLED = {**TOKEN, "settled": True}
FAILOVER = {"kind": "failover", "to": "b", "accept_loss": "30s"}
CANCEL = {"kind": "cancel", "to": "a"}
REBUILD = {"kind": "rebuild", "to": "a", "incarnation": 2}
ROUTES = {
    name: {"host": f"{name}.example.com", "ca_secret": f"{name}-ca", "client_secret": f"{name}-client"}
    for name in ("a", "b", "c")
}


def topology(
    *entries: Mapping[str, Any],
    regions: Sequence[str] = ("a", "b", "c"),
    databases: Sequence[str] = ("orders",),
    zones: int = 3,
    rto: str = "5m",
    rpo: str = "30s",
    access: Mapping[str, Any] | None = None,
    writes: str | None = None,
) -> Topology:
    declared = {
        name: {
            "zones": [f"{name}-{number}" for number in range(1, zones + 1)],
            "kubernetes": "1.34",
            "cluster": {"context": name, **({"pod_identity": True} if access is None else access)},
            "storage": {"zonal": "gp3"},
        }
        for name in regions
    }
    pair = {
        **({"mode": "active-active", "writes": writes} if writes else {"mode": "active-passive"}),
        "founded": regions[0],
        "regions": list(regions),
        "databases": list(databases),
        "objectives": {"rto": rto, "rpo": rpo},
        "handovers": list(entries),
    }
    made = Topology.model_validate(
        {
            "name": "shop",
            "environment": "prod",
            "aws": {"account": "111122223333", "prefix": "acme"},
            "regions": declared,
            "pairs": {"shop": pair},
        }
    )
    return made.placed("topology.yaml", {(): 1})


def spec(region: str, *entries: Mapping[str, Any], given: Topology | None = None, **arguments: Any) -> PostgresSpec:
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": region,
        "namespace": "shop",
        "storage": "50Gi",
        "credentials": {"application": {"password": "s3cret"}},
        **arguments,
    }
    return specify("orders", args, given or topology(*entries))


def objects(region: str, *entries: Mapping[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    """Every manifest by its key."""
    return {each.key: each.manifest for each in postgres.plan(spec(region, *entries, **options))}


def cluster(region: str, *entries: Mapping[str, Any], incarnation: int = 1, **options: Any) -> dict[str, Any]:
    return objects(region, *entries, **options)[f"cluster-g{incarnation}"]
