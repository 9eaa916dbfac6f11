"""An application whose chart brings definitions, in both places where a chart can have them, and a claim."""

import pulumi

import hakit

TOPOLOGY = "stacks/topology.prod.yaml"
ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]

opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, "us-east-1")])
base = hakit.RegionBase("base", {"topology": TOPOLOGY, "scope": "us-east-1", "namespaces": {"shop": {}}}, opts)
hakit.ZonalApp(
    "orders",
    {
        "chart": "charts/orders",
        "namespace": "shop",
        "zones": ZONES,
        "replicas": 3,
        "kubernetes": "1.34",
        "values": {"tag": "1"},
    },
    pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
)
