"""Each cluster's external-dns keeps the record of its own region: one stack a region."""

import pulumi

import hakit

_, _, region = pulumi.get_stack().partition("-")

shop = hakit.GlobalLoadBalancer(
    "shop",
    {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": region,
        "hostname": "shop.example.com",
        "backend": "external-dns",
        "health": {"interval": 10, "consecutive_down": 3},  # those of the health check that is named below
        "external_dns": {"health_check_ids": {region: pulumi.Config().require("healthCheckId")}},
    },
    pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)]),
)

pulumi.export("detection", shop.detection)
