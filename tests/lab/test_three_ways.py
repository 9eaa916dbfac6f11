"""Three real PostgreSQL servers of a partitioned pair: rows go to everybody and no further, a region that was away
catches up, and one whose volumes are gone is begun anew from what the others have. See `partitioned` for what is real.

The last is done in SQL, as docs/active-active.md writes it: hakit makes no new copy of a partitioned database.
"""

from collections.abc import Iterator

import pytest

from tests.lab.partitioned import TABLE, Exchange, exchanging, serving, wait

pytestmark = [pytest.mark.lab, pytest.mark.long]

REGIONS = "abc"


@pytest.fixture(scope="module")
def three() -> Iterator[Exchange]:
    """The tests of this module are one story, told in order."""
    with serving(REGIONS) as servers, Exchange(servers, "three") as found:
        exchanging(found)
        yield found


def everywhere(three: Exchange, rows: list[tuple[int, str]]) -> None:
    for region in REGIONS:
        wait(lambda region=region: three.rows(region), rows)


def test_each_of_three_regions_gets_every_row_once(three: Exchange) -> None:
    for number, region in enumerate(REGIONS, 1):
        three.at[region].execute("insert into orders values (%s, %s)", (number, region))
    everywhere(three, [(1, "a"), (2, "b"), (3, "c")])
    three.execute("c", "update orders set region = 'C' where id = 3")
    three.execute("b", "delete from orders where id = 2")
    everywhere(three, [(1, "a"), (3, "C")])
    assert [three.errors(region) for region in REGIONS] == [0, 0, 0], "no row came twice"


def test_a_region_that_was_away_catches_up_and_the_others_went_on(three: Exchange) -> None:
    three.at["b"].close()
    three.servers["b"].stop()
    three.execute("a", "insert into orders values (11, 'a')")
    wait(lambda: (11, "a") in three.rows("c"))
    three.execute("c", "insert into orders values (13, 'c')")
    wait(lambda: (13, "c") in three.rows("a"))
    three.servers["b"].start()
    three.at["b"] = three.servers["b"].connect("three")
    three.execute("b", "insert into orders values (12, 'b')")
    everywhere(three, [(1, "a"), (3, "C"), (11, "a"), (12, "b"), (13, "c")])


def test_a_region_whose_volumes_are_gone_is_begun_anew_from_what_the_others_have(three: Exchange) -> None:
    three.at["b"].close()
    three.servers["b"].lose_everything()
    three.create("b")
    for region in "ac":
        wait(lambda region=region: idle(three, region))
    # In each region that is left: what b held back there, and what listened to it.
    for region in "ac":
        three.execute(region, f"select pg_drop_replication_slot('{three.subscription(region, 'b')}')")
        old = three.subscription("b", region)
        three.execute(region, f'alter subscription "{old}" disable')
        three.execute(region, f'alter subscription "{old}" set (slot_name = none)')
        three.execute(region, f'drop subscription "{old}"')
    # Nobody writes meanwhile. From one of them everybody's rows, from the others what comes from now on.
    three.execute("b", TABLE)
    three.publish("b")
    three.subscribe("b", "c", copy_data="true")
    wait(lambda: three.copied("b"))
    three.subscribe("b", "a", copy_data="false")
    wait(lambda: three.copied("b"))
    rows = [(1, "a"), (3, "C"), (11, "a"), (12, "b"), (13, "c")]
    assert three.rows("b") == rows, "its own row, which it had told the others, is back"
    for region in "ac":
        three.subscribe(region, "b", copy_data="false")
    wait(lambda: three.copied("a") and three.copied("c"))
    for number, region in enumerate(REGIONS, 21):
        three.at[region].execute("insert into orders values (%s, %s)", (number, region))
    everywhere(three, [*rows, (21, "a"), (22, "b"), (23, "c")])


def idle(three: Exchange, region: str) -> bool:
    """Whether nobody in b reads from a region any more."""
    asked = "select active from pg_replication_slots where slot_name = %s"
    return three.at[region].execute(asked, [three.subscription(region, "b")]).fetchall() == [(False,)]
