"""A Cluster of the official chart becomes the first copy of a pair: docs/migration.md."""

import pulumi

import hakit

TOPOLOGY = "topology.yaml"

_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, region)])

# The namespace is there already, so it is not among those that RegionBase makes.
base = hakit.RegionBase("base", {"topology": TOPOLOGY, "scope": region}, opts)

shop = hakit.RegionPair(
    "shop",
    {
        "topology": TOPOLOGY,
        "scope": region,
        "databases": {
            "orders": {
                "adopt": {
                    "cluster": "shop-cluster",
                    "archive": {"path": "s3://acme-backups/shop"},
                    "as_it_is": pulumi.Config().get("step") == "as-it-is",
                },
                # As it has them: what is left out here would be taken away by the second step.
                "image": "ghcr.io/cloudnative-pg/postgresql:16.4",
                "instances": 3,
                "storage": "50Gi",
                "storage_class": "gp3",
                "parameters": {"max_connections": "200"},
                "credentials": {"application": {"secret": "shop-cluster-app"}},
                "archive": {"secret": "shop-cluster-backup-s3-creds"},
                "extra": {"postgresUID": 26, "postgresGID": 26},
            },
        },
    },
    pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
)

pulumi.export("orders", shop.databases["orders"].cluster)
