"""Whatever the topology and its list: one writable side at most, no archive with two writers, nothing that dangles."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.plan import postgres
from hakit.plan.postgres_spec import specify
from hakit.topology.listing import problems
from hakit.topology.model import Topology
from tests.unit.postgres.given import FAILOVER, REBUILD, ROUTES, topology

REGIONS = ("a", "b", "c", "d", "e")
DATABASES = ("orders", "users")


@st.composite
def topologies(draw: st.DrawFn, names: tuple[str, ...] = REGIONS) -> Topology:
    """2-5 regions, 1-4 zones, one or two databases, and a list that the topology's own rules let through."""
    regions = names[: draw(st.integers(2, 5))]
    databases = DATABASES[: draw(st.integers(1, 2))]
    zones = draw(st.integers(1, 4))
    entries: list[dict[str, Any]] = []

    def made(*more: dict[str, Any]) -> Topology:
        return topology(*entries, *more, regions=regions, databases=databases, zones=zones)

    for number in range(draw(st.integers(0, 6))):
        possible = [entry for entry in _entries(regions, databases, entries, number) if not list(problems(made(entry)))]
        if not possible:
            break
        entries.append(draw(st.sampled_from(possible)))
    return made()


def _entries(
    regions: tuple[str, ...], databases: tuple[str, ...], entries: list[dict[str, Any]], number: int
) -> list[dict[str, Any]]:
    rebuilt = [each for each in entries if each["kind"] == "rebuild"]
    found: list[dict[str, Any]] = []
    for to in regions:
        next_one = 2 + len([each for each in rebuilt if each["to"] == to])
        tokens = {name: f"T{number}-{name}" for name in databases}
        found += [
            {"kind": "planned", "to": to},
            {"kind": "planned", "to": to, "tokens": dict([next(iter(tokens.items()))])},
            {"kind": "planned", "to": to, "tokens": tokens},
            {"kind": "planned", "to": to, "tokens": tokens, "settled": True},
            {"kind": "cancel", "to": to},
            {"kind": "failover", "to": to, "accept_loss": "30s"},
            {"kind": "failover", "to": to, "accept_loss": "30s", "settled": True},
            {"kind": "rebuild", "to": to, "incarnation": next_one},
        ]
        found += [
            {"kind": "failover", "to": to, "accept_loss": "30s", "incarnation": kept} for kept in range(1, next_one)
        ]
    return found


def everything(declared: Topology, database: str, **options: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Every manifest of a database, by region and key."""
    zones = len(next(iter(declared.regions.values())).zones)
    found = {}
    for region in declared.regions:
        arguments = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": region,
            "namespace": "shop",
            "storage": "50Gi",
            "database": database,
            "credentials": {"application": {"password": "s3cret"}},
            "synchronous": {"durability": "required" if zones > 1 else "preferred"},
            **options,
        }
        planned = postgres.plan(specify(database, arguments, declared))
        found[region] = {each.key: each.manifest for each in planned}
    return found


def clusters(found: dict[str, dict[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(region, obj) for region, objects in found.items() for obj in objects.values() if obj["kind"] == "Cluster"]


def is_writable(cluster: dict[str, Any]) -> bool:
    replica = cluster["spec"]["replica"]
    return replica["primary"] == replica["self"]


def archive_of(region: str, name: str, found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The path in the bucket that a plugin entry of a region's Cluster leads to."""
    store, _, server = name.partition("/")
    (path,) = [
        obj["spec"]["configuration"]["destinationPath"]
        for obj in found[region].values()
        if obj["kind"] == "ObjectStore" and obj["metadata"]["name"] == store
    ]
    return f"{path}/{server}"


def reference(plugin: dict[str, Any]) -> str:
    return "/".join(plugin["parameters"][key] for key in ("barmanObjectName", "serverName"))


@settings(derandomize=True, max_examples=120, deadline=None, database=None)
@given(declared=topologies(), streams=st.booleans())
def test_whatever_the_list_says(declared: Topology, streams: bool) -> None:
    routes = {name: {**ROUTES["a"], "host": f"{name}.example.com"} for name in declared.regions} if streams else {}
    for database in declared.pair("shop").databases:
        holds(everything(declared, database, routes=routes))


def holds(found: dict[str, dict[str, dict[str, Any]]]) -> None:
    """What must be true of all regions' manifests together."""
    writable = [region for region, cluster in clusters(found) if is_writable(cluster)]
    assert len(writable) <= 1, "two sides are declared writable"

    written = [
        archive_of(region, reference(cluster["spec"]["plugins"][0]), found) for region, cluster in clusters(found)
    ]
    assert len(written) == len(set(written)), "two clusters write one archive"

    own = {cluster["spec"]["replica"]["self"]: (region, cluster) for region, cluster in clusters(found)}
    assert len(own) == len(clusters(found)), "two copies have one name"
    for region, cluster in clusters(found):
        _nothing_dangles(region, cluster, found, own)


def _nothing_dangles(
    region: str,
    cluster: dict[str, Any],
    found: dict[str, dict[str, dict[str, Any]]],
    own: dict[str, tuple[str, dict[str, Any]]],
) -> None:
    spec = cluster["spec"]
    listed = {each["name"]: each for each in spec["externalClusters"]}
    named = {spec["replica"][key] for key in ("self", "primary", "source")}
    (start,) = spec["bootstrap"].values()
    named |= {start["source"]} if "source" in start else set()
    assert named <= set(listed), "a reference that no external cluster answers"
    assert spec["replica"]["source"] != spec["replica"]["self"], "nobody follows itself"
    for name, each in listed.items():
        # It is a Cluster that is declared in its region, and this is where that one's archive is.
        its_region, its_cluster = own[name]
        there = archive_of(its_region, reference(its_cluster["spec"]["plugins"][0]), found)
        assert archive_of(region, reference(each["plugin"]), found) == there, "a member under another one's archive"
    if not is_writable(cluster):
        assert not spec["replica"].get("promotionToken"), "a replica never carries a token"
    assert len(cluster["metadata"]["name"]) <= 50, "CloudNativePG's limit"


def _second_writer(found: Any) -> None:
    found["c"]["cluster-g1"]["spec"]["replica"]["primary"] = "orders-g1-c"


def _archive_of_the_old_incarnation(found: Any) -> None:
    found["a"]["cluster-g2"]["spec"]["plugins"][0]["parameters"]["serverName"] = "orders-g1"


def _source_of_the_old_incarnation(found: Any) -> None:
    found["c"]["cluster-g1"]["spec"]["replica"]["source"] = "orders-g1-a"


def _token_on_a_replica(found: Any) -> None:
    found["c"]["cluster-g1"]["spec"]["replica"]["promotionToken"] = "T1"


def _member_under_the_archive_of_another(found: Any) -> None:
    found["b"]["cluster-g1"]["spec"]["externalClusters"][0]["plugin"]["parameters"]["serverName"] = "orders-g1"


def _one_store_for_two_regions(found: Any) -> None:
    stores = found["c"]["store-b"], found["c"]["store-c"]
    stores[1]["spec"]["configuration"]["destinationPath"] = stores[0]["spec"]["configuration"]["destinationPath"]


FAULTS = {
    _second_writer: "two sides are declared writable",
    _archive_of_the_old_incarnation: "two clusters write one archive",
    _source_of_the_old_incarnation: "a reference that no external cluster answers",
    _token_on_a_replica: "a replica never carries a token",
    _member_under_the_archive_of_another: "a member under another one's archive",
    _one_store_for_two_regions: "two clusters write one archive",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_each_planted_fault_is_found(fault: Callable[[Any], None]) -> None:
    """The properties themselves: three regions after a failover to b and a rebuild of a, one thing broken by hand."""
    found = everything(topology(FAILOVER, REBUILD), "orders")
    holds(found)
    fault(found)
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        holds(found)
