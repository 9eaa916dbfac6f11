"""What hakit writes when it is asked for more, before the real API server and Istio's real definition.

Server-side apply with strict validation: a field that the schema does not have is an error, never dropped. What this
does not prove: that a network enforces a NetworkPolicy (the lab's does not), that a proxy keeps to a DestinationRule
(there is no mesh), nor where requests go.
"""

from typing import Any

import pytest

from hakit.charts.harden import harden
from hakit.charts.intent import Intent, Istio, Network, Peer, Spread, WorkloadIntent
from hakit.charts.manifests import Object
from hakit.charts.render import Release, render
from hakit.charts.source import load
from hakit.charts.spot import LABELS
from lab.harness import LabRegion, RefusedError
from tests.lab import shop
from tests.lab.definitions import define

pytestmark = pytest.mark.lab

#: Everything that can be asked for, at once.
WANTED = {
    "spread": Spread("ScheduleAnyway", "DoNotSchedule"),
    "same_zone": True,
    "network": Network(
        ingress=(
            Peer(namespace="ingress-nginx", pods={"app": "proxy"}, ports=(8080,)),
            Peer(namespace_labels={"team": "shop"}),
        ),
        egress=(
            Peer(pods={"cnpg.io/cluster": "orders-g1"}, ports=(5432,)),
            Peer(cidr="10.20.0.0/16", without=("10.20.9.0/24",), ports=(53, 123), protocol="UDP"),
            Peer(cidr="::/0", ports=(443,)),
        ),
    ),
    "istio": Istio(connections=100, pending=50, requests=200),
    "workloads": {"storefront": WorkloadIntent(max_unavailable="25%")},
}


@pytest.fixture(scope="module")
def meshed(region: LabRegion) -> LabRegion:
    """The region, with Istio's definition of a DestinationRule."""
    define(region, ["definitions/istio.yaml"], only="destinationrules.networking.istio.io")
    return region


def _hardened(namespace: str, **wanted: Any) -> list[Object]:
    chart = load("examples/charts/storefront", shop.ROOT)
    objects = render(chart, {"replicaCount": 6, "session": {"key": "lab"}}, Release("storefront", namespace))
    return harden(objects, Intent(namespace=namespace, **wanted))


def _one(objects: list[Object], kind: str) -> Object:
    (found,) = [obj for obj in objects if obj["kind"] == kind]
    return found


def test_the_api_server_takes_all_that_can_be_asked_for(meshed: LabRegion, namespace: str):
    objects = _hardened(namespace, **WANTED)
    stored = {obj["kind"]: obj for obj in meshed.client.apply_all(objects, namespace, dry=True)}
    for kind in ("NetworkPolicy", "DestinationRule", "PodDisruptionBudget"):
        assert stored[kind]["spec"] == _one(objects, kind)["spec"], "nothing was dropped, and nothing filled in"
    assert stored["Service"]["spec"]["trafficDistribution"] == "PreferSameZone"


def test_a_mesh_that_keeps_nothing_in_its_zone_is_taken_too(meshed: LabRegion, namespace: str):
    objects = _hardened(namespace, istio=Istio(keep_in_zone=False, most_ejected=100))
    rule = _one(objects, "DestinationRule")
    assert meshed.client.apply(rule, namespace, dry=True)["spec"] == rule["spec"]


@pytest.mark.parametrize("spot", list(LABELS))
def test_a_standby_that_prefers_spot_nodes_is_taken(meshed: LabRegion, namespace: str, spot: str):
    objects = _hardened(namespace, standby=True, spot=spot, priority_class="shop-low")
    pod = _one(objects, "Deployment")["spec"]["template"]["spec"]
    stored = meshed.client.apply(_one(objects, "Deployment"), namespace, dry=True)["spec"]["template"]["spec"]
    assert (stored["affinity"], stored["priorityClassName"]) == (pod["affinity"], "shop-low")


# What the schemas refuse, so that what they take means something.
REFUSED: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("Service", ("spec", "trafficDistribution"), "PreferNear", "trafficDistribution"),
    ("NetworkPolicy", ("spec", "egress", 3, "to", 0, "ipBlock", "cidr"), "api.example.org", "cidr"),
    ("PodDisruptionBudget", ("spec", "maxUnavailable"), "25", "maxUnavailable"),
    (
        "DestinationRule",
        ("spec", "trafficPolicy", "outlierDetection", "interval"),
        "30",
        "must be a valid duration",
    ),
    ("DestinationRule", ("spec", "trafficPolicy", "outlierDetection", "consecutive5xxError"), 5, "consecutive5xxError"),
]


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: f"{wrong[0]} {wrong[1][-1]}")
def test_the_api_server_refuses_what_is_wrong(
    meshed: LabRegion, namespace: str, wrong: tuple[str, tuple[Any, ...], Any, str]
):
    kind, path, value, told = wrong
    obj = _one(_hardened(namespace, **WANTED), kind)
    inner = obj
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(RefusedError, match=told):
        meshed.client.apply(obj, namespace, dry=True)
