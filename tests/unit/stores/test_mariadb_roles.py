"""What a MariaDB may do after each state of the pair's list: who is primary to whom, and who is held.

The operator promotes at once and waits for nothing, so the waiting is hakit's. Held means read-only and without new
connections.
"""

from itertools import product
from typing import Any

import pytest

from hakit.plan.mariadb import turn
from hakit.topology.copies import Copy
from tests.unit.postgres.given import CANCEL, FAILOVER, PLANNED, REBUILD, SETTLED, TOKEN, topology
from tests.unit.stores.given import mariadb_objects

BACK = {"kind": "planned", "to": "a"}
BACK_TOKEN = {**BACK, "tokens": {"orders": "0-10-4343"}}
#: Each state of the list, and of each region: the primary that its current copy names, and whether it is held.
TABLE: dict[str, tuple[list[dict[str, Any]], dict[str, tuple[str, bool]]]] = {
    "founded": ([], {"a": ("orders-g1-a", False), "b": ("orders-g1-a", False)}),
    "planned, no token": ([PLANNED], {"a": ("orders-g1-a", True), "b": ("orders-g1-a", False)}),
    "planned, token": ([TOKEN], {"a": ("orders-g1-b", True), "b": ("orders-g1-b", True)}),
    "planned, settled": ([SETTLED], {"a": ("orders-g1-b", False), "b": ("orders-g1-b", False)}),
    "cancelled": ([PLANNED, CANCEL], {"a": ("orders-g1-a", False), "b": ("orders-g1-a", False)}),
    "failover": ([FAILOVER], {"a": ("orders-g1-a", True), "b": ("orders-g1-b", False)}),
    "failover over a pending one": ([PLANNED, FAILOVER], {"a": ("orders-g1-a", True), "b": ("orders-g1-b", False)}),
    "rebuilt": ([FAILOVER, REBUILD], {"a": ("orders-g1-b", False), "b": ("orders-g1-b", False)}),
    "back, token": (
        [FAILOVER, {**REBUILD, "settled": True}, BACK_TOKEN],
        {"a": ("orders-g2-a", True), "b": ("orders-g2-a", True)},
    ),
}


@pytest.mark.parametrize("state", TABLE)
def test_roles_follow_from_the_list(state: str) -> None:
    entries, wanted = TABLE[state]
    for region, (primary, held) in wanted.items():
        found = mariadb_objects(region, *entries)
        newest = max(key for key in found if key.startswith("mariadb-"))
        spec = found[newest]["spec"]
        assert spec["multiCluster"]["primary"] == primary, region
        assert ("maintenance" in spec) == held, region
        if held:
            assert spec["maintenance"] == {
                "enabled": True,
                "cordon": True,
                "drainConnections": True,
                "drainGracePeriodSeconds": 30,
                "readOnly": True,
            }


def writable(region: str, entries: list[dict[str, Any]]) -> list[str]:
    """Every copy that a region's program leaves open to writes, kept ones too."""
    found = mariadb_objects(region, *entries)
    return [
        each["metadata"]["name"]
        for key, each in found.items()
        if key.startswith("mariadb-")
        and each["spec"]["multiCluster"]["primary"] == each["metadata"]["name"]
        and "maintenance" not in each["spec"]
    ]


@pytest.mark.parametrize("way", [[[], [PLANNED], [TOKEN], [SETTLED]], [[], [PLANNED], [PLANNED, CANCEL]]])
def test_in_whatever_order_regions_are_applied_a_planned_handover_never_has_two_writable_sides(
    way: list[list[dict[str, Any]]],
) -> None:
    """A token is read from an old side that applied the entry: from then on it may lag behind by any number of states.
    Before, each region may be one state behind."""
    for a, b in [*product(way[:2], repeat=2), *product(way[1:], way)]:
        assert len(writable("a", a) + writable("b", b)) <= 1, (a, b)


def test_what_a_failover_left_behind_follows_nobody_until_its_rebuild() -> None:
    kept = mariadb_objects("a", FAILOVER, REBUILD)["mariadb-g1"]
    assert kept["spec"]["multiCluster"]["primary"] == "orders-g1-a"
    assert kept["spec"]["maintenance"]["readOnly"] is True
    assert kept["metadata"]["annotations"]["hakit/quarantined"] == "true", "the guard never lets it be created again"
    members = [each["name"] for each in kept["spec"]["multiCluster"]["members"]]
    assert members == ["orders-g1-a", "orders-g1-b"], "the operator wants each MariaDB among its own members"


def test_every_member_that_a_mariadb_names_is_declared() -> None:
    for entries, _ in TABLE.values():
        for region in ("a", "b"):
            found = mariadb_objects(region, *entries)
            for key, each in found.items():
                if key.startswith("mariadb-"):
                    named = {member["name"] for member in each["spec"]["multiCluster"]["members"]}
                    assert {f"member-{name}" for name in named} <= set(found)
                    assert {each["metadata"]["name"], each["spec"]["multiCluster"]["primary"]} <= named


def test_a_kept_copy_leaves_the_program_when_it_is_dropped() -> None:
    assert "mariadb-g1" not in mariadb_objects("a", FAILOVER, REBUILD, dropped=[1])


def test_what_a_copy_was_born_from_never_changes() -> None:
    """The operator refuses to change `bootstrapFrom`."""
    later = {**REBUILD, "settled": True}
    first = mariadb_objects("a", FAILOVER, REBUILD)["mariadb-g2"]["spec"]["bootstrapFrom"]
    assert first["s3"]["prefix"] == "b/shop/orders-g1"
    assert mariadb_objects("a", FAILOVER, later, BACK_TOKEN)["mariadb-g2"]["spec"]["bootstrapFrom"] == first
    of_b = mariadb_objects("b")["mariadb-g1"]["spec"]["bootstrapFrom"]
    assert mariadb_objects("b", FAILOVER, later, BACK_TOKEN)["mariadb-g1"]["spec"]["bootstrapFrom"] == of_b


def test_no_two_copies_share_a_domain_or_a_server_id() -> None:
    seen = set()
    for region, entries in (("a", []), ("b", []), ("a", [FAILOVER, REBUILD])):
        found = mariadb_objects(region, *entries)
        spec = found[max(key for key in found if key.startswith("mariadb-"))]["spec"]
        first = spec["replication"]["serverIdStartIndex"]
        seen |= {("domain", spec["replication"]["gtidDomainId"])} | {("server", first + pod) for pod in range(9)}
    assert len(seen) == 3 + 27


def test_only_the_active_side_takes_backups_and_makes_logins() -> None:
    for entries, active, standby in (([], "a", "b"), ([SETTLED], "b", "a"), ([FAILOVER], "b", "a")):
        assert {"backup-g1", "user-g1"} <= set(mariadb_objects(active, *entries))
        assert not {"backup-g1", "user-g1"} & set(mariadb_objects(standby, *entries))


def test_every_manifest_carries_the_epoch_that_the_guard_compares() -> None:
    for entries, number in (([], "0"), ([PLANNED], "10"), ([TOKEN], "11"), ([SETTLED], "12"), ([FAILOVER], "10")):
        made = mariadb_objects("b", *entries)["mariadb-g1"]
        assert made["metadata"]["annotations"]["hakit/epoch"] == number
        assert made["metadata"]["labels"] == {"hakit/pair": "shop", "hakit/database": "orders"}


def test_a_turn_needs_no_arguments_of_the_component() -> None:
    pair = topology(FAILOVER, regions=("a", "b")).pair("shop")
    assert turn(pair, "orders", Copy("a", 1)).held
    assert not turn(pair, "orders", Copy("b", 1)).held
