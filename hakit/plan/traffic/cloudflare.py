"""Cloudflare Load Balancing: monitor, one pool a region, load balancer, as inputs of pulumi_cloudflare 6.

Where Cloudflare wants the id of a pool, the plan holds the region's name; the component puts the id in. No key is ever
None and no map empty: the provider finds a difference in both at every `up` (cloudflare/terraform-provider-cloudflare
#7339), as it does in origins that change their order (#6140).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.traffic import detection
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.earth import CODES
from hakit.plan.traffic.intent import SERVE, Place, Traffic
from hakit.plan.traffic.origins import Origin
from hakit.plan.traffic.spec import TrafficSpec

_POLICIES = {
    "ordered": "off",
    "geo": "geo",
    "weighted": "random",
    "proximity": "proximity",
    "latency": "dynamic_latency",
}
#: Three, so that one of them in trouble is not the majority: a pool is down when most of its probe regions say so.
CHECK_REGIONS = ("ENAM", "WEU", "WNAM")
LONGEST_INTERVAL = 3600
_BOUGHT_KEYS = ("load_balancers", "pools", "endpoints", "interval", "check_regions", "steering")


@dataclass(frozen=True)
class Bought:
    """What the account's load balancing add-on holds. None: no limit that hakit knows.

    Attributes:
        interval: seconds between two checks, at least.
        steering: words of `steering` beside `ordered`.
    """

    pools: int | None
    endpoints: int | None
    interval: int
    check_regions: int
    steering: tuple[str, ...]


_ALL = ("ordered", "geo", "weighted", "proximity", "latency")
#: load-balancing/reference/limitations: 20 pools, 20 endpoints and 15 s without a contract; with one 10 s, the rest as
#: agreed.
PLANS = {
    "self-serve": Bought(pools=20, endpoints=20, interval=15, check_regions=13, steering=_ALL),
    "enterprise": Bought(pools=None, endpoints=None, interval=10, check_regions=13, steering=_ALL),
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


@dataclass(frozen=True)
class CloudflarePlan:
    """Inputs by resource, without the account's and the zone's id; regions stand for the ids of their pools."""

    monitor: dict[str, Any]
    pools: dict[str, dict[str, Any]]
    load_balancer: dict[str, Any]
    notification: dict[str, Any] | None
    detection: Detection


def read(spec: TrafficSpec) -> CloudflareSpec:
    """Cloudflare's part of the arguments.

    Raises:
        HakitError: one is missing, wrong, or contradicts another.
    """
    own = spec.own
    proxied = own.flag("proxied", default=True)
    _refuse_unproxied(spec, proxied=proxied)
    check_regions = own.names("check_regions") or CHECK_REGIONS
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
        zone=own.text("zone") if "zone" in own else "",
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
        steering=tuple(dict.fromkeys(("ordered", *steering))),
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


def plan(spec: TrafficSpec, own: CloudflareSpec, traffic: Traffic) -> CloudflarePlan:
    """The inputs of every resource.

    Raises:
        HakitError: more is asked for than was bought.
    """
    _check_limits(spec, own)
    stem = f"{spec.topology.name}-{spec.topology.environment}-{spec.name}"
    return CloudflarePlan(
        monitor=_monitor(spec),
        pools={place.region: _pool(spec, own, place, f"{stem}-{place.region}") for place in traffic.places},
        load_balancer=_load_balancer(spec, own, traffic),
        notification=_notification(own, stem, sorted(spec.pair.regions)),
        detection=_detection(spec),
    )


def _check_limits(spec: TrafficSpec, own: CloudflareSpec) -> None:
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
    if spec.steering not in bought.steering:
        raise HakitError(
            "steering: not bought", where=spec.where, given=spec.steering, allowed=bought.steering,
            do="buy it and say so in cloudflare.bought.steering, or steer otherwise",
        )  # fmt: skip


def _monitor(spec: TrafficSpec) -> dict[str, Any]:
    check = spec.health
    monitor: dict[str, Any] = {
        "type": check.type,
        "method": check.method,
        "path": check.path,
        "expected_codes": check.codes,
        "header": {"Host": [check.host]},
        "interval": check.interval,
        "timeout": check.timeout,
        "retries": check.retries,
        "consecutive_down": check.down,
        "consecutive_up": check.up,
        "follow_redirects": check.follow_redirects,
        "allow_insecure": False,
        "description": f"{spec.hostname}: can the region serve in its role?",
    }
    if not check.usual_port:
        monitor["port"] = check.port
    if check.body:
        monitor["expected_body"] = check.body
    return monitor


def _pool(spec: TrafficSpec, own: CloudflareSpec, place: Place, name: str) -> dict[str, Any]:
    """One region. Drained, its origins are off: sessions last for the drain time, new users go elsewhere
    (additional-options/planned-maintenance). Fenced, the pool is off as well, and in no list."""
    pool: dict[str, Any] = {
        "name": name,
        "description": f"{spec.hostname} in {place.region}",
        "enabled": not place.fenced,
        "minimum_origins": 1,
        "check_regions": list(own.check_regions),
        "origins": [_origin(origin, enabled=place.traffic == SERVE) for origin in place.origins],
    }
    if spec.steering == "proximity":
        if place.location is None:
            raise HakitError(
                f"locations: where is region {place.region}?", where=spec.where, given="steering: proximity",
                do=f'locations={{"{place.region}": {{"latitude": ..., "longitude": ...}}}}',
            )  # fmt: skip
        pool |= {"latitude": place.location.latitude, "longitude": place.location.longitude}
    if place.region in own.shed:
        pool["load_shedding"] = {
            "default_percent": own.shed[place.region],
            "default_policy": "random",
            # Who has a session stays: the hash policy is the only one for them, and zero of it is nobody.
            "session_percent": 0,
            "session_policy": "hash",
        }
    return pool


def _origin(origin: Origin, *, enabled: bool) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "name": origin.address,
        "address": origin.address,
        "enabled": enabled,
        "weight": origin.weight,
    }
    if origin.port:
        inputs["port"] = origin.port
    if origin.host:
        # Pulumi's name is plural; `Host` and `host` would be dropped without a word (provider #6963).
        inputs["header"] = {"hosts": [origin.host]}
    return inputs


def _load_balancer(spec: TrafficSpec, own: CloudflareSpec, traffic: Traffic) -> dict[str, Any]:
    listed = [place.region for place in traffic.listed]
    inputs: dict[str, Any] = {
        "name": spec.hostname,
        "description": f"{spec.pair.mode} pair {spec.pair.name}",
        "enabled": True,
        "proxied": own.proxied,
        "steering_policy": _POLICIES[spec.steering],
        "default_pools": listed,
        "fallback_pool": traffic.fallback,
        "session_affinity": spec.affinity.by,
        "adaptive_routing": {"failover_across_pools": own.retry_elsewhere},
    }
    if not own.proxied:
        # k8gb found 60 s to be the least without a contract.
        inputs["ttl"] = spec.ttl or 60
    if spec.steering == "geo":
        # A code that has a list uses no other: it must name every pool (steering-policies/geo-steering, "Failover").
        inputs["region_pools"] = {code: list(order) for code, order in traffic.by_code.items()}
    if spec.steering == "weighted":
        weights = {place.region: place.weight for place in traffic.listed}
        inputs["random_steering"] = {"default_weight": 1, "pool_weights": weights}
    if spec.affinity.by != "none":
        inputs |= _sessions(spec)
    if own.rules:
        inputs["rules"] = [dict(rule) for rule in own.rules]
    return inputs


def _sessions(spec: TrafficSpec) -> dict[str, Any]:
    """Sessions, which outlive their origin: cookies name the new one, a session by header waits for the old one, for
    which Cloudflare has no other word (session_affinity_attributes.zero_downtime_failover)."""
    affinity = spec.affinity
    least, most, usual = (30, 3600, 1800) if affinity.by == "header" else (1800, 604_800, 82_800)
    ttl = affinity.ttl or usual
    if not least <= ttl <= most:
        raise HakitError(
            "affinity.ttl: out of Cloudflare's range",
            where=spec.where,
            given=f"{ttl} s",
            allowed=f"{least} to {most} s",
        )
    attributes: dict[str, Any] = {
        "zero_downtime_failover": "temporary" if affinity.by == "header" else "sticky",
    }
    # A session that is cut before it ends loses what its user was doing, so a drain lasts as long as a session. Where
    # one region serves, a session that stays behind in a region that lost its role can do nothing: it moves at once.
    drain = affinity.drain or (0 if spec.ordered else ttl)
    if drain:
        attributes["drain_duration"] = drain
    if affinity.headers:
        attributes |= {"headers": list(affinity.headers), "require_all_headers": True}
    else:
        attributes |= {"samesite": "Lax", "secure": "Always"}
    return {"session_affinity_ttl": ttl, "session_affinity_attributes": attributes}


def _notification(own: CloudflareSpec, stem: str, regions: list[str]) -> dict[str, Any] | None:
    """Cloudflare's notification service; a pool's own notification_email is deprecated."""
    if not own.notify:
        return None
    return {
        "name": f"{stem}-health",
        "alert_type": "load_balancing_health_alert",
        "enabled": True,
        "mechanisms": {"emails": [{"id": address} for address in sorted(own.notify)]},
        "filters": {"pool_ids": regions},
    }


def _detection(spec: TrafficSpec) -> Detection:
    check = spec.health
    terms = [detection.checks(check.interval, check.down), detection.timeouts(check.timeout, check.retries + 1)]
    if spec.ttl is not None:
        terms.append(detection.record(spec.ttl))
    return Detection(tuple(terms))
