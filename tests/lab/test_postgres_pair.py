"""A database in two regions, for real: PostgreSQL, its operator, an application that writes, and a network that is cut.

Proven: a planned switch by token loses nothing and rebuilds nobody, in both directions; after the region with the
database is cut off, the other one takes over, and what that costs is measured and printed. Not proven: figures. They
are this machine's, without disks that sync and with a network that has no latency.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.harness import Lab, LabRegion
from lab.harness.tools import POSTGRES_TOOLS, REGION_TOOLS
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.pair import (
    NAMESPACE,
    Writer,
    cluster,
    cluster_name,
    columns,
    connect,
    introduce,
    is_writable,
    lost,
    objects,
    set_replica,
    until,
    wait_until_healthy,
)

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A pair whose database is in `east`. The tests of this module are one story, told in order."""
    need(*REGION_TOOLS, *POSTGRES_TOOLS)
    need_network()
    with running_lab(request, {"east": ["a"], "west": ["a"]}, postgres=True) as lab:
        east, west = lab["east"], lab["west"]
        for region in lab:
            region.namespace(NAMESPACE)
        east.apply(objects(east, [west], founded=east, instances=1), NAMESPACE)
        wait_until_healthy(east, 1)
        introduce(east, to=west)
        west.apply(objects(west, [east], founded=east, instances=1), NAMESPACE)
        wait_until_healthy(west, 1)
        introduce(west, to=east)
        with connect(east.network.wan) as connection:
            connection.execute("create table orders (id bigint primary key)")
            connection.execute("create table probes (at timestamptz default now())")
        yield lab


def _identity(region: LabRegion) -> dict[str, Any]:
    """What would change if a region's copy were made anew."""
    # Of PostgreSQL itself: after a demotion the operator's status leaves it out until something wakes the operator.
    with connect(region.network.wan) as connection:
        (system,) = connection.execute("select system_identifier from pg_control_system()").fetchone() or ()
    claims = region.client.list("v1", "PersistentVolumeClaim", NAMESPACE)
    return {
        "system": system,
        "volumes": {claim["metadata"]["name"]: claim["metadata"]["uid"] for claim in claims},
        "instances": cluster(region)["status"]["instanceNames"],
    }


def _switch(old: LabRegion, new: LabRegion, writer: Writer) -> tuple[float, float, float]:
    """A planned switch; returns seconds until the token, until the new side is writable, and of the longest pause."""
    began = time.monotonic()
    before = cluster(old).get("status", {}).get("demotionToken", "")
    set_replica(old, primary=new, source=new)
    token = old.wait_for(
        "the demotion token",
        lambda: cluster(old)["status"].get("demotionToken", ""),
        lambda found: bool(found) and found != before,
        seconds=120,
    )
    demoted = time.monotonic() - began
    set_replica(new, primary=new, source=old, token=token)
    until(lambda: is_writable(new.network.wan), 120, f"{new.name} is writable")
    writable = time.monotonic() - began
    new.wait_for(
        "the operator's word that it promoted with this token",
        lambda: cluster(new)["status"].get("lastPromotionToken"),
        lambda found: found == token,
        seconds=120,
    )
    set_replica(new, primary=new, source=old, token=None)
    wait_until_healthy(new, 1)
    wait_until_healthy(old, 1)
    last = max(writer.acknowledged)
    new.wait_for("more rows", lambda: max(writer.acknowledged), lambda number: number > last + 20)
    return demoted, writable, writer.longest_pause(began)


def test_a_planned_switch_there_and_back_loses_no_row_and_rebuilds_nobody(pair: Lab, request: pytest.FixtureRequest):
    east, west = pair["east"], pair["west"]
    before = {region.name: _identity(region) for region in pair}
    assert before["east"]["system"] == before["west"]["system"], "the copy is a copy"
    rows = []
    with Writer([east.network.wan, west.network.wan]) as writer:
        east.wait_for("rows", lambda: writer.acknowledged, lambda found: len(found) > 50)
        for old, new in ((east, west), (west, east)):
            demoted, writable, pause = _switch(old, new, writer)
            assert not is_writable(old.network.wan), "one side at a time"
            with connect(new.network.wan) as connection:  # the application, with the password that it always had
                assert connection.execute("select current_user").fetchone() == ("app",)
            rows.append([f"{old.name} to {new.name}", f"{demoted:.1f}", f"{writable:.1f}", f"{pause:.1f}"])
    missing = lost(writer, east.network.wan)
    for row in rows:
        row += [str(len(writer.acknowledged)), str(len(missing))]
    title = "planned switch by token, seconds"
    head = ["switch", "token", "writable", "longest pause", "acknowledged", "lost"]
    show(request, title, columns([head, *rows]))
    assert missing == []
    assert {region.name: _identity(region) for region in pair} == before, "nobody was made anew"


def test_after_a_cut_the_other_region_takes_over_and_what_it_costs_is_measured(
    pair: Lab, request: pytest.FixtureRequest
):
    east, west = pair["east"], pair["west"]
    with Writer([east.network.wan, west.network.wan], first=1_000_001) as writer:
        east.wait_for("rows", lambda: writer.acknowledged, lambda found: len(found) > 200)
        east.cut()
        cut = time.monotonic()
        time.sleep(3)  # until somebody, or a check, has decided
        assert not is_writable(west.network.wan), "nobody has promoted it yet"
        last_of_old = max(writer.acknowledged)
        set_replica(west, primary=west, source=east)
        to_writable = until(lambda: is_writable(west.network.wan), 120, "west is writable")
        assert not is_writable(east.network.wan), "cut"
        wait_until_healthy(west, 1)
        known = max(writer.acknowledged)
        west.wait_for("rows of the new side", lambda: max(writer.acknowledged), lambda number: number > known + 50)
        pause = writer.longest_pause(cut - 1)
    missing = lost(writer, west.network.wan)
    before_cut = sum(moment <= cut for moment in writer.acknowledged.values())
    head = ["decision to writable", "writer's pause from the cut", "acknowledged before", "lost"]
    row = [f"{to_writable:.1f}", f"{pause:.1f}", str(before_cut), str(len(missing))]
    show(request, "region cut, promotion without token, seconds", columns([head, row]))
    # Streaming is asynchronous: the last rows of the old side may be lost, but none from the middle, none of the new.
    old = sorted(number for number in writer.acknowledged if number <= last_of_old)
    assert missing == old[len(old) - len(missing) :]


def test_the_region_that_was_cut_comes_back_as_a_second_primary(pair: Lab):
    """The trap that a fence is for: nothing in the operator takes the role away from a region that knows of nothing."""
    east, west = pair["east"], pair["west"]
    east.reconnect()
    until(lambda: is_writable(east.network.wan), 30, "east, which nobody has told, is writable again")
    assert is_writable(west.network.wan)
    assert cluster(east)["spec"]["replica"]["primary"] == cluster_name(east)
