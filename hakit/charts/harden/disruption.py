"""What happens to pods when they are replaced: rollouts, dead nodes, termination, drains."""

import copy
from typing import Any

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    claim_names,
    containers,
    dig,
    disruption_budgets_of,
    has_claims,
    is_read_write_once,
    lasting_labels,
    mapping,
    mappings,
    name_of,
    namespace_of,
    of_kind,
    pod_spec,
    replicas_of,
    selector_of,
    workloads,
)

#: Seconds a pod without claims stays on a dead node. Kubernetes' default is 300 (DefaultTolerationSeconds); a node is
#: declared dead after 40 to 50 seconds already, so half a minute more is enough for a short cut.
EVICTION_SECONDS = 30
#: Seconds that a pod has to stop: Kubernetes' default of 30, and time for the wait before it and for open requests.
GRACE_SECONDS = 60
#: Seconds between a pod leaving its Services and its SIGTERM: what kube-proxy and load balancers take to notice.
DRAIN_SECONDS = 10

#: From which Kubernetes version on a field is there by default (feature gate on), by its documentation.
ALWAYS_ALLOW = (1, 27)  # PDBUnhealthyPodEvictionPolicy, beta
SLEEP_ACTION = (1, 30)  # PodLifecycleSleepAction, beta

_DEAD_NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def roll_without_loss(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """One pod more before one pod less. Left alone: Recreate, and pods that share a volume which only one node gets."""
    for workload in of_kind(workloads(objects), "Deployment"):
        if dig(workload, "spec", "strategy", "type") == "Recreate" or _shares_one_node_volume(workload, objects):
            continue
        workload["spec"]["strategy"] = {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }
    return objects


def _shares_one_node_volume(workload: Object, objects: list[Object]) -> bool:
    names = set(claim_names(workload))
    return any(
        name_of(claim) in names and is_read_write_once(claim) for claim in of_kind(objects, "PersistentVolumeClaim")
    )


def leave_dead_nodes(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """Pods without claims are replaced 30 seconds after their node is declared dead. With claims the volume decides."""
    for workload in workloads(objects):
        if has_claims(workload):
            continue
        spec = pod_spec(workload)
        given = mappings(spec.get("tolerations"))
        missing = [taint for taint in _DEAD_NODE_TAINTS if not any(_tolerates(item, taint) for item in given)]
        if missing:
            spec["tolerations"] = [*given, *(_toleration(taint) for taint in missing)]
    return objects


def _toleration(taint: str) -> dict[str, Any]:
    return {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": EVICTION_SECONDS}


def _tolerates(toleration: dict[str, Any], taint: str) -> bool:
    # An empty key is every key, an empty effect every effect (core/v1 Toleration).
    return (toleration.get("key") or taint) == taint and (toleration.get("effect") or "NoExecute") == "NoExecute"


def stop_gracefully(objects: list[Object], intent: Intent) -> list[Object]:
    """A wait before SIGTERM, and a grace period that leaves time after it; the chart's own of either stays."""
    for workload in workloads(objects):
        spec = pod_spec(workload)
        if spec.get("terminationGracePeriodSeconds") is None:
            spec["terminationGracePeriodSeconds"] = GRACE_SECONDS
        grace = spec["terminationGracePeriodSeconds"]
        fits = not isinstance(grace, int) or grace >= 2 * DRAIN_SECONDS
        if intent.kubernetes < SLEEP_ACTION or not fits:
            continue  # an exec of `sleep` fails in images without it, so the finding stays instead
        for container in containers(workload):
            if not dig(container, "lifecycle", "preStop"):
                container["lifecycle"] = {
                    **mapping(container.get("lifecycle")),
                    "preStop": {"sleep": {"seconds": DRAIN_SECONDS}},
                }
    return objects


def own_disruption_budgets(objects: list[Object], intent: Intent) -> list[Object]:
    """One budget of hakit's own for each workload of two pods or more, in place of the chart's."""
    running = workloads(objects)
    replaced = [id(budget) for workload in running for budget in disruption_budgets_of(workload, objects)]
    kept = [obj for obj in objects if id(obj) not in replaced]
    taken = {name_of(obj) for obj in of_kind(kept, "PodDisruptionBudget")}
    return kept + [_budget(workload, intent, taken) for workload in running if replicas_of(workload, objects) > 1]


def _budget(workload: Object, intent: Intent, taken: set[str]) -> Object:
    name = name_of(workload)
    if name in taken:
        name = f"{name}-{workload['kind'].lower()}"
    taken.add(name)
    spec: dict[str, Any] = {
        "maxUnavailable": intent.of(workload).max_unavailable,
        "selector": copy.deepcopy(mapping(selector_of(workload))),
    }
    if intent.kubernetes >= ALWAYS_ALLOW:
        spec["unhealthyPodEvictionPolicy"] = "AlwaysAllow"
    metadata: dict[str, Any] = {"name": name, "namespace": namespace_of(workload, intent.namespace)}
    if labels := lasting_labels(workload):
        metadata["labels"] = labels
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
