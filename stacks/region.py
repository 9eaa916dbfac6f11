"""Everything that one region of a topology runs."""

from typing import Any

import pulumi

import hakit

#: What each workload runs in each role; the alerts watch for the same.
STOREFRONT: Any = {"active": {"replicas": 6, "needs": 4}, "standby": {"replicas": 2}}
WAREHOUSE: Any = {
    "warehouse-api": {"active": {"replicas": 4, "needs": 2}, "standby": {"replicas": 2}},
    "warehouse-worker": {"active": {"replicas": 3, "needs": 2}, "standby": {"replicas": 0}},
}


def deploy(topology: str, region: str) -> None:
    config = pulumi.Config()
    opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(topology, region)])

    base = hakit.RegionBase("base", {"topology": topology, "scope": region, "namespaces": {"shop": {}}}, opts)

    shop = hakit.RegionPair(
        "shop",
        {
            "topology": topology,
            "scope": region,
            "databases": {
                "orders": {
                    "storage": "50Gi",
                    "instances": 3,
                    "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
                    "credentials": {"application": {"password": config.require_secret("ordersPassword")}},
                },
            },
            # Of the applications there is nothing to back up: their data is in `orders` and in the bucket `assets`.
            "backups": {"tier": "critical", "databases": {"orders": {"rpo": "1m"}}},
            "apps": {
                "storefront": {
                    "chart": "examples/charts/storefront",
                    **STOREFRONT,
                    "values": {"image": {"tag": "2.4.1"}, "session": {"key": config.require_secret("sessionKey")}},
                },
                "warehouse": {
                    "chart": "examples/charts/warehouse",
                    "workloads": WAREHOUSE,
                    "database": "orders",
                    "database_values": {
                        "database.host": "host",
                        "database.name": "name",
                        "database.existingSecret": "secret",
                    },
                    "values": {"image": {"tag": "5.0.2"}},
                },
            },
        },
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
    )

    hakit.HaAlerts(
        "shop",
        {
            "topology": topology,
            "pair": "shop",
            "scope": region,
            "namespace": "shop",
            "apps": {"storefront": STOREFRONT, **WAREHOUSE},
            "databases": {"orders": {"replication": "archive", **shop.backups[region].backup_every["orders"]}},
            "buckets": {"wal": {}, "assets": {}},
        },
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
    )

    for name, app in shop.apps.items():
        pulumi.export(name, app.summary)
