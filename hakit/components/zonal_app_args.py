"""The arguments of ZonalApp.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict

import pulumi


class ProbesArgs(TypedDict, total=False):
    """Probes of one container, each a Kubernetes Probe, whole, in place of the chart's."""

    readiness: dict[str, Any]
    """When the pod takes traffic."""
    liveness: dict[str, Any]
    """When the container is restarted."""
    startup: dict[str, Any]
    """Until when the other two wait."""


class AutoscalingArgs(TypedDict, total=False):
    """A HorizontalPodAutoscaler of hakit's own, in place of the chart's. Its least number of pods is `replicas`."""

    max: Required[int]
    """Pods at most."""
    cpu: int
    """Use of CPU that it keeps, in percent of what the containers request. One of `cpu` and `memory` is needed."""
    memory: int
    """Use of memory that it keeps, in percent of what the containers request."""


class SpreadArgs(TypedDict, total=False):
    """How strictly pods are spread, by Kubernetes' own words: `DoNotSchedule` leaves a pod waiting rather than breaking
    the spread, `ScheduleAnyway` does not."""

    zones: str
    """Over zones. Default: `DoNotSchedule` from three zones on, where nothing could leave a pod without a place."""
    hosts: str
    """Over nodes. Default: `ScheduleAnyway`, because a small cluster must still run all replicas."""


class PeerArgs(TypedDict, total=False):
    """Whom pods may talk to: pods (`namespace`, `namespace_labels`, `pods`), or addresses (`cidr`)."""

    namespace: str
    """Name of the pods' namespace. Default with `pods`: the release's own."""
    namespace_labels: dict[str, str]
    """Labels of the pods' namespaces."""
    pods: dict[str, str]
    """Labels of the pods. Default: all pods of the namespaces."""
    cidr: str
    """Addresses, `"10.20.0.0/16"`. A NetworkPolicy knows no names of hosts."""
    without: list[str]
    """Blocks of addresses within `cidr` that are not meant."""
    ports: list[int]
    """Ports of the pod that is talked to, not of its Service. Default: all."""
    protocol: str
    """`TCP`, `UDP` or `SCTP`. Default `TCP`."""
    workload: str
    """The workload of the chart that may. Default: every pod of the chart."""


class NetworkArgs(TypedDict, total=False):
    """NetworkPolicies for every pod of the chart, in place of the chart's: one another, DNS, what is listed here, and
    nothing else. The cluster's network must enforce them; not every one does."""

    ingress: list[PeerArgs]
    """Who may come in. Default: nobody but the chart's own pods."""
    egress: list[PeerArgs]
    """Where the pods may go. Default: nowhere but to the chart's own pods and to DNS."""
    dns: PeerArgs
    """Who resolves names, on port 53. Default: pods `k8s-app: kube-dns` in namespace `kube-system`. With NodeLocal
    DNSCache its address: `{"cidr": "169.254.20.10/32"}`."""


class IstioArgs(TypedDict, total=False):
    """A DestinationRule of `networking.istio.io/v1` for each Service of the chart, in place of the chart's. Istio must
    be there."""

    connections: int
    """Connections at once from each client's proxy. Default: Istio's, no limit."""
    pending: int
    """Requests that wait for a connection. Default: Istio's, no limit."""
    requests: int
    """Requests at once. Default: Istio's, no limit."""
    errors: int
    """Answers with 5xx in a row after which a pod is left out. Default 5, as Istio's."""
    interval: int
    """Seconds between looks. Default 10, as Istio's."""
    ejection: int
    """Seconds that a pod is left out, times how often it was. Default 30, as Istio's."""
    max_ejected: int
    """Percent of the pods that may be left out at once. Default: the share of one zone, so that a sick zone can be left
    out whole and no more; Istio's own is 10."""
    keep_in_zone: bool
    """Send to pods of the client's own zone first, then of its region. Default true."""


class WorkloadRoleArgs(TypedDict, total=False):
    """What holds for one workload in one role."""

    replicas: int
    """Pods; the minimum of the autoscaler where the chart has one. 0 switches the workload off."""
    needs: int
    """Pods that must still serve with one zone lost."""
    autoscaling: AutoscalingArgs
    """More pods under load, in this role."""
    resources: dict[str, Any]
    """Resources of the container, as Kubernetes writes them, in place of the chart's."""
    probes: ProbesArgs
    """Probes of the container, in place of the chart's."""
    suspend: bool
    """Whether a CronJob or a Job is suspended. By default it is in a standby, and as the chart has it in the active
    region."""


class WorkloadArgs(TypedDict, total=False):
    """What holds for one workload of a chart with several."""

    replicas: int
    """Pods in both roles."""
    needs: int
    """Pods that must still serve with one zone lost, in the active role."""
    autoscaling: AutoscalingArgs
    """More pods under load, in both roles where there are replicas. A Deployment only."""
    resources: dict[str, Any]
    """Resources of the container in both roles."""
    probes: ProbesArgs
    """Probes of the container in both roles."""
    suspend: bool
    """Whether a CronJob or a Job is suspended, in both roles."""
    active: WorkloadRoleArgs
    """In place of the above in the active role."""
    standby: WorkloadRoleArgs
    """In place of the above in the standby role."""
    clustered: bool
    """The software replicates its data between its pods by itself, so several pods with a volume each are one
    service."""
    max_unavailable: Any
    """Pods that a drain may take at once: a number, or a share of the replicas, `"25%"`, which Kubernetes rounds up.
    Default 1."""
    spread: SpreadArgs
    """How strictly its pods are spread, in place of what is said for the chart."""
    priority_class: str
    """Priority class of its pods, in place of what is said for the chart."""
    container: str
    """The container that `resources` and `probes` are for. Default: the first."""


class RoleArgs(TypedDict, total=False):
    """What holds for the whole application in one role."""

    replicas: int
    """Pods, for a chart with one workload."""
    needs: int
    """Pods that must still serve with one zone lost, for a chart with one workload."""
    autoscaling: AutoscalingArgs
    """More pods under load, for a chart with one workload."""
    hooks: str
    """`run` or `hold`: whether install and upgrade hooks run. Default: `run` when active, `hold` in a standby."""
    wait: bool
    """Wait until the pods are ready, and take back an upgrade that does not get there. Default: true when active, false
    in a standby, whose pods may never be ready on a database that is read-only."""
    spot: str
    """A standby only: prefer spot nodes for pods without claims, labelled as `karpenter`, `eks`, `gke` or `aks` do. It
    is a finding (HK045): they may be gone when the standby is needed."""


class ZonalAppArgs(TypedDict, total=False):
    """What a ZonalApp is made from. With `topology`, `pair` and `scope` it has a role in each region; without them it
    is one application in one region, with `zones`."""

    chart: Required[str]
    """Folder or `.tgz` archive of the chart, relative to the folder of Pulumi.yaml; or a pulled chart: its name in
    `repo`, or `oci://registry/path/name`."""
    version: str
    """Version of a pulled chart, `"1.20.0"`. Default: the one in charts.lock."""
    repo: str
    """Address of the repository of a pulled chart, `https://...`."""
    namespace: Required[str]
    """Namespace that it is deployed to; it must be there."""
    release_name: str
    """Name of the Helm release. Default: the component's name."""
    values: dict[str, pulumi.Input[Any]]
    """The chart's values. Outputs and secrets may stand anywhere in them, but must not decide which objects there
    are."""
    zones: list[str]
    """Zones of the cluster. With a topology: the region's zones, or some of them."""
    topology: str
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: str
    """Pair of the topology whose role this application has."""
    scope: str
    """Region of the topology that this program deploys."""
    kubernetes: str
    """Kubernetes version of the cluster, `"1.34"`; newer fields are left out. With a topology: the region's."""
    api_versions: list[str]
    """API groups and kinds that the cluster has beyond Kubernetes' own, `"monitoring.coreos.com/v1"`, for charts that
    ask. Default: unknown, which is a finding where a chart asks."""
    replicas: int
    """Pods in both roles, for a chart with one workload. Default: what the chart renders."""
    needs: int
    """Pods that must still serve with one zone lost while active, for a chart with one workload."""
    autoscaling: AutoscalingArgs
    """More pods under load, in both roles where there are replicas, for a chart with one workload."""
    active: RoleArgs
    """In place of the above while the region is active."""
    standby: RoleArgs
    """In place of the above while the region follows another one."""
    workloads: dict[str, WorkloadArgs]
    """By the name of the rendered Deployment, StatefulSet, CronJob or Job, or by `Kind/name`."""
    spread: SpreadArgs
    """How strictly pods are spread."""
    same_zone: bool
    """Services send requests to pods of the client's own zone while one is ready there (`trafficDistribution`, from
    Kubernetes 1.31). Default false."""
    network: NetworkArgs
    """Whom the chart's pods may talk to. Default: as the chart has it."""
    istio: IstioArgs
    """When an Istio mesh leaves a pod out. Default: as the chart has it."""
    priority_class: str
    """Priority class of every workload's pods. It must be there."""
    storage: str
    """`zonal` or `regional`: the region's storage class of that kind by the topology, with its access mode,
    ReadWriteOnce or ReadWriteMany, on every claim. A claim that exists cannot change either."""
    storage_class: str
    """Storage class of every claim, in place of the chart's. A claim that exists cannot change it."""
    access_mode: str
    """Access mode of every claim, in place of the chart's: `ReadWriteOnce`, `ReadWriteOncePod`, `ReadWriteMany`,
    `ReadOnlyMany`. A claim that exists cannot change it."""
    existing_volumes: bool
    """The claims may be bound to zones already: spread over zones is a wish for pods with claims. Default false."""
    accept: dict[str, str]
    """Findings that are let through, with the reason: by `HK012`, or by `HK004 Deployment/worker` for one of
    several."""
    timeout: int
    """Seconds that Helm waits for the pods. Default 600: twice Helm's own, for images that a new zone pulls first."""
    adopt: str
    """What runs already is taken over, see docs/adoption.md: `release`, a Helm release of this name; `objects`, objects
    that no release has. To be taken out again afterwards. Default: nothing is taken over."""
    delivery: str
    """`release`: one Helm release of the hardened objects. `objects`: each a resource of its own; no hooks, no
    autoscalers. Default `release`. See docs/adoption.md before you change it."""
    leave: bool
    """Everything stays in the cluster when it leaves the program: for another delivery, or another tool. Default
    false."""
