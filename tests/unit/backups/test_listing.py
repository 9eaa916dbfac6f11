"""`hakit backups`: what regions' objects say, as rows, and how it ends.

The objects are in the shape that CloudNativePG 1.30, its Barman plugin 0.14 and Velero 1.18 write;
tests/lab/test_backups_listed.py reads such from a real API server."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hakit.backups.document import BackupDocument, Seen, document_of, exit_code
from hakit.backups.seen import Archived, SeenBackups, archives, uploaded
from hakit.backups.text import backups_text
from hakit.observe import UnreachableError
from hakit.status.restores import checks_of
from tests.unit.status.given import NOW, PRIMARY, REPLICA, copy, declared
from tests.unit.status.test_run import project  # noqa: F401

STORE = {
    "metadata": {"namespace": "shop", "name": "orders-a"},
    "spec": {"configuration": {"destinationPath": "s3://acme-prod-a-wal/a/shop"}},
    "status": {
        "serverRecoveryWindow": {
            "orders-g1": {
                "firstRecoverabilityPoint": "2026-10-25T02:01:10Z",
                "lastSuccessfulBackupTime": "2026-11-24T02:01:00Z",
            }
        }
    },
}
BACKUP = {
    "metadata": {"namespace": "shop", "name": "orders-g1-20261124020000", "creationTimestamp": "2026-11-24T02:00:00Z"},
    "spec": {"cluster": {"name": "orders-g1"}, "method": "plugin"},
    "status": {"phase": "completed"},
}
COPY = replace(copy("a"), now=PRIMARY)
KEY, WRITER = ("shop", "orders-a", "orders-g1"), ("shop", "orders-g1")


def told(*made: Any, store: Any = STORE, archiving: bool = True) -> list[Archived]:
    return archives([store], [*made], {WRITER: COPY}, {KEY: WRITER} if archiving else {})


def seen(a: SeenBackups | UnreachableError | None = None, b: SeenBackups | UnreachableError | None = None) -> Seen:
    standby = Archived(
        "orders-b", "orders-g1", "s3://acme-prod-b-wal/b/shop/orders-g1", replace(copy("b"), now=REPLICA)
    )
    good = replace(standby, first="2026-11-23T02:01:00Z", last="2026-11-24T02:01:00Z", number=1)
    return {
        "a": a or SeenBackups("v1.34.1", archives=tuple(told(BACKUP))),
        "b": b or SeenBackups("v1.34.1", archives=(good,)),
    }


def rows(found: Seen) -> list[BackupDocument]:
    return document_of(declared(), "topology.yaml", found, NOW)["backups"]


def ends(found: Seen) -> int:
    return exit_code(document_of(declared(), "topology.yaml", found, NOW))


def test_a_databases_archive_says_its_window_and_when_its_last_wal_was_archived() -> None:
    first, second = rows(seen())
    assert first == {
        "kind": "database",
        "name": "shop/orders",
        "region": "a",
        "seen_in": "a",
        "store": "s3://acme-prod-a-wal/a/shop/orders-g1",
        "number": 1,
        "newest": "2026-11-24T02:01:00Z",
        "restorable_from": "2026-10-25T02:01:10Z",
        "restorable_to": "2026-11-24T11:59:48Z",  # the primary archived its last segment 12 s ago
        "bytes": None,
        "proven": None,
        "problem": "",
    }
    assert (second["region"], second["restorable_to"]) == ("b", None), "nobody asked when a replica archived"
    assert ends(seen()) == 0


def test_a_database_without_a_base_backup_is_a_problem_and_says_why_it_failed() -> None:
    empty = {
        **STORE,
        "status": {"serverRecoveryWindow": {"orders-g1": {"lastFailedBackupTime": "2026-11-24T02:05:00Z"}}},
    }
    failed = {**BACKUP, "status": {"phase": "failed", "error": "rpc error:\n NoSuchBucket"}}
    (first, _) = rows(seen(SeenBackups("v1", archives=tuple(told(failed, store=empty)))))
    assert first["problem"] == "the last base backup failed at 2026-11-24T02:05:00Z: rpc error: NoSuchBucket"
    assert (first["number"], first["newest"], first["restorable_from"]) == (0, None, None)
    assert ends(seen(SeenBackups("v1", archives=tuple(told(failed, store=empty))))) == 1
    never = {**STORE, "status": {}}
    assert rows(seen(SeenBackups("v1", archives=tuple(told(store=never)))))[0]["problem"] == (
        "there is no base backup yet"
    )


def test_a_failure_before_the_last_good_backup_is_no_problem() -> None:
    window = {**STORE["status"]["serverRecoveryWindow"]["orders-g1"], "lastFailedBackupTime": "2026-11-23T02:00:00Z"}
    mended = {**STORE, "status": {"serverRecoveryWindow": {"orders-g1": window}}}
    assert rows(seen(SeenBackups("v1", archives=tuple(told(BACKUP, store=mended)))))[0]["problem"] == ""


def test_wal_that_cannot_be_archived_is_told_beside_backups_that_are_fine() -> None:
    stuck = replace(PRIMARY, archive_failed=NOW)
    archived = replace(told(BACKUP)[0], writes=replace(COPY, now=stuck))
    assert rows(seen(SeenBackups("v1", archives=(archived,))))[0]["problem"] == (
        "the last segment of WAL could not be archived"
    )


def test_a_database_that_is_not_there_has_no_archive() -> None:
    assert rows(seen(SeenBackups("v1")))[0]["problem"] == "there is no archive of it"


def test_what_an_older_copy_left_is_listed_and_is_no_problem() -> None:
    old = Archived("orders-a", "orders-g0", "s3://acme-prod-a-wal/a/shop/orders-g0", None, "2026-09-01T00:00:00Z")
    both = SeenBackups("v1", archives=(*told(BACKUP), old))
    found = [each for each in rows(seen(both)) if each["region"] == "a"]
    assert [(each["store"][-9:], each["problem"]) for each in found] == [("orders-g1", ""), ("orders-g0", "")]


def test_a_dead_region_is_told_and_costs_no_other_region_its_rows() -> None:
    dead = seen(UnreachableError("no answer within 15 s"))
    first, second = rows(dead)
    assert (first["region"], first["problem"]) == ("a", "its region does not answer")
    assert second["newest"] == "2026-11-24T02:01:00Z"
    assert ends(dead) == 1
    assert backups_text(document_of(declared(), "t", dead, NOW)).startswith("a  a · no answer: no answer within 15 s\n")


def report(outcome: str, source: str) -> dict[str, Any]:
    told = json.dumps({"outcome": outcome, "ended": "2026-11-24T04:03:00Z"})
    metadata = {"namespace": "checks", "name": f"orders-from-{source}-restore-check"}
    return {"metadata": metadata, "data": {"report.json": told}}


def check(outcome: str | None, last: str | None, source: str = "a") -> dict[str, Any]:
    labels = {"hakit/restore-check": f"orders-from-{source}", "hakit/pair": "shop", "hakit/database": "orders"}
    job = {
        "metadata": {
            "namespace": "checks",
            "name": f"orders-from-{source}",
            "labels": {**labels, "hakit/source": source},
        },
        "status": {"lastSuccessfulTime": last} if last else {},
    }
    return {"checks": checks_of([job], [report(outcome, source)] if outcome else [])}


def test_the_last_restore_that_worked_is_told_wherever_it_was_made() -> None:
    """The check in b restores a's archive there; the one in a had no success yet."""
    a = SeenBackups("v1", archives=tuple(told(BACKUP)), **check(None, None))
    b = replace(seen()["b"], **check("ok", "2026-11-23T04:04:00Z"))
    first, second = rows(seen(a, b))
    assert first["proven"] == "2026-11-24T04:03:00Z"
    assert second["proven"] is None, "nobody restored b's archive"
    assert first["problem"] == ""


def test_a_restore_that_failed_is_a_problem_beside_the_one_that_worked_before() -> None:
    a = SeenBackups("v1", archives=tuple(told(BACKUP)), **check("corrupt-backup", "2026-11-23T04:04:00Z"))
    first, _ = rows(seen(a))
    assert (first["proven"], first["problem"]) == ("2026-11-23T04:04:00Z", "orders-from-a: corrupt-backup")


def velero(day: int, phase: str = "Completed", location: str = "nightly-a") -> dict[str, Any]:
    name = f"nightly-shop-202611{day:02}010000"
    return {
        "metadata": {"namespace": "velero", "name": name, "labels": {"velero.io/schedule-name": "nightly-shop"}},
        "spec": {"storageLocation": location},
        "status": {"phase": phase, "startTimestamp": f"2026-11-{day:02}T01:00:00Z"},
    }


def location(phase: str = "Available", region: str = "a") -> dict[str, Any]:
    return {
        "metadata": {"namespace": "velero", "name": f"nightly-{region}"},
        "spec": {"objectStorage": {"bucket": "acme-prod-a-velero", "prefix": f"{region}/nightly"}},
        "status": {"phase": phase},
    }


SCHEDULE = {
    "metadata": {"namespace": "velero", "name": "nightly-shop"},
    "spec": {"template": {"storageLocation": "nightly-a"}},
}


def of_velero(*backups: Any, phase: str = "Available", **more: Any) -> list[BackupDocument]:
    a = SeenBackups("v1", archives=tuple(told(BACKUP)), locations=(location(phase),), backups=backups, **more)
    return [each for each in rows(seen(a)) if each["kind"] == "application"]


def test_veleros_backups_are_told_by_schedule_with_what_can_be_restored() -> None:
    labels = {"velero.io/backup-name": "nightly-shop-20261123010000"}
    sizes = uploaded(
        [{"metadata": {"labels": labels}, "status": {"progress": {"totalBytes": size}}} for size in (5, 7)]
    )
    (row,) = of_velero(velero(23), velero(24), velero(25, "InProgress"), schedules=(SCHEDULE,), uploaded=sizes)
    assert (row["name"], row["region"], row["store"]) == ("nightly-shop", "a", "acme-prod-a-velero/a/nightly")
    assert (row["number"], row["bytes"], row["problem"]) == (2, 12, "")
    assert (row["restorable_from"], row["restorable_to"]) == ("2026-11-23T01:00:00Z", "2026-11-24T01:00:00Z")


def test_a_schedule_without_a_backup_one_that_failed_and_a_location_that_is_gone_are_problems() -> None:
    assert of_velero(schedules=(SCHEDULE,))[0]["problem"] == "there is no backup yet"
    paused = {**SCHEDULE, "spec": {**SCHEDULE["spec"], "paused": True}}
    assert of_velero(schedules=(paused,)) == [], "what a standby does not make, nobody misses"
    assert of_velero(velero(23), velero(24, "PartiallyFailed"))[0]["problem"] == (
        "the last backup failed at 2026-11-24T01:00:00Z"
    )
    assert of_velero(velero(23, "Failed"), velero(24))[0]["problem"] == ""
    assert of_velero(velero(24), phase="Unavailable")[0]["problem"] == "location nightly-a is unavailable"
    assert of_velero(phase="Unavailable")[0]["problem"] == "location nightly-a is unavailable"


def test_a_dead_regions_backups_are_told_by_the_region_that_reads_them() -> None:
    b = replace(seen()["b"], locations=(location(),), backups=(velero(24),))
    found = [each for each in rows(seen(UnreachableError("gone"), b)) if each["kind"] == "application"]
    assert [(each["region"], each["seen_in"], each["newest"]) for each in found] == [("a", "b", "2026-11-24T01:00:00Z")]


def test_a_cronjob_that_backs_up_tells_its_last_success() -> None:
    job = {
        "metadata": {"namespace": "shop", "name": "ledger-dump", "annotations": {"hakit/backup-store": "s3://dumps/a"}},
        "spec": {},
        "status": {"lastSuccessfulTime": "2026-11-24T03:00:00Z"},
    }

    def of(each: dict[str, Any]) -> BackupDocument:
        return rows(seen(SeenBackups("v1", archives=tuple(told(BACKUP)), jobs=(each,))))[-1]

    assert (of(job)["name"], of(job)["store"], of(job)["newest"], of(job)["problem"]) == (
        "shop/ledger-dump",
        "s3://dumps/a",
        "2026-11-24T03:00:00Z",
        "",
    )
    assert of({**job, "status": {}})["problem"] == "it has never ended well"
    assert of({**job, "status": {}, "spec": {"suspend": True}})["problem"] == ""


def test_what_could_not_be_read_is_told_and_fails() -> None:
    a = SeenBackups("v1", archives=tuple(told(BACKUP)), unread={"/apis/velero.io": "Forbidden: not you"})
    assert ends(seen(a)) == 1
    assert "a  a · v1 · Forbidden: not you" in backups_text(document_of(declared(), "t", seen(a), NOW))


def test_the_screen() -> None:
    b = replace(seen()["b"], **check("ok", None))
    assert backups_text(document_of(declared(), "t", seen(b=b), NOW)) == (
        "a  a · v1.34.1\n"
        "b  b · v1.34.1\n"
        "\n"
        "what                  of  seen in  backups  newest  restorable from   to                size  proven\n"
        "database shop/orders  a   a        1        9h ago  2026-10-25 02:01  2026-11-24 11:59        7h ago\n"
        "database shop/orders  b   b        1        9h ago  2026-11-23 02:01                          never\n"
        "\n"
        "2 of 2 regions answered, 0 problems\n"
    )


def test_regions_that_are_dead_are_told_within_the_seconds_that_are_given(project: Path) -> None:  # noqa: F811
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", "backups", "--seconds", "2", "--format", "json"],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "HAKIT_KUBECTL": str(project / "kubectl")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    document = json.loads(done.stdout)
    assert (done.returncode, document["version"]) == (1, 1)
    assert [each["problem"] for each in document["regions"]] == ["context does not exist", "no answer within 2 s"]
    assert [each["problem"] for each in document["backups"]] == ["its region does not answer"] * 2


def test_what_cannot_be_asked_at_all_ends_with_2(project: Path) -> None:  # noqa: F811
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", "backups", "nothing.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
