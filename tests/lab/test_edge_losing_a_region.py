"""A region is cut off under running clients, once, in front of it a load balancer for each way to steer.

hakit's own component makes monitors, pools and load balancers; the stand-in of `lab.edge`, written from Cloudflare's
documentation, checks the health of origins in the networks of three regions over TLS, and steers the clients. Time runs
five times faster than the clock; all seconds here are those of the simulated clock.

What it does not prove: what Cloudflare's own network adds (majorities of probes, the way of a verdict to every data
center), which no documentation gives in seconds; round trip times that differ by the client's region; DNS.
"""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import hakit
from hakit.testing import record
from lab.edge.account import BALANCER, KINDS, POOL, Account
from lab.edge.asking import Clock
from lab.edge.asking import Network as Way
from lab.edge.checking import check
from lab.edge.front import Front
from lab.edge.prober import Prober
from lab.edge.users import Users, Visit, outage, served_by
from lab.harness import Network
from tests.lab.certificates import certificate
from tests.lab.conftest import need_network
from tests.traffic.shop import cloudflare, declare
from tests.unit.edge.plans import recorded_account

pytestmark = [pytest.mark.lab, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
EAST, DUBLIN, SYDNEY = ALL = ("us-east-1", "eu-west-1", "ap-southeast-2")
#: Where clients are: the code of their region, and a point there for steering by place.
CLIENTS = {"ENAM": (40.7, -74.0), "WEU": (48.9, 2.4), "OC": (-37.8, 145.0)}
PACE = 0.2
PATIENCE, EVERY = 10.0, 4.0
#: Fifteen simulated seconds are three real ones, for a machine that has other things to do.
SLACK = 15.0
PORT = 8443


@dataclass(frozen=True)
class Case:
    """One load balancer: hakit's arguments, and what the topology says of traffic."""

    args: dict[str, Any] = field(default_factory=dict)
    mode: str = "active-active"
    traffic: dict[str, str] = field(default_factory=dict)
    #: Not a word of hakit's: put into the load balancer that hakit made.
    policy: str = ""


CASES = {
    # In an active-passive pair the health path is true only where the database takes writes.
    "ordered": Case({"health": {"path": "/writable"}}, "active-passive"),
    "geo": Case({"steering": "geo"}),
    "weighted": Case({"steering": "weighted"}),
    "proximity": Case({"steering": "proximity"}),
    "latency": Case({"steering": "latency"}),
    "least-requests": Case({"steering": "weighted"}, policy="least_outstanding_requests"),
    "least-connections": Case({"steering": "weighted"}, policy="least_connections"),
    "drained": Case({"steering": "geo"}, traffic={DUBLIN: "drain"}),
    "fenced": Case({"steering": "geo"}, traffic={DUBLIN: "fence"}),
}
SHARED = [name for name in CASES if name != "ordered"]


def host(case: str) -> str:
    return f"{case}.example.com"


@dataclass
class Story:
    """What happened. Moments are simulated seconds: of the cut, of the last load balancer to notice it, of the
    standby's promotion, of the return, and of the moment when all knew of that."""

    users: Users
    patient: Users
    prober: Prober
    detection: dict[str, float]
    settled: float
    cut: float = 0.0
    noticed: float = 0.0
    promoted: float = 0.0
    promotion_seen: float = 0.0
    returned: float = 0.0
    back: float = 0.0
    end: float = 0.0

    def before(self, case: str, client: str) -> list[Visit]:
        return self.users.of(host(case), client, self.settled, self.cut - PATIENCE)

    def during(self, case: str, client: str) -> list[Visit]:
        return self.users.of(host(case), client, self.cut, self.noticed)

    def after(self, case: str, client: str) -> list[Visit]:
        return self.users.of(host(case), client, self.noticed, self.returned)

    def at_last(self, case: str, client: str) -> list[Visit]:
        return self.users.of(host(case), client, self.back, self.end)

    def outage(self, case: str, client: str) -> float:
        return outage(self.users.of(host(case), client, self.cut - PATIENCE, self.returned), self.cut)


def an_account(folder: Path) -> tuple[Account, dict[str, float]]:
    """What hakit's component registers for every case, and the detection times that it computes."""

    def program() -> None:
        for name, case in CASES.items():
            path = f"{name}.yaml"
            (folder / path).write_text(declare(*ALL, mode=case.mode, traffic=case.traffic), encoding="utf-8")
            args = cloudflare(**{**case.args, "topology": path, "hostname": host(name), "origins": _origins()})
            hakit.GlobalLoadBalancer(name, args)  # ty: ignore[invalid-argument-type]

    recording = record(program, root=folder, preview=False)
    account = recorded_account(recording)
    account.pools = account.endpoints = 3 * len(CASES)
    detection = {
        one.name: float((one.outputs or {})["detection_seconds"])
        for one in recording.resources
        if one.type == "hakit:index:GlobalLoadBalancer"
    }
    for balancer in account.objects[BALANCER].values():
        if policy := CASES[balancer["name"].partition(".")[0]].policy:
            balancer["steeringPolicy"] = policy
    return account, detection


def _origins() -> dict[str, Any]:
    return {region: [{"address": f"{region}.origin.example.com"}] for region in ALL}


def region_of(pool: str) -> str:
    """`geo-pool-us-east-1-id` is the recording's id of that region's pool."""
    return next((region for region in ALL if region in pool), pool)


def answered(visits: list[Visit]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for pool, number in served_by(visits).items():
        found[region_of(pool)] += number
    return dict(found)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    need_network()
    folder = tmp_path_factory.mktemp("edge")
    account, detection = an_account(folder)
    authority, *tls = certificate(folder, "*.example.com")
    with ExitStack() as stack:
        network = stack.enter_context(Network(ALL))
        for region in ALL:
            (folder / region).mkdir()
            hosts = ",".join(host(name) for name in CASES)
            program = ["lab.edge.origin", region, network[region].wan, PORT, hosts, folder / region, *tls]
            command = network[region].command([sys.executable, "-m", *map(str, program)])
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == f"{PORT}\n"
        for standby in (DUBLIN, SYDNEY):
            (folder / standby / "writable").touch()
            # Far away, for steering by latency: the machine's own networks are all alike.
            (folder / standby / "late.seconds").write_text("0.15", encoding="utf-8")
        addresses = {f"{region}.origin.example.com": (network[region].wan, PORT) for region in ALL}
        way, clock = Way(addresses, str(authority)), Clock(PACE)
        prober = stack.enter_context(Prober(account, way, clock))
        front = stack.enter_context(Front(prober, way, scheme="https", places=CLIENTS))
        yield _play(_Stage(folder, network, account, prober, front, clock), detection)


@dataclass
class _Stage:
    folder: Path
    network: Network
    account: Account
    prober: Prober
    front: Front
    clock: Clock

    def wait(self, seconds: float) -> None:
        time.sleep(self.clock.real(seconds))

    def until(self, what: str, is_so: Callable[[], bool], seconds: float = 150) -> float:
        limit = self.clock.now() + seconds
        while not is_so():
            assert self.clock.now() < limit, f"{what}: not in {seconds} s; {self.prober.changes}"
            time.sleep(0.02)
        return self.clock.now()

    def health_of(self, region: str, case: str = "") -> set[bool | None]:
        """What the monitors say of a region, of all load balancers or of one, where it takes traffic."""
        pools = self.account.objects[POOL]
        found = self.prober.health()
        return {
            found.get((pool, origin["name"]))
            for pool, inputs in pools.items()
            if region in pool and pool.startswith(case) and inputs["enabled"]
            for origin in inputs["origins"]
            if origin["enabled"]
        }


def _play(stage: _Stage, detection: dict[str, float]) -> Story:
    east, clock = stage.network[EAST], stage.clock
    for region in ALL:
        shared = [case for case in CASES if case != "ordered" or region == EAST]
        stage.until(f"{region} is up", lambda r=region, s=shared: all(stage.health_of(r, c) <= {True} for c in s))
    wanted = [(host(case), client) for case in CASES for client in CLIENTS]
    users = Users(stage.front.port, clock, wanted, every=EVERY, patience=PATIENCE)
    patient = Users(stage.front.port, clock, [(host("geo"), "ENAM")], every=EVERY, patience=60)
    story = Story(users, patient, stage.prober, detection, settled=clock.now())
    with users, patient:
        stage.wait(20)
        story.settled = clock.now()
        stage.wait(50)
        # The worst moment: just after a check that passed.
        checked = stage.prober.standings[f"geo-pool-{EAST}-id", f"{EAST}.origin.example.com"]
        since = clock.now()
        stage.until("a check", lambda: checked.at > since)
        story.cut = clock.now()
        east.cut()
        story.noticed = stage.until("the cut is noticed", lambda: stage.health_of(EAST) == {False})
        stage.wait(30)
        # A person, or hakit, decides; the standby's database is promoted, and its health path becomes true. East is
        # fenced before it comes back.
        (stage.folder / EAST / "writable").touch()
        (stage.folder / DUBLIN / "writable").unlink()
        story.promoted = clock.now()
        story.promotion_seen = stage.until("promoted", lambda: stage.health_of(DUBLIN, "ordered") == {True})
        stage.wait(30)
        story.returned = clock.now()
        east.reconnect()
        story.back = stage.until("east is back", lambda: all(stage.health_of(EAST, case) == {True} for case in SHARED))
        stage.wait(40)
        story.end = clock.now()
    _print(story)
    return story


def _verdict(story: Story, case: str) -> float:
    """Seconds from the cut until the monitor of a load balancer had its verdict on the region."""
    changes = [each for each in story.prober.changes if each.endpoint[0].startswith(f"{case}-pool-{EAST}")]
    return min(each.at for each in changes if each.at > story.cut and not each.healthy) - story.cut


def _print(story: Story) -> None:
    after = (story.noticed, story.promoted, story.promotion_seen, story.returned, story.back)
    told = ", ".join(f"{moment - story.cut:.0f} s" for moment in after)
    print(f"\nafter the cut: noticed by all, promoted, seen, returned, seen: {told} (a second took {PACE} s)")
    columns = f"{'steering':18}{'client':7}{'computed':>9}{'verdict':>9}{'errors':>9}"
    print(f"{columns}  before | until noticed | after | back again")
    for case in CASES:
        for client in CLIENTS:
            parts = (story.before, story.during, story.after, story.at_last)
            spans = " | ".join(
                ", ".join(f"{name} {number}" for name, number in sorted(answered(part(case, client)).items()))
                for part in parts
            )
            seconds = (story.detection[case], _verdict(story, case), story.outage(case, client))
            print(f"{case:18}{client:7}{''.join(f'{each:7.0f} s' for each in seconds)}  {spans}")


def test_the_stand_in_takes_what_hakit_registers(tmp_path: Path) -> None:
    account, _ = an_account(tmp_path)
    account.traffic_steering = True
    account.load_balancers = len(CASES)
    found = [
        each
        for kind in KINDS
        for identity, inputs in account.objects[kind].items()
        for each in check(kind, inputs, account, identity)
    ]
    assert found == []


def test_before_the_cut_everybody_is_served_without_an_error_and_by_the_region_that_is_meant(story: Story) -> None:
    near = {"ENAM": EAST, "WEU": DUBLIN, "OC": SYDNEY}
    for client, region in near.items():
        for case in ("geo", "proximity"):
            assert set(answered(story.before(case, client))) == {region}, (case, client)
        assert set(answered(story.before("ordered", client))) == {EAST}
        assert set(answered(story.before("latency", client))) == {EAST}, "the others are 150 ms late"
        # Virginia is nearer to western Europe than Sydney is.
        other = EAST if client == "WEU" else region
        assert (
            set(answered(story.before("drained", client))) == set(answered(story.before("fenced", client))) == {other}
        )
    for case in ("weighted", "least-requests", "least-connections"):
        assert {name for client in CLIENTS for name in answered(story.before(case, client))} == set(ALL), case


@pytest.mark.parametrize("case", SHARED)
def test_after_the_loss_is_noticed_nobody_sees_an_error_or_a_region_that_is_cut_drained_or_fenced(
    story: Story, case: str
) -> None:
    allowed = {DUBLIN, SYDNEY} - CASES[case].traffic.keys()
    for client in CLIENTS:
        assert len(story.after(case, client)) > 5
        assert set(answered(story.after(case, client))) <= allowed, client


@pytest.mark.parametrize("case", CASES)
def test_no_client_is_ever_sent_to_a_drained_or_fenced_region(story: Story, case: str) -> None:
    away = set(CASES[case].traffic)
    everything = [visit for visit in story.users.visits if visit.host == host(case)]
    assert not away & {region_of(visit.pool) for visit in everything}


@pytest.mark.parametrize("case", SHARED)
def test_errors_last_no_longer_than_the_computed_detection_time(story: Story, case: str) -> None:
    """A request that began just before the verdict waits for as long as its client has patience. Those that the cut
    region served see errors, or nothing was measured."""
    assert story.detection[case] == 15 * 2 + 5 * 2
    assert _verdict(story, case) <= story.detection[case] + SLACK
    spans = {client: story.outage(case, client) for client in CLIENTS}
    assert max(spans.values()) <= story.detection[case] + PATIENCE + SLACK, spans
    if case in ("geo", "proximity", "latency", "drained", "fenced"):
        assert spans["ENAM"] >= 15, "two checks fail, fifteen seconds apart"
    if case in ("geo", "proximity"):
        assert (spans["WEU"], spans["OC"]) == (0, 0), "a client of another region notices nothing"
        assert set(answered(story.during(case, "WEU"))) == {DUBLIN}
        assert set(answered(story.during(case, "OC"))) == {SYDNEY}


def test_a_standby_serves_from_its_promotion_on_and_not_a_moment_before(story: Story) -> None:
    for client in CLIENTS:
        since = story.users.of(host("ordered"), client, story.noticed, story.promoted - PATIENCE)
        assert set(answered(since)) == {"error"}, "the fallback is the dead active region: no write goes astray"
        promoted = story.users.of(host("ordered"), client, story.promotion_seen, story.end)
        assert set(answered(promoted)) == {DUBLIN}, "also after the old region is back, which is fenced"
        everything = story.users.of(host("ordered"), client)
        assert {each.began >= story.promoted - PATIENCE for each in everything if DUBLIN in each.pool} == {True}
    # Two checks in a row: the standby is up at most two intervals and a probe after it was promoted.
    assert story.promotion_seen - story.promoted <= 15 * 2 + SLACK


def test_a_region_that_is_back_serves_again(story: Story) -> None:
    for case in ("geo", "proximity", "latency", "drained", "fenced"):
        assert set(answered(story.at_last(case, "ENAM"))) == {EAST}, case


def test_a_patient_client_waits_for_the_retry_in_another_region_instead_of_an_error(story: Story) -> None:
    """Failover across pools: after 19 s in which no connection came about, the request goes to the next region."""
    visits = story.patient.of(host("geo"), "ENAM", story.settled, story.returned)
    assert [each.error for each in visits if each.error] == []
    retried = [each for each in visits if each.why == "failover"]
    assert retried, "nothing was asked while the loss was unknown"
    assert all(each.ended > story.cut and each.ended - each.began >= 19 for each in retried)
