"""What real recoveries from broken archives said, as the lab recorded it: CloudNativePG 1.30.0, its Barman Cloud plugin
0.14.0, PostgreSQL 15. Lines of both containers in the order of their time; stack traces and what starts and stops is
left out."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hakit.verify import outcome
from hakit.verify.evidence import Evidence

LOGS = Path(__file__).parent / "logs"


def read(name: str) -> Evidence:
    found = Evidence()
    for line in (LOGS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        found.add(line)
    return found


@pytest.mark.parametrize(
    ("name", "word", "said"),
    [
        # barman takes a damaged archive for one that ends there, and calls the restore completed: what is missing is
        # what comes last in it.
        ("other-bytes-in-the-base-backup", outcome.CORRUPT, "global/pg_control"),
        ("no-segment-before-the-moment", outcome.MISSING_WAL, "before configured recovery target was reached"),
        ("an-empty-archive", outcome.NO_BACKUP, "no target backup found"),
        ("a-moment-before-every-backup", outcome.NO_BACKUP, "no target backup found"),
        ("an-access-key-that-nobody-knows", outcome.CREDENTIALS, "(403) when calling the HeadBucket operation"),
    ],
)
def test_each_fault_is_told_as_what_it_is(name: str, word: str, said: str) -> None:
    told, why = read(name).verdict()
    assert told == word
    assert said in why


def test_every_recorded_log_is_one_of_these() -> None:
    assert len(list(LOGS.glob("*.jsonl"))) == 5


def test_a_recovery_that_stops_at_a_hole_says_how_far_it_came() -> None:
    found = read("no-segment-before-the-moment")
    assert found.backup == "20261124T144446"
    assert found.backup_ended == datetime(2026, 11, 24, 14, 45, 46, 721126, UTC)
    assert found.restored_to == datetime(2026, 11, 24, 14, 47, 10, 966219, UTC)
    assert (min(found.segments), max(found.segments)) == ((0, 3), (0, 10))
    assert found.hole() is None, "nothing came behind it"


def test_a_second_attempt_that_clears_away_the_first_ones_files_has_found_nothing_corrupt() -> None:
    found = Evidence()
    clears = "pg_controldata check on existing directory failed, cleaning up folders"
    found.add(json.dumps({"level": "info", "msg": clears, "err": "while executing pg_controldata: exit status 1"}))
    found.add(json.dumps({"level": "error", "msg": "restore error", "error": "while restoring cluster: deadline"}))
    assert found.verdict()[0] == outcome.FAILED
