"""What hakit plans for Cloudflare, put into an account of the stand-in."""

import re
import tempfile
from pathlib import Path
from typing import Any

from hakit import topology as topologies
from hakit.plan.traffic import cloudflare as planned
from hakit.plan.traffic import cloudflare_spec, intent, spec
from hakit.testing import Recording
from lab.edge.account import BALANCER, KINDS, MONITOR, POOL, Account
from tests.traffic.shop import ACCOUNT, ZONE, cloudflare, declare


def planned_account(args: dict[str, Any], *regions: str, account: Account | None = None, **declared: Any) -> Account:
    """A load balancer over a topology; a pool's id is its region's name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "topology.yaml")
        path.write_text(declare(*regions, **declared), encoding="utf-8")
        topology = topologies.load(path)
    wanted = spec.specify("shop", cloudflare(**args), topology)
    plan = planned.plan(wanted, cloudflare_spec.read(wanted), intent.intent(wanted))
    account = account or an_account()
    account.objects[MONITOR]["the-monitor"] = wire({**plan.monitor, "account_id": ACCOUNT})
    for region, pool in plan.pools.items():
        account.objects[POOL][region] = wire({**pool, "account_id": ACCOUNT, "monitor": "the-monitor"})
    account.objects[BALANCER]["the-balancer"] = wire({**plan.load_balancer, "zone_id": ZONE})
    return account


def recorded_account(recording: Recording) -> Account:
    """The same from what a program registered; ids are those of the recording, `<name>-id`."""
    account = an_account()
    for one in recording.resources:
        kind = one.type.rpartition(":")[2]
        if kind in KINDS and one.custom:
            account.objects[kind][f"{one.name}-id"] = dict(one.inputs)
    return account


def an_account(**bought: Any) -> Account:
    return Account(zones={ZONE: "example.com"}, **bought)


def wire(value: Any) -> Any:
    """Keys as the provider's protocol has them: `region_pools` is `regionPools`."""
    if isinstance(value, dict):
        return {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): wire(each) for key, each in value.items()}
    return [wire(each) for each in value] if isinstance(value, list) else value
