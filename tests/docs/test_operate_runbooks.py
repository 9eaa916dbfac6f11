"""The runbooks of switchover, failover and failback are what `hakit runbook` writes, and can be followed by hand as far
as the list of handovers, the stacks and hakit's own commands go. Their `kubectl` command is run nowhere, and no
`pulumi` here; tests/lab/test_operate.py hands over by the list and `pulumi up` alone, as these pages do by hand."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hakit.cli import app
from hakit.errors import HakitError
from hakit.operate import plan, runbook
from hakit.operate.run import EXIT_CODES
from hakit.topology import Topology, load, names
from hakit.topology.loading import parse
from tests.docs.test_documentation import ROOT

KINDS = ("switchover", "failover", "failback")
EAST, WEST = "us-east-1", "us-west-2"
WITNESS = tuple(f"s3://acme-prod-{region}-witness/shop.json?region={region}" for region in (EAST, WEST))
REFERENCE = "stacks/topology.prod.yaml"


def text(kind: str) -> str:
    return (ROOT / "docs" / "runbooks" / f"{kind}.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def steps(page: str) -> list[str]:
    return re.findall(r"^### \d+\. `(.+?)`", page, re.MULTILINE)


def lists(page: str) -> list[list[dict[str, Any]]]:
    return [yaml.safe_load(block)["pairs"]["shop"]["handovers"] for block in blocks(page, "yaml")]


def commands(page: str) -> list[str]:
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    return [" ".join(line.partition(" #")[0].split()) for line in lines]


def accepted(words: list[str]) -> dict[str, Any]:
    """A command of hakit's as its own parser reads it, without running it. Raises SystemExit or a usage error."""
    command: Any = typer.main.get_command(app)
    name, context = "hakit", None
    while hasattr(command, "commands"):
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
        name, words = words[0], words[1:]
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"
    return command.make_context(name, list(words), parent=context).params


def reference() -> Topology:
    return load(ROOT / REFERENCE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_what_the_code_says(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert text(kind) == runbook.of_project(kind, None, "", "", WITNESS), "run `make docs`"


def test_every_step_of_the_command_is_on_its_page_in_its_order() -> None:
    switch = ["append-planned", "wait-us-west-2", "demote-us-east-1", "token", "witness", "promote-us-west-2"]
    ended = ["settle", "publish", "update-us-west-2", "update-traffic", "update-us-east-1"]
    assert steps(text("switchover")) == switch + ended
    assert steps(text("failover")) == [
        *("append-failover", "witness", "fence-us-east-1", "promote-us-west-2", "settle", "publish"),
        *("update-us-west-2", "update-traffic", "update-us-east-1"),
    ]
    home = [
        *("append-planned", "wait-us-east-1", "demote-us-west-2", "token", "witness", "promote-us-east-1"),
        *("settle", "publish", "update-us-east-1", "update-traffic", "update-us-west-2"),
    ]
    assert steps(text("failback")) == [
        *("return-us-east-1", "append-rebuild", "rebuild-us-east-1", "introduce-us-west-2", "built-us-east-1"),
        *("settle-rebuild", "settled-us-east-1", "settled-us-west-2", *home),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_says_where_why_when_it_is_done_and_how_it_is_undone(kind: str) -> None:
    for section in re.split(r"^### ", text(kind), flags=re.MULTILINE)[1:]:
        for word in ("Where", "Why", "Done when", "Undo", "Takes"):
            assert len(re.findall(rf"^- \*\*{word}\*\* \S", section, re.MULTILINE)) == 1, section
        assert "By hand" in section, section


@pytest.mark.parametrize(
    ("kind", "final"), [("switchover", "token"), ("failover", "append-failover"), ("failback", "token")]
)
def test_the_point_of_no_return_is_marked_once_and_at_its_step(kind: str, final: str) -> None:
    sections = re.split(r"^### ", text(kind), flags=re.MULTILINE)[1:]
    marked = [section for section in sections if "**The point of no return.**" in section]
    assert [re.findall(r"`(.+?)`", section)[0] for section in marked] == [final]


def test_whoever_follows_the_lists_by_hand_ends_with_the_commands_own() -> None:
    token = {"orders": "<token of orders>"}
    lost = {"kind": "failover", "to": WEST, "accept_loss": "30s", "settled": True}
    rebuilt = {"kind": "rebuild", "to": EAST, "incarnation": 2, "settled": True}
    there = {"kind": "planned", "to": WEST, "tokens": token, "settled": True}
    home = {"kind": "planned", "to": EAST, "tokens": token, "settled": True}
    expected = {"switchover": [there], "failover": [lost], "failback": [lost, rebuilt, home]}
    for kind, wanted in expected.items():
        assert lists(text(kind).partition("## The way back")[0])[-1] == wanted, kind


@pytest.mark.parametrize("kind", KINDS)
def test_each_list_is_one_that_hakit_reads_and_changes_no_older_entry(kind: str) -> None:
    forward, _, back = text(kind).partition("## The way back")
    content = (ROOT / REFERENCE).read_text(encoding="utf-8")
    before: list[dict[str, Any]] = []
    for found in lists(forward):
        data = yaml.safe_load(content)
        data["pairs"]["shop"]["handovers"] = found
        assert len(parse(yaml.safe_dump(data), "topology.yaml").pair("shop").handovers) == len(found)
        if before:
            assert found[: len(before) - 1] == before[:-1], "only the last entry of a list is ever added to"
            assert before[-1].items() <= found[len(before) - 1].items()
        before = found
    taken_back = lists(back)
    assert len(taken_back) == (0 if kind == "failover" else 1)
    for found in taken_back:
        data = yaml.safe_load(content)
        data["pairs"]["shop"]["handovers"] = found
        pair = parse(yaml.safe_dump(data), "topology.yaml").pair("shop")
        assert plan.active(pair) == (EAST if kind == "switchover" else WEST), "the old side is active as before"


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_names_what_there_is(kind: str) -> None:
    topology = reference()
    stacks = {names.stack("prod", scope) for scope in names.scopes(topology)}
    contexts = {region.cluster.context for region in topology.regions.values()}
    assert len(commands(text(kind))) > 8
    for line in commands(text(kind)):
        match line.split():
            case ["hakit", *words]:
                accepted(words)
            case ["pulumi", "up", "--stack", stack]:
                assert stack in stacks
            case ["kubectl", "--context", context, "get", "clusters.postgresql.cnpg.io", *_]:
                assert context in contexts
            case ["git", "commit" | "push", *words]:
                assert not words or words[-1] == REFERENCE
            case _:
                pytest.fail(f"nobody knows what this is: {line}")


def test_a_command_that_there_is_not_is_found() -> None:
    with pytest.raises(AssertionError, match="there is no command"):
        accepted(["switch-over", "--to", WEST])
    with pytest.raises(Exception, match="--too"):
        accepted(["switchover", "--too", WEST])


@pytest.mark.parametrize("kind", KINDS)
def test_every_exit_code_has_what_to_do(kind: str) -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \| \S.+ \| \S.+ \|$", text(kind), re.MULTILINE)}
    assert codes == {*EXIT_CODES.values(), 3, 130} - ({4} if kind == "failover" else set())


def test_what_a_failover_does_in_the_lost_region_is_marked_as_only_while_it_answers() -> None:
    sections = re.split(r"^### ", text("failover"), flags=re.MULTILINE)[1:]
    marked = [re.findall(r"`(.+?)`", each)[0] for each in sections if f"Only while {EAST} answers." in each]
    assert marked == ["fence-us-east-1", "update-us-east-1"]


def page(content: str, kind: str, to: str = "") -> str:
    topology = parse(content, "topology.yaml")
    return runbook.page(topology, kind, "shop", to, (*topology.regions, "traffic"))


def with_list(entries: str) -> str:
    return (ROOT / REFERENCE).read_text(encoding="utf-8").replace("handovers: []", f"handovers: [{entries}]")


def test_without_a_witness_no_step_writes_one_and_a_failover_says_so() -> None:
    assert "hakit witness raise" not in page(with_list(""), "switchover")
    told = page(with_list(""), "failover")
    assert "hakit witness raise" not in told
    assert "the pair has no witness: when us-east-1 comes back nothing stops it" in told


def test_a_failback_is_of_the_region_that_a_failover_really_left_behind() -> None:
    told = page(with_list(f"{{kind: failover, to: {WEST}, accept_loss: 30s, settled: true}}"), "failback")
    assert f"from {WEST} to {EAST}" in told
    assert len(lists(told.partition("## The way back")[0])[-1]) == 3


def test_after_a_switchover_the_pages_go_the_other_way() -> None:
    moved = with_list(f'{{kind: planned, to: {WEST}, tokens: {{orders: "eyJ..."}}, settled: true}}')
    assert f"from {WEST} to {EAST}" in page(moved, "switchover")
    assert "when EPOCH is 20," in page(moved, "switchover")
    assert f"from {EAST} to {WEST}" in page(moved, "failback"), "home is where it was before the failover"


def test_a_runbook_that_cannot_be_planned_is_refused() -> None:
    for kind, to, words in (
        ("switchover", "eu-west-1", "is not in this region"),
        ("switchover", EAST, "this region is active already"),
        ("failback", WEST, "a failback ends where a failover began"),
    ):
        with pytest.raises(HakitError, match=words):
            page(with_list(""), kind, to)


def test_a_project_of_ones_own_gets_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    told = runbook.of_project("switchover", Path("examples/active-passive/topology.yaml"), "", "", ())
    assert "hakit witness raise examples/active-passive/topology.yaml shop" in told
    assert "prod-traffic" not in told, "this project has no such stack"
