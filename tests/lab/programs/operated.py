"""The pair `shop` as stacks: of the region that the stack is named after, or of the load balancer in front of both. The
arguments of both lie beside Pulumi.yaml."""

import json
from pathlib import Path
from typing import Any

import pulumi

import hakit

TOPOLOGY = "stacks/topology.prod.yaml"
scope = pulumi.get_stack().removeprefix("prod-")
args: Any = json.loads((Path(__file__).parent.parent / "arguments.json").read_text(encoding="utf-8"))

if scope == "traffic":
    shop = hakit.GlobalLoadBalancer("shop", {"topology": TOPOLOGY, **args["traffic"]})
    pulumi.export("traffic", shop.traffic)
else:
    opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider(TOPOLOGY, scope)])
    placed: Any = {"topology": TOPOLOGY, "scope": scope}
    base = hakit.RegionBase("base", {**placed, "namespaces": {"shop": {"pod_security": "privileged"}}}, opts)
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base]))
    pair = hakit.RegionPair("shop", {**placed, **args["region"]}, after)
    pulumi.export("active", pair.active)
