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
class Spread:
    """How strictly pods are spread, by Kubernetes' own words (`DoNotSchedule`, `ScheduleAnyway`); None: hakit decides.

    Attributes:
        zones: over zones.
        hosts: over nodes.
    """

    zones: str | None = None
    hosts: str | None = None


@dataclass(frozen=True)
class Peer:
    """Whom pods may talk to: pods, all pods of namespaces, or addresses.

    Attributes:
        namespace: name of their namespace; None with no labels either is the release's own.
        namespace_labels: labels of their namespaces.
        pods: their labels; none are all pods.
        cidr: addresses, instead of pods.
        without: addresses within `cidr` that are not meant.
        ports: of the pod that is talked to; none are all ports.
        protocol: of the ports.
        workload: the workload that may; None: every pod of the chart.
    """

    namespace: str | None = None
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    pods: Mapping[str, str] = field(default_factory=dict)
    cidr: str | None = None
    without: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    protocol: str = "TCP"
    workload: str | None = None


#: Where clusters resolve names, by the labels that kubeadm, EKS, GKE and AKS give to CoreDNS or kube-dns.
CLUSTER_DNS = Peer(namespace="kube-system", pods={"k8s-app": "kube-dns"})


@dataclass(frozen=True)
class Network:
    """Whom the chart's pods may talk to, besides one another. Nobody else.

    Attributes:
        ingress: who may come in.
        egress: where they may go.
        dns: who resolves names for them, on port 53 of both protocols.
    """

    ingress: tuple[Peer, ...] = ()
    egress: tuple[Peer, ...] = ()
    dns: Peer = CLUSTER_DNS


@dataclass(frozen=True)
class Istio:
    """When a mesh stops sending requests to a pod; None leaves Istio's own default.

    Attributes:
        connections: open at once to the whole Service, from each client's proxy.
        pending: requests that wait for a connection.
        requests: requests at once over HTTP/2.
        errors: 5xx answers in a row after which a pod is left out.
        interval: seconds between looks.
        ejection: seconds that it is left out, times how often it was.
        most_ejected: percent of the pods that may be left out at once; None: what one zone holds.
        keep_in_zone: send to pods of the client's own zone while they answer.
    """

    connections: int | None = None
    pending: int | None = None
    requests: int | None = None
    errors: int = 5
    interval: int = 10
    ejection: int = 30
    most_ejected: int | None = None
    keep_in_zone: bool = True


@dataclass(frozen=True)
class WorkloadIntent:
    """What is wanted of one workload; None leaves what the chart renders.

    Attributes:
        replicas: how many pods, the autoscaler's minimum where there is one.
        autoscaling: an autoscaler, in place of the chart's.
        needs: how many must still serve with one zone lost.
        clustered: its pods replicate their data among themselves.
        suspend: a CronJob or a Job only: whether it is suspended.
        max_unavailable: pods that a drain may take at once, a number or a share ("25%"); 1 by default.
        spread: how strictly its pods are spread, in place of what holds for the chart.
        priority_class: of its pods, in place of what holds for the chart.
        container: the container that `resources` and `probes` are for; the first one by default.
        resources: the container's resources, in place of the chart's.
        probes: by field (`readinessProbe`), in place of the chart's.
    """

    replicas: int | None = None
    needs: int | None = None
    autoscaling: Autoscaling | None = None
    clustered: bool = False
    suspend: bool | None = None
    max_unavailable: int | str = 1
    spread: Spread = Spread()
    priority_class: str | None = None
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
        beside: the region serves, and another one runs the jobs and the migrations.
        existing_volumes: claims may be bound to zones already, so that a strict spread could leave a pod without a
            place.
        run_hooks: whether install and upgrade hooks run in a standby.
        hold_hooks: they are held back, whatever the role.
        storage_class: for every claim, in place of the chart's.
        access_mode: of every claim, in place of the chart's.
        zonal_class: the region's storage class whose volumes live in one zone, where it is known.
        reserved: cores and bytes that the region has for pods, where it is known.
        places: names of the region and its zones, where they are known.
        priority_class: of every workload's pods, in place of the chart's.
        spot: whose spot capacity a standby prefers, a key of `charts.spot.LABELS`.
        spread: how strictly pods are spread.
        same_zone: Services send to pods of the client's own zone while one is ready there.
        network: whom the pods may talk to; None leaves it to the chart.
        istio: when a mesh leaves a pod out; None leaves it to the chart.
        workloads: by `name` or `Kind/name`.
    """

    namespace: str = "default"
    zones: int = 3
    kubernetes: tuple[int, int] = (1, 34)
    standby: bool = False
    beside: bool = False
    existing_volumes: bool = False
    run_hooks: bool = False
    hold_hooks: bool = False
    storage_class: str | None = None
    access_mode: str | None = None
    zonal_class: str | None = None
    reserved: tuple[str, str] | None = None
    places: tuple[str, ...] = ()
    priority_class: str | None = None
    spot: str | None = None
    spread: Spread = Spread()
    same_zone: bool = False
    network: Network | None = None
    istio: Istio | None = None
    workloads: Mapping[str, WorkloadIntent] = field(default_factory=dict)

    @property
    def jobs_wait(self) -> bool:
        """Whether jobs and hooks wait unless it is said otherwise: another region runs them."""
        return self.standby or self.beside

    def of(self, obj: Object) -> WorkloadIntent:
        """What is wanted of this object; the longer name, `Kind/name`, goes first."""
        return self.workloads.get(id_of(obj)) or self.workloads.get(name_of(obj)) or WorkloadIntent()

    def spread_of(self, workload: Object) -> Spread:
        """How strictly this workload's pods are spread: as asked for it, else as asked for the chart."""
        own = self.of(workload).spread
        return Spread(own.zones or self.spread.zones, own.hosts or self.spread.hosts)
