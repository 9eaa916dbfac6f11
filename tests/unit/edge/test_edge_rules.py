"""The stand-in of Cloudflare refuses what Cloudflare's documentation says is refused, and nothing else.

Each rule stands here with inputs that it refuses and with a twin, mended in one place, that nothing refuses. The
expected values come from the pages that the rules cite. What it does not prove: that Cloudflare itself does as it is
documented.
"""

import copy
from typing import Any

import pytest

from lab.edge.account import BALANCER, MONITOR, POOL, REGIONS, Account
from lab.edge.checking import check, check_delete
from lab.edge.registry import RULES

ALL = list(REGIONS)
PRO, BUSINESS, ENTERPRISE = {"plan": "pro"}, {"plan": "business"}, {"plan": "enterprise"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def an_origin(name: str = "one", address: str = "east.example.net", **more: Any) -> dict[str, Any]:
    return {"name": name, "address": address, **more}


def an_account(**bought: Any) -> Account:
    """Two healthy pools behind one monitor, in one zone."""
    account = Account(zones={"z1": "example.com"}, **bought)
    account.objects[MONITOR]["m1"] = {"type": "https", "path": "/ready", "interval": 60}
    for name, place in (("east", (39.0, -77.5)), ("west", (45.8, -119.7))):
        account.objects[POOL][name] = {
            "name": name,
            "monitor": "m1",
            "checkRegions": ALL,
            "latitude": place[0],
            "longitude": place[1],
            "origins": [an_origin(name, f"{name}.example.net")],
        }
    return account


VALID: dict[str, dict[str, Any]] = {
    MONITOR: {
        "accountId": "a1",
        "type": "https",
        "method": "GET",
        "path": "/ready",
        "interval": 60,
        "timeout": 5,
        "retries": 2,
        "expectedCodes": "200",
        "header": {"Host": ["shop.example.com"]},
    },
    POOL: {
        "accountId": "a1",
        "name": "third",
        "monitor": "m1",
        "checkRegions": ["WEU", "EEU", "ME"],
        "origins": [an_origin(header={"hosts": ["shop.example.com"]})],
    },
    BALANCER: {
        "zoneId": "z1",
        "name": "shop.example.com",
        "proxied": True,
        "steeringPolicy": "off",
        "defaultPools": ["east", "west"],
        "fallbackPool": "east",
    },
}


def with_(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The valid object of a kind with one value put in."""
    inputs = copy.deepcopy(VALID[kind])
    *way, last = path.split(".")
    place: Any = inputs
    for step in way:
        place = place.setdefault(step, {})
    place[last] = value
    return inputs


def balancer(**changes: Any) -> dict[str, Any]:
    return {**VALID[BALANCER], **changes}


def pool(**changes: Any) -> dict[str, Any]:
    return {**VALID[POOL], **changes}


def monitor(**changes: Any) -> dict[str, Any]:
    return {**VALID[MONITOR], **changes}


def _tcp(**changes: Any) -> dict[str, Any]:
    return {"accountId": "a1", "type": "tcp", "interval": 60, **changes}


EDGE = {"WEU": ["east", "west"]}
AFFINE = {"sessionAffinity": "cookie"}
BY_HEADER = {"sessionAffinity": "header"}

#: rule, what is bought, what it refuses, the property it names, and the mended twin
CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, dict[str, Any]]] = [
    ("the_interval_is_within_the_plan", PRO, monitor(interval=59), "interval", monitor(interval=60)),
    ("the_interval_is_within_the_plan", BUSINESS, monitor(interval=14), "interval", monitor(interval=15)),
    ("the_interval_is_within_the_plan", ENTERPRISE, monitor(interval=9), "interval", monitor(interval=10)),
    ("the_interval_is_within_the_plan", ENTERPRISE, monitor(interval=3601), "interval", monitor(interval=3600)),
    (
        "the_interval_is_within_the_plan",
        {"plan": "pro", "minimum_interval": 15},
        monitor(interval=14),
        "interval",
        monitor(interval=15),
    ),
    ("the_type_is_one_of_the_plan", ENTERPRISE, {"type": "grpc"}, "type", monitor(type="http")),
    (
        "the_type_is_one_of_the_plan",
        BUSINESS,
        {"type": "icmp_ping"},
        "type",
        {"type": "tcp", "port": 443},
    ),
    ("a_port_is_given_where_none_is_usual", BUSINESS, _tcp(), "port", _tcp(port=5432)),
    ("http_settings_are_for_http", BUSINESS, _tcp(port=80, path="/ready"), "path", _tcp(port=80)),
    (
        "expected_codes_are_codes_or_ranges",
        BUSINESS,
        monitor(expectedCodes="2**"),
        "expectedCodes",
        monitor(expectedCodes="2xx"),
    ),
    (
        "expected_codes_are_codes_or_ranges",
        BUSINESS,
        monitor(expectedCodes="200-299"),
        "expectedCodes",
        monitor(expectedCodes="200, 302"),
    ),
    (
        "the_user_agent_stays",
        BUSINESS,
        monitor(header={"User-Agent": ["me"]}),
        "header.User-Agent",
        monitor(header={"Host": ["shop.example.com"]}),
    ),
    ("monitors_are_not_more_than_half_again_the_pools", {"pools": 0}, monitor(), "", monitor()),
    ("a_pool_has_a_short_name", BUSINESS, pool(name="third pool"), "name", pool(name="third-pool")),
    ("names_are_unique", BUSINESS, pool(name="east"), "name", pool(name="eastern")),
    (
        "names_are_unique",
        BUSINESS,
        pool(origins=[an_origin("a", "a.example.net"), an_origin("a", "b.example.net")]),
        "origins",
        pool(origins=[an_origin("a", "a.example.net"), an_origin("b", "b.example.net")]),
    ),
    (
        "addresses_are_unique_in_a_pool",
        BUSINESS,
        pool(origins=[an_origin("a", "a.example.net", port=80), an_origin("b", "a.example.net", port=81)]),
        "origins",
        pool(origins=[an_origin("a", "a.example.net", port=80), an_origin("b", "b.example.net", port=81)]),
    ),
    (
        "no_endpoint_is_proxied_by_cloudflare",
        {"proxied": frozenset({"www.example.com"})},
        pool(origins=[an_origin(address="www.example.com")]),
        "origins[0].address",
        pool(origins=[an_origin(address="origin.example.com")]),
    ),
    (
        "a_private_address_has_a_virtual_network",
        BUSINESS,
        pool(origins=[an_origin(address="10.1.2.3")]),
        "origins[0].address",
        pool(origins=[an_origin(address="10.1.2.3", virtualNetworkId="v1")]),
    ),
    (
        "a_host_header_is_the_accounts",
        BUSINESS,
        pool(origins=[an_origin(header={"hosts": ["shop.example.org"]})]),
        "origins[0].header.hosts",
        pool(origins=[an_origin(header={"hosts": ["shop.example.com"]})]),
    ),
    (
        "a_host_header_is_the_accounts",
        BUSINESS,
        pool(origins=[an_origin(header={"hosts": ["shop.example.com", "www.example.com"]})]),
        "origins[0].header.hosts",
        pool(origins=[an_origin(header={"hosts": ["east.example.net"]})]),
    ),
    (
        "a_weight_is_from_0_to_1_in_hundredths",
        BUSINESS,
        pool(origins=[an_origin(weight=50)]),
        "origins[0].weight",
        pool(origins=[an_origin(weight=0.5)]),
    ),
    (
        "a_weight_is_from_0_to_1_in_hundredths",
        BUSINESS,
        pool(origins=[an_origin(weight=0.333)]),
        "origins[0].weight",
        pool(origins=[an_origin(weight=0.33)]),
    ),
    (
        "check_regions_exist",
        BUSINESS,
        pool(checkRegions=["WEU", "us-east-1"]),
        "checkRegions[1]",
        pool(checkRegions=["WEU", "ENAM"]),
    ),
    (
        "all_regions_by_one_word_is_for_enterprise",
        BUSINESS,
        pool(checkRegions=["ALL_REGIONS"]),
        "checkRegions",
        pool(checkRegions=ALL),
    ),
    (
        "every_data_center_is_for_enterprise",
        BUSINESS,
        pool(checkRegions=None),
        "checkRegions",
        pool(checkRegions=["WEU"]),
    ),
    ("a_monitor_exists", BUSINESS, pool(monitor="m2"), "monitor", pool(monitor="m1")),
    ("monitor_groups_are_for_enterprise", BUSINESS, pool(monitorGroup="g1"), "monitorGroup", pool()),
    ("coordinates_come_in_twos", BUSINESS, pool(latitude=1.5), "longitude", pool(latitude=1.5, longitude=2.5)),
    (
        "load_shedding_is_a_percentage_by_a_policy",
        BUSINESS,
        pool(loadShedding={"defaultPercent": 101}),
        "loadShedding.defaultPercent",
        pool(loadShedding={"defaultPercent": 100}),
    ),
    (
        "load_shedding_is_a_percentage_by_a_policy",
        BUSINESS,
        pool(loadShedding={"sessionPolicy": "random"}),
        "loadShedding.sessionPolicy",
        pool(loadShedding={"sessionPolicy": "hash"}),
    ),
    (
        "origin_steering_is_known",
        BUSINESS,
        pool(originSteering={"policy": "round_robin"}),
        "originSteering.policy",
        pool(originSteering={"policy": "hash"}),
    ),
    (
        "health_sources_are_both_or_none",
        BUSINESS,
        pool(healthSources=["regional"]),
        "healthSources",
        pool(healthSources=["regional", "global"]),
    ),
    (
        "health_sources_are_both_or_none",
        ENTERPRISE,
        pool(healthSources=["regional", "global"], checkRegions=[]),
        "healthSources",
        pool(healthSources=["regional", "global"], checkRegions=["WEU"]),
    ),
    ("pools_and_endpoints_are_bought", {"pools": 2}, pool(), "", pool()),
    (
        "pools_and_endpoints_are_bought",
        {"endpoints": 3},
        pool(origins=[an_origin("a", "a.example.net"), an_origin("b", "b.example.net")]),
        "origins",
        pool(origins=[an_origin("a", "a.example.net")]),
    ),
    ("load_balancing_is_bought_for_pools", {"load_balancing": False}, pool(), "", pool()),
    (
        "an_endpoint_has_an_address",
        BUSINESS,
        pool(origins=[an_origin(address="https://east.example.net/")]),
        "origins[0].address",
        pool(origins=[an_origin(address="east.example.net")]),
    ),
    ("load_balancing_is_bought", {"load_balancing": False}, balancer(), "", balancer()),
    ("load_balancers_are_bought", {"load_balancers": 0}, balancer(), "", balancer()),
    ("the_host_name_is_the_zones", BUSINESS, balancer(name="shop.example.org"), "name", balancer()),
    ("the_host_name_is_the_zones", BUSINESS, balancer(zoneId="z2"), "zoneId", balancer()),
    ("a_fallback_pool_is_named", BUSINESS, balancer(fallbackPool=""), "fallbackPool", balancer(fallbackPool="west")),
    ("pools_exist", BUSINESS, balancer(defaultPools=["east", "north"]), "defaultPools[1]", balancer()),
    (
        "pools_exist",
        BUSINESS,
        balancer(steeringPolicy="geo", regionPools={"WEU": ["north"]}),
        "regionPools.WEU[0]",
        balancer(steeringPolicy="geo", regionPools=EDGE),
    ),
    (
        "the_steering_policy_is_known",
        BUSINESS,
        balancer(steeringPolicy="latency"),
        "steeringPolicy",
        balancer(steeringPolicy="dynamic_latency"),
    ),
    (
        "traffic_steering_is_bought",
        {"traffic_steering": False},
        balancer(steeringPolicy="geo", regionPools=EDGE),
        "steeringPolicy",
        balancer(steeringPolicy="random"),
    ),
    (
        "traffic_steering_is_bought",
        {"traffic_steering": False},
        balancer(steeringPolicy="", regionPools=EDGE),
        "steeringPolicy",
        balancer(steeringPolicy=""),
    ),
    (
        "geo_steering_has_no_custom_rules",
        BUSINESS,
        balancer(steeringPolicy="geo", regionPools=EDGE, rules=[{"name": "x"}]),
        "rules",
        balancer(steeringPolicy="geo", regionPools=EDGE),
    ),
    ("regions_exist", BUSINESS, balancer(regionPools={"EU": ["east"]}), "regionPools.EU", balancer(regionPools=EDGE)),
    (
        "countries_are_iso_3166",
        BUSINESS,
        balancer(countryPools={"Germany": ["east"]}),
        "countryPools.Germany",
        balancer(countryPools={"DE": ["east"]}),
    ),
    ("pops_are_for_enterprise", BUSINESS, balancer(popPools={"LAX": ["east"]}), "popPools", balancer()),
    (
        "pool_weights_are_from_0_to_1",
        BUSINESS,
        with_(BALANCER, "randomSteering.poolWeights", {"east": 2}),
        "randomSteering.poolWeights.east",
        with_(BALANCER, "randomSteering.poolWeights", {"east": 0.2}),
    ),
    (
        "session_affinity_is_known",
        BUSINESS,
        balancer(sessionAffinity="ip"),
        "sessionAffinity",
        balancer(sessionAffinity="ip_cookie"),
    ),
    (
        "session_affinity_is_for_proxied",
        BUSINESS,
        balancer(**AFFINE, proxied=False),
        "sessionAffinity",
        balancer(**AFFINE),
    ),
    (
        "a_session_lasts_as_its_kind_may",
        BUSINESS,
        balancer(**AFFINE, sessionAffinityTtl=1799),
        "sessionAffinityTtl",
        balancer(**AFFINE, sessionAffinityTtl=1800),
    ),
    (
        "a_session_lasts_as_its_kind_may",
        BUSINESS,
        balancer(**AFFINE, sessionAffinityTtl=604801),
        "sessionAffinityTtl",
        balancer(**AFFINE, sessionAffinityTtl=604800),
    ),
    (
        "a_session_lasts_as_its_kind_may",
        BUSINESS,
        balancer(**BY_HEADER, sessionAffinityTtl=3601, sessionAffinityAttributes={"headers": ["x-user"]}),
        "sessionAffinityTtl",
        balancer(**BY_HEADER, sessionAffinityTtl=30, sessionAffinityAttributes={"headers": ["x-user"]}),
    ),
    (
        "header_affinity_names_its_headers",
        BUSINESS,
        balancer(**BY_HEADER),
        "sessionAffinityAttributes.headers",
        balancer(**BY_HEADER, sessionAffinityAttributes={"headers": ["x-user"]}),
    ),
    (
        "header_affinity_names_its_headers",
        BUSINESS,
        balancer(**BY_HEADER, sessionAffinityAttributes={"headers": ["x-user", "x-cart"]}),
        "sessionAffinityAttributes.headers",
        balancer(**BY_HEADER, sessionAffinityAttributes={"headers": ["x-cart"]}),
    ),
    (
        "header_affinity_is_never_sticky",
        BUSINESS,
        balancer(**BY_HEADER, sessionAffinityAttributes={"headers": ["x-user"], "zeroDowntimeFailover": "sticky"}),
        "sessionAffinityAttributes.zeroDowntimeFailover",
        balancer(**BY_HEADER, sessionAffinityAttributes={"headers": ["x-user"], "zeroDowntimeFailover": "temporary"}),
    ),
    (
        "affinity_attributes_are_known",
        BUSINESS,
        balancer(**AFFINE, sessionAffinityAttributes={"zeroDowntimeFailover": "always"}),
        "sessionAffinityAttributes.zeroDowntimeFailover",
        balancer(**AFFINE, sessionAffinityAttributes={"zeroDowntimeFailover": "sticky"}),
    ),
    (
        "affinity_attributes_are_known",
        BUSINESS,
        balancer(**AFFINE, sessionAffinityAttributes={"samesite": "None", "secure": "Never"}),
        "sessionAffinityAttributes.secure",
        balancer(**AFFINE, sessionAffinityAttributes={"samesite": "None", "secure": "Always"}),
    ),
    (
        "endpoint_drain_is_for_sessions_behind_the_proxy",
        BUSINESS,
        balancer(sessionAffinityAttributes={"drainDuration": 60}),
        "sessionAffinityAttributes.drainDuration",
        balancer(**AFFINE, sessionAffinityAttributes={"drainDuration": 60}),
    ),
    (
        "endpoint_drain_is_for_sessions_behind_the_proxy",
        BUSINESS,
        balancer(proxied=False, sessionAffinityAttributes={"drainDuration": 60}),
        "sessionAffinityAttributes.drainDuration",
        balancer(proxied=False),
    ),
    (
        "the_location_strategy_is_known",
        BUSINESS,
        balancer(proxied=False, locationStrategy={"mode": "client"}),
        "locationStrategy.mode",
        balancer(proxied=False, locationStrategy={"mode": "resolver_ip", "preferEcs": "geo"}),
    ),
]

KIND_OF_RULE = {each.name: each.kind for each in RULES}
#: Rules that look at other objects have tests of their own below, and so have bought quantities.
OWN_TESTS = {"proximity_knows_where_every_pool_is", "dynamic_steering_measures_from_everywhere"}
#: Their mended twin is the same object in an account that bought more.
BOUGHT = {
    "monitors_are_not_more_than_half_again_the_pools": {"pools": 2},
    "pools_and_endpoints_are_bought": {"pools": 3, "endpoints": 3},
    "load_balancing_is_bought_for_pools": {"load_balancing": True},
    "load_balancing_is_bought": {"load_balancing": True},
    "load_balancers_are_bought": {"load_balancers": 1},
}


def test_every_rule_is_tested_and_cites_a_page() -> None:
    assert {each[0] for each in CASES} | OWN_TESTS == set(KIND_OF_RULE)
    assert len(KIND_OF_RULE) == len(RULES), "two rules have one name"
    for each in RULES:
        assert each.page.startswith(("load-balancing/", "provider: LoadBalancer")), each.name


@pytest.mark.parametrize("kind", [MONITOR, POOL, BALANCER])
@pytest.mark.parametrize("bought", [PRO, BUSINESS, ENTERPRISE], ids=["pro", "business", "enterprise"])
def test_an_ordinary_object_is_refused_by_nothing(kind: str, bought: dict[str, Any]) -> None:
    assert check(kind, VALID[kind], an_account(**bought)) == []


@pytest.mark.parametrize(
    ("name", "bought", "refused", "where", "mended"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_a_rule_refuses_its_trap_and_lets_the_mended_twin_pass(
    name: str, bought: dict[str, Any], refused: dict[str, Any], where: str, mended: dict[str, Any]
) -> None:
    kind = KIND_OF_RULE[name]
    found = check(kind, refused, an_account(**bought))
    assert (name, where) in [(each.rule, each.property) for each in found], f"{name} says nothing: {found}"
    assert {each.rule for each in found} == {name}, "the trap is one trap only"
    assert all(each.reason and each.page for each in found)
    assert check(kind, mended, an_account(**BOUGHT.get(name, bought))) == []


def test_proximity_needs_the_coordinates_of_every_pool_that_is_named() -> None:
    account = an_account()
    wanted = balancer(steeringPolicy="proximity")
    assert check(BALANCER, wanted, account) == []
    del account.objects[POOL]["west"]["latitude"]
    del account.objects[POOL]["west"]["longitude"]
    assert [each.rule for each in check(BALANCER, wanted, account)] == ["proximity_knows_where_every_pool_is"]
    assert check(BALANCER, balancer(), account) == [], "failover needs no coordinates"


@pytest.mark.parametrize("change", [{"checkRegions": ["WEU"]}, {"monitor": ""}])
def test_dynamic_steering_needs_probes_from_every_region(change: dict[str, Any]) -> None:
    account = an_account()
    wanted = balancer(steeringPolicy="dynamic_latency")
    assert check(BALANCER, wanted, account) == []
    account.objects[POOL]["west"].update(change)
    assert [each.rule for each in check(BALANCER, wanted, account)] == ["dynamic_steering_measures_from_everywhere"]
    assert check(BALANCER, balancer(), account) == [], "failover needs no round trip times"


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("defaultPools[1]", {}),
        ("fallbackPool", {"defaultPools": ["east"], "fallbackPool": "west"}),
        # The steering policy is off: the regions were left behind, and still hold the pool.
        ("regionPools.WEU[1]", {"defaultPools": ["east"], "regionPools": EDGE}),
    ],
)
def test_a_pool_that_a_load_balancer_names_cannot_be_deleted(path: str, changes: dict[str, Any]) -> None:
    account = an_account()
    account.objects[BALANCER]["lb"] = balancer(**changes)
    found = check_delete(POOL, "west", account)
    assert [each.reason for each in found] == [f"pool is referenced by {path} of load balancer shop.example.com"]
    account.objects[BALANCER]["lb"] = balancer(defaultPools=["east"])
    assert check_delete(POOL, "west", account) == []


def test_what_is_not_a_pool_can_be_deleted() -> None:
    account = an_account()
    account.objects[BALANCER]["lb"] = balancer()
    assert check_delete(BALANCER, "lb", account) == []


def test_an_object_is_not_refused_for_being_there_itself() -> None:
    account = an_account(pools=2)
    own = {**account.objects[POOL]["east"], "minimumOrigins": 1}
    assert {each.rule for each in check(POOL, own, account)} == {"names_are_unique", "pools_and_endpoints_are_bought"}
    assert check(POOL, own, account, own="east") == []


def test_a_proxied_load_balancer_is_no_endpoint() -> None:
    account = an_account()
    account.objects[BALANCER]["lb"] = balancer()
    refused = pool(origins=[an_origin(address="shop.example.com")])
    assert [each.rule for each in check(POOL, refused, account)] == ["no_endpoint_is_proxied_by_cloudflare"]
    account.objects[BALANCER]["lb"] = balancer(proxied=False)
    assert check(POOL, refused, account) == []


def test_a_preview_is_not_refused_for_what_it_does_not_know_yet() -> None:
    account = Account(zones={"z1": "example.com"})
    assert check(POOL, pool(monitor=UNKNOWN), account) == []
    assert check(BALANCER, balancer(defaultPools=[UNKNOWN, UNKNOWN], fallbackPool=UNKNOWN), account) == []


def test_an_account_whose_zones_nobody_told_refuses_no_host_name() -> None:
    account = an_account()
    account.zones = {}
    assert check(BALANCER, balancer(name="shop.example.org"), account) == []
    assert check(POOL, pool(origins=[an_origin(header={"hosts": ["shop.example.org"]})]), account) == []


def test_the_whole_type_token_names_the_kind() -> None:
    found = check("cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor", monitor(interval=1), an_account())
    assert [each.reason for each in found] == ["interval is not in range [15, 3600]: validation failed"]
    assert check("cloudflare:index/dnsRecord:DnsRecord", {"interval": 1}, an_account()) == []
