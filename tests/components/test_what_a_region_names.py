"""What a region's stack holds of another region: nothing, but for a written list. docs/region-pair.md shows the list.

Every name, input and output of every resource is looked through, within JSON texts too, for each name that the topology
gives another region. That a region's stack needs nothing of the list to fail over is shown in tests/lab."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.components.test_examples import EXAMPLES, preview

#: The reference system and two examples, with their topologies.
SYSTEMS = {
    "..": EXAMPLES.parent / "stacks" / "topology.prod.yaml",
    "active-passive": EXAMPLES / "active-passive" / "topology.yaml",
    "active-active": EXAMPLES / "active-active" / "topology.yaml",
}
OTHER = "<other>"

_MEMBERS = "each side lists every member of the database, as CloudNativePG asks"
_ARCHIVE = "the copy recovers from the other side's archive, in the other side's bucket"
_ROLE = "whom the copy follows; the pair's list of handovers says it"
_ROUTE = "a route that the program declares"

#: The text of the fence's program, which is the same everywhere; its examples name regions.
PROGRAM = {path.read_text() for path in (EXAMPLES.parent / "hakit" / "fence").glob("*.py")}

#: Resource, field, value, why. `[]` is any item of a list.
EXCEPTIONS = [
    ("Cluster", "inputs.spec.externalClusters[].name", "orders-g1-<other>", _MEMBERS),
    ("Cluster", "inputs.spec.externalClusters[].plugin.parameters.barmanObjectName", "orders-<other>", _ARCHIVE),
    (
        "Cluster",
        "inputs.spec.externalClusters[].connectionParameters.host",
        "orders.<other>.internal.example.com",
        f"{_ROUTE}: the copy streams by it",
    ),
    ("Cluster", "inputs.spec.bootstrap.recovery.source", "orders-g1-<other>", _ROLE),
    ("Cluster", "inputs.spec.replica.primary", "orders-g1-<other>", _ROLE),
    ("Cluster", "inputs.spec.replica.source", "orders-g1-<other>", _ROLE),
    ("ObjectStore", "name", "shop-orders-store-<other>", _ARCHIVE),
    ("ObjectStore", "inputs.metadata.name", "orders-<other>", _ARCHIVE),
    ("ObjectStore", "inputs.spec.configuration.destinationPath", "s3://acme-prod-<other>-wal/<other>/shop", _ARCHIVE),
    (
        "Service",
        "inputs.spec.externalName",
        "orders.<other>.internal.example.com",
        f"{_ROUTE}: applications of an active-active pair write by it",
    ),
    (
        "ConfigMap",
        "inputs.data.fence.json.witness[]",
        "s3://acme-prod-<other>-witness/shop.json?region=<other>",
        "the fence asks outside of its own region who may write",
    ),
    ("RegionPair", "outputs.active", "<other>", "an output for people: which region is active"),
]


def regions(system: str) -> dict[str, dict[str, Any]]:
    return yaml.safe_load(SYSTEMS[system].read_text())["regions"]


def stack(system: str, region: str) -> dict[str, Any]:
    (found,) = (each for each in preview(system)["stacks"] if each["stack"] == f"prod-{region}")
    return found


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text within, keys too, by path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            at = f"{path}.{key}" if path else str(key)
            yield at, str(key)
            yield from texts(inner, at)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, f"{path}[]")
    elif (parsed := _json(value)) is not None:
        yield from texts(parsed, path)
    elif value not in PROGRAM:
        yield path, str(value)


def _json(value: Any) -> Any:
    """What a text of JSON holds; None for any other."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict | list) else None


def named(found: dict[str, Any], other: str, facts: dict[str, Any]) -> set[tuple[str, str, str]]:
    """What a region's stack holds of another region: resource, field, and value with the region's name taken out."""
    # A zone, an address and a stack of a region are known by its name within them.
    names = [other, *(str(each) for each in facts["cluster"].values() if isinstance(each, str))]
    holds = set()
    for resource in found["resources"]:
        # URNs are looked at by themselves; `objects` shows what is in the inputs.
        looked = {key: resource[key] for key in ("name", "provider", "inputs", "outputs")}
        for path, text in texts(looked):
            if any(name.lower() in text.lower() for name in names):
                holds.add((resource["type"].rpartition(":")[2], path, text.replace(other, OTHER)))
    return holds | {("exports", path, text) for path, text in texts(found["exports"]) if other in text}


def strangers(found: dict[str, Any], region: str) -> list[str]:
    """URNs of another stack, providers that are not this region's, and what is read from outside."""
    own = {resource["urn"] for resource in found["resources"]}
    said = []
    for resource in found["resources"]:
        used = [resource["urn"], *([resource["parent"]] if resource["parent"] else []), *resource["depends_on"]]
        said += [urn for urn in used if urn not in own or not urn.startswith(f"urn:pulumi:prod-{region}::")]
        is_provider = resource["type"].startswith("pulumi:providers:")
        if resource["custom"] and (resource["name"] if is_provider else resource["provider"]) != region:
            said.append(f"{resource['name']} by {resource['provider'] or 'no provider'}")
        if resource["read"] or resource["type"] == "pulumi:pulumi:StackReference":
            said.append(f"{resource['name']} is read")
    return said


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_regions_stack_holds_no_urn_and_no_provider_of_another_and_reads_no_other_stack(system: str) -> None:
    for region, facts in regions(system).items():
        found = stack(system, region)
        assert strangers(found, region) == []
        (provider,) = (each for each in found["resources"] if each["type"].startswith("pulumi:providers:"))
        assert provider["inputs"]["context"] == facts["cluster"]["context"]


def test_what_a_regions_stack_names_of_another_is_the_written_list_and_no_more() -> None:
    holds = {
        each
        for system in SYSTEMS
        for region in regions(system)
        for other, facts in regions(system).items()
        if other != region
        for each in named(stack(system, region), other, facts)
    }
    assert holds == {(kind, field, value) for kind, field, value, _why in EXCEPTIONS}


PLANTED = [
    ({"inputs": {"data": {"context": "prod-usw2"}}}, "ConfigMap", "inputs.data.context", "prod-usw2"),
    ({"inputs": {"data": {"zone": "us-west-2a"}}}, "ConfigMap", "inputs.data.zone", "<other>a"),
    ({"inputs": {"data": {"US-WEST-2": "x"}}}, "ConfigMap", "inputs.data.US-WEST-2", "US-WEST-2"),
    (
        {"inputs": {"data": {"a.json": '{"b": ["x.us-west-2.y"]}'}}},
        "ConfigMap",
        "inputs.data.a.json.b[]",
        "x.<other>.y",
    ),
]


@pytest.mark.parametrize(("planted", "kind", "field", "value"), PLANTED)
def test_what_is_planted_is_found(planted: dict[str, Any], kind: str, field: str, value: str) -> None:
    found = copy.deepcopy(stack("..", "us-east-1"))
    before = named(found, "us-west-2", regions("..")["us-west-2"])
    blank = {"type": "kubernetes:core/v1:ConfigMap", "name": "planted", "provider": "us-east-1", "outputs": None}
    found["resources"].append({**blank, **planted})
    assert named(found, "us-west-2", regions("..")["us-west-2"]) - before == {(kind, field, value)}


WAL = "::shop::hakit:index:BucketPair::wal"
STRANGERS = [
    ({"provider": "us-west-2"}, "planted by us-west-2"),
    ({"provider": ""}, "planted by no provider"),
    ({"parent": f"urn:pulumi:prod-us-west-2{WAL}"}, f"urn:pulumi:prod-us-west-2{WAL}"),
    ({"depends_on": [f"urn:pulumi:prod-shared{WAL}"]}, f"urn:pulumi:prod-shared{WAL}"),
    ({"read": True}, "planted is read"),
    ({"type": "pulumi:pulumi:StackReference"}, "planted is read"),
    ({"type": "pulumi:providers:kubernetes"}, "planted by us-east-1"),
]


@pytest.mark.parametrize(("planted", "said"), STRANGERS)
def test_a_planted_stranger_is_found(planted: dict[str, Any], said: str) -> None:
    found = copy.deepcopy(stack("..", "us-east-1"))
    (some,) = (each for each in found["resources"] if each["name"] == "base-namespace-shop")
    found["resources"].append({**some, "name": "planted", **planted})
    assert strangers(found, "us-east-1") == [said]
