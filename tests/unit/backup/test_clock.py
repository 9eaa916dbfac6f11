"""Which backups exist after some time, and which points in time can be restored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.errors import HakitError
from hakit.plan.backup_clock import complete, existing, restorable
from hakit.plan.backup_tiers import Promise
from hakit.plan.cron import gaps, runs
from tests.unit.backup.plans import application, database

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Tier, days, backups, the oldest one's start, the window from and to: written by hand.
@pytest.mark.parametrize(
    ("asked", "count", "oldest", "window"),
    [
        (("standard", 1), 2, "2026-01-01T12:00", ("2026-01-01T13:00", "2026-01-02T11:50")),
        (("standard", 7), 8, "2026-01-01T12:00", ("2026-01-01T13:00", "2026-01-08T11:50")),
        # 30 days before the tenth of February, noon, is the eleventh of January, noon: its backup of two is needed.
        (("standard", 40), 31, "2026-01-11T02:00", ("2026-01-11T03:00", "2026-02-10T11:50")),
        (("standard", 400), 31, "2027-01-06T02:00", ("2027-01-06T03:00", "2027-02-05T11:50")),
        (("critical", 1), 4, "2026-01-01T12:00", ("2026-01-01T13:00", "2026-01-02T11:50")),
        (("critical", 7), 28, "2026-01-01T12:00", ("2026-01-01T13:00", "2026-01-08T11:50")),
        (("critical", 40), 141, "2026-01-06T06:00", ("2026-01-06T07:00", "2026-02-10T11:50")),
        (("critical", 400), 141, "2027-01-01T06:00", ("2027-01-01T07:00", "2027-02-05T11:50")),
    ],
)
def test_of_a_database_every_moment_of_the_window_can_be_restored(
    asked: tuple[str, int], count: int, oldest: str, window: tuple[str, str]
) -> None:
    (tier, days), (first, last) = asked, window
    promise, now = database(tier=tier), BEGAN + timedelta(days=days)
    kept = existing(promise, BEGAN, now)
    assert (len(kept), kept[0].started) == (count, moment(oldest))
    found = restorable(promise, BEGAN, now)
    assert found.window == (moment(first), moment(last))
    for within in (moment(first), moment(last), moment(first) + timedelta(seconds=1)):
        assert found.has(within)
    for outside in (moment(first) - timedelta(seconds=1), moment(last) + timedelta(seconds=1)):
        assert not found.has(outside)


@pytest.mark.parametrize(
    ("asked", "count", "oldest", "newest"),
    [
        (("standard", 1), 1, "2026-01-02T01:00", "2026-01-02T01:00"),
        (("standard", 7), 7, "2026-01-02T01:00", "2026-01-08T01:00"),
        (("standard", 40), 30, "2026-01-12T01:00", "2026-02-10T01:00"),
        (("standard", 400), 30, "2027-01-07T01:00", "2027-02-05T01:00"),
        # Every four hours for 35 days; that of noon is not complete at noon, that of 35 days ago has expired.
        (("critical", 40), 209, "2026-01-06T16:00", "2026-02-10T08:00"),
        # Sundays for 14 days.
        (("relaxed", 40), 2, "2026-02-01T01:00", "2026-02-08T01:00"),
    ],
)
def test_of_an_application_the_moments_of_its_backups_can_be_restored(
    asked: tuple[str, int], count: int, oldest: str, newest: str
) -> None:
    tier, days = asked
    promise, now = application(tier=tier), BEGAN + timedelta(days=days)
    found = restorable(promise, BEGAN, now)
    assert found.window is None
    assert (len(found.points), found.points[0], found.points[-1]) == (count, moment(oldest), moment(newest))
    assert found.has(moment(oldest))
    assert not found.has(moment(oldest) + timedelta(seconds=1))


def test_nothing_can_be_restored_before_the_first_backup_is_complete() -> None:
    for promise, first in ((database(), BEGAN), (application(), moment("2026-01-02T01:00"))):
        early = restorable(promise, BEGAN, first + timedelta(minutes=59))
        assert (early.points, early.window) == ((), None)
        assert existing(promise, BEGAN, first + timedelta(minutes=60))
    # Of a database not until what came after it has had the time to be archived.
    assert restorable(database(), BEGAN, BEGAN + timedelta(minutes=69)).window is None
    assert restorable(database(), BEGAN, BEGAN + timedelta(minutes=70)).window is not None


SCHEDULES = st.one_of(
    st.sampled_from(["0 * * * *", "30 */6 * * *", "15 2 * * *", "0 1 * * 0", "0 3 1 * *", "0 4 * * MON,THU"]),
    st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
    st.builds("{} */{} * * *".format, st.integers(0, 59), st.integers(2, 12)),
)


@st.composite
def promises(draw: st.DrawFn) -> Promise:
    """A random plan that is not refused; its rpo is as narrow as its schedule allows."""
    kind = draw(st.sampled_from([database, application]))
    text = draw(SCHEDULES)
    takes = draw(st.integers(1, 30))
    asked: dict[str, Any] = {
        "schedule": text if kind is application else f"0 {text}",
        "takes": f"{takes}m",
        "retention": f"{draw(st.integers(32, 90))}d",
        "rpo": "60d",
        "lock_days": draw(st.integers(0, 31)),
    }
    narrow = kind(**asked).loss
    return kind(**{**asked, "rpo": f"{int(narrow.total_seconds())}s"})


@settings(max_examples=60, deadline=None)
@given(promises(), st.integers(1, 200 * 24 * 60), st.floats(0, 1))
def test_every_moment_that_is_promised_can_be_restored(promise: Promise, minutes: int, share: float) -> None:
    now = BEGAN + timedelta(minutes=minutes)
    at_once = BEGAN if promise.lag is not None else next(runs(promise.cron, BEGAN, BEGAN + timedelta(days=40)))
    first = at_once + promise.takes
    if promise.lag is not None:
        begins, ends = max(first, now - timedelta(days=promise.days)), now - promise.rpo
        if begins <= ends:
            assert restorable(promise, BEGAN, now, elsewhere=True).has(begins + (ends - begins) * share)
    elif now >= first + promise.copying:
        points = restorable(promise, BEGAN, now, elsewhere=True).points
        assert now - points[-1] <= promise.rpo, "the loss if all were lost now"
        # Of a whole window, no stretch is longer than the schedule's without a point.
        edges = [max(BEGAN, now - timedelta(days=promise.days)), *points]
        assert max(later - earlier for earlier, later in zip(edges, points, strict=False)) <= gaps(promise.cron)[1]


@settings(max_examples=60, deadline=None)
@given(promises(), st.integers(1, 200 * 24 * 60))
def test_nothing_goes_before_its_lock_ends_and_nothing_that_went_comes_back(promise: Promise, minutes: int) -> None:
    now = BEGAN + timedelta(minutes=minutes)
    kept = existing(promise, BEGAN, now)
    for each in complete(promise, BEGAN, now):
        if now < each.ended + timedelta(days=promise.lock):
            assert each in kept
    later = existing(promise, BEGAN, now + timedelta(hours=7))
    known = set(complete(promise, BEGAN, now))
    assert {each for each in later if each in known} <= set(kept)


@settings(max_examples=60, deadline=None)
@given(promises())
def test_an_rpo_of_one_second_less_is_refused(promise: Promise) -> None:
    """So the arithmetic of the refusal is as narrow as what the clock finds possible."""
    kind = database if promise.lag is not None else application
    shorter = int(promise.loss.total_seconds()) - 1
    with pytest.raises(HakitError, match="out of reach"):
        kind(
            schedule=promise.cron.text,
            takes=f"{int(promise.takes.total_seconds())}s",
            retention=promise.retention,
            rpo=f"{shorter}s",
        )


def test_a_loss_that_is_as_long_as_the_rpo_does_happen() -> None:
    """Just before a backup is copied, the newest copy began an interval, its length and the copying ago."""
    promise = application(schedule="0 1 * * *", takes="2h", rpo="27h")
    assert promise.loss == timedelta(hours=26, minutes=15)
    now = moment("2026-01-09T03:14:59")
    for elsewhere, lost in ((True, timedelta(hours=26, minutes=15)), (False, timedelta(hours=2, minutes=15))):
        newest = restorable(promise, BEGAN, now, elsewhere=elsewhere).points[-1]
        assert now - newest == lost - timedelta(seconds=1)
