"""Where users are sent. A failover changes this stack and those of the regions, nothing else."""

import pulumi

import hakit
from hakit.topology import active_region


def deploy(topology: str) -> None:
    config = pulumi.Config()
    declared = hakit.load_topology(topology)

    shop = hakit.GlobalLoadBalancer(
        "shop",
        {
            "topology": topology,
            "pair": "shop",
            "hostname": "shop.example.com",
            "health": {"path": "/ready"},
            "cloudflare": {
                "account_id": config.require("cloudflareAccountId"),
                "zone_id": config.require("cloudflareZoneId"),
                "zone": "example.com",
            },
        },
    )

    pulumi.export("active", {name: active_region(pair) for name, pair in declared.pairs.items()})
    pulumi.export("traffic", shop.traffic)
    pulumi.export("detection", shop.detection)
