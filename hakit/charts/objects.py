"""What hakit asks of Kubernetes objects: pods, selectors, claims, replicas. Reading only."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hakit.charts.manifests import Object

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
HOOK = "helm.sh/hook"

#: The kinds whose replicas hakit places: what high availability is about.
WORKLOADS = ("Deployment", "StatefulSet")
#: The kinds whose deletion takes data along.
DATA_KINDS = ("PersistentVolumeClaim", "CustomResourceDefinition")
#: Every kind that makes pods from a template in it.
_POD_MAKERS = (*WORKLOADS, "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


def dig(value: Any, *path: str | int) -> Any:
    """The value at a path, or None when any step of it is missing."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def name_of(obj: Object) -> str:
    return str(dig(obj, "metadata", "name") or "")


def id_of(obj: Object) -> str:
    """`Deployment/storefront`: how findings, `accept` and `workloads` name an object."""
    return f"{obj.get('kind', '')}/{name_of(obj)}"


def namespace_of(obj: Object, default: str) -> str:
    return str(dig(obj, "metadata", "namespace") or default)


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    return [obj for obj in objects if obj.get("kind") in kinds]


def hook_events(obj: Object) -> list[str]:
    """The Helm events that the object is a hook for; empty for an ordinary object."""
    events = dig(obj, "metadata", "annotations", HOOK)
    return [event.strip() for event in str(events).split(",") if event.strip()] if events else []


def workloads(objects: Iterable[Object]) -> list[Object]:
    return [obj for obj in of_kind(objects, *WORKLOADS) if not hook_events(obj)]


def pod_makers(objects: Iterable[Object]) -> list[Object]:
    """Everything that makes pods, without `helm test` pods: those run when somebody asks, and go again."""
    return [
        obj for obj in of_kind(objects, *_POD_MAKERS) if not any(event.startswith("test") for event in hook_events(obj))
    ]


def pod_template(obj: Object) -> dict[str, Any]:
    """The pod that an object makes: a mapping with metadata and spec; empty when it makes none."""
    kind = obj.get("kind")
    if kind == "Pod":
        return obj
    path = ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
    found = dig(obj, *path)
    return found if isinstance(found, dict) else {}


def pod_spec(obj: Object) -> dict[str, Any]:
    found = pod_template(obj).get("spec")
    return found if isinstance(found, dict) else {}


def pod_labels(obj: Object) -> dict[str, str]:
    return dig(pod_template(obj), "metadata", "labels") or {}


def containers(obj: Object) -> list[dict[str, Any]]:
    return [item for item in pod_spec(obj).get("containers") or [] if isinstance(item, dict)]


def all_containers(obj: Object) -> list[dict[str, Any]]:
    starting = [item for item in pod_spec(obj).get("initContainers") or [] if isinstance(item, dict)]
    return starting + containers(obj)


def selector_of(obj: Object) -> dict[str, Any]:
    """An object's label selector, in the form with matchLabels, whatever form its kind has."""
    found = dig(obj, "spec", "selector") or {}
    if obj.get("kind") == "Service":
        return {"matchLabels": found} if found else {}
    return found


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches labels. No selector matches nothing; `{}` is read as none."""
    if not selector:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(requirement, labels) for requirement in selector.get("matchExpressions") or [])


def _meets(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = requirement.get("key"), requirement.get("values") or []
    match requirement.get("operator"):
        case "In":
            return labels.get(str(key)) in values
        case "NotIn":
            return labels.get(str(key)) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def autoscaler_of(workload: Object, objects: Iterable[Object]) -> Object | None:
    """The HorizontalPodAutoscaler that targets a workload."""
    for obj in of_kind(objects, "HorizontalPodAutoscaler"):
        target = dig(obj, "spec", "scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) == (workload.get("kind"), name_of(workload)):
            return obj
    return None


def replicas_of(workload: Object, objects: Iterable[Object]) -> int:
    """How many pods a workload has at least: its autoscaler's minimum, else its replicas, else 1."""
    autoscaler = autoscaler_of(workload, objects)
    found = dig(autoscaler, "spec", "minReplicas") if autoscaler else dig(workload, "spec", "replicas")
    return _count(found)


def most_replicas_of(workload: Object, objects: Iterable[Object]) -> int:
    """How many pods a workload may have: its autoscaler's maximum, else its replicas."""
    autoscaler = autoscaler_of(workload, objects)
    found = dig(autoscaler, "spec", "maxReplicas") if autoscaler else dig(workload, "spec", "replicas")
    return _count(found)


def _count(found: Any) -> int:
    return found if isinstance(found, int) and not isinstance(found, bool) else 1


def claim_names(obj: Object) -> list[str]:
    """The PersistentVolumeClaims that the object's pods share by name."""
    volumes = pod_spec(obj).get("volumes") or []
    return [name for volume in volumes if (name := dig(volume, "persistentVolumeClaim", "claimName"))]


def claim_templates(obj: Object) -> list[dict[str, Any]]:
    """The claims that each pod of a StatefulSet gets of its own."""
    return dig(obj, "spec", "volumeClaimTemplates") or [] if obj.get("kind") == "StatefulSet" else []


def has_claims(obj: Object) -> bool:
    return bool(claim_names(obj) or claim_templates(obj))


def is_read_write_once(claim: Object) -> bool:
    """Whether a claim's volume can be on one node only."""
    modes = dig(claim, "spec", "accessModes") or []
    return bool(modes) and not {"ReadWriteMany", "ReadOnlyMany"} & set(modes)


def disruption_budgets_of(workload: Object, objects: Iterable[Object]) -> Iterator[Object]:
    labels = pod_labels(workload)
    for obj in of_kind(objects, "PodDisruptionBudget"):
        if selects(selector_of(obj), labels):
            yield obj


def services_of(workload: Object, objects: Iterable[Object]) -> Iterator[Object]:
    labels = pod_labels(workload)
    for obj in of_kind(objects, "Service"):
        if selects(selector_of(obj), labels):
            yield obj


def constraints_of(workload: Object, key: str) -> list[dict[str, Any]]:
    """The workload's spread constraints over a topology key that count its own pods."""
    labels = pod_labels(workload)
    found = pod_spec(workload).get("topologySpreadConstraints") or []
    return [item for item in found if item.get("topologyKey") == key and selects(item.get("labelSelector"), labels)]


def anti_affinity_of(workload: Object, key: str, *, required: bool) -> list[dict[str, Any]]:
    """The workload's anti-affinity terms over a topology key that repel its own pods."""
    rules = dig(pod_spec(workload), "affinity", "podAntiAffinity") or {}
    if required:
        terms = rules.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    else:
        terms = [
            item.get("podAffinityTerm") or {}
            for item in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        ]
    labels = pod_labels(workload)
    return [term for term in terms if term.get("topologyKey") == key and selects(term.get("labelSelector"), labels)]
