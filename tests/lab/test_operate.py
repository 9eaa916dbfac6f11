"""A pair with all that a person operates: two regions with real PostgreSQL under its real operator, a load balancer's
stand-in in front, the stacks of all three by the real engine from a clone of a repository; an application that commits
row after row, and readers that come through the load balancer. The tests are one story, told in order.

Not proven: figures. They are this machine's, without disks that sync and with a network that has no latency; on a busy
machine they are many times those of a quiet one. Streaming only; the archive has tests of its own. The Kubernetes and
Cloudflare providers are the lab's stand-ins; one instance a region, and no applications but those that the readers
reach.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import show
from tests.lab.handover import Switched, logs_in, same_rows, switch
from tests.lab.operating import REGIONS, Operated, operated
from tests.lab.writing import Writer, columns

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """The tests of this module are one story, told in order."""
    with operated(request, tmp_path_factory.mktemp("engine")) as found:
        yield found


def test_by_up_alone_readers_follow_and_an_old_checkout_changes_nothing(
    pair: Operated, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What hakit's commands stand beside: the same change by entries and updates that a person types."""
    pair.nothing_to_do()
    first, old, new = pair.git("rev-parse", "HEAD").strip(), pair.active, pair.follower
    with Writer([pair.wan(name) for name in REGIONS]) as writer:
        pair.lab[old].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        began = time.monotonic()
        done = switch(pair, old, new, writer)
        pair.up("traffic")
        moved = pair.edge.moved_to(new, began) - began
    missing = set(writer.acknowledged) - pair.numbers(new)
    row = [*done.row, moved, len(missing)]
    show(request, "by up of the stacks, seconds", columns([[*Switched.HEAD, "readers moved", "rows lost"], row]))
    assert missing == set()
    same_rows(pair, new, old)
    pair.commit()
    checkout = pair.clone(tmp_path / "old", first)
    for scope in REGIONS:
        ran = pair.pulumi("up", "--stack", f"prod-{scope}", "--yes", "--skip-preview", where=checkout)
        assert ran.code != 0
        assert "this topology is out of date" in ran.said, ran.said
    pair.one_side_is_writable(new)
    logs_in(pair)
    for scope in REGIONS:
        pair.up(scope)
    pair.nothing_to_do()


def test_a_planted_difference_is_seen(pair: Operated) -> None:
    """What the previews of the other tests would find."""
    content = pair.file.read_text(encoding="utf-8")
    pair.file.write_text(content.replace("storage: {zonal: lab}", "storage: {zonal: lab}\n    traffic: drain", 1))
    try:
        with pytest.raises(AssertionError, match="no changes were expected"):
            pair.nothing_to_do(["traffic"])
    finally:
        pair.file.write_text(content, encoding="utf-8")
    pair.nothing_to_do()
    assert pair.hakit("status").code in (0, 3)
