"""One operator at a time: a lease that ends by itself when nobody renews it.

The holder renews it while it runs. Another one who finds it renewed is refused. What is left behind by a dead process
is taken over: at once when the process was one of this machine and is gone; otherwise when the lease is over and was
seen not to be renewed for some seconds, because clocks of two machines may differ by more than a lease.
"""

import getpass
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hakit.errors import HakitError
from hakit.operate.store import AwayError, OvertakenError, Store

#: Seconds for which a lease holds, and after which it is renewed.
LEASE, RENEWED = 15.0, 3.0
#: Seconds for which a lease that is over is watched before it is taken: two renewals would have been seen.
WATCHED = 2 * RENEWED + 1


class LostError(Exception):
    """The lease is no longer this process's: nothing may be done any more."""


def owner() -> dict[str, Any]:
    """This process, so that others can tell whom to ask, and this machine whether it still runs."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return {"user": user, "host": socket.gethostname(), "pid": os.getpid(), "began": _began(os.getpid())}


def _began(pid: int) -> str:
    """When a process began, as Linux counts: a number that was given out again is another process. Empty: unknown."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    return ""


def _is_gone(who: dict[str, Any]) -> bool:
    """Whether the owner was a process of this machine that does not run any more."""
    if who.get("host") != socket.gethostname() or not isinstance(who.get("pid"), int):
        return False
    try:
        os.kill(who["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(who.get("began")) and _began(who["pid"]) != who["began"]


@dataclass
class Lease:
    """The lease of one pair; use it as a context manager.

    Args:
        store: where it stands.
        name: of its document.
        doing: what for, in words that another operator reads.
        now: seconds since 1970; `monotonic` those of a clock that only rises; `sleep` waits. For tests.

    Raises:
        HakitError: on entering: another operator holds it, with who, what for and until when.
        AwayError: on entering: the store cannot be reached.
    """

    store: Store
    name: str
    doing: str
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    _tag: str = ""
    _renewed: float = 0.0
    _lost: str = ""
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        content, tag = self.store.read(self.name)
        held = _read(content)
        if held:
            self._take_over(held, tag)
        try:
            self._write(tag)
        except OvertakenError:
            raise self._held(_read(self.store.read(self.name)[0])) from None
        self._thread = threading.Thread(target=self._renew, name="hakit-lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        if not self._lost:
            with suppress(OvertakenError, AwayError):
                self.store.write(self.name, b"{}", self._tag)

    def check(self) -> None:
        """Called before every effect.

        Raises:
            LostError: another operator has it, or it could not be renewed in time, so that another one may have it.
        """
        if self._lost:
            raise LostError(self._lost)
        if self.monotonic() - self._renewed > LEASE:
            raise LostError(f"the lease in {self.store.where} could not be renewed in time")

    def _take_over(self, held: dict[str, Any], tag: str) -> None:
        """Returns when the lease was left behind. Raises HakitError when somebody may still hold it."""
        if _is_gone(held.get("owner", {})):
            return
        if self.now() < float(held.get("until", 0)):
            raise self._held(held)
        ends = self.monotonic() + WATCHED
        while self.monotonic() < ends:
            self.sleep(0.5)
            content, newer = self.store.read(self.name)
            if newer != tag:
                raise self._held(_read(content))

    def _held(self, held: dict[str, Any]) -> HakitError:
        who = held.get("owner", {})
        return HakitError(
            "another operator is at work on this pair",
            where=self.store.where,
            given=f"{who.get('user', 'somebody')} on {who.get('host', 'some machine')}, process {who.get('pid', '?')}: "
            f"{held.get('doing', 'an operation')}",
            do=f"wait for it; if that process is dead its lease ends by itself, {LEASE:g} s after its last renewal",
        )

    def _write(self, tag: str) -> None:
        began = self.monotonic()
        content = {"mark": self._mark, "owner": owner(), "doing": self.doing, "until": self.now() + LEASE}
        self._tag = self.store.write(self.name, json.dumps(content).encode(), tag)
        self._renewed = began

    def _renew(self) -> None:
        while not self._end.wait(RENEWED):
            try:
                self._write(self._tag)
            except OvertakenError:
                # A write whose answer was lost is this process's own.
                try:
                    content, tag = self.store.read(self.name)
                except AwayError:
                    continue
                if _read(content).get("mark") != self._mark:
                    self._lost = "another operator has taken over"
                    return
                self._tag = tag
            except AwayError:
                continue  # `check` counts the seconds


def _read(content: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(content or b"{}")
        return found if isinstance(found, dict) else {}
    return {}
