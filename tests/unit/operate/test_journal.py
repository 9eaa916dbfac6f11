"""Stores, and what a journal holds."""

import json
from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.operate import journal as journals
from hakit.operate.store import Bucket, Folder, OvertakenError, open_store
from hakit.operate.world import Position
from tests.unit.operate.fake import B, FakeWorld, planned


def test_a_document_is_written_over_only_by_who_has_read_it(tmp_path: Path) -> None:
    store = Folder(tmp_path / "deep" / "folder")
    assert store.read("a.json") == (b"", "")
    first = store.write("a.json", b"1", "")
    with pytest.raises(OvertakenError):
        store.write("a.json", b"2", "")
    second = store.write("a.json", b"2", first)
    with pytest.raises(OvertakenError):
        store.write("a.json", b"3", first)
    assert store.read("a.json") == (b"2", second)
    assert sorted(each.name for each in (tmp_path / "deep" / "folder").iterdir()) == [".writing", "a.json"]


@pytest.mark.parametrize(
    ("address", "kind", "where"),
    [
        ("/state/.hakit", Folder, "/state/.hakit"),
        ("file:///state/.hakit", Folder, "/state/.hakit"),
        ("s3://acme-state/hakit?region=us-east-2", Bucket, "s3://acme-state/hakit"),
    ],
)
def test_a_store_is_found_by_its_address(address: str, kind: type, where: str) -> None:
    store = open_store(address)
    assert isinstance(store, kind)
    assert store.where == where


@pytest.mark.parametrize(
    ("address", "told"), [("gs://acme/hakit", "not a place for a journal"), ("s3://acme/hakit", "region is missing")]
)
def test_what_is_no_place_is_refused(address: str, told: str) -> None:
    with pytest.raises(HakitError, match=told):
        open_store(address)


def test_a_journal_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    operation = planned(FakeWorld(), "switchover", B)
    journal = journals.begin(store, "shop.json", operation, "")
    journal.floor = {"orders": Position(3, 4711)}
    journal.begin(operation.steps[0])
    journal.end(operation.steps[0], 0.25, "entry 1")
    journal.begin(operation.steps[1])
    found, tag = journals.load(store, "shop.json")
    assert found is not None
    assert (found.operation, found.phase, found.floor, tag) == (operation, "forward", journal.floor, journal.tag)
    assert found.is_done(operation.steps[0])
    assert found.is_begun(operation.steps[1])
    assert not found.is_done(operation.steps[1])
    assert not found.is_begun(operation.steps[2])


def test_a_journal_that_another_run_has_written_is_not_written_over(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    operation = planned(FakeWorld(), "switchover", B)
    first = journals.begin(store, "shop.json", operation, "")
    second, _ = journals.load(store, "shop.json")
    assert second is not None
    second.begin(operation.steps[0])
    with pytest.raises(HakitError, match="written by somebody else meanwhile"):
        first.begin(operation.steps[0])


@pytest.mark.parametrize("content", ["no json", "[]", "{}", '{"version": 1}'])
def test_what_is_no_journal_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / "shop.json").write_text(content, encoding="utf-8")
    with pytest.raises(HakitError, match="the journal cannot be read"):
        journals.load(Folder(tmp_path), "shop.json")
    assert (tmp_path / "shop.json").read_text(encoding="utf-8") == content


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(json.dumps({"version": 2}), encoding="utf-8")
    with pytest.raises(HakitError, match="finish the operation with the hakit that began it"):
        journals.load(Folder(tmp_path), "shop.json")


def test_an_ended_operation_is_kept_beside_the_next_one(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    journal = journals.begin(store, "shop.json", planned(FakeWorld(), "switchover", B), "")
    journal.turn("done")
    journals.keep(store, journal)
    (kept,) = (tmp_path / "history").glob("*.json")
    assert kept.name.endswith("-switchover-shop.json")
    assert json.loads(kept.read_text(encoding="utf-8"))["phase"] == "done"
