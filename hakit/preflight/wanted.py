"""What the stacks want of a region, out of their preview: kinds, namespaces, storage classes, and room. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hakit.preflight.amounts import NOTHING, Amount
from hakit.preview.document import ObjectDocument, ResourceDocument, StackDocument
from hakit.preview.objects import RELEASE, is_mariadb, is_postgres, placed
from hakit.preview.totals import total_of
from hakit.topology.model import Region

_PROVIDER = "pulumi:providers:kubernetes"
_PART_OF_A_PAIR = tuple(f"hakit:index:{name}" for name in ("ZonalApp", "PostgresCluster", "MariaDbCluster"))


@dataclass(frozen=True)
class Workload:
    """Pods of one kind that the stacks run in a region.

    Attributes:
        part: the component that it belongs to: (type, name); both empty without one.
        role: of that component here.
        kind, namespace, name: of the object.
        pods: how many.
        each: what one of them requests.
        zonal: whether its volumes live in one zone each, so that its pods cannot move to another.
        per_node: one pod a node: a DaemonSet; `pods` is 0 then.
    """

    part: tuple[str, str]
    role: str
    kind: str
    namespace: str
    name: str
    pods: int
    each: Amount
    zonal: bool = False
    per_node: bool = False

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def all(self) -> Amount:
        return self.each.times(self.pods)


@dataclass(frozen=True)
class Deployed:
    """One kind of object in one namespace, and what deploys it: `pulumi` or `helm`."""

    api_version: str
    kind: str
    namespace: str
    by: str


@dataclass(frozen=True)
class Wanted:
    """What one region's cluster must have for the stacks.

    Attributes:
        region: as declared.
        objects: every kind in every namespace.
        levels: pod security level by namespace, of the namespaces that the stacks create.
        namespaces: all that the stacks deploy to, or create.
        claims: what asks for volumes: storage class (empty: the default one) and object.
        workloads: pods.
        after_failover: what every standby here would ask more, if it were the active side.
        guard: the guard's policies and bindings, (kind, name).
        features: of operators that only some databases use: plugins of CloudNativePG, `multiCluster` of MariaDB.
        brought: kinds that the stacks bring themselves: (group, kind).
        uncounted: what requests something that cannot be told before deployment.
    """

    region: Region
    objects: frozenset[Deployed] = frozenset()
    levels: Mapping[str, str] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()
    claims: frozenset[tuple[str, str]] = frozenset()
    workloads: tuple[Workload, ...] = ()
    after_failover: Amount = NOTHING
    guard: tuple[tuple[str, str], ...] = ()
    features: frozenset[str] = frozenset()
    brought: frozenset[tuple[str, str]] = frozenset()
    uncounted: tuple[str, ...] = ()

    @property
    def asked(self) -> Amount:
        return sum((each.all for each in self.workloads), NOTHING)

    @property
    def groups(self) -> set[str]:
        """API groups that the stacks deploy kinds of."""
        return {each.api_version.rpartition("/")[0] for each in self.objects}


def wanted_of(stacks: Sequence[StackDocument], region: Region, others: Iterable[Region] = ()) -> Wanted:
    """What the stacks want of a region: every object whose provider has the context of its cluster.

    Args:
        stacks: of one preview.
        region: the region.
        others: the topology's other regions, whose active parts the standbys here would have to replace.
    """
    mine = list(_of(stacks, region.cluster.context))
    objects = [one for _, _, one in mine]
    workloads = tuple(_workloads(mine, region))
    elsewhere = [each for other in others for each in _workloads(list(_of(stacks, other.cluster.context)), other)]
    created = {one["name"]: _level(one) for one in objects if one["kind"] == "Namespace"}
    return Wanted(
        region=region,
        objects=frozenset(
            Deployed(one["api_version"], one["kind"], one["namespace"], _deliverer(resource))
            for _, resource, one in mine
        ),
        levels={name: level for name, level in created.items() if level},
        namespaces=frozenset({one["namespace"] for one in objects} | set(created)) - {""},
        claims=frozenset(claim for one in objects for claim in _claims(one)),
        workloads=workloads,
        after_failover=_after_failover(_standbys(stacks, region), workloads, elsewhere),
        guard=tuple(sorted({(one["kind"], one["name"]) for one in objects if _is_guard(one)})),
        features=frozenset(name for one in objects for name in _features(one)),
        brought=frozenset(_brought(one) for one in objects if one["kind"] == "CustomResourceDefinition"),
        uncounted=tuple(sorted(what for one in objects for what in total_of(one).unknown)),
    )


_Placed = tuple[StackDocument, ResourceDocument, ObjectDocument]


def _of(stacks: Sequence[StackDocument], context: str) -> Iterator[_Placed]:
    for stack in stacks:
        here = {
            each["name"]
            for each in stack["resources"]
            if each["type"] == _PROVIDER and each["inputs"].get("context") == context
        }
        for resource in stack["resources"]:
            if resource["provider"] in here:
                for one in resource["objects"]:
                    yield stack, resource, one


def _deliverer(resource: ResourceDocument) -> str:
    return "helm" if resource["type"] == RELEASE else "pulumi"


def _workloads(placed_objects: Sequence[_Placed], region: Region) -> Iterator[Workload]:
    for stack, resource, one in placed_objects:
        total = total_of(one)
        pods = total.pods
        per_node = Amount(1, total.per_node_cpu, total.per_node_memory) if one["kind"] == "DaemonSet" else None
        if not pods and per_node is None:
            continue
        by_urn = {each["urn"]: each for each in stack["resources"]}
        yield Workload(
            part=_part(resource, by_urn),
            role=placed(resource, by_urn)[1],
            kind=one["kind"],
            namespace=one["namespace"],
            name=one["name"],
            pods=pods,
            each=per_node or Amount(1, total.cpu / pods, total.memory / pods),
            zonal=any(storage != region.storage.regional for storage, _ in _claims(one)),
            per_node=per_node is not None,
        )


def _part(resource: ResourceDocument, by_urn: Mapping[str, ResourceDocument]) -> tuple[str, str]:
    above: ResourceDocument | None = resource
    while above is not None:
        if above["type"] in _PART_OF_A_PAIR:
            return above["type"], above["name"]
        above = by_urn.get(above["parent"])
    return "", ""


def _standbys(stacks: Sequence[StackDocument], region: Region) -> set[tuple[str, str]]:
    """The parts of pairs that are standbys in a region, with pods or without."""
    return {
        (each["type"], each["name"])
        for stack in stacks
        for each in stack["resources"]
        if each["type"] in _PART_OF_A_PAIR
        and {"region": region.name, "role": "standby"}.items() <= (each["outputs"] or {}).items()
    }


def _after_failover(
    standbys: Iterable[tuple[str, str]], here: Sequence[Workload], elsewhere: Sequence[Workload]
) -> Amount:
    """What the standbys here would ask more: each part as it is where it is active, less what it is here."""
    more = NOTHING
    for part in standbys:
        active = sum((each.all for each in elsewhere if each.part == part and each.role == "active"), NOTHING)
        more += (active - sum((each.all for each in here if each.part == part), NOTHING)).at_least_nothing()
    return more


def _claims(one: ObjectDocument) -> Iterator[tuple[str, str]]:
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


def _features(one: ObjectDocument) -> list[str]:
    spec = _mapping(one["manifest"].get("spec"))
    if is_mariadb(one):
        return ["multiCluster"] if "multiCluster" in spec else []
    return [str(_mapping(each).get("name")) for each in spec.get("plugins") or []] if is_postgres(one) else []


def _level(one: ObjectDocument) -> str:
    labels = _mapping(_mapping(one["manifest"].get("metadata")).get("labels"))
    return str(labels.get("pod-security.kubernetes.io/enforce") or "")


def _is_guard(one: ObjectDocument) -> bool:
    return one["kind"].startswith("ValidatingAdmissionPolicy") and one["name"].startswith("hakit-")


def _brought(one: ObjectDocument) -> tuple[str, str]:
    spec = _mapping(one["manifest"].get("spec"))
    return str(spec.get("group")), str(_mapping(spec.get("names")).get("kind"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
