"""Edits add text and change no other byte; an edit that is refused leaves the file as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.topology import edit
from tests.unit.topology.example import EXAMPLE, with_handovers

WEST = {"kind": "planned", "to": "us-west-2"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "topology.prod.yaml"
    path.write_text(EXAMPLE + "\n# the end, with a comment of its own\n")
    path.chmod(0o640)
    return path


def test_a_whole_handover_keeps_every_comment_the_order_and_the_mode(file: Path) -> None:
    edit.append_handover(file, "shop", WEST)
    edit.add_token(file, "shop", "orders", "eyJ0=")
    topology = edit.add_settled(file, "shop")
    assert file.read_text() == (
        EXAMPLE
        + "    handovers:\n"
        + '      - {kind: planned, to: us-west-2, tokens: {orders: "eyJ0="}, settled: true}\n'
        + "\n# the end, with a comment of its own\n"
    )
    assert topology.pair("shop").handovers[-1].settled
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in file.parent.iterdir()] == [file.name], "no temporary file is left"


# The part of a pair that is written, before and after a planned entry, its token and settled.
STYLES = {
    "an empty list": (
        "    handovers: []  # none yet\n",
        '    handovers:  # none yet\n      - {kind: planned, to: us-west-2, tokens: {orders: "T1"}, settled: true}\n',
    ),
    "a list in flow style": (
        "    handovers: [ {to: us-west-2, kind: planned},  {kind: cancel, to: us-east-1} ] # two\n",
        "    handovers: [ {to: us-west-2, kind: planned},  {kind: cancel, to: us-east-1}, "
        '{kind: planned, to: us-west-2, tokens: {orders: "T1"}, settled: true} ] # two\n',
    ),
    "a block list without indent": (
        "    handovers:   # oldest first\n    # the first\n    - kind: 'planned'\n      to: us-west-2 # west\n"
        "    - {kind: cancel, to: us-east-1} # no\n\n    # after the list\n",
        "    handovers:   # oldest first\n    # the first\n    - kind: 'planned'\n      to: us-west-2 # west\n"
        "    - {kind: cancel, to: us-east-1} # no\n"
        '    - {kind: planned, to: us-west-2, tokens: {orders: "T1"}, settled: true}\n\n    # after the list\n',
    ),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_list_keeps_the_style_it_was_written_in(tmp_path: Path, style: str, newline: str) -> None:
    before, after = ((EXAMPLE + part).replace("\n", newline) for part in STYLES[style])
    file = tmp_path / "t.yaml"
    file.write_bytes(before.encode())
    edit.append_handover(file, "shop", WEST)
    edit.add_token(file, "shop", "orders", "T1")
    edit.add_settled(file, "shop")
    assert file.read_bytes().decode() == after


def test_an_entry_in_block_style_gets_its_token_and_settled_in_block_style(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    text = (
        EXAMPLE.replace("[orders]", "[orders, users]")
        + "    handovers:\n      - kind: planned\n        to: us-west-2  # x\n"
    )
    file.write_text(text)
    edit.add_token(file, "shop", "orders", "T1")
    edit.add_token(file, "shop", "users", "T2")
    edit.add_settled(file, "shop")
    assert file.read_text() == text + '        tokens: {orders: "T1", users: "T2"}\n        settled: true\n'


def test_a_file_without_a_last_newline_and_a_link_are_edited_in_place(file: Path) -> None:
    file.write_text(EXAMPLE.rstrip("\n"))
    link = file.parent / "link.yaml"
    link.symlink_to(file)
    edit.append_handover(link, "shop", {"kind": "failover", "to": "us-west-2", "accept_loss": "30s"})
    assert link.is_symlink()
    expected = EXAMPLE + "    handovers:\n      - {kind: failover, to: us-west-2, accept_loss: 30s}"
    assert file.read_text() == expected


WITH_TOKEN = '{kind: planned, to: us-west-2, tokens: {orders: "T1"}}'  # noqa: S105 (no password)
REFUSED: dict[str, tuple[list[str], Callable[[Path], Any], str]] = {
    "an unknown region": ([], lambda f: edit.append_handover(f, "shop", WEST | {"to": "mars"}), "not a region"),
    "an unknown pair": ([], lambda f: edit.append_handover(f, "shpo", WEST), "unknown pair"),
    "an unknown key": ([], lambda f: edit.append_handover(f, "shop", WEST | {"too": 1}), "unknown key"),
    "a new entry with its token": ([], lambda f: edit.append_handover(f, "shop", WEST | {"tokens": {}}), "no tokens"),
    "a second planned entry": ([WITH_TOKEN], lambda f: edit.append_handover(f, "shop", WEST), "which is not settled"),
    "a token twice": ([WITH_TOKEN], lambda f: edit.add_token(f, "shop", "orders", "T2"), "a token of orders already"),
    "a token without an entry": ([], lambda f: edit.add_token(f, "shop", "orders", "T2"), "no handover in the file"),
    "an unknown database": ([WITH_TOKEN], lambda f: edit.add_token(f, "shop", "order", "T2"), "unknown database"),
    "settled without token": (["{kind: planned, to: us-west-2}"], lambda f: edit.add_settled(f, "shop"), "without"),
    "settled twice": ([WITH_TOKEN[:-1] + ", settled: true}"], lambda f: edit.add_settled(f, "shop"), "settled already"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_edit_that_is_refused_leaves_the_file_byte_for_byte(file: Path, case: str) -> None:
    entries, does, expected = REFUSED[case]
    text = with_handovers(*entries) if entries else EXAMPLE
    file.write_text(text)
    with pytest.raises(HakitError, match=expected):
        does(file)
    assert file.read_text() == text
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_token_and_settled_go_to_the_last_entry_only(file: Path) -> None:
    done, back = WITH_TOKEN[:-1] + ", settled: true}", "{kind: planned, to: us-east-1}"
    file.write_text(with_handovers(done, back))
    edit.add_token(file, "shop", "orders", "T2")
    edit.add_settled(file, "shop")
    expected = with_handovers(done, back[:-1] + ', tokens: {orders: "T2"}, settled: true}')
    assert file.read_text() == expected


def test_a_refusal_is_told_in_full_and_shows_no_token(file: Path) -> None:
    file.write_text(with_handovers(WITH_TOKEN.replace("T1", "s3cr3t")))
    for does, expected in [
        (
            lambda: edit.append_handover(file, "shop", WEST | {"to": "us-west-1"}),
            f"{file}:24: pairs.shop.handovers[1].to: not a region of the pair\n  given:   us-west-1\n"
            "  allowed: us-east-1, us-west-2\n  do:      did you mean 'us-west-2'?",
        ),
        (
            lambda: edit.append_handover(file, "shpo", WEST),
            f"{file}:16: unknown pair\n  given:   shpo\n  allowed: shop\n  do:      did you mean 'shop'?",
        ),
        (
            lambda: edit.append_handover(file, "shop", WEST | {"tokens": {"orders": "s3cr3t"}}),
            f"{file}: pair shop: a new entry has no tokens\n  do:      it is added later",
        ),
        (
            lambda: edit.add_token(file, "shop", "orders", "s3cr3t"),
            f"{file}: pair shop: the last entry has a token of orders already",
        ),
    ]:
        with pytest.raises(HakitError) as caught:
            does()
        assert str(caught.value) == expected


def test_a_file_that_changed_meanwhile_is_not_overwritten(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = edit.loading.parse

    def parse_while_somebody_writes(text: str, path: str) -> Any:
        file.write_text(EXAMPLE)
        return real(text, path)

    monkeypatch.setattr(edit.loading, "parse", parse_while_somebody_writes)
    with pytest.raises(HakitError, match="changed while it was edited"):
        edit.append_handover(file, "shop", WEST)
    assert file.read_text() == EXAMPLE
