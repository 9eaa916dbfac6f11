"""The objects of a RestoreCheck. That they are admitted, and enough, is shown in tests/lab."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hakit.plan import restore_check
from hakit.plan.backup_spec import specify as specify_backup
from hakit.plan.restore_check_spec import defaults
from hakit.verify.outcome import CODES
from tests.unit.postgres.given import FAILOVER, REBUILD, topology
from tests.unit.restore_check.given import objects, spec


def settings(source: str, *entries: Any, **arguments: Any) -> dict[str, Any]:
    made = objects(*entries, **arguments)[f"settings-orders-from-{source}"]
    return json.loads(made["data"]["check.json"])


def test_each_archive_of_the_pair_is_tried_by_a_cron_job_of_its_own() -> None:
    found = objects()
    assert [each["metadata"]["name"] for each in found.values() if each["kind"] == "CronJob"] == [
        "orders-from-a",
        "orders-from-b",
    ]
    assert {each["metadata"].get("namespace", "shop-restore-checks") for each in found.values()} == {
        "shop-restore-checks"
    }
    assert objects(sources=["b"]).keys().isdisjoint({"check-orders-from-a", "store-orders-from-a"})


def test_the_other_regions_archive_is_read_where_it_lies_and_by_its_own_name() -> None:
    store = objects()["store-orders-from-b"]
    assert store["metadata"]["name"] == "orders-b"
    assert store["spec"]["configuration"]["destinationPath"] == "s3://acme-prod-b-wal/b/shop"
    assert "retentionPolicy" not in store["spec"], "what is only read deletes nothing"
    plugin = settings("b")["cluster"]["externalClusters"][0]["plugin"]
    assert plugin["parameters"] == {"barmanObjectName": "orders-b", "serverName": "orders-g1"}


def test_after_a_rebuild_the_archive_of_the_new_incarnation_is_tried() -> None:
    plugin = settings("a", FAILOVER, REBUILD)["cluster"]["externalClusters"][0]["plugin"]
    assert plugin["parameters"]["serverName"] == "orders-g2"
    plugin = settings("b", FAILOVER, REBUILD)["cluster"]["externalClusters"][0]["plugin"]
    assert plugin["parameters"]["serverName"] == "orders-g1"


def test_what_is_restored_is_one_instance_that_archives_nothing_and_follows_nobody() -> None:
    cluster = settings("a")["cluster"]
    assert cluster["instances"] == 1
    assert cluster["enablePDB"] is False, "of one instance it would block every drain"
    assert {"plugins", "backup", "replica"} & cluster.keys() == set(), "no way to write to any archive"
    assert cluster["serviceAccountName"] == "restored"
    parameters = cluster["postgresql"]["parameters"]
    assert parameters["max_logical_replication_workers"] == "0", "a restored subscription would take others' changes"


def test_the_database_that_is_looked_for_is_not_the_one_that_would_be_made_if_it_were_missing() -> None:
    found = settings("a")
    assert found["database_name"] == "orders"
    assert found["cluster"]["bootstrap"]["recovery"]["database"] != "orders"


def test_the_rights_are_these_and_no_others() -> None:
    assert objects()["role"]["rules"] == [
        {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["list", "create", "delete"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "create"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["configmaps"],
         "resourceNames": ["orders-from-a-restore-check", "orders-from-b-restore-check"], "verbs": ["get", "patch"]},
    ]  # fmt: skip


def test_what_is_restored_may_read_its_archive_and_nothing_more() -> None:
    assert objects()["restored-role"]["rules"] == [
        {"apiGroups": ["barmancloud.cnpg.io"], "resources": ["objectstores"], "resourceNames": ["orders-a", "orders-b"],
         "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["orders-s3"], "verbs": ["get"]},
    ]  # fmt: skip
    role = {"role_arn": "arn:aws:iam::111122223333:role/acme-prod-restores"}
    assert len(objects(archive=role)["restored-role"]["rules"]) == 1, "there is no Secret to read"


def test_a_run_is_bounded_alone_and_not_repeated_when_its_outcome_is_known() -> None:
    spec = objects(deadline="1h")["check-orders-from-a"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] == 3600
    job = spec["jobTemplate"]["spec"]
    assert job["activeDeadlineSeconds"] == 3600 + 2 * 300 + 120, "and time to remove what was made"
    assert job["backoffLimit"] == 1, "a pod that was killed is tried once more"
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == sorted(set(CODES.values()) - {0})
    pod = job["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 330
    assert pod["securityContext"]["runAsNonRoot"] is True


def test_the_report_is_declared_without_data_so_that_an_update_never_empties_it() -> None:
    report = objects()["report-orders-from-a"]
    assert report["metadata"]["name"] == "orders-from-a-restore-check"
    assert "data" not in report
    assert "annotations" not in report["metadata"]


def test_what_alerts_take_is_how_often_each_is_held_and_where() -> None:
    assert restore_check.alerts(spec(schedule="0 4 * * 1")) == {
        "orders-from-a": {"every": "604800s", "namespace": "shop-restore-checks"},
        "orders-from-b": {"every": "604800s", "namespace": "shop-restore-checks"},
    }


def test_what_a_plan_promises_says_how_old_and_how_slow_a_restore_may_be() -> None:
    """Standard: an RTO of 4 h, kept 30 days; ten minutes to archive, a day between backups, an hour for one."""
    args = {"topology": "t", "pair": "shop", "scope": "a", "databases": {"orders": {}}}
    promise = specify_backup("nightly", args, topology(regions=("a", "b"))).databases["orders"]
    assert defaults(promise) == {
        "schedule": "0 4 * * *",
        "deadline": "14400s",
        "rto": "14400s",
        "kept": "30d",
        "freshness": {"within": "90600s"},
    }
    assert spec(**defaults(promise)).databases["orders"].within == 90600


def test_the_program_in_the_config_map_runs_where_nothing_else_is_installed(tmp_path: Path) -> None:
    """With the standard library alone (-S: no site-packages), as in a plain image."""
    for module, text in restore_check.code().items():
        path = tmp_path / restore_check.path_of(module)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import hakit.verify.run; print(hakit.verify.run.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (str(tmp_path / "hakit/verify/run.py"), "")


def test_config_maps_are_within_what_etcd_takes() -> None:
    assert sum(len(text) for text in restore_check.code().values()) < 200_000
