"""`pulumi up` of one stack, as a person would run it; what an update that died has left behind is recognised.

docs/interrupted.md says what each of it means, and what a person would do.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from hakit.errors import HakitError

#: Seconds for which a stack that somebody else updates is waited for, and between two tries.
WAITED, AGAIN = 120.0, 1.0
#: What Pulumi says of a lock (pulumi 3.250, pkg/backend/diy/lock.go).
_LOCKED = "the stack is currently locked by"
_OWNER = re.compile(r"created by \S*@(\S+) \(pid (\d+)\)")
#: What Helm says of a release whose update died; docs/interrupted.md.
_HALF = "another operation (install/upgrade/rollback) is in progress"

Update = Callable[[str, float], None]


def pulumi_up(folder: Path) -> Update:
    """`pulumi up` of a project's stacks, by the program on PATH.

    The answer raises HakitError when an update fails, or took longer than it may.
    """

    def update(stack: str, seconds: float) -> None:
        ends = time.monotonic() + seconds
        waits = time.monotonic() + WAITED
        words = ["up", "--stack", stack, "--yes", "--skip-preview", "--non-interactive"]
        code, said = _pulumi(folder, words, ends)
        while code and _LOCKED in said and time.monotonic() < min(ends, waits):
            if _was_left_behind(said):
                _pulumi(folder, ["cancel", "--stack", stack, "--yes", "--non-interactive"], ends)
            else:
                time.sleep(AGAIN)
            code, said = _pulumi(folder, words, ends)
        if code:
            raise _failed(stack, said)

    return update


def _pulumi(folder: Path, words: Sequence[str], ends: float) -> tuple[int, str]:
    try:
        process = subprocess.Popen(
            ["pulumi", *words],
            cwd=folder,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise HakitError("there is no pulumi to update stacks with", where="PATH", given=error.strerror) from None
    try:
        said, _ = process.communicate(timeout=max(ends - time.monotonic(), 1))
    except subprocess.TimeoutExpired:
        _interrupt(process)
        return 1, "it took too long, and was stopped"
    except BaseException:  # Ctrl-C: Pulumi ends in its own way, and leaves no lock
        _interrupt(process)
        raise
    return process.returncode, said


def _interrupt(process: "subprocess.Popen[str]") -> None:
    """As Ctrl-C does: Pulumi ends what it is doing, and gives its lock back. What does not listen is killed."""
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=patience)
            return


def _was_left_behind(said: str) -> bool:
    """Whether every owner of a lock was a process of this machine that does not run any more."""
    owners = _OWNER.findall(said)
    return bool(owners) and all(host == socket.gethostname() and not _runs(int(pid)) for host, pid in owners)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _failed(stack: str, said: str) -> HakitError:
    lines = [line.strip() for line in said.splitlines() if "error:" in line] or said.strip().splitlines()[-1:]
    if _HALF in said:
        do = 'roll the release back: docs/interrupted.md, "The engine died in the middle of a release"'
    elif _LOCKED in said:
        do = "wait for the other update; if its process is dead: docs/interrupted.md"
    else:
        do = f"mend it, and run the command again; or: pulumi up --stack {stack}"
    return HakitError(f"`pulumi up` of stack {stack} failed", given="; ".join(lines)[:600] or None, do=do)
