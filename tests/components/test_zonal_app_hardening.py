"""What a ZonalApp is hardened with when it is asked for: wrong arguments with their whole message, and what comes of
the right ones. That a real API server takes it is tests/lab/test_hardening_admission.py."""

from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan import zonal
from hakit.plan.workloads import intent
from tests.components.test_zonal_app import app, objects_of, run, storefront, warehouse

BASE: dict[str, Any] = {"chart": "./chart", "namespace": "shop", "zones": ["a", "b", "c"]}


def peer(**given: Any) -> dict[str, Any]:
    return {**BASE, "network": {"egress": [given]}}


def worker(**given: Any) -> dict[str, Any]:
    return {**BASE, "workloads": {"web": given}}


WRONG = [
    (
        worker(max_unavailable="half"),
        "workloads.web.max_unavailable: wrong value\n  given:   'half'\n"
        '  allowed: a share in quotes, from "1%" to "99%"',
    ),
    (
        worker(max_unavailable="100%"),
        "workloads.web.max_unavailable: wrong value\n  given:   '100%'\n"
        '  allowed: a share in quotes, from "1%" to "99%"',
    ),
    (
        worker(max_unavailable=0),
        "workloads.web.max_unavailable: wrong value\n  given:   0\n  allowed: a whole number, 1 or more",
    ),
    (
        {**BASE, "spread": {"zones": "hard"}},
        "spread.zones: unknown word\n  given:   'hard'\n  allowed: DoNotSchedule, ScheduleAnyway",
    ),
    (
        worker(spread={"racks": "DoNotSchedule"}),
        "workloads.web.spread.racks: unknown argument\n  given:   racks\n  allowed: zones, hosts",
    ),
    ({**BASE, "same_zone": "yes"}, "same_zone: wrong type\n  given:   'yes'\n  allowed: true or false"),
    (
        {**BASE, "network": {"egress": {"cidr": "10.0.0.0/8"}}},
        "network.egress: wrong type\n  given:   something else\n  allowed: a list of mappings",
    ),
    (
        peer(ports=[5432]),
        "network.egress[0]: it names nobody\n  allowed: namespace, namespace_labels, pods, cidr\n"
        '  do:      for everybody write {"cidr": "0.0.0.0/0"}, and a second entry with "::/0" where there is IPv6',
    ),
    (
        peer(cidr="10.0.0.0/8", pods={"app": "db"}),
        "network.egress[0]: cidr and pods\n"
        "  allowed: addresses (cidr), or pods (namespace, namespace_labels, pods)\n  do:      write two entries",
    ),
    (
        peer(cidr="api.example.org"),
        "network.egress[0].cidr: no block of addresses\n  given:   api.example.org\n"
        '  allowed: addresses with the length of their prefix: "10.20.0.0/16"\n'
        "  do:      a NetworkPolicy knows no names of hosts: give their addresses",
    ),
    (
        peer(cidr="10.20.3.4/16"),
        "network.egress[0].cidr: no block of addresses\n  given:   10.20.3.4/16\n"
        '  allowed: addresses with the length of their prefix: "10.20.0.0/16"\n  do:      write 10.20.0.0/16',
    ),
    (
        peer(cidr="10.20.0.0/16", without=["10.21.0.0/24"]),
        "network.egress[0].without: not within cidr\n  given:   10.21.0.0/24\n  allowed: a part of 10.20.0.0/16",
    ),
    (
        peer(pods={"app": "db"}, ports=[0]),
        "network.egress[0].ports: wrong value\n  given:   [0]\n  allowed: a list of whole numbers from 1 to 65535",
    ),
    (
        peer(pods={"app": "db"}, ports=["http"]),
        "network.egress[0].ports: wrong value\n  given:   ['http']\n  allowed: a list of whole numbers from 1 to 65535",
    ),
    (
        peer(pods={"app": 1}),
        "network.egress[0].pods.app: wrong type\n  given:   1\n  allowed: a text",
    ),
    (
        {**BASE, "istio": {"max_ejected": 101}},
        "istio.max_ejected: wrong value\n  given:   101\n  allowed: percent, 1 to 100",
    ),
    (
        {**BASE, "istio": {"locality": True}},
        "istio.locality: unknown argument\n  given:   locality\n"
        "  allowed: connections, pending, requests, errors, interval, ejection, max_ejected, keep_in_zone",
    ),
]


@pytest.mark.parametrize(("args", "expected"), WRONG)
def test_a_wrong_argument_says_what_where_and_what_is_possible(args: Any, expected: str) -> None:
    with pytest.raises(HakitError) as raised:
        zonal.specify("web", args, None)
    assert str(raised.value) == f"ZonalApp 'web': {expected}"


def test_a_peer_for_a_workload_that_the_chart_does_not_have_is_refused() -> None:
    spec = zonal.specify("web", peer(cidr="10.0.0.0/8", workload="wep"), None)
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}}
    objects = [{"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": pod}}]
    with pytest.raises(HakitError) as raised:
        intent(spec, "active", objects)
    assert str(raised.value) == (
        "ZonalApp 'web': network.egress[0].workload: the chart renders no such workload\n"
        "  given:   wep\n"
        "  allowed: Deployment/web\n"
        "  do:      did you mean 'web'?"
    )


def test_a_float_from_a_packaged_component_is_read_as_the_port_that_it_is() -> None:
    spec = zonal.specify("web", peer(pods={"app": "db"}, ports=[5432.0]), None)
    assert spec.network is not None
    assert [each.ports for each in spec.network.egress] == [(5432,)]


# --- what comes of it ----------------------------------------------------------------------------------------------

LABELS = {"app.kubernetes.io/name": "storefront", "app.kubernetes.io/instance": "storefront"}


def test_a_share_that_a_drain_may_take_stands_in_the_budget(tmp_path: Path) -> None:
    args = storefront(needs=4, workloads={"storefront": {"max_unavailable": "25%"}})
    budget = objects_of(run(app(args), tmp_path))["PodDisruptionBudget/storefront"]
    assert budget["spec"]["maxUnavailable"] == "25%", "of six that is two, rounded up; four are left"


def test_a_spread_is_as_strict_as_asked(tmp_path: Path) -> None:
    args = storefront(spread={"zones": "ScheduleAnyway", "hosts": "DoNotSchedule"})
    pod = objects_of(run(app(args), tmp_path))["Deployment/storefront"]["spec"]["template"]["spec"]
    assert {each["topologyKey"]: each["whenUnsatisfiable"] for each in pod["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone": "ScheduleAnyway",
        "kubernetes.io/hostname": "DoNotSchedule",
    }


@pytest.mark.parametrize(
    ("kubernetes", "word"), [("1.31", "PreferClose"), ("1.33", "PreferClose"), ("1.34", "PreferSameZone")]
)
def test_a_service_keeps_requests_in_their_zone_in_the_words_of_the_clusters_version(
    tmp_path: Path, kubernetes: str, word: str
) -> None:
    # kube_features.go: ServiceTrafficDistribution beta in 1.31, PreferSameTrafficDistribution beta in 1.34
    args = storefront(same_zone=True, kubernetes=kubernetes)
    service = objects_of(run(app(args), tmp_path))["Service/storefront"]
    assert service["spec"]["trafficDistribution"] == word


def test_nothing_of_it_is_there_unless_it_is_asked_for(tmp_path: Path) -> None:
    objects = objects_of(run(app(storefront()), tmp_path))
    assert "trafficDistribution" not in objects["Service/storefront"]["spec"]
    assert {key.partition("/")[0] for key in objects}.isdisjoint({"NetworkPolicy", "DestinationRule"})


def test_every_pod_of_a_chart_is_closed_but_for_what_is_listed(tmp_path: Path) -> None:
    network = {
        "ingress": [{"namespace": "ingress-nginx", "ports": [8080], "workload": "storefront-api"}],
        "egress": [{"pods": {"cnpg.io/cluster": "orders-g1"}, "ports": [5432]}],
    }
    workloads = {"storefront-api": {"replicas": 4}, "storefront-worker": {"replicas": 3}}
    objects = objects_of(run(app(warehouse(network=network, workloads=workloads)), tmp_path))
    policies = {key: each["spec"] for key, each in objects.items() if key.startswith("NetworkPolicy/")}
    # One for each that makes pods: two Deployments, the nightly job and the migration hook.
    assert sorted(policies) == [
        "NetworkPolicy/storefront-api",
        "NetworkPolicy/storefront-migration",
        "NetworkPolicy/storefront-recount",
        "NetworkPolicy/storefront-worker",
    ]
    assert all(each["policyTypes"] == ["Ingress", "Egress"] for each in policies.values())
    from_outside = {key: each["ingress"][1:] for key, each in policies.items() if len(each["ingress"]) > 1}
    assert from_outside == {
        "NetworkPolicy/storefront-api": [
            {
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}],
                "ports": [{"port": 8080, "protocol": "TCP"}],
            }
        ]
    }
    database = {
        "to": [{"podSelector": {"matchLabels": {"cnpg.io/cluster": "orders-g1"}}}],
        "ports": [{"port": 5432, "protocol": "TCP"}],
    }
    assert all(each["egress"][-1] == database for each in policies.values())


def test_a_mesh_may_leave_out_one_zones_pods_and_no_more(tmp_path: Path) -> None:
    args = storefront(istio={"requests": 200, "errors": 3, "keep_in_zone": False})
    rule = objects_of(run(app(args), tmp_path))["DestinationRule/storefront"]
    assert rule["apiVersion"] == "networking.istio.io/v1"
    assert rule["spec"] == {
        "host": "storefront.shop.svc.cluster.local",
        "trafficPolicy": {
            "connectionPool": {"http": {"http2MaxRequests": 200}},
            "outlierDetection": {
                "consecutive5xxErrors": 3,
                "interval": "10s",
                "baseEjectionTime": "30s",
                "maxEjectionPercent": 34,  # two of six, rounded up
            },
            "loadBalancer": {"localityLbSetting": {"enabled": False}},
        },
    }
