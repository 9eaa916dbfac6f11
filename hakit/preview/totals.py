"""Requested CPU, memory and storage by region and role."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from hakit.charts.quantity import format_quantity, parse_quantity
from hakit.charts.requests import ZERO, claim_request, pod_request
from hakit.errors import HakitError
from hakit.preview.document import ObjectDocument, ReportDocument, ResourceDocument, TotalDocument
from hakit.preview.objects import is_mariadb, is_postgres, is_redis, placed

NOWHERE = "-"


@dataclass
class Total:
    """A sum that grows. Cores and bytes, exact."""

    pods: int = 0
    cpu: Decimal = ZERO
    memory: Decimal = ZERO
    storage: Decimal = ZERO
    per_node_cpu: Decimal = ZERO
    per_node_memory: Decimal = ZERO
    jobs_cpu: Decimal = ZERO
    jobs_memory: Decimal = ZERO
    failover_pods: int = 0
    failover_cpu: Decimal = ZERO
    failover_memory: Decimal = ZERO
    reserved_cpu: Decimal = ZERO
    reserved_memory: Decimal = ZERO
    unknown: list[str] = field(default_factory=list)

    def add(self, other: "Total") -> None:
        for one in fields(self):
            mine, others = getattr(self, one.name), getattr(other, one.name)
            # What a region has is the same for each of its applications.
            setattr(self, one.name, max(mine, others) if one.name.startswith("reserved") else mine + others)


Totals = dict[tuple[str, str], Total]


def stack_totals(resources: Sequence[ResourceDocument], reports: Sequence[ReportDocument] = ()) -> Totals:
    """The totals of one stack, by (region, role) of the application that each object belongs to."""
    by_urn = {resource["urn"]: resource for resource in resources}
    totals: Totals = {}
    for resource in resources:
        for one in resource["objects"]:
            region, role = placed(resource, by_urn)
            counted = total_of(one)
            if counted != Total():
                totals.setdefault((region or NOWHERE, role or NOWHERE), Total()).add(counted)
    for report in reports:
        needed = _room(report)
        if needed != Total():
            totals.setdefault((report["region"] or NOWHERE, report["role"] or NOWHERE), Total()).add(needed)
    return totals


def _room(report: ReportDocument) -> Total:
    """What a failover needs on top, and what the region has reserved."""
    failover = report["failover"] or {"pods": 0, "cpu": "0", "memory": "0"}
    cpu, memory = report["reserved"] or ("0", "0")
    return Total(
        failover_pods=failover["pods"],
        failover_cpu=parse_quantity(failover["cpu"]),
        failover_memory=parse_quantity(failover["memory"]),
        reserved_cpu=parse_quantity(cpu),
        reserved_memory=parse_quantity(memory),
    )


def added(parts: Iterable[Totals]) -> Totals:
    result: Totals = {}
    for part in parts:
        for place, total in part.items():
            result.setdefault(place, Total()).add(total)
    return result


def totals_document(totals: Totals) -> list[TotalDocument]:
    return [
        {
            "region": region,
            "role": role,
            "pods": total.pods,
            "cpu": format_quantity(total.cpu, binary=False),
            "memory": format_quantity(total.memory, binary=True),
            "storage": format_quantity(total.storage, binary=True),
            "per_node_cpu": format_quantity(total.per_node_cpu, binary=False),
            "per_node_memory": format_quantity(total.per_node_memory, binary=True),
            "jobs_cpu": format_quantity(total.jobs_cpu, binary=False),
            "jobs_memory": format_quantity(total.jobs_memory, binary=True),
            "failover_pods": total.failover_pods,
            "failover_cpu": format_quantity(total.failover_cpu, binary=False),
            "failover_memory": format_quantity(total.failover_memory, binary=True),
            "reserved_cpu": format_quantity(total.reserved_cpu, binary=False),
            "reserved_memory": format_quantity(total.reserved_memory, binary=True),
            "unknown": sorted(total.unknown),
        }
        for (region, role), total in sorted(totals.items())
    ]


def totals_of(documents: Iterable[TotalDocument]) -> Totals:
    """The opposite of `totals_document`."""
    return {
        (one["region"], one["role"]): Total(
            one["pods"],
            **{key: parse_quantity(amount) for key, amount in one.items() if key in _AMOUNTS},
            failover_pods=one["failover_pods"],
            unknown=list(one["unknown"]),
        )
        for one in documents
    }


_AMOUNTS = tuple(one.name for one in fields(Total) if one.name not in ("pods", "failover_pods", "unknown"))


def total_of(one: ObjectDocument) -> Total:
    """What one object requests in all; what cannot be counted is among `unknown`."""
    name = f"{one['kind']}/{one['name']}"
    try:
        return _COUNTS.get(one["kind"], _nothing)(one, name)
    except HakitError as error:
        return Total(unknown=[f"{name}: {error.given} is {error.what}"])


def _nothing(_one: ObjectDocument, _name: str) -> Total:
    return Total()


def _workload(one: ObjectDocument, name: str) -> Total:
    replicas = one["replicas"]
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        return Total(unknown=[f"{name}: {replicas} replicas"])
    pod, spec = _pod(one["manifest"], "template"), _at(one["manifest"], "spec")
    templates = spec.get("volumeClaimTemplates") or []
    if not isinstance(templates, list):
        return Total(unknown=[f"{name}: volumeClaimTemplates {templates}"])
    return Total(
        pods=replicas,
        cpu=pod_request(pod, "cpu", name) * replicas,
        memory=pod_request(pod, "memory", name) * replicas,
        storage=sum((claim_request(_at(claim), name) for claim in templates), ZERO) * replicas,
    )


def _single(one: ObjectDocument, name: str) -> Total:
    pod = _at(one["manifest"], "spec")
    return Total(pods=1, cpu=pod_request(pod, "cpu", name), memory=pod_request(pod, "memory", name))


def _per_node(one: ObjectDocument, name: str) -> Total:
    pod = _pod(one["manifest"], "template")
    return Total(per_node_cpu=pod_request(pod, "cpu", name), per_node_memory=pod_request(pod, "memory", name))


def _job(one: ObjectDocument, name: str) -> Total:
    path = ("jobTemplate", "spec", "template") if one["kind"] == "CronJob" else ("template",)
    outer = _at(one["manifest"], "spec", *path[:-1])
    at_once = outer.get("parallelism", 1)
    if not isinstance(at_once, int):
        return Total(unknown=[f"{name}: {at_once} at once"])
    pod = _pod(one["manifest"], *path)
    return Total(
        jobs_cpu=pod_request(pod, "cpu", name) * at_once, jobs_memory=pod_request(pod, "memory", name) * at_once
    )


def _claim(one: ObjectDocument, name: str) -> Total:
    return Total(storage=claim_request(one["manifest"], name))


def _postgres(one: ObjectDocument, name: str) -> Total:
    """A CloudNativePG Cluster: each instance a pod, and a volume for each purpose."""
    spec = _at(one["manifest"], "spec")
    return _database(name, spec, "instances", _VOLUMES) if is_postgres(one) else Total()


def _mariadb(one: ObjectDocument, name: str) -> Total:
    """A MariaDB of mariadb-operator: each replica a pod, and a volume."""
    spec = _at(one["manifest"], "spec")
    return _database(name, spec, "replicas", _VOLUMES[:1]) if is_mariadb(one) else Total()


def _redis(one: ObjectDocument, name: str) -> Total:
    """A RedisReplication or RedisSentinel of redis-operator: `clusterSize` pods, each with a claim if it has one."""
    if not is_redis(one):
        return Total()
    spec = _at(one["manifest"], "spec")
    number = spec.get("clusterSize")
    if not isinstance(number, int):
        return Total(unknown=[f"{name}: {number} pods"])
    pod = {"containers": [{"name": "redis", "resources": _at(spec, "kubernetesConfig").get("resources")}]}
    claim = _at(spec, "storage", "volumeClaimTemplate")
    return Total(
        pods=number,
        cpu=pod_request(pod, "cpu", name) * number,
        memory=pod_request(pod, "memory", name) * number,
        storage=claim_request(claim, name) * number if claim else ZERO,
    )


def _database(name: str, spec: Mapping[str, Any], many: str, purposes: Sequence[str]) -> Total:
    number = spec.get(many, 1)
    if not isinstance(number, int):
        return Total(unknown=[f"{name}: {number} {many}"])
    pod = {"containers": [{"name": "database", "resources": spec.get("resources")}]}
    volumes = [{"spec": {"resources": {"requests": {"storage": _at(spec, key).get("size", 0)}}}} for key in purposes]
    return Total(
        pods=number,
        cpu=pod_request(pod, "cpu", name) * number,
        memory=pod_request(pod, "memory", name) * number,
        storage=sum((claim_request(volume, name) for volume in volumes), ZERO) * number,
    )


_VOLUMES = ("storage", "walStorage")
_COUNTS: dict[str, Callable[[ObjectDocument, str], Total]] = {
    "Deployment": _workload,
    "StatefulSet": _workload,
    "ReplicaSet": _workload,
    "ReplicationController": _workload,
    "Pod": _single,
    "DaemonSet": _per_node,
    "Job": _job,
    "CronJob": _job,
    "PersistentVolumeClaim": _claim,
    "Cluster": _postgres,
    "MariaDB": _mariadb,
    "RedisReplication": _redis,
    "RedisSentinel": _redis,
}


def _pod(manifest: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    return _at(manifest, "spec", *path, "spec")


def _at(value: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at a path; what is not known before deployment is told as the quantity it would hold."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        return value
    if value is None:
        return {}
    raise HakitError("not known before deployment", given=value)
