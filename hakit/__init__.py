"""hakit: Pulumi components that make applications on Kubernetes survive the loss of a zone, a region or their data.

`import hakit` is cheap: what a name needs is imported when the name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hakit.components.backup_plan import BackupPlan as BackupPlan
    from hakit.components.backup_plan_args import BackupPlanArgs as BackupPlanArgs
    from hakit.components.bucket_pair import BucketPair as BucketPair
    from hakit.components.bucket_pair_args import BucketPairArgs as BucketPairArgs
    from hakit.components.chaos_drill import ChaosDrill as ChaosDrill
    from hakit.components.chaos_drill_args import ChaosDrillArgs as ChaosDrillArgs
    from hakit.components.global_load_balancer import GlobalLoadBalancer as GlobalLoadBalancer
    from hakit.components.global_load_balancer_args import GlobalLoadBalancerArgs as GlobalLoadBalancerArgs
    from hakit.components.ha_alerts import HaAlerts as HaAlerts
    from hakit.components.ha_alerts_args import HaAlertsArgs as HaAlertsArgs
    from hakit.components.mariadb_cluster import MariaDbCluster as MariaDbCluster
    from hakit.components.mariadb_cluster_args import MariaDbClusterArgs as MariaDbClusterArgs
    from hakit.components.minio_site_replication import MinioSiteReplication as MinioSiteReplication
    from hakit.components.minio_site_replication_args import MinioSiteReplicationArgs as MinioSiteReplicationArgs
    from hakit.components.postgres_cluster import PostgresCluster as PostgresCluster
    from hakit.components.postgres_cluster_args import PostgresClusterArgs as PostgresClusterArgs
    from hakit.components.project import load_topology as load_topology
    from hakit.components.providers import kubernetes_provider as kubernetes_provider
    from hakit.components.rclone_copy import RcloneCopy as RcloneCopy
    from hakit.components.rclone_copy_args import RcloneCopyArgs as RcloneCopyArgs
    from hakit.components.redis_sentinel import RedisSentinel as RedisSentinel
    from hakit.components.redis_sentinel_args import RedisSentinelArgs as RedisSentinelArgs
    from hakit.components.region_base import RegionBase as RegionBase
    from hakit.components.region_base_args import RegionBaseArgs as RegionBaseArgs
    from hakit.components.region_pair import RegionPair as RegionPair
    from hakit.components.region_pair_args import RegionPairArgs as RegionPairArgs
    from hakit.components.restore_check import RestoreCheck as RestoreCheck
    from hakit.components.restore_check_args import RestoreCheckArgs as RestoreCheckArgs
    from hakit.components.zonal_app import ZonalApp as ZonalApp
    from hakit.components.zonal_app_args import ZonalAppArgs as ZonalAppArgs
    from hakit.errors import HakitError as HakitError

__version__ = "0.1.0"

_HOMES = {
    "BackupPlan": "hakit.components.backup_plan",
    "BackupPlanArgs": "hakit.components.backup_plan_args",
    "BucketPair": "hakit.components.bucket_pair",
    "BucketPairArgs": "hakit.components.bucket_pair_args",
    "ChaosDrill": "hakit.components.chaos_drill",
    "ChaosDrillArgs": "hakit.components.chaos_drill_args",
    "GlobalLoadBalancer": "hakit.components.global_load_balancer",
    "GlobalLoadBalancerArgs": "hakit.components.global_load_balancer_args",
    "HaAlerts": "hakit.components.ha_alerts",
    "HaAlertsArgs": "hakit.components.ha_alerts_args",
    "HakitError": "hakit.errors",
    "MariaDbCluster": "hakit.components.mariadb_cluster",
    "MariaDbClusterArgs": "hakit.components.mariadb_cluster_args",
    "MinioSiteReplication": "hakit.components.minio_site_replication",
    "MinioSiteReplicationArgs": "hakit.components.minio_site_replication_args",
    "PostgresCluster": "hakit.components.postgres_cluster",
    "PostgresClusterArgs": "hakit.components.postgres_cluster_args",
    "RcloneCopy": "hakit.components.rclone_copy",
    "RcloneCopyArgs": "hakit.components.rclone_copy_args",
    "RedisSentinel": "hakit.components.redis_sentinel",
    "RedisSentinelArgs": "hakit.components.redis_sentinel_args",
    "RegionBase": "hakit.components.region_base",
    "RegionBaseArgs": "hakit.components.region_base_args",
    "RegionPair": "hakit.components.region_pair",
    "RegionPairArgs": "hakit.components.region_pair_args",
    "RestoreCheck": "hakit.components.restore_check",
    "RestoreCheckArgs": "hakit.components.restore_check_args",
    "ZonalApp": "hakit.components.zonal_app",
    "ZonalAppArgs": "hakit.components.zonal_app_args",
    "kubernetes_provider": "hakit.components.providers",
    "load_topology": "hakit.components.project",
}
__all__ = [
    "BackupPlan",
    "BackupPlanArgs",
    "BucketPair",
    "BucketPairArgs",
    "ChaosDrill",
    "ChaosDrillArgs",
    "GlobalLoadBalancer",
    "GlobalLoadBalancerArgs",
    "HaAlerts",
    "HaAlertsArgs",
    "HakitError",
    "MariaDbCluster",
    "MariaDbClusterArgs",
    "MinioSiteReplication",
    "MinioSiteReplicationArgs",
    "PostgresCluster",
    "PostgresClusterArgs",
    "RcloneCopy",
    "RcloneCopyArgs",
    "RedisSentinel",
    "RedisSentinelArgs",
    "RegionBase",
    "RegionBaseArgs",
    "RegionPair",
    "RegionPairArgs",
    "RestoreCheck",
    "RestoreCheckArgs",
    "ZonalApp",
    "ZonalAppArgs",
    "kubernetes_provider",
    "load_topology",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hakit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
