"""Every region serves, and writes to the primary wherever it is: one stack a region."""

import pulumi

import hakit

TOPOLOGY = "topology.yaml"

_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, region)])

base = hakit.RegionBase("base", {"topology": TOPOLOGY, "scope": region, "namespaces": {"shop": {}}}, opts)

shop = hakit.RegionPair(
    "shop",
    {
        "topology": TOPOLOGY,
        "scope": region,
        "databases": {
            "orders": {
                "storage": "50Gi",
                "credentials": {"application": {"secret": "orders-app"}},
                # What stands behind these names is a load balancer in the peered networks; applications of the other
                # region write by them, and the follower streams by them.
                "routes": {
                    "us-east-1": {"host": "orders.us-east-1.internal.example.com"},
                    "us-west-2": {"host": "orders.us-west-2.internal.example.com"},
                },
                "certificates": {"server_ca": "orders-ca", "client_ca": "orders-ca"},
            },
        },
        "apps": {
            "warehouse": {
                "chart": "../charts/warehouse",
                "workloads": {
                    "warehouse-api": {"replicas": 4, "needs": 2},
                    "warehouse-worker": {"replicas": 3, "needs": 2},
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
    },
    pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
)

pulumi.export("warehouse", shop.apps["warehouse"].summary)
pulumi.export("host", shop.databases["orders"].host)
