"""A pair whose applications have no path that tells whether the region can serve: PostgREST answers in their place."""

import pulumi

import hakit

TOPOLOGY, HOSTNAME = "topology.yaml", "shop.example.com"

config = pulumi.Config()
_, _, scope = pulumi.get_stack().partition("-")

if scope == "traffic":
    front = hakit.GlobalLoadBalancer(
        "shop",
        {
            "topology": TOPOLOGY,
            "pair": "shop",
            "hostname": HOSTNAME,
            "health": {"ready": True},
            "cloudflare": {
                "account_id": config.require("accountId"),
                "zone_id": config.require("zoneId"),
                "zone": "example.com",
            },
        },
    )
    pulumi.export("detection", front.detection)
else:
    hakit.RegionPair(
        "shop",
        {
            "topology": TOPOLOGY,
            "scope": scope,
            "databases": {
                "orders": {
                    "storage": "50Gi",
                    "credentials": {"application": {"password": config.require_secret("ordersPassword")}},
                },
            },
            "ready": {
                "password": config.require_secret("readyPassword"),
                "ingress": {"hostname": HOSTNAME, "class_name": "nginx", "tls_secret": "shop-tls"},
            },
        },
        pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, scope)]),
    )
