"""What a region's cluster says of its databases: asked once, kept as plain facts."""

import datetime as dt
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from hakit.observe import Object, Reader, RefusedError, UnreachableError
from hakit.plan import guard
from hakit.status.moments import moment
from hakit.status.restores import Check, checks_of
from hakit.topology.copies import EPOCH
from hakit.verify.made import CHECK

_CLUSTERS = "/apis/postgresql.cnpg.io/v1/clusters"
_STORES = "/apis/barmancloud.cnpg.io/v1/objectstores"
_CRON_JOBS = "/apis/batch/v1/cronjobs"
_CONFIG_MAPS = "/api/v1/configmaps"
FENCED = "cnpg.io/fencedInstances"


@dataclass(frozen=True)
class Instance:
    """A copy's first instance as PostgreSQL itself says, through CloudNativePG's instance manager.

    Attributes:
        writable: it is not in recovery.
        system: PostgreSQL's own identity; positions compare within one only.
        position: bytes of WAL: written by a primary, received or replayed by a copy.
        lags: of a primary: seconds by which each standby that streams from it is behind, by the name it streams under;
            as the instance manager measured it in the last half minute.
        archived, archive_failed: when it last archived a segment, and last failed to.
    """

    writable: bool
    system: str
    position: int | None
    lags: tuple[tuple[str, float], ...] = ()
    archived: dt.datetime | None = None
    archive_failed: dt.datetime | None = None


@dataclass(frozen=True)
class SeenCopy:
    """One Cluster of CloudNativePG that hakit has made.

    Attributes:
        member, primary, source: of its replica section; it says that it is the primary where the first two are one.
        token: its promotion token; empty without one.
        epoch: of its annotation; None where it has none.
        fenced: by CloudNativePG's annotation: PostgreSQL is stopped.
        ready, instances: how many of how many.
        phase: in CloudNativePG's words.
        first: the instance that the operator holds for its primary.
        names: of all of its instances.
        certificates: when each ends, by Secret.
        backup: when the last base backup ended.
        now: the first instance; None where it was not to be asked, as `problem` says.
    """

    pair: str
    database: str
    incarnation: int
    name: str
    namespace: str = ""
    member: str = ""
    primary: str = ""
    source: str = ""
    token: str = ""
    epoch: int | None = None
    fenced: bool = False
    ready: int = 0
    instances: int = 0
    phase: str = ""
    first: str = ""
    names: tuple[str, ...] = ()
    certificates: Mapping[str, dt.datetime] = field(default_factory=dict)
    backup: dt.datetime | None = None
    now: Instance | None = None
    problem: str = ""

    @property
    def says_primary(self) -> bool:
        return bool(self.member) and self.member == self.primary

    @property
    def takes_writes(self) -> bool:
        """By PostgreSQL's own word; where that cannot be had, by what the operator was told and holds for ready."""
        if self.now is not None:
            return self.now.writable
        return self.says_primary and not self.fenced and self.ready > 0


@dataclass(frozen=True)
class SeenRegion:
    """Attributes:
    version: of Kubernetes, as the server says it.
    copies: every Cluster with hakit's labels.
    unread: what was refused, by path.
    checks: every RestoreCheck that runs here; None where they were not to be read.
    """

    version: str = ""
    copies: tuple[SeenCopy, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] | None = ()


def see(reader: Reader) -> SeenRegion:
    """Ask a region's cluster. An instance that does not answer in time costs its own facts and nobody else's.

    Raises:
        UnreachableError: the API server does not answer.
    """
    unread: dict[str, str] = {}
    try:
        version = str(reader.get("/version").get("gitVersion", ""))
    except RefusedError as error:
        version, unread["/version"] = "of unknown version", str(error)
    clusters = listed(reader, _CLUSTERS, unread, labelSelector=guard.PAIR)
    backups = _backups(listed(reader, _STORES, unread)) if clusters else {}
    copies = [copy_of(each, backups) for each in clusters]
    checks = _checks(reader, unread)
    with ThreadPoolExecutor(max(len(copies), 1)) as pool:
        asked = list(pool.map(lambda copy: _with_instance(reader, copy), copies))
    return SeenRegion(version, tuple(asked), unread, checks)


def _checks(reader: Reader, unread: dict[str, str]) -> tuple[Check, ...] | None:
    jobs = listed(reader, _CRON_JOBS, unread, labelSelector=CHECK)
    reports = listed(reader, _CONFIG_MAPS, unread, labelSelector=CHECK) if jobs else []
    return None if _CRON_JOBS in unread else checks_of(jobs, reports)  # without reports, the CronJobs' own successes


def listed(reader: Reader, path: str, unread: dict[str, str], **query: str) -> list[Object]:
    """What a region has of a kind; nothing where it knows no such kind, or will not say: `unread` then has why."""
    try:
        return reader.list(path, **query)
    except RefusedError as error:
        if error.status != 404:  # no such kind: there is nothing of it
            unread[path] = str(error)
        return []


def copy_of(cluster: Object, backups: Mapping[tuple[str, str, str], dt.datetime]) -> SeenCopy:
    """A Cluster's own words; `backups` by namespace, store and server."""
    metadata, spec, status = cluster["metadata"], cluster.get("spec") or {}, cluster.get("status") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    replica = spec.get("replica") or {}
    ends = (status.get("certificates") or {}).get("expirations") or {}
    moments = {name: moment(text) for name, text in ends.items()}
    return SeenCopy(
        pair=str(labels.get(guard.PAIR, "")),
        database=str(labels.get(guard.DATABASE, "")),
        incarnation=_number(annotations.get(guard.INCARNATION)) or 0,
        name=metadata["name"],
        namespace=metadata["namespace"],
        member=str(replica.get("self", "")),
        primary=str(replica.get("primary", "")),
        source=str(replica.get("source", "")),
        token=str(replica.get("promotionToken") or ""),
        epoch=_number(annotations.get(EPOCH)),
        fenced=FENCED in annotations,
        ready=status.get("readyInstances") or 0,
        instances=spec.get("instances") or 0,
        phase=str(status.get("phase", "")),
        first=str(status.get("currentPrimary", "")),
        names=tuple(status.get("instanceNames") or ()),
        certificates={name: end for name, end in moments.items() if end},
        backup=_backup(cluster, backups),
    )


def _backups(stores: list[Object]) -> dict[tuple[str, str, str], dt.datetime]:
    """The last good base backup of every server of every store: status.serverRecoveryWindow (plugin 0.14,
    api/v1/objectstore_types.go)."""
    found = {}
    for store in stores:
        windows = (store.get("status") or {}).get("serverRecoveryWindow") or {}
        for server, window in windows.items():
            last = moment(window.get("lastSuccessfulBackupTime"))
            if last:
                found[store["metadata"]["namespace"], store["metadata"]["name"], server] = last
    return found


def _backup(cluster: Object, backups: Mapping[tuple[str, str, str], dt.datetime]) -> dt.datetime | None:
    for plugin in (cluster.get("spec") or {}).get("plugins") or []:
        named = plugin.get("parameters") or {}
        key = cluster["metadata"]["namespace"], named.get("barmanObjectName", ""), named.get("serverName", "")
        if plugin.get("isWALArchiver") and key in backups:
            return backups[key]
    return None


def _with_instance(reader: Reader, copy: SeenCopy) -> SeenCopy:
    if not copy.first or copy.fenced:
        return replace(copy, problem="fenced" if copy.fenced else "no instance yet")
    # What `kubectl cnpg status` asks (CloudNativePG 1.30, internal/plugin/resources/instance.go); needs the right to
    # get pods/proxy.
    pods = f"/api/v1/namespaces/{copy.namespace}/pods"
    try:
        found = instance_of(reader.get(f"{pods}/https:{copy.first}:8000/proxy/pg/status"))
        if found.writable:
            found = replace(found, lags=_lags(reader, f"{pods}/{copy.first}:9187/proxy/metrics"))
        return replace(copy, now=found)
    except RefusedError as error:
        denied = "not allowed to get pods/proxy" if error.status == 403 else str(error)
        return replace(copy, problem=denied)
    except UnreachableError as error:
        return replace(copy, problem=str(error))


def _lags(reader: Reader, path: str) -> tuple[tuple[str, float], ...]:
    """Nothing where the metrics are not to be had: encrypted, or without the default queries."""
    try:
        return lags_of(reader.text(path))
    except (RefusedError, UnreachableError):
        return ()


def lags_of(metrics: str) -> tuple[tuple[str, float], ...]:
    """Of CloudNativePG's default queries (1.30, config/manager/default-monitoring.yaml, pg_stat_replication)."""
    pattern = r'^cnpg_pg_stat_replication_replay_lag_seconds\{[^}]*application_name="([^"]*)"[^}]*\} (\S+)$'
    return tuple((name, float(value)) for name, value in re.findall(pattern, metrics, re.MULTILINE))


def instance_of(status: Object) -> Instance:
    """CloudNativePG's PostgresqlStatus (1.30, pkg/postgres/status.go)."""
    writable = bool(status.get("isPrimary"))
    words = ("currentLsn",) if writable else ("receivedLsn", "replayLsn")
    positions = [found for word in words if (found := position_of(status.get(word))) is not None]
    return Instance(
        writable=writable,
        system=str(status.get("systemID", "")),
        position=max(positions, default=None),
        archived=moment(status.get("lastArchivedWALTime")),
        archive_failed=moment(status.get("lastFailedWALTime")),
    )


def position_of(text: Any) -> int | None:
    """A position in WAL, `0/3000148`: https://www.postgresql.org/docs/current/datatype-pg-lsn.html"""
    found = re.fullmatch(r"([0-9A-F]{1,8})/([0-9A-F]{1,8})", str(text or ""), re.IGNORECASE)
    return (int(found[1], 16) << 32) + int(found[2], 16) if found else None


def _number(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isdigit() else None
