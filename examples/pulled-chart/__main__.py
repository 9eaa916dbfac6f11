"""One application whose chart comes from a repository: pulled once, locked by digest, never fetched by a program."""

import pulumi
import pulumi_kubernetes as k8s

import hakit

cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")

hakit.ZonalApp(
    "storefront",
    {
        "chart": "storefront",
        "repo": "https://charts.example.com",
        "version": "1.2.0",
        "namespace": "shop",
        "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
        "replicas": 6,
        "needs": 4,
        "values": {"session": {"key": pulumi.Output.secret("an-example-key-that-signs-nothing-real")}},
    },
    pulumi.ResourceOptions(provider=cluster),
)
