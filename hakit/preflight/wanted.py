"""What the stacks want of a region, out of their preview: kinds, namespaces, storage classes, and room. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hakit.preflight.amounts import NOTHING, Amount
from hakit.preflight.restores import Restore, restores_of
from hakit.preflight.workloads import Placed, Workload, after_failover, claims_of, standbys, workloads_of
from hakit.preview.document import ObjectDocument, ResourceDocument, StackDocument
from hakit.preview.objects import RELEASE, is_mariadb, is_postgres
from hakit.preview.totals import total_of
from hakit.topology.model import Region

_PROVIDER = "pulumi:providers:kubernetes"


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
        then: pods, if every standby here became active.
        quotas: of the ResourceQuotas that the stacks bring, by namespace and name.
        guard: the guard's policies and bindings, (kind, name).
        features: of operators that only some databases use: plugins of CloudNativePG, `multiCluster` of MariaDB.
        deployments: those that the stacks bring.
        brought: kinds that the stacks bring themselves: (group, kind).
        restores: databases that begin as another one was at some place.
        uncounted: what requests something that cannot be told before deployment.
    """

    region: Region
    objects: frozenset[Deployed] = frozenset()
    levels: Mapping[str, str] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()
    claims: frozenset[tuple[str, str]] = frozenset()
    workloads: tuple[Workload, ...] = ()
    then: tuple[Workload, ...] = ()
    quotas: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    guard: tuple[tuple[str, str], ...] = ()
    features: frozenset[str] = frozenset()
    deployments: tuple[Mapping[str, Any], ...] = ()
    brought: frozenset[tuple[str, str]] = frozenset()
    restores: tuple[Restore, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def asked(self) -> Amount:
        return sum((each.all for each in self.workloads), NOTHING)

    @property
    def after_failover(self) -> Amount:
        """What would be asked more."""
        return (sum((each.all for each in self.then), NOTHING) - self.asked).at_least_nothing()

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
    workloads = workloads_of(mine, region)
    elsewhere = [each for other in others for each in workloads_of(list(_of(stacks, other.cluster.context)), other)]
    created = {one["name"]: _level(one) for one in objects if one["kind"] == "Namespace"}
    return Wanted(
        region=region,
        objects=frozenset(
            Deployed(one["api_version"], one["kind"], one["namespace"], _deliverer(resource))
            for _, resource, one in mine
        ),
        levels={name: level for name, level in created.items() if level},
        namespaces=frozenset({one["namespace"] for one in objects} | set(created)) - {""},
        claims=frozenset(claim for one in objects for claim in claims_of(one)),
        workloads=workloads,
        then=after_failover(standbys(stacks, region), workloads, elsewhere),
        quotas={(one["namespace"], one["name"]): one["manifest"] for one in objects if one["kind"] == "ResourceQuota"},
        guard=tuple(sorted({(one["kind"], one["name"]) for one in objects if _is_guard(one)})),
        features=frozenset(name for one in objects for name in _features(one)),
        deployments=tuple(one["manifest"] for one in objects if one["kind"] == "Deployment"),
        brought=frozenset(_brought(one) for one in objects if one["kind"] == "CustomResourceDefinition"),
        restores=restores_of(objects),
        uncounted=tuple(sorted(what for one in objects for what in total_of(one).unknown)),
    )


def _of(stacks: Sequence[StackDocument], context: str) -> Iterator[Placed]:
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
