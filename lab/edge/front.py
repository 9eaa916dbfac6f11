"""The edge: an HTTP server that answers for an account's proxied load balancers, and says who served.

A client names its region in `X-Lab-Region`; the answer names the pool, the endpoint and why in `X-Lab-Pool`,
`X-Lab-Origin` and `X-Lab-Why`. Errors have the numbers of Cloudflare's proxy.
"""

import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from lab.edge.account import BALANCER, POOL, REGIONS, Inputs
from lab.edge.asking import Network, Reply, Request, UnreachableError
from lab.edge.prober import Prober
from lab.edge.steering import Answer, Client, Endpoint, State, resolve, retry

#: Seconds (fundamentals/reference/connection-limits): to complete a TCP connection, and for a reply. The page of error
#: 524 says 120 for the second.
_CONNECT, _READ = 19, 100
#: adaptive-routing: «no other error codes will trigger a zero-downtime failover operation».
_RETRIED = (521, 522, 523, 525, 526)
_COOKIE = "__cflb"


class Front:
    """Serves on a loopback port until the block ends.

    Args:
        prober: whose account and health it steers by.
        scheme: `http` or `https`, to the origins.
        places: for proximity steering, where a region's data centers are.
        seed: of the requests' random numbers.
    """

    def __init__(
        self,
        prober: Prober,
        network: Network,
        *,
        scheme: str = "http",
        places: dict[str, tuple[float, float]] | None = None,
        seed: int = 0,
    ) -> None:
        self._prober, self._network, self._scheme, self._places = prober, network, scheme, places or {}
        self._random, self._lock = random.Random(seed), threading.Lock()  # noqa: S311  not for secrets
        self._busy: Counter[str | Endpoint] = Counter()
        self._disabled_since: dict[Endpoint, float] = {}
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                front.handle(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Serve one request of a client."""
        name = request.headers.get("Host", "").partition(":")[0]
        balancers = self._prober.account.objects[BALANCER].values()
        balancer = next((each for each in balancers if each["name"] == name), None)
        if balancer is None:
            _write(request, Reply(530, {}, b"no such load balancer"), None)
            return
        client = self._client(request)
        answer, reply = self._serve(balancer, client, request.path, name)
        _write(request, reply, answer)

    def _client(self, request: BaseHTTPRequestHandler) -> Client:
        region = request.headers.get("X-Lab-Region", REGIONS[0])
        cookies = dict(
            part.strip().partition("=")[::2] for part in request.headers.get("Cookie", "").split(";") if "=" in part
        )
        pool, _, origin = cookies.get(_COOKIE, "").partition("~")
        with self._lock:
            draws = [self._random.random() for _ in range(3)]
        return Client(
            region,
            place=self._places.get(region),
            address=request.headers.get("X-Lab-Address", "192.0.2.1"),
            session=(pool, origin) if origin else None,
            draw=draws[0],
            origin_draw=draws[1],
            shed=draws[2],
        )

    def state(self) -> State:
        """What steering sees at this moment."""
        trips, now = self._prober.round_trips(), self._prober.clock.now()
        disabled = [
            (identity, origin["name"])
            for identity, pool in self._prober.account.objects[POOL].items()
            for origin in pool["origins"]
            if not origin.get("enabled", True)
        ]
        with self._lock:
            busy = dict(self._busy)
            self._disabled_since = {each: self._disabled_since.get(each, now) for each in disabled}
            since = dict(self._disabled_since)
        return State(
            pools=self._prober.account.objects[POOL],
            health=self._prober.health(),
            round_trips={(region, pool): trip for region in REGIONS for pool, trip in trips.items()},
            busy=busy,
            disabled_for={endpoint: now - moment for endpoint, moment in since.items()},
        )

    def _serve(self, balancer: Inputs, client: Client, path: str, name: str) -> tuple[Answer, Reply]:
        state = self.state()
        answer = resolve(balancer, client, state)
        code, reason = 530, answer.why
        for _ in range(2):
            if answer.pool is None or answer.origin is None:
                break
            try:
                return answer, self._forward((answer.pool, answer.origin), path, name)
            except UnreachableError as error:
                code, reason = error.code, error.reason
            other = retry(balancer, client, self.state(), answer) if code in _RETRIED else None
            if other is None or answer.why == "failover":  # «a single retry»
                break
            answer = other
        return answer, Reply(code, {}, reason.encode())

    def _forward(self, endpoint: Endpoint, path: str, name: str) -> Reply:
        clock = self._prober.clock
        pool = self._prober.account.objects[POOL][endpoint[0]]
        origin = next(each for each in pool["origins"] if each["name"] == endpoint[1])
        host = next(iter(origin.get("header", {}).get("hosts", [])), name)
        wanted = Request(self._scheme, origin["address"], int(origin.get("port") or 0), host, path)
        self._count(endpoint, 1)
        try:
            return self._network.ask(wanted, connect=clock.real(_CONNECT), read=clock.real(_READ))
        finally:
            self._count(endpoint, -1)

    def _count(self, endpoint: Endpoint, number: int) -> None:
        with self._lock:
            self._busy[endpoint] += number
            self._busy[endpoint[0]] += number


def _write(request: BaseHTTPRequestHandler, reply: Reply, answer: Answer | None) -> None:
    told = {} if answer is None else {"Pool": answer.pool, "Origin": answer.origin, "Why": answer.why}
    try:
        request.send_response(reply.status)
        for name, value in told.items():
            request.send_header(f"X-Lab-{name}", value or "")
        if answer and answer.session:
            request.send_header("Set-Cookie", f"{_COOKIE}={'~'.join(answer.session)}; HttpOnly")
        request.send_header("Content-Length", str(len(reply.body)))
        request.end_headers()
        request.wfile.write(reply.body)
    except (BrokenPipeError, ConnectionResetError):
        request.close_connection = True  # the client has given up
