"""What Cloudflare refuses in a load balancer."""

import re
from collections.abc import Iterable, Iterator

from lab.edge.account import BALANCER, POOL, REGIONS, Account, Inputs, pool_references, within
from lab.edge.registry import Found, rule

_STEERING = (
    *("off", "geo", "random", "dynamic_latency", "proximity", "least_outstanding_requests", "least_connections"),
    "",
)
_STEERING_PAGE = "load-balancing/understand-basics/traffic-steering/steering-policies/"
_AFFINITY_PAGE = "load-balancing/understand-basics/session-affinity/"
_AFFINITY = ("none", "cookie", "ip_cookie", "header")
#: provider: LoadBalancer.sessionAffinityTtl
_TTL = {"cookie": (1800, 604800), "ip_cookie": (1800, 604800), "header": (30, 3600)}
_ATTRIBUTES = {
    "samesite": ("Auto", "Lax", "None", "Strict"),
    "secure": ("Auto", "Always", "Never"),
    "zeroDowntimeFailover": ("none", "temporary", "sticky"),
}


def steering_of(balancer: Inputs) -> str:
    """The policy in force: none given is `geo` where places have pools, else `off` (provider: steeringPolicy)."""
    given = balancer.get("steeringPolicy", "").lower()
    places = any(balancer.get(key) for key in ("regionPools", "countryPools", "popPools"))
    return given or ("geo" if places else "off")


def affinity_of(inputs: Inputs) -> str:
    """The session affinity in force: `none` and an empty string are none (session-affinity, #types)."""
    return inputs.get("sessionAffinity", "none").lower() or "none"


def _used(inputs: Inputs, account: Account) -> Iterator[tuple[str, Inputs]]:
    """The pools that the load balancer names and that exist, once each."""
    for pool in dict.fromkeys(pool for _, pool in pool_references(inputs)):
        if pool in account.objects[POOL]:
            yield pool, account.objects[POOL][pool]


@rule(BALANCER, "load-balancing/troubleshooting/common-error-codes/#load-balancing-not-enabled")
def load_balancing_is_bought(_: Inputs, account: Account) -> Found:
    if not account.load_balancing:
        yield "", "load balancing not enabled"


@rule(BALANCER, "load-balancing/reference/limitations/")
def load_balancers_are_bought(_: Inputs, account: Account) -> Found:
    if len(account.objects[BALANCER]) >= account.load_balancers:
        yield "", f"exceeded quota: {account.load_balancers} load balancers"


@rule(BALANCER, "load-balancing/load-balancers/create-load-balancer/")
def the_host_name_is_the_zones(inputs: Inputs, account: Account) -> Found:
    """The «website to which you want to add this load balancer», and its «DNS name»."""
    zone = account.zones.get(inputs.get("zoneId", ""))
    if account.zones and "zoneId" in inputs and zone is None:
        yield "zoneId", "the account has no such zone"
    elif zone and "name" in inputs and not within(inputs["name"], zone):
        yield "name", f"{inputs['name']} is not below {zone}"


@rule(BALANCER, "provider: LoadBalancer.defaultPools and fallbackPool")
def a_fallback_pool_is_named(inputs: Inputs, _: Account) -> Found:
    """Both are required. «If there are no monitors, a fallback pool is still required» (health-details).

    An empty string is none; a preview that does not know the id yet has no key here, so the key's absence says
    nothing."""
    if inputs.get("fallbackPool") == "":
        yield "fallbackPool", "a fallback pool is required"


@rule(BALANCER, "provider: LoadBalancer.defaultPools and fallbackPool")
def pools_exist(inputs: Inputs, account: Account) -> Found:
    """«A list of pool IDs.»"""
    for path, pool in pool_references(inputs):
        if pool and pool not in account.objects[POOL]:
            yield path, f"there is no pool {pool}"


@rule(BALANCER, _STEERING_PAGE)
def the_steering_policy_is_known(inputs: Inputs, _: Account) -> Found:
    if inputs.get("steeringPolicy", "").lower() not in _STEERING:
        yield "steeringPolicy", f"{inputs['steeringPolicy']} is none of {', '.join(_STEERING[:-1])}"


@rule(BALANCER, _STEERING_PAGE + "standard-options/")
def traffic_steering_is_bought(inputs: Inputs, account: Account) -> Found:
    """Off and random «are the only steering policies available to non-Enterprise customers who have not purchased
    Traffic steering»."""
    bought = account.enterprise or account.traffic_steering
    if not bought and steering_of(inputs) not in ("off", "random"):
        yield (
            "steeringPolicy",
            f"{steering_of(inputs)} needs Traffic steering, which is not bought; off and random do not",
        )


@rule(BALANCER, _STEERING_PAGE + "geo-steering/")
def geo_steering_has_no_custom_rules(inputs: Inputs, _: Account) -> Found:
    """«Custom load balancing rules are incompatible with Geo steering.»"""
    if inputs.get("rules") and steering_of(inputs) == "geo":
        yield "rules", "custom load balancing rules are incompatible with Geo steering"


@rule(BALANCER, "load-balancing/reference/region-mapping-api/")
def regions_exist(inputs: Inputs, _: Account) -> Found:
    for region in inputs.get("regionPools", {}):
        if region not in REGIONS:
            yield f"regionPools.{region}", f"no region code; there are {', '.join(REGIONS)}"


@rule(BALANCER, "load-balancing/reference/region-mapping-api/")
def countries_are_iso_3166(inputs: Inputs, _: Account) -> Found:
    """«2-letter ISO-3166-1 alpha-2 codes.»"""
    for country in inputs.get("countryPools", {}):
        if not re.fullmatch(r"[A-Z]{2}", country):
            yield f"countryPools.{country}", "no two-letter country code"


@rule(BALANCER, _STEERING_PAGE + "geo-steering/#pop-steering")
def pops_are_for_enterprise(inputs: Inputs, account: Account) -> Found:
    if inputs.get("popPools") and not account.enterprise:
        yield "popPools", "PoP steering is only available to Enterprise customers"


@rule(BALANCER, _STEERING_PAGE + "proximity-steering/")
def proximity_knows_where_every_pool_is(inputs: Inputs, account: Account) -> Found:
    """«Add GPS coordinates to all pools within the same load balancer.»"""
    if steering_of(inputs) != "proximity":
        return
    for identity, pool in _used(inputs, account):
        if not {"latitude", "longitude"} <= pool.keys():
            yield "steeringPolicy", f"proximity needs the coordinates of pool {pool.get('name', identity)}"


@rule(BALANCER, _STEERING_PAGE + "dynamic-steering/")
def dynamic_steering_measures_from_everywhere(inputs: Inputs, account: Account) -> Found:
    """«The Health Monitor Region must be set to All Regions», or every data center; and there is a monitor."""
    if steering_of(inputs) != "dynamic_latency":
        return
    for identity, pool in _used(inputs, account):
        name, regions = pool.get("name", identity), pool.get("checkRegions")
        if not (pool.get("monitor") or pool.get("monitorGroup")):
            yield "steeringPolicy", f"dynamic_latency needs a monitor on pool {name}"
        elif regions and "ALL_REGIONS" not in regions and not set(REGIONS) <= set(regions):
            yield "steeringPolicy", f"dynamic_latency needs checks from all regions on pool {name}"


@rule(BALANCER, "provider: LoadBalancer.randomSteering")
def pool_weights_are_from_0_to_1(inputs: Inputs, _: Account) -> Found:
    steering = inputs.get("randomSteering", {})
    weights = {f"poolWeights.{pool}": weight for pool, weight in steering.get("poolWeights", {}).items()}
    for path, weight in {"defaultWeight": steering.get("defaultWeight", 1), **weights}.items():
        if not 0 <= weight <= 1:
            yield f"randomSteering.{path}", f"{weight} is not from 0 to 1"


@rule(BALANCER, _AFFINITY_PAGE + "#types")
def session_affinity_is_known(inputs: Inputs, _: Account) -> Found:
    if affinity_of(inputs) not in _AFFINITY:
        yield "sessionAffinity", f"{inputs['sessionAffinity']} is none of {', '.join(_AFFINITY)}"


@rule(BALANCER, _AFFINITY_PAGE + "#enabling-session-affinity-from-the-cloudflare-dashboard")
def session_affinity_is_for_proxied(inputs: Inputs, _: Account) -> Found:
    """«Session Affinity is not supported in DNS-only mode.»"""
    if affinity_of(inputs) != "none" and not inputs.get("proxied"):
        yield "sessionAffinity", "not supported in DNS-only mode: the load balancer is not proxied"


@rule(BALANCER, "provider: LoadBalancer.sessionAffinityTtl")
def a_session_lasts_as_its_kind_may(inputs: Inputs, _: Account) -> Found:
    kind, ttl = affinity_of(inputs), inputs.get("sessionAffinityTtl")
    if ttl is not None and kind in _TTL and not _TTL[kind][0] <= ttl <= _TTL[kind][1]:
        yield "sessionAffinityTtl", f"{ttl} is not in [{_TTL[kind][0]}, {_TTL[kind][1]}], the range of {kind}"


@rule(BALANCER, _AFFINITY_PAGE + "#by-http-header")
def header_affinity_names_its_headers(inputs: Inputs, account: Account) -> Found:
    """At least one; at most five for Enterprise and one for the others (provider: headers)."""
    if affinity_of(inputs) != "header":
        return
    headers = inputs.get("sessionAffinityAttributes", {}).get("headers", [])
    most = 5 if account.enterprise else 1
    if not 1 <= len(headers) <= most:
        yield "sessionAffinityAttributes.headers", f"{len(headers)} headers; at least 1 and at most {most}"


@rule(BALANCER, _AFFINITY_PAGE + "#zero-downtime-failover")
def header_affinity_is_never_sticky(inputs: Inputs, _: Account) -> Found:
    """«Sticky Zero-Downtime Failover is not supported for session affinity by HTTP header.»"""
    failover = inputs.get("sessionAffinityAttributes", {}).get("zeroDowntimeFailover", "none")
    if affinity_of(inputs) == "header" and failover == "sticky":
        yield "sessionAffinityAttributes.zeroDowntimeFailover", "sticky is not supported with affinity by header"


@rule(BALANCER, "provider: LoadBalancer.sessionAffinityAttributes")
def affinity_attributes_are_known(inputs: Inputs, _: Account) -> Found:
    """«When using value "None", the secure attribute can not be set to "Never".»"""
    attributes = inputs.get("sessionAffinityAttributes", {})
    for key, allowed in _ATTRIBUTES.items():
        yield from _one_of(f"sessionAffinityAttributes.{key}", attributes.get(key), allowed)
    if attributes.get("samesite") == "None" and attributes.get("secure") == "Never":
        yield "sessionAffinityAttributes.secure", "Never does not go with samesite None"


@rule(BALANCER, "load-balancing/additional-options/planned-maintenance/#gradual-rotation")
def endpoint_drain_is_for_sessions_behind_the_proxy(inputs: Inputs, _: Account) -> Found:
    """«Only available for proxied load balancers», where session affinity is enabled."""
    if inputs.get("sessionAffinityAttributes", {}).get("drainDuration"):
        if not inputs.get("proxied"):
            yield "sessionAffinityAttributes.drainDuration", "endpoint drain needs a proxied load balancer"
        elif affinity_of(inputs) == "none":
            yield "sessionAffinityAttributes.drainDuration", "endpoint drain needs session affinity"


@rule(BALANCER, _STEERING_PAGE + "#edns-client-subnet-ecs-support")
def the_location_strategy_is_known(inputs: Inputs, _: Account) -> Found:
    strategy = inputs.get("locationStrategy", {})
    yield from _one_of("locationStrategy.mode", strategy.get("mode"), ("pop", "resolver_ip"))
    yield from _one_of("locationStrategy.preferEcs", strategy.get("preferEcs"), ("always", "never", "proximity", "geo"))


def _one_of(path: str, given: str | None, allowed: Iterable[str]) -> Found:
    if given is not None and given not in allowed:
        yield path, f"{given} is none of {', '.join(allowed)}"
