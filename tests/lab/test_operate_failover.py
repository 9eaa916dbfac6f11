"""`hakit failover` of a region that is cut, its return with its fence, and `hakit failback`: on a real pair, under an
application that writes and readers that come through the load balancer. In the same run, on the same machine: the one
patch of CloudNativePG's documentation, and what the usual guide has a person type.
"""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.conftest import show
from tests.lab.fence_program import CLUSTERS, Running
from tests.lab.handover import logs_in, same_rows
from tests.lab.operating import Operated, operated
from tests.lab.plain_pair import Plain
from tests.lab.writing import Writer, columns, is_writable, until

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """The tests of this module are one story, told in order."""
    with operated(request, tmp_path_factory.mktemp("engine")) as found:
        yield found


@pytest.fixture(scope="module")
def plain(pair: Operated) -> dict[str, Plain]:
    """The same database without hakit, in the same regions: one for its operator's own way, one for the guide's."""
    made = {name: Plain(pair.lab, name) for name in ("floor", "guide")}
    for each in made.values():
        each.make()
    return made


@pytest.mark.parametrize("link", ["after", "during", "before"])
def test_a_region_is_failed_over_comes_back_and_is_failed_back(
    pair: Operated,
    plain: dict[str, Plain],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    link: str,
) -> None:
    """Its link is restored after the failover, during it, or before it: then it was never cut for those who decide."""
    a, first = pair.lab["a"], 10_000_000 * (1 + ["after", "during", "before"].index(link)) + 1
    own = Writer([a.network.console], first=first + 5_000_000)  # of the region that is cut
    table, typed = list[list[object]](), list[str]()
    with contextlib.ExitStack() as opened:
        running = opened.enter_context(Running(a, tmp_path_factory.mktemp("fence"), within=a.network.command))
        writer = opened.enter_context(Writer([pair.wan("a"), pair.wan("b")], first=first))
        a.wait_for("rows", lambda: len(writer.acknowledged) > 200)
        running.turns(1)
        if link != "before":
            a.cut()
        cut = time.monotonic()
        opened.enter_context(own)
        time.sleep(3)  # until somebody, or a check, has decided
        decided = back = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            running_command = pool.submit(pair.hakit, "failover", "--to", "b", "--yes", "--accept-data-loss", "30s")
            if link == "during":
                time.sleep(1)
                back = time.monotonic()
                a.reconnect()
            until(lambda: is_writable(pair.wan("b")), 300, "b is writable")
            writable = time.monotonic() - decided
            moved = pair.edge.moved_to("b", decided) - decided
            ran = running_command.result()
        assert ran.code in (0, 3), ran.said
        table.append(["hakit failover", writable, moved, ran.seconds])
        if link == "after":
            rows, typed = _by_hand(plain)
            table += rows
            back = time.monotonic()
            a.reconnect()
        until(lambda: not is_writable(a.network.console), 120, "a's own clients are refused")
        time.sleep(3)
        assert not is_writable(a.network.console), "refused for good"
        closed = max(own.acknowledged.values(), default=cut)
        known = writer.last
        pair.lab["b"].wait_for("rows of the new side", lambda: writer.last > known + 50, seconds=120)
    since = sum(moment > back for moment in own.acknowledged.values())
    b_rows = pair.numbers("b")
    missing = {number for number in writer.acknowledged if number not in b_rows}
    lost = [writer.acknowledged[number] for number in missing]
    # What was acknowledged after the cut went to the old side until it was stopped.
    seconds_lost = max(((cut if moment <= cut else decided + writable) - moment for moment in lost), default=0.0)
    lines = columns([["", "first write", "readers moved", "command ended"], *table])
    found = [
        f"{len(writer.acknowledged)} rows acknowledged, {len(missing)} lost, the oldest {seconds_lost:.1f} s before "
        "the cut, or before the first write of the new side",
        f"own clients of a: {len(own.acknowledged)} rows, {since} of them after the link's return (or the decision, "
        f"where it was there), the last {closed - back:.1f} s after it",
        *typed,
    ]
    show(request, f"region cut, link restored {link} the failover, seconds", [*lines, *found])
    assert seconds_lost <= 30, "within the loss that was accepted"
    aside = set(own.acknowledged) - b_rows
    assert not is_writable(a.network.console)
    _failed_back(pair, request, aside, link)


def _by_hand(plain: dict[str, Plain]) -> tuple[list[list[object]], list[str]]:
    """The floor, and what the usual guide has a person type: rows of the table, without the load balancer; and what the
    guide's commands said."""
    began = time.monotonic()
    plain["floor"].promote("b")
    until(lambda: is_writable(**plain["floor"].place("b")), 300, "the floor is writable")
    floor = time.monotonic() - began
    began = time.monotonic()
    said = plain["guide"].by_the_guide("b")
    ended = time.monotonic() - began
    writable: object = "not within 60 s"
    with contextlib.suppress(AssertionError):
        until(lambda: is_writable(**plain["guide"].place("b")), 60, "the guide's is writable")
        writable = time.monotonic() - began
    return [["one patch by hand", floor, "", ""], ["the guide's commands", writable, "", ended]], said


def _failed_back(pair: Operated, request: pytest.FixtureRequest, aside: set[int], link: str) -> None:
    """The copy that was left behind is rebuilt under the next incarnation, and becomes active again."""
    before = pair.current("a")
    with Writer([pair.wan("a"), pair.wan("b")], first=min(aside, default=90_000_000) + 2_000_000) as writer:
        pair.lab["b"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        began = time.monotonic()
        ran = pair.operate("failback", "a")
        pause = writer.without_writes(began)
        known = writer.last
        pair.lab["a"].wait_for("rows of a", lambda: writer.last > known + 50, seconds=120)
    missing = set(writer.acknowledged) - pair.numbers("a")
    count = same_rows(pair, "a", "b")
    row = [ran.seconds, pause, len(missing), count, len(aside)]
    head = ["command", "no writes", "rows lost", "rows on both sides", "rows kept aside"]
    show(request, f"failback after {link}, seconds", columns([head, row]))
    assert missing == set()
    assert pair.current("a") != before, "the next incarnation"
    assert not aside & pair.numbers("a"), "what only the lost side had is in neither copy"
    kept = pair.lab["a"].client.get(*CLUSTERS, before, "shop")
    assert kept["metadata"]["annotations"]["hakit/quarantined"] == "true", "and stays on the kept one's volumes"
    claims = {each["metadata"]["name"] for each in pair.lab["a"].client.list("v1", "PersistentVolumeClaim", "shop")}
    assert {f"{before}-1", f"{before}-1-wal"} <= claims
    pair.one_side_is_writable("a")
    pair.nothing_to_do()
    logs_in(pair)
