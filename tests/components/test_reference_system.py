"""The reference system in stacks/, through the real command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", "preview", "--strict", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_has_a_stack_for_every_scope_of_the_topology(document: dict[str, Any]) -> None:
    assert [stack["stack"] for stack in document["stacks"]] == [
        "prod-shared",
        "prod-traffic",
        "prod-us-east-1",
        "prod-us-west-2",
    ]
    (shared,) = (stack for stack in document["stacks"] if stack["stack"] == "prod-shared")
    assert sorted(shared["exports"]["stacks"]) == sorted(stack["stack"] for stack in document["stacks"])


def test_the_shared_stack_keeps_its_data_and_nothing_of_it_follows_from_a_role(document: dict[str, Any]) -> None:
    (shared,) = (stack for stack in document["stacks"] if stack["stack"] == "prod-shared")
    assert shared["exports"]["buckets"] == {
        "wal": {"us-east-1": "acme-prod-us-east-1-wal", "us-west-2": "acme-prod-us-west-2-wal"},
        "assets": {"us-east-1": "acme-prod-us-east-1-assets", "us-west-2": "acme-prod-us-west-2-assets"},
    }
    data = [each for each in shared["resources"] if each["type"] in ("aws:s3/bucket:Bucket", "aws:kms/key:Key")]
    assert len(data) == 8, "a bucket and a key in each of two regions, for two purposes"
    assert all(each["protect"] and each["retain_on_delete"] for each in data)


def test_it_has_no_finding_and_accepts_none(document: dict[str, Any]) -> None:
    reports = [report for stack in document["stacks"] for report in stack["findings"]]
    assert len(reports) == 5, "two applications in two regions, and the load balancer"
    assert [report["open"] for report in reports] == [[]] * 5
    assert [report["accepted"] for report in reports] == [[]] * 5


def test_the_traffic_stack_holds_one_pool_a_region_and_tries_the_active_one_first(document: dict[str, Any]) -> None:
    (traffic,) = (stack for stack in document["stacks"] if stack["stack"] == "prod-traffic")
    pools = [
        one["name"]
        for one in traffic["resources"]
        if one["type"] == "cloudflare:index/loadBalancerPool:LoadBalancerPool"
    ]
    assert pools == ["shop-pool-us-east-1", "shop-pool-us-west-2"]
    (component,) = (one for one in traffic["resources"] if one["type"] == "hakit:index:GlobalLoadBalancer")
    assert component["outputs"]["order"] == ["us-east-1", "us-west-2"]
    assert component["outputs"]["fallback"] == "us-east-1"
    # 15 s x 2 checks, and 5 s x 2 tries of the last one
    assert component["outputs"]["detection_seconds"] == 40
    assert traffic["exports"]["traffic"] == {"us-east-1": "serve", "us-west-2": "serve"}


def test_only_the_traffic_stack_has_anything_of_cloudflare(document: dict[str, Any]) -> None:
    with_cloudflare = {
        stack["stack"]
        for stack in document["stacks"]
        for one in stack["resources"]
        if one["type"].startswith("cloudflare:")
    }
    assert with_cloudflare == {"prod-traffic"}


def replicas(document: dict[str, Any], stack_name: str) -> dict[str, int]:
    (stack,) = (stack for stack in document["stacks"] if stack["stack"] == stack_name)
    return {
        item["name"]: item["replicas"]
        for resource in stack["resources"]
        for item in resource["objects"]
        if item["kind"] == "Deployment"
    }


def test_the_active_region_is_full_size_and_the_standby_small(document: dict[str, Any]) -> None:
    assert replicas(document, "prod-us-east-1") == {"storefront": 6, "warehouse-api": 4, "warehouse-worker": 3}
    assert replicas(document, "prod-us-west-2") == {"storefront": 2, "warehouse-api": 2, "warehouse-worker": 0}


def test_totals_are_what_the_requests_of_the_charts_add_up_to(document: dict[str, Any]) -> None:
    by_role = {total["role"]: total for total in document["totals"]}
    # storefront 6 x 250m, api 4 x 200m, worker 3 x 500m, orders 3 x 1; 6 x 256Mi, 4 x 256Mi, 3 x 512Mi, 3 x 2Gi
    assert (by_role["active"]["pods"], by_role["active"]["cpu"], by_role["active"]["memory"]) == (16, "6800m", "10Gi")
    # storefront 2 x 250m, api 2 x 200m, orders 3 x 1; 4 x 256Mi, 3 x 2Gi
    assert (by_role["standby"]["pods"], by_role["standby"]["cpu"], by_role["standby"]["memory"]) == (7, "3900m", "7Gi")
    # three instances, 50Gi of data and 10Gi of WAL each
    assert (by_role["active"]["storage"], by_role["standby"]["storage"]) == ("180Gi", "180Gi")


def objects(document: dict[str, Any], stack_name: str, kind: str) -> list[dict[str, Any]]:
    (stack,) = (stack for stack in document["stacks"] if stack["stack"] == stack_name)
    found = (item for resource in stack["resources"] for item in resource["objects"])
    return [item["manifest"] for item in found if item["kind"] == kind]


@pytest.mark.parametrize("stack", ["prod-us-east-1", "prod-us-west-2"])
def test_the_database_keeps_in_either_region_what_the_backup_plan_promises(
    document: dict[str, Any], stack: str
) -> None:
    (scheduled,) = objects(document, stack, "ScheduledBackup")
    assert scheduled["spec"]["schedule"] == "0 0 */6 * * *"
    own = stack.removeprefix("prod-")
    (store,) = (each for each in objects(document, stack, "ObjectStore") if each["metadata"]["name"] == f"orders-{own}")
    assert store["spec"]["retentionPolicy"] == "35d"
    (promises,) = (
        each["outputs"]["promises"]
        for found in document["stacks"]
        if found["stack"] == stack
        for each in found["resources"]
        if each["type"] == "hakit:index:BackupPlan"
    )
    # rpo: 30s of the pair makes archive_timeout 15 s, and as long again to ship it
    assert promises == {
        "database orders": "critical: a backup every 6h, kept 35 days; at most 30s lost of 1m",
    }


#: By alert, app and region, the bound that the reference system's own numbers give.
NEEDED = {
    "prod-us-east-1": {"storefront": 4, "warehouse-api": 2, "warehouse-worker": 2},
    "prod-us-west-2": {"storefront": 1, "warehouse-api": 1},
}


@pytest.mark.parametrize("stack", NEEDED)
def test_the_alerts_watch_every_application_and_the_plans_own_interval(document: dict[str, Any], stack: str) -> None:
    (manifest,) = objects(document, stack, "PrometheusRule")
    rules = [rule for group in manifest["spec"]["groups"] for rule in group["rules"]]
    needed = {
        rule["labels"]["app"]: int(rule["expr"].rpartition("< ")[2])
        for rule in rules
        if rule["alert"] == "HaReplicasUnderNeed"
    }
    assert needed == NEEDED[stack]
    assert set(needed) == {name for name, number in replicas(document, stack).items() if number}
    (too_old,) = (rule for rule in rules if rule["alert"] == "HaBackupTooOld")
    assert "32400" in too_old["expr"], "one and a half of six hours"


def test_the_database_is_primary_in_the_founding_region_and_follows_in_the_other(document: dict[str, Any]) -> None:
    members = {
        stack["stack"]: (item["manifest"]["spec"]["replica"]["self"], item["manifest"]["spec"]["replica"]["primary"])
        for stack in document["stacks"]
        for resource in stack["resources"]
        for item in resource["objects"]
        if item["kind"] == "Cluster"
    }
    assert members == {
        "prod-us-east-1": ("orders-g1-us-east-1", "orders-g1-us-east-1"),
        "prod-us-west-2": ("orders-g1-us-west-2", "orders-g1-us-east-1"),
    }


def test_the_session_key_of_the_stacks_configuration_is_in_no_output(document: dict[str, Any]) -> None:
    secrets = [
        item["manifest"].get("data") or item["manifest"]["stringData"]
        for stack in document["stacks"]
        for resource in stack["resources"]
        for item in resource["objects"]
        if item["kind"] == "Secret"
    ]
    login = dict.fromkeys(("dbname", "host", "password", "port", "uri", "username"), "[secret]")
    assert secrets == [login, {"key": "[secret]"}] * 2
