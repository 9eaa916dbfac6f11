"""What a Cloudflare account has bought, and the objects that it holds: the store of the stand-in."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

Inputs = dict[str, Any]

MONITOR = "LoadBalancerMonitor"
POOL = "LoadBalancerPool"
BALANCER = "LoadBalancer"
KINDS = (MONITOR, POOL, BALANCER)

#: load-balancing/reference/region-mapping-api, list of load balancer regions
REGIONS = ("EEU", "ENAM", "ME", "NAF", "NEAS", "NSAM", "OC", "SAF", "SAS", "SEAS", "SSAM", "WEU", "WNAM")

#: Seconds. Two pages speak of it and do not agree: load-balancing/monitors/create-monitor says 60 (Pro), 15 (Business),
#: 10 (Enterprise); load-balancing/reference/limitations says 15 (not Enterprise), 10 (Enterprise). The stricter stands
#: here; `Account.minimum_interval` overrules it.
MINIMUM_INTERVAL = {"free": 60, "pro": 60, "business": 15, "enterprise": 10}

#: What the engine sends in a preview for a value that only an update will know (pulumi sdk/go/common/resource/plugin,
#: rpc.go, UnknownStringValue and its five siblings).
_UNKNOWN = frozenset(
    (
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # a string
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    )
)


@dataclass
class Account:
    """One account: bought quantities as load-balancing/reference/limitations has them for accounts without Enterprise.

    `objects` holds the inputs of what exists, by kind and id. `proxied` are host names that Cloudflare's proxy answers
    for, `zones` the account's zones by id (none: nothing is known of them, and nothing refused), and `addresses` what
    other host names resolve to.
    """

    plan: str = "business"
    load_balancing: bool = True
    traffic_steering: bool = True
    load_balancers: int = 20
    pools: int = 20
    endpoints: int = 20
    minimum_interval: int | None = None
    zones: dict[str, str] = field(default_factory=dict)
    proxied: Collection[str] = ()
    addresses: dict[str, str] = field(default_factory=dict)
    objects: dict[str, dict[str, Inputs]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    @property
    def enterprise(self) -> bool:
        return self.plan == "enterprise"

    def shortest_interval(self) -> int:
        return MINIMUM_INTERVAL[self.plan] if self.minimum_interval is None else self.minimum_interval

    def without(self, identity: str | None) -> "Account":
        """The account beside one object, against which that object is checked."""
        rest = {
            kind: {key: each for key, each in all_.items() if key != identity} for kind, all_ in self.objects.items()
        }
        return replace(self, objects=rest)

    def proxied_names(self) -> set[str]:
        """Host names behind the orange cloud: given ones, and those of proxied load balancers."""
        balancers = self.objects[BALANCER].values()
        return set(self.proxied) | {each["name"] for each in balancers if each.get("proxied")}


def kind_of(token: str) -> str:
    """`LoadBalancerPool` of `cloudflare:index/loadBalancerPool:LoadBalancerPool`."""
    return token.rpartition(":")[2]


def known(value: Any) -> Any:
    """Inputs without what a preview does not know yet, and without nulls."""
    if isinstance(value, dict):
        plain = {key: known(inner) for key, inner in value.items() if not key.startswith("__")}
        return {key: inner for key, inner in plain.items() if inner is not None}
    if isinstance(value, list):
        return [inner for inner in map(known, value) if inner is not None]
    return None if isinstance(value, str) and value in _UNKNOWN else value


def pool_references(balancer: Inputs) -> Iterator[tuple[str, str]]:
    """Every mention of a pool in a load balancer: its path and the pool's id."""
    for index, pool in enumerate(balancer.get("defaultPools", [])):
        yield f"defaultPools[{index}]", pool
    if "fallbackPool" in balancer:
        yield "fallbackPool", balancer["fallbackPool"]
    for key in ("regionPools", "countryPools", "popPools"):
        for place, pools in balancer.get(key, {}).items():
            for index, pool in enumerate(pools):
                yield f"{key}.{place}[{index}]", pool
    for pool in balancer.get("randomSteering", {}).get("poolWeights", {}):
        yield f"randomSteering.poolWeights.{pool}", pool


def within(name: str, zone: str) -> bool:
    """Whether a host name is a zone's own or below it."""
    return name == zone or name.endswith(f".{zone}")


HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+", re.IGNORECASE)
