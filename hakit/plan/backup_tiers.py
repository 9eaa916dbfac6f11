"""What is promised of a backup, and whether its schedule can keep it. Pure; the arithmetic stands in the refusals."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.cron import Cron, gaps, parse

DATABASE, APPLICATION = "database", "application"


@dataclass(frozen=True)
class Tier:
    """A preset.

    Attributes:
        rpo: of databases, and of what Velero backs up, which has no log of changes between two backups.
        rto: time to have it back.
        retention: recovery window.
        schedule: of base backups, six fields; of Velero's backups, five.
    """

    rpo: dict[str, str]
    rto: str
    retention: str
    schedule: dict[str, str]


#: hakit's own. `standard` is what the other tools' examples have: every night, thirty days.
TIERS = {
    "critical": Tier(
        rpo={DATABASE: "15m", APPLICATION: "6h"},
        rto="1h",
        retention="35d",
        schedule={DATABASE: "0 0 */6 * * *", APPLICATION: "0 */4 * * *"},
    ),
    "standard": Tier(
        rpo={DATABASE: "1h", APPLICATION: "26h"},
        rto="4h",
        retention="30d",
        schedule={DATABASE: "0 0 2 * * *", APPLICATION: "0 1 * * *"},
    ),
    "relaxed": Tier(
        rpo={DATABASE: "1d", APPLICATION: "8d"},
        rto="1d",
        retention="14d",
        schedule={DATABASE: "0 0 2 * * *", APPLICATION: "0 1 * * 0"},
    ),
}
#: The keys by which a tier is chosen and changed.
KEYS = ("tier", "schedule", "retention", "rpo", "rto", "takes", "measured")
#: How long one backup may take, unless said otherwise.
TAKES = "1h"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: As barman counts them: a month has 31 days (retention_policies.py of barman 3.14).
_DAYS = {"d": 1, "w": 7, "m": 31}


@dataclass(frozen=True)
class Plan:
    """What holds for all that a plan backs up.

    Attributes:
        tier: of what names none.
        lock: days for which Object Lock keeps the objects of every store.
        copying: until S3 has copied an object to another region.
    """

    tier: str
    lock: int
    copying: timedelta


@dataclass(frozen=True)
class Promise:
    """One kind of backup and what it is to keep.

    Attributes:
        kind: `database` or `application`.
        retention: as written; `days` is the same in days.
        rpo, rto: what may be lost, and how long a restore may take.
        takes: the longest that one backup takes.
        lag: until a change is in the archive; None of what has no archive between backups.
        lock: days for which Object Lock keeps every object; 0 without.
        copying: until a copy in another region has what the store has; nothing where something else survives.
    """

    kind: str
    tier: str
    cron: Cron
    retention: str
    days: int
    rpo: timedelta
    rto: timedelta
    takes: timedelta
    lag: timedelta | None
    lock: int
    copying: timedelta

    @property
    def loss(self) -> timedelta:
        """The most that is lost when all is to come from this backup."""
        own = self.lag if self.lag is not None else gaps(self.cron)[1] + self.takes
        return own + self.copying


def promise(given: Arguments, plan: Plan, lag: timedelta | None, copying: timedelta) -> Promise:
    """What is asked of one database or application, by its tier and what it changes of that.

    Args:
        given: of the database, or of the application.
        plan: what holds for all of them.
        lag: until a change is in the archive; None of an application.
        copying: until it is in another region, where only a copy survives.

    Raises:
        HakitError: an argument is wrong, or what is asked is out of reach.
    """
    kind = APPLICATION if lag is None else DATABASE
    word = given.word("tier", TIERS, plan.tier)
    preset = TIERS[word]
    retention = given.text("retention", preset.retention)
    cron = parse(
        given.text("schedule", preset.schedule[kind]),
        6 if kind == DATABASE else 5,
        given.where,
        f"{given.path}.schedule",
    )
    found = Promise(
        kind=kind,
        tier=word,
        cron=cron,
        retention=retention,
        days=_days(retention, given),
        rpo=duration(given, "rpo", preset.rpo[kind]),
        rto=duration(given, "rto", preset.rto),
        takes=duration(given, "takes", TAKES),
        lag=lag,
        lock=plan.lock,
        copying=copying,
    )
    _check_schedule(found, given)
    _check_loss(found, given)
    _check_retention(found, given)
    _check_rto(found, given)
    return found


def duration(given: Arguments, key: str, default: str) -> timedelta:
    """A whole number with its unit, above zero."""
    value = given.text(key, default)
    match = re.fullmatch(r"([1-9]\d{0,6})([smhd])", value)
    if match is None:
        raise HakitError(
            f"{_full(given, key)}: not a duration", where=given.where, given=value,
            allowed="a whole number with its unit: 30s, 5m, 1h, 1d",
        )  # fmt: skip
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _days(retention: str, given: Arguments) -> int:
    match = re.fullmatch(r"([1-9]\d{0,3})([dwm])", retention)
    if match is None:
        raise HakitError(
            f"{_full(given, 'retention')}: not a recovery window", where=given.where, given=retention,
            allowed="a number of days, weeks or months: 30d, 4w, 3m",
        )  # fmt: skip
    return int(match[1]) * _DAYS[match[2]]


def _check_schedule(found: Promise, given: Arguments) -> None:
    shortest, longest = gaps(found.cron)
    if found.takes >= shortest:
        raise HakitError(
            f"{_full(given, 'schedule')}: a backup begins {told(shortest)} after another, which may take "
            f"{told(found.takes)}",
            where=given.where,
            given=found.cron.text,
            do="run less often, or say takes, the longest that one of them takes",
        )
    if longest > timedelta(days=found.days):
        raise HakitError(
            f"{_full(given, 'retention')}: {told(longest)} may lie between two backups, and each is kept "
            f"{found.days} days",
            where=given.where,
            given=found.retention,
            do="keep them longer, or run more often",
        )


def _check_loss(found: Promise, given: Arguments) -> None:
    if found.loss <= found.rpo:
        return
    if found.lag is None:
        longest = gaps(found.cron)[1]
        sum_ = f"{told(longest)} between two backups + {told(found.takes)} until one is complete"
        do = "run more often, or raise the rpo; nothing is kept of what changes between two backups"
    else:
        sum_ = f"{told(found.lag / 2)} to fill a segment of WAL + as long again to ship it"
        do = "raise the rpo; or say ships_wal, when the pair's objectives.rpo sets archive_timeout"
    if found.copying:
        sum_ += f" + {told(found.copying)} until it is copied to another region"
    raise HakitError(
        f"{_full(given, 'rpo')}: {told(found.rpo)} is out of reach: {sum_} = {told(found.loss)}",
        where=given.where,
        given=told(found.rpo),
        allowed=f"{told(found.loss)} or more",
        do=do,
    )


def _check_retention(found: Promise, given: Arguments) -> None:
    """Velero counts from a backup's start, and its last object is as old as its end."""
    begun = timedelta(0) if found.kind == DATABASE else found.takes
    if timedelta(days=found.days) - begun >= timedelta(days=found.lock):
        return
    least = found.lock + (1 if begun else 0)
    sooner = f", and go {told(begun)} sooner, counted from a backup's start" if begun else ""
    raise HakitError(
        f"{_full(given, 'retention')}: backups are kept {found.days} days{sooner}; Object Lock keeps every object for "
        f"{found.lock}",
        where=given.where,
        given=found.retention,
        allowed=f"{least}d or more",
        do="what is deleted before that is only hidden, and paid for; keep it longer, or lock it for less",
    )


def _check_rto(found: Promise, given: Arguments) -> None:
    """Only against a measurement: nobody knows how long a restore takes that was never done."""
    if "measured" not in given:
        return
    inner = given.inner("measured", ("restore", "replay") if found.kind == DATABASE else ("restore",))
    base = duration(inner, "restore", "")
    replayed = timedelta(0)
    if found.kind == DATABASE:
        # The restore point is at most one interval after a base backup.
        replayed = gaps(found.cron)[1] / inner.decimal("replay", least=0.1, most=10000)
    needed = base + replayed
    if needed > found.rto:
        more = f" + {told(replayed)} to replay {told(gaps(found.cron)[1])} of WAL" if replayed else ""
        raise HakitError(
            f"{_full(given, 'rto')}: {told(found.rto)} is out of reach: {told(base)} to restore{more} = {told(needed)}",
            where=given.where,
            given=told(found.rto),
            allowed=f"{told(needed)} or more",
            do="take base backups more often, or raise the rto" if replayed else "raise the rto",
        )


def told(span: timedelta) -> str:
    """A time in its largest units, such as `1d 2h`; parts of a second are rounded."""
    left, parts = round(span.total_seconds()), []
    for unit, size in reversed(_UNITS.items()):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0s"


def _full(given: Arguments, key: str) -> str:
    return f"{given.path}.{key}" if given.path else key


def survivors(lies: Iterable[str], protects: str) -> list[str]:
    """The regions whose copy is there when the protected region is not."""
    return [region for region in lies if region != protects]
