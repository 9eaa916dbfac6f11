"""Alerts of a Prometheus, or of what answers like one, that sees all regions: two primaries, none, who is behind. Pure.

No region alone can see these. The label by which regions are told apart is the external label of each one's Prometheus.
"""

from hakit.plan.alerts_rule import CRITICAL, Alert, within
from hakit.plan.alerts_spec import AlertsSpec, Database
from hakit.topology import names
from hakit.topology.intents import cluster_intent


def alerts(spec: AlertsSpec, label: str) -> list[Alert]:
    found = [_silent(spec, label, region) for region in spec.pair.regions]
    for database in spec.databases:
        if spec.pair.is_partitioned:
            continue  # each region is primary, and follows no other
        found += [_two(spec, label, database), _none(spec, database)]
        found += _behind(spec, label, database) if database.backup_every is not None else []
    return found


def _silent(spec: AlertsSpec, label: str, region: str) -> Alert:
    return Alert(
        name="HaRegionSilent",
        expr=f'absent(up{{{label}="{region}"}})',
        hold=within(spec.pair.objectives.rto // 2, 60, 600),
        severity=CRITICAL,
        summary=f"Nothing is heard of {region}",
        impact="It is lost, or cut off, or only its monitoring is; none of its own alerts can reach anybody.",
        labels={"of_region": region},
    )


def primaries(spec: AlertsSpec, database: Database) -> str:
    """Instances that are no standby, of any incarnation. A fenced one shows nothing, as its PostgreSQL is down."""
    pods = f'namespace="{spec.namespace}",pod=~"{database.name}-g[0-9]+-[0-9]+"'
    return f"cnpg_pg_replication_in_recovery{{{pods}}} == 0"


def _two(spec: AlertsSpec, label: str, database: Database) -> Alert:
    return Alert(
        name="HaTwoPrimaries",
        expr=f"count(count by ({label}) ({primaries(spec, database)})) > LIMIT",
        limit=1,
        hold=60,
        severity=CRITICAL,
        summary=f"{database.name} takes writes in {{{{ $value }}}} regions",
        impact="What one of them writes will be lost, or has to be merged by hand.",
        labels={"database": database.name},
    )


def _none(spec: AlertsSpec, database: Database) -> Alert:
    return Alert(
        name="HaNoPrimary",
        expr=f"absent({primaries(spec, database)})",
        hold=within(spec.pair.objectives.rto // 2, 60, 600),
        severity=CRITICAL,
        summary=f"{database.name} takes writes in no region that can be seen",
        impact="The pair's RTO is running.",
        labels={"database": database.name},
    )


def _behind(spec: AlertsSpec, label: str, database: Database) -> list[Alert]:
    """What the primary had archived an RPO ago a standby must have archived by now. An idle database raises nothing."""
    intents = {region: cluster_intent(spec.pair, database.name, region) for region in spec.pair.regions}
    primary = next((region for region, intent in intents.items() if intent.is_primary), None)
    if primary is None:  # in the middle of a planned handover
        return []

    def archived(region: str) -> str:
        cluster = names.cluster(database.name, intents[region].incarnation)
        pods = f'{label}="{region}",namespace="{spec.namespace}",pod=~"{cluster}-[0-9]+"'
        return f"cnpg_pg_stat_archiver_last_archived_wal_start_lsn{{{pods}}}"

    return [
        Alert(
            name="HaStandbyBehind",
            expr=f"max({archived(primary)} offset LIMITs) > max({archived(region)})",
            limit=max(spec.pair.objectives.rpo, 1),
            hold=60,
            severity=CRITICAL,
            summary=f"{database.name} in {region} lacks what {primary} had archived an RPO ago",
            impact="A failover now would lose more than the pair's RPO, whatever the lag reads.",
            labels={"database": database.name, "of_region": region},
        )
        for region in intents
        if region != primary
    ]
