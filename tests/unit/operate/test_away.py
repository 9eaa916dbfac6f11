"""What an operation can still do when something beside the regions is away: docs/operate.md has it as a table.

On the model of the regions, a real folder, and clocks that the tests turn. A name that is not found is played; a
resolver that never answers is not.
"""

import re
import socket
from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.operate.command import Wanted, _store
from hakit.operate.lock import LEASE, WATCHED
from hakit.operate.run import exit_code
from hakit.operate.store import AwayError, Bucket
from hakit.preview.project import find_project
from hakit.topology.loading import parse
from tests.docs.test_documentation import ROOT
from tests.unit.operate.fake import A, B, FakeWorld, again, begin, holds, planned
from tests.unit.operate.test_lock import Clock, Memory, lease, left_behind
from tests.unit.topology.example import EXAMPLE

PAGE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")


def wanted_with_the_state_away(kind: str, tmp_path: Path) -> Wanted:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("")
    (tmp_path / "state").write_text("a file, where the folder was mounted")
    return Wanted(kind, to=B, journal=str(tmp_path / "state" / "hakit"))


@pytest.mark.parametrize("kind", ["switchover", "failback"])
def test_with_the_state_away_a_switchover_or_failback_is_refused(kind: str, tmp_path: Path) -> None:
    wanted = wanted_with_the_state_away(kind, tmp_path)
    with pytest.raises(HakitError, match="the journal's place cannot be reached") as refused:
        _store(find_project(tmp_path), wanted, parse(EXAMPLE, ""))
    assert "--journal" in str(refused.value.do)


def test_with_the_state_away_a_failover_keeps_its_journal_on_this_machine_and_says_so(tmp_path: Path) -> None:
    wanted = wanted_with_the_state_away("failover", tmp_path)
    store, notes = _store(find_project(tmp_path), wanted, parse(EXAMPLE, ""))
    assert store.where == str(tmp_path / ".hakit" / "operate")
    assert "where no other operator sees them" in notes[-1]
    assert store.write("shop.json", b"{}", ""), "it can be written"


def test_with_the_state_away_a_failover_opens_the_database_and_stops_at_the_first_stack() -> None:
    world = FakeWorld()
    world.cut(A)
    operation = planned(world, "failover", B)
    world.away = {A, B, "traffic"}
    outcome = begin(world, operation)
    assert (outcome.ended, exit_code(outcome)) == ("stopped", 1)
    assert outcome.why.startswith(f"update-{B}: ")
    assert world.writable() == [B], "the database takes writes"
    assert world.updates == [], "applications and traffic are as they were"
    world.away.clear()
    assert again(world).ended == "done"
    assert world.updates == [B, "traffic"]
    world.reconnect()
    holds(world, B, lossless=False)


@pytest.mark.parametrize("kind", ["switchover", "failover"])
def test_with_git_away_it_is_done_and_the_push_is_left(kind: str) -> None:
    world = FakeWorld()
    if kind == "failover":
        world.cut(A)

    def no_remote(name: str) -> None:
        if name == "publish":
            raise HakitError("the remote does not answer")

    operation = planned(world, kind, B)
    world.interfere = no_remote
    outcome = begin(world, operation)
    assert (outcome.ended, exit_code(outcome)) == ("done", 3)
    assert [step.id for step in outcome.left] == ["publish"]
    assert world.writable() == [B]
    assert "traffic" in world.updates


def test_an_operator_whose_clock_is_a_minute_ahead_does_not_take_a_living_ones_lease() -> None:
    store, clock = Memory(), Clock()
    left_behind(store, clock.time - 60 + LEASE)
    mine = lease(store, clock, "failover to a")

    def renewed(seconds: float) -> None:
        clock.sleep(seconds)
        left_behind(store, clock.time - 60 + LEASE)

    mine.sleep = renewed
    with pytest.raises(HakitError, match="another operator is at work"), mine:
        pass


def test_an_operator_whose_clock_is_a_minute_behind_waits_a_minute_longer_for_a_lease_that_was_left() -> None:
    store, clock = Memory(), Clock()
    left_behind(store, clock.time + 60)  # by the other clock it is over now
    with pytest.raises(HakitError, match="another operator is at work"), lease(store, clock):
        pass
    clock.time += 60
    with lease(store, clock) as mine:
        mine.check()
    assert clock.time == 1060 + WATCHED


def test_a_journal_whose_name_is_not_found_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an-example")
    place = Bucket("s3://acme-state/hakit?region=eu-central-1")
    with pytest.raises(AwayError, match="Name or service not known"):
        place.read("shop.json")
    with pytest.raises(AwayError):
        place.write("shop.json", b"{}", "")


def test_every_test_that_the_table_of_docs_operate_names_is_there() -> None:
    table = PAGE.partition("## What still works")[2].partition("\n## ")[0]
    found = re.findall(r"`(test_\w+)\.(\w+)`", table)
    assert len(found) > 8
    for module, name in found:
        text = (ROOT / "tests" / "unit" / "operate" / f"{module}.py").read_text(encoding="utf-8")
        assert f"def test_{name}(" in text, f"{module}.{name}"
