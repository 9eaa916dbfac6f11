"""Origins for tests: a process each, on loopback, that can be stopped, killed and made unready."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class Origin:
    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._unready = process, folder / "ready"
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    def stop(self) -> None:
        """It answers no more; its port still takes connections, as those of a machine that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Its port refuses connections from now on."""
        self._process.kill()
        self._process.wait()

    def ready(self, is_so: bool) -> None:
        if is_so:
            self._unready.unlink()
        else:
            self._unready.touch()


@contextlib.contextmanager
def origins(names: Sequence[str], host: str) -> Iterator[dict[str, Origin]]:
    """One origin for each name, which answers for one host name and says its own."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made: dict[str, Origin] = {}
        for name in names:
            (folder / name).mkdir()
            command = [sys.executable, "-m", "lab.edge.origin", name, "127.0.0.1", "0", host, str(folder / name)]
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            made[name] = Origin(process, folder / name)
        yield made
