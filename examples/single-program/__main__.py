"""Both regions in one program, each by its own provider. Small and simple; but while one region does not answer, this
one program does not end, so what must fail over has a stack a region (examples/active-passive)."""

import pulumi

import hakit

TOPOLOGY = "topology.yaml"

for region in hakit.load_topology(TOPOLOGY).regions:
    opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, region)])
    place = {"topology": TOPOLOGY, "scope": region}
    base = hakit.RegionBase(f"base-{region}", {**place, "namespaces": {"shop": {}}}, opts)
    shop = hakit.RegionPair(
        f"shop-{region}",
        {
            **place,
            "pair": "shop",
            "databases": {
                "orders": {"storage": "50Gi", "credentials": {"application": {"secret": "orders-app"}}},
            },
            "apps": {
                "warehouse": {
                    "chart": "../charts/warehouse",
                    "workloads": {
                        "warehouse-api": {"active": {"replicas": 4}, "standby": {"replicas": 2}},
                        "warehouse-worker": {"active": {"replicas": 3}, "standby": {"replicas": 0}},
                    },
                    "database": "orders",
                    "database_values": {"database.host": "host", "database.existingSecret": "secret"},
                    "values": {"image": {"tag": "5.0.2"}},
                },
            },
        },
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
    )
    pulumi.export(f"warehouse-{region}", shop.apps["warehouse"].summary)
