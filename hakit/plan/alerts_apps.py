"""Alerts on applications: spread over zones, pods that serve, disruption budgets. Pure.

Series are those of kube-state-metrics (docs/metrics in https://github.com/kubernetes/kube-state-metrics).
`kube_pod_info` has the node and no zone; the zone is a label of `kube_node_labels` only when kube-state-metrics runs
with `--metric-labels-allowlist=nodes=[topology.kubernetes.io/zone]`.
"""

from hakit.plan.alerts_rule import CRITICAL, WARNING, Alert, within
from hakit.plan.alerts_spec import AlertsSpec, App

_ZONE = "label_topology_kubernetes_io_zone"
#: Names of pods: `<deployment>-<hash of the template>-<five characters>`, `<stateful set>-<number>`.
_PODS = {"Deployment": "-[a-z0-9]{1,10}-[a-z0-9]{5}", "StatefulSet": "-[0-9]+"}


def alerts(spec: AlertsSpec) -> list[Alert]:
    found = [each for app in spec.apps for each in _of(spec, app)]
    return [*found, _budgets(spec)] if spec.apps else []


def _of(spec: AlertsSpec, app: App) -> list[Alert]:
    found = [_under_need(spec, app)]
    if app.replicas > 1 and len(app.zones) > 1:
        found += [_out_of_balance(spec, app), _zone_without(spec, app)]
    return found


def per_zone(spec: AlertsSpec, app: App, among: tuple[str, ...]) -> str:
    """Ready pods, by zone. A zone without any has no series, and cannot be seen by comparing these.

    Args:
        spec: where they are.
        app: whose they are.
        among: the zones that are looked at.
    """
    pods = f'namespace="{spec.namespace}",pod=~"{app.name}{_PODS[app.kind]}"'
    zones = f'{_ZONE}=~"{"|".join(among)}"'
    # `max by` takes the doubles away that two instances of kube-state-metrics make.
    return (
        f"count by ({_ZONE}) ("
        f'(max by (pod) (kube_pod_status_ready{{{pods},condition="true"}}) == 1) '
        f"* on (pod) group_left (node) max by (pod, node) (kube_pod_info{{{pods}}}) "
        f"* on (node) group_left ({_ZONE}) max by (node, {_ZONE}) (kube_node_labels{{{zones}}})"
        ")"
    )


def _out_of_balance(spec: AlertsSpec, app: App) -> Alert:
    by_zone = per_zone(spec, app, app.zones)
    return Alert(
        name="HaPodsOutOfBalance",
        # One more than elsewhere is what `maxSkew: 1` allows.
        expr=f"max({by_zone}) - min({by_zone}) > LIMIT",
        limit=1,
        hold=900,
        severity=WARNING,
        summary=f"Pods of {app.name} are out of balance over zones: {{{{ $value }}}} more in one than in another",
        impact="With the fuller zone more pods are lost than the application was sized for.",
        labels={"app": app.name},
    )


def _zone_without(spec: AlertsSpec, app: App) -> Alert:
    return Alert(
        name="HaZoneWithoutPods",
        # Without the zone's label on kube_node_labels nothing is counted, and this fires too: better than silence.
        expr=f"(count({per_zone(spec, app, app.zones)}) or vector(0)) < LIMIT",
        limit=min(app.replicas, len(app.zones)),
        hold=900,
        severity=WARNING,
        summary=f"{app.name} has ready pods in {{{{ $value }}}} zones only",
        impact="The loss of one of those zones takes more of the application than it was sized for, or all of it.",
        labels={"app": app.name},
    )


def _under_need(spec: AlertsSpec, app: App) -> Alert:
    kind = app.kind.lower()
    counted = {"Deployment": "available", "StatefulSet": "ready"}[app.kind]
    series = f'kube_{kind}_status_replicas_{counted}{{namespace="{spec.namespace}",{kind}="{app.name}"}}'
    return Alert(
        name="HaReplicasUnderNeed",
        expr=f"(max({series}) or vector(0)) < LIMIT",
        limit=app.needs,
        # Half of the time that there is to recover is left for whoever is called.
        hold=within(spec.pair.objectives.rto // 2, 60, 600),
        severity=CRITICAL,
        summary=f"{app.name} has {{{{ $value }}}} pods that serve, and needs {app.needs}",
        impact="It cannot bear its load.",
        labels={"app": app.name},
    )


def _budgets(spec: AlertsSpec) -> Alert:
    series, own = "kube_poddisruptionbudget_status", f'{{namespace="{spec.namespace}"}}'
    return Alert(
        name="HaBudgetExhausted",
        # Budgets of a single pod allow nothing by design: CloudNativePG's one of the primary is such.
        expr=f"{series}_pod_disruptions_allowed{own} == 0 and {series}_expected_pods{own} > 1",
        hold=900,
        severity=WARNING,
        summary="Disruption budget {{ $labels.poddisruptionbudget }} lets no pod go",
        impact="Nodes cannot be drained, and the next pod that fails is one too many.",
    )
