"""Drain, fence and removal of a region by the real engine, while clients run: the stand-in's provider keeps what an
update writes and refuses what Cloudflare would, and the stand-in's edge steers by what is kept at each moment.

Time runs ten times faster than the clock. Origins are processes on loopback, asked without TLS.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pytest

from lab.edge.account import BALANCER, POOL, Account
from lab.edge.asking import Clock, Network
from lab.edge.front import Front
from lab.edge.prober import Prober
from lab.edge.users import Users, Visit
from lab.harness import wait_for
from lab.harness.engine import Engine
from lab.providers.cloudflare import ACCOUNT, account_of
from tests.lab.conftest import need
from tests.traffic.shop import ZONE, cloudflare, declare
from tests.unit.edge.origins import origins

pytestmark = [pytest.mark.lab, pytest.mark.long]

EAST, DUBLIN, SYDNEY = ALL = ("us-east-1", "eu-west-1", "ap-southeast-2")
HOST = "shop.example.com"
PACE = 0.1
BOUGHT = {"plan": "business", "zones": {ZONE: "example.com"}}


@dataclass
class System:
    """A load balancer that the engine deploys, and clients in front of it."""

    engine: Engine
    account: Account
    prober: Prober
    users: Users
    clock: Clock
    args: dict[str, Any]

    def up(self, *regions: str, **declared: Any) -> dict[str, int]:
        """Write the topology and apply it; what happened to how many resources."""
        text = declare(*regions, mode="active-active", **declared)
        (self.engine.project / "topology.yaml").write_text(text, encoding="utf-8")
        self._write()
        with self.engine.stack("prod-traffic") as stack:
            return dict(stack.up().summary.resource_changes or {})

    def _write(self) -> None:
        (self.engine.project / "arguments.json").write_text(json.dumps(self.args), encoding="utf-8")

    def unchanged(self) -> None:
        self._write()
        with self.engine.stack("prod-traffic") as stack:
            stack.preview(expect_no_changes=True)

    def visits(self, client: str, since: float) -> list[Visit]:
        return self.users.of(HOST, client, since)

    def served(self, client: str, since: float, number: int = 5) -> set[str]:
        """The regions that answer a client's next requests, or the errors that it sees."""
        wait_for(f"{number} requests", lambda: len(self.visits(client, since)), lambda n: n >= number)
        return {each.error or self.region(each.pool) for each in self.visits(client, since)}

    def region(self, pool: str) -> str:
        name = self.account.objects[POOL].get(pool, {}).get("name", pool)
        return next((region for region in ALL if name.endswith(region)), name)

    def all_up(self, *regions: str) -> None:
        """Until each region's check passes."""

        def health() -> dict[str, bool | None]:
            return {self.region(pool): healthy for (pool, _), healthy in self.prober.health().items()}

        wait_for("health", health, lambda found: all(found.get(region) for region in regions))


@contextmanager
def _following(engine: Engine, account: Account) -> Iterator[None]:
    """The account is what the store has, a twentieth of a second late."""
    over = threading.Event()

    def follow() -> None:
        while not over.wait(0.05):
            account.objects = account_of(engine.store).objects

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need("pulumi")
    args = cloudflare(health={"path": "/ready", "type": "http"})
    program = Path(__file__).parent / "programs" / "edge.py"
    with ExitStack() as stack:
        made = stack.enter_context(origins(ALL, HOST))
        engine = stack.enter_context(Engine(tmp_path_factory.mktemp("engine") / "edge", program=program))
        engine.store.put(ACCOUNT, "account", BOUGHT)
        account, clock = Account(), Clock(PACE)
        way = Network({f"{region}.origin.{HOST}": ("127.0.0.1", made[region].port) for region in ALL})
        prober = Prober(account, way, clock)
        front = stack.enter_context(Front(prober, way))
        users = Users(front.port, clock, [(HOST, client) for client in ("ENAM", "WEU", "OC")], every=5, patience=20)
        found = System(engine, account, prober, users, clock, args)
        assert found.up(*ALL) == {"create": 7}, "stack, component, monitor, three pools, load balancer"
        account.objects = account_of(engine.store).objects
        stack.enter_context(_following(engine, account))
        stack.enter_context(prober)
        found.all_up(*ALL)
        stack.enter_context(users)
        yield found


def test_a_second_preview_finds_nothing_to_do_and_everybody_is_served_by_the_nearest(system: System) -> None:
    system.unchanged()
    since = system.clock.now()
    near = {client: system.served(client, since) for client in ("ENAM", "WEU", "OC")}
    assert near == {"ENAM": {EAST}, "WEU": {DUBLIN}, "OC": {SYDNEY}}


@pytest.mark.parametrize("word", ["drain", "fence"])
def test_a_region_is_taken_out_and_put_back_without_an_error_for_anybody(system: System, word: str) -> None:
    start = system.clock.now()
    changes = system.up(*ALL, traffic={DUBLIN: word})
    assert changes.get("update") == (1 if word == "drain" else 2), "its pool; fenced, the load balancer's lists too"
    since = system.clock.now()
    assert system.served("WEU", since) == {EAST}
    assert system.served("OC", since) == {SYDNEY}
    system.up(*ALL)
    system.all_up(*ALL)
    assert system.served("WEU", system.clock.now()) == {DUBLIN}
    everything = [each for each in system.users.visits if each.began >= start]
    assert [each for each in everything if each.error] == []


def test_a_region_leaves_the_pair_and_its_pool_goes_only_after_the_load_balancer_has_let_go(system: System) -> None:
    """The stand-in refuses to delete a pool in use; so does Cloudflare (pools/create-pool, #delete-a-pool)."""
    start = system.clock.now()
    changes = system.up(EAST, SYDNEY)
    assert (changes["delete"], changes["update"]) == (1, 1)
    assert sorted(system.region(pool) for pool in account_of(system.engine.store).objects[POOL]) == [SYDNEY, EAST]
    assert system.served("WEU", system.clock.now()) == {EAST}
    assert system.up(*ALL)["create"] == 1
    system.all_up(*ALL)
    assert system.served("WEU", system.clock.now()) == {DUBLIN}
    assert [each for each in system.users.visits if each.began >= start and each.error] == []


def test_more_than_was_bought_is_refused_before_anything_changes(system: System) -> None:
    """The program says that shorter checks were bought; the account says otherwise."""
    before = account_of(system.engine.store).objects
    system.args["health"]["interval"] = 10
    system.args["cloudflare"]["bought"] = {"interval": 10}
    try:
        with pytest.raises(auto.CommandError, match=r"interval is not in range \[15, 3600\]: validation failed"):
            system.up(*ALL)
    finally:
        del system.args["health"]["interval"], system.args["cloudflare"]["bought"]
    assert account_of(system.engine.store).objects == before
    system.unchanged()


def test_destroy_leaves_nothing(system: System, tmp_path: Path) -> None:
    """Last: the load balancer goes before its pools, or the stand-in would refuse."""
    with system.engine.stack("prod-traffic") as stack:
        stack.destroy()
    objects = account_of(system.engine.store).objects
    assert objects[POOL] == objects[BALANCER] == {}
