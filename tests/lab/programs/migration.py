"""A Cluster of the official chart, taken over in the region that the stack is named after. The configuration says how
far: `step` is `as-it-is` or `done`."""

from typing import Any

import pulumi

import hakit

region = pulumi.get_stack().removeprefix("prod-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])
placed: Any = {"topology": "topology.yaml", "scope": region}

base = hakit.RegionBase("base", placed, opts)  # the namespace is there
adopt: Any = {"cluster": "shop-cluster", "archive": {"path": "s3://backups/shop"}}
if pulumi.Config().get("step") == "as-it-is":
    adopt["as_it_is"] = True
orders = hakit.PostgresCluster(
    "orders",
    {
        **placed,
        "pair": "shop",
        "namespace": "shop",
        "storage": "1Gi",
        "storage_class": "standard",
        "instances": 3,
        "image": "ghcr.io/cloudnative-pg/postgresql:16.4",
        "credentials": {"application": {"secret": "shop-cluster-app"}},
        "archive": {"secret": "shop-cluster-backup-s3-creds"},
        "extra": {"postgresUID": 26, "postgresGID": 26},
        "adopt": adopt,
    },
    pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
)

pulumi.export("role", orders.role)
