"""What importing hakit costs, and what it offers."""

import subprocess
import sys

import hakit


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_hakit_loads_nothing_heavy() -> None:
    loaded = modules_after("import hakit")
    heavy = {
        "pulumi",
        "pulumi_kubernetes",
        "pulumi_aws",
        "pulumi_cloudflare",
        "pydantic",
        "ruamel",
        "helm_python",
        "yaml",
    }
    assert heavy & loaded == set()


def test_a_zonal_app_needs_neither_cloudflare_nor_aws() -> None:
    # pulumi_cloudflare alone takes three seconds and more to import
    assert {"pulumi_cloudflare", "pulumi_aws"} & modules_after("import hakit; hakit.ZonalApp") == set()


def test_pulumi_aws_is_loaded_when_buckets_are_made_not_when_they_are_named() -> None:
    assert "pulumi_aws" not in modules_after("import hakit; hakit.BucketPair")


def test_a_load_balancer_loads_the_sdk_of_its_provider_only_when_it_makes_a_resource() -> None:
    homes = [f"hakit.components.global_load_balancer_{word}" for word in ("cloudflare", "route53", "accelerator")]
    loaded = modules_after(f"import hakit; hakit.GlobalLoadBalancer; import {', '.join(homes)}")
    assert set(homes) <= loaded
    assert {"pulumi_cloudflare", "pulumi_aws"} & loaded == set()


def test_every_public_name_is_there_and_no_other() -> None:
    assert sorted(hakit.__all__) == [
        "BackupPlan",
        "BackupPlanArgs",
        "BucketPair",
        "BucketPairArgs",
        "ChaosDrill",
        "ChaosDrillArgs",
        "GlobalLoadBalancer",
        "GlobalLoadBalancerArgs",
        "HaAlerts",
        "HaAlertsArgs",
        "HakitError",
        "MariaDbCluster",
        "MariaDbClusterArgs",
        "MinioSiteReplication",
        "MinioSiteReplicationArgs",
        "PostgresCluster",
        "PostgresClusterArgs",
        "RcloneCopy",
        "RcloneCopyArgs",
        "RedisSentinel",
        "RedisSentinelArgs",
        "RegionBase",
        "RegionBaseArgs",
        "RegionPair",
        "RegionPairArgs",
        "RestoreCheck",
        "RestoreCheckArgs",
        "ZonalApp",
        "ZonalAppArgs",
        "kubernetes_provider",
        "load_topology",
    ]
    for name in hakit.__all__:
        assert getattr(hakit, name).__name__ == name
    assert not hasattr(hakit, "ZonalAp")
