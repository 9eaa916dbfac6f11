"""How many pods there are, and where they run: replicas, zones, hosts."""

import copy
from typing import Any

from hakit.charts.intent import NODE_TAINTS_POLICY, Autoscaling, Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    HOST,
    PAUSED,
    ZONE,
    anti_affinity_of,
    autoscaler_of,
    dig,
    has_claims,
    lasting_labels,
    mapping,
    mappings,
    most_replicas_of,
    name_of,
    namespace_of,
    pod_spec,
    replicas_of,
    scaled_by_keda,
    selector_of,
    workloads,
)

#: From which Kubernetes version on a field is there by default (feature gate on), by its documentation.
MATCH_LABEL_KEYS = (1, 27)  # MatchLabelKeysInPodTopologySpread, beta


def autoscale(objects: list[Object], intent: Intent) -> list[Object]:
    """An autoscaler of hakit's own where one is asked for, in place of the chart's."""
    for workload in workloads(objects):
        wanted = intent.of(workload)
        if wanted.autoscaling is not None:
            own = _autoscaler(workload, wanted.autoscaling, replicas_of(workload, objects), intent)
            replaced = autoscaler_of(workload, objects)
            objects = [*(obj for obj in objects if obj is not replaced), own]
    return objects


def _autoscaler(workload: Object, wanted: Autoscaling, least: int, intent: Intent) -> Object:
    name, namespace = name_of(workload), namespace_of(workload, intent.namespace)
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if labels := lasting_labels(workload):
        metadata["labels"] = labels
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": workload.get("apiVersion"), "kind": workload["kind"], "name": name},
            "minReplicas": least,
            "maxReplicas": wanted.most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": resource, "target": {"type": "Utilization", "averageUtilization": percent}},
                }
                for resource, percent in (("cpu", wanted.cpu), ("memory", wanted.memory))
                if percent is not None
            ],
        },
    }


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


def pause_keda_where_nothing_runs(objects: list[Object], intent: Intent) -> list[Object]:
    """A workload that is declared off stays off: KEDA would raise it as soon as its queue is not empty.

    https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling
    """
    for workload in workloads(objects):
        scaled = scaled_by_keda(workload, objects)
        if scaled is not None and intent.of(workload).replicas == 0:
            annotations = {**mapping(dig(scaled, "metadata", "annotations")), PAUSED: "0"}
            scaled["metadata"] = {**mapping(scaled.get("metadata")), "annotations": annotations}
    return objects


def leave_replicas_to_the_autoscaler(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """No spec.replicas beside an autoscaler: each deployment would undo what it chose. The frozen chart fills in what
    there is (`charts.freeze`)."""
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
    """Zone spread as asked; else by rule from three zones on, as a wish where a rule could leave a pod without a place.

    With two zones a strict rule would stop the survivors from taking over when one is lost and its nodes are still
    listed, and so it would where the rule cannot leave tainted nodes out; volumes that are bound to zones already may
    not fit the rule at all.
    """
    for workload in workloads(objects):
        bound = intent.existing_volumes and has_claims(workload)
        strict = intent.zones >= 3 and not bound and intent.kubernetes >= NODE_TAINTS_POLICY
        asked = intent.spread_of(workload).zones
        _set_constraint(workload, ZONE, asked or ("DoNotSchedule" if strict else "ScheduleAnyway"), intent)
    return objects


def spread_over_hosts(objects: list[Object], intent: Intent) -> list[Object]:
    """Host spread as asked, else as a wish: a small cluster must still run all replicas."""
    for workload in workloads(objects):
        _set_constraint(workload, HOST, intent.spread_of(workload).hosts or "ScheduleAnyway", intent)
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
