"""A fake clock for a backup plan: what exists at a moment, and which points in time can be restored. Pure.

One copy of a database or one region of an application, from its schedule's creation on, every run a success. What it
does not play: failed runs; a new incarnation after a rebuild, whose archive begins anew; and that the Barman plugin
looks for what has expired every half hour and Velero every hour, so that a little more is there than this.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hakit.plan.backup_tiers import DATABASE, Promise
from hakit.plan.cron import runs


@dataclass(frozen=True)
class Stored:
    """A backup that is complete."""

    started: datetime
    ended: datetime


@dataclass(frozen=True)
class Restorable:
    """What can be restored.

    Attributes:
        points: single moments: the starts of Velero's backups; none of a database.
        window: from and to, every moment between; None of an application, and before the first base backup is complete.
    """

    points: tuple[datetime, ...]
    window: tuple[datetime, datetime] | None

    def has(self, moment: datetime) -> bool:
        within = self.window is not None and self.window[0] <= moment <= self.window[1]
        return within or moment in self.points


def complete(promise: Promise, began: datetime, now: datetime) -> list[Stored]:
    """Every backup that was ever completed.

    The first one of a database begins at once (`immediate`). Of a new Schedule Velero has no such thing: its first
    backup is at the first time after its creation (getNextRunTime in pkg/controller/schedule_controller.go).
    """
    at_once = [began] if promise.kind == DATABASE else []
    started = [*at_once, *runs(promise.cron, began, now)]
    return [Stored(each, each + promise.takes) for each in started if each + promise.takes <= now]


def existing(promise: Promise, began: datetime, now: datetime) -> list[Stored]:
    """The backups that are kept, oldest first."""
    ever, edge = complete(promise, began, now), now - timedelta(days=promise.days)
    if promise.kind != DATABASE:
        # Velero counts from the start: expiration = startTimestamp + ttl (pkg/controller/backup_controller.go).
        return [each for each in ever if each.started > edge]
    # barman keeps each that ended within the window, and the newest before: WAL from there on reaches into it
    # (RecoveryWindowRetentionPolicy of barman 3.14).
    before = [each for each in ever if each.ended < edge]
    return before[-1:] + [each for each in ever if each.ended >= edge]


def restorable(promise: Promise, began: datetime, now: datetime, *, elsewhere: bool = False) -> Restorable:
    """Which moments can be restored, with the longest delay that the archive may have.

    Args:
        promise: of what.
        began: when the schedule was created.
        now: when it is asked.
        elsewhere: when the region is lost at that moment: what was not yet copied is gone with it.
    """
    if elsewhere:
        # The copy is what the store was that long ago; deletions that were not copied leave more.
        now -= promise.copying
    kept = existing(promise, began, now)
    if promise.kind != DATABASE or promise.lag is None:
        return Restorable(tuple(each.started for each in kept), None)
    if not kept or now - promise.lag < kept[0].ended:
        return Restorable((), None)
    # A base backup is consistent from its end on.
    return Restorable((), (kept[0].ended, now - promise.lag))
