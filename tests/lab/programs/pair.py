"""The pair `shop` in the region that the stack is named after, by RegionBase and RegionPair. The topology and the
pair's arguments lie beside Pulumi.yaml."""

import json
from pathlib import Path
from typing import Any

import pulumi

import hakit

region = pulumi.get_stack().removeprefix("prod-")
args: Any = json.loads((Path(__file__).parent.parent / "arguments.json").read_text(encoding="utf-8"))
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])
placed: Any = {"topology": "topology.yaml", "scope": region}

base = hakit.RegionBase("base", {**placed, "namespaces": {"shop": {"pod_security": "privileged"}}}, opts)
after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base]))
shop = hakit.RegionPair("shop", {**placed, **args}, after)

pulumi.export("active", shop.active)
