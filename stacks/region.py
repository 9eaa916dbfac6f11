"""Everything that one region of a topology runs."""

import pulumi

import hakit


def deploy(topology: str, region: str) -> None:
    config = pulumi.Config()
    opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(topology, region)])

    storefront = hakit.ZonalApp(
        "storefront",
        {
            "topology": topology,
            "pair": "shop",
            "scope": region,
            "chart": "examples/charts/storefront",
            "namespace": "shop",
            "active": {"replicas": 6, "needs": 4},
            "standby": {"replicas": 2},
            "values": {"image": {"tag": "2.4.1"}, "session": {"key": config.require_secret("sessionKey")}},
        },
        opts,
    )

    warehouse = hakit.ZonalApp(
        "warehouse",
        {
            "topology": topology,
            "pair": "shop",
            "scope": region,
            "chart": "examples/charts/warehouse",
            "namespace": "shop",
            "workloads": {
                "warehouse-api": {"active": {"replicas": 4, "needs": 2}, "standby": {"replicas": 2}},
                "warehouse-worker": {"active": {"replicas": 3, "needs": 2}, "standby": {"replicas": 0}},
            },
            "values": {"image": {"tag": "5.0.2"}},
        },
        opts,
    )

    pulumi.export("storefront", storefront.summary)
    pulumi.export("warehouse", warehouse.summary)
