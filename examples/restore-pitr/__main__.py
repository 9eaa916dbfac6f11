"""A table was dropped at 10:31. The database as it was at 10:30, beside the one that runs."""

import pulumi

import hakit

TOPOLOGY = "topology.yaml"
_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, region)])
place = {"topology": TOPOLOGY, "scope": region, "namespace": "shop", "storage": "50Gi"}

orders = hakit.PostgresCluster(
    "orders",
    {
        **place,
        "pair": "shop",
        "credentials": {"application": {"secret": "orders-app"}},
    },
    opts,
)
pulumi.export("orders", orders.host)

rescued = hakit.PostgresCluster(
    "orders-rescued",
    {
        **place,
        "pair": "rescue",
        "credentials": {"application": {"secret": "orders-app"}},
        "database_name": "orders",
        "restore": {
            "pair": "shop",
            "database": "orders",
            "region": "us-east-1",
            "time": "2026-01-15T10:30:00Z",
            # Of the archive: kubectl get objectstore orders-us-east-1 -o jsonpath={.status.serverRecoveryWindow}
            "window": {"first": "2025-12-16T03:00:00Z", "last": "2026-01-15T11:00:00Z"},
        },
    },
    opts,
)
pulumi.export("rescued", rescued.host)
