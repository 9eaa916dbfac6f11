"""A database whose backups are restored every night, in each region from each region's archive."""

import pulumi

import hakit

TOPOLOGY = "topology.yaml"
_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, region)])
place = {"topology": TOPOLOGY, "pair": "shop", "scope": region}

plan = hakit.BackupPlan(
    "shop",
    {
        **place,
        "databases": {"orders": {"tier": "critical"}},
        "restore_check": {
            "image": "docker.io/library/python@sha256:" + "0" * 64,  # the digest of the one that you tested
            "archive": {"role_arn": "arn:aws:iam::111122223333:role/acme-prod-restores"},
            "databases": {
                "orders": {
                    "storage": "50Gi",
                    "checks": {
                        "orders": "select count(*) > 1000 from orders",
                        "customers": "select not exists (select from orders where customer is null)",
                    },
                    "freshness": {"sql": "select max(placed_at) from orders", "within": "1h"},
                },
            },
        },
    },
    opts,
)

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

alerts = hakit.HaAlerts("shop", {**place, "namespace": "shop", "restore_checks": plan.restore_checks}, opts)
pulumi.export("checks", sorted(plan.restore_checks))
