"""When a schedule runs."""

from datetime import UTC, datetime, timedelta

import pytest

from hakit.errors import HakitError
from hakit.plan.cron import gaps, parse, runs


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(text: str, fields: int, after: str, until: str) -> list[str]:
    found = runs(parse(text, fields, "here", "schedule"), at(after), at(until))
    return [f"{each:%m-%d %H:%M:%S}" for each in found]


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("0 0 2 * * *", 6, ["01-01 02:00:00", "01-02 02:00:00"]),
        ("0 2 * * *", 5, ["01-01 02:00:00", "01-02 02:00:00"]),
        ("30 15 */12 * * *", 6, ["01-01 12:15:30", "01-02 00:15:30", "01-01 00:15:30", "01-02 12:15:30"]),
        ("0 6-8/2 * * THU", 5, ["01-01 06:00:00", "01-01 08:00:00"]),  # the first of January 2026 is a Thursday
        ("0 20/3 * * 4-5", 5, ["01-01 20:00:00", "01-01 23:00:00", "01-02 20:00:00", "01-02 23:00:00"]),
        ("0 1,3 2 jan ?", 5, ["01-02 01:00:00", "01-02 03:00:00"]),
        ("@daily", 5, ["01-02 00:00:00"]),
        ("@daily", 6, ["01-02 00:00:00"]),
    ],
)
def test_a_schedule_runs_when_it_says(text: str, fields: int, expected: list[str]) -> None:
    assert starts(text, fields, "2026-01-01T00:00:00", "2026-01-02T23:59:59") == sorted(expected)


def test_the_first_moment_is_not_one_of_the_runs_and_the_last_one_is() -> None:
    assert starts("0 2 * * *", 5, "2026-01-01T02:00", "2026-01-02T02:00") == ["01-02 02:00:00"]


def test_leap_days_are_there() -> None:
    assert starts("0 0 29 2 *", 5, "2026-01-01T00:00", "2032-12-31T00:00") == ["02-29 00:00:00"] * 2


@pytest.mark.parametrize(
    ("text", "fields", "shortest", "longest"),
    [
        ("0 2 * * *", 5, timedelta(days=1), timedelta(days=1)),
        ("0 */5 * * *", 5, timedelta(hours=4), timedelta(hours=5)),  # 20:00 to 00:00
        ("0 1 * * MON-FRI", 5, timedelta(days=1), timedelta(days=3)),
        ("0 1 * * 0", 5, timedelta(days=7), timedelta(days=7)),
        ("@monthly", 5, timedelta(days=28), timedelta(days=31)),
        ("0 0 0 31 * *", 6, timedelta(days=31), timedelta(days=61)),  # March to May
        ("@yearly", 5, timedelta(days=365), timedelta(days=366)),
        ("*/10 * * * * *", 6, timedelta(seconds=10), timedelta(seconds=10)),
    ],
)
def test_how_far_runs_are_apart(text: str, fields: int, shortest: timedelta, longest: timedelta) -> None:
    assert gaps(parse(text, fields, "here", "schedule")) == (shortest, longest)


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("0 2 * * *", 6, "5 fields, where CloudNativePG has six, seconds first"),
        ("0 0 2 * * *", 5, "6 fields, where Velero has five, minutes first"),
        ("0 2 * *", 5, "4 fields"),
        ("0 24 * * *", 5, "no hour"),
        ("60 2 * * *", 5, "no minute"),
        ("0 2 0 * *", 5, "no day of the month"),
        ("0 2 * 13 *", 5, "no month"),
        ("0 2 * * 7", 5, "no day of the week"),  # robfig/cron ends at Saturday, 6
        ("0 2 * * 5-1", 5, "no day of the week"),
        ("0 */0 * * *", 5, "no hour"),
        ("0 x * * *", 5, "no hour"),
        ("0 2 13 * 5", 5, "both a day of the month and a day of the week"),
        ("0 2 30 2 *", 5, "a day that never comes"),
        ("@every 6h", 5, "when it runs does not follow from its words"),
        ("TZ=UTC 0 2 * * *", 5, "6 fields"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, fields: int, message: str) -> None:
    with pytest.raises(HakitError, match=message):
        parse(text, fields, "here", "schedule")


def test_a_schedule_of_the_other_program_is_turned_into_one_of_this() -> None:
    with pytest.raises(HakitError, match=r"put 0 in front: 0 0 2 \* \* \*"):
        parse("0 2 * * *", 6, "here", "schedule")
    with pytest.raises(HakitError, match=r"leave out the seconds: 0 2 \* \* \*"):
        parse("0 0 2 * * *", 5, "here", "schedule")
