"""One region serves, another one follows: one stack a region, and one for what no region owns."""

import pulumi
import pulumi_aws as aws

import hakit

TOPOLOGY = "topology.yaml"


def shared() -> None:
    """The buckets: archives and the witness. A failover never needs this stack."""
    provider = aws.Provider("aws", region="us-east-1", allowed_account_ids=["111122223333"])
    opts = pulumi.ResourceOptions(providers=[provider])
    databases = {"shop": {"namespace": "shop"}}
    hakit.BucketPair("wal", {"topology": TOPOLOGY, "purpose": "wal", "databases": databases}, opts)
    fence = {"shop-fence": {"namespace": "shop", "paths": ["shop.json"], "read_only": True, "everywhere": True}}
    # Each region reads the witness in the other ones' buckets: a copy would come too late.
    hakit.BucketPair(
        "witness", {"topology": TOPOLOGY, "purpose": "witness", "replication": "none", "apps": fence}, opts
    )


def region(name: str) -> None:
    opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, name)])
    base = hakit.RegionBase("base", {"topology": TOPOLOGY, "scope": name, "namespaces": {"shop": {}}}, opts)
    shop = hakit.RegionPair(
        "shop",
        {
            "topology": TOPOLOGY,
            "scope": name,
            "databases": {
                # A Secret that the cluster's secret store keeps, the same in both regions.
                "orders": {"storage": "50Gi", "credentials": {"application": {"secret": "orders-app"}}},
            },
            "apps": {
                "warehouse": {
                    "chart": "../charts/warehouse",
                    "workloads": {
                        "warehouse-api": {"active": {"replicas": 4, "needs": 2}, "standby": {"replicas": 2}},
                        "warehouse-worker": {"active": {"replicas": 3}, "standby": {"replicas": 0}},
                    },
                    "database": "orders",
                    "database_values": {
                        "database.host": "host",
                        "database.name": "name",
                        "database.existingSecret": "secret",
                    },
                    "values": {"image": {"tag": "5.0.2"}},
                },
            },
            "fence": {"image": "docker.io/library/python@sha256:" + "0" * 64},  # the digest of the one that you tested
        },
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
    )
    pulumi.export("warehouse", shop.apps["warehouse"].summary)
    pulumi.export("orders", shop.databases["orders"].role)


_, _, scope = pulumi.get_stack().partition("-")
if scope == "shared":
    shared()
else:
    region(scope)
