"""Experiments of Chaos Mesh that break one thing, in one region of a pair, for a while. Pure.

Written for Chaos Mesh 2.8 (https://github.com/chaos-mesh/chaos-mesh, api/v1alpha1). What must hold of each stands here:
it names a namespace, it ends, it runs in one region only, and none runs while the pair has nowhere to go.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.alerts_spec import duration
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.stores import ZONE, Manifest, Planned, cron, kubernetes_name
from hakit.topology import names
from hakit.topology.handovers import check_region
from hakit.topology.intents import cluster_intent
from hakit.topology.model import Pair, Region, Topology

API = "chaos-mesh.org/v1alpha1"
ARGUMENTS = ("topology", "pair", "scope", "region", "namespace", "experiments")
#: What each takes beside `kind`, `duration` and `schedule`.
KINDS = {
    "pod-kill": ("labels",),
    "zone-outage": ("zone", "labels"),
    "region-partition": ("targets", "labels"),
    "primary-loss": ("database",),
}
_KEYS = tuple(dict.fromkeys(key for keys in KINDS.values() for key in keys))
#: Schedules are an hour apart at least, so an experiment is over long before the next one.
LONGEST = 1800
_DESCRIPTORS = ("@hourly", "@daily", "@weekly", "@monthly")


@dataclass(frozen=True)
class Experiment:
    """One thing that is broken.

    Attributes:
        chaos: kind of Chaos Mesh.
        body: its spec.
        schedule: when it is repeated; empty for once, as soon as it is created.
    """

    name: str
    chaos: str
    body: Mapping[str, Any]
    schedule: str


@dataclass(frozen=True)
class ChaosSpec:
    """A ChaosDrill's arguments, checked.

    Attributes:
        region: of this program.
        only: the one region in which anything is broken.
    """

    name: str
    topology: Topology = field(repr=False)
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    only: str
    namespace: str
    experiments: tuple[Experiment, ...]

    @property
    def where(self) -> str:
        return f"ChaosDrill {self.name!r}"


def specify(name: str, args: Any, topology: Topology) -> ChaosSpec:
    """Check a ChaosDrill's arguments.

    Raises:
        HakitError: an argument is unknown, missing or wrong; an experiment has no end, or no namespace, or is none.
    """
    given = Arguments(args, f"ChaosDrill {name!r}", ARGUMENTS)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    only = given.text("region")
    check_region(pair, only)
    namespace = _namespace(given)
    declared = given.mapping("experiments")
    if not declared:
        raise given.missing("experiments", "name what is to be broken")
    entries = given.inner("experiments", declared)
    found = []
    for key in declared:
        kubernetes_name(key, given.where, "experiments", 40)
        inner = entries.inner(key, ("kind", "duration", "schedule", *_KEYS))
        found.append(_experiment(key, inner, pair, topology.region(only), namespace))
    kubernetes_name(name, given.where, "the component's name", 20)
    return ChaosSpec(name, topology, pair, region, only, namespace, tuple(found))


def held(spec: ChaosSpec) -> str:
    """Why nothing may be broken now; empty when it may. A stack never fails for it: a failover must get through."""
    last = spec.pair.handovers[-1] if spec.pair.handovers else None
    if last is not None and last.kind in ("planned", "failover") and not last.settled:
        return f"a {last.kind} handover to {last.to} is not settled"
    away = [name for name in spec.pair.regions if spec.topology.region(name).traffic != "serve"]
    return f"{', '.join(away)} takes no traffic, so another region has nothing to fall back on" if away else ""


def plan(spec: ChaosSpec) -> list[Planned]:
    """The experiments, in the one region that is named and only while the pair can bear them."""
    if spec.region.name != spec.only or held(spec):
        return []
    return [Planned(each.name, _object(spec, each)) for each in spec.experiments]


def _namespace(given: Arguments) -> str:
    namespace = kubernetes_name(given.text("namespace"), given.where, "namespace")
    if namespace.startswith("kube-") or namespace in ("default", "chaos-mesh", "cnpg-system", "cert-manager"):
        what = "namespace: what runs the cluster or its operators is not for experiments"
        raise HakitError(what, where=given.where, given=namespace, allowed="a namespace of applications")
    return namespace


def _experiment(name: str, given: Arguments, pair: Pair, region: Region, namespace: str) -> Experiment:
    kind = given.word("kind", KINDS, "")
    foreign = [key for key in _KEYS if key in given and key not in KINDS[kind]]
    if foreign:
        what = f"experiments.{name}.{foreign[0]}: a {kind} takes no such thing"
        raise HakitError(what, where=given.where, given=foreign[0], allowed=KINDS[kind])
    if "duration" not in given:
        raise given.missing("duration", "say how long it may last: an experiment without an end is an outage")
    lasts = duration(given, "duration", "", 1)
    if lasts > LONGEST:
        what = f"experiments.{name}.duration: too long"
        raise HakitError(what, where=given.where, given=f"{lasts}s", allowed=f"up to {LONGEST}s")
    chaos, body = "PodChaos", {}
    match kind:
        case "pod-kill":
            body = _kill(given, namespace)
        case "zone-outage":
            body = _zone(given, region, namespace)
        case "region-partition":
            chaos, body = "NetworkChaos", _partition(given, namespace)
        case _:
            body = _primary(given, pair, region, namespace)
    return Experiment(name, chaos, {**body, "duration": f"{lasts}s"}, _schedule(given, name))


def _kill(given: Arguments, namespace: str) -> Manifest:
    labels = given.labels("labels")
    if not labels:
        raise given.missing("labels", "name the pods: without labels any pod of the namespace may be killed")
    return {"action": "pod-kill", "mode": "one", "selector": _selector(namespace, labels)}


def _zone(given: Arguments, region: Region, namespace: str) -> Manifest:
    zone = given.text("zone")
    region.check_zones([zone], where=f"{given.where}: {given.path}.zone")
    if len(region.zones) < 2:
        what = f"{given.path}.zone: it is the only one of {region.name}"
        raise HakitError(what, where=given.where, given=zone, allowed="a zone of a region with two or more")
    # The pods of a lost zone are not started elsewhere by themselves either; `pod-kill` would let them.
    selector = {**_selector(namespace, given.labels("labels")), "nodeSelectors": {ZONE: zone}}
    return {"action": "pod-failure", "mode": "all", "selector": selector}


def _partition(given: Arguments, namespace: str) -> Manifest:
    # Without a target it would cut nothing that can be said: so the other region's addresses are named.
    targets = given.names("targets")
    if not targets:
        raise given.missing("targets", "name the other region's addresses: hosts, or ranges such as 10.20.0.0/16")
    for target in targets:
        _check_target(given, target)
    selector = _selector(namespace, given.labels("labels"))
    body = {"action": "partition", "mode": "all", "selector": selector}
    return {**body, "direction": "both", "externalTargets": list(targets)}


def _check_target(given: Arguments, target: str) -> None:
    try:
        if ipaddress.ip_network(target, strict=False).prefixlen >= 8:
            return
    except ValueError:
        if re.fullmatch(r"(?=.*[a-z])[a-z0-9]([-a-z0-9.]*[a-z0-9])?", target):
            return
    what = f"{given.path}.targets: neither a host nor a range of the other region"
    raise HakitError(what, where=given.where, given=target, allowed="a host, an address, or a range of /8 or less")


def _primary(given: Arguments, pair: Pair, region: Region, namespace: str) -> Manifest:
    database = given.word("database", pair.databases, "")
    intent = cluster_intent(pair, database, region.name)
    # https://cloudnative-pg.io/documentation/1.30/labels_annotations/
    labels = {"cnpg.io/cluster": names.cluster(database, intent.incarnation), "cnpg.io/instanceRole": "primary"}
    return {"action": "pod-kill", "mode": "one", "selector": _selector(namespace, labels)}


def _selector(namespace: str, labels: Mapping[str, str]) -> Manifest:
    """Never without a namespace: "If the all selectors are empty, all objects will be used" (selector.go)."""
    return {"namespaces": [namespace], **({"labelSelectors": dict(labels)} if labels else {})}


def _schedule(given: Arguments, name: str) -> str:
    """Five fields with a minute, or a word, or `@every`: never more often than every hour."""
    if "schedule" not in given:
        return ""
    value = given.text("schedule")
    every = re.fullmatch(r"@every (\d{1,3})h", value)
    if value in _DESCRIPTORS or (every and int(every[1]) > 0):
        return value
    if value.startswith("@") or not re.match(r"[0-5]?\d ", cron(given, "schedule", "")):
        raise HakitError(
            f"experiments.{name}.schedule: more often than every hour, or no schedule",
            where=given.where,
            given=value,
            allowed='five fields with one minute, such as "0 10 * * 2"; @every 6h; @daily, @weekly, @monthly, @hourly',
        )
    return value


def _object(spec: ChaosSpec, each: Experiment) -> Manifest:
    metadata = {"name": f"{spec.name}-{each.name}", "namespace": spec.namespace}
    if not each.schedule:
        return {"apiVersion": API, "kind": each.chaos, "metadata": metadata, "spec": dict(each.body)}
    key = each.chaos[0].lower() + each.chaos[1:]
    return {
        "apiVersion": API,
        "kind": "Schedule",
        "metadata": metadata,
        "spec": {
            "schedule": each.schedule,
            "type": each.chaos,
            "concurrencyPolicy": "Forbid",
            "historyLimit": 2,
            # What was missed is not made up for at an hour that nobody chose.
            "startingDeadlineSeconds": 300,
            key: dict(each.body),
        },
    }
