"""On which nodes pods run, and who goes first: spot capacity in a standby, priority."""

from typing import Any

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import has_claims, mapping, mappings, pod_spec, workloads
from hakit.charts.spot import LABELS, TAINTED

_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def set_priority(objects: list[Object], intent: Intent) -> list[Object]:
    """The priority class that is asked for; a number beside it would have to be the same, so it goes."""
    for workload in workloads(objects):
        wanted = intent.of(workload).priority_class or intent.priority_class
        if wanted is not None:
            spec = pod_spec(workload)
            spec["priorityClassName"] = wanted
            spec.pop("priority", None)
    return objects


def prefer_spot_in_standby(objects: list[Object], intent: Intent) -> list[Object]:
    """Spot nodes are preferred in a standby, where it is asked for, and never required: pods still run without them.

    Pods with claims stay where they are: what they hold is what the failover needs.
    """
    if intent.spot is None or not intent.standby:
        return objects
    key, value = LABELS[intent.spot]
    preference: dict[str, Any] = {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
    for workload in workloads(objects):
        if has_claims(workload):
            continue
        spec = pod_spec(workload)
        affinity, own = mapping(spec.get("affinity")), {"weight": 100, "preference": preference}
        node = mapping(affinity.get("nodeAffinity"))
        given = [each for each in mappings(node.get(_PREFERRED)) if each != own]
        spec["affinity"] = {**affinity, "nodeAffinity": {**node, _PREFERRED: [*given, own]}}
        toleration = {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
        if intent.spot in TAINTED and toleration not in mappings(spec.get("tolerations")):
            spec["tolerations"] = [*mappings(spec.get("tolerations")), toleration]
    return objects
