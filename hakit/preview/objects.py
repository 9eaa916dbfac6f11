"""Which Kubernetes objects a resource stands for: one of its own, or those of a frozen Release."""

from collections.abc import Mapping, Sequence
from typing import Any

from hakit.charts.objects import CLUSTER_SCOPED
from hakit.preview.document import ObjectDocument, ResourceDocument

RELEASE = "kubernetes:helm.sh/v3:Release"
ZONAL_APP = "hakit:index:ZonalApp"
SHOWN = "[shown as objects]"

_SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})


def ancestors(resource: ResourceDocument, by_urn: Mapping[str, ResourceDocument]) -> list[ResourceDocument]:
    """Its parents, the nearest first."""
    found = []
    parent = by_urn.get(resource["parent"])
    while parent is not None:
        found.append(parent)
        parent = by_urn.get(parent["parent"])
    return found


def zonal_app(resource: ResourceDocument, by_urn: Mapping[str, ResourceDocument]) -> ResourceDocument | None:
    return next((above for above in (resource, *ancestors(resource, by_urn)) if above["type"] == ZONAL_APP), None)


def placed(resource: ResourceDocument, by_urn: Mapping[str, ResourceDocument]) -> tuple[str, str]:
    """Region and role of the component that a resource belongs to; both empty where none of its ancestors has them."""
    for above in (resource, *ancestors(resource, by_urn)):
        outputs = above["outputs"] or {}
        if "region" in outputs and "role" in outputs:
            return str(outputs["region"] or ""), str(outputs["role"] or "")
    return "", ""


def find_objects(resources: Sequence[ResourceDocument]) -> None:
    """Fill in each resource's `objects`. A frozen Release's values are not shown a second time among its inputs."""
    by_urn = {resource["urn"]: resource for resource in resources}
    for resource in resources:
        inputs = resource["inputs"]
        if resource["type"] == RELEASE and zonal_app(resource, by_urn) is not None:
            frozen = _frozen(inputs)
            if frozen is not None:
                namespace = _text(inputs.get("namespace")) or "default"
                resource["objects"] = [_object(manifest, namespace, "") for _, manifest in sorted(frozen.items())]
                resource["inputs"] = {**inputs, "values": {**inputs["values"], "objects": SHOWN}}
        elif _is_object(resource):
            resource["objects"] = [_object(inputs, "default", resource["name"])]
    _scale(resources)


def is_postgres(one: ObjectDocument) -> bool:
    """Whether it is a Cluster of CloudNativePG: others have a kind of that name too."""
    return one["kind"] == "Cluster" and one["api_version"].startswith("postgresql.cnpg.io/")


def is_mariadb(one: ObjectDocument) -> bool:
    """Whether it is a MariaDB of mariadb-operator."""
    return one["kind"] == "MariaDB" and one["api_version"].startswith("k8s.mariadb.com/")


def is_redis(one: ObjectDocument) -> bool:
    """Whether it is the Redis, or the Sentinels, of OT-CONTAINER-KIT's redis-operator."""
    return one["kind"] in ("RedisReplication", "RedisSentinel") and one["api_version"].startswith(
        "redis.redis.opstreelabs.in/"
    )


Scalers = dict[tuple[str, str, str, str], tuple[Any, Any]]


def scalers(resources: Sequence[ResourceDocument]) -> Scalers:
    """What each autoscaler keeps at least and at most, by provider, namespace, kind and name of what it scales."""
    found = {}
    for resource in resources:
        for one in resource["objects"]:
            spec = one["manifest"].get("spec")
            target = spec.get("scaleTargetRef") if isinstance(spec, Mapping) else None
            if one["kind"] == "HorizontalPodAutoscaler" and isinstance(spec, Mapping) and isinstance(target, Mapping):
                scaled = (resource["provider"], one["namespace"], str(target.get("kind")), str(target.get("name")))
                found[scaled] = (spec.get("minReplicas") or 1, spec.get("maxReplicas") or "[unknown]")
    return found


def scaler_of(one: ObjectDocument, resource: ResourceDocument, known: Scalers) -> tuple[Any, Any] | None:
    """The least and the most replicas of a workload that an autoscaler of the same stack and cluster targets."""
    if one["kind"] not in _SCALED:
        return None
    return known.get((resource["provider"], one["namespace"], one["kind"], one["name"]))


def _scale(resources: Sequence[ResourceDocument]) -> None:
    known = scalers(resources)
    for resource in resources:
        for one in resource["objects"]:
            bounds = scaler_of(one, resource, known)
            if bounds is not None:
                one["replicas"] = bounds[0]


def _frozen(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    values = inputs.get("values")
    objects = values.get("objects") if isinstance(values, Mapping) else None
    if not isinstance(objects, Mapping):
        return None
    return {key: _readable(key, manifest) for key, manifest in objects.items()}


def _readable(key: str, manifest: Any) -> Mapping[str, Any]:
    """An object that is unknown or secret as a whole still has its kind and name: they are its key."""
    if isinstance(manifest, Mapping):
        return manifest
    kind, _, name = key.partition("/")
    return {"apiVersion": manifest, "kind": kind, "metadata": {"name": name}}


def _is_object(resource: ResourceDocument) -> bool:
    is_kubernetes = resource["type"].startswith("kubernetes:") and resource["custom"] and not resource["remote"]
    is_patch = resource["type"].endswith("Patch")  # server-side apply to an object that something else owns
    inputs = resource["inputs"]
    return is_kubernetes and not is_patch and not resource["read"] and {"apiVersion", "kind"} <= set(inputs)


def _object(manifest: Mapping[str, Any], namespace: str, fallback: str) -> ObjectDocument:
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    kind = _text(manifest.get("kind"))
    own = _text(metadata.get("namespace"))
    return {
        "api_version": _text(manifest.get("apiVersion")),
        "kind": kind,
        "namespace": "" if kind in CLUSTER_SCOPED else own or namespace,
        # Without a name the provider invents one that begins with the logical name.
        "name": _text(metadata.get("name")) or _text(metadata.get("generateName")) or fallback,
        "replicas": _replicas(kind, manifest),
        "manifest": dict(manifest),
    }


def _replicas(kind: str, manifest: Mapping[str, Any]) -> int | str | None:
    if kind not in _SCALED:
        return None
    spec = manifest.get("spec")
    replicas = spec.get("replicas", 1) if isinstance(spec, Mapping) else "[unknown]"
    return 1 if replicas is None else replicas


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
