"""What only Cloudflare needs to know, checked: ids, what was bought, what can be done beside what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.traffic.earth import CODES
from hakit.plan.traffic.spec import TrafficSpec, zone_of

#: Three, so that one of them in trouble is not the majority: a pool is down when most of its probe regions say so.
CHECK_REGIONS = ("ENAM", "WEU", "WNAM")
LONGEST_INTERVAL = 3600
_BOUGHT_KEYS = ("pools", "endpoints", "interval", "check_regions", "steering")


@dataclass(frozen=True)
class Bought:
    """What the account's load balancing add-on holds. None: no limit that hakit knows.

    Attributes:
        interval: seconds between two checks, at least.
        steering: words of `steering` beside `ordered` and `weighted`.
        headers: names that sessions by header may go by.
    """

    pools: int | None
    endpoints: int | None
    interval: int
    check_regions: int
    steering: tuple[str, ...]
    headers: int


_ALL = ("ordered", "geo", "weighted", "proximity", "latency")
#: load-balancing/reference/limitations: 20 pools, 20 endpoints and 15 s without a contract; with one 10 s, the rest as
#: agreed.
PLANS = {
    "self-serve": Bought(pools=20, endpoints=20, interval=15, check_regions=13, steering=_ALL, headers=1),
    "enterprise": Bought(pools=None, endpoints=None, interval=10, check_regions=13, steering=_ALL, headers=5),
}


@dataclass(frozen=True)
class CloudflareSpec:
    """The arguments that only Cloudflare has, checked.

    Attributes:
        account_id, zone_id: Cloudflare's, or Outputs.
        zone: the zone's name; empty when it was not told.
        retry_elsewhere: a request that found nobody in one region is sent to the next.
        shed: by region, percent of new users that are sent elsewhere.
    """

    account_id: Any = field(repr=False)
    zone_id: Any = field(repr=False)
    zone: str
    bought: Bought
    proxied: bool
    check_regions: tuple[str, ...]
    retry_elsewhere: bool
    shed: Mapping[str, float]
    rules: tuple[Mapping[str, Any], ...]
    notify: tuple[str, ...]
    universal_ssl: bool


def read(spec: TrafficSpec) -> CloudflareSpec:
    """Cloudflare's part of the arguments.

    Raises:
        HakitError: one is missing, wrong, or contradicts another.
    """
    own = spec.own
    proxied = own.flag("proxied", default=True)
    _refuse_unproxied(spec, proxied=proxied)
    check_regions = own.names("check_regions") or (tuple(CODES) if spec.steering == "latency" else CHECK_REGIONS)
    for code in check_regions:
        if code not in CODES:
            raise HakitError(
                "cloudflare.check_regions: unknown code", where=spec.where, given=code, allowed=CODES
            )  # fmt: skip
    retry = own.flag("retry_elsewhere", default=not spec.ordered and len(spec.pair.regions) > 1)
    if retry and spec.ordered:
        raise HakitError(
            "cloudflare.retry_elsewhere: the next region is a standby", where=spec.where, given="active-passive",
            do="leave it out: a write that failed here would be tried on a region that was not promoted",
        )  # fmt: skip
    shed = own.inner("shed", spec.pair.regions)
    return CloudflareSpec(
        account_id=_id(own, "account_id"),
        zone_id=_id(own, "zone_id"),
        zone=zone_of(own, spec.hostname),
        bought=_bought(own),
        proxied=proxied,
        check_regions=tuple(sorted(check_regions)),
        retry_elsewhere=retry and proxied,
        shed={region: shed.decimal(region, least=0, most=100) for region in shed.given},
        rules=_rules(spec),
        notify=own.names("notify"),
        universal_ssl=own.flag("universal_ssl", default=True),
    )


def _id(own: Arguments, key: str) -> Any:
    if key not in own:
        raise own.missing(key, "the dashboard shows it on the zone's overview; keep it in the stack's configuration")
    value = own.given[key]
    if isinstance(value, str) and not re.fullmatch(r"[0-9a-f]{32}", value):
        raise HakitError(
            f"cloudflare.{key}: not an id of Cloudflare's",
            where=own.where,
            given=value,
            allowed="32 digits from 0 to f",
        )
    return value


def _bought(own: Arguments) -> Bought:
    preset = PLANS[own.word("plan", PLANS, "self-serve")]
    inner = own.inner("bought", _BOUGHT_KEYS)
    steering = inner.names("steering") if "steering" in inner else preset.steering
    for word in steering:
        if word not in _ALL:
            raise HakitError(
                "cloudflare.bought.steering: unknown word", where=own.where, given=word, allowed=_ALL
            )  # fmt: skip
    return Bought(
        pools=inner.number("pools", preset.pools, least=1) if "pools" in inner else preset.pools,
        endpoints=inner.number("endpoints", preset.endpoints, least=1) if "endpoints" in inner else preset.endpoints,
        interval=inner.number("interval", preset.interval, least=1),
        check_regions=inner.number("check_regions", preset.check_regions, least=1),
        # "off" and "random" need no traffic steering add-on (understand-basics/traffic-steering/steering-policies).
        steering=tuple(dict.fromkeys(("ordered", "weighted", *steering))),
        headers=preset.headers,
    )


def _refuse_unproxied(spec: TrafficSpec, *, proxied: bool) -> None:
    if proxied and spec.ttl is not None:
        raise HakitError(
            "ttl: a proxied name has none", where=spec.where, given=f"{spec.ttl}",
            do="leave it out: users get Cloudflare's own addresses, which do not change with the region",
        )  # fmt: skip
    if not proxied and spec.affinity.by != "none":
        raise HakitError(
            "affinity: Cloudflare sees no request of a name that it does not proxy", where=spec.where,
            given="cloudflare.proxied: false", do="say proxied: true, or leave affinity out",
        )  # fmt: skip


def _rules(spec: TrafficSpec) -> tuple[Mapping[str, Any], ...]:
    rules = spec.own.given.get("rules") or []
    if not isinstance(rules, (list, tuple)) or not all(isinstance(rule, Mapping) for rule in rules):
        raise HakitError("cloudflare.rules: not a list of rules", where=spec.where, given=type(rules).__name__)
    if rules and spec.steering == "geo":
        # "Custom load balancing rules are incompatible with Geo steering" (traffic-steering/steering-policies/geo).
        raise HakitError(
            "cloudflare.rules: Cloudflare does not run rules beside geo steering", where=spec.where,
            given="steering: geo", do="choose another steering, or leave the rules out",
        )  # fmt: skip
    return tuple(rules)


def check_limits(spec: TrafficSpec, own: CloudflareSpec) -> None:
    bought, check = own.bought, spec.health
    endpoints = sum(len(origins) for origins in spec.origins.values())
    for what, wanted, limit in (
        ("pools, one a region", len(spec.pair.regions), bought.pools),
        ("endpoints", endpoints, bought.endpoints),
        ("check_regions", len(own.check_regions), bought.check_regions),
    ):
        if limit is not None and wanted > limit:
            raise HakitError(
                f"cloudflare: more {what} than were bought", where=spec.where, given=wanted,
                allowed=f"{limit} or fewer",
                do="buy more and say so in cloudflare.bought, or ask for less",
            )  # fmt: skip
    if not bought.interval <= check.interval <= LONGEST_INTERVAL:
        raise HakitError(
            "health.interval: not within what was bought", where=spec.where, given=f"{check.interval} s",
            allowed=f"{bought.interval} to {LONGEST_INTERVAL} s",
            do="check less often, or buy shorter checks and say so in cloudflare.bought.interval",
        )  # fmt: skip
    if check.timeout * (check.retries + 1) > check.interval:
        raise HakitError(
            "health: a check lasts longer than the time to the next", where=spec.where,
            given=f"timeout {check.timeout} s x {check.retries + 1} tries, interval {check.interval} s",
            do="shorten timeout, take retries away, or check less often",
        )  # fmt: skip
    if spec.steering == "latency" and len(own.check_regions) < len(CODES):
        # "The Health Monitor Region must be set to All Regions" (steering-policies/dynamic-steering).
        raise HakitError(
            "cloudflare.check_regions: latency is measured from all of them", where=spec.where,
            given=", ".join(own.check_regions), allowed=", ".join(CODES), do="leave them out, or steer otherwise",
        )  # fmt: skip
    if len(spec.affinity.headers) > bought.headers:
        raise HakitError(
            "affinity.headers: more than Cloudflare takes", where=spec.where, given=", ".join(spec.affinity.headers),
            allowed=f"{bought.headers}; 5 with plan enterprise, 1 otherwise",
        )  # fmt: skip
    if spec.steering not in bought.steering:
        raise HakitError(
            "steering: not bought", where=spec.where, given=spec.steering, allowed=bought.steering,
            do="buy it and say so in cloudflare.bought.steering, or steer otherwise",
        )  # fmt: skip
