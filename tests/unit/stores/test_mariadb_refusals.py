"""What a MariaDbCluster refuses, each with its words."""

from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.mariadb_spec import specify
from tests.unit.postgres.given import FAILOVER, topology
from tests.unit.stores.given import ALONE, CREDENTIALS, STORES, mariadb_spec

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("neither alone nor replicated", {"multi_cluster": None, "routes": None}, "say which of the two"),
    ("both", ALONE | {"multi_cluster": "why not"}, "say which of the two"),
    ("no reason", {"multi_cluster": "x"}, "multi_cluster: say why"),
    ("zero loss", {"rpo": "0s"}, "rpo: 0s .* is out of reach"),
    ("one zone", {"zones": ["a-1"]}, "3 instances in one zone are lost together"),
    ("a foreign zone", {"zones": ["b-1", "b-2"]}, "zones"),
    ("one instance", {"instances": 1}, "not a replicated MariaDB"),
    ("ten instances", {"instances": 10}, "not a replicated MariaDB"),
    ("an image of no version", {"image": "mariadb"}, "image: not pinned"),
    ("the latest image", {"image": "reg.example.com:5000/mariadb:latest"}, "image: not pinned"),
    ("no route to a region", {"routes": {"a": {"host": "a.example.com"}}}, "routes.b is missing"),
    ("a route to nowhere", {"routes": {"c": {"host": "c"}}}, "pair shop is not in this region"),
    ("no authority", {"authority": None}, "authority is missing"),
    ("no replication password", {"credentials": CREDENTIALS}, "credentials.replication is missing"),
    ("no backup to start from", {"backup": None}, "a standby starts from a physical backup"),
    ("no bucket of one side", {"backup": {"stores": {"a": STORES["a"]}}}, "backup.stores.b is missing"),
    ("a bucket of no region", {"backup": {"stores": {**STORES, "c": STORES["a"]}}}, "is not in this region"),
    ("a URL", {"backup": {"stores": {**STORES, "a": {**STORES["a"], "endpoint": "https://s3"}}}}, "a host, with its"),
    ("six fields", {"backup": {"stores": STORES, "schedule": "0 0 2 * * *"}}, "not a schedule of five fields"),
    ("days", {"backup": {"stores": STORES, "retention": "30d"}}, "not a number of hours"),
    ("a password in the program", {"credentials": {"root": {"password": "x"}}}, "unknown argument"),
    ("a field that hakit decides", {"extra": {"multiCluster": {}}}, "hakit decides this field"),
    ("an unknown database", {"database": "order"}, "did you mean 'orders'"),
    ("a copy that is not kept", {"dropped": [1]}, "only a kept copy"),
    ("a typo", {"instance": 3}, "unknown argument"),
    ("no size", {"storage": "0"}, "not a size"),
    ("a name of SQL", {"owner": "app-1"}, "needs no quotes in SQL"),
    ("unprotected for no reason", {"without_protection": ""}, "without_protection: say why"),
]


@pytest.mark.parametrize(("arguments", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_it_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(HakitError, match=words):
        mariadb_spec("a", **arguments)


def test_what_the_refusals_start_from_is_taken() -> None:
    assert mariadb_spec("a").follows
    assert not mariadb_spec("a", **ALONE).follows


def test_alone_it_is_in_the_founded_region_only_and_no_handover_moves_it() -> None:
    with pytest.raises(HakitError, match="the only copy is in a"):
        mariadb_spec("b", **ALONE)
    with pytest.raises(HakitError, match="a handover of pair shop cannot move this database"):
        mariadb_spec("a", FAILOVER, **ALONE)


def test_without_a_backup_only_alone_and_with_a_reason() -> None:
    with pytest.raises(HakitError, match="say without_backup and why"):
        mariadb_spec("a", **ALONE, backup=None)
    assert mariadb_spec("a", **ALONE, backup=None, without_backup="a cache").backups is None
    with pytest.raises(HakitError, match="there is a backup"):
        mariadb_spec("a", **ALONE, without_backup="a cache")


def test_a_third_region_is_refused_as_upstream_does_not_show_it() -> None:
    args = {"topology": "t", "pair": "shop", "scope": "a", "namespace": "n", "storage": "1Gi", "multi_cluster": "why"}
    with pytest.raises(HakitError, match="for two regions only"):
        specify("orders", args, topology())


def test_a_name_that_would_be_cut_by_the_operator_is_refused() -> None:
    long = "orders-of-a-shop-with-a-long-name"
    given = topology(regions=("north-america-1", "b"), databases=(long,))
    args = {"topology": "t", "pair": "shop", "scope": "north-america-1", "namespace": "n", "storage": "1Gi",
            "credentials": CREDENTIALS, **ALONE, "without_backup": "a test"}  # fmt: skip
    with pytest.raises(HakitError, match="up to 45"):
        specify(long, args, given)


@pytest.mark.parametrize("writes", ["primary-region", "partitioned"])
def test_a_mariadb_takes_no_writes_of_another_region(writes: str) -> None:
    with pytest.raises(HakitError, match=f"MariaDB has no way for writes: {writes}"):
        mariadb_spec("a", writes=writes)
    assert mariadb_spec("a", writes="read-only").intent.is_primary
