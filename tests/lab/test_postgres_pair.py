"""A database in two regions by PostgresCluster's own manifests, entry by entry: real PostgreSQL, its real operator, an
application that writes, a network that is cut, and the fence.

Proven: a planned handover there and back loses no acknowledged row and makes nobody anew; after the region with the
database is cut off, a failover entry applied in the other one alone makes that one write; the region that comes back
is a second primary until its fence reads the witness; the copy that was left behind is rebuilt under the next
incarnation and holds the same rows. What each costs is measured and printed.

Not proven: figures. They are this machine's, without disks that sync and with a network that has no latency. Streaming
only; the archive and the engine have tests of their own. The fence's program is a process in the region's network, not
a pod.
"""

import contextlib
import datetime as dt
import time
from collections.abc import Iterator

import pytest

from hakit.fence.watch import FENCED, OURS
from hakit.observe import Place, ask_all
from hakit.status import exit_code, status_text
from hakit.status.document import CopyDocument, StatusDocument, document_of
from hakit.status.seen import see
from lab.harness.tools import POSTGRES_TOOLS, REGION_TOOLS, tool
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.fence_program import SECONDS, Running, annotations, serving
from tests.lab.pair import LOGIN, Pair, authority, entrance, made
from tests.lab.writing import Writer, columns, is_writable, until

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair that was founded in `a`. The tests of this module are one story, told in order."""
    need(*REGION_TOOLS, *POSTGRES_TOOLS, "kubectl")
    need_network()
    with running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, postgres=True) as lab, serving(lab.machine) as store:
        found = Pair(lab, store)
        shared = authority()
        for region in lab:
            region.namespace("shop")
            region.apply([shared, LOGIN], "shop")
            entrance(region, "orders-g1")
        found.up("a")
        found.healthy("a")
        lab["a"].wait_for("the tables", lambda: made(found), seconds=120)
        found.up("b")
        found.healthy("b")
        yield found


@pytest.fixture(scope="module")
def opened() -> Iterator[contextlib.ExitStack]:
    """What one test starts and a later one still needs."""
    with contextlib.ExitStack() as found:
        yield found


def _logs_in(pair: Pair, name: str) -> None:
    """The application, with the password that it always had."""
    pair.lab[name].wait_for(
        "a login", lambda: pair.run(name, "select current_user"), lambda rows: rows == [("app",)], seconds=120
    )


def _ready_says(pair: Pair, name: str, word: str) -> None:
    """Once PostgreSQL takes connections again, as a copy whose role or settings changed may restart."""
    pair.lab[name].wait_for(word, lambda: pair.asked_as_ready(name), lambda said: said == word, seconds=120)


def _same_rows(pair: Pair, active: str, follower: str) -> int:
    """Both sides hold the same, row by row; returns how many. Nobody writes."""
    rows = pair.content(active)
    assert rows
    pair.lab[follower].wait_for("the same rows", lambda: pair.content(follower) == rows, seconds=180)
    return len(rows)


def _switch(pair: Pair, old: str, new: str, writer: Writer) -> list[object]:
    """A planned handover as four updates do it; seconds to the token, to the first commit, and of the longest pause."""
    began = time.monotonic()
    before = pair.cluster(old)["status"].get("demotionToken", "")
    pair.entries.append({"kind": "planned", "to": new})
    pair.up(new)  # in whichever order
    pair.up(old)
    token = pair.lab[old].wait_for(
        "the token",
        lambda: pair.cluster(old)["status"].get("demotionToken", ""),
        lambda found: found not in ("", before),
        seconds=240,
    )
    demoted = time.monotonic() - began
    pair.entries[-1]["tokens"] = {"orders": token}
    pair.up(new)
    pair.up(old)
    until(lambda: is_writable(pair.wan(new)), 240, f"{new} is writable")
    writable = time.monotonic() - began
    pair.lab[new].wait_for(
        "the operator's word", lambda: pair.cluster(new)["status"].get("lastPromotionToken") == token, seconds=240
    )
    pair.entries[-1]["settled"] = True
    for name in (new, old):
        pair.up(name)
        pair.healthy(name)
    last = writer.last
    pair.lab[new].wait_for("more rows", lambda: writer.last > last + 20, seconds=120)
    assert not is_writable(pair.wan(old)), "one side at a time"
    _ready_says(pair, new, "ready")
    _ready_says(pair, old, "PT503")
    _logs_in(pair, new)
    return [f"{old} to {new}", demoted, writable, writer.longest_pause(began)]


def test_the_ready_function_says_where_writes_are_taken_and_its_login_may_do_nothing_else(pair: Pair) -> None:
    """What PostgREST makes of PT503 is in its documentation; here is what it is told."""
    a = pair.lab["a"]
    a.wait_for("the role's password", lambda: pair.asked_as_ready("a"), lambda said: said == "ready", seconds=120)
    pair.lab["b"].wait_for("the same in the copy", lambda: pair.asked_as_ready("b"), lambda said: said == "PT503")
    assert pair.asked_as_ready("a", options="-c default_transaction_read_only=on") == "PT503", "a full disk's setting"
    for statement in ("select count(*) from orders", "create table public.own ()", "select pg_read_file('PG_VERSION')"):
        assert pair.asked_as_ready("a", statement) in ("42501", "25006"), statement


def _status(pair: Pair, *dead: str) -> StatusDocument:
    """As `hakit status` asks; a region that is dead is asked by a context that leads nowhere."""
    places = [Place(name, "nowhere" if name in dead else "lab", str(pair.lab[name].kubeconfig)) for name in ("a", "b")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAKIT_KUBECTL", str(tool("kubectl")))
        seen = ask_all(places, lambda _place, reader: see(reader), seconds=60)
    return document_of(pair.declared, "topology.yaml", seen, dt.datetime.now(dt.UTC))


def _copies(document: StatusDocument) -> list[CopyDocument]:
    return document["pairs"][0]["databases"][0]["copies"]


def _codes(document: StatusDocument) -> list[str]:
    return [each["code"] for each in document["findings"]]


def test_a_status_says_who_takes_writes_and_how_far_the_copy_is_behind(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    quiet = pair.lab["a"].wait_for("a status without findings", lambda: _status(pair), lambda found: not _codes(found))
    primary, replica = _copies(quiet)
    assert (primary["role"], replica["role"], replica["lag_bytes"], exit_code(quiet)) == ("primary", "replica", 0, 0)
    assert 80 < (primary["certificate_days"] or 0) <= 90
    with Writer([pair.wan("a")], first=9_000_001) as writer:
        pair.lab["a"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        busy = _status(pair)
    show(request, "hakit status", status_text(busy).splitlines())
    assert _copies(busy)[1]["lag_bytes"] is not None
    assert busy["pairs"][0]["lag_seconds"] is not None, "the primary knows the copy by its Cluster's name"
    assert busy["pairs"][0]["lag_seconds"] < 30, "as the objective has it"
    began = time.monotonic()
    half = _status(pair, "a")
    assert time.monotonic() - began < 60, "nobody waits for a dead region"
    assert _codes(half) == ["HK100", "HK131"]
    assert [each["role"] for each in _copies(half)] == ["unknown", "replica"]


def test_a_planned_handover_there_and_back_loses_no_row_and_makes_nobody_anew(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    before = {name: pair.identity(name) for name in ("a", "b")}
    assert before["a"]["system"] == before["b"]["system"], "the copy is a copy"
    assert not is_writable(pair.wan("b"))
    with Writer([pair.wan("a"), pair.wan("b")]) as writer:
        pair.lab["a"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        rows = [_switch(pair, "a", "b", writer), _switch(pair, "b", "a", writer)]
    missing = set(writer.acknowledged) - pair.numbers("a")
    head: list[object] = ["handover", "token", "first commit", "longest pause", "acknowledged", "lost"]
    found = [[*row, len(writer.acknowledged), len(missing)] for row in rows]
    show(request, "planned handover, seconds", columns([head, *found]))
    assert missing == set()
    assert {name: pair.identity(name) for name in ("a", "b")} == before, "nobody was made anew"
    _same_rows(pair, "a", "b")


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
            pair.entries.append({"kind": "failover", "to": "b", "accept_loss": "30s"})
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
    head = ["decision to update's end", "to first commit", "writer's pause", "acknowledged before", "lost"]
    row = [applied, writable, pause, before_cut, len(missing)]
    show(request, "region cut, failover, seconds", columns([head, row]))
    # Streaming is asynchronous: the last rows of the old side may be lost, but none from the middle, none of the new.
    old = sorted(number for number in writer.acknowledged if number <= last_of_old)
    assert missing == old[len(old) - len(missing) :]
    assert own.acknowledged, "a region that is cut goes on for its own clients"
    assert not set(own.acknowledged) & pair.numbers("b")
    _ready_says(pair, "b", "ready")
    _logs_in(pair, "b")


def test_without_a_fence_the_region_that_was_cut_comes_back_as_a_second_primary(pair: Pair) -> None:
    """The trap that the fence is for: nothing in the operator takes the role from a region that knows of nothing."""
    pair.lab["a"].reconnect()
    until(lambda: is_writable(pair.wan("a")), 60, "a, which nobody has told, is writable again")
    assert is_writable(pair.wan("b")), "and so is b"
    assert {"HK130", "HK133"} <= set(_codes(_status(pair))), "two take writes, and a has not applied the failover"
    assert pair.cluster("a")["spec"]["replica"]["primary"] == "orders-g1-a"


def test_with_the_fence_its_return_is_the_end_of_its_writes(
    pair: Pair, opened: contextlib.ExitStack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    a, store = pair.lab["a"], pair.store
    a.cut()  # once more, now with the fence in it
    pair.put_fence("a")
    folder = tmp_path_factory.mktemp("fence")
    running = opened.enter_context(Running(a, folder, [store.url], within=a.network.command))
    with Writer([a.network.console], first=3_000_001) as own:
        running.turns(2)
        a.wait_for("rows of its own clients", lambda: len(own.acknowledged) > 50)
        assert store.read == [], "cut"
        assert annotations(a, "orders-g1") == {}, "no witness can be read: nothing is done by one"
        a.reconnect()
        back = time.monotonic()
        a.wait_for("the fence", lambda: annotations(a, "orders-g1"))
        fenced = time.monotonic()
        until(lambda: not is_writable(a.network.console), 60, "a's own clients are refused")
        # A session that is open may still commit for as long as PostgreSQL takes to stop.
        until(lambda: time.monotonic() - max(own.acknowledged.values()) > 3, 60, "no row for three seconds")
        final = max(own.acknowledged.values())
        time.sleep(3)
        assert max(own.acknowledged.values()) == final, "refused for good"
    seen = store.read[0]
    cut_rows = sum(moment <= back for moment in own.acknowledged.values())
    head = ["link back to witness", "to fenced", "to last row", "rows while cut", "rows after"]
    row = [seen - back, fenced - back, final - back, cut_rows, len(own.acknowledged) - cut_rows]
    show(request, "the cut region's return with its fence, seconds from the link's return", columns([head, row]))
    assert fenced - seen < SECONDS
    assert annotations(a, "orders-g1") == {FENCED: '["*"]', OURS: "true"}
    fences = [each["why"] for each in running.said() if each["what"] == "fence"]
    assert fences == ["the witness names b, incarnation 1 since entry 3"]
    assert is_writable(pair.wan("b")), "the new primary is not touched"
    after = _status(pair)
    assert [each["role"] for each in _copies(after)] == ["fenced", "primary"]
    assert "HK130" not in _codes(after)
    assert not set(own.acknowledged) & pair.numbers("b"), "what was counted is nowhere else"


def test_the_copy_left_behind_is_rebuilt_under_the_next_incarnation_with_the_fence_running(
    pair: Pair, request: pytest.FixtureRequest
) -> None:
    a = pair.lab["a"]
    began = time.monotonic()
    pair.up("a")  # it learns of the failover
    a.wait_for("the fence is lifted from a replica", lambda: annotations(a, "orders-g1") == {})
    assert not is_writable(a.network.console)
    kept = {each["metadata"]["name"] for each in a.client.list("v1", "PersistentVolumeClaim", "shop")}
    pair.entries.append({"kind": "rebuild", "to": "a", "incarnation": 2})
    pair.up("a")
    entrance(a, "orders-g2")
    pair.healthy("a", 2)
    rebuilt = time.monotonic() - began
    pair.up("b")
    pair.healthy("b")
    count = _same_rows(pair, "b", "a")
    show(request, "rebuild", columns([["seconds", "rows on both sides"], [rebuilt, count]]))
    assert not is_writable(pair.wan("a")), "the rebuilt copy follows"
    _ready_says(pair, "a", "PT503")
    assert is_writable(pair.wan("b"))
    for name in ("a", "b"):
        _logs_in(pair, name)
    assert pair.cluster("a", 1)["metadata"]["annotations"]["hakit/quarantined"] == "true"
    claims = {each["metadata"]["name"] for each in a.client.list("v1", "PersistentVolumeClaim", "shop")}
    last = _status(pair)
    assert [(each["declared"], each["cluster"]) for each in _copies(last)] == [
        ("replica", "orders-g2"),
        ("kept", "orders-g1"),
        ("primary", "orders-g1"),
    ]
    assert {"HK130", "HK131", "HK132", "HK135"} & set(_codes(last)) == set()
    assert {"orders-g1-1", "orders-g1-1-wal"} <= kept <= claims, "the rows that only a has are on the kept volumes"
    assert [annotations(a, f"orders-g{number}") for number in (1, 2)] == [{}, {}], "the fence leaves replicas alone"
