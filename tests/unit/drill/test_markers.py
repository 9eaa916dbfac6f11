"""Markers and the comparison of two regions' data, against a real PostgreSQL and a real standby of it."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakit.drill.consistency import DIFFERENT, EQUAL, UNKNOWN, Table, compare, sequences, worst
from hakit.drill.markers import TABLE, Writer, interruption, prepare, remove, trail
from hakit.drill.sql import Session, SqlError, ask, quoted
from tests.unit.drill.postgres import Servers, running


@pytest.fixture(scope="module")
def both() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="hk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "s").mkdir()
        with running(folder / "s") as servers:
            servers.sql("a", "create database app")
            servers.sql("a", "create table orders (id serial primary key, what text, at timestamptz)", "app")
            servers.sql(
                "a", "insert into orders (what, at) select 'thing ' || n, now() from generate_series(1, 500) n", "app"
            )
            servers.sql("a", "create schema other", "app")
            servers.sql("a", 'create table other."Odd Name" (x int[], y jsonb)', "app")
            servers.sql("a", """insert into other."Odd Name" values ('{1,2}', '{"k": 1}'), (null, null)""", "app")
            servers.until_caught_up()
            yield servers


@pytest.fixture
def a(both: Servers) -> Session:
    return both.session("a")


@pytest.fixture
def b(both: Servers) -> Session:
    return both.session("b")


def by_name(tables: list[Table]) -> dict[str, str]:
    return {each.name: each.outcome for each in tables}


def test_a_statement_gives_one_value_and_what_is_wrong_is_one_line(a: Session) -> None:
    assert ask(a, "select json_build_object('n', 1);") == {"n": 1}
    assert ask(a, "select 1 where false;") is None
    with pytest.raises(SqlError, match='ERROR:  relation "nothing" does not exist'):
        ask(a, "select * from nothing;")
    with pytest.raises(SqlError, match="psql answered"):
        ask(a, "select 'no json';")


def test_a_string_with_a_quote_is_one_string(a: Session) -> None:
    text = "it's"
    assert ask(a, f"select to_json({quoted(text)}::text);") == text


def test_a_region_that_is_away_and_one_that_hangs_cost_the_time_given(both: Servers, b: Session) -> None:
    (both.folder / "b" / "away").touch()
    with pytest.raises(SqlError, match="no route"):
        ask(b, "select to_json(1);")
    (both.folder / "b" / "away").unlink()
    (both.folder / "b" / "hangs").touch()
    with pytest.raises(SqlError, match="no answer within 1 s"):
        ask(b, "select to_json(1);", seconds=1)


def test_a_marker_is_found_in_the_copy_and_in_the_archive_only_when_its_segment_ended(
    both: Servers, a: Session, b: Session
) -> None:
    found = trail(a, [b], "at-rest", seconds=10)
    (row,) = found.rows.values()
    assert list(found.rows) == ["b"]
    assert row.seconds is not None
    assert found.archived.seconds is None, "nobody ended the segment, and no bound on its time is set here"
    both.sql("a", f"insert into {TABLE} (drill, number) values ('filler', 1); select pg_switch_wal()")
    segment = both.sql("a", f"select pg_walfile_name('{found.position}')")
    ends = time.monotonic() + 60
    while both.sql("a", "select coalesce(last_archived_wal, '') from pg_stat_archiver") < segment:
        assert time.monotonic() < ends, "what ended is archived"
        time.sleep(0.05)
    remove(a, "at-rest")
    both.until_caught_up()
    assert both.sql("b", f"select count(*) from {TABLE} where drill = 'at-rest'") == "0", "nothing of it is left"
    assert both.sql("b", f"select count(*) from {TABLE} where drill = 'filler'") == "1", "of another drill it is"


def test_a_copy_that_is_away_is_told_as_such_and_not_as_late(both: Servers, a: Session, b: Session) -> None:
    (both.folder / "b" / "away").touch()
    row = trail(a, [b], "away", seconds=1).rows["b"]
    assert row.seconds is None
    assert "no route" in row.problem


def test_a_standby_takes_no_marker(b: Session) -> None:
    with pytest.raises(SqlError, match="read-only transaction"):
        trail(b, [], "standby", seconds=1)


def test_equal_copies_are_equal_table_by_table(both: Servers, a: Session, b: Session) -> None:
    both.until_caught_up()
    tables = list(compare(a, b))
    assert by_name(tables) == {"app other.Odd Name": EQUAL, "app public.orders": EQUAL}
    assert {each.name: each.rows for each in tables}["app public.orders"] == (500, 500)
    assert worst(tables) == EQUAL
    assert sequences(a, b) == []


def test_a_changed_value_a_missing_row_and_a_missing_table_are_each_found(
    both: Servers, a: Session, b: Session
) -> None:
    """A copy that does not follow stands for one that has lost something: replay is paused, and the primary goes on."""
    both.until_caught_up()
    both.sql("b", "select pg_wal_replay_pause()")
    try:
        both.sql("a", "update orders set what = 'another' where id = 7", "app")
        both.sql("a", """delete from other."Odd Name" where x is null""", "app")
        both.sql("a", "create table later (x int)", "app")
        both.sql("a", "select nextval('orders_id_seq') from generate_series(1, 100)", "app")
        tables = {each.name: each for each in compare(a, b)}
        assert {name: each.outcome for name, each in tables.items()} == dict.fromkeys(tables, DIFFERENT)
        assert tables["app public.orders"].rows == (500, 500), "as many rows, and one of them is another"
        assert tables["app other.Odd Name"].rows == (1, 2)
        assert tables["app public.later"].said == "b does not have this table"
        assert sequences(a, b) == ["app public.orders_id_seq"]
    finally:
        both.sql("b", "select pg_wal_replay_resume()")
        both.sql("a", "drop table later", "app")
    both.until_caught_up()
    assert worst(list(compare(a, b))) == EQUAL


def test_an_unlogged_table_is_unknown_and_not_taken_for_equal(both: Servers, a: Session, b: Session) -> None:
    both.sql("a", "create unlogged table cache (x int)", "app")
    both.until_caught_up()
    try:
        (found,) = [each for each in compare(a, b) if each.name == "app public.cache"]
        assert (found.outcome, found.said) == (UNKNOWN, "unlogged: no copy has its rows")
    finally:
        both.sql("a", "drop table cache", "app")


def test_a_writer_goes_on_and_every_acknowledged_marker_is_there(both: Servers, a: Session, b: Session) -> None:
    prepare(a)
    writer = Writer([b, a], "writer", every=0.05)
    writer.start()
    assert writer.wait_for_more(60), "the copy refuses, the primary takes it"
    assert writer.wait_for_more(60)
    writer.stop()
    seen = writer.judged(a)
    assert (seen.acknowledged, seen.lost) == (len(writer.acknowledged), ())
    assert {region for _, region in writer.acknowledged.values()} == {"a"}
    both.sql("a", f"delete from {TABLE} where drill = 'writer' and number = {max(writer.acknowledged)}")
    assert writer.judged(a).lost == (max(writer.acknowledged),), "one that is gone is counted"
    remove(a, "writer")


@pytest.mark.parametrize(
    ("acknowledged", "there", "lost", "without", "seconds"),
    [
        ({1: (10.0, "a"), 2: (10.5, "a"), 3: (13.5, "b"), 4: (14.0, "b")}, {1, 2, 3, 4}, (), 3.0, 0.0),
        ({1: (10.0, "a"), 2: (10.5, "a"), 3: (12.0, "a"), 4: (20.0, "b")}, {1, 4}, (2, 3), 8.0, 1.5),
        ({}, set(), (), 0.0, 0.0),
    ],
    ids=["nothing lost", "two lost", "nothing written"],
)
def test_what_an_operation_cost_follows_from_the_markers(
    acknowledged: dict[int, tuple[float, str]], there: set[int], lost: tuple[int, ...], without: float, seconds: float
) -> None:
    found = interruption(acknowledged, there)
    assert (found.lost, found.without_writes, found.lost_seconds) == (lost, without, seconds)
