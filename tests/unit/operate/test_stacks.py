"""`pulumi up` as an operation runs it, with a program of that name that plays what Pulumi says."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.operate.stacks import pulumi_up

#: What Pulumi 3.250 says of a lock, pkg/backend/diy/lock.go.
LOCKED = """\
error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock \
file with `pulumi cancel`.
  file:///state/.pulumi/locks/1.json: created by root@{host} (pid {pid}) at 2026-01-01T00:00:00Z
"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder: `said` is what `up` says, with the exit code in `code`; `cancel` takes both away."""
    program = tmp_path / "pulumi"
    program.write_text(
        f'#!/bin/sh\ncd {tmp_path}\necho "$*" >> asked\n'
        'if [ "$1" = cancel ]; then rm -f said code; exit 0; fi\n'
        '[ -f said ] && cat said\n[ -f code ] && exit "$(cat code)"\nexit 0\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def says(played: Path, text: str) -> None:
    (played / "said").write_text(text)
    (played / "code").write_text("255")


def asked(played: Path) -> list[str]:
    return [line.split(" --stack")[0] for line in (played / "asked").read_text().splitlines()]


def test_an_update_asks_nobody_and_previews_nothing(played: Path) -> None:
    pulumi_up(played)("prod-a", 60)
    assert (played / "asked").read_text() == "up --stack prod-a --yes --skip-preview --non-interactive\n"


def test_the_lock_of_a_dead_process_of_this_machine_is_taken_away(played: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    says(played, LOCKED.format(host=socket.gethostname(), pid=gone.pid))
    pulumi_up(played)("prod-a", 60)
    assert asked(played) == ["up", "cancel", "up"]


@pytest.mark.parametrize(
    ("host", "pid"), [(socket.gethostname(), os.getpid()), ("laptop-of-ann", 4711)], ids=["alive-here", "elsewhere"]
)
def test_the_lock_of_anybody_else_is_never_taken_away(played: Path, host: str, pid: int) -> None:
    says(played, LOCKED.format(host=host, pid=pid))
    with pytest.raises(HakitError, match="currently locked by"):
        pulumi_up(played)("prod-a", 1.5)
    assert "cancel" not in asked(played)


def test_what_pulumi_says_is_told(played: Path) -> None:
    says(played, "Updating\nerror: preview failed\n  kubernetes:core/v1:Service (a): error: 422 Invalid\nDone\n")
    with pytest.raises(HakitError) as failed:
        pulumi_up(played)("prod-a", 60)
    assert failed.value.what == "`pulumi up` of stack prod-a failed"
    assert failed.value.given == "error: preview failed; kubernetes:core/v1:Service (a): error: 422 Invalid"


def test_a_release_that_was_left_half_way_is_named_with_the_way_out(played: Path) -> None:
    says(played, "error: another operation (install/upgrade/rollback) is in progress\n")
    with pytest.raises(HakitError, match="roll the release back"):
        pulumi_up(played)("prod-a", 60)
    assert asked(played) == ["up"], "nothing is done to it"


def test_without_pulumi_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HakitError, match="there is no pulumi to update stacks with"):
        pulumi_up(tmp_path)("prod-a", 60)
