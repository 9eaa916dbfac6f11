"""`hakit switchover` on a real pair, killed hard (SIGKILL) at every step of its journal, while an application writes.

Not proven: that a kill falls on every moment of a step. The step machine is killed at each of them on a model, in
tests/unit/operate.
"""

from collections.abc import Iterator

import pytest

from tests.lab.conftest import show
from tests.lab.handover import logs_in, same_rows
from tests.lab.operating import REGIONS, Operated, operated
from tests.lab.writing import Writer, columns

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: Those that decide who writes.
DECIDE = ("demote", "token", "witness", "promote", "settle")


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """The tests of this module are one story, told in order."""
    with operated(request, tmp_path_factory.mktemp("engine")) as found:
        yield found


def test_one_switchover_killed_hard_at_each_of_its_steps_ends_with_one_side_that_writes_and_has_every_row(
    pair: Operated, request: pytest.FixtureRequest
) -> None:
    """Each run goes on where the one before was killed, to be killed a step later; every second time what it has
    started lives on, `pulumi up` above all."""
    steps, rows = pair.steps("switchover", "b"), []
    assert len(steps) == 11, steps
    with Writer([pair.wan(name) for name in REGIONS]) as writer:
        pair.lab["a"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        for number, step in enumerate(steps):
            # An update is killed while it runs.
            late, alone = (1.0 if step.startswith("update-") else 0.0), number % 2 == 0
            dead = pair.killed_at(step, "switchover", "b", late=late, alone=alone)
            rows.append([step, "hakit alone" if alone else "and all it started", dead.seconds, pair.writable()])
            assert len(rows[-1][-1]) <= 1, step
        ran = pair.operate("switchover", "b")
        pair.one_side_is_writable("b")
        known = writer.last
        pair.lab["b"].wait_for("rows of the new side", lambda: writer.last > known + 50, seconds=120)
    missing = set(writer.acknowledged) - pair.numbers("b")
    head = ["killed at", "what died", "seconds after it was begun", "writable then"]
    found = f"then to its end in {ran.seconds:.1f} s; {len(writer.acknowledged)} rows acknowledged, {len(missing)} lost"
    show(request, "one switchover, killed hard at each step", [*columns([head, *rows]), found])
    assert missing == set()
    same_rows(pair, "b", "a")
    pair.nothing_to_do()
    logs_in(pair)


def test_switchovers_each_killed_once_where_it_is_decided_who_writes_are_ended_by_the_next_run(
    pair: Operated, request: pytest.FixtureRequest
) -> None:
    """One kill a switchover, back and forth, a step later each time."""
    rows = []
    with Writer([pair.wan(name) for name in REGIONS], first=1_000_000) as writer:
        pair.lab[pair.active].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        for number, kind in enumerate(DECIDE):
            new = pair.follower
            step = {"demote": f"demote-{pair.active}", "promote": f"promote-{new}"}.get(kind, kind)
            dead = pair.killed_at(step, "switchover", new, alone=number % 2 == 0)
            assert len(pair.writable()) <= 1, step
            again = pair.operate("switchover", new)
            assert pair.active == new, step
            pair.one_side_is_writable(new)
            known = set(writer.acknowledged)
            missing = known - pair.numbers(new)
            rows.append([f"{step}, to {new}", dead.seconds, again.seconds, len(known), len(missing)])
            assert missing == set(), step
    head = ["killed at", "after", "run again", "rows acknowledged", "rows lost"]
    show(request, "killed hard once and run again, seconds", columns([head, *rows]))
    same_rows(pair, pair.active, pair.follower)
    pair.nothing_to_do()
    logs_in(pair)
