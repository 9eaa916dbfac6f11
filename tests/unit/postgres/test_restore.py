"""A database that begins as another one was: what is emitted, and what is refused.

`reports` is restored from `orders`.
"""

from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan import postgres
from hakit.plan.postgres_spec import PostgresSpec, specify
from hakit.topology.model import Topology, make_pair
from tests.unit.postgres.given import FAILOVER, ROUTES, topology

FROM: dict[str, Any] = {"database": "orders", "region": "a"}
MIDDAY = "2026-01-02T12:00:00Z"


def two_pairs(entries: tuple[dict[str, Any], ...] = (), **changes: Any) -> Topology:
    """Pair `shop` with `orders` and the given handovers, and a pair `again` with `reports`, without any."""
    made = topology(*entries, regions=("a", "b"))
    fields: dict[str, Any] = {
        "mode": "active-passive",
        "founded": "b",
        "regions": ["a", "b"],
        "databases": ["reports"],
        "objectives": {"rto": "5m", "rpo": "30s"},
        **changes,
    }
    return made.model_copy(update={"pairs": {**made.pairs, "again": make_pair("again", **fields)}})


def specified(restore: Any, region: str = "b", given: Topology | None = None, **arguments: Any) -> PostgresSpec:
    args = {
        "topology": "topology.yaml",
        "pair": "again",
        "scope": region,
        "namespace": "shop",
        "storage": "50Gi",
        "credentials": {"application": {"secret": "reports-app"}},
        "database_name": "orders",
        **({} if restore is None else {"restore": {"pair": "shop", **FROM, **restore}}),
        **arguments,
    }
    return specify("reports", args, given or two_pairs())


def objects(restore: Any, region: str = "b", **options: Any) -> dict[str, dict[str, Any]]:
    return {each.key: each.manifest for each in postgres.plan(specified(restore, region, **options))}


def recovery(restore: Any) -> dict[str, Any]:
    (kind,) = objects(restore)["cluster-g1"]["spec"]["bootstrap"].items()
    assert kind[0] == "recovery"
    return kind[1]


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ({"time": MIDDAY}, {"targetTime": "2026-01-02T12:00:00Z"}),
        ({"time": "2026-01-02 13:00:00+01:00"}, {"targetTime": "2026-01-02T12:00:00Z"}),
        ({"time": "2026-01-02T12:00:00.25Z"}, {"targetTime": "2026-01-02T12:00:00.250000Z"}),
        ({"time": MIDDAY, "exclusive": True}, {"targetTime": MIDDAY, "exclusive": True}),
        ({"time": MIDDAY, "backup": "20260102T020000"}, {"targetTime": MIDDAY, "backupID": "20260102T020000"}),
        ({"lsn": "0/3000060"}, {"targetLSN": "0/3000060"}),
        (
            {"name": "before the import", "backup": "20260102T020000"},
            {"targetName": "before the import", "backupID": "20260102T020000"},
        ),
        ({"backup": "20260102T020000"}, {"targetImmediate": True, "backupID": "20260102T020000"}),
    ],
)
def test_recovery_ends_where_it_is_told_to(asked: dict[str, Any], target: dict[str, Any]) -> None:
    assert recovery(asked)["recoveryTarget"] == target


def test_without_a_target_all_that_is_archived_comes_back() -> None:
    assert "recoveryTarget" not in recovery({})


def test_the_archive_of_the_other_database_is_read_and_an_own_one_written() -> None:
    found = objects({"time": MIDDAY})
    spec = found["cluster-g1"]["spec"]
    assert spec["bootstrap"]["recovery"]["source"] == "restore"
    (source,) = [each for each in spec["externalClusters"] if each["name"] == "restore"]
    assert source["plugin"]["parameters"] == {"barmanObjectName": "reports-restore", "serverName": "orders-g1"}
    store = found["store-restore"]
    assert store["metadata"]["name"] == "reports-restore"
    assert store["spec"]["configuration"]["destinationPath"] == "s3://acme-prod-a-wal/a/shop"
    assert "retentionPolicy" not in store["spec"], "the plugin would delete what it restores from"
    (archiver,) = spec["plugins"]
    assert archiver["parameters"] == {"barmanObjectName": "reports-b", "serverName": "reports-g1"}
    assert found["store-b"]["spec"]["configuration"]["destinationPath"] == "s3://acme-prod-b-wal/b/again"


def test_the_database_in_sql_is_named_and_stays_when_the_argument_goes() -> None:
    assert recovery({})["database"] == "orders"
    told = refusal({}, database_name=None)
    assert "database_name is missing" in told
    assert "name the database in SQL as it is called there" in told
    assert specified(None).database_name == specified({}).database_name


def test_the_other_regions_follow_the_restored_one() -> None:
    found = objects({"time": MIDDAY}, "a")
    assert "store-restore" not in found
    spec = found["cluster-g1"]["spec"]
    assert spec["bootstrap"]["recovery"]["source"] == "reports-g1-b"
    assert [each["name"] for each in spec["externalClusters"]] == ["reports-g1-a", "reports-g1-b"]


def test_a_later_incarnation_is_restored_from_its_own_archive() -> None:
    rebuilt = two_pairs((FAILOVER, {"kind": "rebuild", "to": "a", "incarnation": 2}))
    (source,) = [
        each
        for each in objects({"incarnation": 2}, given=rebuilt)["cluster-g1"]["spec"]["externalClusters"]
        if each["name"] == "restore"
    ]
    assert source["plugin"]["parameters"]["serverName"] == "orders-g2"


def refusal(restore: Any, **options: Any) -> str:
    with pytest.raises(HakitError) as caught:
        specified(restore, **options)
    assert "PostgresCluster 'reports'" in str(caught.value)
    return str(caught.value)


def test_a_moment_that_no_backup_covers_is_refused_where_that_is_known() -> None:
    window = {"first": "2026-01-01T03:00:00Z", "last": "2026-01-02T11:59:00Z"}
    told = refusal({"time": MIDDAY, "window": window})
    assert "restore.time: no backup covers it" in told
    assert "2026-01-01T03:00:00+00:00 to 2026-01-02T11:59:00+00:00" in told
    assert "no backup covers it" in refusal({"time": "2026-01-01T02:59:59Z", "window": window})
    for edge in window.values():
        assert specified({"time": edge, "window": window})
    # Noon in Berlin is within.
    assert specified({"time": "2026-01-02T12:00:00+01:00", "window": window})


def test_a_moment_before_the_named_backup_is_refused() -> None:
    told = refusal({"time": "2026-01-02T01:59:59Z", "backup": "20260102T020000"})
    assert "restore.time: before the backup that is to be restored" in told
    assert "2026-01-02T02:00:00Z or later" in told


def test_a_copy_that_there_never_was_is_refused() -> None:
    told = refusal({"incarnation": 2})
    assert "restore.incarnation: a never had such a copy of orders" in told
    assert "1 to 1" in told


def test_a_database_is_never_restored_over_itself() -> None:
    told = refusal({"pair": "again", "database": "reports"})
    assert "a database is never restored over itself" in told
    assert "reports-restored" in told


def test_after_a_handover_nothing_is_restored_as_it_would_undo_what_came_since() -> None:
    moved = two_pairs(handovers=[{"kind": "failover", "to": "a", "accept_loss": "30s"}])
    told = refusal({}, given=moved)
    assert "restore: pair again has had handovers, and only what is founded is restored" in told
    assert "take the argument out: it counts at the creation only" in told
    # Handovers of the pair that it is restored from do not matter.
    assert specified({}, given=two_pairs((FAILOVER,)))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"pair": "shops"}, "restore.pair: the topology has no such pair"),
        ({"database": "order"}, "restore.database: pair shop has no such database"),
        ({"region": "c"}, "restore.region: no archive of it there that this pair reaches"),
        ({"time": MIDDAY, "lsn": "0/1"}, "restore: one of time, lsn, name"),
        ({"time": "2026-01-02T12:00:00"}, "restore.time: not a moment with its zone"),
        ({"time": "yesterday"}, "restore.time: not a moment with its zone"),
        ({"lsn": "3000060"}, "restore.lsn: not one"),
        ({"name": "before"}, "restore.backup is missing"),
        ({"name": "x" * 64, "backup": "20260102T020000"}, "restore.name: not one"),
        ({"backup": "backup-20260102"}, "restore.backup: not one"),
        ({"backup": "20260231T020000"}, "restore.backup: not a moment"),
        ({"exclusive": True}, "restore.exclusive: nothing to stop before"),
        ({"window": {"first": MIDDAY, "last": MIDDAY}}, "restore.window: only a time can be compared with it"),
        ({"xid": "5"}, "restore.xid: unknown argument"),
    ],
)
def test_wrong_arguments_are_named(asked: dict[str, Any], message: str) -> None:
    assert message in refusal(asked)


def test_what_has_no_archive_or_was_adopted_is_not_restored() -> None:
    alone: Any = {"routes": {name: ROUTES[name] for name in ("a", "b")}, "without_archive": "a test"}
    assert "restore: not with without_archive" in refusal({}, **alone)
    taken: Any = {"adopt": {"cluster": "old"}, "image": "postgres:17.6", "instances": 3}
    assert "restore: not with adopt" in refusal({}, **taken)
