"""What is wrong with what was seen, beside what is declared. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping

from hakit.errors import counted
from hakit.findings import Finding
from hakit.observe import UnreachableError
from hakit.status import restores
from hakit.status.lag import lag_of
from hakit.status.seen import SeenCopy, SeenRegion
from hakit.topology import names
from hakit.topology.handovers import standing
from hakit.topology.intents import ClusterIntent, cluster_intent
from hakit.topology.model import Pair, Topology

Seen = Mapping[str, SeenRegion | UnreachableError]
#: CloudNativePG renews seven days before the end: https://cloudnative-pg.io/documentation/1.30/certificates/
_RENEWED = dt.timedelta(days=6)


def judge(topology: Topology, seen: Seen, now: dt.datetime) -> Iterator[Finding]:
    """Everything that is wrong, by region and then by database."""
    for region, answer in seen.items():
        if isinstance(answer, UnreachableError):
            where = f"context {topology.region(region).cluster.context}"
            yield Finding("HK100", f"region {region}", "", "it does not answer", where, str(answer))
        else:
            for path, why in answer.unread.items():
                yield Finding("HK139", f"region {region}", "", "it was not to be read", path, why)
    for pair in topology.pairs.values():
        for database in pair.databases:
            yield from _database(pair, database, seen, now)


def copies_of(seen: Seen, pair: str, database: str) -> dict[str, list[SeenCopy]]:
    """The copies of a database that were seen, by region."""
    return {
        region: [each for each in answer.copies if (each.pair, each.database) == (pair, database)]
        for region, answer in seen.items()
        if isinstance(answer, SeenRegion)
    }


def current_of(copies: list[SeenCopy], intent: ClusterIntent) -> SeenCopy | None:
    """The copy that counts in a region by the topology."""
    return next((each for each in copies if each.incarnation == intent.incarnation), None)


def writer_of(found: Mapping[str, list[SeenCopy]]) -> SeenCopy | None:
    """The one copy that takes writes; None where there is none, or more than one."""
    writing = [each for copies in found.values() for each in copies if each.takes_writes]
    return writing[0] if len(writing) == 1 else None


def _database(pair: Pair, database: str, seen: Seen, now: dt.datetime) -> Iterator[Finding]:
    found = copies_of(seen, pair.name, database)
    yield from _writers(pair, database, seen, found)
    writer = writer_of(found)
    for region in pair.regions:
        if region in found:
            intent = cluster_intent(pair, database, region)
            copy = current_of(found[region], intent)
            if copy is None:
                title = names.cluster(database, intent.incarnation)
                yield Finding("HK136", f"Cluster/{title}", "", f"{region} does not have it")
            else:
                yield from _copy(region, copy, intent, now)
                if intent.awaits_ready:  # one that a failover left behind has rows of its own, and no lag
                    yield from _behind(pair, region, copy, writer)
            known = {intent.incarnation, *(each.incarnation for each in intent.kept)}
            for other in found[region]:
                if other.incarnation not in known:
                    message = f"{region} has incarnation {other.incarnation}, which this topology does not list"
                    yield Finding("HK132", _title(other), "", message)
    yield from _proofs(pair, database, seen, now)


def _proofs(pair: Pair, database: str, seen: Seen, now: dt.datetime) -> Iterator[Finding]:
    for region, answer in seen.items():
        if isinstance(answer, UnreachableError):
            continue
        for source in pair.regions:
            yield from restores.judge(region, restores.of(answer.checks or (), pair.name, database, source), now)


def _writers(pair: Pair, database: str, seen: Seen, found: Mapping[str, list[SeenCopy]]) -> Iterator[Finding]:
    title = f"database {pair.name}/{database}"
    writing = [f"{region} ({each.name})" for region, copies in found.items() for each in copies if each.takes_writes]
    if len(writing) > 1:
        yield Finding("HK130", title, "", f"{len(writing)} copies take writes", "", ", ".join(writing))
    silent = [region for region in pair.regions if isinstance(seen.get(region), UnreachableError)]
    if not writing and found:
        detail = f"{', '.join(silent)} did not answer" if silent else _pending(pair, database)
        yield Finding("HK131", title, "", "no copy that was seen takes writes", "", detail)


def _pending(pair: Pair, database: str) -> str:
    target = standing(pair, database).target
    return f"a planned handover to {target.region} waits for its token" if target else ""


def _copy(region: str, copy: SeenCopy, intent: ClusterIntent, now: dt.datetime) -> Iterator[Finding]:
    title, declared = _title(copy), intent.epoch.number
    if copy.epoch is None or copy.epoch < declared:
        message = f"{region} is at epoch {copy.epoch}, the topology at {declared}"
        yield Finding("HK133", title, "", message)
    elif copy.epoch > declared:
        yield Finding("HK132", title, "", f"{region} is at epoch {copy.epoch}, this topology at {declared}")
    else:
        primary = names.member(copy.database, intent.primary)
        if copy.primary != primary:
            yield Finding("HK135", title, "spec.replica.primary", f"{region} has {copy.primary}, declared is {primary}")
        if copy.token and copy.says_primary and copy.token != intent.promotion_token:
            yield Finding("HK134", title, "spec.replica.promotionToken", f"{region} has a token of another handover")
    if copy.token and not copy.says_primary:
        yield Finding("HK134", title, "spec.replica.promotionToken", f"{region} has a token and is no primary")
    if copy.fenced and intent.is_primary:
        yield Finding("HK140", title, "", f"{region} is to take writes, and is fenced")
    elif intent.awaits_ready and (copy.ready < copy.instances or copy.problem):
        message = f"{region}: {copy.ready} of {counted(copy.instances, 'instance')} ready"
        yield Finding("HK139", title, "", message, "", "; ".join(part for part in (copy.phase, copy.problem) if part))
    instance = copy.now
    if (
        instance
        and instance.archive_failed
        and (instance.archived or dt.datetime.min.replace(tzinfo=dt.UTC)) < (instance.archive_failed)
    ):
        since = f"since {instance.archived:%Y-%m-%d %H:%M:%S} UTC" if instance.archived else "nothing ever was"
        yield Finding("HK138", title, "", f"{region} does not archive WAL", "", since)
    yield from _certificates(title, region, copy, now)


def _behind(pair: Pair, region: str, copy: SeenCopy, writer: SeenCopy | None) -> Iterator[Finding]:
    if copy is writer:
        return
    lag = lag_of(copy, writer)
    allowed = pair.objectives.rpo
    if lag.seconds is not None and lag.seconds > allowed:
        message = f"{region} is {lag.seconds:.0f} s behind, of an RPO of {allowed} s"
        yield Finding("HK137", _title(copy), "", message, "", f"{lag.size} bytes of WAL")


def _certificates(title: str, region: str, copy: SeenCopy, now: dt.datetime) -> Iterator[Finding]:
    for name, ends in sorted(copy.certificates.items()):
        left = ends - now
        detail = f"valid until {ends:%Y-%m-%d %H:%M} UTC"
        if left <= dt.timedelta():
            yield Finding("HK118", title, f"certificate {name}", f"{region}: it has ended", "", detail)
        elif left < _RENEWED:
            yield Finding(
                "HK119", title, f"certificate {name}", f"{region}: {counted(left.days, 'day')} left", "", detail
            )


def _title(copy: SeenCopy) -> str:
    return f"Cluster/{copy.name}"
