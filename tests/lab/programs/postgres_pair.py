"""A pair's database in the region that the stack is named after; the topology lies beside Pulumi.yaml."""

from typing import Any

import pulumi

import hakit

region = pulumi.get_stack().removeprefix("prod-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])
placed: Any = {"topology": "topology.yaml", "scope": region}

base = hakit.RegionBase("base", {**placed, "namespaces": {"shop": {}}}, opts)
orders = hakit.PostgresCluster(
    "orders",
    {
        **placed,
        "pair": "shop",
        "namespace": "shop",
        "storage": "1Gi",
        "credentials": {"application": {"password": pulumi.Output.secret("s3cret")}},
    },
    pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base])),
)

pulumi.export("role", orders.role)
