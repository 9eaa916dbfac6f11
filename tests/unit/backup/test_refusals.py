"""What a BackupPlan refuses, and the arithmetic that it gives; beside each what it takes."""

from typing import Any

import pytest

from hakit.errors import HakitError
from tests.unit.backup.plans import STORES, VELERO, application, database, spec


def refused(**arguments: Any) -> str:
    with pytest.raises(HakitError) as caught:
        spec(**arguments)
    assert "BackupPlan 'nightly'" in str(caught.value)
    return str(caught.value)


def test_five_fields_for_a_database_are_refused_and_six_for_an_application() -> None:
    found = refused(databases={"orders": {"schedule": "0 2 * * *"}})
    assert "databases.orders.schedule: 5 fields, where CloudNativePG has six, seconds first" in found
    assert "put 0 in front: 0 0 2 * * *" in found
    assert "leave out the seconds: 0 2 * * *" in refused(applications={"shop": {"schedule": "0 0 2 * * *"}})
    assert database(schedule="0 0 2 * * *").cron.text == "0 0 2 * * *"
    assert application(schedule="0 2 * * *").cron.text == "0 2 * * *"


def test_an_rpo_below_the_interval_of_an_application_is_refused_with_the_sum() -> None:
    six: Any = {"schedule": "0 */6 * * *"}
    found = refused(applications={"shop": {**six, "rpo": "7h"}})
    assert (
        "applications.shop.rpo: 7h is out of reach: 6h between two backups + 1h until one is complete"
        " + 15m until it is copied to another region = 7h 15m"
    ) in found
    assert "7h 15m or more" in found
    assert application(**six, rpo="435m").loss.total_seconds() == 435 * 60
    assert "30m until it is copied" in refused(applications={"shop": {**six, "rpo": "435m"}}, copied_within="30m")
    # Stores that lie in another region need no copy.
    far: Any = {**VELERO, "stores": {"a": {"bucket": "x", "region": "b"}, "b": {"bucket": "y", "region": "a"}}}
    assert spec(applications={"shop": {**six, "rpo": "7h"}}, velero=far)


def test_an_rpo_below_the_archives_interval_is_refused_with_the_sum() -> None:
    found = refused(databases={"orders": {"rpo": "5m"}})
    assert "databases.orders.rpo: 5m is out of reach: 5m to fill a segment of WAL + as long again to ship it" in found
    assert "= 10m" in found
    assert database(rpo="10m").loss.total_seconds() == 600
    # The pair's objective is 30 s: PostgresCluster sets an archive_timeout of 15 s.
    assert database(rpo="30s", ships_wal=True).loss.total_seconds() == 30
    assert "29s is out of reach" in refused(databases={"orders": {"rpo": "29s", "ships_wal": True}})


def test_a_retention_below_the_lock_is_refused() -> None:
    found = refused(databases={"orders": {"retention": "7d"}}, lock_days=8)
    assert "databases.orders.retention: backups are kept 7 days; Object Lock keeps every object for 8" in found
    assert "8d or more" in found
    assert database(retention="8d", lock_days=8).days == 8
    # Months have 31 days to barman.
    assert database(retention="1m", lock_days=31).days == 31
    # Of an application the last object is an hour younger than the backup's start.
    assert "and go 1h sooner" in refused(applications={"shop": {"retention": "8d"}}, lock_days=8)
    assert application(retention="9d", lock_days=8).days == 9


def test_a_retention_below_the_interval_is_refused() -> None:
    weekly: Any = {"schedule": "0 1 * * 0", "rpo": "9d"}
    assert "7d may lie between two backups, and each is kept 6 days" in refused(
        applications={"shop": {**weekly, "retention": "6d"}}
    )
    assert application(**weekly, retention="7d").days == 7


def test_backups_that_overlap_are_refused() -> None:
    hourly: Any = {"schedule": "0 * * * *"}
    assert "a backup begins 1h after another, which may take 1h" in refused(applications={"shop": hourly})
    assert application(**hourly, takes="59m").takes.total_seconds() == 59 * 60


def test_a_measured_restore_that_is_longer_than_the_rto_is_refused() -> None:
    measured: Any = {"restore": "30m", "replay": 8}
    found = refused(databases={"orders": {"rto": "3h", "measured": measured}})
    assert "databases.orders.rto: 3h is out of reach: 30m to restore + 3h to replay 1d of WAL = 3h 30m" in found
    assert database(rto="3h", measured=measured, schedule="0 0 */12 * * *")
    assert "45m to restore = 45m" in refused(applications={"shop": {"rto": "44m", "measured": {"restore": "45m"}}})
    assert application(rto="45m", measured={"restore": "45m"})
    assert "measured.replay is missing" in refused(databases={"orders": {"measured": {"restore": "1h"}}})


def test_a_store_that_is_the_only_copy_in_the_region_that_it_protects_is_refused() -> None:
    found = refused(velero={**VELERO, "stores": {**STORES, "a": {}}})
    assert "velero.stores.a: the only copy lies in a, the region that it protects" in found
    # A copy in the same region is none.
    assert "the only copy lies in a" in refused(velero={**VELERO, "stores": {**STORES, "a": {"copies": {"a": "b2"}}}})
    elsewhere = spec(velero={**VELERO, "stores": {**STORES, "a": {"region": "b", "bucket": "far"}}})
    assert elsewhere.stores["a"].region == "b"


def test_an_archive_that_lies_in_one_region_alone_is_refused() -> None:
    alone: Any = {"regions": ("a",), "applications": None, "velero": None}
    assert "databases.orders: the only archive of a lies in a, and goes with it" in refused(**alone)
    assert spec(**alone, databases={"orders": {"copied_to": ["b"]}}).databases
    assert "the only archive" in refused(**alone, databases={"orders": {"copied_to": ["a"]}})
    assert "+ 15m until it is copied to another region = 25m" in refused(
        **alone, databases={"orders": {"copied_to": ["b"], "rpo": "24m"}}
    )
    # Partitioned: what the other region archives are rows of its own.
    parts: Any = {"writes": "partitioned", "applications": None, "velero": None}
    assert "the only archive of a" in refused(**parts)
    assert spec(**parts, databases={"orders": {"copied_to": ["a", "b"]}}).databases


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"databases": None, "applications": None, "velero": None}, "the plan backs up nothing"),
        ({"databases": {"order": {}}}, "pair shop has no such database"),
        ({"applications": None}, "velero: nothing for it to back up"),
        ({"velero": None}, "velero"),
        ({"velero": {**VELERO, "stores": {"a": STORES["a"]}}}, "velero.stores.b is missing"),
        ({"velero": {**VELERO, "stores": {**STORES, "c": {}}}}, "not a region of the pair"),
        ({"velero": {"stores": STORES}}, "one of repository_password and repository_password_elsewhere"),
        ({"velero": {**VELERO, "repository_password": "x"}}, "both"),
        ({"velero": {**VELERO, "stores": {**STORES, "a": {"region": "b"}}}}, "velero.stores.a.bucket is missing"),
        ({"tier": "gold"}, "tier: unknown word"),
        ({"databases": {"orders": {"tier": "gold"}}}, "databases.orders.tier: unknown word"),
        ({"databases": {"orders": {"retention": "30"}}}, "not a recovery window"),
        ({"databases": {"orders": {"rpo": "soon"}}}, "databases.orders.rpo: not a duration"),
        ({"databases": {"orders": {"rpo": "0s"}}}, "not a duration"),
        ({"databases": {"orders": {"namespaces": ["x"]}}}, "databases.orders.namespaces: unknown argument"),
        ({"applications": {"Shop": {}}}, "not a Kubernetes name"),
        ({"applications": {"shop": {"namespaces": ["a_b"]}}}, "not a Kubernetes name"),
        ({"scope": "c"}, "pair shop is not in this region|unknown region"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=message):
        spec(**arguments)


def test_a_copy_at_an_endpoint_of_its_own_is_refused() -> None:
    store: Any = {**STORES["a"], "endpoint": "https://s3.example.com"}
    assert "a copy has an endpoint of its own" in refused(velero={**VELERO, "stores": {**STORES, "a": store}})
    assert "not a URL" in refused(
        velero={**VELERO, "stores": {**STORES, "a": {"bucket": "x", "region": "b", "endpoint": "s3"}}}
    )
