"""Starting a child process for one stack.

On Linux the parent imports Pulumi once and forks: importing it is most of what a small program costs, and four stacks
on two processors would pay it twice over. Nothing that dislikes a fork is loaded at that point (no thread, no gRPC
channel, no Helm engine). Elsewhere each child is a fresh interpreter, and so it is in a process that has more than one
thread: whoever calls `preview` from a program of their own may have used Helm before, and a fork of Go aborts.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from hakit.preview.stopping import STOPPING


class Forked:
    """A forked child, as far as it is used like a `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; of a child that a signal ended, the signal's number below zero.

        Raises:
            subprocess.TimeoutExpired: it runs still.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            pid, status = os.waitpid(self.pid, 0 if deadline is None else os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("hakit preview", timeout or 0)
            else:
                time.sleep(0.01)
        return self.returncode


def start(descriptor: int) -> "Forked | subprocess.Popen[bytes]":
    """A child that talks over `descriptor`, in a process group of its own so that all it starts can be stopped."""
    if sys.platform != "linux" or _has_other_threads():
        return subprocess.Popen(
            # -P: no folder of the current directory may stand in for a module of ours.
            [sys.executable, "-P", "-m", "hakit.preview.worker", str(descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,
        )
    from hakit.preview import worker

    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Forked(pid)
    try:
        _become_the_child(descriptor)
        worker.main(descriptor)
    finally:
        # Never back into the parent's code: its cleanup would end its other children.
        os._exit(1)


def _has_other_threads() -> bool:
    """Threads of Python and of libraries."""
    return len(os.listdir("/proc/self/task")) > 1  # noqa: PTH208  names alone are counted


def _become_the_child(descriptor: int) -> None:
    # The parent's handlers are about its children; the worker sets its own.
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    # The parent's ends of its other children's connections: held open here, their end would not be noticed.
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
    # What -P does for a fresh interpreter: a module beside whoever runs hakit is not the program's.
    if sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109
        sys.path.pop(0)
