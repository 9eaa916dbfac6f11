"""What is wanted of a chart's objects in one region and role: the input of `harden` and `audit`, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.charts.manifests import Object
from hakit.charts.objects import id_of, name_of

#: The three probes by the field that holds them in a container.
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

#: From which Kubernetes version on a spread constraint can leave tainted nodes out by default
#: (NodeInclusionPolicyInPodTopologySpread, beta).
NODE_TAINTS_POLICY = (1, 26)


@dataclass(frozen=True)
class Autoscaling:
    """More pods under load.

    Attributes:
        most: pods at most; the least are the workload's replicas.
        cpu, memory: use that it keeps, in percent of what the containers request; None: it does not look.
    """

    most: int
    cpu: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class WorkloadIntent:
    """What is wanted of one workload; None leaves what the chart renders.

    Attributes:
        replicas: how many pods, the autoscaler's minimum where there is one.
        autoscaling: an autoscaler, in place of the chart's.
        needs: how many must still serve with one zone lost.
        clustered: its pods replicate their data among themselves.
        suspend: a CronJob only: whether it is suspended.
        max_unavailable: pods that a drain may take at once; 1 by default.
        container: the container that `resources` and `probes` are for; the first one by default.
        resources: the container's resources, in place of the chart's.
        probes: by field (`readinessProbe`), in place of the chart's.
    """

    replicas: int | None = None
    needs: int | None = None
    autoscaling: Autoscaling | None = None
    clustered: bool = False
    suspend: bool | None = None
    max_unavailable: int = 1
    container: str | None = None
    resources: Mapping[str, Any] | None = None
    probes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Intent:
    """What is wanted of all objects of a chart.

    Attributes:
        namespace: of the release; objects that name none are in it.
        zones: how many zones the cluster has.
        kubernetes: version of the region, (1, 34); fields that it does not know are left out.
        standby: the region follows another one.
        existing_volumes: claims may be bound to zones already, so that a strict spread could leave a pod without a
            place.
        run_hooks: whether install and upgrade hooks run in a standby.
        storage_class: for every claim, in place of the chart's.
        workloads: by `name` or `Kind/name`.
    """

    namespace: str = "default"
    zones: int = 3
    kubernetes: tuple[int, int] = (1, 34)
    standby: bool = False
    existing_volumes: bool = False
    run_hooks: bool = False
    storage_class: str | None = None
    workloads: Mapping[str, WorkloadIntent] = field(default_factory=dict)

    def of(self, obj: Object) -> WorkloadIntent:
        """What is wanted of this object; the longer name, `Kind/name`, goes first."""
        return self.workloads.get(id_of(obj)) or self.workloads.get(name_of(obj)) or WorkloadIntent()
