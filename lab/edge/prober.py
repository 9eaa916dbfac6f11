"""Health monitors: real requests to every endpoint, and what a pool's endpoints are worth by them.

Pages of developers.cloudflare.com: load-balancing/monitors and load-balancing/monitors/create-monitor. One request
stands for the three data centers of every region that checks, which see the same in a lab: majorities are not played.
"""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from lab.edge.account import MONITOR, POOL, Account, Inputs
from lab.edge.asking import Clock, Network, Request, UnreachableError, redirected
from lab.edge.steering import Endpoint

#: How many redirects a monitor follows is not documented.
_REDIRECTS = 5
#: dynamic-steering: «an exponential weighted moving average», of a weight that is not documented.
_NEW_SHARE = 0.3
_IDLE_SECONDS = 1.0
#: Real ones, between two looks for new endpoints.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Outcome:
    healthy: bool
    reason: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Change:
    """An endpoint became healthy or unhealthy, at a simulated second."""

    at: float
    endpoint: Endpoint
    healthy: bool
    reason: str


@dataclass
class Standing:
    """What is known of an endpoint: None until the first verdict. The streak counts equal outcomes, the last of which
    came at a simulated second."""

    healthy: bool | None = None
    streak: int = 0
    last: bool | None = None
    at: float = 0.0
    round_trip: float | None = None

    def take(self, outcome: Outcome, up: int, down: int) -> bool:
        """Count an outcome; whether the verdict changed. «Monitored endpoints must pass this health monitor request
        the consecutive number of times specified in these parameters» (create-monitor)."""
        self.streak = self.streak + 1 if outcome.healthy == self.last else 1
        self.last = outcome.healthy
        enough = self.streak >= max(1, up if outcome.healthy else down)
        changed = enough and self.healthy != outcome.healthy
        if changed:
            self.healthy = outcome.healthy
        return changed


def probe(network: Network, monitor: Inputs, origin: Inputs, clock: Clock) -> Outcome:
    """One health monitor request, with its retries: «The health monitor request will return unhealthy if it exceeds the
    duration specified in Timeout (and exceeds this duration more times than the specified number of Retries)», and
    «retries are attempted immediately» (provider)."""
    timeout = clock.real(float(monitor.get("timeout", 5)))
    reason = ""
    for _ in range(int(monitor.get("retries", 2)) + 1):
        began = time.monotonic()
        try:
            reason = _once(network, monitor, _first_request(monitor, origin), timeout)
        except UnreachableError as error:
            if not error.timed_out:
                return Outcome(False, error.reason)
            reason = error.reason
            continue
        return Outcome(not reason, reason, time.monotonic() - began)
    return Outcome(False, reason)


def _first_request(monitor: Inputs, origin: Inputs) -> Request:
    headers = {name: values[0] for name, values in monitor.get("header", {}).items() if values}
    own = next((value for name, value in headers.items() if name.lower() == "host"), None)
    override = next(iter(origin.get("header", {}).get("hosts", [])), None)
    return Request(
        scheme=monitor.get("type", "http").lower(),
        address=origin["address"],
        port=int(monitor.get("port") or origin.get("port") or 0),
        # «The host header configured on the endpoint takes precedence», and without any it is the address (monitors,
        # #host-header-prioritization).
        host=override or own or origin["address"],
        path=monitor.get("path") or "/",
        method=monitor.get("method") or "GET",
        headers={name: value for name, value in headers.items() if name.lower() != "host"},
        verify=not monitor.get("allowInsecure"),
    )


def _once(network: Network, monitor: Inputs, request: Request, timeout: float) -> str:
    """Why a reply is no success; empty when it is one."""
    if request.scheme == "tcp":
        network.open(Request("http", request.address, request.port, request.host), timeout).close()
        return ""
    reply = network.ask(request, connect=timeout, read=timeout)
    for _ in range(_REDIRECTS):
        if not (monitor.get("followRedirects") and reply.status in (301, 302, 303, 307, 308)):
            break
        request = redirected(request, reply.headers.get("Location", ""))
        reply = network.ask(request, connect=timeout, read=timeout)
    if not _expected(reply.status, monitor.get("expectedCodes") or "200"):
        return f"response code mismatch error: {reply.status}"
    wanted = monitor.get("expectedBody", "")
    if wanted.lower() not in reply.body.decode(errors="replace").lower():  # «a case-insensitive substring»
        return "response body mismatch error"
    return ""


def _expected(status: int, codes: str) -> bool:
    """`200`, `200,302` or `2xx` (create-monitor)."""
    listed = [code.strip() for code in codes.split(",")]
    return str(status) in listed or f"{status // 100}xx" in listed


@dataclass
class Prober:
    """Asks the endpoints of an account's monitored pools until the block ends. The account is read before each
    request: what changes there takes effect with the next."""

    account: Account
    network: Network
    clock: Clock
    standings: dict[Endpoint, Standing] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._watched: dict[Endpoint, threading.Thread] = {}
        self._look_for_new()
        self._looking = threading.Thread(target=self._look, name="probe new endpoints", daemon=True)
        self._looking.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._over.set()
        for thread in (self._looking, *self._watched.values()):
            thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self._look_for_new()

    def _look_for_new(self) -> None:
        """A thread for each endpoint, which ends when the endpoint is gone."""
        for endpoint in self._endpoints():
            if endpoint not in self._watched or not self._watched[endpoint].is_alive():
                thread = threading.Thread(target=self._watch, args=endpoint, name=f"probe {endpoint[1]}", daemon=True)
                self._watched[endpoint] = thread
                thread.start()

    def health(self) -> dict[Endpoint, bool | None]:
        return {endpoint: standing.healthy for endpoint, standing in list(self.standings.items())}

    def round_trips(self) -> dict[str, float]:
        """Real seconds by pool, where they are known."""
        found = {endpoint[0]: standing.round_trip for endpoint, standing in list(self.standings.items())}
        return {pool: seconds for pool, seconds in found.items() if seconds is not None}

    def _endpoints(self) -> list[Endpoint]:
        pools = self.account.objects[POOL].items()
        return [(identity, origin["name"]) for identity, pool in pools for origin in pool["origins"]]

    def _watch(self, identity: str, name: str) -> None:
        endpoint = (identity, name)
        while not self._over.is_set() and endpoint in self._endpoints():
            began = self.clock.now()
            wait = _IDLE_SECONDS
            pool = self.account.objects[POOL].get(identity, {})
            origin = next((each for each in pool.get("origins", []) if each["name"] == name), {"enabled": False})
            monitor = self.account.objects[MONITOR].get(pool.get("monitor", ""))
            # «Excluded from health checks» (provider: enabled), of a pool and of an origin.
            if monitor and pool.get("enabled", True) and origin.get("enabled", True):
                self._ask(endpoint, monitor, origin)
                wait = began + monitor.get("interval", 60) - self.clock.now()
            else:
                self.standings.pop(endpoint, None)
            self._over.wait(max(0.0, self.clock.real(wait)))
        self.standings.pop(endpoint, None)

    def _ask(self, endpoint: Endpoint, monitor: Inputs, origin: Inputs) -> None:
        outcome = probe(self.network, monitor, origin, self.clock)
        standing = self.standings.setdefault(endpoint, Standing())
        standing.at = self.clock.now()
        if outcome.healthy:
            before = outcome.seconds if standing.round_trip is None else standing.round_trip
            standing.round_trip = before + _NEW_SHARE * (outcome.seconds - before)
        if standing.take(outcome, int(monitor.get("consecutiveUp", 1)), int(monitor.get("consecutiveDown", 1))):
            self.changes.append(Change(self.clock.now(), endpoint, outcome.healthy, outcome.reason))
