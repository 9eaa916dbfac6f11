"""Clients that keep asking, and what they saw."""

import http.client
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from lab.edge.asking import Clock


@dataclass(frozen=True)
class Visit:
    """One request: when it began and ended in simulated seconds, and the pool that answered it, or the error."""

    host: str
    region: str
    began: float
    ended: float
    pool: str
    error: str
    why: str


@dataclass
class Users:
    """One client for each host name and region, until the block ends.

    They start one after the other. Each asks once in `every` simulated seconds, waits at most `patience` for an answer,
    and keeps its cookie.
    """

    port: int
    clock: Clock
    wanted: Iterable[tuple[str, str]]
    every: float = 2.0
    patience: float = 5.0
    visits: list[Visit] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        wanted = list(self.wanted)
        self._threads = [
            threading.Thread(target=self._run, args=(*each, self.every * number / len(wanted)), daemon=True)
            for number, each in enumerate(wanted)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, host: str, region: str, late: float) -> None:
        cookie = ""
        self._over.wait(self.clock.real(late))
        while not self._over.is_set():
            began = self.clock.now()
            headers = {"Host": host, "X-Lab-Region": region, **({"Cookie": cookie} if cookie else {})}
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.clock.real(self.patience))
            try:
                connection.request("GET", "/", headers=headers)
                reply = connection.getresponse()
                reply.read()
                cookie = (reply.getheader("Set-Cookie") or cookie).partition(";")[0]
                error = "" if reply.status == 200 else str(reply.status)
                pool, why = reply.getheader("X-Lab-Pool", ""), reply.getheader("X-Lab-Why", "")
            except (OSError, http.client.HTTPException) as problem:
                error, pool, why = type(problem).__name__, "", ""
            finally:
                connection.close()
            self.visits.append(Visit(host, region, began, self.clock.now(), pool, error, why))
            self._over.wait(max(0.0, self.clock.real(began + self.every - self.clock.now())))

    def of(self, host: str, region: str, since: float = 0.0, until: float = float("inf")) -> list[Visit]:
        """One client's requests that began within a span."""
        visits = [each for each in list(self.visits) if (each.host, each.region) == (host, region)]
        return [each for each in visits if since <= each.began < until]


def served_by(visits: Iterable[Visit]) -> dict[str, int]:
    """How many requests each pool answered; errors count under `error`."""
    return dict(Counter("error" if each.error else each.pool for each in visits))


def outage(visits: Iterable[Visit], cut: float) -> float:
    """Seconds from the cut to the end of the last request that failed; 0 when none did."""
    return max((each.ended - cut for each in visits if each.error), default=0.0)
