"""One application in a cluster that has been there for longer; its arguments are in app.json, for a test to change."""

import json
from pathlib import Path

import pulumi

import hakit

opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("stacks/topology.prod.yaml", "us-east-1")])
name, args = json.loads(Path("app.json").read_text(encoding="utf-8"))
hakit.ZonalApp(name, args, opts)
