"""What RestoreChecks have proven: read of objects as hakit's own plan makes them, and judged.

The report is what `hakit.verify.run` writes; tests/lab/test_restore_check.py has real ones."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hakit.observe import Reader, RefusedError, UnreachableError
from hakit.status import status_text
from hakit.status.document import CopyDocument, document_of
from hakit.status.judge import Seen, judge
from hakit.status.restores import Check, checks_of, proven
from hakit.status.seen import SeenRegion, see
from tests.unit.restore_check.given import objects
from tests.unit.status.given import NOW, declared, healthy

DAILY = "0 4 * * *"
CREATED = NOW - dt.timedelta(days=90)


def job(last: dt.datetime | None = None, *, runs: str = "a", schedule: str = DAILY) -> dict[str, Any]:
    """The CronJob that restores a's archive, in region `runs`, as the API server returns it."""
    made = objects(scope=runs, sources=["a"])["check-orders-from-a"]
    made["metadata"]["creationTimestamp"] = _stamp(CREATED)
    made["spec"]["schedule"] = schedule
    return {**made, "status": {"lastSuccessfulTime": _stamp(last)} if last else {}}


def report(outcome: str, ended: dt.datetime, succeeded: dt.datetime | None = None) -> dict[str, Any]:
    made = objects(sources=["a"])["report-orders-from-a"]
    marks = {"hakit/succeeded": _stamp(succeeded)} if succeeded else {}
    told = json.dumps({"outcome": outcome, "ended": _stamp(ended)})
    return {**made, "metadata": {**made["metadata"], "annotations": marks}, "data": {"report.json": told}}


def _stamp(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def hours(number: float) -> dt.datetime:
    return NOW - dt.timedelta(hours=number)


def check(jobs: Sequence[dict[str, Any]], *reports: dict[str, Any]) -> Check:
    (found,) = checks_of(jobs, reports)
    return found


def test_a_check_is_read_of_its_cronjob_and_its_report() -> None:
    found = check([job(hours(8))], report("ok", hours(8)))
    assert (found.name, found.namespace) == ("orders-from-a", "shop-restore-checks")
    assert (found.pair, found.database, found.source) == ("shop", "orders", "a")
    assert (found.created, found.every, found.limit) == (CREATED, dt.timedelta(days=1), dt.timedelta(hours=36))
    assert (found.proven, found.failed) == (hours(8), False)


@pytest.mark.parametrize(
    ("scheduled", "reports", "expected"),
    [
        (None, [], None),
        (30, [], 30),
        (30, [report("ok", hours(2))], 2),
        (30, [report("stale", hours(1), succeeded=hours(2))], 2),
        (30, [report("stale", hours(1))], 30),
    ],
    ids=["none yet", "by schedule", "on demand", "on demand before one that failed", "by schedule before a failure"],
)
def test_a_proof_is_one_by_schedule_or_on_demand(
    scheduled: float | None, reports: list[dict[str, Any]], expected: float | None
) -> None:
    """A Job on demand is none of the CronJob's, whose `lastSuccessfulTime` knows nothing of it."""
    found = checks_of([job(hours(scheduled) if scheduled else None)], reports)
    assert proven(found) == (hours(expected) if expected else None)


def test_what_is_not_a_report_and_not_a_schedule_of_ours_is_no_error() -> None:
    empty = objects(sources=["a"])["report-orders-from-a"]
    found = check([job(schedule="0 4 * * 8-9")], {**empty, "data": {"report.json": "{"}})
    assert (found.outcome, found.proven, found.every, found.limit) == ("", None, None, None)


#: (what it is, its check, codes)
TRAPS: list[tuple[str, Check, list[str]]] = [
    ("proven last night", check([job(hours(8))], report("ok", hours(8))), []),
    ("the last one failed", check([job(hours(32))], report("corrupt-backup", hours(8))), ["HK141"]),
    ("failed, and proven by schedule since", check([job(hours(1))], report("corrupt-backup", hours(8))), []),
    ("too old", check([job(hours(36.1))]), ["HK142"]),
    ("just young enough", check([job(hours(36))]), []),
    ("failed for days", check([job(hours(100))], report("no-backup", hours(8))), ["HK141", "HK142"]),
    ("never proven in ninety days", check([job()]), ["HK142"]),
    ("made an hour ago", replace(check([job()]), created=hours(1)), []),
    ("weekly, three days old", check([job(hours(72), schedule="0 4 * * 0")]), []),
]


def seen(*checks: Check, where: str = "a") -> dict[str, SeenRegion | UnreachableError]:
    found = healthy()
    return {**found, where: replace(region_of(found[where]), checks=checks)}


def region_of(found: SeenRegion | UnreachableError) -> SeenRegion:
    assert isinstance(found, SeenRegion)
    return found


@pytest.mark.parametrize(("found", "expected"), [each[1:] for each in TRAPS], ids=[each[0] for each in TRAPS])
@pytest.mark.parametrize("where", ["a", "b"])
def test_a_restore_that_failed_or_is_too_old_is_found_wherever_it_is_tried(
    found: Check, expected: list[str], where: str
) -> None:
    assert [each.code for each in judge(declared(), seen(found, where=where), NOW)] == expected


def test_a_finding_says_which_archive_where_and_since_when() -> None:
    (failed, old) = judge(declared(), seen(TRAPS[5][1], where="b"), NOW)
    assert (failed.object, failed.where) == ("CronJob/orders-from-a", "namespace shop-restore-checks")
    assert failed.message == "b: the last restore of a's archive of shop/orders failed"
    assert failed.detail == "no-backup at 2026-11-24 04:00 UTC; last proven 2026-11-20 08:00 UTC"
    assert old.message == "b: no restore of a's archive of shop/orders has worked for 100 h"
    assert old.detail == "last proven 2026-11-20 08:00 UTC; allowed are 36 h"


def test_checks_of_another_topologys_pair_are_not_judged() -> None:
    other = replace(TRAPS[5][1], pair="other")
    assert list(judge(declared(), seen(other), NOW)) == []


def copies(found: Seen) -> list[CopyDocument]:
    return document_of(declared(), "topology.yaml", found, NOW)["pairs"][0]["databases"][0]["copies"]


def shown(found: Seen) -> list[str]:
    """The column `proven` of a and of b."""
    lines = status_text(document_of(declared(), "topology.yaml", found, NOW)).splitlines()
    head = next(each for each in lines if each.startswith("    region"))
    begin, end = head.index("proven"), head.index("certificate")
    return [each[begin:end].strip() for each in lines[lines.index(head) + 1 :][:2]]


def test_the_newest_proof_of_a_regions_archive_counts_wherever_it_was_given() -> None:
    at_home, away = check([job(hours(30))]), check([job(hours(8), runs="b")])
    found = {**seen(at_home), "b": seen(away, where="b")["b"]}
    first, second = copies(found)
    assert first["proven_seconds"] == 8 * 3600
    assert first["restore_checks"] == ["a/shop-restore-checks/orders-from-a", "b/shop-restore-checks/orders-from-a"]
    assert (second["proven_seconds"], second["restore_checks"]) == (None, [])
    assert shown(found) == ["8h ago", "no check"]


def test_never_proven_no_check_and_not_known_are_told_apart() -> None:
    never = replace(check([job()]), created=hours(1))
    assert shown(seen(never)) == ["never", "no check"]
    silent = {**seen(never), "b": UnreachableError("no answer within 15 s")}
    assert shown(silent) == ["?", "?"], "b may have proven it"
    assert [each["restore_checks"] for each in copies(silent)] == [None, None]
    known = {**seen(check([job(hours(8))])), "b": UnreachableError("no answer within 15 s")}
    assert shown(known) == ["8h ago", "?"]


class Answers(Reader):
    """A region with the objects that are given by path; what is not there is refused."""

    def __init__(self, **refused: str) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refused = refused

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/version"
        return {"gitVersion": "v1.34.1"}

    def list(self, path: str, **query: str) -> list[dict[str, Any]]:
        self.asked.append((path, query))
        kind = path.rpartition("/")[2]
        if kind in self.refused:
            raise RefusedError(403, "Forbidden", self.refused[kind])
        found = {"cronjobs": [job(hours(8))], "configmaps": [report("stale", hours(1))]}
        return found.get(kind, [])


LABEL = {"labelSelector": "hakit/restore-check"}


def test_only_a_checks_own_objects_are_asked_for() -> None:
    reader = Answers()
    (found,) = see(reader).checks or ()
    assert (found.proven, found.outcome) == (hours(8), "stale")
    assert reader.asked[-2:] == [("/apis/batch/v1/cronjobs", LABEL), ("/api/v1/configmaps", LABEL)]


def test_who_may_not_list_them_is_told_so_and_nothing_is_called_unproven() -> None:
    region = see(Answers(cronjobs="not you"))
    assert region.checks is None
    assert region.unread == {"/apis/batch/v1/cronjobs": "Forbidden: not you"}
    found = {**healthy(), "a": replace(region_of(healthy()["a"]), checks=None, unread=region.unread)}
    assert shown(found) == ["?", "?"]
    assert [each.code for each in judge(declared(), found, NOW)] == ["HK139"]


def test_without_the_reports_the_cronjobs_own_successes_count() -> None:
    region = see(Answers(configmaps="not you"))
    (found,) = region.checks or ()
    assert (found.proven, found.outcome) == (hours(8), "")
    assert list(region.unread) == ["/api/v1/configmaps"]
