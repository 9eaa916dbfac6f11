"""Capacity that may be taken away at any moment: how nodes of it are labelled, as data."""

from collections.abc import Iterator
from typing import Any

from hakit.charts.manifests import Object
from hakit.charts.objects import dig, mapping, mappings, pod_spec

#: Label and value of spot nodes by who makes them.
LABELS = {
    # https://karpenter.sh/docs/concepts/scheduling/#well-known-labels
    "karpenter": ("karpenter.sh/capacity-type", "spot"),
    # https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html#managed-node-group-capacity-types
    "eks": ("eks.amazonaws.com/capacityType", "SPOT"),
    # https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
    "gke": ("cloud.google.com/gke-spot", "true"),
    # https://learn.microsoft.com/azure/aks/spot-node-pool
    "aks": ("kubernetes.azure.com/scalesetpriority", "spot"),
}
#: Whose spot nodes keep pods away that do not tolerate it; the taint has the label's key and value.
TAINTED = ("gke", "aks")


def spot_labels_of(workload: Object) -> list[str]:
    """The labels of spot nodes that the pods of a workload ask for or prefer."""
    asked = list(_asked(workload))
    return [key for key, value in LABELS.values() if (key, value) in asked]


def _asked(workload: Object) -> Iterator[tuple[str, str]]:
    """Each label and value of nodes that the pods require or prefer."""
    spec = pod_spec(workload)
    yield from ((str(key), str(value)) for key, value in mapping(spec.get("nodeSelector")).items())
    for expression in _expressions(spec):
        values = expression.get("values")
        if expression.get("operator") == "In" and isinstance(values, list):
            yield from ((str(expression.get("key")), str(value)) for value in values)


def _expressions(spec: Object) -> Iterator[dict[str, Any]]:
    affinity = mapping(dig(spec, "affinity", "nodeAffinity"))
    required = mapping(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))
    preferred = mappings(affinity.get("preferredDuringSchedulingIgnoredDuringExecution"))
    terms = [*mappings(required.get("nodeSelectorTerms")), *(mapping(each.get("preference")) for each in preferred)]
    for term in terms:
        yield from mappings(term.get("matchExpressions"))
