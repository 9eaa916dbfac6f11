"""Three regions that all serve, behind Cloudflare: users go to the nearest one that can serve them."""

import pulumi

import hakit

config = pulumi.Config()

shop = hakit.GlobalLoadBalancer(
    "shop",
    {
        "topology": "topology.yaml",
        "pair": "shop",
        "hostname": "shop.example.com",
        "health": {"path": "/ready"},  # 200 only when the region can serve in its role
        "others": "nearest",  # who serves the region codes that the topology's `serves` leaves out
        "affinity": {"by": "cookie", "ttl": 3600},
        "cloudflare": {
            "account_id": config.require("accountId"),
            "zone_id": config.require("zoneId"),
            "zone": "example.com",
            "notify": ["oncall@example.com"],
        },
    },
)

pulumi.export("detection", shop.detection)
