"""What a region's cluster knows of backups: its own objects' words, no object store is asked.

CloudNativePG 1.30 and its Barman plugin 0.14 (`ObjectStore.status.serverRecoveryWindow`, api/v1/objectstore_types.go),
Velero 1.18 (https://velero.io/docs/v1.18/api-types/backup/), Kubernetes' CronJobs and ConfigMaps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from hakit.observe import Object, Reader
from hakit.status.restores import Check
from hakit.status.seen import SeenCopy, listed, see

_STORES = "/apis/barmancloud.cnpg.io/v1/objectstores"
_BACKUPS = "/apis/postgresql.cnpg.io/v1/backups"
_VELERO = "/apis/velero.io/v1/{}"
#: Velero's data mover; without it, or before 1.12, there are none.
_UPLOADS = "/apis/velero.io/v2alpha1/datauploads"
_CRON_JOBS = "/apis/batch/v1/cronjobs"
#: The label of what BackupPlan runs by a CronJob, and the annotation that says where it goes.
COPIES, STORE = "hakit/backup", "hakit/backup-store"


@dataclass(frozen=True)
class Archived:
    """One copy's archive, as its region's cluster says.

    Attributes:
        writes: the copy that archives there now; None of an archive that an earlier one left.
        first, last, failed: the first moment that can be restored; the last good base backup, and the last that failed.
        number: base backups that the cluster knows as complete.
    """

    store: str
    server: str
    path: str
    writes: SeenCopy | None
    first: str = ""
    last: str = ""
    failed: str = ""
    number: int | None = None
    error: str = ""


@dataclass(frozen=True)
class SeenBackups:
    """Attributes:
    archives: of databases.
    copies: every Cluster that hakit made.
    locations, schedules, backups: Velero's, as they are.
    uploaded: bytes of volumes by Velero backup.
    jobs: CronJobs that back something up.
    checks: RestoreChecks.
    unread: what was refused, by path.
    """

    version: str = ""
    archives: tuple[Archived, ...] = ()
    copies: tuple[SeenCopy, ...] = ()
    locations: tuple[Object, ...] = ()
    schedules: tuple[Object, ...] = ()
    backups: tuple[Object, ...] = ()
    uploaded: Mapping[str, int] = field(default_factory=dict)
    jobs: tuple[Object, ...] = ()
    checks: tuple[Check, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


def see_backups(reader: Reader) -> SeenBackups:
    """Ask a region's cluster.

    Raises:
        UnreachableError: the API server does not answer.
    """
    unread: dict[str, str] = {}
    every = partial(listed, reader, unread=unread)
    region = see(reader)
    unread |= region.unread
    stores, made = every(_STORES), every(_BACKUPS)
    clusters = {(each.namespace, each.name): each for each in region.copies}
    locations = every(_VELERO.format("backupstoragelocations"))
    return SeenBackups(
        version=region.version,
        archives=tuple(archives(stores, made, clusters, _archivers(every("/apis/postgresql.cnpg.io/v1/clusters")))),
        copies=region.copies,
        locations=tuple(locations),
        schedules=tuple(every(_VELERO.format("schedules")) if locations else ()),
        backups=tuple(every(_VELERO.format("backups")) if locations else ()),
        uploaded=uploaded(every(_UPLOADS) if locations else []),
        jobs=tuple(every(_CRON_JOBS, labelSelector=COPIES)),
        checks=region.checks or (),
        unread=unread,
    )


def _archivers(clusters: list[Object]) -> dict[tuple[str, str, str], tuple[str, str]]:
    """By namespace, store and server, the Cluster that archives there."""
    found = {}
    for each in clusters:
        namespace, name = each["metadata"]["namespace"], each["metadata"]["name"]
        for plugin in (each.get("spec") or {}).get("plugins") or []:
            named = plugin.get("parameters") or {}
            if plugin.get("isWALArchiver"):
                found[namespace, named.get("barmanObjectName", ""), named.get("serverName", name)] = (namespace, name)
    return found


def archives(
    stores: list[Object],
    made: list[Object],
    clusters: Mapping[tuple[str, str], SeenCopy],
    archivers: Mapping[tuple[str, str, str], tuple[str, str]],
) -> list[Archived]:
    """Of every server that a store tells of, and of every copy that archives, whether it has a backup or not."""
    windows = {
        (store["metadata"]["namespace"], store["metadata"]["name"], server): window
        for store in stores
        for server, window in ((store.get("status") or {}).get("serverRecoveryWindow") or {}).items()
    }
    paths = {
        (store["metadata"]["namespace"], store["metadata"]["name"]): store["spec"]["configuration"]["destinationPath"]
        for store in stores
    }
    found = []
    for key in sorted({*windows, *archivers}):
        namespace, store, server = key
        writer = archivers.get(key)
        copy = clusters.get(writer) if writer else None
        if key not in windows and copy is None:
            continue  # of somebody else's Cluster
        window = windows.get(key) or {}
        own = [each for each in made if writer and _cluster_of(each) == writer]
        found.append(
            Archived(
                store=store,
                server=server,
                path=f"{paths.get((namespace, store), '')}/{server}",
                writes=copy,
                first=str(window.get("firstRecoverabilityPoint") or ""),
                last=str(window.get("lastSuccessfulBackupTime") or ""),
                failed=str(window.get("lastFailedBackupTime") or ""),
                number=sum(_phase(each) == "completed" for each in own) if writer else None,
                error=_last_error(own),
            )
        )
    return found


def _cluster_of(backup: Object) -> tuple[str, str]:
    return backup["metadata"]["namespace"], str(((backup.get("spec") or {}).get("cluster") or {}).get("name", ""))


def _phase(backup: Object) -> str:
    return str((backup.get("status") or {}).get("phase", ""))


def _last_error(backups: list[Object]) -> str:
    """Why the newest Backup failed, in one line; empty when it did not."""
    newest = max(backups, key=lambda each: str(each["metadata"].get("creationTimestamp", "")), default=None)
    if newest is None or _phase(newest) != "failed":
        return ""
    return " ".join(str((newest.get("status") or {}).get("error") or "failed").split())[:200]


def uploaded(uploads: list[Object]) -> dict[str, int]:
    """Bytes of volumes, by the backup that they belong to."""
    found: dict[str, int] = {}
    for each in uploads:
        backup = str((each["metadata"].get("labels") or {}).get("velero.io/backup-name", ""))
        size = ((each.get("status") or {}).get("progress") or {}).get("totalBytes")
        if backup and isinstance(size, int):
            found[backup] = found.get(backup, 0) + size
    return found
