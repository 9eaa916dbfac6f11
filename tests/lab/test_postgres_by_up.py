"""A database in two regions by `pulumi up` of their stacks alone: real PostgreSQL, its real operator, the real engine,
an application that writes, a network that is cut, and the fence.

Proven: planned handovers there and back, twice, lose no acknowledged row and make nobody anew, and nobody but hakit
owns a field of a Cluster's spec; after the region with the database is cut off, a failover entry applied in the other
one alone makes that one write; the region that comes back is a second primary until its fence, two pods of the
Deployment that RegionPair made, reads the witness; what its own clients wrote until then is counted and is kept; the
copy that was left behind is rebuilt under the next incarnation and takes over again, and both sides hold the same rows.
The application logs in at each point. The password changes by the stacks, and the authority of all certificates beside
them, with the copy going on. What each costs is measured and printed.

Not proven: figures. They are this machine's, without disks that sync and with a network that has no latency. Streaming
only; the archive has a test of its own. The Kubernetes provider is the lab's stand-in.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hakit.fence.watch import FENCED, OURS
from lab.harness.engine import Engine
from lab.harness.tools import POSTGRES_TOOLS, REGION_TOOLS
from tests.lab import fence_pods, object_store
from tests.lab.authorities import SECRET, follows_anew, make_anew, put, shown, trusting
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.fence_program import CLUSTERS, SECONDS, annotations
from tests.lab.handover import Switched, logs_in, owners, same_rows, switch
from tests.lab.pair_by_up import PROGRAM, Pair, authority, entrance, made
from tests.lab.writing import PASSWORD, Writer, columns, connect, is_writable, until

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: Of the node in `a`: the copy that was left behind.
KEPT_PORT = 30434


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair that was founded in `a`. The tests of this module are one story, told in order."""
    need(*REGION_TOOLS, *POSTGRES_TOOLS, "pulumi")
    need_network()
    with contextlib.ExitStack() as opened:
        lab = opened.enter_context(running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, postgres=True))
        store = opened.enter_context(object_store.serving(lab.machine))
        clusters = {each.name: each.kubeconfig for each in lab}
        engine = opened.enter_context(Engine(tmp_path_factory.mktemp("engine") / "pair", clusters, PROGRAM))
        found = opened.enter_context(Pair(lab, store, engine))
        shared = authority()
        for region in lab:
            region.apply([shared], "shop")
            entrance(region, "orders-g1")
        found.up("a")
        found.healthy("a")
        lab["a"].wait_for("the tables", lambda: made(found), seconds=120)
        found.up("b")
        found.healthy("b")
        yield found


HAKIT = {("hakit", "Apply")}


def test_the_ready_function_says_where_writes_are_taken_and_its_login_may_do_nothing_else(pair: Pair) -> None:
    """What PostgREST makes of PT503 is in its documentation; here is what it is told."""
    pair.says_as_ready("a", "ready")
    pair.says_as_ready("b", "PT503")
    assert pair.asked_as_ready("a", options="-c default_transaction_read_only=on") == "PT503", "a full disk's setting"
    for statement in ("select count(*) from orders", "create table public.own ()", "select pg_read_file('PG_VERSION')"):
        assert pair.asked_as_ready("a", statement) in ("42501", "25006"), statement


def test_planned_handovers_there_and_back_twice_lose_no_row_and_make_nobody_anew(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    before = {name: pair.identity(name) for name in ("a", "b")}
    assert before["a"]["system"] == before["b"]["system"], "the copy is a copy"
    assert not is_writable(pair.wan("b"))
    logs_in(pair)
    done = []
    with Writer([pair.wan("a"), pair.wan("b")]) as writer:
        pair.lab["a"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        for number, (old, new) in enumerate([("a", "b"), ("b", "a")] * 2, 1):
            done.append(switch(pair, old, new, writer))
            assert pair.timeline(new) == 1 + number, "promoted as often as it was handed over, and never made anew"
            for name in (old, new):
                assert owners(pair, name) == HAKIT
    missing = set(writer.acknowledged) - pair.numbers("a")
    count = same_rows(pair, "a", "b")
    lines = columns([Switched.HEAD, *(each.row for each in done)])
    found = f"{len(writer.acknowledged)} rows acknowledged, {len(missing)} lost; {count} rows on both sides"
    show(request, "planned handover, seconds", [*lines, found])
    assert missing == set()
    assert {name: pair.identity(name) for name in ("a", "b")} == before, "nobody was made anew"


def test_a_password_changes_by_an_update_of_each_stack_the_follower_first(pair: Pair) -> None:
    """What docs/postgres.md says of it: one value, then an update of each region's stack."""

    def logs_in_with(name: str, password: str) -> bool:
        try:
            connect(pair.wan(name), password=password).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    def both(password: str) -> list[bool]:
        return [logs_in_with(name, password) for name in ("a", "b")]

    for old, new in [(PASSWORD, "another of the lab"), ("another of the lab", PASSWORD)]:
        pair.declare(new)
        pair.up("b")
        assert both(old) == [True, True], "the database's password is the active side's"
        assert both(new) == [False, False]
        pair.up("a")
        for name in ("a", "b"):
            pair.lab[name].wait_for("the new one", lambda name=name, new=new: logs_in_with(name, new), seconds=60)
        assert both(old) == [False, False]
    logs_in(pair)


def test_an_authority_is_replaced_side_by_side_and_each_step_lets_the_follower_in(pair: Pair, tmp_path: Path) -> None:
    """Both sides trust the new one before anything is signed by it, and the old one until nothing is."""
    a, b = pair.lab["a"], pair.lab["b"]
    old = authority()
    old["data"] = a.client.get("v1", "Secret", SECRET, "shop")["data"]
    # Of two with one name and no key identifier OpenSSL tries the first, and finds the signature wrong.
    new = authority("another of orders")
    for region in (a, b):
        put(region, trusting(old, new))
    for region in (a, b):
        put(region, trusting(new, old))
        make_anew(region)
        a.wait_for("the new server", lambda: shown(pair, "a", new, tmp_path), seconds=60)
        follows_anew(pair, "a", "b")
    assert not shown(pair, "a", old, tmp_path)
    for region in (a, b):
        put(region, new)
    follows_anew(pair, "a", "b")
    pair.lab["b"].wait_for("the new server", lambda: shown(pair, "b", new, tmp_path), seconds=60)
    logs_in(pair)


def test_after_a_cut_the_other_region_takes_over_alone_and_what_it_costs_is_measured(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    a, b = pair.lab["a"], pair.lab["b"]
    own = Writer([a.network.console], first=2_000_001)  # of the region that is cut: nobody cuts a client there off
    with Writer([pair.wan("a"), pair.wan("b")], first=1_000_001) as writer:
        a.wait_for("rows", lambda: len(writer.acknowledged) > 200)
        a.cut()
        cut = time.monotonic()
        with own:
            time.sleep(3)  # until somebody, or a check, has decided
            assert not is_writable(pair.wan("b")), "nobody has promoted it yet"
            last_of_old = writer.last
            decided = time.monotonic()
            pair.append(kind="failover", to="b", accept_loss="30s")
            told = time.monotonic() - decided
            pair.up("b")
            applied = time.monotonic() - decided
            until(lambda: is_writable(pair.wan("b")), 240, "b is writable")
            writable = time.monotonic() - decided
        assert not is_writable(pair.wan("a")), "cut"
        pair.healthy("b")
        known = writer.last
        b.wait_for("rows of the new side", lambda: writer.last > known + 50, seconds=120)
        pause = writer.longest_pause(cut - 1)
    missing = sorted(set(writer.acknowledged) - pair.numbers("b"))
    before_cut = sum(moment <= cut for moment in writer.acknowledged.values())
    head = ["decision to witness", "to update's end", "to first commit", "writer's pause", "acknowledged", "lost"]
    row = [told, applied, writable, pause, before_cut, len(missing)]
    show(request, "region cut, failover, seconds", columns([head, row]))
    # Streaming is asynchronous: the last rows of the old side may be lost, but none from the middle, none of the new.
    old = sorted(number for number in writer.acknowledged if number <= last_of_old)
    assert missing == old[len(old) - len(missing) :]
    assert own.acknowledged, "a region that is cut goes on for its own clients"
    assert not set(own.acknowledged) & pair.numbers("b")
    assert owners(pair, "b") == HAKIT
    pair.says_as_ready("b", "ready")
    logs_in(pair, "b")


def test_without_a_fence_the_region_that_was_cut_comes_back_as_a_second_primary(pair: Pair) -> None:
    """The trap that the fence is for: nothing in the operator takes the role from a region that knows of nothing. The
    fence's pods lie on a node that runs nothing."""
    assert {each["spec"]["nodeName"] for each in fence_pods.pods(pair.lab["a"])} == {"a-a-1-0"}
    pair.lab["a"].reconnect()
    until(lambda: is_writable(pair.wan("a")), 60, "a, which nobody has told, is writable again")
    assert is_writable(pair.wan("b")), "and so is b"
    assert pair.cluster("a")["spec"]["replica"]["primary"] == "orders-g1-a"


def test_with_the_fence_its_return_is_the_end_of_its_writes(pair: Pair, request: pytest.FixtureRequest) -> None:
    a = pair.lab["a"]
    a.cut()  # once more, now with the fence running, as the stack's first update left it there

    def read() -> list[float]:
        """When the fence in `a` read the witness."""
        return [moment for moment, who, path in pair.store.reads if who == a.network.wan and path.endswith("shop.json")]

    names = fence_pods.run_them(a)
    with Writer([a.network.console], first=3_000_001) as own:
        a.wait_for("two turns of both", lambda: fence_pods.away(a, names), lambda each: min(each) >= 2)
        a.wait_for("rows of its own clients", lambda: len(own.acknowledged) > 50)
        assert read() == [], "cut"
        assert annotations(a, "orders-g1") == {}, "no witness can be read: nothing is done by one"
        a.reconnect()
        back = time.monotonic()
        a.wait_for("the fence", lambda: annotations(a, "orders-g1"), seconds=60)
        fenced = time.monotonic()
        until(lambda: not is_writable(a.network.console), 60, "a's own clients are refused")
        time.sleep(3)
        final = max(own.acknowledged.values())
        assert time.monotonic() - final > 3, "refused for good"
    seen = read()[0]
    cut_rows = sum(moment <= back for moment in own.acknowledged.values())
    head = ["link back to witness", "to fenced", "to last row", "rows while cut", "rows after"]
    row = [seen - back, fenced - back, final - back, cut_rows, len(own.acknowledged) - cut_rows]
    show(request, "the cut region's return with its fence, seconds from the link's return", columns([head, row]))
    assert fenced - seen < SECONDS
    assert annotations(a, "orders-g1") == {FENCED: '["*"]', OURS: "true"}
    # Of two that look in the same moment both may say it.
    fences = {each["why"] for lines in fence_pods.said(a, names) for each in lines if each["what"] == "fence"}
    failover = len(pair.declared.pair("shop").handovers)  # 5, when all of the story was told
    assert fences == {f"the witness names b, incarnation 1 since entry {failover}"}
    assert annotations(pair.lab["b"], "orders-g1") == {}, "the new primary is not touched"
    until(lambda: is_writable(pair.wan("b")), 60, "b takes writes still")
    assert not set(own.acknowledged) & pair.numbers("b"), "what was counted is nowhere else"
    pair.aside = set(own.acknowledged)


def test_the_copy_left_behind_is_rebuilt_under_the_next_incarnation_with_the_fence_running(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    a = pair.lab["a"]
    began = time.monotonic()
    pair.up("a")  # it learns of the failover
    a.wait_for("the fence is lifted from a replica", lambda: annotations(a, "orders-g1") == {}, seconds=60)
    assert not is_writable(a.network.console)
    kept = {each["metadata"]["name"] for each in a.client.list("v1", "PersistentVolumeClaim", "shop")}
    pair.append(kind="rebuild", to="a", incarnation=2)
    pair.up("a")
    entrance(a, "orders-g2")
    pair.healthy("a")
    rebuilt = time.monotonic() - began
    pair.up("b")
    pair.healthy("b")
    pair.settle()
    for name in ("a", "b"):
        pair.up(name)
        pair.healthy(name)
    count = same_rows(pair, "b", "a")
    entrance(a, "orders-g1", name="kept", port=KEPT_PORT)
    aside = a.wait_for("the kept rows", lambda: _numbers_of_the_kept_copy(pair), seconds=120)
    only = aside - pair.numbers("b")
    lines = columns([["seconds", "rows on both sides", "rows kept aside"], [rebuilt, count, len(only)]])
    show(request, "rebuild", lines)
    assert pair.aside <= only, "every row of the cut region's own clients is in the kept copy, and nowhere else"
    assert not is_writable(pair.wan("a")), "the rebuilt copy follows"
    pair.says_as_ready("a", "PT503")
    assert is_writable(pair.wan("b"))
    logs_in(pair)
    assert a.client.get(*CLUSTERS, "orders-g1", "shop")["metadata"]["annotations"]["hakit/quarantined"] == "true"
    claims = {each["metadata"]["name"] for each in a.client.list("v1", "PersistentVolumeClaim", "shop")}
    assert {"orders-g1-1", "orders-g1-1-wal"} <= kept <= claims, "the rows that only a has are on the kept volumes"
    assert [annotations(a, f"orders-g{number}") for number in (1, 2)] == [{}, {}], "the fence leaves replicas alone"


def _numbers_of_the_kept_copy(pair: Pair) -> set[int]:
    with contextlib.suppress(psycopg.OperationalError), connect(pair.wan("a"), port=KEPT_PORT) as connection:
        return {number for (number,) in connection.execute("select id from orders").fetchall()}
    return set()


def test_the_rebuilt_copy_takes_over_again_and_both_sides_hold_the_same_rows(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    before = {name: pair.identity(name) for name in ("a", "b")}
    with Writer([pair.wan("a"), pair.wan("b")], first=4_000_001) as writer:
        pair.lab["b"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        done = switch(pair, "b", "a", writer)
    missing = set(writer.acknowledged) - pair.numbers("a")
    count = same_rows(pair, "a", "b")
    found = f"{len(writer.acknowledged)} rows acknowledged, {len(missing)} lost; {count} rows on both sides"
    show(request, "failback, seconds", [*columns([Switched.HEAD, done.row]), found])
    assert missing == set()
    assert {name: pair.identity(name) for name in ("a", "b")} == before, "nobody was made anew"
    assert owners(pair, "a") == owners(pair, "b") == HAKIT
    assert annotations(pair.lab["a"], "orders-g2") == {}, "the fence lets the copy be that the witness names"
    pair.lab["a"].wait_for("two looks of the liveness probe", lambda: fence_pods.age(pair.lab["a"]) > 75, seconds=120)
    assert fence_pods.restarts(pair.lab["a"]) == [0, 0], "it turns still, and kubelet saw it"
    assert not pair.aside & pair.numbers("a"), "what was kept aside is still aside"
