"""A load balancer whose arguments lie beside Pulumi.yaml, as the topology does."""

import json
from pathlib import Path

import hakit

args = json.loads((Path(__file__).parent.parent / "arguments.json").read_text(encoding="utf-8"))
hakit.GlobalLoadBalancer("shop", args)
