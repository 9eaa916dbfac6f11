"""What was seen beside what is declared, as the document that `--format json` prints. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

from hakit.findings import Finding, in_order
from hakit.observe import UnreachableError
from hakit.preflight.failover import FailoverDocument
from hakit.status import restores
from hakit.status.judge import Seen, copies_of, current_of, judge, writer_of
from hakit.status.lag import Lag, lag_of
from hakit.status.seen import SeenCopy, SeenRegion
from hakit.topology.handovers import active_region, epoch
from hakit.topology.intents import cluster_intent
from hakit.topology.model import Pair, Topology

VERSION = 1


class RegionDocument(TypedDict):
    region: str
    context: str
    kubernetes: str  # empty where the region does not answer
    problem: str  # why it does not
    failover: FailoverDocument | None  # room for one to here; None: not asked


class CopyDocument(TypedDict):
    """One copy of a database: declared, seen, or both. What is not known is None."""

    region: str
    cluster: str
    declared: str  # primary, replica, kept
    role: str  # primary, replica, fenced, absent, unknown
    epoch: int | None
    instances: list[int]  # ready, wanted
    lag_bytes: int | None
    lag_seconds: float | None
    archive_seconds: int | None  # since the last segment that was archived
    backup_seconds: int | None  # since the last base backup
    proven_seconds: int | None  # since a restore of this region's archive last worked, in whatever region
    restore_checks: list[str] | None  # region/namespace/CronJob of those that try it
    certificate_days: int | None  # of the one that ends first
    problem: str


class DatabaseDocument(TypedDict):
    database: str
    epoch: int
    copies: list[CopyDocument]


class PairDocument(TypedDict):
    pair: str
    mode: str
    active: str
    rto_seconds: int
    rpo_seconds: int
    lag_seconds: float | None  # the largest that was measured, to hold against the RPO
    databases: list[DatabaseDocument]


class StatusDocument(TypedDict):
    """docs/status.md describes it to users."""

    version: int
    topology: str
    at: str
    regions: list[RegionDocument]
    pairs: list[PairDocument]
    findings: list[dict[str, str]]


def document_of(
    topology: Topology, path: str, seen: Seen, now: dt.datetime, rooms: Mapping[str, FailoverDocument] | None = None
) -> StatusDocument:
    """Everything that is known at a moment; `rooms` by region, where they were asked for."""
    known = rooms or {}
    findings: Sequence[Finding] = in_order([*judge(topology, seen, now), *_lacking(known)])
    return {
        "version": VERSION,
        "topology": path,
        "at": now.isoformat(timespec="seconds"),
        "regions": [_region(topology, region, seen, known.get(region)) for region in seen],
        "pairs": [_pair(pair, seen, now) for pair in topology.pairs.values()],
        "findings": [each.as_dict() for each in findings],
    }


def exit_code(document: StatusDocument) -> int:
    """By the worst finding: 0 none, 3 warnings, 1 an error."""
    severities = {finding["severity"] for finding in document["findings"]}
    return 1 if "error" in severities else 3 if severities else 0


def _lacking(rooms: Mapping[str, FailoverDocument]) -> Iterator[Finding]:
    for region, room in rooms.items():
        if room["lacks"]:
            yield Finding("HK112", f"region {region}", "", f"after a failover: {room['lacks']}")


def _region(topology: Topology, region: str, seen: Seen, room: FailoverDocument | None) -> RegionDocument:
    answer = seen[region]
    dead = isinstance(answer, UnreachableError)
    return {
        "region": region,
        "context": topology.region(region).cluster.context,
        "kubernetes": "" if dead else answer.version,
        "problem": str(answer) if dead else "",
        "failover": room,
    }


def _pair(pair: Pair, seen: Seen, now: dt.datetime) -> PairDocument:
    databases = [_database(pair, database, seen, now) for database in pair.databases]
    lags = [copy["lag_seconds"] for each in databases for copy in each["copies"] if copy["lag_seconds"] is not None]
    return {
        "pair": pair.name,
        "mode": pair.mode,
        "active": active_region(pair),
        "rto_seconds": pair.objectives.rto,
        "rpo_seconds": pair.objectives.rpo,
        "lag_seconds": max(lags, default=None),
        "databases": databases,
    }


def _database(pair: Pair, database: str, seen: Seen, now: dt.datetime) -> DatabaseDocument:
    found = copies_of(seen, pair.name, database)
    writer = writer_of(found)
    copies: list[CopyDocument] = []
    for region in pair.regions:
        intent = cluster_intent(pair, database, region)
        here = found.get(region)
        copy = current_of(here or [], intent)
        copies.append(
            {
                **_seen(copy, now),
                "region": region,
                "declared": "primary" if intent.is_primary else "replica",
                "role": role_of(copy, answered=here is not None),
                **_proof(pair.name, database, region, seen, now),
                **_lag(Lag() if copy is None or copy is writer or not intent.awaits_ready else lag_of(copy, writer)),
            }
        )
        copies += [
            {
                **_seen(other, now),
                "region": region,
                "declared": "kept",
                "role": role_of(other),
                **_lag(Lag()),
                "proven_seconds": None,
                "restore_checks": [],
            }
            for other in here or []
            if other is not copy
        ]
    return {"database": database, "epoch": epoch(pair, database).number, "copies": copies}


def _lag(lag: Lag) -> Any:
    return {"lag_bytes": lag.size, "lag_seconds": lag.seconds}


def _proof(pair: str, database: str, source: str, seen: Seen, now: dt.datetime) -> Any:
    """Of one region's archive. Where nothing proves it and somebody was not to be asked, nobody knows."""
    known = {
        name: each.checks for name, each in seen.items() if isinstance(each, SeenRegion) and each.checks is not None
    }
    found = [(name, each) for name, checks in known.items() for each in restores.of(checks, pair, database, source)]
    last = restores.proven(each for _, each in found)
    names = [f"{name}/{each.namespace}/{each.name}" for name, each in found]
    return {
        "proven_seconds": _since(last, now),
        "restore_checks": names if last or len(known) == len(seen) else None,
    }


def _seen(copy: SeenCopy | None, now: dt.datetime) -> Any:
    """What a copy says of itself."""
    archived = copy.now.archived if copy and copy.now and copy.now.writable else None
    ends = min(copy.certificates.values(), default=None) if copy else None
    return {
        "cluster": copy.name if copy else "",
        "epoch": copy.epoch if copy else None,
        "instances": [copy.ready, copy.instances] if copy else [0, 0],
        "archive_seconds": _since(archived, now),
        "backup_seconds": _since(copy.backup if copy else None, now),
        "certificate_days": (ends - now) // dt.timedelta(days=1) if ends else None,
        "problem": copy.problem if copy else "",
    }


def role_of(copy: SeenCopy | None, *, answered: bool = True) -> str:
    """What a copy is, by PostgreSQL's own word where it could be asked."""
    if copy is None:
        return "absent" if answered else "unknown"
    if copy.fenced:
        return "fenced"
    if copy.now is None:
        return "unknown"
    return "primary" if copy.now.writable else "replica"


def _since(moment: dt.datetime | None, now: dt.datetime) -> int | None:
    return max(int((now - moment).total_seconds()), 0) if moment else None
