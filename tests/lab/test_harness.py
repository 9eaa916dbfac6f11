"""The lab itself: what it cleans up, what it never touches, and what its messages say."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.harness import LabError, LabRegion, NotWithinError, wait_for
from lab.harness.processes import Processes, started_at, sweep

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]


def _gone(pid: int) -> bool:
    return started_at(pid) is None


def _leave_behind(state: Path, process: list[object]) -> Path:
    """What a lab leaves whose own process was killed: a record with an owner that is not there any more."""
    folder = state / "crashed"
    folder.mkdir(parents=True)
    record = {"owner": [2**22 - 1, "1"], "processes": {"etcd": process}}
    (folder / "processes.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_what_a_crash_left_is_ended_and_removed(tmp_path: Path):
    with subprocess.Popen(["sleep", "60"]) as left:
        folder = _leave_behind(tmp_path, [left.pid, started_at(left.pid)])
        assert sweep(tmp_path) == ["crashed/etcd"]
        assert left.wait(10) == -signal.SIGKILL
    assert not folder.exists()


def test_a_process_that_only_has_the_same_id_is_left_alone(tmp_path: Path):
    with subprocess.Popen(["sleep", "60"]) as foreign:
        _leave_behind(tmp_path, [foreign.pid, "another moment"])
        assert sweep(tmp_path) == []
        assert foreign.poll() is None, "an id alone proves nothing"
        foreign.kill()


def test_a_lab_whose_owner_lives_is_left_alone(tmp_path: Path):
    lab = Processes(tmp_path / "mine")
    lab.start("sleeping", ["sleep", "60"])
    assert sweep(tmp_path) == []
    lab.check("sleeping")  # it runs
    lab.close(keep_logs=False)


def test_a_lab_that_ends_while_another_sweeps_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two workers of one test run: the sweep has seen the record, and its owner removes it before it is read."""
    other = Processes(tmp_path / "other")
    read = Path.read_text

    def ends_first(path: Path, *args: str, **options: str) -> str:
        if path.name == "processes.json":
            other.close(keep_logs=False)
        return read(path, *args, **options)

    monkeypatch.setattr(Path, "read_text", ends_first)
    assert sweep(tmp_path) == []


def test_closing_ends_every_process_and_keeps_only_logs_that_are_asked_for(tmp_path: Path):
    lab = Processes(tmp_path / "mine")
    lab.start("saying", ["sh", "-c", "echo $$; exec sleep 60"])
    log = tmp_path / "mine" / "logs" / "saying.log"
    pid = int(wait_for("its id", lambda: log.read_text(encoding="utf-8")))
    lab.close(keep_logs=True)
    assert _gone(pid)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert (tmp_path / "logs" / "mine" / "saying.log").read_text(encoding="utf-8") == f"{pid}\n"


def test_a_program_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path):
    lab = Processes(tmp_path / "mine")
    lab.start("failing", ["sh", "-c", "echo no such flag >&2; exit 3"])
    with pytest.raises(LabError, match=r"failing ended with 3[\s\S]*no such flag"):
        wait_for("its end", lambda: lab.check("failing"))
    lab.close(keep_logs=False)


def test_a_wait_that_fails_says_what_was_seen_last():
    with pytest.raises(NotWithinError, match=r"three pods: not within 0.1 s; last seen: \['a'\]"):
        wait_for("three pods", lambda: ["a"], lambda found: len(found) == 3, seconds=0.1, every=0.01)


def test_a_region_whose_owner_is_killed_outright_is_swept_by_the_next_one(region: LabRegion):
    """The whole way: a second Python makes a region and is killed in the middle of it."""
    program = (
        "import time\nfrom lab.harness import LabRegion\n"
        "with LabRegion('crashing', zones=['a'], hosts=1) as region:\n"
        "    print(region._processes.folder, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        record = json.loads((folder / "processes.json").read_text(encoding="utf-8"))
        pids = [pid for pid, _ in record["processes"].values()]
        assert len(pids) == 5, "etcd, API server, controllers, scheduler, kubelets of one zone"
        other.kill()
    # Another worker of this very run may have been first to sweep.
    sweep(folder.parent)
    deadline = time.monotonic() + 10
    while not all(_gone(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert all(_gone(pid) for pid in pids)
    assert not folder.exists()
    assert region.client.is_ready(), "the region of this test is not swept: its owner lives"


def test_a_control_plane_that_was_killed_comes_back_with_all_it_knew(region: LabRegion, namespace: str):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "known"}, "data": {"a": "1"}}
    region.apply([config], namespace)
    region.kill()
    assert not region.client.is_ready()
    region.restore()
    assert region.client.get("v1", "ConfigMap", "known", namespace)["data"] == {"a": "1"}


@pytest.mark.long
def test_a_lost_zone_comes_back_with_its_pods_ready(region: LabRegion):
    region.lose_zone("b")
    assert region.nodes("b", ready=True) == []
    assert len(region.nodes(ready=True)) == 4
    region.restore_zone("b")
    assert len(region.nodes(ready=True)) == 6
