"""A database that begins as another one was at some moment: point-in-time recovery, as an argument. Pure.

It is a new database of a pair, with an archive of its own; the one that it is recovered from is only read.
docs/backup.md has the steps. https://cloudnative-pg.io/documentation/1.30/recovery/#recovery-targets
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hakit.errors import HakitError, did_you_mean
from hakit.plan.arguments import Arguments
from hakit.topology import names
from hakit.topology.handovers import Copy, standing
from hakit.topology.model import Pair, Topology

#: What the source is called in the Cluster, and the end of its ObjectStore's name.
SOURCE = "restore"
TARGETS = ("time", "lsn", "name")
_KEYS = ("pair", "database", "region", "incarnation", "backup", *TARGETS, "exclusive", "window")


@dataclass(frozen=True)
class Restored:
    """What a database is recovered from, and to where.

    Attributes:
        pair, database: whose archive it is.
        copy: whose of its copies.
        target: `recoveryTarget` as CloudNativePG has it; empty for all that is archived.
    """

    pair: str
    database: str
    copy: Copy
    target: Mapping[str, Any]

    @property
    def server(self) -> str:
        """The archive's last part."""
        return names.cluster(self.database, self.copy.incarnation)


def restored(given: Arguments, topology: Topology, pair: Pair, database: str) -> Restored | None:
    """The argument `restore`; None when the database begins empty.

    Raises:
        HakitError: it is none of the things that can be restored, or not to such a place, as far as is known.
    """
    if "restore" not in given:
        return None
    inner = given.inner("restore", _KEYS)
    if "database_name" not in given:
        # Its default is of the new name, and would come into force when the argument is taken out.
        raise given.missing("database_name", "with restore, name the database in SQL as it is called there")
    _check_place(given, pair)
    source = inner.text("pair", pair.name)
    if source not in topology.pairs:
        raise HakitError("restore.pair: the topology has no such pair", where=given.where, given=source,
                         allowed=topology.pairs)  # fmt: skip
    found = _copy(inner, topology.pair(source), pair, database)
    return Restored(source, inner.text("database"), found, _target(inner))


def _check_place(given: Arguments, pair: Pair) -> None:
    for key in ("adopt", "without_archive"):
        if key in given:
            raise HakitError(f"restore: not with {key}", where=given.where)
    if pair.is_partitioned:
        raise HakitError(
            "restore: a partitioned pair has one primary a region", where=given.where,
            do="restore it in another pair, and copy the rows that are missed",
        )  # fmt: skip
    if pair.handovers:
        # The founding copy is restored, and after a handover it is not to be created again: that of then would be back.
        raise HakitError(
            f"restore: pair {pair.name} has had handovers, and only what is founded is restored",
            where=given.where,
            given=f"{len(pair.handovers)} handovers",
            do="if it is restored already, take the argument out: it counts at the creation only; else make a pair for "
            "it, founded where it is to be active",
        )


def _copy(inner: Arguments, source: Pair, pair: Pair, database: str) -> Copy:
    """Whose archive is read: one that there is, and not the database's own."""
    wanted = inner.text("database")
    if wanted not in source.databases:
        raise HakitError(
            f"restore.database: pair {source.name} has no such database",
            where=inner.where,
            given=wanted,
            allowed=source.databases,
            do=did_you_mean(wanted, source.databases),
        )
    if wanted == database:
        raise HakitError(
            "restore.database: the database itself, and a database is never restored over itself",
            where=inner.where,
            given=wanted,
            allowed="another database of the topology",
            do=f"name the new one otherwise, such as {wanted}-restored, and add it to a pair's databases",
        )
    region = inner.text("region")
    allowed = [each for each in source.regions if each in pair.regions]
    if region not in allowed:
        raise HakitError(
            "restore.region: no archive of it there that this pair reaches", where=inner.where, given=region,
            allowed=allowed,
        )  # fmt: skip
    number = inner.number("incarnation", 1, least=1)
    highest = standing(source, wanted).highest[region]
    if number > highest:
        raise HakitError(
            f"restore.incarnation: {region} never had such a copy of {wanted}", where=inner.where, given=number,
            allowed=f"1 to {highest}",
        )  # fmt: skip
    return Copy(region, number)


def _target(inner: Arguments) -> dict[str, Any]:
    """Where recovery ends: at one place, at the end of a named backup, or at the end of all that is archived."""
    named = [key for key in TARGETS if key in inner]
    if len(named) > 1:
        raise HakitError(
            f"restore: one of {', '.join(TARGETS)}", where=inner.where, given=", ".join(named), allowed="one, or none"
        )
    backup = _backup(inner)
    target: dict[str, Any] = {"backupID": inner.text("backup")} if backup else {}
    if "time" in named:
        target["targetTime"] = _time(inner, backup)
    elif "lsn" in named:
        target["targetLSN"] = _matching(
            inner, "lsn", r"[0-9A-F]{1,8}/[0-9A-F]{1,8}", "as PostgreSQL shows it: 0/3000060"
        )
    elif "name" in named:
        if not backup:
            raise inner.missing(
                "backup", "of a name nobody knows which backup is before it: name the backup to begin with"
            )
        target["targetName"] = _matching(inner, "name", r"[^\x00-\x1f\x7f]{1,63}", "up to 63 characters")
    elif backup:
        target["targetImmediate"] = True
    if inner.flag("exclusive"):
        if not {"time", "lsn"} & set(named):
            raise HakitError("restore.exclusive: nothing to stop before", where=inner.where, allowed="with time or lsn")
        target["exclusive"] = True
    if "window" in inner and "time" not in named:
        raise HakitError("restore.window: only a time can be compared with it", where=inner.where)
    return target


def _backup(inner: Arguments) -> datetime | None:
    """When the named backup began: barman calls it by that, in the time of its pod, UTC."""
    if "backup" not in inner:
        return None
    text = _matching(inner, "backup", r"\d{8}T\d{6}", "as barman calls it, by its start: 20260102T020000")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise HakitError("restore.backup: not a moment", where=inner.where, given=text) from None


def _time(inner: Arguments, backup: datetime | None) -> str:
    moment = _moment(inner, "time")
    if backup and moment < backup:
        raise HakitError(
            "restore.time: before the backup that is to be restored", where=inner.where, given=inner.text("time"),
            allowed=f"{backup:%Y-%m-%dT%H:%M:%SZ} or later", do="name an older backup, or none: the right one is found",
        )  # fmt: skip
    if "window" in inner:
        window = inner.inner("window", ("first", "last"))
        first, last = _moment(window, "first"), _moment(window, "last")
        if not first <= moment <= last:
            raise HakitError(
                "restore.time: no backup covers it", where=inner.where, given=inner.text("time"),
                allowed=f"{first.isoformat()} to {last.isoformat()}",
                do="choose a moment within, or another copy's archive, whose window may be another one",
            )  # fmt: skip
    # The webhook and PostgreSQL read it alike, whatever zone the pods are in.
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(inner: Arguments, key: str) -> datetime:
    text = inner.text(key)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise HakitError(
            f"{inner.path}.{key}: not a moment with its zone", where=inner.where, given=text,
            allowed="2026-01-02T10:30:00Z, or 2026-01-02T11:30:00+01:00",
        )  # fmt: skip
    return moment


def _matching(inner: Arguments, key: str, pattern: str, allowed: str) -> str:
    text = inner.text(key)
    if not re.fullmatch(pattern, text):
        raise HakitError(f"restore.{key}: not one", where=inner.where, given=text, allowed=allowed)
    return text
