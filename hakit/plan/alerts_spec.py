"""The arguments of HaAlerts, checked: what is deployed in a region, and what it has to keep to. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticCustomError

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.stores import kubernetes_name
from hakit.topology.handovers import serves
from hakit.topology.model import Pair, Region, Topology, seconds

ARGUMENTS = (
    "topology",
    "pair",
    "scope",
    "namespace",
    "apps",
    "databases",
    "buckets",
    "restore_checks",
    "drills",
    "velero",
    "certificate_days",
    "volume_percent",
    "all_regions",
    "dashboard",
    "labels",
    "runbooks",
)
KINDS = ("Deployment", "StatefulSet")
STREAM, ARCHIVE = "stream", "archive"
#: As a PostgresCluster takes base backups when nothing else is said: daily.
DAILY = "1d"
#: S3 has no shorter promise: Replication Time Control is for 15 minutes, and for no other time.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html
REPLICATION_TIME = 900


@dataclass(frozen=True)
class App:
    """A workload as it stands in this region and role.

    Attributes:
        needs: pods that must be ready.
    """

    name: str
    kind: str
    replicas: int
    needs: int
    zones: tuple[str, ...]


@dataclass(frozen=True)
class Database:
    """A database of the pair.

    Attributes:
        replication: how other regions get its changes: `stream` or `archive`.
        backup_every: seconds between base backups; None without an archive.
    """

    name: str
    replication: str
    backup_every: int | None


@dataclass(frozen=True)
class Everywhere:
    """A Prometheus that sees all regions: the label by which it tells them apart, and those of its rules."""

    label: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Dashboard:
    """By what Grafana's sidecar finds a dashboard, and where it puts it; an empty folder is none."""

    labels: Mapping[str, str]
    folder: str
    folder_annotation: str


@dataclass(frozen=True)
class AlertsSpec:
    """HaAlerts' arguments, checked. Everything after this trusts it.

    Attributes:
        buckets: seconds by which copies may be behind, by the buckets' purpose.
        restore_checks: by the CronJob's name, its namespace and the seconds between two restores.
        drill: when the last one was, in seconds since 1970, and seconds until the next one is due.
        velero_locations: names of BackupStorageLocations; None where Velero is not asked for.
        velero_schedules: seconds between two backups, by the Schedule's name.
    """

    name: str
    topology: Topology = field(repr=False)
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    namespace: str
    apps: tuple[App, ...]
    databases: tuple[Database, ...]
    buckets: Mapping[str, int]
    restore_checks: Mapping[str, tuple[str, int]]
    drill: tuple[int, int] | None
    velero_locations: tuple[str, ...]
    velero_schedules: Mapping[str, int]
    certificate_days: int
    volume_percent: int
    everywhere: Everywhere | None
    dashboard: Dashboard | None
    labels: Mapping[str, str]
    runbooks: str

    @property
    def where(self) -> str:
        return f"HaAlerts {self.name!r}"

    @property
    def others(self) -> tuple[str, ...]:
        """The pair's other regions."""
        return tuple(name for name in self.pair.regions if name != self.region.name)


def specify(name: str, args: Any, topology: Topology) -> AlertsSpec:
    """Check the arguments of HaAlerts.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one or the topology.
    """
    given = Arguments(args, f"HaAlerts {name!r}", ARGUMENTS)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    velero = given.inner("velero", ("locations", "schedules"))
    return AlertsSpec(
        name=kubernetes_name(name, given.where, "the component's name", 50),
        topology=topology,
        pair=pair,
        region=region,
        namespace=kubernetes_name(given.text("namespace"), given.where, "namespace"),
        apps=_apps(given, pair, region),
        databases=_databases(given, pair),
        buckets=_times(given, "buckets", "latency", f"{max(pair.objectives.rpo, REPLICATION_TIME)}s", REPLICATION_TIME),
        restore_checks=_restore_checks(given),
        drill=_drill(given),
        velero_locations=_named(velero, velero.names("locations"), "locations"),
        velero_schedules=_times(velero, "schedules", "every", DAILY),
        certificate_days=given.number("certificate_days", 14, least=1),
        volume_percent=_percent(given),
        everywhere=_everywhere(given),
        dashboard=_dashboard(given),
        labels=given.labels("labels"),
        runbooks=given.text("runbooks", "docs/alerts.md"),
    )


def _apps(given: Arguments, pair: Pair, region: Region) -> tuple[App, ...]:
    role = "active" if serves(pair, region.name) else "standby"
    found = []
    for name in given.mapping("apps"):
        kubernetes_name(name, given.where, "apps", 253)
        inner = given.inner("apps", given.mapping("apps")).inner(name, ("kind", "active", "standby", "zones"))
        if role not in inner:
            raise inner.missing(role, f"say what runs in {region.name}, which is {role}; replicas: 0 when nothing does")
        size = inner.inner(role, ("replicas", "needs"))
        replicas = size.number("replicas")
        needs = size.number("needs", min(replicas, 1))
        if needs > replicas:
            what = f"apps.{name}.{role}.needs: more than there are replicas, so the alert would never end"
            raise HakitError(what, where=given.where, given=needs, allowed=f"up to {replicas}")
        zones = inner.names("zones") or region.zones
        region.check_zones(zones, where=f"{given.where}: apps.{name}.zones")
        if replicas:
            found.append(App(name, inner.word("kind", KINDS, KINDS[0]), replicas, needs, zones))
    return tuple(found)


def _databases(given: Arguments, pair: Pair) -> tuple[Database, ...]:
    """Every database of the pair: one that is left out would be watched by nobody."""
    declared = given.inner("databases", pair.databases)
    found = []
    for name in pair.databases:
        inner = declared.inner(name, ("replication", "backup_every", "without_archive"))
        replication = inner.word("replication", (STREAM, ARCHIVE), ARCHIVE)
        without = inner.flag("without_archive")
        if without and replication == ARCHIVE and not pair.is_partitioned:
            raise HakitError(
                f"databases.{name}: no archive, and it is the archive that the other regions follow",
                where=given.where,
                given="without_archive: true",
                do="say replication: stream, or take without_archive away",
            )
        found.append(Database(name, replication, None if without else duration(inner, "backup_every", DAILY)))
    return tuple(found)


def _times(given: Arguments, key: str, inner_key: str, default: str, least: int = 60) -> dict[str, int]:
    declared = given.mapping(key)
    names = _named(given, tuple(declared), key)
    entries = given.inner(key, names)
    return {name: duration(entries.inner(name, (inner_key,)), inner_key, default, least) for name in names}


def _restore_checks(given: Arguments) -> dict[str, tuple[str, int]]:
    names = _named(given, tuple(given.mapping("restore_checks")), "restore_checks")
    entries = given.inner("restore_checks", names)
    found = {}
    for name in names:
        inner = entries.inner(name, ("every", "namespace"))
        namespace = inner.text("namespace", given.text("namespace"))
        kubernetes_name(namespace, given.where, f"restore_checks.{name}.namespace")
        found[name] = (namespace, duration(inner, "every", DAILY))
    return found


def _named(given: Arguments, names: tuple[str, ...], key: str) -> tuple[str, ...]:
    """Names stand in expressions, so they are Kubernetes' own, and nothing that could end a text there."""
    full = ".".join(part for part in (given.path, key) if part)
    return tuple(kubernetes_name(name, given.where, full, 253) for name in names)


def duration(given: Arguments, key: str, default: str, least: int = 60) -> int:
    """A duration as the topology writes them, in seconds."""
    value, full = given.text(key, default), ".".join(part for part in (given.path, key) if part)
    try:
        found = seconds(value)
    except PydanticCustomError:
        found = None
    if not isinstance(found, int) or found < least:
        raise HakitError(
            f"{full}: not a duration, or too short",
            where=given.where,
            given=value,
            allowed=f"a whole number with its unit, {least}s or more: 90s, 15m, 12h, 7d",
        )
    return found


def _drill(given: Arguments) -> tuple[int, int] | None:
    if "drills" not in given:
        return None
    inner = given.inner("drills", ("last", "every"))
    last = inner.text("last")
    try:
        found = datetime.strptime(last, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        what = "drills.last: not a date"
        raise HakitError(what, where=given.where, given=last, allowed='a day in quotes, such as "2026-10-01"') from None
    return int(found.timestamp()), duration(inner, "every", "90d", 86400)


def _percent(given: Arguments) -> int:
    value = given.number("volume_percent", 15, least=1)
    if value > 50:
        raise HakitError("volume_percent: of a volume must be free", where=given.where, given=value, allowed="1 to 50")
    return value


def _everywhere(given: Arguments) -> Everywhere | None:
    if "all_regions" not in given:
        return None
    inner = given.inner("all_regions", ("label", "labels"))
    label = inner.text("label", "region")
    # https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label):
        what = "all_regions.label: not a label's name"
        raise HakitError(what, where=given.where, given=label, allowed="letters, digits and underscores")
    return Everywhere(label, inner.labels("labels"))


def _dashboard(given: Arguments) -> Dashboard | None:
    """Defaults of the chart kube-prometheus-stack (`grafana.sidecar.dashboards`); it names no annotation of folders."""
    if "dashboard" not in given:
        return None
    inner = given.inner("dashboard", ("labels", "folder", "folder_annotation"))
    folder = inner.text("folder") if "folder" in inner else ""
    # The sidecar writes files there: an absolute path, or one that climbs, would be anywhere in its container.
    if folder and not re.fullmatch(r"[A-Za-z0-9][-\w .]*(/[A-Za-z0-9][-\w .]*)*", folder, re.ASCII):
        allowed = "words of letters, digits, spaces, hyphens, dots and underscores, with / between folders"
        raise HakitError("dashboard.folder: not a folder of Grafana", where=given.where, given=folder, allowed=allowed)
    labels = inner.labels("labels") or {"grafana_dashboard": "1"}
    return Dashboard(labels, folder, inner.text("folder_annotation", "grafana_folder"))
