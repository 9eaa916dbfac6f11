"""What Cloudflare refuses in a pool."""

import ipaddress
import re
from collections import Counter
from decimal import Decimal

from lab.edge.account import HOST, MONITOR, POOL, REGIONS, Account, Inputs, within
from lab.edge.registry import Found, rule

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ORIGIN_STEERING = ("random", "hash", "least_outstanding_requests", "least_connections")
#: RFC 1918, 6598, 4193 and what never leaves a machine or link. Not the addresses of documentation, which it uses.
_INTERNAL = [
    ipaddress.ip_network(each)
    for each in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
]
_ERRORS = "load-balancing/troubleshooting/common-error-codes/"
_MANAGE = "load-balancing/pools/create-pool/"


@rule(POOL, "provider: LoadBalancerPool.name")
def a_pool_has_a_short_name(inputs: Inputs, _: Account) -> Found:
    """«Only alphanumeric characters, hyphens, and underscores are allowed.»"""
    if "name" in inputs and not _NAME.fullmatch(inputs["name"]):
        yield "name", f"{inputs['name']!r}: only alphanumeric characters, hyphens, and underscores are allowed"


@rule(POOL, _MANAGE)
def names_are_unique(inputs: Inputs, account: Account) -> Found:
    """A pool's in the account, an endpoint's in its pool: «a name (must be unique)»."""
    if inputs.get("name") in [each.get("name") for each in account.objects[POOL].values()]:
        yield "name", f"a pool named {inputs['name']} exists"
    counted = Counter(each["name"] for each in inputs.get("origins", []) if "name" in each)
    for name in (name for name, number in counted.items() if number > 1):
        yield "origins", f"two endpoints are named {name}"


@rule(POOL, _MANAGE + "#endpoint-address-uniqueness")
def addresses_are_unique_in_a_pool(inputs: Inputs, _: Account) -> Found:
    """«Even when they use different ports or virtual networks.»"""
    counted = Counter(each["address"] for each in inputs.get("origins", []) if "address" in each)
    for address in (address for address, number in counted.items() if number > 1):
        yield "origins", f"two endpoints have the address {address}"


@rule(POOL, _ERRORS + "#dns-internal")
def no_endpoint_is_proxied_by_cloudflare(inputs: Inputs, account: Account) -> Found:
    """«Cloudflare does not allow use of an endpoint hostname that is proxied by Cloudflare.»"""
    names = account.proxied_names()
    for index, origin in enumerate(inputs.get("origins", [])):
        if origin.get("address") in names:
            yield f"origins[{index}].address", f"{origin['address']} is proxied by Cloudflare"


@rule(POOL, "load-balancing/pools/create-pool/#create-a-pool")
def a_private_address_has_a_virtual_network(inputs: Inputs, _: Account) -> Found:
    """«Required when the endpoint has a private IP address.»"""
    for index, origin in enumerate(inputs.get("origins", [])):
        try:
            address = ipaddress.ip_address(origin.get("address", ""))
        except ValueError:
            continue  # a host name
        inner = any(address in network for network in _INTERNAL)
        if inner and not origin.get("virtualNetworkId"):
            yield f"origins[{index}].address", f"{origin['address']} is private and names no virtualNetworkId"


@rule(POOL, "load-balancing/additional-options/override-http-host-headers/#per-endpoint-host-header-override")
def a_host_header_is_the_accounts(inputs: Inputs, account: Account) -> Found:
    """It is below a zone of the account, or the endpoint's address, or resolves to that; one an endpoint (provider)."""
    for index, origin in enumerate(inputs.get("origins", [])):
        hosts = origin.get("header", {}).get("hosts", [])
        where = f"origins[{index}].header.hosts"
        if len(hosts) > 1:
            yield where, "current support is 1 'Host' header override per origin"
        for host in hosts:
            address = origin.get("address")
            ours = not account.zones or any(within(host, zone) for zone in account.zones.values())
            if not (ours or host == address or (address and account.addresses.get(host) == address)):
                yield where, f"{host} is below no zone of the account, and is not the endpoint's address"


@rule(POOL, "load-balancing/understand-basics/traffic-steering/origin-level-steering/#weights")
def a_weight_is_from_0_to_1_in_hundredths(inputs: Inputs, _: Account) -> Found:
    for index, origin in enumerate(inputs.get("origins", [])):
        weight = Decimal(str(origin.get("weight", 1)))
        if not 0 <= weight <= 1 or weight * 100 % 1:
            yield f"origins[{index}].weight", f"{weight} is no number from 0 to 1 in increments of .01"


@rule(POOL, "load-balancing/reference/region-mapping-api/")
def check_regions_exist(inputs: Inputs, _: Account) -> Found:
    for index, region in enumerate(inputs.get("checkRegions", [])):
        if region not in (*REGIONS, "ALL_REGIONS"):
            yield f"checkRegions[{index}]", f"{region} is no region code; there are {', '.join(REGIONS)}"


@rule(POOL, "load-balancing/understand-basics/regional-health/#recommended-pool-configuration")
def all_regions_by_one_word_is_for_enterprise(inputs: Inputs, account: Account) -> Found:
    """«The ALL_REGIONS value is available only on Enterprise plans. On other plans, list the individual regions.»"""
    if "ALL_REGIONS" in inputs.get("checkRegions", []) and not account.enterprise:
        yield "checkRegions", "ALL_REGIONS is for Enterprise plans; list the regions"


@rule(POOL, "load-balancing/monitors/#health-monitor-regions")
def every_data_center_is_for_enterprise(inputs: Inputs, account: Account) -> Found:
    """«Null means every Cloudflare data center» (provider), and «All Data Centers» is «Enterprise only»."""
    monitored = inputs.get("monitor") or inputs.get("monitorGroup")
    if monitored and not inputs.get("checkRegions") and not account.enterprise:
        yield "checkRegions", "none means every data center, which is for Enterprise; list the regions"


@rule(POOL, "load-balancing/monitors/create-monitor/#create-a-monitor")
def a_monitor_exists(inputs: Inputs, account: Account) -> Found:
    """Its `id` is what a pool's `monitor` holds."""
    if inputs.get("monitor") and inputs["monitor"] not in account.objects[MONITOR]:
        yield "monitor", f"there is no monitor {inputs['monitor']}"


@rule(POOL, "load-balancing/monitors/monitor-groups/#availability")
def monitor_groups_are_for_enterprise(inputs: Inputs, account: Account) -> Found:
    if inputs.get("monitorGroup") and not account.enterprise:
        yield "monitorGroup", "monitor groups are for an Enterprise plan"


@rule(POOL, "provider: LoadBalancerPool.latitude")
def coordinates_come_in_twos(inputs: Inputs, _: Account) -> Found:
    """«If this is set, longitude must also be set.»"""
    for one, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if one in inputs and other not in inputs:
            yield other, f"must be set, since {one} is"


@rule(POOL, "load-balancing/additional-options/load-shedding/#shedding-policies")
def load_shedding_is_a_percentage_by_a_policy(inputs: Inputs, _: Account) -> Found:
    """Sessions are shed by hash alone."""
    shedding = inputs.get("loadShedding", {})
    for key in ("defaultPercent", "sessionPercent"):
        if not 0 <= shedding.get(key, 0) <= 100:
            yield f"loadShedding.{key}", f"{shedding[key]} is no percentage"
    for key, allowed in (("defaultPolicy", ("random", "hash")), ("sessionPolicy", ("hash",))):
        if shedding.get(key, "hash").lower() not in allowed:
            yield f"loadShedding.{key}", f"{shedding[key]} is none of {', '.join(allowed)}"


@rule(POOL, "load-balancing/understand-basics/traffic-steering/origin-level-steering/")
def origin_steering_is_known(inputs: Inputs, _: Account) -> Found:
    policy = inputs.get("originSteering", {}).get("policy", "random")
    if policy.lower() not in _ORIGIN_STEERING:
        yield "originSteering.policy", f"{policy} is none of {', '.join(_ORIGIN_STEERING)}"


@rule(POOL, "load-balancing/understand-basics/regional-health/#health-sources")
def health_sources_are_both_or_none(inputs: Inputs, _: Account) -> Found:
    """«The only accepted values are unset and ["regional", "global"]», and the latter needs a region that checks."""
    sources = inputs.get("healthSources")
    if sources is None:
        return
    if sources != ["regional", "global"]:
        yield "healthSources", 'the only accepted values are unset and ["regional", "global"]'
    elif not inputs.get("checkRegions"):
        yield "healthSources", "regional needs at least one region in checkRegions"


@rule(POOL, "load-balancing/reference/limitations/")
def pools_and_endpoints_are_bought(inputs: Inputs, account: Account) -> Found:
    """Over it the API answers «exceeded quota» (load-balancing/troubleshooting/common-error-codes)."""
    others = list(account.objects[POOL].values())
    if len(others) >= account.pools:
        yield "", f"exceeded quota: {account.pools} pools"
    endpoints = sum(len(each.get("origins", [])) for each in [*others, inputs])
    if endpoints > account.endpoints:
        yield "origins", f"exceeded quota: {account.endpoints} endpoints, {endpoints} with this pool's"


@rule(POOL, _ERRORS + "#load-balancing-not-enabled")
def load_balancing_is_bought_for_pools(_: Inputs, account: Account) -> Found:
    if not account.load_balancing:
        yield "", "load balancing not enabled"


@rule(POOL, "load-balancing/pools/create-pool/#create-a-pool")
def an_endpoint_has_an_address(inputs: Inputs, _: Account) -> Found:
    """«The endpoint address or associated hostname»: no URL, no port."""
    for index, origin in enumerate(inputs.get("origins", [])):
        address = origin.get("address")
        try:
            ipaddress.ip_address(address or "")
        except ValueError:
            if address is not None and not HOST.fullmatch(address):
                yield f"origins[{index}].address", f"{address!r} is neither an IP address nor a host name"
