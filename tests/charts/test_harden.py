"""Hardening beyond the corpus: what holds for all objects, Kubernetes versions, autoscalers, a standby."""

import copy
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.charts.audit import audit
from hakit.charts.harden import harden
from hakit.charts.intent import Autoscaling, Intent, Istio, Network, Peer, WorkloadIntent
from hakit.charts.manifests import Object
from hakit.charts.objects import disruption_budgets_of, hook_events, id_of, pod_spec, workloads
from tests.charts.build import deployment, one
from tests.charts.shapes import INTENTS, OBJECTS, workload

MANY = settings(deadline=None, max_examples=int(os.environ.get("HAKIT_EXAMPLES", "150")), derandomize=True)

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    given = {name: draw(strategy) for name, strategy in INTENTS.items()}
    each = WorkloadIntent(replicas=given.pop("replicas"), needs=2)
    return Intent(**given, workloads={"web": each, "api": WorkloadIntent(suspend=False)})


# --- what holds for all objects -------------------------------------------------------------------------------------


@MANY
@given(OBJECTS, intents())
def test_hardening_twice_is_hardening_once_whatever_comes_in(objects: list[Object], intent: Intent) -> None:
    once = harden(objects, intent)
    assert harden(once, intent) == once


@MANY
@given(OBJECTS, intents())
def test_what_is_given_stays_as_it_is(objects: list[Object], intent: Intent) -> None:
    before = copy.deepcopy(objects)
    harden(objects, intent)
    assert objects == before


@MANY
@given(OBJECTS, intents())
def test_an_audit_never_fails_whatever_comes_in(objects: list[Object], intent: Intent) -> None:
    audit(objects, intent)
    audit(harden(objects, intent), intent)


@MANY
@given(OBJECTS, intents())
def test_nothing_goes_but_what_is_replaced_switched_off_autoscalers_and_held_hooks(
    objects: list[Object], intent: Intent
) -> None:
    left = [id_of(obj) for obj in harden(objects, intent)]
    may_go = [id_of(each) for target in workloads(objects) for each in disruption_budgets_of(target, objects)]
    if intent.standby:
        may_go += [id_of(obj) for obj in objects if "pre-upgrade" in hook_events(obj)]
    if any(each.replicas == 0 for each in intent.workloads.values()):
        may_go += [id_of(obj) for obj in objects if obj["kind"] == "HorizontalPodAutoscaler"]
    if intent.network is not None:
        may_go += [id_of(obj) for obj in objects if obj["kind"] == "NetworkPolicy"]
    if intent.istio is not None:
        may_go += [id_of(obj) for obj in objects if obj["kind"] == "DestinationRule"]
    for obj in objects:
        assert id_of(obj) in left or id_of(obj) in may_go


@MANY
@given(st.lists(st.one_of(workload("Deployment"), workload("StatefulSet")), max_size=3), intents())
def test_every_workload_ends_with_both_constraints_over_its_own_selector(objects: list[Object], intent: Intent) -> None:
    hardened = harden(objects, intent)
    for before, after in zip(objects, hardened, strict=False):
        for key in (ZONE, HOST):
            (constraint,) = [
                item for item in pod_spec(after)["topologySpreadConstraints"] if item.get("topologyKey") == key
            ]
            assert constraint["labelSelector"] == before["spec"]["selector"]
            assert constraint["maxSkew"] == 1


def test_a_workload_without_a_pod_template_is_left_to_the_api_server() -> None:
    broken = [{"kind": "Deployment", "metadata": {"name": "web"}, "spec": None}, {"kind": "StatefulSet"}]
    assert harden(broken, Intent()) == broken


# --- Kubernetes versions --------------------------------------------------------------------------------------------

# The first version whose feature gate is on by default (beta), from
# https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
GATES = [
    # MatchLabelKeysInPodTopologySpread: alpha 1.25, beta 1.27
    ("matchLabelKeys", (1, 27)),
    # NodeInclusionPolicyInPodTopologySpread: alpha 1.25, beta 1.26
    ("nodeTaintsPolicy", (1, 26)),
    # PDBUnhealthyPodEvictionPolicy: alpha 1.26, beta 1.27
    ("unhealthyPodEvictionPolicy", (1, 27)),
    # PodLifecycleSleepAction: alpha 1.29, beta 1.30
    ("sleep", (1, 30)),
]


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | set().union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(("field", "since"), GATES)
def test_a_field_appears_from_exactly_the_version_that_knows_it(field: str, since: tuple[int, int]) -> None:
    for minor in range(24, 37):
        hardened = harden([deployment()], Intent(kubernetes=(1, minor)))
        assert (field in _keys(hardened)) is ((1, minor) >= since), f"1.{minor}"


def test_kubernetes_1_25_gets_none_of_the_newer_fields_and_a_wish_where_a_rule_would_count_a_lost_zone() -> None:
    intent = Intent(kubernetes=(1, 25))
    hardened = harden([deployment()], intent)
    assert not _keys(hardened) & {field for field, _ in GATES}
    assert _zone_rule(hardened[0]) == "ScheduleAnyway"
    (found,) = audit(hardened, intent)
    assert (found.code, found.message) == (
        "HK019",
        "a wish only: before Kubernetes 1.26 a rule counts the nodes of a lost zone",
    )


# --- spread ---------------------------------------------------------------------------------------------------------


def _zone_rule(obj: Object) -> str:
    return next(
        each["whenUnsatisfiable"] for each in pod_spec(obj)["topologySpreadConstraints"] if each["topologyKey"] == ZONE
    )


@pytest.mark.parametrize(("zones", "rule"), [(1, "ScheduleAnyway"), (2, "ScheduleAnyway"), (3, "DoNotSchedule")])
def test_the_zone_spread_is_a_rule_from_three_zones_on(zones: int, rule: str) -> None:
    # With two zones and a rule of skew 1 the survivors could not take over while the lost zone's nodes are listed.
    assert _zone_rule(harden([deployment()], Intent(zones=zones))[0]) == rule


def test_volumes_that_may_be_bound_already_make_the_zone_spread_a_wish_and_a_finding() -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    intent = Intent(existing_volumes=True)
    hardened = harden([deployment(volumes=[volume]), deployment("api")], intent)
    assert [_zone_rule(obj) for obj in hardened[:2]] == ["ScheduleAnyway", "DoNotSchedule"]
    assert [found.object for found in audit(hardened, intent) if found.code == "HK019"] == ["Deployment/web"]


def test_a_spread_over_another_key_stays_and_the_chart_s_own_over_zone_and_host_is_replaced() -> None:
    own = [{"topologyKey": "rack", "maxSkew": 2}, {"topologyKey": ZONE, "maxSkew": 5}, {"topologyKey": HOST}]
    found = pod_spec(harden([deployment(topologySpreadConstraints=own)], Intent())[0])["topologySpreadConstraints"]
    assert [(each["topologyKey"], each.get("maxSkew")) for each in found] == [("rack", 2), (ZONE, 1), (HOST, 1)]


def test_zone_anti_affinity_stays_where_each_pod_and_one_more_has_a_zone() -> None:
    term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "web"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    (found, _budget) = harden([deployment(replicas=2, affinity=affinity)], Intent(zones=3))
    assert pod_spec(found)["affinity"] == affinity


def test_anti_affinity_against_other_pods_and_over_hosts_stays_when_the_one_over_zones_goes() -> None:
    own = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "web"}}}
    others = [
        {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "db"}}},
        {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "web"}}},
    ]
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [own, *others]}}
    found = harden([deployment(affinity=affinity)], Intent())[0]
    rules = pod_spec(found)["affinity"]["podAntiAffinity"]
    assert rules == {"requiredDuringSchedulingIgnoredDuringExecution": others}


# --- replicas and autoscalers ---------------------------------------------------------------------------------------

AUTOSCALER = """
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web}
    spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 6}
"""


def test_scaling_to_zero_takes_the_autoscaler_and_the_budget_away() -> None:
    intent = Intent(standby=True, workloads={"web": WorkloadIntent(replicas=0)})
    (found,) = harden([deployment(), one(AUTOSCALER)], intent)
    assert found["spec"]["replicas"] == 0
    assert audit([found], intent) == []


def test_declared_replicas_are_the_autoscaler_s_minimum_and_its_larger_maximum_stays() -> None:
    intent = Intent(workloads={"Deployment/web": WorkloadIntent(replicas=4)})
    web, autoscaler, budget = harden([deployment(replicas=1), one(AUTOSCALER)], intent)
    assert "replicas" not in web["spec"]
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (4, 6)
    assert budget["kind"] == "PodDisruptionBudget"


def test_an_autoscaler_that_is_asked_for_takes_the_place_of_the_chart_s() -> None:
    wanted = WorkloadIntent(replicas=3, autoscaling=Autoscaling(9, cpu=70, memory=80))
    intent = Intent(namespace="shop", workloads={"web": wanted})
    chart = one(AUTOSCALER.replace("name: web}\n", "name: web-hpa}\n", 1))
    web = deployment(replicas=1)
    web["metadata"]["labels"] = {"app": "web", "helm.sh/chart": "web-1.0.0"}
    for objects in ([web, chart], [web]):
        hardened = harden(objects, intent)
        assert "replicas" not in hardened[0]["spec"]
        (found,) = [obj for obj in hardened if obj["kind"] == "HorizontalPodAutoscaler"]
        assert found == one("""
            apiVersion: autoscaling/v2
            kind: HorizontalPodAutoscaler
            metadata: {name: web, namespace: shop, labels: {app: web}}
            spec:
              scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
              minReplicas: 3
              maxReplicas: 9
              metrics:
                - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
                - {type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}}
        """)
        assert harden(hardened, intent) == hardened


def test_a_standby_that_is_off_gets_no_autoscaler() -> None:
    wanted = WorkloadIntent(replicas=0, autoscaling=Autoscaling(9, cpu=70))
    (found,) = harden([deployment()], Intent(standby=True, workloads={"web": wanted}))
    assert found["spec"]["replicas"] == 0


def test_the_longer_name_of_a_workload_goes_first() -> None:
    intent = Intent(workloads={"web": WorkloadIntent(replicas=2), "Deployment/web": WorkloadIntent(replicas=5)})
    assert harden([deployment()], intent)[0]["spec"]["replicas"] == 5


# --- budgets --------------------------------------------------------------------------------------------------------


def test_a_single_replica_gets_no_budget_and_loses_the_chart_s() -> None:
    chart = one("""
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: {name: web}
        spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
    """)
    assert [obj["kind"] for obj in harden([deployment(replicas=1), chart], Intent())] == ["Deployment"]


def test_a_budget_over_the_whole_namespace_is_replaced_because_two_budgets_stop_every_eviction() -> None:
    # policy/v1: "an empty selector ({}) will select all pods within the namespace"; and api-eviction answers 500 when
    # several budgets reference one pod.
    chart = one("""
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: {name: everything}
        spec: {maxUnavailable: 1, selector: {}}
    """)
    found = harden([deployment(), chart], Intent())
    assert [id_of(obj) for obj in found] == ["Deployment/web", "PodDisruptionBudget/web"]


def test_the_budget_takes_the_namespace_and_labels_of_its_workload_and_the_number_asked_for() -> None:
    web = deployment(replicas=6)
    web["metadata"] |= {"namespace": "shop", "labels": {"team": "shop"}}
    budget = harden([web], Intent(workloads={"web": WorkloadIntent(max_unavailable=2)}))[-1]
    assert budget["metadata"] == {"name": "web", "namespace": "shop", "labels": {"team": "shop"}}
    assert budget["spec"]["maxUnavailable"] == 2


def test_two_workloads_of_one_name_get_a_budget_each() -> None:
    other = {**deployment("web"), "kind": "StatefulSet"}
    other["spec"] = {**other["spec"], "selector": {"matchLabels": {"app": "db"}}}
    names = [obj["metadata"]["name"] for obj in harden([deployment(), other], Intent())[2:]]
    assert names == ["web", "web-statefulset"]


# --- stopping -------------------------------------------------------------------------------------------------------


def test_the_chart_s_own_grace_period_and_pre_stop_stay() -> None:
    own = {"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["drain"]}}, "postStart": {}}}
    spec = pod_spec(harden([deployment(containers=[own], terminationGracePeriodSeconds=300)], Intent())[0])
    assert spec["terminationGracePeriodSeconds"] == 300
    assert spec["containers"] == [own]


def test_a_grace_period_of_null_is_kubernetes_default_and_becomes_sixty_seconds() -> None:
    spec = pod_spec(harden([deployment(terminationGracePeriodSeconds=None)], Intent())[0])
    assert spec["terminationGracePeriodSeconds"] == 60


def test_a_grace_period_too_short_for_the_wait_stays_without_it() -> None:
    spec = pod_spec(harden([deployment(terminationGracePeriodSeconds=15)], Intent())[0])
    assert "lifecycle" not in spec["containers"][0], "ten seconds of waiting would leave five to stop in"


def test_every_container_waits_before_it_stops() -> None:
    spec = pod_spec(harden([deployment(containers=[{"name": "web"}, {"name": "proxy"}])], Intent())[0])
    assert [each["lifecycle"]["preStop"]["sleep"]["seconds"] for each in spec["containers"]] == [10, 10]


@pytest.mark.parametrize("own", [{"operator": "Exists"}, {"key": "", "operator": "Exists", "effect": ""}])
def test_pods_that_tolerate_everything_get_no_second_toleration(own: dict[str, str]) -> None:
    # core/v1 Toleration: an empty key with Exists matches all keys; an empty effect matches all effects.
    found = harden([deployment(tolerations=[own])], Intent())
    assert pod_spec(found[0])["tolerations"] == [own]
    assert "HK023" in {each.code for each in audit(found, Intent())}, "it stays for ever, and the chart wants it so"


# --- probes and resources -------------------------------------------------------------------------------------------


def test_probes_and_resources_reach_the_named_container_whole() -> None:
    probe = {"httpGet": {"path": "/ready", "port": 80}}
    wanted = WorkloadIntent(container="web", probes={"readinessProbe": probe}, resources={"requests": {"cpu": "1"}})
    own = [
        {"name": "proxy"},
        {"name": "web", "readinessProbe": {"tcpSocket": {"port": 1}}, "resources": {"limits": {}}},
    ]
    proxy, web = pod_spec(harden([deployment(containers=own)], Intent(workloads={"web": wanted}))[0])["containers"]
    assert "readinessProbe" not in proxy
    assert "resources" not in proxy
    assert (web["readinessProbe"], web["resources"]) == (probe, {"requests": {"cpu": "1"}})


def test_the_storage_class_reaches_claims_and_claim_templates() -> None:
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "files"}, "spec": {"storageClassName": "slow"}}
    db = {**deployment("db"), "kind": "StatefulSet"}
    db["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": None}]
    files, db, _ = harden([claim, db], Intent(storage_class="zonal"))
    assert files["spec"]["storageClassName"] == "zonal"
    assert db["spec"]["volumeClaimTemplates"][0]["spec"] == {"storageClassName": "zonal"}


# --- standby --------------------------------------------------------------------------------------------------------


def _hook(kind: str, events: str) -> Object:
    return {"kind": kind, "metadata": {"name": f"{kind}-{events}".lower(), "annotations": {"helm.sh/hook": events}}}


@pytest.mark.parametrize(
    ("events", "held"),
    [
        ("pre-upgrade", True),
        ("post-install, test", True),
        ("pre-rollback", True),
        ("test", False),
        ("pre-delete", False),
    ],
)
def test_a_standby_holds_the_hooks_that_change_data(events: str, held: bool) -> None:
    job = _hook("Job", events)
    assert (harden([job], Intent(standby=True)) == []) is held
    assert harden([job], Intent(standby=True, run_hooks=True)) == [job]
    assert harden([job], Intent()) == [job]


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap", "ServiceAccount"])
def test_a_standby_keeps_hooks_that_run_nothing_because_pods_may_need_them(kind: str) -> None:
    # Charts make a Secret or a ServiceAccount a pre-install hook, so that a migration job finds it; so do their pods.
    hook = _hook(kind, "pre-install,pre-upgrade")
    intent = Intent(standby=True)
    assert harden([hook], intent) == [hook]
    assert audit([hook], intent) == []


@pytest.mark.parametrize(
    ("standby", "asked", "suspended"),
    [(True, None, True), (True, False, False), (False, None, None), (False, True, True)],
)
def test_a_cronjob_is_suspended_as_declared_and_in_a_standby_by_default(
    standby: bool, asked: bool | None, suspended: bool | None
) -> None:
    job = {"kind": "CronJob", "metadata": {"name": "report"}, "spec": {"schedule": "0 3 * * *"}}
    intent = Intent(standby=standby, workloads={"report": WorkloadIntent(suspend=asked)})
    assert harden([job], intent)[0]["spec"].get("suspend") is suspended


def test_a_daemonset_and_a_job_are_not_touched() -> None:
    others = [{**deployment(), "kind": kind} for kind in ("DaemonSet", "Job", "ReplicaSet")]
    assert harden(others, Intent()) == others


# --- network and traffic --------------------------------------------------------------------------------------------


def _service(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": "web"}, **spec},
    }


def test_only_services_that_spread_requests_keep_them_in_their_zone_and_get_a_circuit_breaker() -> None:
    services = [
        _service("web"),
        _service("web-headless", clusterIP="None"),
        _service("elsewhere", type="ExternalName"),
        _service("other", selector={"app": "other"}),
    ]
    hardened = harden([deployment(), *services], Intent(same_zone=True, istio=Istio()))
    words = {id_of(obj): obj["spec"].get("trafficDistribution") for obj in hardened if obj["kind"] == "Service"}
    assert words == {
        "Service/web": "PreferSameZone",
        "Service/web-headless": None,
        "Service/elsewhere": None,
        "Service/other": None,
    }
    assert [id_of(obj) for obj in hardened if obj["kind"] == "DestinationRule"] == ["DestinationRule/web"]


@pytest.mark.parametrize("host", ["web", "web.default", "web.default.svc", "web.default.svc.cluster.local"])
def test_the_charts_rule_for_a_service_is_replaced_whichever_of_its_names_it_uses(host: str) -> None:
    rule = {"apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule", "metadata": {"name": "breaker"}}
    hardened = harden([deployment(), _service("web"), {**rule, "spec": {"host": host}}], Intent(istio=Istio()))
    assert [id_of(obj) for obj in hardened if obj["kind"] == "DestinationRule"] == ["DestinationRule/web"]


@pytest.mark.parametrize("host", ["other", "web.elsewhere", "web.example.org"])
def test_a_rule_for_another_service_stays(host: str) -> None:
    rule = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "breaker"}}
    hardened = harden([deployment(), _service("web"), {**rule, "spec": {"host": host}}], Intent(istio=Istio()))
    assert [id_of(obj) for obj in hardened if obj["kind"] == "DestinationRule"] == [
        "DestinationRule/breaker",
        "DestinationRule/web",
    ]


# pods, zones, percent that the fullest zone holds, rounded up: counted on fingers
@pytest.mark.parametrize(
    ("pods", "zones", "percent"),
    [(3, 3, 34), (6, 3, 34), (4, 3, 50), (2, 3, 50), (4, 2, 50), (1, 3, None), (3, 1, None)],
)
def test_a_mesh_may_leave_out_what_one_zone_holds(pods: int, zones: int, percent: int | None) -> None:
    hardened = harden([deployment(replicas=pods), _service("web")], Intent(zones=zones, istio=Istio()))
    (rule,) = [obj for obj in hardened if obj["kind"] == "DestinationRule"]
    assert rule["spec"]["trafficPolicy"]["outlierDetection"].get("maxEjectionPercent") == percent


def test_policies_of_others_stay_and_those_about_the_charts_pods_are_replaced() -> None:
    def policy(name: str, selector: dict[str, Any], **metadata: str) -> Object:
        spec = {"podSelector": selector, "ingress": [{}]}
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, **metadata},
            "spec": spec,
        }

    given = [
        deployment(),
        policy("open", {"matchLabels": {"app": "web"}}),
        policy("all", {}),
        policy("web", {"matchLabels": {"app": "database"}}),
    ]
    hardened = harden(given, Intent(network=Network()))
    # The name is taken by one that stays.
    assert [id_of(obj) for obj in hardened if obj["kind"] == "NetworkPolicy"] == [
        "NetworkPolicy/web",
        "NetworkPolicy/web-deployment",
    ]


def test_the_pods_of_a_chart_may_talk_to_one_another() -> None:
    hardened = harden([deployment(), deployment("db")], Intent(network=Network()))
    both = [{"podSelector": {"matchLabels": {"app": name}}} for name in ("web", "db")]
    policies = [obj["spec"] for obj in hardened if obj["kind"] == "NetworkPolicy"]
    assert [(each["ingress"], each["egress"][0]) for each in policies] == [([{"from": both}], {"to": both})] * 2


def test_dns_may_be_elsewhere() -> None:
    hardened = harden([deployment()], Intent(network=Network(dns=Peer(cidr="169.254.20.10/32"))))
    (policy,) = [obj["spec"] for obj in hardened if obj["kind"] == "NetworkPolicy"]
    assert policy["egress"][1]["to"] == [{"ipBlock": {"cidr": "169.254.20.10/32"}}]
