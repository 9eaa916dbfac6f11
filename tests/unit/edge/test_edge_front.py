"""The edge with real origins on loopback: who serves, before, during and after one of them falls silent.

Time runs fifty times faster where nothing has to be measured. A machine that stands still for half a second could fail
these tests; nothing here asserts how long something took.
"""

import contextlib
import http.client
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.edge.account import BALANCER, MONITOR, POOL, Account
from lab.edge.asking import Clock, Network
from lab.edge.front import Front
from lab.edge.prober import Prober
from tests.unit.edge.origins import Origin, origins

HOST = "shop.example.com"
NAMES = ["east", "west", "eu"]


def an_account(**balancer: Any) -> Account:
    """Three pools of one origin, in front of them one load balancer."""
    account = Account(zones={"z1": "example.com"})
    account.objects[MONITOR]["m1"] = {"type": "http", "path": "/ready", "interval": 15, "timeout": 25, "retries": 1}
    for name in NAMES:
        origin = {"name": name, "address": f"{name}.example.net", "header": {"hosts": [HOST]}}
        account.objects[POOL][name] = {"name": name, "monitor": "m1", "origins": [origin]}
    account.objects[BALANCER]["lb"] = {
        "name": HOST,
        "proxied": True,
        "steeringPolicy": "off",
        "defaultPools": NAMES,
        "fallbackPool": "east",
        **balancer,
    }
    return account


class Lab:
    """Origins, a prober and an edge."""

    def __init__(self, account: Account, made: dict[str, Origin], prober: Prober, front: Front) -> None:
        self.account, self.origins, self.prober, self.front = account, made, prober, front

    def ask(self, region: str = "WEU", cookie: str = "") -> tuple[int, str, str, str]:
        """Status, body, why and the cookie of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.front.port, timeout=10)
        headers = {"Host": HOST, "X-Lab-Region": region, **({"Cookie": cookie} if cookie else {})}
        connection.request("GET", "/", headers=headers)
        reply = connection.getresponse()
        body = reply.read().decode().strip()
        connection.close()
        return reply.status, body, reply.getheader("X-Lab-Why", ""), reply.getheader("Set-Cookie", "").partition(";")[0]

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_so():
            assert time.monotonic() < deadline, f"never: {what}; {self.prober.changes}"
            time.sleep(0.01)


@contextlib.contextmanager
def a_lab(account: Account, pace: float = 0.02) -> Iterator[Lab]:
    with origins(NAMES, HOST) as made:
        network = Network({f"{name}.example.net": ("127.0.0.1", each.port) for name, each in made.items()})
        with Prober(account, network, Clock(pace)) as prober, Front(prober, network) as front:
            lab = Lab(account, made, prober, front)
            lab.until("all healthy", lambda: list(prober.health().values()) == [True] * 3)
            yield lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with a_lab(an_account()) as made:
        yield made


def test_a_silent_region_is_left_and_taken_back(lab: Lab) -> None:
    east = ("east", "east")
    assert lab.ask()[:3] == (200, "east", "steering")
    lab.origins["east"].stop()
    lab.until("east is found down", lambda: lab.prober.health()[east] is False)
    assert lab.ask()[:3] == (200, "west", "steering")
    lab.origins["east"].go_on()
    lab.until("east is found up", lambda: lab.prober.health()[east] is True)
    assert lab.ask()[:3] == (200, "east", "steering")


def test_a_region_that_says_it_is_not_ready_is_left(lab: Lab) -> None:
    """As a region's health path says that cannot serve in its role."""
    lab.origins["east"].ready(False)
    lab.until("east is found down", lambda: lab.prober.health()["east", "east"] is False)
    assert lab.ask()[:2] == (200, "west")
    lab.origins["east"].ready(True)
    lab.until("east is found up", lambda: lab.prober.health()["east", "east"] is True)


def test_a_disabled_pool_is_left_at_once_and_no_longer_asked(lab: Lab) -> None:
    lab.account.objects[POOL]["east"]["enabled"] = False
    try:
        assert lab.ask()[:2] == (200, "west")
        lab.until("its health is unknown", lambda: ("east", "east") not in lab.prober.health())
    finally:
        lab.account.objects[POOL]["east"]["enabled"] = True
    lab.until("east is found up", lambda: lab.prober.health().get(("east", "east")) is True)


def test_a_host_name_without_a_load_balancer_is_nobodys(lab: Lab) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", lab.front.port, timeout=10)
    connection.request("GET", "/", headers={"Host": "other.example.com"})
    assert connection.getresponse().status == 530
    connection.close()


def test_the_origin_is_asked_with_its_own_host_header(lab: Lab) -> None:
    """The origins here answer 404 to any other name."""
    origin = lab.account.objects[POOL]["east"]["origins"][0]
    origin["header"] = {"hosts": ["other.example.com"]}
    try:
        assert lab.ask()[0] == 404
    finally:
        origin["header"] = {"hosts": [HOST]}
    lab.until("east is found up", lambda: lab.prober.health()["east", "east"] is True)


def test_until_the_loss_is_found_a_client_sees_errors_and_failover_across_pools_hides_them() -> None:
    """adaptive-routing. The monitor's interval is so long that the loss is never found."""
    account = an_account()
    account.objects[MONITOR]["m1"]["interval"] = 3600
    with a_lab(account, pace=0.05) as lab:
        lab.origins["east"].kill()
        assert lab.ask()[0] == 521
        account.objects[BALANCER]["lb"]["adaptiveRouting"] = {"failoverAcrossPools": True}
        assert lab.ask()[:3] == (200, "west", "failover")


def test_a_session_keeps_its_pool_by_its_cookie() -> None:
    with a_lab(an_account(steeringPolicy="random", sessionAffinity="cookie")) as lab:
        _, first, why, cookie = lab.ask()
        assert why == "steering"
        assert cookie == f"__cflb={first}~{first}"
        assert [lab.ask(cookie=cookie)[1:3] for _ in range(10)] == [(first, "session")] * 10
        assert {lab.ask()[1] for _ in range(60)} == set(NAMES), "without the cookie all are served"


def test_a_drained_endpoint_keeps_its_sessions_until_the_drain_is_over() -> None:
    """additional-options/planned-maintenance, #gradual-rotation. 300 s are six real ones."""
    drain = {"sessionAffinityAttributes": {"drainDuration": 300}}
    with a_lab(an_account(sessionAffinity="cookie", **drain)) as lab:
        cookie = lab.ask()[3]
        lab.account.objects[POOL]["east"]["origins"][0]["enabled"] = False
        assert lab.ask(cookie=cookie)[1:3] == ("east", "session")
        assert lab.ask()[1:3] == ("west", "steering"), "new users go elsewhere at once"
        lab.until("the session moves", lambda: lab.ask(cookie=cookie)[1:3] == ("west", "steering"))
