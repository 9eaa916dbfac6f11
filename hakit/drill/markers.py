"""Markers: rows that are written before and looked for after. From them follow how long a pair took no writes, and
what it lost of what it had acknowledged.

They stand in the database `postgres` of the copy, in a schema of their own: physical replication carries that as it
carries the application's, and the application's own schema is left alone.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hakit.drill.sql import Session, SqlError, ask, quoted

TABLE = "hakit_drill.markers"
_MADE = (
    "create schema if not exists hakit_drill; "
    f"create table if not exists {TABLE} (drill text not null, number bigint not null, "
    "written timestamptz not null default now(), primary key (drill, number));"
)
#: Seconds that one question to a copy may take; one that is dead costs this much of the clock's resolution.
QUESTION = 5.0
Ask = Callable[..., Any]


def prepare(primary: Session) -> None:
    """Make the table, where it is not there. Raises SqlError."""
    with suppress(SqlError):  # without a word of `already exists` in the server's log each time
        if ask(primary, f"select to_json(to_regclass({quoted(TABLE)}) is not null);", seconds=QUESTION):
            return
    ask(primary, _MADE, seconds=QUESTION)


def remove(primary: Session, drill: str) -> None:
    """Take a drill's own markers away; the table stays. Raises SqlError."""
    ask(primary, f"delete from {TABLE} where drill = {quoted(drill)};", seconds=QUESTION)


@dataclass(frozen=True)
class Seen:
    """How long a marker took to a place. None: it was not there when time was over."""

    seconds: float | None
    problem: str = ""


@dataclass(frozen=True)
class Trail:
    """What became of one marker on a pair at rest.

    Attributes:
        position: of WAL, right after it was written.
        rows: by region, until the row could be read there.
        archived: until the segment of WAL that holds it was in the archive.
        waited: seconds that were waited at most.
    """

    position: str
    rows: Mapping[str, Seen]
    archived: Seen
    waited: float


def trail(primary: Session, copies: Sequence[Session], drill: str, *, seconds: float, every: float = 0.25) -> Trail:
    """Write one marker, and look for it in every copy and in the archive. No segment of WAL is ended for it: what is
    measured is what a loss at this moment would find.

    Raises:
        SqlError: the primary does not take the marker.
    """
    prepare(primary)
    insert = f"insert into {TABLE} (drill, number) values ({quoted(drill)}, 0);"
    at = "select json_build_object('lsn', at, 'file', pg_walfile_name(at)) from pg_current_wal_flush_lsn() as at;"
    written = ask(primary, f"{insert} {at}", seconds=QUESTION)
    began = time.monotonic()
    found: dict[str, Seen] = {}
    look = f"select to_json(exists (select 1 from {TABLE} where drill = {quoted(drill)} and number = 0));"
    # Names of segments sort as their WAL does within a timeline, and a later timeline's are greater.
    # https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ARCHIVER-VIEW
    kept = f"select to_json(coalesce(last_archived_wal >= {quoted(written['file'])}, false)) from pg_stat_archiver;"
    wanted = {**{each.region: (each, look) for each in copies}, "": (primary, kept)}
    problems = dict.fromkeys(wanted, "")
    while len(found) < len(wanted) and time.monotonic() - began < seconds:
        for name, (session, question) in wanted.items():
            if name not in found:
                try:
                    problems[name] = ""
                    if ask(session, question, seconds=QUESTION):
                        found[name] = Seen(time.monotonic() - began)
                except SqlError as error:
                    problems[name] = str(error)
        time.sleep(every)
    late = {name: Seen(None, problems[name]) for name in wanted if name not in found}
    all_of_them = {**late, **found}
    return Trail(written["lsn"], {each.region: all_of_them[each.region] for each in copies}, all_of_them[""], seconds)


@dataclass(frozen=True)
class Interruption:
    """What a writer saw of an operation.

    Attributes:
        acknowledged: markers that a database had acknowledged.
        lost: of these, the numbers of those that are not there at the end.
        without_writes: seconds of the longest time between two acknowledged markers.
        resolution: seconds between two of them when nothing happens (the median); nothing shorter can be seen.
        lost_seconds: age of the oldest lost marker when the last lost one was written: what was lost in time.
    """

    acknowledged: int
    lost: tuple[int, ...]
    without_writes: float
    resolution: float
    lost_seconds: float


@dataclass
class Writer:
    """Writes a marker after the other into whichever copy takes it, until it is stopped.

    Args:
        sessions: of every region's copy; the one that is primary first.
        drill: of the markers.
        every: seconds between two of them.
    """

    sessions: Sequence[Session]
    drill: str
    every: float = 0.2
    ask: Ask = ask
    acknowledged: dict[int, tuple[float, str]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _first: int = 0

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def wait_for_more(self, seconds: float) -> bool:
        """Until a marker was acknowledged after this call; False when time is over."""
        before, ends = len(self.acknowledged), time.monotonic() + seconds
        while time.monotonic() < ends:
            if len(self.acknowledged) > before:
                return True
            time.sleep(0.05)
        return False

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1  # one that nobody acknowledged is never tried again: it may be there all the same
            for turn in range(len(self.sessions)):
                at = (self._first + turn) % len(self.sessions)
                if self._taken(self.sessions[at], number):
                    self._first = at
                    break
                number += 1
            self._stop.wait(self.every)

    def _taken(self, session: Session, number: int) -> bool:
        text = f"insert into {TABLE} (drill, number) values ({quoted(self.drill)}, {number});"
        try:
            self.ask(session, text, seconds=QUESTION)
        except SqlError:
            return False
        self.acknowledged[number] = time.monotonic(), session.region
        return True

    def judged(self, primary: Session) -> Interruption:
        """What became of the acknowledged markers, by the one that is primary now. Raises SqlError."""
        query = f"select coalesce(json_agg(number), '[]') from {TABLE} where drill = {quoted(self.drill)};"
        there = set(self.ask(primary, query, seconds=60))
        return interruption(self.acknowledged, there)


def interruption(acknowledged: Mapping[int, tuple[float, str]], there: set[int]) -> Interruption:
    """What follows from when each marker was acknowledged and which are there. Pure."""
    moments = sorted(moment for moment, _ in acknowledged.values())
    gaps = sorted(after - before for before, after in pairwise(moments))
    lost = tuple(sorted(set(acknowledged) - there))
    gone = [acknowledged[number][0] for number in lost]
    return Interruption(
        acknowledged=len(acknowledged),
        lost=lost,
        without_writes=max(gaps, default=0.0),
        resolution=gaps[len(gaps) // 2] if gaps else 0.0,
        lost_seconds=max(gone) - min(gone) if gone else 0.0,
    )
