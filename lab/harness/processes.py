"""The processes of a lab: started, remembered on disk, and ended, also by the run after a crash.

A process id alone proves nothing, since it may belong to another program by now. With each id goes the moment at which
its process started; both must fit before a signal is sent.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_RECORD = "processes.json"
_KEPT_LOGS = 5


class LabError(Exception):
    """A part of the lab did not start, or died."""


def started_at(pid: int) -> str | None:
    """The moment at which a process started, in whatever form this system tells it; None when there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # Field 22, counted after the command, which stands in brackets and may hold spaces (proc(5)).
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    asked = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or None


@dataclass
class _Running:
    pid: int
    started: str
    process: subprocess.Popen[bytes]


class Processes:
    """What one lab has started. `folder` holds the record, and the logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self._running: dict[str, _Running] = {}
        self._record()

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Start a program in a session of its own, so that a Ctrl-C in the terminal is for us to handle."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._running[name] = _Running(process.pid, started_at(process.pid) or "", process)
        self._record()

    def id(self, name: str) -> int:
        return self._running[name].pid

    def names(self) -> list[str]:
        return list(self._running)

    def check(self, name: str) -> None:
        """Raises LabError, with the end of its log, when a program has ended by itself."""
        code = self._running[name].process.poll()
        if code is not None:
            raise LabError(f"{name} ended with {code}. The end of {self.logs / name}.log:\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 15) -> str:
        path = self.logs / f"{name}.log"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, *names: str, patience: float = 0) -> None:
        """End programs: at once, or politely first and at once after `patience` seconds."""
        ending = [self._running[name] for name in names if name in self._running]
        if patience:
            for each in ending:
                each.process.terminate()
        deadline = time.monotonic() + patience
        for each in ending:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.process.wait(max(0.0, deadline - time.monotonic()))
            each.process.kill()
            each.process.wait()
        self._running = {name: each for name, each in self._running.items() if name not in names}
        self._record()

    def close(self, *, keep_logs: bool) -> None:
        """End everything and remove what it wrote; its logs are kept when asked for. A second call does nothing."""
        if not self.folder.exists():
            return
        self.stop(*self._running)
        if keep_logs and self.logs.is_dir():
            kept = kept_logs(self.folder)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(kept, ignore_errors=True)
            self.logs.rename(kept)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _record(self) -> None:
        mine = os.getpid()
        record = {
            "owner": [mine, started_at(mine)],
            "processes": {name: [each.pid, each.started] for name, each in self._running.items()},
        }
        draft = self.folder / f".{_RECORD}"
        draft.write_text(json.dumps(record), encoding="utf-8")
        draft.replace(self.folder / _RECORD)


def kept_logs(folder: Path) -> Path:
    """Where the logs of a lab in `folder` are after a failure."""
    return folder.parent / "logs" / folder.name


@contextlib.contextmanager
def _alone(state: Path) -> Generator[None]:
    state.mkdir(parents=True, exist_ok=True)
    with (state / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep(state: Path) -> list[str]:
    """End what labs left behind whose own process is gone, and forget all but the latest logs.

    Returns:
        The names of the programs that were ended.
    """
    ended: list[str] = []
    with _alone(state):
        for path in sorted(state.glob(f"*/{_RECORD}")):
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue  # its owner lives, and has ended it this moment
            if is_running(record["owner"]):
                continue
            for name, process in record["processes"].items():
                if is_running(process):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process[0], signal.SIGKILL)
                    ended.append(f"{path.parent.name}/{name}")
            shutil.rmtree(path.parent, ignore_errors=True)
        logs = sorted((state / "logs").glob("*"), key=_age)
        for folder in logs[:-_KEPT_LOGS]:
            shutil.rmtree(folder, ignore_errors=True)
    return ended


def _age(folder: Path) -> float:
    """When it was last written to; 0 when another run has just removed it."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def is_running(process: Sequence[object]) -> bool:
    """Whether the process of this id is still the one that was started then."""
    pid, started = process
    return isinstance(pid, int) and bool(started) and started_at(pid) == started
