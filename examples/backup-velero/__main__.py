"""What a pair's database and application are backed up by, and what that promises."""

import pulumi
import pulumi_aws as aws

import hakit

TOPOLOGY = "topology.yaml"


def shared() -> None:
    """The buckets, each copied to the other region and locked for a week."""
    provider = aws.Provider("aws", region="us-east-1", allowed_account_ids=["111122223333"])
    opts = pulumi.ResourceOptions(providers=[provider])
    buckets = {
        "topology": TOPOLOGY,
        "object_lock": {"mode": "governance", "days": 7},
        "replication_time": True,
    }
    hakit.BucketPair("wal", {**buckets, "purpose": "wal", "databases": {"shop": {"namespace": "shop"}}}, opts)
    # Velero's service account reads its own folder and the copy of the other region's.
    velero = {"namespace": "velero", "paths": ["us-east-1/", "us-west-2/"]}
    hakit.BucketPair("velero", {**buckets, "purpose": "velero", "apps": {"velero": velero}}, opts)


def region(name: str) -> None:
    opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, name)])
    place = {"topology": TOPOLOGY, "pair": "shop", "scope": name}
    plan = hakit.BackupPlan(
        "shop",
        {
            **place,
            "lock_days": 7,
            "databases": {"orders": {"tier": "critical", "ships_wal": True, "rpo": "1m"}},
            "applications": {"storefront": {"namespaces": ["shop"]}},
            "velero": {
                "stores": {
                    "us-east-1": {"copies": {"us-west-2": "acme-prod-us-west-2-velero"}},
                    "us-west-2": {"copies": {"us-east-1": "acme-prod-us-east-1-velero"}},
                },
                "repository_password": pulumi.Config().require_secret("repository"),
            },
        },
        opts,
    )
    pulumi.export("promises", plan.promises)
    orders = hakit.PostgresCluster(
        "orders",
        {
            **place,
            "namespace": "shop",
            "storage": "50Gi",
            "credentials": {"application": {"secret": "orders-app"}},
            "backup": plan.databases["orders"],
        },
        opts,
    )
    pulumi.export("orders", orders.role)


_, _, scope = pulumi.get_stack().partition("-")
if scope == "shared":
    shared()
else:
    region(scope)
