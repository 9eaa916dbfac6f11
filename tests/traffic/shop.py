"""Topologies of two and more regions, and a load balancer over them, for the tests of this folder."""

from pathlib import Path
from typing import Any

import pulumi

import hakit
from hakit import topology as topologies
from hakit.testing import Recording, record
from hakit.topology import Topology

ACCOUNT, ZONE = "11112222333344445555666677778888", "99990000aaaabbbbccccddddeeeeffff"
SERVES = {"us-east-1": "[ENAM, WEU]", "us-west-2": "[WNAM]"}


def declare(
    *regions: str,
    mode: str = "active-passive",
    handovers: tuple[str, ...] = (),
    traffic: dict[str, str] | None = None,
    serves: dict[str, str] | None = None,
    rto: str = "5m",
    databases: str = "[orders]",
) -> str:
    """A topology's file. The first region is the founded one."""
    traffic, serves = traffic or {}, serves or {}
    lines = ["name: shop", "environment: prod", 'aws: {account: "111122223333", prefix: acme}', "regions:"]
    for region in regions:
        lines += [
            f"  {region}:",
            f"    zones: [{region}a, {region}b, {region}c]",
            '    kubernetes: "1.34"',
            f"    cluster: {{context: {region}}}",
            "    storage: {zonal: gp3}",
            f"    traffic: {traffic.get(region, 'serve')}",
            f"    serves: {serves.get(region, '[]')}",
        ]
    lines += [
        "pairs:",
        "  shop:",
        f"    mode: {mode}",
        *(["    writes: primary-region"] if mode == "active-active" and databases != "[]" else []),
        f"    founded: {regions[0]}",
        f"    databases: {databases}",
        f"    objectives: {{rto: {rto}, rpo: 30s}}",
        "    handovers:" + ("" if handovers else " []"),
        *(f"      - {{{entry}}}" for entry in handovers),
    ]
    return "\n".join(lines) + "\n"


def loaded(folder: Path, *regions: str, **more: Any) -> Topology:
    path = folder / "topology.yaml"
    path.write_text(declare(*regions, **more))
    return topologies.load(path)


def cloudflare(**more: Any) -> dict[str, Any]:
    """Arguments of the Cloudflare back end; `own` adds to the part that only Cloudflare has."""
    own = {"account_id": ACCOUNT, "zone_id": ZONE, "zone": "example.com", **more.pop("own", {})}
    base = {"topology": "topology.yaml", "pair": "shop", "hostname": "shop.example.com", "health": {"path": "/ready"}}
    return {**base, "cloudflare": own, **more}


def run(folder: Path, args: dict[str, Any], *regions: str, preview: bool = False, **more: Any) -> Recording:
    """What a load balancer over these regions registers; with external-dns in the cluster of its scope."""
    (folder / "topology.yaml").write_text(declare(*regions, **more))

    def program() -> None:
        opts = pulumi.ResourceOptions()
        if args.get("backend") == "external-dns":
            opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", args["scope"])])
        hakit.GlobalLoadBalancer("shop", args, opts)  # ty: ignore

    return record(program, root=folder, preview=preview)


def changed(before: Recording, after: Recording) -> dict[str, dict[str, Any]]:
    """By resource, the inputs that differ: old and new, None for absent; a whole resource under `resource`."""
    old = {one.name: one.inputs for one in before.resources if one.custom}
    new = {one.name: one.inputs for one in after.resources if one.custom}
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            found[name] = {"resource": ("there" if name in old else None, "there" if name in new else None)}
            continue
        differs = {
            key: (old[name].get(key), new[name].get(key))
            for key in sorted({*old[name], *new[name]})
            if old[name].get(key) != new[name].get(key)
        }
        if differs:
            found[name] = differs
    return found


def route53(**more: Any) -> dict[str, Any]:
    own = {"zone_id": "Z0123456789ABCDEFGHIJ", "zone": "example.com", **more.pop("own", {})}
    base = {"topology": "topology.yaml", "pair": "shop", "hostname": "shop.example.com", "health": {"path": "/ready"}}
    return {**base, "backend": "route53", "route53": own, **more}


def arn(region: str) -> str:
    return f"arn:aws:elasticloadbalancing:{region}:111122223333:loadbalancer/net/shop/0123456789abcdef"


def accelerator(*regions: str, **more: Any) -> dict[str, Any]:
    own = {"endpoints": {region: [arn(region)] for region in regions}, **more.pop("own", {})}
    base = {"topology": "topology.yaml", "pair": "shop", "hostname": "shop.example.com", "health": {"path": "/ready"}}
    return {**base, "backend": "global-accelerator", "global_accelerator": own, **more}


def external_dns(region: str, **more: Any) -> dict[str, Any]:
    own = {"health_check_ids": {region: f"check-of-{region}"}, **more.pop("own", {})}
    base = {"topology": "topology.yaml", "pair": "shop", "hostname": "shop.example.com", "scope": region}
    return {**base, "backend": "external-dns", "external_dns": own, **more}
