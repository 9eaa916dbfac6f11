"""What the log of a recovery tells. The lines are written by hand after the sources that print them; real ones are told
in tests/lab."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hakit.verify import outcome
from hakit.verify.evidence import Evidence, moment, named


def read(*lines: str | dict[str, Any]) -> Evidence:
    found = Evidence()
    for line in lines:
        found.add(line if isinstance(line, str) else json.dumps(line))
    return found


def postgres(message: str, severity: str = "LOG") -> dict[str, Any]:
    """As CloudNativePG's instance manager hands PostgreSQL's own log on."""
    record = {"log_time": "2026-01-15 10:30:01.000 UTC", "error_severity": severity, "message": message}
    return {"level": "info", "ts": "2026-01-15T10:30:01Z", "logger": "postgres", "msg": "record", "record": record}


def wal(name: str) -> dict[str, Any]:
    return {"level": "info", "msg": "Restored WAL file", "walName": name}


TARGET = {
    "level": "info",
    "msg": "Target backup found",
    "backup": {"backup_id": "20260115T020000", "end_time_iso": "2026-01-15T02:10:00.123456+00:00"},
}
LAST = postgres("last completed transaction was at log time 2026-01-15 10:29:58.25+00")


def test_it_was_restored_up_to_the_last_transaction() -> None:
    found = read(TARGET, LAST)
    assert found.backup == "20260115T020000"
    assert found.restored_to == datetime(2026, 1, 15, 10, 29, 58, 250000, UTC)


def test_when_nothing_was_written_since_it_was_restored_up_to_the_backup() -> None:
    assert read(TARGET).restored_to == datetime(2026, 1, 15, 2, 10, 0, 123456, UTC)
    assert read("no JSON at all", "[]").restored_to is None


@pytest.mark.parametrize(
    "text",
    ["2026-01-15 10:30:00+00", "2026-01-15 10:30:00 UTC", "2026-01-15T10:30:00Z", "2026-01-15T11:30:00+01:00"],
)
def test_moments_are_read_as_each_program_writes_them(text: str) -> None:
    assert moment(text) == datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_what_is_no_moment_is_none() -> None:
    assert moment("") is None
    assert moment("yesterday") is None


def test_wal_without_a_hole_has_none_also_over_the_end_of_a_file_and_of_a_timeline() -> None:
    """A file of WAL has 256 segments of 16 MB, and 64 of 64 MB; a promotion goes on where the old timeline ended."""
    whole = ["0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000"]
    assert read(*map(wal, whole)).hole() is None
    large = ["00000001000000000000003F", "000000010000000100000000"]
    assert read(*map(wal, large)).hole() is None
    promoted = ["00000001000000000000000A", "00000002000000000000000B"]
    assert read(*map(wal, promoted)).hole() is None
    assert read(wal("00000002.history")).hole() is None
    assert read().hole() is None


def test_a_segment_that_is_missing_before_one_that_is_there_is_a_hole() -> None:
    found = read(*map(wal, ["000000010000000000000003", "000000010000000000000004", "000000010000000000000006"]))
    hole = found.hole()
    assert hole is not None
    assert named(hole) == "0000000000000005"


def failing(message: str, **more: str) -> dict[str, Any]:
    return {"level": "error", "msg": message, **more}


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([failing("restore error", error="no target backup found")], outcome.NO_BACKUP),
        (
            [failing("Can't extract backup id", stderr="ERROR: Bucket acme-prod-b-wal does not exist")],
            outcome.NO_BACKUP,
        ),
        (
            [failing("Can't extract backup id", stderr="botocore ... (InvalidAccessKeyId) when calling ListObjects")],
            outcome.CREDENTIALS,
        ),
        ([failing("restore error", error="missing key ACCESS_KEY_ID, inside secret orders-s3")], outcome.CREDENTIALS),
        (
            [failing("restore error", error="while getting secret orders-s3: secrets \"orders-s3\" not found")],
            outcome.CREDENTIALS,
        ),
        (
            [failing("restore error", error="encountered an error while checking the presence of first needed WAL in "
             "the archive: object storage or file not found 000000010000000000000003: WAL not found")],
            outcome.MISSING_WAL,
        ),
        ([postgres("WAL ends before end of online backup", "FATAL")], outcome.MISSING_WAL),
        ([postgres("could not locate required checkpoint record", "FATAL")], outcome.MISSING_WAL),
        (["2026-01-15 10:30:00 [23] ERROR: Barman cloud restore exception: unexpected end of data"], outcome.CORRUPT),
        (["tarfile.ReadError: not a gzip file"], outcome.CORRUPT),
        ([failing("x", error='Could not connect to the endpoint URL: "http://10.0.0.1/"')], outcome.UNREACHABLE),
        ([failing("something else altogether")], outcome.FAILED),
        ([{"level": "info", "msg": "no target backup found, says nobody"}], outcome.FAILED),
    ],
)  # fmt: skip
def test_a_failure_is_called_what_it_is(lines: list[Any], word: str) -> None:
    assert read(TARGET, *lines).verdict()[0] == word


def test_a_refusal_of_the_store_goes_before_what_came_of_it() -> None:
    later = failing("Can't restore backup", error="Operation error")
    assert read(failing("x", stderr="An error occurred (403): Forbidden"), later).verdict()[0] == outcome.CREDENTIALS
