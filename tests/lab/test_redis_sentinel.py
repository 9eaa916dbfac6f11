"""A real failover by the settings that RedisSentinel emits: three Redis and three Sentinels of Debian on loopback.

What this does not prove: that the operator hands the settings on as they are, and that the label and the Service of the
primary follow. Both are the operator's.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hakit.plan import redis
from tests.lab.conftest import show
from tests.unit.stores.given import redis_spec

pytestmark = [pytest.mark.lab, pytest.mark.long]

PASSWORD = "a-password-of-a-test"  # noqa: S105
SPEC = redis_spec(sentinels=3)


class Server:
    """One process, Redis or Sentinel, by the name that it is called by."""

    def __init__(self, program: Path, folder: Path, port: int, lines: list[str]) -> None:
        self.port, self._config = port, folder / "redis.conf"
        folder.mkdir()
        own = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", f"logfile {folder / 'log'}"]
        self._config.write_text("\n".join([*own, *lines]) + "\n")
        self._program = program
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([self._program, self._config], stdout=subprocess.DEVNULL)

    def tell(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.wait(timeout=10)

    def ask(self, *words: str, password: bool = True) -> str:
        """What redis-cli prints; empty when nobody answers."""
        login = ["--no-auth-warning", "-a", PASSWORD] if password else []
        command = ["redis-cli", "-p", str(self.port), *login, *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        except subprocess.TimeoutExpired:
            return ""
        return (done.stdout + done.stderr).strip()


def until(what: str, holds: Callable[[], bool], seconds: float = 120) -> float:
    """Wait for it; how long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[list[Server], list[Server]]]:
    found = shutil.which("redis-check-rdb")
    if found is None:
        pytest.fail("not there: redis-tools; `make lab-tools` installs it", pytrace=False)
    programs = {name: tmp_path / name for name in ("redis-server", "redis-sentinel")}
    for path in programs.values():
        path.symlink_to(found)
    ports = _ports(6)
    login = [f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"]
    settings = [f"{key} {value}" for key, value in redis.settings(SPEC).items()]
    made: list[Server] = []
    try:
        for number, port in enumerate(ports[:3]):
            follows = [f"replicaof 127.0.0.1 {ports[0]}"] if number else []
            folder = tmp_path / f"redis-{number}"
            made.append(Server(programs["redis-server"], folder, port, [*login, *settings, *follows]))
        wanted = redis.sentinel_settings(SPEC)
        name = wanted["masterGroupName"]
        lines = [
            f"sentinel monitor {name} 127.0.0.1 {ports[0]} {wanted['quorum']}",
            f"sentinel auth-pass {name} {PASSWORD}",
            f"sentinel down-after-milliseconds {name} {wanted['downAfterMilliseconds']}",
            f"sentinel failover-timeout {name} {wanted['failoverTimeout']}",
            f"sentinel parallel-syncs {name} {wanted['parallelSyncs']}",
        ]
        for number, port in enumerate(ports[3:]):
            made.append(Server(programs["redis-sentinel"], tmp_path / f"sentinel-{number}", port, lines))
        redises, sentinels = made[:3], made[3:]
        until("the replicas", lambda: "connected_slaves:2" in redises[0].ask("info", "replication"))
        until("writes", lambda: redises[0].ask("set", "ready", "yes") == "OK")
        until("the Sentinels", lambda: all(_knows_all(each) for each in sentinels))
        yield redises, sentinels
    finally:
        for each in made:
            each.end()


def _ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _knows_all(sentinel: Server) -> bool:
    told = sentinel.ask("sentinel", "master", SPEC.name, password=False).splitlines()
    facts = dict(zip(told[::2], told[1::2], strict=False))
    return (facts.get("num-slaves"), facts.get("num-other-sentinels"), facts.get("flags")) == ("2", "2", "master")


def primary_of(sentinel: Server) -> int:
    told = sentinel.ask("sentinel", "get-master-addr-by-name", SPEC.name, password=False).splitlines()
    return int(told[1]) if len(told) == 2 else 0


def test_a_killed_primary_is_replaced_and_follows_when_it_comes_back(
    servers: tuple[list[Server], list[Server]], request: pytest.FixtureRequest
) -> None:
    redises, sentinels = servers
    assert redises[0].ask("set", "cart", "full") == "OK"
    assert redises[0].ask("wait", "2", "5000") == "2", "both replicas have it"
    redises[0].tell(signal.SIGKILL)
    others = {each.port for each in redises[1:]}
    took = until("another primary", lambda: {primary_of(each) for each in sentinels} <= others)
    until("the same for all", lambda: len({primary_of(each) for each in sentinels}) == 1)
    elected = primary_of(sentinels[0])
    (new,) = [each for each in redises if each.port == elected]
    until("a writable primary", lambda: new.ask("set", "cart", "fuller") == "OK")
    redises[0].end()
    redises[0].start()
    until("the old one to follow", lambda: "role:slave" in redises[0].ask("info", "replication"))
    until("its copy", lambda: redises[0].ask("get", "cart") == "fuller")
    show(request, "Redis with Sentinel", [f"primary killed: another one known to all Sentinels after {took:.1f} s"])


def test_a_minority_of_sentinels_promotes_nobody(servers: tuple[list[Server], list[Server]]) -> None:
    redises, sentinels = servers
    for each in sentinels[1:]:
        each.tell(signal.SIGSTOP)
    redises[0].tell(signal.SIGKILL)
    until("it to be seen", lambda: "s_down" in sentinels[0].ask("sentinel", "master", SPEC.name, password=False))
    time.sleep(2 * SPEC.down_after)
    assert primary_of(sentinels[0]) == redises[0].port
    assert all("role:slave" in each.ask("info", "replication") for each in redises[1:])


def test_a_primary_without_replicas_stops_taking_writes(servers: tuple[list[Server], list[Server]]) -> None:
    """What bounds the writes that a cut-off primary takes and later throws away."""
    redises, sentinels = servers
    for each in sentinels:  # else they would elect another one
        each.tell(signal.SIGSTOP)
    assert redises[0].ask("set", "cart", "full") == "OK"
    for each in redises[1:]:
        each.tell(signal.SIGSTOP)
    until("it to refuse", lambda: "NOREPLICAS" in redises[0].ask("set", "cart", "lost"), seconds=60)
