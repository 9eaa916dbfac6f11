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
    """Whether a CronJob is suspended. By default it is in a standby, and as the chart has it in the active region."""


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
    """Whether a CronJob is suspended, in both roles."""
    active: WorkloadRoleArgs
    """In place of the above in the active role."""
    standby: WorkloadRoleArgs
    """In place of the above in the standby role."""
    clustered: bool
    """The software replicates its data between its pods by itself, so several pods with a volume each are one
    service."""
    max_unavailable: int
    """Pods that a drain may take at once. Default 1."""
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
    """By the name of the rendered Deployment, StatefulSet or CronJob, or by `Kind/name`."""
    storage_class: str
    """Storage class of every claim, in place of the chart's. A claim that exists cannot change it."""
    existing_volumes: bool
    """The claims may be bound to zones already: spread over zones is a wish for pods with claims. Default false."""
    accept: dict[str, str]
    """Findings that are let through, with the reason: by `HK012`, or by `HK004 Deployment/worker` for one of
    several."""
    timeout: int
    """Seconds that Helm waits for the pods. Default 600: twice Helm's own, for images that a new zone pulls first."""
    delivery: str
    """`release`: one Helm release of the hardened objects."""
