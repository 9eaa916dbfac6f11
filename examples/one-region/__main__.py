"""One application in one region: no topology needed."""

import pulumi
import pulumi_kubernetes as k8s

import hakit

cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")

storefront = hakit.ZonalApp(
    "storefront",
    {
        "chart": "../charts/storefront",
        "namespace": "shop",
        "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
        "replicas": 6,
        "needs": 4,  # replicas that must still serve with one zone lost
        "values": {
            "image": {"tag": "2.4.1"},
            "session": {"key": pulumi.Output.secret("an-example-key-that-signs-nothing-real")},
        },
    },
    pulumi.ResourceOptions(provider=cluster),
)

pulumi.export("summary", storefront.summary)
