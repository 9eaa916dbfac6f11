"""A region with its operator, out of the manifest of a release that lies beside Pulumi.yaml."""

import pulumi

import hakit

region = pulumi.get_stack().removeprefix("prod-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])

hakit.RegionBase(
    "base",
    {
        "topology": "topology.yaml",
        "scope": region,
        "namespaces": {"shop": {"quota": {"pods": 40, "cpu": "20"}}},
        "operators": {
            "cloudnative-pg": {"manifest": "cnpg.yaml"},
            "cert-manager": {"provided": "an add-on of the cloud"},
        },
    },
    opts,
)
