"""Alerts on a pair that is deployed elsewhere: its applications, database, buckets and proofs."""

import pulumi

import hakit

_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])

shop = hakit.HaAlerts(
    "shop",
    {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": region,
        "namespace": "shop",
        "apps": {
            "storefront": {"active": {"replicas": 6, "needs": 4}, "standby": {"replicas": 2}},
            "warehouse-api": {"active": {"replicas": 4, "needs": 2}, "standby": {"replicas": 2}},
            "warehouse-worker": {"active": {"replicas": 3}, "standby": {"replicas": 0}},
        },
        "databases": {"orders": {"replication": "archive", "backup_every": "1d"}},
        "buckets": {"wal": {}},
        "restore_checks": {"orders-restore": {"every": "1d"}},
        "drills": {"last": "2026-10-01", "every": "90d"},
        "velero": {"locations": ["default"], "schedules": {"daily": {"every": "1d"}}},
        # The monitoring of both regions adds their names as this label.
        "all_regions": {"label": "region", "labels": {"rules": "all-regions"}},
        "dashboard": {"folder": "High availability"},
        "labels": {"release": "monitoring"},
        "runbooks": "https://runbooks.example.com/alerts.md",
    },
    opts,
)
pulumi.export("alerts", shop.alerts)
