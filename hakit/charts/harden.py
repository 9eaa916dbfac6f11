"""Hardening: rendered objects in, objects that survive the loss of a zone out.

Each step is one function over all objects; it changes them in place and returns them. `harden` copies first, so that
callers keep what they gave. The steps do not ask how a chart's values are called: they work on what is rendered.
"""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    DATA_KINDS,
    HOST,
    INERT_KINDS,
    ZONE,
    anti_affinity_of,
    autoscaler_of,
    claim_names,
    claim_templates,
    containers,
    dig,
    disruption_budgets_of,
    has_claims,
    hook_events,
    is_read_write_once,
    mapping,
    mappings,
    most_replicas_of,
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
MATCH_LABEL_KEYS = (1, 27)  # MatchLabelKeysInPodTopologySpread, beta
NODE_TAINTS_POLICY = (1, 26)  # NodeInclusionPolicyInPodTopologySpread, beta
ALWAYS_ALLOW = (1, 27)  # PDBUnhealthyPodEvictionPolicy, beta
SLEEP_ACTION = (1, 30)  # PodLifecycleSleepAction, beta

_DEAD_NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_HELD_EVENTS = {"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback"}

Step = Callable[[list[Object], Intent], list[Object]]


def harden(objects: Iterable[Object], intent: Intent, steps: Iterable[Step] | None = None) -> list[Object]:
    """The objects as they should run. What is given stays as it is."""
    hardened = copy.deepcopy(list(objects))
    for step in STEPS if steps is None else steps:
        hardened = step(hardened, intent)
    return hardened


def scale(objects: list[Object], intent: Intent) -> list[Object]:
    """Declared replicas; an autoscaler's minimum where there is one; no autoscaler over a workload scaled to zero."""
    for workload in workloads(objects):
        wanted = intent.of(workload).replicas
        if wanted is None:
            continue
        autoscaler = autoscaler_of(workload, objects)
        if autoscaler is None:
            workload["spec"]["replicas"] = wanted
        elif wanted == 0:
            # minReplicas 0 needs a feature gate; replicas 0 switches an autoscaler off, but its object would raise
            # the number again as soon as somebody scaled by hand.
            objects = [obj for obj in objects if obj is not autoscaler]
            workload["spec"]["replicas"] = 0
        else:
            spec = autoscaler["spec"]
            spec["minReplicas"] = wanted
            most = spec.get("maxReplicas")
            spec["maxReplicas"] = max(wanted, most) if isinstance(most, int) else wanted
    return objects


def leave_replicas_to_the_autoscaler(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """No spec.replicas beside an autoscaler: each deployment would undo what it chose."""
    for workload in workloads(objects):
        if autoscaler_of(workload, objects) is not None:
            workload["spec"].pop("replicas", None)
    return objects


def drop_required_zone_anti_affinity(objects: list[Object], intent: Intent) -> list[Object]:
    """No "at most one pod a zone" where it leaves a pod, or a rollout's extra pod, without a zone."""
    for workload in workloads(objects):
        terms = anti_affinity_of(workload, ZONE, required=True)
        if not terms or most_replicas_of(workload, objects) < intent.zones:
            continue
        affinity = pod_spec(workload)["affinity"]
        rules = affinity["podAntiAffinity"]
        key = "requiredDuringSchedulingIgnoredDuringExecution"
        rules[key] = [term for term in rules[key] if term not in terms]
        _prune(rules, key)
        _prune(affinity, "podAntiAffinity")
        _prune(pod_spec(workload), "affinity")
    return objects


def _prune(mapping: dict[str, Any], key: str) -> None:
    if not mapping.get(key):
        mapping.pop(key, None)


def spread_over_zones(objects: list[Object], intent: Intent) -> list[Object]:
    """Zone spread by rule from three zones on, as a wish where a rule could leave a pod without a place.

    With two zones a strict rule would stop the survivors from taking over when one is lost and its nodes are still
    listed; volumes that are bound to zones already may not fit the rule at all.
    """
    for workload in workloads(objects):
        bound = intent.existing_volumes and has_claims(workload)
        strict = intent.zones >= 3 and not bound
        _set_constraint(workload, ZONE, "DoNotSchedule" if strict else "ScheduleAnyway", intent)
    return objects


def spread_over_hosts(objects: list[Object], intent: Intent) -> list[Object]:
    """Host spread as a wish: a small cluster must still run all replicas."""
    for workload in workloads(objects):
        _set_constraint(workload, HOST, "ScheduleAnyway", intent)
    return objects


def _set_constraint(workload: Object, key: str, unsatisfiable: str, intent: Intent) -> None:
    constraint: dict[str, Any] = {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": unsatisfiable,
        "labelSelector": copy.deepcopy(mapping(selector_of(workload))),
    }
    if intent.kubernetes >= NODE_TAINTS_POLICY:
        # The tainted nodes of a lost zone do not count, so the rule never waits for a zone that is gone.
        constraint["nodeTaintsPolicy"] = "Honor"
    if workload["kind"] == "Deployment" and intent.kubernetes >= MATCH_LABEL_KEYS:
        # Counts the new ReplicaSet alone; without it a rollout spreads around the pods that it is about to delete.
        constraint["matchLabelKeys"] = ["pod-template-hash"]
    spec = pod_spec(workload)
    given = mappings(spec.get("topologySpreadConstraints"))
    others = [item for item in given if item.get("topologyKey") != key]
    spec["topologySpreadConstraints"] = [*others, constraint]


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


def set_probes_and_resources(objects: list[Object], intent: Intent) -> list[Object]:
    """Probes and resources that were asked for, whole, in place of the chart's."""
    for workload in workloads(objects):
        wanted = intent.of(workload)
        named = [item for item in containers(workload) if wanted.container in (None, item.get("name"))]
        for container in named[:1]:
            container.update(copy.deepcopy(dict(wanted.probes)))
            if wanted.resources is not None:
                container["resources"] = copy.deepcopy(dict(wanted.resources))
    return objects


def set_storage_class(objects: list[Object], intent: Intent) -> list[Object]:
    """The region's storage class on every claim, when one is asked for."""
    if intent.storage_class is not None:
        templates = [claim for workload in workloads(objects) for claim in claim_templates(workload)]
        for claim in [*of_kind(objects, "PersistentVolumeClaim"), *templates]:
            claim["spec"] = {**mapping(claim.get("spec")), "storageClassName": intent.storage_class}
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
    if labels := mapping(dig(workload, "metadata", "labels")):
        metadata["labels"] = dict(labels)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}


def keep_data(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """Claims and definitions stay when the release goes: with them would go volumes, or all objects of a kind."""
    for obj in of_kind(objects, *DATA_KINDS):
        given = mapping(dig(obj, "metadata", "annotations"))
        annotations = {**given, "helm.sh/resource-policy": "keep"}
        obj["metadata"] = {**mapping(obj.get("metadata")), "annotations": annotations}
    return objects


def suspend_jobs_in_standby(objects: list[Object], intent: Intent) -> list[Object]:
    """CronJobs as declared; in a standby suspended unless it is said otherwise."""
    for job in of_kind(objects, "CronJob"):
        wanted = intent.of(job).suspend
        if wanted is None and intent.standby:
            wanted = True
        if wanted is not None:
            job["spec"] = {**mapping(job.get("spec")), "suspend": wanted}
    return objects


def hold_hooks_in_standby(objects: list[Object], intent: Intent) -> list[Object]:
    """No install or upgrade hook that runs something in a standby: a migration would meet a read-only database."""
    if not intent.standby or intent.run_hooks:
        return objects
    return [obj for obj in objects if obj.get("kind") in INERT_KINDS or not _HELD_EVENTS & set(hook_events(obj))]


#: In this order: replicas first, because the later steps ask how many pods there are.
STEPS: tuple[Step, ...] = (
    scale,
    leave_replicas_to_the_autoscaler,
    drop_required_zone_anti_affinity,
    spread_over_zones,
    spread_over_hosts,
    roll_without_loss,
    leave_dead_nodes,
    stop_gracefully,
    set_probes_and_resources,
    set_storage_class,
    own_disruption_budgets,
    keep_data,
    suspend_jobs_in_standby,
    hold_hooks_in_standby,
)
