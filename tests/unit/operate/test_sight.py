"""What the rules are told, out of CloudNativePG's own words."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from hakit.operate.sight import Found, Instance, instance_of, is_end, is_prefix, sight_of, token_place
from hakit.operate.world import Position
from hakit.topology import Copy, Epoch
from tests.unit.topology.test_handovers import FAILOVER, SETTLED, A, B, pair

#: pkg/postgres/status.go and pkg/utils/parser.go of CloudNativePG 1.30.
PRIMARY = {
    "isPrimary": True,
    "systemID": "77",
    "currentLsn": "0/5000060",
    "timeLineID": 2,
    "replicationInfo": [
        {"applicationName": "orders-g1-2", "state": "streaming", "replayLag": "00:00:00.000321"},
        {"applicationName": "orders-g1", "state": "streaming", "replayLag": "00:01:02.5"},
        {"applicationName": "late", "state": "catchup"},
    ],
}
REPLICA = {"isPrimary": False, "systemID": "77", "receivedLsn": "0/5000000", "replayLsn": "0/4FFFFF0", "timeLineID": 1}


def token(timeline: str = "2", lsn: str = "0/5000028") -> str:
    content = {"latestCheckpointTimelineID": timeline, "latestCheckpointREDOLocation": lsn}
    return base64.b64encode(json.dumps(content).encode()).decode()


def found(copy: Copy, status: dict[str, Any] | None = None, **fields: Any) -> Found:
    cluster = {
        "metadata": {"name": "orders-g1", "namespace": "shop", "annotations": {"hakit/epoch": "12"}},
        "spec": {"instances": 3},
        "status": {"currentPrimary": "orders-g1-1", "readyInstances": 3, **fields},
    }
    return Found("orders-g1", copy, "orders", cluster, instance_of(status) if status else None)


def test_a_primary_says_who_streams_from_it_and_how_far_each_is_behind() -> None:
    says = instance_of(PRIMARY)
    assert says == Instance(True, "77", Position(2, 0x5000060), False, {"orders-g1-2": 0.000321, "orders-g1": 62.5})


def test_a_replica_is_where_it_has_received() -> None:
    assert instance_of(REPLICA).place == Position(1, 0x5000000)


def test_what_the_rules_are_told_of_two_sides() -> None:
    sight = sight_of(pair(), [found(A, PRIMARY), found(B, REPLICA)], {}, {"c": "no answer"})
    active, copy = sight.seen["orders", A], sight.seen["orders", B]
    assert (active.primary, active.built, active.epoch) == (True, True, Epoch(1, 2))
    assert (copy.primary, copy.built, copy.prefix) == (False, True, True)
    assert sight.behind == {("orders", B): 62.5}
    assert sight.silent == {"c": "no answer"}


def test_a_copy_with_an_instance_that_is_not_ready_is_not_built() -> None:
    sight = sight_of(pair(), [found(B, REPLICA, readyInstances=2)], {}, {})
    assert not sight.seen["orders", B].built
    assert not sight.seen["orders", B].prefix, "nobody said what the active copy has"


def test_a_copy_that_a_failover_left_behind_is_no_prefix_even_when_it_is_behind() -> None:
    after = pair({**FAILOVER, "settled": True})
    active, left = found(B, {**PRIMARY, "replicationInfo": []}), found(A, REPLICA)
    assert not is_prefix(after, left, active)
    assert is_prefix(pair(SETTLED), left, active), "after a planned handover it is"


def test_a_copy_of_another_system_is_no_prefix() -> None:
    assert not is_prefix(pair(), found(B, {**REPLICA, "systemID": "78"}), found(A, PRIMARY))


def test_a_copy_that_reads_an_archive_is_a_prefix_only_up_to_the_active_ones_end() -> None:
    active = found(A, {**PRIMARY, "replicationInfo": []})
    assert is_prefix(pair(), found(B, REPLICA), active)
    assert not is_prefix(pair(), found(B, {**REPLICA, "receivedLsn": "0/5000061"}), active)


@pytest.mark.parametrize(
    ("named", "floor", "good"),
    [
        (token(), Position(2, 0x5000000), True),
        (token(), Position(2, 0x5000029), False),  # of before: the copy had passed it
        (token("1"), Position(2, 0x5000000), False),  # of another timeline, before
        (token("3"), Position(2, 0x5000000), True),  # it was promoted just now, and its control file was late
        ("no token", Position(2, 0), False),
        ("", Position(2, 0), False),
    ],
)
def test_a_token_is_judged_by_where_the_copy_had_come(named: str, floor: Position, good: bool) -> None:
    assert is_end(named, None, floor) is good


def test_without_a_floor_a_token_is_judged_by_where_the_copy_ends() -> None:
    demoted = instance_of({**REPLICA, "timeLineID": 2, "receivedLsn": "0/50000A0"})
    assert is_end(token(), demoted, None)
    assert not is_end(token(lsn="0/4000028"), demoted, None), "of an older demotion"
    assert not is_end(token(), replace(demoted, writable=True), None)
    assert not is_end(token(), None, None), "nobody can tell"


def test_the_place_that_a_token_names() -> None:
    assert token_place(token()) == Position(2, 0x5000028)
    assert token_place(base64.b64encode(b"[]").decode()) is None
