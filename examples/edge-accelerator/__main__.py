"""One region that serves and one that waits, behind Global Accelerator: two addresses that never change."""

import pulumi

import hakit

config = pulumi.Config()
load_balancers = config.require_object("loadBalancers")  # ARN of the NLB in front of each cluster

shop = hakit.GlobalLoadBalancer(
    "shop",
    {
        "topology": "topology.yaml",
        "pair": "shop",
        "hostname": "shop.example.com",
        "backend": "global-accelerator",
        "health": {"path": "/ready", "interval": 10, "consecutive_down": 2},
        "global_accelerator": {
            "endpoints": {region: [arn] for region, arn in load_balancers.items()},
            "zone_id": config.require("zoneId"),
        },
        "accept": {"HK084": "a standby's database is read-only and its pods are not ready: its NLB has no target"},
    },
)

pulumi.export("detection", shop.detection)
pulumi.export("serviceAnnotations", shop.service_annotations)
