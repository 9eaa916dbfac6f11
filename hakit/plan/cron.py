"""Cron schedules as CloudNativePG and Velero read them: when they run, and how far apart. Pure; no clock.

Both parse with github.com/robfig/cron: CloudNativePG six fields, seconds first (`cron.Parse`), Velero five
(`cron.ParseStandard`). Times are the controller's own, which is UTC in a container that nobody gave a zone.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from hakit.errors import HakitError

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
#: Name, least, most, words for values.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 6, {word: number for number, word in enumerate(_DAYS)}),
)
_WORDS = {
    "@hourly": "0 0 * * * *",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@weekly": "0 0 0 * * 0",
    "@monthly": "0 0 0 1 * *",
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
}
#: The calendar repeats after 28 years, weekdays and leap years, until 2100.
_CYCLE_BEGINS, _CYCLE_DAYS = date(2024, 1, 1), 28 * 365 + 7


@dataclass(frozen=True)
class Cron:
    """A schedule.

    Attributes:
        text: as it was written.
        times: of a day on which it runs.
        days: of the month.
        months: of the year.
        weekdays: 0 is Sunday.
    """

    text: str
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def runs_on(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days and (day.weekday() + 1) % 7 in self.weekdays


def parse(text: str, fields: int, where: str, what: str) -> Cron:
    """A schedule of five fields or of six.

    Raises:
        HakitError: it has another number of fields, a field is wrong, it never runs, or its days are limited both by
            the month and by the week, which versions of the parser read differently.
    """
    written = _WORDS.get(text)
    if text.startswith("@") and written is None:
        raise HakitError(
            f"{what}: when it runs does not follow from its words", where=where, given=text, allowed=list(_WORDS)
        )
    parts = (written or text).split()
    if written is None and len(parts) != fields:
        raise _miscounted(text, parts, fields, where, what)
    if len(parts) == 5:
        parts = ["0", *parts]
    if parts[3] not in "*?" and parts[5] not in "*?":
        raise HakitError(
            f"{what}: both a day of the month and a day of the week",
            where=where,
            given=text,
            allowed="one of the two; programs disagree whether both must hold, or one",
        )
    values = [_values(part, field, where, f"{what}: {text}") for part, field in zip(parts, _FIELDS, strict=True)]
    second, minute, hour, days, months, weekdays = values
    times = tuple(time(h, m, s) for h in sorted(hour) for m in sorted(minute) for s in sorted(second))
    found = Cron(text, times, frozenset(days), frozenset(months), frozenset(weekdays))
    if not any(found.runs_on(_CYCLE_BEGINS + timedelta(days=number)) for number in range(_CYCLE_DAYS)):
        raise HakitError(f"{what}: a day that never comes", where=where, given=text)
    return found


def _miscounted(text: str, parts: list[str], fields: int, where: str, what: str) -> HakitError:
    named = [name for name, *_ in _FIELDS[6 - fields :]]
    do = None
    if (fields, len(parts)) == (6, 5):
        # CloudNativePG takes it, with the weekday left out: `0 2 * * *` is the second minute of every hour.
        do = f"put 0 in front: 0 {text}"
    elif (fields, len(parts)) == (5, 6):
        do = f"leave out the seconds: {' '.join(parts[1:])}"
    by = "CloudNativePG has six, seconds first" if fields == 6 else "Velero has five, minutes first"
    return HakitError(
        f"{what}: {len(parts)} fields, where {by}", where=where, given=text, allowed=", ".join(named), do=do
    )


def _values(part: str, field: tuple[str, int, int, dict[str, int]], where: str, what: str) -> set[int]:
    name, least, most, words = field
    found: set[int] = set()
    for piece in part.split(","):
        match = re.fullmatch(r"(\*|\?|\w+)(?:-(\w+))?(?:/([1-9]\d*))?", piece)
        if match is None:
            raise HakitError(f"{what}: no {name}", where=where, given=piece)
        first, last, step = match.groups()
        if first in "*?":
            low, high = least, most
        else:
            low = _number(first, words, piece, where, f"{what}: no {name}")
            high = _number(last, words, piece, where, f"{what}: no {name}") if last else most if step else low
        if not least <= low <= high <= most or (first in "*?" and last):
            raise HakitError(f"{what}: no {name}", where=where, given=piece, allowed=f"{least} to {most}")
        found |= set(range(low, high + 1, int(step or 1)))
    return found


def _number(text: str, words: dict[str, int], piece: str, where: str, what: str) -> int:
    if text.upper() in words:
        return words[text.upper()]
    if not text.isdecimal():
        raise HakitError(what, where=where, given=piece)
    return int(text)


def runs(cron: Cron, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every run later than one moment and not later than another; both in UTC."""
    day = after.date()
    while day <= until.date():
        if cron.runs_on(day):
            for each in cron.times:
                moment = datetime.combine(day, each, UTC)
                if after < moment <= until:
                    yield moment
        day += timedelta(days=1)


@lru_cache(maxsize=256)
def gaps(cron: Cron) -> tuple[timedelta, timedelta]:
    """The shortest and the longest time between two runs."""
    seconds = [each.hour * 3600 + each.minute * 60 + each.second for each in cron.times]
    within = [later - earlier for earlier, later in itertools.pairwise(seconds)]
    # Two cycles, so that every distance lies within, also of a day that comes once in four years.
    days = [number for number in range(2 * _CYCLE_DAYS) if cron.runs_on(_CYCLE_BEGINS + timedelta(days=number))]
    over_night = seconds[0] + 86400 - seconds[-1]
    between = {over_night + (later - earlier - 1) * 86400 for earlier, later in itertools.pairwise(days)}
    found = [*within, *between]
    return timedelta(seconds=min(found)), timedelta(seconds=max(found))
