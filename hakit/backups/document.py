"""Which backups exist, as the document that `--format json` prints. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from hakit.backups.seen import STORE, Archived, SeenBackups
from hakit.observe import Object, UnreachableError
from hakit.status import restores
from hakit.status.moments import moment
from hakit.status.seen import SeenCopy
from hakit.topology import names
from hakit.topology.intents import cluster_intent
from hakit.topology.model import Topology

VERSION = 1
#: How each kind is called.
DATABASE, APPLICATION, JOB = "database", "application", "job"
Seen = Mapping[str, SeenBackups | UnreachableError]
_DONE = "Completed"
#: Velero's words for a backup that has ended and is none, or only a part of one.
_FAILED = ("Failed", "PartiallyFailed", "FailedValidation")


class RegionDocument(TypedDict):
    region: str
    context: str
    kubernetes: str  # empty where the region does not answer
    problem: str  # why it does not


class BackupDocument(TypedDict):
    """What is in one place. Moments are ISO 8601 in UTC; what is not known is None."""

    kind: str  # database, application, job
    name: str  # <pair>/<database>, Velero's Schedule, or <namespace>/<CronJob>
    region: str  # whose backups they are
    seen_in: str  # the region whose cluster says it
    store: str  # where they lie
    number: int | None
    newest: str | None  # when the newest good backup was made
    restorable_from: str | None
    restorable_to: str | None  # of a database, when its last segment of WAL was archived
    bytes: int | None  # of volumes, by Velero's data mover
    proven: str | None  # when a restore from there last worked
    problem: str


class BackupsDocument(TypedDict):
    """docs/backup.md describes it to users."""

    version: int
    topology: str
    at: str
    regions: list[RegionDocument]
    backups: list[BackupDocument]


def document_of(topology: Topology, path: str, seen: Seen, now: dt.datetime) -> BackupsDocument:
    """Everything that is known at a moment."""
    return {
        "version": VERSION,
        "topology": path,
        "at": now.isoformat(timespec="seconds"),
        "regions": [_region(topology, region, seen) for region in seen],
        "backups": [*_databases(topology, seen), *_applications(seen), *_jobs(seen)],
    }


def exit_code(document: BackupsDocument) -> int:
    """0: something of everything can be restored, and nothing failed; 1: not so, or a region did not answer."""
    dead = any(each["problem"] for each in document["regions"])
    return 1 if dead or any(each["problem"] for each in document["backups"]) else 0


def _region(topology: Topology, region: str, seen: Seen) -> RegionDocument:
    answer = seen[region]
    dead = isinstance(answer, UnreachableError)
    told = "" if dead else "; ".join(answer.unread.values())
    return {
        "region": region,
        "context": topology.region(region).cluster.context,
        "kubernetes": "" if dead else answer.version,
        "problem": str(answer) if dead else told,
    }


def _databases(topology: Topology, seen: Seen) -> Iterator[BackupDocument]:
    """Every database of every pair in every region, whether anything is there or not; then what older copies left."""
    for pair in topology.pairs.values():
        for database in pair.databases:
            for region in pair.regions:
                intent = cluster_intent(pair, database, region)
                server = names.cluster(database, intent.incarnation)
                yield from _archives(f"{pair.name}/{database}", region, server, seen)


def _archives(name: str, region: str, server: str, seen: Seen) -> Iterator[BackupDocument]:
    pair, _, database = name.partition("/")
    proven, doubt = _proofs(pair, database, region, seen)
    empty = _row(DATABASE, name, region, region, proven=proven)
    answer = seen[region]
    if isinstance(answer, UnreachableError):
        yield {**empty, "problem": "its region does not answer"}
        return
    own = [each for each in answer.archives if _is_of(each, pair, database, region)]
    current = next((each for each in own if each.server == server or _writes(each, pair, database)), None)
    if current is None:
        yield {**empty, "problem": "there is no archive of it"}
    for each in own:
        found = _archive(empty, each)
        if each is not current:
            yield {**found, "proven": None, "problem": ""}
        else:
            yield {**found, "problem": "; ".join(filter(None, (found["problem"], doubt)))}


def _writes(archive: Archived, pair: str, database: str) -> bool:
    return archive.writes is not None and (archive.writes.pair, archive.writes.database) == (pair, database)


def _is_of(archive: Archived, pair: str, database: str, region: str) -> bool:
    """Whether it is this database's own in this region: by the copy that writes it, or by where it lies."""
    if archive.writes is not None:
        return _writes(archive, pair, database)
    return archive.store == f"{database}-{region}" and f"/{region}/{pair}/" in archive.path


def _archive(empty: BackupDocument, archive: Archived) -> BackupDocument:
    first, last, failed = moment(archive.first), moment(archive.last), moment(archive.failed)
    problem = "" if first and last else "there is no base backup yet"
    if failed and (last is None or failed > last):
        problem = f"the last base backup failed at {_stamp(failed)}"
    if problem and archive.error:
        problem = f"{problem}: {archive.error}"
    archived, stuck = _archived(archive.writes)
    if stuck:
        problem = "; ".join(filter(None, (problem, "the last segment of WAL could not be archived")))
    return {
        **empty,
        "store": archive.path,
        "number": archive.number,
        "newest": _stamp(last),
        "restorable_from": _stamp(first),
        "restorable_to": _stamp(archived) if first else None,
        "problem": problem,
    }


def _archived(copy: SeenCopy | None) -> tuple[dt.datetime | None, bool]:
    """When the last segment was archived, and whether one failed after that."""
    now = copy.now if copy else None
    if now is None:
        return None, False
    failed = now.archive_failed
    return now.archived, failed is not None and (now.archived is None or failed > now.archived)


def _proofs(pair: str, database: str, source: str, seen: Seen) -> tuple[str | None, str]:
    """When a restore from a region's archive last worked, wherever; and how the last ones that did not ended."""
    answers = [each for each in seen.values() if isinstance(each, SeenBackups)]
    tried = [each for answer in answers for each in restores.of(answer.checks, pair, database, source)]
    return _stamp(restores.proven(tried)), "; ".join(f"{each.name}: {each.outcome}" for each in tried if each.failed)


def _applications(seen: Seen) -> Iterator[BackupDocument]:
    """By location and Schedule, as each region's Velero knows them: another region's too, which it reads."""
    for region, answer in seen.items():
        if isinstance(answer, UnreachableError):
            continue
        for location in answer.locations:
            name, spec = location["metadata"]["name"], location["spec"]
            held = [each for each in answer.backups if (each.get("spec") or {}).get("storageLocation") == name]
            declared = {
                each["metadata"]["name"]
                for each in answer.schedules
                if (each["spec"].get("template") or {}).get("storageLocation") == name
                and not each["spec"].get("paused")
            }
            place = spec.get("objectStorage") or {}
            store = f"{place.get('bucket', '')}/{place.get('prefix', '')}".strip("/")
            phase = str((location.get("status") or {}).get("phase") or "")
            trouble = "" if phase in ("", "Available") else f"location {name} is {phase.lower()}"
            for schedule in sorted({_schedule(each) for each in held} | declared):
                of_it = [each for each in held if _schedule(each) == schedule]
                owner = str(place.get("prefix") or region).partition("/")[0]
                empty = _row(APPLICATION, schedule, owner if owner in seen else region, region, store=store)
                yield _application(empty, of_it, answer.uploaded, trouble)
            if trouble and not held and not declared:
                yield {**_row(APPLICATION, name, region, region, store=store), "problem": trouble}


def _schedule(backup: Object) -> str:
    """What it belongs to; one by hand stands for itself."""
    labels = backup["metadata"].get("labels") or {}
    return str(labels.get("velero.io/schedule-name") or backup["metadata"]["name"])


def _application(
    empty: BackupDocument, held: list[Object], uploaded: Mapping[str, int], trouble: str
) -> BackupDocument:
    def began(backup: Object) -> dt.datetime | None:
        return moment((backup.get("status") or {}).get("startTimestamp"))

    def phase(backup: Object) -> str:
        return str((backup.get("status") or {}).get("phase", ""))

    good = sorted(each for backup in held if phase(backup) == _DONE and (each := began(backup)))
    sizes = [
        uploaded[backup["metadata"]["name"]]
        for backup in held
        if phase(backup) == _DONE and backup["metadata"]["name"] in uploaded
    ]
    bad = max((each for backup in held if phase(backup) in _FAILED and (each := began(backup))), default=None)
    problem = "" if good else "there is no backup yet"
    if bad and (not good or bad > good[-1]):
        problem = f"the last backup failed at {_stamp(bad)}"
    return {
        **empty,
        "number": len(good),
        "newest": _stamp(good[-1]) if good else None,
        "restorable_from": _stamp(good[0]) if good else None,
        "restorable_to": _stamp(good[-1]) if good else None,
        "bytes": sum(sizes) if sizes else None,
        "problem": "; ".join(filter(None, (problem, trouble))),
    }


def _jobs(seen: Seen) -> Iterator[BackupDocument]:
    """What BackupPlan runs by CronJobs: the last one that worked. What is in its store only the store knows."""
    for region, answer in seen.items():
        for job in () if isinstance(answer, UnreachableError) else answer.jobs:
            metadata, status = job["metadata"], job.get("status") or {}
            store = str((metadata.get("annotations") or {}).get(STORE, ""))
            newest = moment(status.get("lastSuccessfulTime"))
            suspended = bool((job.get("spec") or {}).get("suspend"))
            none = "" if suspended else "it has never ended well"
            yield {
                **_row(JOB, f"{metadata['namespace']}/{metadata['name']}", region, region, store=store),
                "newest": _stamp(newest),
                "problem": "" if newest else none,
            }


def _row(kind: str, name: str, region: str, seen_in: str, **more: Any) -> BackupDocument:
    found: BackupDocument = {
        "kind": kind,
        "name": name,
        "region": region,
        "seen_in": seen_in,
        "store": "",
        "number": None,
        "newest": None,
        "restorable_from": None,
        "restorable_to": None,
        "bytes": None,
        "proven": None,
        "problem": "",
    }
    return {**found, **more}


def _stamp(found: dt.datetime | None) -> str | None:
    return found.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if found else None
