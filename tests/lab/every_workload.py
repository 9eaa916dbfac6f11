"""Every workload that the tests know, with hakit and without, in one region: how they stand, and what is left of them.

The reference system, the trap charts of tests/charts/traps, and what only a cluster can show.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hakit.charts.audit.placement import left_after_a_zone
from hakit.charts.harden import harden
from hakit.charts.intent import Intent, WorkloadIntent
from hakit.charts.objects import id_of, replicas_of, workloads
from hakit.rules import RULES, Severity
from lab.harness import LabRegion, RefusedError
from lab.harness.client import Object
from lab.harness.nodes import ready_pod, unplaced
from tests.charts import corpus
from tests.lab import shop
from tests.lab.zonal_volumes import volume_in

#: Left out, as no pod of theirs gets a node here: one asks for nodes sold as spot and for a priority class, the other
#: for volumes that every zone reaches.
_NO_PODS = ("spot-in-the-standby", "shared-volume-made-regional")
#: Kinds that no region of the lab has: their definitions are in no registry. They move no pod of these charts.
_NOT_HERE = ("ScaledObject", "VerticalPodAutoscaler")
#: Kinds of the charts that have no namespace.
_CLUSTER_WIDE = ("Namespace", "CustomResourceDefinition")


@dataclass(frozen=True)
class Case:
    """One chart.

    Attributes:
        name: in the table, and of its namespaces.
        hardened, plain: its objects by hakit, and by Helm alone.
        errors: codes for which a ZonalApp stops unless they are accepted; what hakit promises holds without them.
        volumes: the zones that its volumes are in already, by claim.
    """

    name: str
    hardened: list[Object]
    plain: list[Object]
    errors: list[str] = field(default_factory=list)
    volumes: dict[str, str] = field(default_factory=dict)


@dataclass
class Row:
    """One workload of a chart, with hakit or without, and what became of it.

    Attributes:
        replicas: pods that it is to have.
        promised: how many of them are left when a zone is lost, by the audit; None: hakit promises nothing.
        refused: what the API server did not take of the chart, in its own words.
        zones: pods in each zone before the loss.
        undrained: why a drain could not take one of its pods; empty when it could.
        left: ready pods outside of the lost zone, when it was lost.
        stayed: seconds that the lost pods stayed on dead nodes; empty when they are still there.
        back: seconds from the loss until all replicas were ready; None: not while the test looked.
        after: pods in each zone when the test stopped looking.
        waiting: why pods had no node, before the loss or when the test stopped looking.
    """

    case: Case
    hakit: bool
    namespace: str
    workload: Object
    replicas: int
    promised: int | None
    refused: list[str]
    zones: dict[str, int] = field(default_factory=dict)
    undrained: str = ""
    left: int = 0
    stayed: list[float] = field(default_factory=list)
    back: float | None = None
    after: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, id_of(self.workload)

    @property
    def is_set(self) -> bool:
        return self.workload["kind"] == "StatefulSet"

    @property
    def is_promised(self) -> bool:
        """Whether a ZonalApp deploys it without anything accepted, so that what hakit says of it has to hold."""
        return self.hakit and not self.case.errors

    def __str__(self) -> str:
        return f"{self.case.name}: {id_of(self.workload)}"


# The cases


def cases() -> list[Case]:
    traps = [_trap(each) for each in corpus.corpus() if each.name not in _NO_PODS]
    return [*_reference(), *traps, *_only_in_a_cluster()]


def _reference() -> list[Case]:
    api, worker = {"replicaCount": 4}, {"replicaCount": 3}
    return [
        Case("storefront", shop.objects("storefront"), shop.plain("storefront", replicaCount=6)),
        Case("warehouse", shop.objects("warehouse"), shop.plain("warehouse", api=api, worker=worker)),
        Case(
            "storefront-standby",
            shop.objects("storefront", shop.STANDBY),
            shop.plain("storefront", replicaCount=2),
        ),
        Case(
            "warehouse-standby",
            shop.objects("warehouse", shop.STANDBY),
            shop.plain("warehouse", api={"replicaCount": 2}, worker={"replicaCount": 0}),
        ),
    ]


def _trap(trap: corpus.Trap) -> Case:
    codes = sorted({each.split()[0] for each in trap.left})
    errors = [code for code in codes if RULES[code].severity is Severity.ERROR]
    return Case(trap.name, trap.trap.hardened(), trap.trap.objects(), errors)


#: The volumes of a database of three that ran before there was a third zone.
_TWO_ZONES = {"data-db-0": "a", "data-db-1": "a", "data-db-2": "b"}
VOLUMES, UNTOLD, SET = "volumes-in-two-zones", "volumes-not-told-of", "set-without-claims"


def _only_in_a_cluster() -> list[Case]:
    (database,) = [trap for trap in corpus.corpus() if trap.name == "volume-per-pod"]
    plain = database.trap.objects()
    wanted = {"db": WorkloadIntent(clustered=True)}
    told = harden(plain, Intent(existing_volumes=True, workloads=wanted))
    untold = harden(plain, Intent(workloads=wanted))
    (web,) = [trap for trap in corpus.corpus() if trap.name == "no-zone-spread"]
    return [
        Case(VOLUMES, told, plain, volumes=_TWO_ZONES),
        Case(UNTOLD, untold, [], volumes=_TWO_ZONES),
        Case(SET, harden(_as_set(web.trap.objects()), Intent()), _as_set(web.trap.objects())),
    ]


def _as_set(objects: list[Object]) -> list[Object]:
    return [
        {**obj, "kind": "StatefulSet", "spec": {**obj["spec"], "serviceName": "web"}}
        if obj["kind"] == "Deployment"
        else obj
        for obj in objects
    ]


# Into the region


def deploy(region: LabRegion, given: Iterable[Case]) -> list[Row]:
    """Apply every case with hakit and without, each into a namespace of its own."""
    variants = [
        (case, hakit, f"{case.name}-{'hakit' if hakit else 'plain'}", case.hardened if hakit else case.plain)
        for case in given
        for hakit in (True, False)
    ]
    for _, _, namespace, objects in variants:
        if objects:
            region.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    region.wait_for("service accounts", lambda: _without_account(region), lambda left: not left)
    rows: list[Row] = []
    for case, hakit, namespace, objects in variants:
        for name, zone in case.volumes.items() if objects else ():
            volume_in(region, namespace, name, zone)
        refused = _apply(region, objects, namespace)
        for workload in workloads(objects):
            replicas = replicas_of(workload, objects)
            # Where volumes are, decides the cluster; the audit says so (HK019) and promises nothing.
            promised = left_after_a_zone(replicas, 3) if hakit and not case.volumes else None
            rows.append(Row(case, hakit, namespace, workload, replicas, promised, refused))
    return rows


def _without_account(region: LabRegion) -> set[str]:
    """Namespaces that take no pods yet."""
    ready = {each["metadata"]["namespace"] for each in region.client.list("v1", "ServiceAccount")}
    return {each["metadata"]["name"] for each in region.client.list("v1", "Namespace")} - ready


def _apply(region: LabRegion, objects: list[Object], namespace: str) -> list[str]:
    """Apply what the server takes; returns what it refuses."""
    refused = []
    for obj in objects:
        if obj["kind"] in _NOT_HERE:
            continue
        placed = obj if obj["kind"] in _CLUSTER_WIDE else shop.into(namespace, [obj])[0]
        try:
            region.apply([placed], namespace, force=True)
        except RefusedError as error:
            refused.append(f"{id_of(obj)}: {error.message.partition(' is invalid: ')[2] or error.message}")
    return refused


# What is seen of it


def pods_by_workload(pods: Iterable[Object]) -> dict[tuple[str, str], list[Object]]:
    """Pods that nobody has deleted, by namespace and workload."""
    return _by_workload(pod for pod in pods if "deletionTimestamp" not in pod["metadata"])


def deleted_by_workload(pods: Iterable[Object]) -> dict[tuple[str, str], list[Object]]:
    """Pods that are to go and are still there, by namespace and workload."""
    return _by_workload(pod for pod in pods if "deletionTimestamp" in pod["metadata"])


def _by_workload(pods: Iterable[Object]) -> dict[tuple[str, str], list[Object]]:
    found: dict[tuple[str, str], list[Object]] = {}
    for pod in pods:
        found.setdefault((pod["metadata"]["namespace"], _owner_of(pod)), []).append(pod)
    return found


def _owner_of(pod: Object) -> str:
    """`Deployment/web`: what a pod is a replica of."""
    for owner in pod["metadata"].get("ownerReferences") or []:
        if owner["kind"] == "ReplicaSet":
            suffix = f"-{pod['metadata']['labels']['pod-template-hash']}"
            return f"Deployment/{owner['name'].removesuffix(suffix)}"
        return f"{owner['kind']}/{owner['name']}"
    return ""


def is_settled(row: Row, pods: list[Object]) -> bool:
    """Every replica is ready, or the scheduler has said why it has no node for it."""
    if any("Deployment" in each or "StatefulSet" in each for each in row.refused):
        return True  # there is nothing to wait for
    ready = sum(map(ready_pod, pods))
    # A StatefulSet makes one pod after the other: it stops at the first that gets no node.
    return ready == row.replicas or (bool(unplaced(pods)) and (row.is_set or len(pods) >= row.replicas))


def why_no_drain(region: LabRegion, pod: Object) -> str:
    """What the eviction API answers to a drain, without letting it happen; empty when it agrees."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    try:
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
        region.client.request("POST", path, json={**body, "deleteOptions": {"dryRun": ["All"]}})
    except RefusedError as error:
        return error.message
    return ""


#: The scheduler's reasons (Reason... and Err... in k8s.io/kubernetes pkg/scheduler/framework/plugins) in short.
_REASONS = {
    "didn't match pod topology spread constraints": "spread",
    "didn't match pod anti-affinity rules": "anti-affinity",
    "didn't satisfy existing pods anti-affinity rules": "anti-affinity of others",
    "didn't match PersistentVolume's node affinity": "its volume's zone",
    "had volume node affinity conflict": "its volume's zone",
}


def constraints(messages: Iterable[str]) -> list[str]:
    """Which rules leave pods without a node, by the scheduler's sentences; each once, in short. Taints are left out:
    the nodes of a lost zone have them for everybody."""
    found: list[str] = []
    for message in messages:
        # As the scheduler puts them: how many nodes there are, then reasons with their numbers, then about preemption.
        for reason in message.partition(": ")[2].partition(". ")[0].rstrip(".").split(", "):
            text = re.sub(r"^\d+ (node\(s\) )?", "", reason)
            short = _REASONS.get(text, text)
            if "taint" not in text and "missing required label" not in text and short not in found:
                found.append(short)
    return found


# The table


def table(rows: list[Row], seconds: int) -> list[str]:
    """One line for each workload, hardened and plain side by side."""
    head = ["workload", "pods", "a/b/c", "left", "back", "said", "pods", "a/b/c", "left", "back", "said"]
    lines = [head]
    pairs: dict[str, dict[bool, Row]] = {}
    for row in rows:
        pairs.setdefault(str(row), {})[row.hakit] = row
    for name, pair in pairs.items():
        lines.append([name, *_cells(pair.get(True), seconds), *_cells(pair.get(False), seconds)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    first = f"{'':{widths[0]}}  {'with hakit':{sum(widths[1:6]) + 10}}| without"
    printed = []
    for line in lines:
        cells = [f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)]
        printed.append("  ".join([*cells[:6], "|", *cells[6:]]).rstrip())
    return [first, *printed]


def _cells(row: Row | None, seconds: int) -> list[str]:
    if row is None:
        return ["", "", "", "", ""]
    said = [f"stops for {', '.join(row.case.errors)}"] if row.hakit and row.case.errors else []
    said += [f"the server refuses it: {each.rpartition(': ')[2]}" for each in row.refused]
    said += [f"waits: {', '.join(rules)}"] if (rules := constraints(row.waiting)) else []
    said += [f"no drain: {row.undrained}"] if row.undrained else []
    promise = f" of {row.promised}" if row.promised is not None else ""
    back = f"{row.back:.0f} s" if row.back is not None else f"> {seconds} s"
    if row.replicas in (0, row.left):
        back = ""
    return [str(row.replicas), _zones(row.zones), f"{row.left}{promise}", back, _short("; ".join(said))]


def _zones(counts: dict[str, int]) -> str:
    return "/".join(str(counts.get(zone, 0)) for zone in ("a", "b", "c"))


def _short(text: str, most: int = 64) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
