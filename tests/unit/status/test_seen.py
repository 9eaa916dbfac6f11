"""What is read of a cluster's answers, whose form is CloudNativePG's 1.30. The lab's tests of a pair have real ones."""

import datetime as dt

import pytest

from hakit.status.seen import copy_of, instance_of, lags_of
from tests.unit.postgres.given import TOKEN
from tests.unit.status.given import cluster

STORE = ("shop", "orders-a", "orders-g1")


def test_a_cluster_is_read_as_hakits_plan_writes_it() -> None:
    found = copy_of(cluster("b", TOKEN), {})
    assert (found.pair, found.database, found.incarnation, found.epoch) == ("shop", "orders", 1, 11)
    assert (found.member, found.primary, found.source) == ("orders-g1-b", "orders-g1-b", "orders-g1-a")
    assert found.says_primary
    assert (found.token, found.fenced) == ("T1", False)
    assert (found.ready, found.instances, found.first) == (3, 3, "orders-g1-1")
    assert found.certificates == {"orders-g1-server": dt.datetime(2027, 2, 22, 11, 36, 21, tzinfo=dt.UTC)}


def test_a_replica_says_so_and_a_fence_is_seen() -> None:
    found = cluster("b")
    assert not copy_of(found, {}).says_primary
    found["metadata"]["annotations"]["cnpg.io/fencedInstances"] = '["*"]'
    assert copy_of(found, {}).fenced


def test_the_last_backup_is_that_of_the_copys_own_server() -> None:
    at = dt.datetime(2026, 11, 24, 2, 5, tzinfo=dt.UTC)
    assert copy_of(cluster("a"), {STORE: at}).backup == at
    assert copy_of(cluster("a"), {(*STORE[:2], "orders-g2"): at}).backup is None


def test_a_primarys_answer() -> None:
    found = instance_of(
        {
            "isPrimary": True,
            "systemID": "7400",
            "currentLsn": "1/2",
            "receivedLsn": "",
            "lastArchivedWALTime": "2026-11-24 11:59:48.5+00",
            "lastFailedWALTime": "-infinity",
        }
    )
    assert (found.writable, found.system, found.position) == (True, "7400", 2**32 + 2)
    assert found.archived == dt.datetime(2026, 11, 24, 11, 59, 48, 500000, tzinfo=dt.UTC)
    assert found.archive_failed is None


@pytest.mark.parametrize(
    ("received", "replayed", "position"),
    [("0/30", "0/20", 0x30), ("", "0/20", 0x20), ("0/10", "0/20", 0x20), ("", "", None)],
)
def test_a_copy_has_what_it_received_or_replayed_from_the_archive(
    received: str, replayed: str, position: int | None
) -> None:
    found = instance_of({"isPrimary": False, "systemID": "7", "receivedLsn": received, "replayLsn": replayed})
    assert (found.writable, found.position) == (False, position)


def test_lags_are_read_of_the_metrics_by_the_name_that_a_standby_streams_under() -> None:
    labels = 'client_addr="10.0.0.1",client_port="1",usename="streaming_replica"'
    text = (
        "# TYPE cnpg_pg_stat_replication_replay_lag_seconds gauge\n"
        f'cnpg_pg_stat_replication_replay_lag_seconds{{application_name="orders-g1",{labels}}} 0.25\n'
        f'cnpg_pg_stat_replication_replay_lag_seconds{{application_name="orders-g1-2",{labels}}} 9e-05\n'
        f'cnpg_pg_stat_replication_write_lag_seconds{{application_name="orders-g1",{labels}}} 7\n'
    )
    assert lags_of(text) == (("orders-g1", 0.25), ("orders-g1-2", 9e-05))
