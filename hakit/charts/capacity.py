"""What a chart's objects ask of a cluster, and what a failover would ask on top of what runs. Pure.

The scheduler places by requests, so a region that follows can take over only if its nodes have room for the difference:
https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#how-pods-with-resource-requests-are-scheduled
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from hakit.charts.manifests import Object
from hakit.charts.objects import dig, id_of, pod_spec, replicas_of, workloads
from hakit.charts.quantity import format_quantity
from hakit.charts.requests import ZERO, pod_request


@dataclass(frozen=True)
class Demand:
    """Pods, and what they reserve together.

    Attributes:
        pods: how many.
        cpu: cores.
        memory: bytes.
        largest_cpu, largest_memory: of the largest single pod: some node must have that much free.
    """

    pods: int = 0
    cpu: Decimal = ZERO
    memory: Decimal = ZERO
    largest_cpu: Decimal = ZERO
    largest_memory: Decimal = ZERO

    def plus(self, other: "Demand") -> "Demand":
        return Demand(
            self.pods + other.pods,
            self.cpu + other.cpu,
            self.memory + other.memory,
            max(self.largest_cpu, other.largest_cpu),
            max(self.largest_memory, other.largest_memory),
        )

    def as_dict(self) -> dict[str, str | int]:
        """As quantities that Kubernetes reads, exact."""
        return {
            "pods": self.pods,
            "cpu": format_quantity(self.cpu, binary=False),
            "memory": format_quantity(self.memory, binary=True),
        }


def demand(objects: Iterable[Object]) -> Demand:
    """What the Deployments and StatefulSets among the objects reserve: an autoscaler's least, or their replicas.

    Jobs come and go, and a DaemonSet's pods are there with their nodes: neither is counted.

    Raises:
        HakitError: a request is no quantity, or not known before deployment.
    """
    given = list(objects)
    total = Demand()
    for workload in workloads(given):
        total = total.plus(_of_workload(workload, replicas_of(workload, given)))
    return total


def on_top(runs: Iterable[Object], to_run: Iterable[Object]) -> Demand:
    """What must be free before the objects `to_run` can take the place of those that run: a standby made active.

    By workload: pods whose requests change are replaced, one at a time where the rollout has a surge, so that one new
    pod stands beside the old ones before the first of them goes.

    Args:
        runs: the hardened objects of the role that the region has.
        to_run: those of the role that it would get.

    Raises:
        HakitError: as `demand`.
    """
    before, after = list(runs), list(to_run)
    running = {id_of(each): _of_workload(each, replicas_of(each, before)) for each in workloads(before)}
    total = Demand()
    for workload in workloads(after):
        wanted = _of_workload(workload, replicas_of(workload, after))
        total = total.plus(_more(running.get(id_of(workload), Demand()), wanted, _surge(workload)))
    return total


def _more(runs: Demand, wanted: Demand, surge: int) -> Demand:
    replaced = runs.pods > 0 and (runs.largest_cpu, runs.largest_memory) != (wanted.largest_cpu, wanted.largest_memory)
    extra = min(surge, wanted.pods) if replaced else 0
    more = Demand(
        max(0, wanted.pods - runs.pods) + extra,
        max(ZERO, wanted.cpu - runs.cpu) + wanted.largest_cpu * extra,
        max(ZERO, wanted.memory - runs.memory) + wanted.largest_memory * extra,
    )
    nothing = more == Demand()
    return more if nothing else more.plus(Demand(0, ZERO, ZERO, wanted.largest_cpu, wanted.largest_memory))


def _surge(workload: Object) -> int:
    given = dig(workload, "spec", "strategy", "rollingUpdate", "maxSurge")
    return given if workload.get("kind") == "Deployment" and isinstance(given, int) else 0


def _of_workload(workload: Object, replicas: int) -> Demand:
    if not replicas:
        return Demand()
    cpu, memory = (pod_request(pod_spec(workload), resource, id_of(workload)) for resource in ("cpu", "memory"))
    return Demand(replicas, cpu * replicas, memory * replicas, cpu, memory)
