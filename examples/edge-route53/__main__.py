"""One region that serves and one that waits, behind Route 53: name servers and health checkers do the failover."""

import pulumi

import hakit

config = pulumi.Config()

shop = hakit.GlobalLoadBalancer(
    "shop",
    {
        "topology": "topology.yaml",
        "pair": "shop",
        "hostname": "shop.example.com",
        "backend": "route53",
        "health": {"path": "/ready", "interval": 10, "consecutive_down": 3},
        "ttl": 60,
        "route53": {"zone_id": config.require("zoneId"), "zone": "example.com"},
    },
)

pulumi.export("detection", shop.detection)
pulumi.export("healthChecks", shop.health_checks)
