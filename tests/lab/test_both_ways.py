"""Two real PostgreSQL servers that tell each other their rows: what comes, what does not, and what stops it. See
`partitioned` for what is real here; `test_three_ways` has three of them."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.lab.partitioned import TABLE, Exchange, Server, exchanging, serving, wait

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    with serving("ab") as found:
        yield found


@pytest.fixture
def both(servers: dict[str, Server], request: pytest.FixtureRequest) -> Iterator[Exchange]:
    with Exchange(servers, request.node.name.removeprefix("test_")[:40]) as made:
        yield made


def test_each_side_gets_the_others_rows_and_sends_none_of_them_back(both: Exchange) -> None:
    both.execute("a", TABLE)
    both.execute("a", "insert into orders values (1, 'a'), (2, 'a')")
    both.publish("a")
    both.execute("b", TABLE)
    both.publish("b")
    both.subscribe("a", "b")
    both.subscribe("b", "a")
    wait(lambda: both.copied("a") and both.copied("b"))
    both.execute("a", "insert into orders values (3, 'a')")
    both.execute("b", "insert into orders values (101, 'b')")
    both.execute("b", "insert into orders values (102, 'b'); delete from orders where id = 102")
    everything = [(1, "a"), (2, "a"), (3, "a"), (101, "b")]
    wait(lambda: both.rows("a"), everything)
    wait(lambda: both.rows("b"), everything)
    both.execute("a", "update orders set region = 'A' where id = 3")
    wait(lambda: both.rows("b")[2], (3, "A"))
    assert (both.errors("a"), both.errors("b")) == (0, 0), "nothing came back to where it was written"


def test_without_origin_none_a_row_comes_back_and_stops_everything(both: Exchange) -> None:
    """Why it is there."""
    for region in "ab":
        both.execute(region, TABLE)
        both.publish(region)
    for region in "ab":
        both.subscribe(region, "b" if region == "a" else "a", origin="any")
    wait(lambda: both.copied("a") and both.copied("b"))
    both.execute("a", "insert into orders values (1, 'a')")
    wait(lambda: both.errors("a") > 0)


def test_a_subscription_to_what_is_not_published_yet_is_made_and_nothing_ever_comes(both: Exchange) -> None:
    """Why `subscribe` is false until it is said."""
    for region in "ab":
        both.execute(region, TABLE)
    both.subscribe("b", "a")
    both.publish("a")
    both.execute("a", "insert into orders values (1, 'a')")
    assert both.at["b"].execute("select count(*) from pg_subscription_rel").fetchone() == (0,), "it knows no table"
    both.execute("b", f'alter subscription "{both.subscription("a", "b")}" refresh publication')
    wait(lambda: both.rows("b"), [(1, "a")])


def test_a_sequence_is_not_carried(both: Exchange) -> None:
    exchanging(both)
    both.execute("a", "insert into orders values (nextval('numbers'), 'a'), (nextval('numbers'), 'a')")
    wait(lambda: len(both.rows("b")), 2)
    assert both.at["b"].execute("select nextval('numbers')").fetchone() == (1,), "the number of a row that is there"


def test_a_changed_table_stops_the_other_side_until_it_is_changed_there_too(both: Exchange) -> None:
    exchanging(both)
    both.execute("a", "alter table orders add column note text")
    both.execute("a", "insert into orders values (1, 'a', 'new')")
    wait(lambda: both.errors("b") > 0)
    assert both.rows("b") == []
    both.execute("b", "alter table orders add column note text")
    wait(lambda: both.rows("b"), [(1, "a")])


def test_a_row_that_both_sides_write_stops_both_and_each_keeps_its_own(both: Exchange) -> None:
    """Why each row has one region that owns it."""
    exchanging(both)
    for region in "ab":
        both.at[region].execute("begin")
        both.at[region].execute("insert into orders values (1, %s)", (region,))
    for region in "ab":
        both.execute(region, "commit")
    wait(lambda: both.errors("a") > 0 and both.errors("b") > 0)
    assert both.rows("a") == [(1, "a")]
    assert both.rows("b") == [(1, "b")]


def test_nothing_of_an_enabled_subscription_is_set_again_with_failover(both: Exchange) -> None:
    """Why a Subscription's manifest never changes: CloudNativePG would set all of it."""
    exchanging(both)
    with pytest.raises(psycopg.Error, match='cannot set option "failover" for enabled subscription'):
        both.execute(
            "b", f"""alter subscription "{both.subscription("a", "b")}" set (origin = 'none', failover = 'true')"""
        )
