"""Things broken on purpose, in one region of a pair that is deployed elsewhere."""

import pulumi

import hakit

_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])

drill = hakit.ChaosDrill(
    "drill",
    {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": region,
        "region": "us-east-1",  # nothing is broken in any other
        "namespace": "shop",
        "experiments": {
            "one-pod": {
                "kind": "pod-kill",
                "labels": {"app.kubernetes.io/name": "storefront"},
                "duration": "1m",
                "schedule": "0 10 * * 2",
            },
            "zone": {"kind": "zone-outage", "zone": "us-east-1b", "duration": "10m", "schedule": "0 10 1 * *"},
            "primary": {"kind": "primary-loss", "database": "orders", "duration": "1m", "schedule": "0 14 1 * *"},
            "cut": {
                "kind": "region-partition",
                "labels": {"cnpg.io/cluster": "orders-g1"},
                "targets": ["10.20.0.0/16"],
                "duration": "5m",
                "schedule": "0 16 1 * *",
            },
        },
    },
    opts,
)
pulumi.export("experiments", drill.experiments)
pulumi.export("held", drill.held)
