"""What a ZonalApp is hardened with when it is asked for: wrong arguments with their whole message, and what comes of
the right ones. That a real API server takes it is tests/lab/test_hardening_admission.py."""

import copy
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit import topology as topologies
from hakit.charts.audit import audit
from hakit.charts.harden import harden
from hakit.errors import HakitError
from hakit.findings import AppReport, collecting
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


# --- storage, spot capacity, priority -------------------------------------------------------------------------------

TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  us-east-1:
    zones: [us-east-1a, us-east-1b, us-east-1c]
    kubernetes: "1.34"
    cluster: {context: e}
    storage: {zonal: gp3, regional: efs}
  us-west-2:
    zones: [us-west-2a, us-west-2b, us-west-2c]
    kubernetes: "1.34"
    cluster: {context: w}
    storage: {zonal: gp3}
pairs:
  shop: {mode: active-passive, founded: us-east-1, regions: [us-east-1, us-west-2], objectives: {rto: 5m, rpo: 30s}}
"""


def specified(tmp_path: Path, region: str, **more: Any) -> zonal.AppSpec:
    (tmp_path / "t.yaml").write_text(TOPOLOGY)
    placed = {"chart": "./chart", "namespace": "shop", "topology": "t.yaml", "pair": "shop", "scope": region}
    return zonal.specify("web", {**placed, **more}, topologies.load(tmp_path / "t.yaml"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("zonal", ("gp3", "ReadWriteOnce", "gp3")), ("regional", ("efs", "ReadWriteMany", "gp3"))],
)
def test_the_topology_says_what_zonal_and_regional_storage_is(
    tmp_path: Path, kind: str, expected: tuple[str, str, str]
) -> None:
    found = specified(tmp_path, "us-east-1", storage=kind).storage
    assert (found.storage_class, found.access_mode, found.zonal_class) == expected


def test_a_region_without_regional_storage_says_where_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(HakitError) as raised:
        specified(tmp_path, "us-west-2", storage="regional")
    assert str(raised.value) == (
        "ZonalApp 'web': storage: the region has no regional storage\n"
        "  given:   regional\n"
        "  allowed: zonal\n"
        "  do:      name its class in the topology: regions.us-west-2.storage.regional"
    )


def test_storage_by_name_and_by_kind_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="storage and storage_class"):
        specified(tmp_path, "us-east-1", storage="zonal", storage_class="gp2")


def test_without_a_topology_nobody_knows_what_regional_storage_is() -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        zonal.specify("web", {**BASE, "storage": "regional"}, None)


def test_an_unknown_access_mode_is_refused() -> None:
    with pytest.raises(HakitError, match="access_mode: unknown word"):
        zonal.specify("web", {**BASE, "access_mode": "RWX"}, None)


def test_what_serves_never_asks_for_spot_capacity(tmp_path: Path) -> None:
    with pytest.raises(HakitError) as raised:
        specified(tmp_path, "us-east-1", active={"spot": "eks"})
    assert str(raised.value) == (
        "ZonalApp 'web': active.spot: it is taken back at any moment, and these pods serve\n  allowed: standby.spot"
    )


POD = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web"}]}}
WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": POD},
}


def test_spot_capacity_is_for_the_standby_and_gone_when_it_becomes_active(tmp_path: Path) -> None:
    spec = specified(tmp_path, "us-west-2", standby={"spot": "karpenter"}, priority_class="shop-high")
    standby, active = (harden([WEB], intent(spec, role, [WEB]))[0] for role in ("standby", "active"))
    preferred = {
        "weight": 100,
        "preference": {
            "matchExpressions": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}]
        },
    }
    assert standby["spec"]["template"]["spec"]["affinity"]["nodeAffinity"] == {
        "preferredDuringSchedulingIgnoredDuringExecution": [preferred]
    }, "preferred, so that it runs without spot nodes as well"
    assert "affinity" not in active["spec"]["template"]["spec"]
    classes = [each["spec"]["template"]["spec"]["priorityClassName"] for each in (standby, active)]
    assert classes == ["shop-high", "shop-high"]


def test_pods_with_volumes_stay_off_spot_nodes(tmp_path: Path) -> None:
    spec = specified(tmp_path, "us-west-2", standby={"spot": "gke"})
    database = copy.deepcopy(WEB) | {"kind": "StatefulSet"}
    database["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    pod = harden([database], intent(spec, "standby", [database]))[0]["spec"]["template"]["spec"]
    assert not {"affinity", "tolerations"} & set(pod)


@pytest.mark.parametrize(
    ("image", "codes"),
    [
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/web:1", ["HK047"]),
        ("111122223333.dkr.ecr.us-west-2.amazonaws.com/web:1", []),
        ("us-east1-docker.pkg.dev/shop/web:1", ["HK047"]),
        ("us-docker.pkg.dev/shop/web:1", []),  # multi-region
        ("registry.example.com/web:1", []),
    ],
)
def test_an_image_of_another_regions_registry_is_a_finding(tmp_path: Path, image: str, codes: list[str]) -> None:
    spec = specified(tmp_path, "us-west-2")
    web = copy.deepcopy(WEB)
    web["spec"]["template"]["spec"]["containers"][0]["image"] = image
    wanted = intent(spec, "active", [web])
    assert [each.code for each in audit(harden([web], wanted), wanted)] == codes


@pytest.mark.parametrize(
    ("image", "codes"),
    [
        ("web", ["HK051"]),
        ("shop/web:latest", ["HK051"]),
        ("registry.example.com:5000/shop/web", ["HK051"]),
        ("registry.example.com:5000/shop/web:2.4.1", []),
        ("shop/web@sha256:" + 64 * "a", []),
        ("shop/web:latest@sha256:" + 64 * "a", []),
    ],
)
def test_an_image_that_names_no_version_is_a_finding(tmp_path: Path, image: str, codes: list[str]) -> None:
    spec = specified(tmp_path, "us-west-2")
    web = copy.deepcopy(WEB)
    web["spec"]["template"]["spec"]["containers"][0]["image"] = image
    wanted = intent(spec, "active", [web])
    assert [each.code for each in audit(harden([web], wanted), wanted)] == codes


# --- capacity -------------------------------------------------------------------------------------------------------


def reported(tmp_path: Path, reserved: str) -> AppReport:
    """What is told of the storefront in the standby of a topology whose standby region has so many cores."""
    more = f"    capacity: {{cpu: {reserved}, memory: 64Gi}}\n"
    (tmp_path / "t.yaml").write_text(
        TOPOLOGY.replace("    cluster: {context: w}\n", f"    cluster: {{context: w}}\n{more}")
    )
    placed = {"topology": "t.yaml", "pair": "shop", "scope": "us-west-2", "standby": {"replicas": 2}}
    args = {key: value for key, value in storefront(**placed).items() if key != "zones"}

    def program() -> None:
        provider = hakit.kubernetes_provider("t.yaml", "us-west-2")
        hakit.ZonalApp("storefront", args, pulumi.ResourceOptions(provider=provider))  # ty: ignore

    with collecting() as reports:
        run(program, tmp_path)
    (found,) = reports
    return found


def test_a_standby_says_what_a_failover_needs_on_top(tmp_path: Path) -> None:
    # The chart asks for 250m and 256Mi a pod; six serve, two stand by.
    found = reported(tmp_path, reserved="16")
    assert found.failover == {"pods": 4, "cpu": "1", "memory": "1Gi"}
    assert found.reserved == ("16", "64Gi")
    assert found.settled.open == []


def test_a_region_that_has_no_room_for_the_active_role_is_told_so_while_it_stands_by(tmp_path: Path) -> None:
    (finding,) = reported(tmp_path, reserved="1").settled.open
    assert (finding.code, finding.path) == ("HK049", "cpu")
    assert finding.message == "its 6 pods ask for 1500m of cpu; the region has 1 reserved"
