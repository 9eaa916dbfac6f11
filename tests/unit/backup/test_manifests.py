"""The objects of a BackupPlan, as somebody who restores relies on them."""

from typing import Any

from hakit.plan import backup
from tests.unit.backup.plans import VELERO, objects, spec
from tests.unit.postgres.given import FAILOVER
from tests.unit.postgres.given import objects as postgres_objects


def test_a_region_writes_its_own_backups_and_reads_the_others() -> None:
    own, other = (objects("a")[f"location-{region}"] for region in ("a", "b"))
    assert own["metadata"] == {"name": "nightly-a", "namespace": "velero"}
    assert own["spec"] == {
        "provider": "aws",
        "objectStorage": {"bucket": "acme-prod-a-velero", "prefix": "a/nightly"},
        "config": {"region": "a"},
        "accessMode": "ReadWrite",
    }
    # The copy of b's bucket in a, in which b's folder is.
    assert other["spec"]["objectStorage"] == {"bucket": "acme-prod-a-velero", "prefix": "b/nightly"}
    assert (other["spec"]["config"], other["spec"]["accessMode"]) == ({"region": "a"}, "ReadOnly")


def test_what_a_region_reads_lies_outside_of_the_region_that_is_protected() -> None:
    stores: Any = {
        "a": {"copies": {"b": "in-b"}},
        "b": {"bucket": "far", "region": "c", "secret": "keys", "endpoint": "https://s3.c.example.com"},
        "c": {"copies": {"a": "in-a"}},
    }
    given: Any = {"regions": ("a", "b", "c"), "velero": {**VELERO, "stores": stores}}
    for scope in "abc":
        for protects in "abc":
            found = objects(scope, **given)[f"location-{protects}"]["spec"]
            if scope != protects:
                assert found["config"]["region"] != protects
    far = objects("a", **given)["location-b"]["spec"]
    assert far["objectStorage"] == {"bucket": "far", "prefix": "b/nightly"}
    assert far["config"] == {"region": "c", "s3Url": "https://s3.c.example.com", "s3ForcePathStyle": "true"}
    assert far["credential"] == {"name": "keys", "key": "cloud"}
    # c has no copy of a's; it reads the one in b.
    assert objects("c", **given)["location-a"]["spec"]["objectStorage"]["bucket"] == "in-b"


def test_a_schedule_moves_the_data_of_volumes_and_leaves_databases_out() -> None:
    found = objects("a", applications={"shop": {"namespaces": ["shop", "shop-jobs"]}})["schedule-shop"]
    assert found["metadata"] == {"name": "nightly-shop", "namespace": "velero"}
    assert found["spec"]["schedule"] == "0 1 * * *"
    assert found["spec"]["useOwnerReferencesInBackup"] is False, "else the backups go with the schedule"
    template = found["spec"]["template"]
    assert template["includedNamespaces"] == ["shop", "shop-jobs"]
    assert (template["snapshotVolumes"], template["snapshotMoveData"]) == (True, True)
    assert template["storageLocation"] == "nightly-a"
    assert template["ttl"] == "720h0m0s"
    assert "clusters.postgresql.cnpg.io" in template["excludedResources"]
    assert template["labelSelector"] == {
        "matchExpressions": [{"key": "cnpg.io/cluster", "operator": "DoesNotExist"}],
    }


def test_a_standby_makes_no_backups_until_it_is_active_and_then_at_once() -> None:
    for entries, active in (((), "a"), ((FAILOVER,), "b")):
        for scope in "ab":
            found = objects(scope, entries)["schedule-shop"]["spec"]
            assert (found["paused"], found["skipImmediately"]) == (scope != active, False)


def test_both_regions_of_an_active_active_pair_make_backups() -> None:
    for scope in "ab":
        assert objects(scope, writes="primary-region")["schedule-shop"]["spec"]["paused"] is False


def test_a_failover_changes_no_location() -> None:
    for scope in "ab":
        before, after = objects(scope), objects(scope, (FAILOVER,))
        assert {key: after[key] for key in after if key.startswith("location")} == {
            key: before[key] for key in before if key.startswith("location")
        }


def test_a_database_takes_its_schedule_and_retention_from_the_plan_in_every_region() -> None:
    given = backup.databases(spec(databases={"orders": {"tier": "critical"}}))["orders"]
    assert given == {"schedule": "0 0 */6 * * *", "retention": "35d"}
    for region in "ab":
        found = postgres_objects(region, backup=given)
        assert found["backup-g1"]["spec"]["schedule"] == "0 0 */6 * * *"
        assert (found["backup-g1"]["spec"]["method"], found["backup-g1"]["spec"]["immediate"]) == ("plugin", True)
        assert found["backup-g1"]["spec"]["suspend"] is False
        assert found[f"store-{region}"]["spec"]["retentionPolicy"] == "35d"


def test_the_promises_are_in_words() -> None:
    assert backup.promises(spec()) == {
        "database orders": "standard: a backup every 1d, kept 30 days; at most 10m lost of 1h",
        "application shop": "standard: a backup every 1d, kept 30 days; at most 1d 1h 15m lost of 1d 2h",
    }


def test_a_plan_of_databases_alone_needs_no_velero() -> None:
    assert objects(applications=None, velero=None) == {}
