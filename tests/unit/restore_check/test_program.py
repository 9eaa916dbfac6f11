"""The program's branches, before an API server that is played: what it removes, what it leaves alone, how it ends.

That real parts behave as the played ones is shown in tests/lab; here are the cases that they cannot be brought to.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import certifi
import pytest

from hakit.verify.config import Config, Freshness, Query
from hakit.verify.hold import HOLDER, RENEWED
from hakit.verify.outcome import CODES
from hakit.verify.run import OUTCOME, SUCCEEDED, Run
from tests.unit.restore_check.cluster import REPORT, FakeCluster, server

ROOT = Path(__file__).parents[3]
CLUSTERS = "/apis/postgresql.cnpg.io/v1/namespaces/checks/clusters"
POD = {"POD_NAME": "orders-from-a-29000000-x", "POD_UID": "pod-1", "JOB_NAME": "orders-from-a-29000000"}


def restored(moment: datetime, *segments: str) -> list[str]:
    """The log of a recovery up to a moment."""
    stamp = moment.isoformat()
    lines: list[Any] = [
        {"msg": "Target backup found", "backup": {"backup_id": "20260115T020000", "end_time_iso": stamp}},
        *({"msg": "Restored WAL file", "walName": f"00000001{each}"} for each in segments),
    ]
    return [json.dumps(line) for line in lines]


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    found = FakeCluster()
    found.logs = [restored(datetime.now(UTC) - timedelta(minutes=5))]
    return found


@pytest.fixture
def config(cluster: FakeCluster, tmp_path: Path) -> Iterator[Config]:
    (tmp_path / "token").write_text("t")
    with server(cluster) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            yield Config(
                check="orders-from-a", namespace="checks", report="orders-from-a-restore-check", pair="shop",
                database="orders", region="a", source="a", database_name="orders", cluster={"instances": 1},
                queries=(Query("rows", "select true"),), freshness=Freshness(3600), deadline=30, cleanup=1, every=0.02,
                patience=0.5, server=f"http://127.0.0.1:{serving.server_port}", token=str(tmp_path / "token"),
                authority=certifi.where(),
            )  # fmt: skip
        finally:
            serving.shutdown()
            thread.join()


def run(config: Config, **changes: Any) -> str:
    return Run(replace(config, **changes), POD).whole()


def left_behind(cluster: FakeCluster, name: str, label: str = "orders-from-a", run: str | None = None) -> None:
    labels = {"hakit/restore-check": label, "hakit/restore-check-run": run or name}
    cluster.put(f"{CLUSTERS}/{name}", {"metadata": {"name": name, "labels": labels}})


def test_it_ends_well_leaves_a_report_and_nothing_else(cluster: FakeCluster, config: Config) -> None:
    assert run(config) == "ok"
    report = cluster.report()
    assert (report["outcome"], report["cleanup"], report["job"]) == ("ok", "done", "orders-from-a-29000000")
    assert report["checks"] == [{"name": "rows", "outcome": "ok", "found": "t"}]
    assert report["backup"]["id"] == "20260115T020000"
    assert 299 <= report["freshness"]["age"] <= 400
    assert cluster.names("clusters") == cluster.names("pods") == []
    assert cluster.marks()[OUTCOME] == "ok"
    assert cluster.marks()[SUCCEEDED] == report["ended"]
    assert HOLDER not in cluster.marks()


def test_the_pod_owns_what_it_makes(cluster: FakeCluster, config: Config) -> None:
    cluster.deletes = False
    run(config)
    (made,) = [each for path, each in cluster.objects.items() if path.startswith(CLUSTERS)]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": POD["POD_NAME"], "uid": "pod-1"}
    assert made["metadata"]["ownerReferences"] == [owner]
    (asks,) = [each for path, each in cluster.objects.items() if path.endswith("-ask")]
    assert asks["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]


def test_what_a_killed_run_left_is_removed_first_and_nothing_that_others_made(
    cluster: FakeCluster, config: Config
) -> None:
    left_behind(cluster, "orders-from-a-rabc123")
    left_behind(cluster, "orders-g1")  # the label was copied to a Cluster of somebody's own
    left_behind(cluster, "orders-from-a-rdead00", run="orders-from-a-rother0")
    left_behind(cluster, "orders-from-b-rabc123", label="orders-from-b")
    assert run(config) == "ok"
    assert cluster.report()["removed"] == ["orders-from-a-rabc123"]
    assert cluster.names("clusters") == ["orders-g1", "orders-from-a-rdead00", "orders-from-b-rabc123"]


def test_one_that_is_not_admitted_is_told_in_the_servers_words(cluster: FakeCluster, config: Config) -> None:
    cluster.refuses = 'admission webhook "vcluster.cnpg.io" denied the request'
    assert run(config) == "restore-failed"
    assert "denied the request" in cluster.report()["message"]
    assert SUCCEEDED not in cluster.marks()


def test_what_does_not_go_is_named(cluster: FakeCluster, config: Config) -> None:
    cluster.deletes = False
    assert run(config) == "not-cleaned-up"
    assert "Cluster orders-from-a-r" in cluster.report()["message"]


def test_the_reason_of_a_failure_is_not_hidden_by_what_is_left(cluster: FakeCluster, config: Config) -> None:
    cluster.deletes = False
    cluster.answers = "0 ok f"
    assert run(config) == "check-failed"
    assert "still there" in cluster.report()["cleanup"]


@pytest.mark.parametrize(
    ("answers", "word", "message"),
    [
        ("0 ok f", "check-failed", "rows: f"),
        ("0 ok ", "check-failed", "rows: no value"),
        ('0 error ERROR: relation "orders" does not exist', "check-failed", "does not exist"),
        ("0 error ERROR: invalid page in block 0 of relation base/5/1", "corrupt-backup", "invalid page"),
        ('login error FATAL: database "orders" does not exist', "check-failed", "nobody can log in"),
        ("", "check-failed", "0 of 1 statements were answered"),
    ],
)
def test_an_answer_that_is_not_true_is_a_failure(
    cluster: FakeCluster, config: Config, answers: str, word: str, message: str
) -> None:
    cluster.answers = answers
    assert run(config) == word
    assert message in cluster.report()["message"]
    assert cluster.names("clusters") == []


def test_what_is_too_old_is_stale_by_the_log_or_by_the_statement(cluster: FakeCluster, config: Config) -> None:
    assert run(config, freshness=Freshness(60)) == "stale"
    assert "allowed are 60 s" in cluster.report()["message"]
    asked = Freshness(3600, "select max(at) from orders")
    cluster.answers = f"0 ok t\n1 ok {(datetime.now(UTC) - timedelta(hours=2)).timestamp()}"
    assert run(config, freshness=asked) == "stale"
    cluster.answers = f"0 ok t\n1 ok {datetime.now(UTC).timestamp()}"
    assert run(config, freshness=asked) == "ok"
    cluster.answers = "0 ok t\n1 ok "
    assert run(config, freshness=asked) == "check-failed", "an empty table has no newest row"


def test_when_nobody_can_tell_how_old_it_is_it_is_no_success(cluster: FakeCluster, config: Config) -> None:
    cluster.logs = [["nothing that is known"]]
    assert run(config) == "restore-failed"
    assert "nobody can tell how old it is" in cluster.report()["message"]


def test_a_recovery_that_fails_is_told_by_its_log(cluster: FakeCluster, config: Config) -> None:
    cluster.failed = True
    cluster.logs = [[json.dumps({"level": "error", "msg": "restore error", "error": "no target backup found"})]]
    assert run(config) == "no-backup"
    assert cluster.names("clusters") == []


def test_one_that_does_not_serve_in_time_is_timed_out(cluster: FakeCluster, config: Config) -> None:
    cluster.serves = False
    assert run(config, deadline=0) == "timed-out"
    assert "Setting up primary" in cluster.report()["message"]


def test_a_hole_in_the_archive_is_looked_at_twice(cluster: FakeCluster, config: Config) -> None:
    """Segments are archived several at a time: the first look may have come between two of them."""
    now = datetime.now(UTC)
    hole = restored(now, "0000000000000003", "0000000000000005")
    cluster.logs = [hole, restored(now, "0000000000000003", "0000000000000004", "0000000000000005")]
    assert run(config) == "ok"
    assert cluster.restored == 2
    cluster.logs, cluster.restored = [hole], 0
    assert run(config) == "missing-wal"
    assert "segment 0000000000000004 is not there" in cluster.report()["message"]
    assert cluster.names("clusters") == []


def test_while_another_run_gives_signs_nothing_is_touched(cluster: FakeCluster, config: Config) -> None:
    left_behind(cluster, "orders-from-a-rabc123")
    turn = iter(range(1, 1000))

    def renew() -> None:
        marks = {HOLDER: "another", RENEWED: str(next(turn))}
        cluster.put(REPORT, {"metadata": {"name": "orders-from-a-restore-check", "annotations": marks}})

    cluster.on_get = renew
    assert run(config) == "busy"
    assert cluster.names("clusters") == ["orders-from-a-rabc123"]
    assert not [method for method, _ in cluster.asked if method != "GET"]


def test_a_run_that_gives_no_sign_is_taken_over(cluster: FakeCluster, config: Config) -> None:
    marks = {HOLDER: "killed", RENEWED: "7"}
    cluster.put(REPORT, {"metadata": {"name": "orders-from-a-restore-check", "annotations": marks}})
    assert run(config) == "ok"


def test_a_process_that_is_told_to_end_removes_what_it_made(
    cluster: FakeCluster, config: Config, tmp_path: Path
) -> None:
    cluster.serves = False
    given = {**config.__dict__, "queries": [], "freshness": {"within": 60}, "cluster": dict(config.cluster)}
    (tmp_path / "check.json").write_text(json.dumps(given))
    command = [sys.executable, "-m", "hakit.verify.run", str(tmp_path / "check.json")]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **POD}, stdout=subprocess.DEVNULL) as process:
        ends = time.monotonic() + 120
        while not cluster.names("clusters") and time.monotonic() < ends:
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == CODES["interrupted"]
    assert cluster.names("clusters") == []
    assert cluster.report()["outcome"] == "interrupted"
