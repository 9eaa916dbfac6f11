"""Cloudflare Load Balancing: monitor, one pool a region, load balancer, as inputs of pulumi_cloudflare 6.

Where Cloudflare wants the id of a pool, the plan holds the region's name; the component puts the id in. No key is ever
None and no map empty: the provider finds a difference in both at every `up` (cloudflare/terraform-provider-cloudflare
#7339), as it does in origins that change their order (#6140).
"""

from dataclasses import dataclass
from typing import Any

from hakit.errors import HakitError
from hakit.plan.traffic import detection
from hakit.plan.traffic.cloudflare_spec import CloudflareSpec, check_limits
from hakit.plan.traffic.detection import Detection
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


@dataclass(frozen=True)
class CloudflarePlan:
    """Inputs by resource, without the account's and the zone's id; regions stand for the ids of their pools."""

    monitor: dict[str, Any]
    pools: dict[str, dict[str, Any]]
    load_balancer: dict[str, Any]
    notification: dict[str, Any] | None
    detection: Detection


def plan(spec: TrafficSpec, own: CloudflareSpec, traffic: Traffic) -> CloudflarePlan:
    """The inputs of every resource.

    Raises:
        HakitError: more is asked for than was bought.
    """
    check_limits(spec, own)
    stem = f"{spec.topology.name}-{spec.topology.environment}-{spec.name}"
    return CloudflarePlan(
        monitor=_monitor(spec),
        pools={place.region: _pool(spec, own, place, f"{stem}-{place.region}") for place in traffic.places},
        load_balancer=_load_balancer(spec, own, traffic),
        notification=_notification(own, stem, sorted(spec.pair.regions)),
        detection=_detection(spec),
    )


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
