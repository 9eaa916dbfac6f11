"""The arguments of HaAlerts.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin. Durations are texts, as in the topology: 30s, 15m, 12h, 7d.
"""

from typing import Required, TypedDict


class AlertedSizeArgs(TypedDict, total=False):
    """How many pods there are in a role."""

    replicas: Required[int]
    """Pods; 0 for none, and then there are no alerts."""
    needs: int
    """Pods that must serve. Default 1."""


class AlertedAppArgs(TypedDict, total=False):
    """A workload."""

    kind: str
    """`Deployment`, the default, or `StatefulSet`."""
    active: AlertedSizeArgs
    """Where the pair serves."""
    standby: AlertedSizeArgs
    """Where it does not."""
    zones: list[str]
    """Zones that it is spread over. Default: the region's."""


class AlertedDatabaseArgs(TypedDict, total=False):
    """A database of the pair."""

    replication: str
    """How the other regions get its changes: `archive`, the default, or `stream`, with routes."""
    backup_every: str
    """Time between two base backups. Default 1d, as a PostgresCluster takes them."""
    without_archive: bool
    """There is no archive, and so no backup. Default false."""


class AlertedBucketArgs(TypedDict, total=False):
    """Buckets of one purpose that are copied between the regions."""

    latency: str
    """By how much copies may be behind, 15m or more. Default: the pair's RPO, or 15m where that is less."""


class AlertedCheckArgs(TypedDict, total=False):
    """A CronJob that restores a backup and ends well when that worked."""

    every: str
    """Time between two runs. Default 1d."""
    namespace: str
    """Of the CronJob. Default: the one of the applications; RestoreCheck's `alerts` name its own."""


class AlertedDrillsArgs(TypedDict, total=False):
    """Failover drills."""

    last: str
    """Day of the last one: "2026-10-01". This or `history`."""
    history: str
    """Folder in which `hakit drill` keeps a pair's drills, relative to the folder of Pulumi.yaml: the last one that
    passed counts, and without one the alert fires. This or `last`."""
    every: str
    """Time until the next one is due. Default 90d."""


class AlertedScheduleArgs(TypedDict, total=False):
    """A Schedule of Velero."""

    every: str
    """Time between two backups. Default 1d."""


class AlertedVeleroArgs(TypedDict, total=False):
    """Velero."""

    locations: list[str]
    """BackupStorageLocations."""
    schedules: dict[str, AlertedScheduleArgs]
    """Schedules, by name."""


class AllRegionsArgs(TypedDict, total=False):
    """A Prometheus, Thanos Ruler or the like that sees every region."""

    label: str
    """External label by which it tells them apart; its values are the regions' names. Default `region`."""
    labels: dict[str, str]
    """Labels of the PrometheusRule, by which it finds it."""


class DashboardArgs(TypedDict, total=False):
    """A Grafana dashboard as a ConfigMap. `{}` has what kube-prometheus-stack's sidecar looks for."""

    labels: dict[str, str]
    """Labels by which the sidecar finds it. Default grafana_dashboard: "1"."""
    folder: str
    """Folder of Grafana. Default: the one that the sidecar's provider names."""
    folder_annotation: str
    """Annotation that names the folder, the sidecar's `folderAnnotation`. Default grafana_folder."""


class HaAlertsArgs(TypedDict, total=False):
    """What HaAlerts is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology that is watched."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    namespace: Required[str]
    """Namespace of the applications and databases; the rules go there too."""
    apps: dict[str, AlertedAppArgs]
    """Deployments and StatefulSets, by name."""
    databases: dict[str, AlertedDatabaseArgs]
    """Databases of the pair. One that is left out is watched with the defaults."""
    buckets: dict[str, AlertedBucketArgs]
    """Buckets that are copied, by the purpose of their BucketPair."""
    restore_checks: dict[str, AlertedCheckArgs]
    """CronJobs that try restores, by name."""
    drills: AlertedDrillsArgs
    """Failover drills. Default: nobody asks for them."""
    velero: AlertedVeleroArgs
    """Velero. Default: none."""
    certificate_days: int
    """Days that a certificate must be valid for. Default 14: cert-manager has renewed one of 90 days by then."""
    volume_percent: int
    """Percent of a volume that must be free. Default 15."""
    all_regions: AllRegionsArgs
    """A Prometheus that sees every region. Default: none, and then nobody sees two primaries."""
    dashboard: DashboardArgs
    """A Grafana dashboard of what is watched. Default: none."""
    labels: dict[str, str]
    """Labels of the PrometheusRule, by which the region's Prometheus finds it (its `ruleSelector`)."""
    runbooks: str
    """Address of the page that alerts link to. Default docs/alerts.md; name where you keep it."""
