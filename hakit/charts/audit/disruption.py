"""What happens to pods when they are replaced: drains, rollouts, dead nodes, autoscalers."""

from collections.abc import Iterator

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    autoscaler_of,
    containers,
    dig,
    disruption_budgets_of,
    has_claims,
    hook_events,
    id_of,
    mapping,
    mappings,
    most_replicas_of,
    name_of,
    of_kind,
    pod_makers,
    pod_spec,
    reaches,
    replicas_of,
    services_of,
    share_of,
    workloads,
)
from hakit.findings import Finding

_DEAD_NODE = "node.kubernetes.io/unreachable"


def rollouts_are_not_outages(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in of_kind(workloads(objects), "Deployment"):
        recreates = dig(workload, "spec", "strategy", "type") == "Recreate"
        if recreates and most_replicas_of(workload, objects) > 1:
            yield Finding("HK007", id_of(workload), "spec.strategy.type", "Recreate: each change stops every replica")


def drains_are_possible(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    pods = {id_of(workload): replicas_of(workload, objects) for workload in workloads(objects)}
    running = [workload for workload in workloads(objects) if pods[id_of(workload)] > 0]
    for budget in of_kind(objects, "PodDisruptionBudget"):
        counted = [id_of(each) for each in running if reaches(budget, each)]
        total = sum(pods[name] for name in counted)
        if counted and _blocks(budget, total):
            message = f"of {total} pods of {' and '.join(counted)} none may ever be evicted"
            yield Finding("HK008", id_of(budget), "spec", message)
    for workload in running:
        budgets = sorted(name_of(budget) for budget in disruption_budgets_of(workload, objects))
        if len(budgets) > 1:
            # https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/#how-api-initiated-eviction-works:
            # "multiple PodDisruptionBudgets that reference the same Pod" are answered with 500.
            message = f"budgets {' and '.join(budgets)} select its pods; the eviction API refuses a pod with two"
            yield Finding("HK008", id_of(workload), "", message)


def _blocks(budget: Object, pods: int) -> bool:
    least, most = dig(budget, "spec", "minAvailable"), dig(budget, "spec", "maxUnavailable")
    if least is not None:
        return share_of(least, pods) >= pods
    return most is not None and share_of(most, pods) == 0


def a_budget_holds_something_back(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    running = [each for each in workloads(objects) if replicas_of(each, objects) > 0]
    for budget in of_kind(objects, "PodDisruptionBudget"):
        counted = [each for each in running if reaches(budget, each)]
        total = sum(replicas_of(each, objects) for each in counted)
        if total > 1 and _may_go(budget, total) >= total:
            names = " and ".join(id_of(each) for each in counted)
            yield Finding("HK037", id_of(budget), "spec", f"all {total} pods of {names} may be evicted at once")


def _may_go(budget: Object, pods: int) -> int:
    least, most = dig(budget, "spec", "minAvailable"), dig(budget, "spec", "maxUnavailable")
    if least is not None and most is not None:
        return 0  # the API server refuses it
    if least is not None:
        return pods - share_of(least, pods)
    return 0 if most is None else share_of(most, pods)


def a_budget_has_one_key(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for budget in of_kind(objects, "PodDisruptionBudget"):
        if dig(budget, "spec", "minAvailable") is not None and dig(budget, "spec", "maxUnavailable") is not None:
            yield Finding(
                "HK016", id_of(budget), "spec", "it has minAvailable and maxUnavailable; the API server refuses it"
            )


def replicated_pods_have_a_budget(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in workloads(objects):
        if replicas_of(workload, objects) > 1 and not any(disruption_budgets_of(workload, objects)):
            yield Finding("HK017", id_of(workload), "", "no PodDisruptionBudget selects its pods")


def the_autoscaler_alone_sets_replicas(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in workloads(objects):
        autoscaler = autoscaler_of(workload, objects)
        if autoscaler is not None and dig(workload, "spec", "replicas") is not None:
            yield Finding("HK018", id_of(workload), "spec.replicas", f"{id_of(autoscaler)} sets it as well")


def an_autoscaler_can_measure(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    # https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/: if a container has no request for the
    # resource, "the CPU utilization for the Pod will not be defined and the autoscaler will not take any action for
    # that metric". A limit alone is taken for the request.
    for workload in workloads(objects):
        autoscaler = autoscaler_of(workload, objects)
        for resource in _shares_measured(autoscaler) if autoscaler else ():
            without = [
                str(each.get("name"))
                for each in containers(workload)
                if not any(dig(each, "resources", key, resource) for key in ("requests", "limits"))
            ]
            if without:
                message = f"it follows {resource} in percent of requests; {', '.join(without)} requests none"
                yield Finding("HK036", id_of(autoscaler or {}), "spec.metrics", message)


def two_autoscalers_do_not_follow_one_resource(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    # https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/known-limitations.md: it "should
    # not be used with the Horizontal Pod Autoscaler (HPA) on the same resource metric (CPU or memory)".
    for vertical in of_kind(objects, "VerticalPodAutoscaler"):
        target = mapping(dig(vertical, "spec", "targetRef"))
        named = (target.get("kind"), target.get("name"))
        for workload in workloads(objects):
            autoscaler = autoscaler_of(workload, objects)
            if autoscaler is None or (workload["kind"], name_of(workload)) != named:
                continue
            both = sorted(set(_shares_measured(autoscaler)) & set(_requests_moved(vertical)))
            if both:
                message = f"it moves the requests for {' and '.join(both)} that {id_of(autoscaler)} follows in percent"
                yield Finding("HK048", id_of(vertical), "spec.resourcePolicy", message)


def _requests_moved(vertical: Object) -> list[str]:
    """The resources whose requests a vertical autoscaler changes; all of them unless it says otherwise."""
    if dig(vertical, "spec", "updatePolicy", "updateMode") == "Off":
        return []
    policies = mappings(dig(vertical, "spec", "resourcePolicy", "containerPolicies"))
    limited = [each.get("controlledResources") for each in policies if each.get("mode") != "Off"]
    if policies and all(isinstance(each, list) for each in limited):
        return [str(resource) for each in limited if isinstance(each, list) for resource in each]
    return ["cpu", "memory"]


def _shares_measured(autoscaler: Object) -> list[str]:
    """The resources of which an autoscaler follows a share of what the pods request."""
    found = [
        str(dig(metric, "resource", "name"))
        for metric in mappings(dig(autoscaler, "spec", "metrics"))
        if dig(metric, "resource", "target", "type") == "Utilization"
    ]
    return found if dig(autoscaler, "spec", "targetCPUUtilizationPercentage") is None else [*found, "cpu"]


def a_budget_counts_pods(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for budget in of_kind(objects, "PodDisruptionBudget"):
        if not any(reaches(budget, maker) for maker in pod_makers(objects)):
            yield Finding("HK022", id_of(budget), "spec.selector", "it selects no pod of this chart")


def pods_leave_dead_nodes(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in workloads(objects):
        seconds = [
            item.get("tolerationSeconds")
            for item in mappings(pod_spec(workload).get("tolerations"))
            if (item.get("key") or _DEAD_NODE) == _DEAD_NODE and (item.get("effect") or "NoExecute") == "NoExecute"
        ]
        if has_claims(workload) or any(isinstance(value, int) and value < 300 for value in seconds):
            continue
        stays = "for ever" if seconds and None in seconds else "for 300 seconds"
        yield Finding(
            "HK023", id_of(workload), "spec.template.spec.tolerations", f"its pods stay on a dead node {stays}"
        )


def pods_stop_gracefully(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    # https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/: the sleep action is on from 1.30
    old = "add an exec preStop such as `sleep 10`, in an image that has it; the sleep action needs Kubernetes 1.30"
    mend = old if intent.kubernetes < (1, 30) else ""
    for workload in workloads(objects):
        if not any(services_of(workload, objects)):
            continue
        waits = [stop for item in containers(workload) if (stop := dig(item, "lifecycle", "preStop"))]
        grace = pod_spec(workload).get("terminationGracePeriodSeconds", 30)
        sleeps = [dig(stop, "sleep", "seconds") for stop in waits]
        longest = max((seconds for seconds in sleeps if isinstance(seconds, int)), default=0)
        if not waits:
            message = "no preStop wait: requests are lost at each rollout and drain"
        elif isinstance(grace, int) and grace <= longest:
            message = f"a preStop wait of {longest} s leaves nothing of the grace period of {grace} s"
        else:
            continue
        yield Finding("HK024", id_of(workload), "spec.template.spec.containers[].lifecycle.preStop", message, mend=mend)


def a_budget_lets_broken_pods_go(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.kubernetes < (1, 27):
        return  # the field is not there by default before
    for budget in of_kind(objects, "PodDisruptionBudget"):
        if dig(budget, "spec", "unhealthyPodEvictionPolicy") != "AlwaysAllow" and not hook_events(budget):
            yield Finding(
                "HK026", id_of(budget), "spec.unhealthyPodEvictionPolicy", "a pod that is never ready blocks its drain"
            )


CHECKS = (
    rollouts_are_not_outages,
    drains_are_possible,
    a_budget_holds_something_back,
    a_budget_has_one_key,
    replicated_pods_have_a_budget,
    the_autoscaler_alone_sets_replicas,
    an_autoscaler_can_measure,
    two_autoscalers_do_not_follow_one_resource,
    a_budget_counts_pods,
    pods_leave_dead_nodes,
    pods_stop_gracefully,
    a_budget_lets_broken_pods_go,
)
