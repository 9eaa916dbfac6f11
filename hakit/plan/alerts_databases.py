"""Alerts on one region's copies of databases: replication, its link, the archive, base backups, who is writable. Pure.

Series are those of CloudNativePG's exporter (config/manager/default-monitoring.yaml, 1.30) and of its Barman plugin
(internal/cnpgi/instance/metrics.go, 0.14), which the same exporter shows. They have no label of the Cluster, so a copy
is told by the names of its pods, `<cluster>-<number>`; namespace and pod are what a PodMonitor adds.
"""

from hakit.plan.alerts_rule import CRITICAL, WARNING, Alert, within
from hakit.plan.alerts_spec import STREAM, AlertsSpec, Database
from hakit.topology import names
from hakit.topology.intents import ClusterIntent, cluster_intent

#: The first base backup is taken at once (`immediate: true`): an hour for a large one, or for a new copy to catch up.
FIRST_BACKUP = 3600


def alerts(spec: AlertsSpec) -> list[Alert]:
    return [each for database in spec.databases for each in _of(spec, database)]


def pods(spec: AlertsSpec, intent: ClusterIntent) -> str:
    """What selects the pods of one copy."""
    cluster = names.cluster(intent.database, intent.incarnation)
    return f'namespace="{spec.namespace}",pod=~"{cluster}-[0-9]+"'


def has_links(database: Database, intent: ClusterIntent) -> bool:
    """Whether every standby instance of a copy streams. A region that is shipped the archive has one that does not."""
    return intent.is_primary or database.replication == STREAM


def standing_by(spec: AlertsSpec, intent: ClusterIntent) -> str:
    """By pod: 1 for a standby instance, 0 for a primary."""
    return f"max by (pod) (cnpg_pg_replication_in_recovery{{{pods(spec, intent)}}})"


def receiving(spec: AlertsSpec, intent: ClusterIntent) -> str:
    """By pod: 1 for an instance whose receiver of the log is up."""
    return f"max by (pod) (cnpg_pg_replication_is_wal_receiver_up{{{pods(spec, intent)}}})"


def archive_age(spec: AlertsSpec, intent: ClusterIntent) -> str:
    """Seconds since the last segment was archived; -1 stands for never."""
    return f"min(cnpg_pg_stat_archiver_seconds_since_last_archival{{{pods(spec, intent)}}})"


def _of(spec: AlertsSpec, database: Database) -> list[Alert]:
    intent = cluster_intent(spec.pair, database.name, spec.region.name)
    found = [_lag(spec, intent), _broken(spec, database, intent)]
    found += [_writable(spec, copy) for copy in (intent, *intent.kept) if not copy.is_primary]
    if database.backup_every is not None:
        found += [_archive(spec, intent), _too_old(spec, intent, database.backup_every), _never_ran(spec, intent)]
    return found


def _lag(spec: AlertsSpec, intent: ClusterIntent) -> Alert:
    return Alert(
        name="HaReplicationLag",
        expr=f"max(cnpg_pg_replication_lag{{{pods(spec, intent)}}}) > LIMIT",
        limit=max(spec.pair.objectives.rpo, 1),
        hold=60,
        severity=CRITICAL,
        summary=f"A copy of {intent.database} is {{{{ $value | humanizeDuration }}}} behind",
        impact="A failover now would lose more than the pair's RPO.",
        labels={"database": intent.database},
    )


def _broken(spec: AlertsSpec, database: Database, intent: ClusterIntent) -> Alert:
    """The lag is 0 whenever all that was received is replayed, so a copy that receives nothing shows none."""
    rpo = spec.pair.objectives.rpo
    if has_links(database, intent):
        expr, limit = f"{standing_by(spec, intent)} > {receiving(spec, intent)}", None
        hold = within(rpo, 60, 900)
    else:
        # It archives what it is shipped (`archive_mode = always`).
        age = archive_age(spec, intent)
        expr, limit, hold = f"{age} > LIMIT or {age} < 0", max(rpo, 60), 60
    return Alert(
        name="HaReplicationBroken",
        expr=expr,
        limit=limit,
        hold=hold,
        severity=CRITICAL,
        summary=f"A copy of {intent.database} in {spec.region.name} receives nothing",
        impact="It falls behind while its lag may read 0; a failover loses everything since.",
        labels={"database": intent.database},
    )


def _writable(spec: AlertsSpec, copy: ClusterIntent) -> Alert:
    cluster = names.cluster(copy.database, copy.incarnation)
    return Alert(
        name="HaWritableStandby",
        expr=f"cnpg_pg_replication_in_recovery{{{pods(spec, copy)}}} == 0",
        # A planned handover demotes within this.
        hold=120,
        severity=CRITICAL,
        summary=f"{cluster} takes writes in {spec.region.name}, where the topology has a standby",
        impact="What is written there is lost, or has to be merged by hand.",
        labels={"database": copy.database, "cluster": cluster},
    )


def _archive(spec: AlertsSpec, intent: ClusterIntent) -> Alert:
    def series(what: str) -> str:
        return f"max by (pod) (cnpg_pg_stat_archiver_last_{what}_time{{{pods(spec, intent)}}})"

    return Alert(
        name="HaArchiveFailing",
        # Both are -1 before the first.
        expr=f"{series('failed')} > {series('archived')}",
        hold=within(spec.pair.objectives.rpo, 60, 900),
        severity=CRITICAL,
        summary=f"The archive of {intent.database} in {spec.region.name} takes no more of its log",
        impact="Points in time from here on cannot be restored, and the log fills its volume.",
        labels={"database": intent.database},
    )


def _backup(spec: AlertsSpec, intent: ClusterIntent) -> str:
    # cnpg_collector_last_available_backup_timestamp stays 0 with the plugin.
    return f"barman_cloud_cloudnative_pg_io_last_available_backup_timestamp{{{pods(spec, intent)}}}"


def _too_old(spec: AlertsSpec, intent: ClusterIntent, every: int) -> Alert:
    return Alert(
        name="HaBackupTooOld",
        expr=f"time() - max({_backup(spec, intent)} > 0) > LIMIT",
        limit=every * 3 // 2,
        hold=300,
        severity=WARNING,
        summary=f"The newest base backup of {intent.database} here is {{{{ $value | humanizeDuration }}}} old",
        impact="A restore takes longer with every hour of log since then, and fails where retention has cut into it.",
        labels={"database": intent.database},
    )


def _never_ran(spec: AlertsSpec, intent: ClusterIntent) -> Alert:
    backup = _backup(spec, intent)
    return Alert(
        name="HaBackupNeverRan",
        # 0 is what the plugin shows when the store has none.
        expr=f"max({backup}) == 0 or absent({backup})",
        hold=FIRST_BACKUP,
        severity=CRITICAL,
        summary=f"There is no base backup of {intent.database} in {spec.region.name}, or nobody knows of one",
        impact="Nothing can be restored from this region's archive.",
        labels={"database": intent.database},
    )
