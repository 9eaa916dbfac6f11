"""A Cluster that was there before hakit, as the founded region's first copy. By the engine: tests of the lab."""

import re
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan import pair as pairs
from tests.unit.postgres.given import FAILOVER, REBUILD, cluster, objects, topology

ADOPT: dict[str, Any] = {
    "adopt": {"cluster": "shop-cluster", "archive": {"path": "s3://backups/shop", "server_name": "old"}},
    "image": "ghcr.io/cloudnative-pg/postgresql:16.4",
    "instances": 3,
    "credentials": {"application": {"secret": "shop-cluster-app"}},
}


def made(region: str, *entries: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    return objects(region, *entries, **{**ADOPT, **more})


def test_it_keeps_its_name_its_archive_and_its_version() -> None:
    found = made("a")["cluster-g1"]
    assert found["metadata"]["name"] == "shop-cluster"
    assert found["spec"]["imageName"] == "ghcr.io/cloudnative-pg/postgresql:16.4"
    (plugin,) = found["spec"]["plugins"]
    assert plugin["parameters"] == {"barmanObjectName": "orders-a-adopted", "serverName": "old"}
    assert made("a")["store-adopted"]["spec"]["configuration"]["destinationPath"] == "s3://backups/shop"
    assert made("a")["store-adopted"]["spec"]["retentionPolicy"] == "30d"


def test_all_that_goes_by_its_name_finds_it() -> None:
    found = made("a")
    assert found["service"]["spec"]["selector"]["cnpg.io/cluster"] == "shop-cluster"
    assert found["backup-g1"]["spec"]["cluster"] == {"name": "shop-cluster"}
    assert found["monitor"]["spec"]["selector"]["matchLabels"] == {"cnpg.io/cluster": "shop-cluster"}
    (spread,) = found["cluster-g1"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": {"cnpg.io/cluster": "shop-cluster"}}


def test_the_other_regions_recover_from_its_archive_and_have_hakits_names() -> None:
    found = made("b")
    assert found["cluster-g1"]["metadata"]["name"] == "orders-g1"
    assert found["cluster-g1"]["spec"]["bootstrap"]["recovery"]["source"] == "orders-g1-a"
    listed = {each["name"]: each["plugin"]["parameters"] for each in found["cluster-g1"]["spec"]["externalClusters"]}
    assert listed["orders-g1-a"] == {"barmanObjectName": "orders-a-adopted", "serverName": "old"}
    assert listed["orders-g1-b"] == {"barmanObjectName": "orders-b", "serverName": "orders-g1"}
    assert "retentionPolicy" not in found["store-adopted"]["spec"], "what is kept there is a's to delete"


def test_it_gets_no_second_volume_unless_it_is_asked_for() -> None:
    assert "walStorage" not in made("a")["cluster-g1"]["spec"]
    assert made("a", wal_storage="20Gi")["cluster-g1"]["spec"]["walStorage"]["size"] == "20Gi"
    assert made("b")["cluster-g1"]["spec"]["walStorage"]["size"] == "10Gi", "a new copy has one"


def test_without_its_archive_a_new_one_is_begun() -> None:
    found = made("a", adopt={"cluster": "shop-cluster"})
    assert "store-adopted" not in found
    (plugin,) = found["cluster-g1"]["spec"]["plugins"]
    assert plugin["parameters"] == {"barmanObjectName": "orders-a", "serverName": "orders-g1"}


def test_no_backup_is_taken_before_the_plugin_is_in_it() -> None:
    assert made("a", adopt={**ADOPT["adopt"], "as_it_is": True})["backup-g1"]["spec"]["suspend"] is True
    assert made("a")["backup-g1"]["spec"]["suspend"] is False


def test_a_rebuild_ends_the_exception_and_keeps_what_was_adopted() -> None:
    entries = (FAILOVER, REBUILD)
    assert cluster("a", *entries, incarnation=2, **ADOPT)["metadata"]["name"] == "orders-g2"
    kept = cluster("a", *entries, incarnation=1, **ADOPT)
    assert kept["metadata"]["name"] == "shop-cluster"
    assert kept["metadata"]["annotations"]["hakit/quarantined"] == "true"
    (plugin,) = cluster("a", *entries, incarnation=2, **ADOPT)["spec"]["plugins"]
    assert plugin["parameters"] == {"barmanObjectName": "orders-a", "serverName": "orders-g2"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": None}, "image is missing\n  do:      with adopt, name the one that it runs"),
        (
            {"instances": None},
            "instances is missing\n  do:      with adopt, name as many as it has: volumes of instances",
        ),
        ({"adopt": {}}, "adopt.cluster is missing"),
        ({"adopt": {"cluster": "Shop"}}, "adopt.cluster: not a Cluster's name"),
        ({"adopt": {"cluster": "orders-g1"}}, "adopt.cluster: a name that hakit gives"),
        (
            {"adopt": {"cluster": "shop-cluster", "archive": {"path": "s3://backups/shop", "server_name": "users-g2"}}},
            "adopt.archive.server_name: a name that hakit gives: a copy of this pair may write there one day",
        ),
        (
            {"adopt": {"cluster": "shop", "archive": {"path": "backups"}}},
            "adopt.archive.path: not a place in an object",
        ),
        ({"adopt": {"cluster": "shop", "archive": {"server_name": "x"}}}, "adopt.archive.path is missing"),
        ({"adopt": {"cluster": "shop", "import": True}}, "adopt.import: unknown argument"),
    ],
)
def test_what_could_change_it_unasked_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=re.escape(message)):
        made("a", **arguments)


def two_databases(users: dict[str, Any]) -> pairs.PairSpec:
    """`orders` takes over `shop-cluster` with the archive `s3://backups/shop/old`, `users` what is given."""
    orders = {**ADOPT, "storage": "50Gi"}
    args = {
        "topology": "topology.yaml",
        "scope": "a",
        "databases": {"orders": orders, "users": {**orders, "adopt": users}},
    }
    return pairs.specify("shop", args, topology(databases=("orders", "users")))


@pytest.mark.parametrize(
    ("users", "message"),
    [
        (
            {"cluster": "users-cluster", "archive": {"path": "s3://backups/shop/", "server_name": "old"}},
            "RegionPair 'shop': databases.users.adopt.archive: databases.orders has the same\n"
            "  given:   s3://backups/shop/old\n"
            "  do:      give each its own: two that write one archive leave neither to restore",
        ),
        ({"cluster": "shop-cluster"}, "databases.users.adopt.cluster: databases.orders has the same"),
    ],
)
def test_two_databases_never_take_over_one_cluster_nor_write_one_archive(users: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=re.escape(message)):
        two_databases(users)


def test_two_databases_with_archives_of_their_own_side_by_side_are_taken_over() -> None:
    beside = {"cluster": "users-cluster", "archive": {"path": "s3://backups/shop", "server_name": "users"}}
    assert list(two_databases(beside).known) == ["orders", "users"]
