"""What a region needs before all else: namespaces and their quotas, the epoch guard, its records. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan import guard, operators, quota
from hakit.plan.arguments import Arguments
from hakit.plan.place import region_of
from hakit.topology.handovers import epoch
from hakit.topology.model import Pair, Topology

Manifest = dict[str, Any]
ARGUMENTS = ("topology", "scope", "namespaces", "operators")
#: https://kubernetes.io/docs/concepts/security/pod-security-standards/
LEVELS = ("restricted", "baseline", "privileged")
#: What most charts run under. CloudNativePG's pods would do under `restricted` too.
LEVEL = "baseline"


@dataclass(frozen=True)
class RegionSpec:
    """A RegionBase's arguments, checked.

    Attributes:
        pairs: those that have this region.
        namespaces: the pod security level of each.
        quotas: what each may ask of the cluster, where it is limited.
        operators: path of each one's manifest, in the order in which they are brought.
    """

    name: str
    region: str
    pairs: tuple[Pair, ...] = field(repr=False)
    namespaces: Mapping[str, str]
    quotas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    operators: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"RegionBase {self.name!r}"


def specify(name: str, args: Any, topology: Topology) -> RegionSpec:
    """Check a RegionBase's arguments.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or names what the topology does not have.
    """
    given = Arguments(args, f"RegionBase {name!r}", ARGUMENTS)
    scope = region_of(given, topology).name
    pairs = tuple(pair for pair in topology.pairs.values() if scope in pair.regions)
    namespaces = _namespaces(given)
    levels = {key: each.word("pod_security", LEVELS, LEVEL) for key, each in namespaces.items()}
    quotas = {key: quota.specify(each) for key, each in namespaces.items()}
    return RegionSpec(name, scope, pairs, levels, quotas, operators.specify(given))


def _namespaces(given: Arguments) -> dict[str, Arguments]:
    declared = given.mapping("namespaces")
    found = {}
    for name, value in declared.items():
        # RFC 1123, as Kubernetes reads names of namespaces.
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
            raise HakitError(f"namespaces.{name}: not a Kubernetes name", where=given.where, given=name)
        if name == guard.NAMESPACE or name.startswith("kube-") or name == "default":
            raise HakitError(f"namespaces.{name}: not an application's", where=given.where, do="choose another name")
        found[name] = Arguments(value, given.where, ("pod_security", "quota"), f"namespaces.{name}")
    return found


def plan(spec: RegionSpec) -> dict[str, Manifest]:
    """Every object by what its resource is called within the component, in the order in which they are created.

    Namespaces and quotas, then records, then what refuses: where a binding is in force before its records are there,
    nothing is let through.
    """
    found = {f"namespace-{name}": _namespace(name, level) for name, level in spec.namespaces.items()}
    found[f"namespace-{guard.NAMESPACE}"] = _namespace(guard.NAMESPACE, "restricted")
    for name, hard in spec.quotas.items():
        found |= quota.plan(name, hard)
    for pair in spec.pairs:
        for database in pair.databases:
            record = guard.epoch_record(pair.name, database, epoch(pair, database))
            found[f"record-{pair.name}-{database}"] = record
    for policy in guard.policies():
        found[f"policy-{policy['metadata']['name']}"] = policy
    for pair in spec.pairs:
        if pair.databases:
            for binding in guard.bindings(pair.name):
                found[f"binding-{binding['metadata']['name']}"] = binding
    found["binding-hakit-records"] = guard.records_binding()
    return found


def _namespace(name: str, level: str) -> Manifest:
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
