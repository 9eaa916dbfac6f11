"""How the command ends: folders it cannot write, streams that are full or gone, signals."""

import errno
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hakit import HakitError
from hakit.preview import check_folder, write_manifests
from hakit.preview.manifests import stack_files
from hakit.preview.objects import find_objects
from tests.unit.preview.conftest import Project, Write
from tests.unit.preview.test_preview_text import stack
from tests.unit.preview.test_preview_totals import resource

MARKS = "open('ran', 'w').close()\n"
SLEEPS = """
import os, subprocess, sys, time, pulumi
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(f"pid-{pulumi.get_stack()}", "w").write(f"{os.getpid()} {child.pid} ")
time.sleep(60)
"""
COMMAND = [sys.executable, "-m", "hakit.cli", "preview"]


@pytest.mark.parametrize("out", ["/proc/hakit-out", "/sys/a/b", "__main__.py/out", "loop"])
def test_an_impossible_folder_is_told_before_any_program_runs(write: Write, out: str):
    project = write(MARKS)
    (project.root / "loop").symlink_to("loop")
    ran = project.preview("--out", out)
    assert ran.code == 2
    assert "--out: " in ran.err
    assert "Traceback" not in ran.err
    assert out in ran.err or "given:   " in ran.err
    assert not (project.root / "ran").exists()


def test_a_folder_that_refuses_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> str:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(HakitError) as told:
        check_folder(tmp_path / "out")
    assert str(told.value) == (
        f"{tmp_path}/out: --out: the folder cannot be written: Read-only file system\n"
        "  do:      give a folder that you may create or replace, on a disk with space left"
    )


def test_a_folder_of_ours_that_may_not_be_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "out" / "dev").mkdir(parents=True)
    monkeypatch.setattr("os.access", lambda path, _: path.name != "dev")
    with pytest.raises(HakitError, match=r"out: --out: the folder cannot be written: it may not be changed"):
        check_folder(tmp_path / "out")


def test_checking_leaves_nothing_behind(tmp_path: Path):
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_is_told_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "out"
    one = resource("ConfigMap", "a", "v1")
    find_objects([one])
    write_manifests([stack(resources=[one])], out)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(HakitError, match=r"out: --out: the folder cannot be written: No space left on device"):
        write_manifests([stack(resources=[one])], out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "dev/shop/ConfigMap-a.yaml").is_file()


def test_a_namespace_that_is_only_a_guess_is_not_written():
    one = resource("ConfigMap", "a", "v1")
    one["inputs"]["metadata"] = {"name": "a"}
    find_objects([one])
    assert stack_files(stack(resources=[one])) == {
        "dev/default/ConfigMap-a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
    }


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_behind_standard_output_is_a_message(write: Write):
    project = write("")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(COMMAND, cwd=project.root, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == ["hakit: [Errno 28] No space left on device"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_an_error_that_cannot_even_be_printed_is_an_exit_code(tmp_path: Path):
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(COMMAND, cwd=tmp_path, stdout=full, stderr=full, check=False).returncode == 2


def test_nobody_who_reads_is_no_error(write: Write):
    project = write("")
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe:  # noqa: PTH123
        done = subprocess.run(COMMAND, cwd=project.root, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 141
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["dev"], "its progress, and no more"


def pids(project: Project, stacks: tuple[str, ...]) -> list[int]:
    """Of each stack's program and of what it started, once all of them run."""
    files = [project.root / f"pid-{name}" for name in stacks]
    for _ in range(600):
        texts = [file.read_text() if file.is_file() else "" for file in files]
        if all(text.endswith(" ") for text in texts):
            return [int(pid) for text in texts for pid in text.split()]
        time.sleep(0.1)
    raise AssertionError("the programs did not start")


def is_gone(pid: int) -> bool:
    for _ in range(30):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_that_stops_hakit_stops_its_programs(write: Write, number: signal.Signals, code: int):
    stacks = ("a", "b") if (os.cpu_count() or 1) > 1 else ("a",)
    project = write(SLEEPS, stacks)
    with subprocess.Popen(
        COMMAND,
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests by nohup ignores SIGHUP, and so would all that they start.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509
    ) as hakit:
        running = pids(project, stacks)
        hakit.send_signal(number)
        out, err = hakit.communicate(timeout=60)
    assert (hakit.returncode, out, err) == (code, b"", b"")
    assert len(running) == 2 * len(stacks)
    assert [pid for pid in running if not is_gone(pid)] == []


def test_ctrl_c_ends_the_live_line_and_says_so(write: Write):
    project = write(SLEEPS, ("a",))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        COMMAND,
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as hakit:
        running = pids(project, ("a",))
        hakit.send_signal(signal.SIGINT)
        assert hakit.wait(timeout=60) == 130
    os.close(theirs)
    assert os.read(ours, 1000) == b"\r\x1b[Krunning a\r\ninterrupted\r\n"
    os.close(ours)
    assert [pid for pid in running if not is_gone(pid)] == []


def test_the_end_of_a_long_output_is_there(write: Write):
    project = write("for number in range(2500): print(number)\nraise ValueError('the cause')\n")
    output = project.run().stack("dev")["output"]
    assert output[998:1003] == ["998", "999", "... 500 lines left out ...", "1500", "1501"]
    assert output[-1] == "2499"
