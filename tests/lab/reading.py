"""Cloudflare's stand-in in front of two regions that the engine deploys to, and clients that read through it.

The edge's time runs with the clock: a monitor that asks every fifteen seconds does so.
"""

import contextlib
import http.client
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass

from lab.edge.account import POOL, Account
from lab.edge.asking import Clock, Network
from lab.edge.front import Front
from lab.edge.prober import Prober
from lab.harness import Lab, wait_for
from lab.harness.engine import Engine
from lab.harness.tools import ROOT
from lab.providers.cloudflare import ACCOUNT, account_of
from tests.traffic.shop import ZONE

HOST = "shop.example.com"
PORT = 8480
BOUGHT = {"plan": "business", "zones": {ZONE: "example.com"}}
#: Clients that ask in turn: one that hangs on a region that is gone hides nothing.
CLIENTS, EVERY, PATIENCE = 5, 0.5, 2.0


@dataclass(frozen=True)
class Read:
    """One request; the region that answered, or why none did, and the newest row that it showed."""

    began: float
    ended: float
    region: str
    error: str
    newest: int


class Edge:
    """The edge, and readers, until `reading`'s block ends.

    Attributes:
        reads: in the order in which they ended.
    """

    def __init__(self, front: Front, account: Account, prober: Prober) -> None:
        self._front, self._account, self._prober = front, account, prober
        self.reads: list[Read] = []
        self._over = threading.Event()

    def region_of(self, pool: str) -> str:
        return self._account.objects[POOL].get(pool, {}).get("name", pool).rpartition("-")[2]

    def healthy(self) -> dict[str, bool | None]:
        """What the monitor says of each region."""
        return {self.region_of(pool): verdict for (pool, _), verdict in self._prober.health().items()}

    def served_by(self, region: str, since: float) -> float | None:
        """The moment of the first answer of a region to what was asked since then; None while there is none."""
        return min(
            (each.ended for each in list(self.reads) if each.region == region and each.began >= since), default=None
        )

    def moved_to(self, region: str, since: float) -> float:
        """That moment; waited for."""
        return wait_for(f"readers in {region}", lambda: self.served_by(region, since), seconds=120)

    def longest_error(self, since: float) -> float:
        """Seconds between two answers, at most, from a moment on."""
        good = sorted(each.ended for each in list(self.reads) if not each.error and each.ended >= since)
        times = [since, *good, time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def ask(self) -> Read:
        began, region, newest = time.monotonic(), "", 0
        connection = http.client.HTTPConnection("127.0.0.1", self._front.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/", headers={"Host": HOST, "X-Lab-Region": "ENAM"})
            reply = connection.getresponse()
            body = reply.read().decode()
            error = "" if reply.status == 200 else str(reply.status)
            if not error:
                region, newest = self.region_of(reply.getheader("X-Lab-Pool", "")), int(body)
        except (OSError, http.client.HTTPException) as problem:
            error = type(problem).__name__
        finally:
            connection.close()
        return Read(began, time.monotonic(), region, error, newest)

    @contextlib.contextmanager
    def asked(self) -> Generator[None]:
        threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _run(self, number: int) -> None:
        self._over.wait(EVERY * number / CLIENTS)
        while not self._over.is_set():
            began = time.monotonic()
            self.reads.append(self.ask())
            self._over.wait(max(0.0, began + EVERY - time.monotonic()))


@contextlib.contextmanager
def reading(lab: Lab, engine: Engine) -> Generator[Edge]:
    """The edge over what the engine's store holds at each moment, its origins within the regions, and the readers."""
    with contextlib.ExitStack() as stack:
        for region in lab:
            program = ["tests.lab.programs.region_front", region.network.wan, str(PORT)]
            command = region.network.command([sys.executable, "-m", *program])
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == f"{PORT}\n"
        account, clock = account_of(engine.store), Clock(1.0)
        way = Network({f"{each.name}.origin.{HOST}": (each.network.wan, PORT) for each in lab})
        stack.enter_context(_following(engine, account))
        prober = stack.enter_context(Prober(account, way, clock))
        edge = Edge(stack.enter_context(Front(prober, way)), account, prober)
        stack.enter_context(edge.asked())
        yield edge


@contextlib.contextmanager
def _following(engine: Engine, account: Account) -> Generator[None]:
    """The account is what the store has, a twentieth of a second late."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(0.05):
            account.objects = account_of(engine.store).objects

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def bought(engine: Engine) -> None:
    """What the account has, before anything is deployed to it."""
    engine.store.put(ACCOUNT, "account", BOUGHT)


__all__ = ["HOST", "Edge", "Read", "bought", "reading"]
