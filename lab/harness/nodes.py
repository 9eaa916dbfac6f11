"""Simulated nodes, and what the states of nodes and pods mean."""

from collections.abc import Iterable

from lab.harness.client import Object

#: The zone of nodes that have no zone label, in names and in verbs.
UNZONED = "none"


def node(region: str, zone: str, number: int, cpu: str, memory: str) -> Object:
    """A node that kwok plays. `lab.hakit/zone` is the lab's own label: a node without a zone label has it too."""
    name = f"{region}-{zone}-{number}"
    size = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi"}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "lab.hakit/zone": zone}
    if zone != UNZONED:
        labels |= {"topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": region}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": size, "capacity": size},
    }


def is_ready(given: Object) -> bool:
    """Whether a node or a pod has the condition Ready."""
    conditions = given.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ready_pod(pod: Object) -> bool:
    """Whether a pod serves: ready, and not on its way out."""
    return is_ready(pod) and "deletionTimestamp" not in pod["metadata"]


def rolled_out(workload: Object, replicas: int) -> bool:
    """As `kubectl rollout status` decides it: the newest template is seen, no pod is of an older one."""
    status = workload.get("status", {})
    seen = status.get("observedGeneration") == workload["metadata"]["generation"]
    numbers = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return seen and numbers == {replicas} and status.get("currentRevision") == status.get("updateRevision")


def unplaced(pods: Iterable[Object]) -> list[str]:
    """The scheduler's sentence about each pod for which it has found no node."""
    return [
        each.get("message", "")
        for pod in pods
        for each in pod.get("status", {}).get("conditions") or []
        if (each["type"], each.get("reason")) == ("PodScheduled", "Unschedulable")
    ]
