"""What hakit asks of Kubernetes objects: pods, selectors, claims, replicas. Reading only."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hakit.charts.manifests import Object

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
HOOK = "helm.sh/hook"
#: By which KEDA keeps a number of replicas and looks no further.
PAUSED = "autoscaling.keda.sh/paused-replicas"

#: The kinds whose replicas hakit places: what high availability is about.
WORKLOADS = ("Deployment", "StatefulSet")
#: The kinds whose deletion takes data along.
DATA_KINDS = ("PersistentVolumeClaim", "CustomResourceDefinition", "Namespace")
#: The kinds that only hold something: as hooks they run nothing, and ordinary pods may need them.
INERT_KINDS = (
    *DATA_KINDS,
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "Role",
    "RoleBinding",
    "Secret",
    "ServiceAccount",
)
#: Everything else is taken for namespaced: a wrong folder is easier to live with than a lost object.
CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterExternalSecret",
        "ClusterIssuer",
        "ClusterPolicy",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterSecretStore",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttributesClass",
        "VolumeSnapshotClass",
        "VolumeSnapshotContent",
    }
)
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


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one: null and wrong shapes are the API server's to refuse."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """The mappings among the items of a list; none when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def name_of(obj: Object) -> str:
    return str(dig(obj, "metadata", "name") or "")


def id_of(obj: Object) -> str:
    """`Deployment/storefront`: how findings, `accept` and `workloads` name an object."""
    return f"{obj.get('kind', '')}/{name_of(obj)}"


def namespace_of(obj: Object, default: str) -> str:
    return str(dig(obj, "metadata", "namespace") or default)


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    return [obj for obj in objects if obj.get("kind") in kinds]


def lasting_labels(obj: Object) -> dict[str, Any]:
    """An object's labels without those that change with every release: what carries them would be in every diff."""
    changing = ("app.kubernetes.io/version", "helm.sh/chart")
    return {key: value for key, value in mapping(dig(obj, "metadata", "labels")).items() if key not in changing}


def hook_events(obj: Object) -> list[str]:
    """The Helm events that the object is a hook for; empty for an ordinary object."""
    events = dig(obj, "metadata", "annotations", HOOK)
    return [event.strip() for event in str(events).split(",") if event.strip()] if events else []


def workloads(objects: Iterable[Object]) -> list[Object]:
    """Deployments and StatefulSets; without a pod template they are none, and the API server refuses them."""
    return [obj for obj in of_kind(objects, *WORKLOADS) if not hook_events(obj) and pod_spec(obj)]


def runs_to_an_end(objects: Iterable[Object]) -> list[Object]:
    """CronJobs, and Jobs that are no hooks: what a standby suspends. Hooks are held back as a whole."""
    return [obj for obj in of_kind(objects, "CronJob", "Job") if not hook_events(obj)]


def scaled_by_keda(workload: Object, objects: Iterable[Object]) -> Object | None:
    """The ScaledObject by which KEDA decides a workload's replicas; a Deployment is meant when it names no kind."""
    for obj in of_kind(objects, "ScaledObject"):
        target = mapping(dig(obj, "spec", "scaleTargetRef"))
        if (target.get("kind") or "Deployment", target.get("name")) == (workload.get("kind"), name_of(workload)):
            return obj
    return None


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
    return mapping(dig(obj, *path))


def pod_spec(obj: Object) -> dict[str, Any]:
    return mapping(pod_template(obj).get("spec"))


def pod_labels(obj: Object) -> dict[str, str]:
    return mapping(dig(pod_template(obj), "metadata", "labels"))


def containers(obj: Object) -> list[dict[str, Any]]:
    return mappings(pod_spec(obj).get("containers"))


def all_containers(obj: Object) -> list[dict[str, Any]]:
    return mappings(pod_spec(obj).get("initContainers")) + containers(obj)


def selector_of(obj: Object) -> dict[str, Any] | None:
    """An object's label selector, in the form with matchLabels, whatever form its kind has; None when it has none."""
    found = dig(obj, "spec", "selector")
    if obj.get("kind") == "Service":
        # An empty one selects nothing, unlike those of other kinds.
        return {"matchLabels": found} if found and isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches labels: none matches nothing, an empty one all (meta/v1 LabelSelector)."""
    if not isinstance(selector, Mapping):
        return False
    if any(labels.get(key) != value for key, value in mapping(selector.get("matchLabels")).items()):
        return False
    return all(_meets(requirement, labels) for requirement in mappings(selector.get("matchExpressions")))


def _meets(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key = str(requirement.get("key"))
    values = requirement.get("values")
    values = values if isinstance(values, list) else []
    match requirement.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def autoscaler_of(workload: Object, objects: Iterable[Object]) -> Object | None:
    """The HorizontalPodAutoscaler that targets a workload."""
    for obj in of_kind(objects, "HorizontalPodAutoscaler"):
        target = mapping(dig(obj, "spec", "scaleTargetRef"))
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


def share_of(value: Any, pods: int) -> int:
    """A number of pods, or a share of them, as a disruption budget counts: a share is rounded up, in both its keys.

    https://kubernetes.io/docs/tasks/run-application/configure-pdb/#rounding-logic-when-specifying-percentages
    """
    text = str(value)
    if text.endswith("%") and text[:-1].isdecimal():
        return -(-int(text[:-1]) * pods // 100)
    return int(text) if text.isdecimal() else pods


def claim_names(obj: Object) -> list[str]:
    """The PersistentVolumeClaims that the object's pods share by name."""
    volumes = mappings(pod_spec(obj).get("volumes"))
    return [str(name) for volume in volumes if (name := dig(volume, "persistentVolumeClaim", "claimName"))]


def claim_templates(obj: Object) -> list[dict[str, Any]]:
    """The claims that each pod of a StatefulSet gets of its own."""
    return mappings(dig(obj, "spec", "volumeClaimTemplates")) if obj.get("kind") == "StatefulSet" else []


def deletes_its_claims(obj: Object) -> bool:
    """Whether a StatefulSet deletes the claims of its pods by itself: when it is deleted, or scaled down."""
    policy = mapping(dig(obj, "spec", "persistentVolumeClaimRetentionPolicy"))
    return obj.get("kind") == "StatefulSet" and "Delete" in (policy.get("whenDeleted"), policy.get("whenScaled"))


def has_claims(obj: Object) -> bool:
    return bool(claim_names(obj) or claim_templates(obj))


def is_read_write_once(claim: Object) -> bool:
    """Whether a claim's volume can be on one node only."""
    modes = dig(claim, "spec", "accessModes")
    return isinstance(modes, list) and bool(modes) and "ReadWriteMany" not in modes and "ReadOnlyMany" not in modes


def reaches(selecting: Object, maker: Object) -> bool:
    """Whether an object's selector matches the pods of another; a selector never leaves its namespace."""
    namespaces = [dig(obj, "metadata", "namespace") for obj in (selecting, maker)]
    apart = all(namespaces) and namespaces[0] != namespaces[1]
    return not apart and selects(selector_of(selecting), pod_labels(maker))


def own_selector(maker: Object) -> dict[str, Any] | None:
    """What selects the pods that an object makes: its selector, or the lasting labels of its pods; None without any."""
    found = selector_of(maker)
    if found and selects(found, pod_labels(maker)):
        return found
    changing = ("app.kubernetes.io/version", "helm.sh/chart")
    labels = {key: value for key, value in pod_labels(maker).items() if key not in changing}
    return {"matchLabels": labels} if labels else None


def is_selected(policy: Object, maker: Object) -> bool:
    """Whether a NetworkPolicy is about the pods of an object."""
    namespaces = [dig(obj, "metadata", "namespace") for obj in (policy, maker)]
    apart = all(namespaces) and namespaces[0] != namespaces[1]
    return not apart and selects(dig(policy, "spec", "podSelector"), pod_labels(maker))


def disruption_budgets_of(workload: Object, objects: Iterable[Object]) -> Iterator[Object]:
    return (obj for obj in of_kind(objects, "PodDisruptionBudget") if reaches(obj, workload))


def services_of(workload: Object, objects: Iterable[Object]) -> Iterator[Object]:
    return (obj for obj in of_kind(objects, "Service") if reaches(obj, workload))


def constraints_of(workload: Object, key: str) -> list[dict[str, Any]]:
    """The workload's spread constraints over a topology key that count its own pods."""
    labels = pod_labels(workload)
    found = mappings(pod_spec(workload).get("topologySpreadConstraints"))
    return [item for item in found if item.get("topologyKey") == key and selects(item.get("labelSelector"), labels)]


def anti_affinity_of(workload: Object, key: str, *, required: bool) -> list[dict[str, Any]]:
    """The workload's anti-affinity terms over a topology key that repel its own pods."""
    rules = mapping(dig(pod_spec(workload), "affinity", "podAntiAffinity"))
    if required:
        terms = mappings(rules.get("requiredDuringSchedulingIgnoredDuringExecution"))
    else:
        weighted = mappings(rules.get("preferredDuringSchedulingIgnoredDuringExecution"))
        terms = [mapping(item.get("podAffinityTerm")) for item in weighted]
    labels = pod_labels(workload)
    return [term for term in terms if term.get("topologyKey") == key and selects(term.get("labelSelector"), labels)]
