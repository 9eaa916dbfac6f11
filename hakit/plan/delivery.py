"""`delivery="objects"`: the hardened objects as resources of their own, and the mark by which none undoes another.

What one delivery leaves behind is what the other one would find, so a change from one to the other deletes everything
unless the first has let go (`leave`). Programs do not know their state. The cluster does: whoever would delete the
objects has a ConfigMap there, the mark, that nobody can change, and the other delivery begins with a look for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hakit.charts.freeze_guards import mark_of
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    CLUSTER_SCOPED,
    DATA_KINDS,
    HOOK,
    INERT_KINDS,
    autoscaler_of,
    claim_templates,
    dig,
    hook_events,
    id_of,
    mapping,
    name_of,
    of_kind,
    scaled_by_keda,
    workloads,
)
from hakit.errors import HakitError
from hakit.plan.zonal import BY_OBJECTS, RELEASE, AppSpec

#: What the provider waits for, and Helm does not: an Ingress without an address, a Service without pods, a claim that
#: waits for its first pod, a Job that a standby suspends (pulumi-kubernetes provider/pkg/await/awaiters.go).
_NEVER_AWAITED = (
    "Ingress",
    "Job",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicationController",
    "Service",
)
_RUNS = ("DaemonSet", "Deployment", "StatefulSet")
#: Each stage waits for the ones before. Custom resources are not last: pods may wait for what is made of them, as of a
#: Certificate, and a Service is ready when pods are.
_FIRST = ("CustomResourceDefinition", "Namespace")
_SECOND = (
    *INERT_KINDS,
    "LimitRange",
    "NetworkPolicy",
    "PersistentVolume",
    "PriorityClass",
    "ResourceQuota",
    "StorageClass",
)
_LAST = ("APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
#: What Helm's hooks say of themselves, and what an ordinary object has no use for.
_HOOKED = (HOOK, "helm.sh/hook-weight", "helm.sh/hook-delete-policy", "helm.sh/hook-output-log-policy")


@dataclass(frozen=True)
class Part:
    """One object as a resource.

    Attributes:
        name: of the resource, after the component's name and a hyphen.
        manifest: with its namespace, and with the provider's own annotations.
        stage: the lower ones are there before it.
        kept: it stays in the cluster when the resource goes.
        guarded: the engine refuses to delete or replace it: claims, and what has claims.
        import_id: of the object that is taken over; empty when it is made.
    """

    name: str
    manifest: Object
    stage: int
    kept: bool
    guarded: bool
    import_id: str


def parts(spec: AppSpec, role: str, rendered: Iterable[Object], hardened: Mapping[str, Object]) -> list[Part]:
    """The resources of an application in a role.

    Args:
        spec: the application.
        role: `active` or `standby`.
        rendered: the objects as the chart has them: what `adopt="objects"` finds in the cluster.
        hardened: by key, as `charts.freeze.keyed` has them.

    Raises:
        HakitError: the chart has a hook that would run, an autoscaler, or an object without a name; or two would have
            the same name.
    """
    objects = list(hardened.values())
    _refuse_autoscalers(spec, objects)
    there = {_identity(spec, each) for each in rendered}
    cluster_wide = _cluster_wide(objects)
    found: dict[str, Part] = {}
    for obj in objects:
        if _is_left_out(spec, role, obj):
            continue
        if not name_of(obj):
            raise _refused(spec, f"an object of kind {obj.get('kind')} has no name of its own (generateName)")
        part = _part(spec, role, obj, there, cluster_wide)
        if part.name in found:
            raise _refused(spec, f"two objects would be resources of one name: {spec.name}-{part.name}")
        found[part.name] = part
    return sorted(found.values(), key=lambda each: each.stage)


def mark(spec: AppSpec) -> Object:
    """Whoever has it deletes the objects when it goes itself. Nobody can change it, whatever is forced."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": mark_of(spec.release_name), "namespace": spec.namespace},
        "immutable": True,
        "data": {"delivery": BY_OBJECTS},
    }


def _part(
    spec: AppSpec, role: str, obj: Object, there: set[tuple[str, str, str, str]], cluster_wide: frozenset[str]
) -> Part:
    kind = str(obj["kind"])
    metadata = dict(mapping(obj.get("metadata")))
    place = ""
    if kind in cluster_wide:
        metadata.pop("namespace", None)
    else:
        place = metadata["namespace"] = metadata.get("namespace") or spec.namespace
    kept = mapping(metadata.get("annotations"))
    own = {key: value for key, value in kept.items() if key not in _HOOKED}
    metadata["annotations"] = own | _annotations(spec, role, obj)
    name = f"{kind.lower()}-{name_of(obj)}" + (f"-{place}" if place and place != spec.namespace else "")
    is_there = spec.adopt == RELEASE or (bool(spec.adopt) and _identity(spec, obj) in there)
    is_data = kind in DATA_KINDS
    return Part(
        name=name,
        manifest={**obj, "metadata": metadata},
        stage=0 if kind in _FIRST else 1 if kind in _SECOND else 3 if kind in _LAST else 2,
        kept=is_data or spec.leave,
        guarded=(kind == "PersistentVolumeClaim" or bool(claim_templates(obj))) and not spec.leave,
        import_id=(f"{place}/{name_of(obj)}" if place else name_of(obj)) if is_there else "",
    )


def _annotations(spec: AppSpec, role: str, obj: Object) -> dict[str, str]:
    """What the provider is told: https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/."""
    # As Helm does: what a hand has changed, or whoever had it before, is set back instead of stopping a failover.
    told = {"pulumi.com/patchForce": "true"}
    if obj["kind"] in _RUNS and spec.roles[role].wait and dig(obj, "spec", "replicas") != 0:
        return told | {"pulumi.com/timeoutSeconds": str(spec.timeout)}
    return told | ({"pulumi.com/skipAwait": "true"} if obj["kind"] in (*_NEVER_AWAITED, *_RUNS) else {})


def _identity(spec: AppSpec, obj: Object) -> tuple[str, str, str, str]:
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return group, str(obj.get("kind")), str(dig(obj, "metadata", "namespace") or spec.namespace), name_of(obj)


def _cluster_wide(objects: list[Object]) -> frozenset[str]:
    definitions = of_kind(objects, "CustomResourceDefinition")
    own = {dig(each, "spec", "names", "kind") for each in definitions if dig(each, "spec", "scope") == "Cluster"}
    return CLUSTER_SCOPED | {str(each) for each in own}


def _is_left_out(spec: AppSpec, role: str, obj: Object) -> bool:
    """Hooks of `helm test` always, others where they are held back.

    Raises:
        HakitError: the hook is to run.
    """
    events = hook_events(obj)
    if not events:
        return False
    if all(event.startswith("test") for event in events):
        return True
    if obj.get("kind") in INERT_KINDS:
        return False  # it runs nothing, and pods may need it
    if not spec.roles[role].run_hooks:
        return True
    out = '"active": {"hooks": "hold"}' if spec.has_roles else "in the chart's values"
    raise HakitError(
        f"delivery: {id_of(obj)} is a hook ({', '.join(events)}), and only Helm runs hooks",
        where=f"{spec.where} ({role})" if spec.has_roles else spec.where,
        given=BY_OBJECTS,
        allowed="release",
        do=f"leave delivery out; or leave the chart's hooks out, {out}, and do their work yourself",
    )


def _refuse_autoscalers(spec: AppSpec, objects: list[Object]) -> None:
    """How many pods run only Helm asks the cluster for. Whatever stood in the program instead, or nothing at all, would
    undo what the autoscaler chose at each deployment, or begin with one pod."""
    for workload in workloads(objects):
        scaler = autoscaler_of(workload, objects) or scaled_by_keda(workload, objects)
        if scaler is not None:
            raise HakitError(
                f"delivery: {id_of(scaler)} decides the replicas of {id_of(workload)}, and only Helm asks for them",
                where=spec.where,
                given=BY_OBJECTS,
                allowed="release",
                do="leave delivery out; or leave the autoscaler out, in the chart's values",
            )


def _refused(spec: AppSpec, what: str) -> HakitError:
    return HakitError(
        f"delivery: {what}", where=spec.where, given=BY_OBJECTS, allowed="release", do="leave delivery out"
    )
