"""Health monitors over real HTTP on loopback: what they ask, what they accept, and when a verdict changes.

Pages of developers.cloudflare.com are named without `load-balancing/`. No test here measures time.
"""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lab.edge.asking import Clock, Network
from lab.edge.prober import Outcome, Standing, probe

HOST = "shop.example.com"
Asked = list[tuple[str, str, dict[str, str]]]


@pytest.fixture
def asked() -> Asked:
    """What the origin was asked: method, path and headers."""
    return []


@pytest.fixture
def network(asked: Asked) -> Iterator[Network]:
    """An origin that answers by its path: `/ready`, `/missing`, `/moved` (to `/ready`)."""
    statuses = {"/ready": 200, "/missing": 404, "/moved": 301, "/created": 201}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.command, self.path, dict(self.headers)))
            status = statuses[self.path]
            self.send_response(status)
            if status == 301:
                self.send_header("Location", "/ready")
            self.end_headers()
            self.wfile.write(b"I am Ready\n")

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    with socket.create_server(("127.0.0.1", 0)) as closed, socket.create_server(("127.0.0.1", 0)) as silent:
        refusing = closed.getsockname()
        closed.close()
        try:
            yield Network(
                {
                    "east.example.net": server.server_address[:2],
                    "refusing.example.net": refusing,
                    "silent.example.net": silent.getsockname(),
                }
            )
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def ask(network: Network, monitor: dict[str, Any] | None = None, **origin: Any) -> Outcome:
    """The outcome of one probe, with a timeout of half a second."""
    wanted = {"type": "http", "path": "/ready", "timeout": 5, "retries": 0, **(monitor or {})}
    return probe(network, wanted, {"name": "one", "address": "east.example.net", **origin}, Clock(0.1))


def test_a_success_is_the_expected_code(network: Network) -> None:
    """monitors/create-monitor: listed individually, or as a range."""
    assert ask(network).healthy, "200 when nothing is said"
    assert ask(network, {"path": "/created", "expectedCodes": "2xx"}).healthy
    assert ask(network, {"path": "/created", "expectedCodes": "200, 201"}).healthy
    assert ask(network, {"path": "/created", "expectedCodes": "200"}).reason == "response code mismatch error: 201"
    assert ask(network, {"path": "/missing"}).reason == "response code mismatch error: 404"


def test_a_redirect_is_unhealthy_unless_it_is_followed(network: Network) -> None:
    """troubleshooting/common-error-codes, #response-code-mismatch-error."""
    assert ask(network, {"path": "/moved"}).reason == "response code mismatch error: 301"
    assert ask(network, {"path": "/moved", "followRedirects": True}).healthy


def test_the_body_is_searched_whatever_its_case(network: Network) -> None:
    assert ask(network, {"expectedBody": "i am READY"}).healthy
    assert ask(network, {"expectedBody": "i am well"}).reason == "response body mismatch error"


def test_the_endpoints_host_header_goes_before_the_monitors_and_both_before_the_address(
    network: Network, asked: Asked
) -> None:
    """monitors, #host-header-prioritization."""
    monitor = {"header": {"Host": [HOST], "X-Probe": ["1"]}}
    ask(network, monitor, header={"hosts": ["east.example.com"]})
    ask(network, monitor)
    ask(network)
    assert [headers["Host"] for _, _, headers in asked] == ["east.example.com", HOST, "east.example.net"]
    assert [headers.get("X-Probe") for _, _, headers in asked] == ["1", "1", None]


def test_the_method_is_the_monitors(network: Network, asked: Asked) -> None:
    ask(network, {"method": "HEAD"})
    ask(network)
    assert [method for method, _, _ in asked] == ["HEAD", "GET"]


def test_a_name_without_an_address_and_a_closed_port_are_unhealthy(network: Network) -> None:
    assert "DNS unknown host" in ask(network, address="nowhere.example.net").reason
    assert ask(network, address="refusing.example.net").reason == "TCP connection failed"


def test_tcp_asks_for_a_connection_only(network: Network, asked: Asked) -> None:
    assert ask(network, {"type": "tcp"}).healthy
    assert not ask(network, {"type": "tcp"}, address="refusing.example.net").healthy
    assert asked == []


def test_a_timeout_is_retried_at_once_and_a_refusal_is_not(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """provider: retries, «in case of a timeout»."""
    opened: list[str] = []
    real = Network.open

    def counted(self: Network, request: Any, seconds: float) -> socket.socket:
        opened.append(request.address)
        return real(self, request, seconds)

    monkeypatch.setattr(Network, "open", counted)
    assert ask(network, {"retries": 2, "timeout": 1}, address="silent.example.net").reason == "HTTP timeout occurred"
    assert not ask(network, {"retries": 2}, address="refusing.example.net").healthy
    assert opened == ["silent.example.net"] * 3 + ["refusing.example.net"]


def changes(outcomes: str, up: int, down: int) -> list[bool | None]:
    """The standing after each outcome: + is a success."""
    standing = Standing()
    found = []
    for each in outcomes:
        standing.take(Outcome(each == "+", ""), up, down)
        found.append(standing.healthy)
    return found


def test_a_verdict_takes_consecutive_results() -> None:
    """monitors/create-monitor: «must pass this health monitor request the consecutive number of times»."""
    assert changes("+-+", 1, 1) == [True, False, True]
    assert changes("+--+", 1, 2) == [True, True, False, True]
    assert changes("+-+--", 1, 2) == [True, True, True, True, False], "a success in between starts anew"
    assert changes("++-++", 2, 1) == [None, True, False, False, True]
    assert changes("-", 1, 2) == [None], "unknown until there is a verdict"
    assert changes("+-", 0, 0) == [True, False], "none given is one"
