"""The audit beyond the corpus: the arithmetic of zones, and causes of a finding that the traps do not have."""

from pathlib import Path
from typing import Any

import pytest

from hakit.charts.audit import audit
from hakit.charts.audit.placement import left_after_a_zone, replicas_for
from hakit.charts.examine import examine_chart
from hakit.charts.harden import harden
from hakit.charts.holes import draft
from hakit.charts.intent import Intent, WorkloadIntent
from hakit.charts.manifests import Object
from hakit.charts.render import render
from hakit.charts.templates import audit_templates
from tests.charts.build import RELEASE, deployment, make_chart, one
from tests.charts.corpus import told

# replicas, zones, how they lie, what the loss of the fullest zone leaves: counted on fingers
LEFT = [
    (1, 3, "1 0 0", 0),
    (2, 3, "1 1 0", 1),
    (3, 3, "1 1 1", 2),
    (4, 3, "2 1 1", 2),
    (5, 3, "2 2 1", 3),
    (6, 3, "2 2 2", 4),
    (7, 3, "3 2 2", 4),
    (2, 2, "1 1", 1),
    (3, 2, "2 1", 1),
    (4, 2, "2 2", 2),
    (6, 4, "2 2 1 1", 4),
    (0, 3, "0 0 0", 0),
]


@pytest.mark.parametrize(("replicas", "zones", "lie", "left"), LEFT)
def test_what_is_left_when_the_fullest_zone_is_lost(replicas: int, zones: int, lie: str, left: int) -> None:
    assert sum(map(int, lie.split())) == replicas
    assert left_after_a_zone(replicas, zones) == left


# needs, zones, the fewest replicas of which that many are left
NEEDED = [(1, 3, 2), (2, 3, 3), (3, 3, 5), (4, 3, 6), (1, 2, 2), (2, 2, 4), (3, 4, 4), (4, 4, 6), (0, 3, 0)]


@pytest.mark.parametrize(("needs", "zones", "replicas"), NEEDED)
def test_the_fewest_replicas_that_leave_what_is_needed(needs: int, zones: int, replicas: int) -> None:
    assert replicas_for(needs, zones) == replicas


def test_hk001_says_how_many_replicas_would_do() -> None:
    intent = Intent(workloads={"web": WorkloadIntent(needs=4)})
    (found,) = [each for each in audit(harden([deployment(replicas=4)], intent), intent) if each.code == "HK001"]
    assert found.message == "4 replicas over 3 zones leave 2 when one is lost; it needs 4"
    assert found.remedy == "set replicas to 6, or lower needs"


@pytest.mark.parametrize(("taken", "codes"), [(1, []), (2, []), (3, ["HK001"])])
def test_hk001_counts_what_a_drain_may_take_at_once(taken: int, codes: list[str]) -> None:
    """Six replicas of which four are needed: two may be away, by the loss of a zone or by a drain."""
    intent = Intent(workloads={"web": WorkloadIntent(needs=4, max_unavailable=taken)})
    found = audit(harden([deployment(replicas=6)], intent), intent)
    assert [each.code for each in found] == codes
    assert [each.remedy for each in found] == ["set max_unavailable to 2"] * len(codes)


def test_a_single_replica_that_an_autoscaler_allows_names_the_autoscaler() -> None:
    autoscaler = one("""
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 9}
    """)
    (found,) = [each for each in audit(harden([deployment(), autoscaler], Intent()), Intent()) if each.code == "HK004"]
    assert found.message == ("HorizontalPodAutoscaler/web may leave it one replica: its node's loss is an outage")


@pytest.mark.parametrize(
    ("needs", "more"), [(None, ""), (2, "; whether 2 are left when a zone is lost, depends on where")]
)
def test_volumes_that_exist_promise_nothing_about_what_is_left(needs: int | None, more: str) -> None:
    """In the lab two of three volumes are in the lost zone, and one pod is left (tests/lab/test_every_workload.py)."""
    wanted = WorkloadIntent(clustered=True, needs=needs)
    intent = Intent(existing_volumes=True, workloads={"db": wanted})
    database = {**deployment("db"), "kind": "StatefulSet"}
    database["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    (found,) = audit(harden([database], intent), intent)
    assert (found.code, found.message) == (
        "HK019",
        f"a wish only, because its volumes may be bound to zones already{more}",
    )


def test_with_two_zones_and_no_claims_the_zones_are_why_the_spread_is_a_wish() -> None:
    intent = Intent(zones=2, existing_volumes=True)
    (found,) = audit(harden([deployment(replicas=4)], intent), intent)
    assert found.message == "a wish only, because 2 zones leave no room for a rule"


def _ruled(replicas: int, **constraint: Any) -> Object:
    """Strictly spread over zones by the chart itself."""
    rule = {"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
    rule |= {"labelSelector": {"matchLabels": {"app": "web"}}, **constraint}
    return deployment(replicas=replicas, topologySpreadConstraints=[rule])


@pytest.mark.parametrize(
    ("replicas", "constraint", "raised"),
    [
        (3, {}, ["of 3 pods no more than 2 run while a zone is lost"]),
        (6, {"maxSkew": 2}, ["of 6 pods no more than 4 run while a zone is lost"]),
        (2, {}, []),  # one in each zone that is left
        (4, {"maxSkew": 2}, []),
        (3, {"nodeTaintsPolicy": "Honor"}, []),
        (3, {"nodeTaintsPolicy": "Ignore"}, ["of 3 pods no more than 2 run while a zone is lost"]),
        (3, {"whenUnsatisfiable": "ScheduleAnyway"}, []),
    ],
)
def test_hk035_is_raised_where_the_other_zones_may_not_take_the_lost_pods(
    replicas: int, constraint: dict[str, Any], raised: list[str]
) -> None:
    """The lost zone counts as one with no pods, so each other zone may have maxSkew; the lab's scheduler agrees."""
    found = audit([_ruled(replicas, **constraint)], Intent())
    assert [each.message for each in found if each.code == "HK035"] == raised


def test_before_1_26_the_way_out_of_a_rule_that_counts_a_lost_zone_is_a_wish() -> None:
    (found,) = [each for each in audit([_ruled(3)], Intent(kubernetes=(1, 25))) if each.code == "HK035"]
    assert found.remedy == "make it a wish (ScheduleAnyway); nodeTaintsPolicy needs Kubernetes 1.26"


def test_before_1_30_the_wait_that_is_advised_is_one_that_there_is() -> None:
    service = one("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}}}")
    old, new = (
        [each.remedy for each in audit([deployment(), service], Intent(kubernetes=version)) if each.code == "HK024"]
        for version in ((1, 29), (1, 30))
    )
    assert old == [
        "add an exec preStop such as `sleep 10`, in an image that has it; the sleep action needs Kubernetes 1.30"
    ]
    assert new == ["add a preStop sleep of 10 seconds and a grace period that leaves time after it"]


_MEASURED = """
    apiVersion: autoscaling/{version}
    kind: HorizontalPodAutoscaler
    metadata: {{name: web}}
    spec: {{scaleTargetRef: {{kind: Deployment, name: web}}, minReplicas: 3, maxReplicas: 9, {follows}}}
"""
_SHARE = "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]"
_VALUE = "metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 100m}}}]"


@pytest.mark.parametrize(
    ("version", "follows", "resources", "raised"),
    [
        ("v2", _SHARE, {}, True),
        ("v2", _SHARE, {"requests": {"memory": "1Gi"}}, True),
        ("v2", _SHARE, {"requests": {"cpu": "100m"}}, False),
        ("v2", _SHARE, {"limits": {"cpu": "1"}}, False),  # taken for the request
        ("v2", _VALUE, {}, False),
        ("v1", "targetCPUUtilizationPercentage: 70", {}, True),
    ],
)
def test_hk036_is_raised_where_a_share_of_nothing_is_followed(
    version: str, follows: str, resources: dict[str, Any], raised: bool
) -> None:
    autoscaler = one(_MEASURED.format(version=version, follows=follows))
    web = deployment(containers=[{"name": "web", "resources": {"requests": {"cpu": "1"}}}, {"name": "log"}])
    web["spec"]["template"]["spec"]["containers"][1]["resources"] = resources
    found = [each.message for each in audit([web, autoscaler], Intent()) if each.code == "HK036"]
    assert found == ["it follows cpu in percent of requests; log requests none"] * raised


def test_an_autoscaler_s_minimum_is_what_must_survive_a_zone() -> None:
    autoscaler = one("""
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 9}
    """)
    intent = Intent(workloads={"web": WorkloadIntent(needs=2)})
    assert told(audit(harden([deployment(), autoscaler], intent), intent)) == ["HK001 Deployment/web spec.replicas"]


def _codes(objects: list[Object], intent: Intent | None = None) -> list[str]:
    return [line[:5] for line in told(audit(objects, intent or Intent()))]


def _good(name: str = "web", replicas: int = 3) -> list[Object]:
    """A Deployment and its budget that raise nothing."""
    return harden([deployment(name, replicas)], Intent())


def _budget(spec: dict[str, Any]) -> Object:
    spec = {"unhealthyPodEvictionPolicy": "AlwaysAllow", **spec}
    return {"kind": "PodDisruptionBudget", "metadata": {"name": "own"}, "spec": spec}


# https://kubernetes.io/docs/tasks/run-application/configure-pdb/#rounding-logic-when-specifying-percentages:
# a share is rounded up, for both keys.
@pytest.mark.parametrize(
    ("spec", "blocks"),
    [
        ({"minAvailable": 3}, True),
        ({"minAvailable": 4}, True),
        ({"minAvailable": 2}, False),
        ({"minAvailable": "100%"}, True),
        ({"minAvailable": "67%"}, True),  # 2.01 pods are three
        ({"minAvailable": "66%"}, False),  # 1.98 pods are two
        ({"maxUnavailable": 0}, True),
        ({"maxUnavailable": "0%"}, True),
        ({"maxUnavailable": "1%"}, False),  # 0.03 pods are one
        ({"maxUnavailable": 1}, False),
    ],
)
def test_a_budget_blocks_drains_when_no_pod_of_three_may_go(spec: dict[str, Any], blocks: bool) -> None:
    objects = [_good()[0], _budget({**spec, "selector": {"matchLabels": {"app": "web"}}})]
    assert _codes(objects) == (["HK008"] if blocks else [])


def test_a_budget_over_two_workloads_counts_the_pods_of_both() -> None:
    # minAvailable 3 of 2 + 2 lets one go; counted against either workload alone it would seem to block.
    both = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}
    objects = [_good("web", 2)[0], _good("api", 2)[0], _budget({"minAvailable": 3, "selector": both})]
    assert _codes(objects) == []
    objects[-1]["spec"]["minAvailable"] = 4
    assert _codes(objects) == ["HK008"], "one finding, about the budget"


def test_a_budget_over_the_whole_namespace_counts_every_pod() -> None:
    assert _codes([_good()[0], _budget({"maxUnavailable": 1, "selector": {}})]) == []
    assert _codes([_good()[0], _budget({"maxUnavailable": 1})]) == ["HK017", "HK022"], "without selector: no pod"


def test_two_budgets_over_one_pod_block_its_eviction() -> None:
    # https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/: 500 when several budgets reference one pod
    assert _codes([*_good(), _budget({"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}})]) == ["HK008"]


def test_a_selector_does_not_leave_its_namespace() -> None:
    here, there = deployment(), deployment()
    here["metadata"] = {"name": "web", "namespace": "shop"}
    there["metadata"] = {"name": "other", "namespace": "elsewhere"}
    objects = harden([here, there], Intent())
    assert [obj["metadata"]["namespace"] for obj in objects[2:]] == ["shop", "elsewhere"], "a budget each"
    assert _codes(objects) == [], "equal labels in two namespaces are no foreign pods"


def test_a_claim_of_two_single_pods_is_shared_as_well() -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    objects = harden([claim, deployment("web", 1, volumes=[volume]), deployment("cron", 1, volumes=[volume])], Intent())
    found = [each for each in audit(objects, Intent()) if each.code == "HK005"]
    assert [(each.object, each.detail) for each in found] == [
        ("Deployment/cron", "Deployment/web mounts it as well"),
        ("Deployment/web", "Deployment/cron mounts it as well"),
    ]


def test_a_shared_claim_that_is_not_in_the_chart_may_be_a_read_write_once_one() -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "existing"}}
    (found,) = audit(harden([deployment(volumes=[volume])], Intent()), Intent())
    assert (found.code, "access mode is unknown" in found.message) == ("HK005", True)


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadWriteOncePod"])
def test_a_volume_of_one_node_or_one_pod_is_not_to_be_shared(mode: str) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {"accessModes": [mode]}}
    assert _codes(harden([claim, deployment(volumes=[volume])], Intent())) == ["HK005"]


def test_a_standby_needs_no_second_replica_and_runs_what_is_allowed_by_name() -> None:
    job = {"kind": "CronJob", "metadata": {"name": "report"}, "spec": {"schedule": "0 3 * * *"}}
    allowed = Intent(standby=True, workloads={"report": WorkloadIntent(suspend=False)})
    assert _codes(harden([deployment(replicas=1), job], allowed), allowed) == []


def test_a_wait_as_long_as_the_grace_period_leaves_no_time_to_stop() -> None:
    service = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}
    container = {"name": "web", "readinessProbe": {"exec": {}}, "lifecycle": {"preStop": {"sleep": {"seconds": 30}}}}
    web = deployment(containers=[container], terminationGracePeriodSeconds=30)
    assert _codes([*harden([web], Intent()), service]) == ["HK024"]


def test_a_test_hook_s_pods_and_a_service_without_selector_concern_nobody() -> None:
    test = {
        "kind": "Pod",
        "metadata": {"name": "test", "labels": {"app": "web"}, "annotations": {"helm.sh/hook": "test"}},
        "spec": {"containers": [{"name": "test", "volumeMounts": [{"name": "missing"}]}]},
    }
    external = {"kind": "Service", "metadata": {"name": "db"}, "spec": {"type": "ExternalName"}}
    assert _codes([*_good(), test, external]) == []


def test_definitions_in_a_crds_folder_are_no_part_of_the_release(tmp_path: Path) -> None:
    definition = "kind: CustomResourceDefinition\nmetadata: {name: orders}\n"
    chart = make_chart(tmp_path, "", **{"crds/orders.yaml": definition})
    assert [each["metadata"]["name"] for each in chart.crds] == ["orders"]
    assert render(chart, {}, RELEASE) == []


# --- templates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [".Capabilities", ".Release.Revision", ".Release.IsUpgrade", ".Release.IsInstall"])
def test_templates_that_ask_for_the_release_or_the_cluster_are_named_with_their_line(tmp_path: Path, word: str) -> None:
    chart = make_chart(tmp_path, f"# a line before\n{{{{ if {word} }}}}kind: ConfigMap{{{{ end }}}}")
    (found,) = audit_templates(chart)
    assert (found.code, found.path, found.where) == ("HK020", word, "web/templates/all.yaml:2")


@pytest.mark.parametrize(
    "template",
    [
        '{{/* lookup "v1" and .Capabilities in a comment */}}',
        '# lookup "v1" in a YAML comment',
        "a: {{ .Values.lookup }}",
        "a: {{ .Values.Capabilities }}",
        '{{ define "unused" }}{{ lookup "v1" "Secret" "a" "b" }}{{ end }}',
    ],
)
def test_a_word_alone_asks_for_nothing(tmp_path: Path, template: str) -> None:
    assert audit_templates(make_chart(tmp_path, template)) == []


def test_a_lookup_behind_two_includes_is_found_and_notes_do_not_count(tmp_path: Path) -> None:
    helpers = """
        {{ define "a" }}{{ include "b" . }}{{ end }}
        {{ define "b" }}{{ if true }}{{ lookup "v1" "Secret" "a" "b" }}{{ end }}{{ end }}
    """
    found = audit_templates(make_chart(tmp_path, {"_helpers.tpl": helpers, "all.yaml": '{{ include "a" . }}'}))
    assert [(each.code, each.where) for each in found] == [("HK032", "web/templates/_helpers.tpl:2")]
    quiet = make_chart(tmp_path / "quiet", {"_helpers.tpl": helpers, "NOTES.txt": '{{ include "a" . }}'})
    assert audit_templates(quiet) == [], "notes are not deployed"


def test_a_lookup_in_a_subchart_counts_when_the_subchart_is_on(tmp_path: Path) -> None:
    files = {
        "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"
        "dependencies: [{name: db, version: 1.0.0, condition: db.enabled}]\n",
        "charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
        "charts/db/templates/all.yaml": 'kind: {{ lookup "v1" "Secret" "a" "b" | default "ConfigMap" }}',
    }
    chart = make_chart(tmp_path, "", "db: {enabled: false}", **files)
    for values, found in (({}, []), ({"db": {"enabled": True}}, ["HK032 chart lookup"])):
        drafted = draft(chart, values, RELEASE)
        assert told(examine_chart(chart, drafted, RELEASE)) == found
    (found,) = audit_templates(chart)
    assert found.where == "web/charts/db/templates/all.yaml:1"


# --- what is asked for beyond the defaults --------------------------------------------------------------------------


# Six replicas of which four are needed. A share is rounded up: 25% are 1.5, so two; 34% are 2.04, so three.
@pytest.mark.parametrize(("share", "codes"), [("16%", []), ("25%", []), ("33%", []), ("34%", ["HK001"])])
def test_hk001_counts_a_share_as_the_api_does_rounded_up(share: str, codes: list[str]) -> None:
    intent = Intent(workloads={"web": WorkloadIntent(needs=4, max_unavailable=share)})
    found = audit(harden([deployment(replicas=6)], intent), intent)
    assert [each.code for each in found] == codes
    assert [each.message for each in found] == ["a drain may take 3 of 6 replicas at once; it needs 4"] * len(codes)


@pytest.mark.parametrize(
    ("replicas", "spec", "raised"),
    [
        (3, "maxUnavailable: 3", True),
        (3, "maxUnavailable: 67%", True),  # 2.01, rounded up
        (3, "maxUnavailable: 66%", False),  # 1.98
        (3, "minAvailable: 0", True),
        (3, "minAvailable: 1%", False),  # 0.03, rounded up
        (1, "maxUnavailable: 1", False),  # a single pod has no other one
        (3, "minAvailable: 0, maxUnavailable: 3", False),  # the API server refuses it: HK016
    ],
)
def test_hk037_is_raised_where_all_pods_may_go_at_once(replicas: int, spec: str, raised: bool) -> None:
    budget = one(f"""
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: {{name: web}}
        spec: {{selector: {{matchLabels: {{app: web}}}}, {spec}}}
    """)
    found = [each for each in audit([deployment(replicas=replicas), budget], Intent()) if each.code == "HK037"]
    assert bool(found) is raised


@pytest.mark.parametrize(
    ("spec", "raised"),
    [
        ("egress: [{ports: [{port: 5432}]}]", True),
        ("policyTypes: [Egress]", True),
        ("egress: [{ports: [{port: 5432}]}, {ports: [{port: 53, protocol: UDP}]}]", False),
        ("egress: [{ports: [{port: 1, endPort: 1024}]}]", False),
        ("egress: [{ports: [{port: 54, endPort: 1024}]}]", True),
        ("egress: [{to: [{podSelector: {}}]}]", False),  # every port
        ("egress: [{ports: [{port: dns}]}]", False),  # a name may be any port
        ("policyTypes: [Ingress], egress: [{ports: [{port: 5432}]}]", False),  # it does not isolate for egress
        ("ingress: []", False),
    ],
)
def test_hk042_is_raised_where_no_rule_lets_port_53_out(spec: str, raised: bool) -> None:
    policy = one(f"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {{name: web}}
        spec: {{podSelector: {{matchLabels: {{app: web}}}}, {spec}}}
    """)
    found = [each for each in audit([deployment(), policy], Intent()) if each.code == "HK042"]
    assert bool(found) is raised


def test_two_policies_together_may_let_names_resolve() -> None:
    policies = [
        one(f"""
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {{name: {name}}}
            spec: {{podSelector: {{}}, egress: [{{ports: [{{port: {port}}}]}}]}}
        """)
        for name, port in (("database", 5432), ("dns", 53))
    ]
    assert "HK042" not in [each.code for each in audit([deployment(), *policies], Intent())]


def test_a_destination_rule_of_somebody_else_is_none_of_istios() -> None:
    rule = one("""
        apiVersion: mesh.example.org/v1
        kind: DestinationRule
        metadata: {name: web}
        spec: {trafficPolicy: {outlierDetection: {consecutiveErrors: 5}}}
    """)
    assert "HK043" not in [each.code for each in audit([deployment(), rule], Intent())]
