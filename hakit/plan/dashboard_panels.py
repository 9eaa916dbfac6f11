"""What a region's dashboard shows: one panel for each thing that HaAlerts watches, with the alert's own bound. Pure.

Expressions and bounds are those of the alerts (`measured`, and the functions that alerts are built from): a series that
an alert asks for under one name cannot be asked for here under another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hakit.plan import alerts_apps, alerts_backups, alerts_databases, alerts_regions, alerts_stores
from hakit.plan.alerts_rule import BELOW, LIMIT, Alert, measured
from hakit.plan.alerts_spec import AlertsSpec, App, Database
from hakit.topology.intents import ClusterIntent, cluster_intent

#: A line over time, or the value of now.
LINE, NOW = "line", "now"
#: Grafana's words for units.
SECONDS, PLAIN = "s", "none"


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        queries: PromQL, and how its series are called: a text that may name labels as `{{pod}}`.
        unit: of its values.
        shape: `line` or `now`.
        alert: the alert that it belongs to, whose section of the page says what to do.
        bound: from which on it is red; None for none.
        below: whether it is red below the bound, and not from it on.
        everywhere: asks a Prometheus that sees all regions.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str
    shape: str
    alert: str
    bound: int | float | None = None
    below: bool = False
    everywhere: bool = False


def sections(spec: AlertsSpec) -> dict[str, list[Panel]]:
    """The panels, by the heading that they stand under. Nothing that the arguments do not name has one."""
    of_apps = alerts_apps.alerts(spec)
    found = {
        "Applications": [each for app in spec.apps for each in _app(spec, app, of_apps)],
        "Databases": [each for database in spec.databases for each in _database(spec, database)],
        "Backups and drills": _proofs(spec),
        "Copies of buckets": _buckets(spec),
        "All regions": _regions(spec),
    }
    return {heading: panels for heading, panels in found.items() if panels}


def _app(spec: AlertsSpec, app: App, alerts: Sequence[Alert]) -> list[Panel]:
    found = {alert.name: alert for alert in alerts if alert.labels.get("app") == app.name}
    # One query a zone: a zone without a pod is drawn at 0, where a count by zone would draw nothing.
    zones = [(f"sum({alerts_apps.per_zone(spec, app, (zone,))}) or vector(0)", zone) for zone in app.zones]
    need, zoneless = found["HaReplicasUnderNeed"], found.get("HaZoneWithoutPods")
    # With fewer pods than zones one is without by design.
    bound = 1 if zoneless and zoneless.limit == len(app.zones) else None
    return [
        _of(need, f"{app.name}: pods that serve, need {need.limit}", PLAIN, LINE, "serving"),
        Panel(f"{app.name}: ready pods by zone", zones, PLAIN, LINE, (zoneless or need).name, bound, below=True),
    ]


def _database(spec: AlertsSpec, database: Database) -> list[Panel]:
    intent = cluster_intent(spec.pair, database.name, spec.region.name)
    found = {a.name: a for a in alerts_databases.alerts(spec) if a.labels["database"] == database.name}
    panels = [
        _of(found["HaReplicationLag"], f"{database.name}: replication lag", SECONDS, LINE, "lag"),
        _writable(spec, database, intent),
    ]
    broken = found["HaReplicationBroken"]
    if alerts_databases.has_links(database, intent):
        standing_by, receiving = alerts_databases.standing_by(spec, intent), alerts_databases.receiving(spec, intent)
        links = f"{receiving} and {standing_by} == 1"
        title = f"{database.name}: standby instances whose link is up (1) or down (0)"
        panels.append(Panel(title, [(links, "{{pod}}")], PLAIN, LINE, broken.name, 1, below=True))
    if database.backup_every is not None:
        age = alerts_databases.archive_age(spec, intent)
        title = f"{database.name}: time since a segment was archived; -1 for never"
        # Only a region that is shipped the archive has a bound: an idle primary has nothing to archive.
        name = "HaArchiveFailing" if broken.limit is None else broken.name
        panels.append(Panel(title, [(age, "archive")], SECONDS, LINE, name, broken.limit))
        panels.append(_of(found["HaBackupTooOld"], f"{database.name}: age of the last base backup", SECONDS, NOW))
    return panels


def _writable(spec: AlertsSpec, database: Database, intent: ClusterIntent) -> Panel:
    """Of any incarnation. Red where the topology has a standby and one takes writes, or a primary and none does."""
    count = f"count({alerts_regions.primaries(spec, database)}) or vector(0)"
    wanted = "1 is right" if intent.is_primary else "0 is right: standby"
    alert = "HaNoPrimary" if intent.is_primary else "HaWritableStandby"
    title = f"{database.name}: instances in {spec.region.name} that take writes ({wanted})"
    return Panel(title, [(count, "writable")], PLAIN, NOW, alert, 1, below=intent.is_primary)


def _proofs(spec: AlertsSpec) -> list[Panel]:
    found = alerts_backups.alerts(spec)
    panels = []
    for alert in found:
        if alert.name == "HaRestoreCheckTooOld":
            # Without the alert's fallback to when the CronJob was made: nothing was proven then.
            cronjob = alert.labels["cronjob"]
            age = f"time() - {alerts_backups.last_proven(spec.restore_checks[cronjob][0], cronjob)}"
            title = f"{cronjob}: time since a restore was proven"
            panels.append(Panel(title, [(age, "restore")], SECONDS, NOW, alert.name, alert.limit))
        elif alert.name == "HaDrillTooOld":
            panels.append(_of(alert, "Time since the last failover drill", SECONDS, NOW))
        elif alert.name == "HaVeleroBackupTooOld":
            title = f"Velero {alert.labels['schedule']}: time since the last success"
            panels.append(_of(alert, title, SECONDS, NOW))
    return panels


def _buckets(spec: AlertsSpec) -> list[Panel]:
    panels = []
    for alert in alerts_stores.alerts(spec):
        if alert.name == "HaBucketReplicationSlow":
            bucket = alert.labels["bucket"]
            given_up = [(alerts_stores.given_up(bucket), "{{source_bucket}} to {{destination_bucket}}")]
            panels += [
                _of(alert, f"{bucket}: how far its copy is behind", SECONDS, LINE, "{{source_bucket}}"),
                Panel(f"{bucket}: objects given up", given_up, PLAIN, LINE, "HaBucketReplicationFailing", 1),
            ]
    return panels


def _regions(spec: AlertsSpec) -> list[Panel]:
    if spec.everywhere is None:
        return []
    label = spec.everywhere.label
    panels = []
    for database in spec.databases:
        by_region = f"count by ({label}) ({alerts_regions.primaries(spec, database)})"
        title = f"{database.name}: instances that take writes, by region"
        # Bounds are of regions, and these are instances: two lines are what HaTwoPrimaries is about.
        query = [(by_region, f"{{{{{label}}}}}")]
        panels.append(Panel(title, query, PLAIN, LINE, "HaTwoPrimaries", everywhere=True))
    return panels


def _of(alert: Alert, title: str, unit: str, shape: str, called: str = "") -> Panel:
    """What the alert compares, with its bound."""
    below = alert.expr.endswith(f"{BELOW} {LIMIT}")
    return Panel(title, [(measured(alert), called)], unit, shape, alert.name, alert.limit, below)
