"""What users get while an operation is under way: one URL asked again and again, and each region past the balancer."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

#: Seconds until an answer counts as none: a user's patience, and a bound on the clock's resolution.
PATIENCE = 3.0


@dataclass(frozen=True)
class Answer:
    """One answer. `status` is None for none, and `problem` says why."""

    status: int | None
    problem: str = ""

    @property
    def good(self) -> bool:
        return self.status is not None and 200 <= self.status < 400


def get(url: str, at: str = "", *, seconds: float = PATIENCE) -> Answer:
    """Ask a URL once, on a connection of its own.

    Args:
        url: http or https. Its host is what is asked for and whose certificate must be valid.
        at: `host` or `host:port` to connect to instead: a region, past the load balancer.
        seconds: for connecting, and again for the answer.
    """
    parts = urlsplit(url)
    place = urlsplit(f"//{at or parts.netloc}")
    port = place.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((place.hostname or "", port), timeout=seconds) as plain:
            connection = http.client.HTTPConnection(parts.netloc, timeout=seconds)
            connection.sock = _secured(plain, parts.hostname or "") if parts.scheme == "https" else plain
            query = f"?{parts.query}" if parts.query else ""
            connection.request("GET", f"{parts.path or '/'}{query}", headers={"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return Answer(answer.status)
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, str(error) or type(error).__name__)


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


@dataclass
class Prober:
    """Asks a URL until it is stopped."""

    url: str
    every: float = 0.2
    answers: list[tuple[float, Answer]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            answer = get(self.url)
            self.answers.append((time.monotonic(), answer))
            self._stop.wait(self.every)


def without_answers(answers: list[tuple[float, Answer]]) -> tuple[float, int]:
    """The longest time between two good answers, and how many others there were. Pure."""
    good = [moment for moment, answer in answers if answer.good]
    bad = len(answers) - len(good)
    ends = [*good, *([answers[-1][0]] if answers else [])]
    return max((after - before for before, after in pairwise(ends)), default=0.0), bad


def origins(regions: Mapping[str, str], url: str, active: set[str]) -> dict[str, str]:
    """What is wrong with each region's own answer, past the load balancer; nothing where it is as it should be.

    Args:
        regions: `host` or `host:port` by region.
        url: what users ask for; true only where a region can serve in its role.
        active: regions that must say so; every other one must not.
    """
    wrong = {}
    for region, at in regions.items():
        answer = get(url, at)
        told = answer.status if answer.status is not None else f"no answer: {answer.problem}"
        if region in active and not answer.good:
            wrong[region] = f"{region} is active and answers {told}"
        elif region not in active and answer.good:
            wrong[region] = (
                f"{region} is a standby and answers {told}: a failover of the balancer would send users to it"
            )
    return wrong
