"""The database `orders` of the pair `shop` with its BackupPlan, and beside it whatever is restored from an archive, in
the region that the stack is named after. The topology and the databases' arguments lie beside Pulumi.yaml."""

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
planned: Any = {"pair": "shop", "databases": {"orders": {"tier": "critical", "ships_wal": True}}}
backups = hakit.BackupPlan("shop", {**placed, **planned}, after)
orders: Any = {**placed, "pair": "shop", "backup": backups.databases["orders"], **args["orders"]}
hakit.PostgresCluster("orders", orders, after)
for name, restored in args["restored"].items():
    hakit.PostgresCluster(name, {**placed, "pair": "rescue", "database_name": "orders", **restored}, after)

pulumi.export("promises", backups.promises)
