"""The pods that the stacks run in a region, now and after a failover, and the volumes they ask for. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from hakit.preflight.amounts import Amount
from hakit.preview.document import ObjectDocument, ResourceDocument, StackDocument
from hakit.preview.objects import is_mariadb, is_postgres, placed
from hakit.preview.totals import total_of
from hakit.topology.model import Region

#: What has a role of its own.
_PARTS = tuple(f"hakit:index:{name}" for name in ("ZonalApp", "PostgresCluster", "MariaDbCluster"))
#: Kubernetes' own, where a Deployment says nothing.
_MAX_SURGE = "25%"

Part = tuple[str, str]
Placed = tuple[StackDocument, ResourceDocument, ObjectDocument]


@dataclass(frozen=True)
class Workload:
    """Pods of one kind that the stacks run in a region.

    Attributes:
        part: the component that it belongs to: (type, name); both empty without one.
        role: of that component here.
        kind, namespace, name: of the object.
        pods: how many.
        each: what one of them requests.
        surge: how many more there are while it is rolled out.
        zonal: whether its volumes live in one zone each, so that its pods cannot move to another.
        per_node: one pod a node: a DaemonSet; `pods` is 0 then.
    """

    part: Part
    role: str
    kind: str
    namespace: str
    name: str
    pods: int
    each: Amount
    surge: int = 0
    zonal: bool = False
    per_node: bool = False

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def all(self) -> Amount:
        return self.each.times(self.pods)


def workloads_of(objects: Sequence[Placed], region: Region) -> tuple[Workload, ...]:
    return tuple(
        workload
        for stack, resource, one in objects
        if (workload := _workload(one, resource, {each["urn"]: each for each in stack["resources"]}, region))
    )


def _workload(
    one: ObjectDocument, resource: ResourceDocument, by_urn: Mapping[str, ResourceDocument], region: Region
) -> Workload | None:
    total, per_node = total_of(one), one["kind"] == "DaemonSet"
    if not total.pods and not per_node:
        return None
    each = (
        Amount(1, total.per_node_cpu, total.per_node_memory)
        if per_node
        else Amount(1, total.cpu / total.pods, total.memory / total.pods)
    )
    return Workload(
        part=_part(resource, by_urn),
        role=placed(resource, by_urn)[1],
        kind=one["kind"],
        namespace=one["namespace"],
        name=one["name"],
        pods=total.pods,
        each=each,
        surge=_surge(one, total.pods),
        zonal=any(storage != region.storage.regional for storage, _ in claims_of(one)),
        per_node=per_node,
    )


def _part(resource: ResourceDocument, by_urn: Mapping[str, ResourceDocument]) -> Part:
    above: ResourceDocument | None = resource
    while above is not None:
        if above["type"] in _PARTS:
            return above["type"], above["name"]
        above = by_urn.get(above["parent"])
    return "", ""


def _surge(one: ObjectDocument, pods: int) -> int:
    """https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-surge: a share is rounded up."""
    if one["kind"] != "Deployment":
        return 0
    strategy = _mapping(_mapping(one["manifest"].get("spec")).get("strategy"))
    if strategy.get("type") == "Recreate":
        return 0
    given = _mapping(strategy.get("rollingUpdate")).get("maxSurge", _MAX_SURGE)
    share = str(given).removesuffix("%")
    if not share.isdecimal():
        return 0  # not known before deployment
    return ceil(pods * int(share) / 100) if str(given).endswith("%") else int(share)


def standbys(stacks: Sequence[StackDocument], region: Region) -> set[Part]:
    """The parts of pairs that are standbys in a region, with pods or without."""
    return {
        (each["type"], each["name"])
        for stack in stacks
        for each in stack["resources"]
        if each["type"] in _PARTS
        and {"region": region.name, "role": "standby"}.items() <= (each["outputs"] or {}).items()
    }


def after_failover(
    following: Iterable[Part], here: Sequence[Workload], elsewhere: Sequence[Workload]
) -> tuple[Workload, ...]:
    """The pods of a region if every standby in it became active: each as it is where it is active now."""
    active = [each for each in elsewhere if each.role == "active"]
    taking_over = set(following) & {each.part for each in active}
    return (
        *(each for each in here if each.part not in taking_over),
        *(each for each in active if each.part in taking_over),
    )


def claims_of(one: ObjectDocument) -> Iterator[tuple[str, str]]:
    """What asks for volumes: the storage class, empty for the default one, and the object."""
    title = f"{one['kind']}/{one['name']}"
    spec = _mapping(one["manifest"].get("spec"))
    if one["kind"] == "PersistentVolumeClaim":
        yield _class(spec), title
    elif one["kind"] == "StatefulSet":
        for template in spec.get("volumeClaimTemplates") or []:
            yield _class(_mapping(_mapping(template).get("spec"))), title
    elif is_postgres(one):
        for key in ("storage", "walStorage"):
            if key in spec:
                yield str(_mapping(spec[key]).get("storageClass") or ""), title
    elif is_mariadb(one):
        yield _class(_mapping(spec.get("storage"))), title


def _class(claim: Mapping[str, Any]) -> str:
    return str(claim.get("storageClassName") or "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
