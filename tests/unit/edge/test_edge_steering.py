"""Who serves whom, by Cloudflare's documentation: each test names the page that it was written from.

Pages lie in load-balancing/understand-basics of developers.cloudflare.com unless a folder is named.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.edge.account import REGIONS
from lab.edge.steering import Answer, Client, State, resolve, retry

EAST, WEST, EU = "east", "west", "eu"
PLACES = {EAST: (39.0, -77.5), WEST: (45.8, -119.7), EU: (50.1, 8.7)}
NEAR_EU = Client("WEU", place=(48.9, 2.4))


def a_pool(name: str, origins: int = 1, **more: Any) -> dict[str, Any]:
    latitude, longitude = PLACES.get(name, (0.0, 0.0))
    return {
        "name": name,
        "monitor": "m",
        "latitude": latitude,
        "longitude": longitude,
        "origins": [{"name": f"{name}-{n}", "address": f"{n}.{name}.example.net"} for n in range(origins)],
        **more,
    }


def a_balancer(policy: str = "off", **more: Any) -> dict[str, Any]:
    pools = [EAST, WEST, EU]
    return {"proxied": True, "steeringPolicy": policy, "defaultPools": pools, "fallbackPool": EAST, **more}


def a_state(*down: str, pools: dict[str, dict[str, Any]] | None = None, **more: Any) -> State:
    """Three pools of one endpoint; everything is healthy except what is down: a pool's or an endpoint's name."""
    found = pools or {name: a_pool(name) for name in (EAST, WEST, EU)}
    named = [(name, origin["name"]) for name, pool in found.items() for origin in pool["origins"]]
    health = {(pool, origin): pool not in down and origin not in down for pool, origin in named}
    return State(found, **{"health": health, **more})


def served(balancer: dict[str, Any], state: State, client: Client | None = None) -> str | None:
    return resolve(balancer, client or Client("WEU"), state).pool


def shares(balancer: dict[str, Any], state: State) -> dict[str | None, float]:
    """Which part of a thousand evenly drawn requests each pool gets."""
    counted = Counter(served(balancer, state, Client("WEU", draw=n / 1000)) for n in range(1000))
    return {pool: number / 1000 for pool, number in counted.items()}


# Health: the page health-details


def test_off_serves_the_first_healthy_pool_in_order() -> None:
    assert served(a_balancer(), a_state()) == EAST
    assert served(a_balancer(), a_state(EAST)) == WEST
    assert served(a_balancer(), a_state(EAST, WEST)) == EU
    assert served(a_balancer(), a_state(WEST)) == EAST, "an inactive pool that fails changes nothing"


def test_unknown_health_is_down_where_a_monitor_is_attached() -> None:
    unknown = State({name: a_pool(name) for name in (EAST, WEST, EU)})
    assert resolve(a_balancer(fallbackPool=EU), Client("WEU"), unknown).why == "fallback"
    unwatched = State({name: a_pool(name, monitor=None) for name in (EAST, WEST, EU)})
    assert resolve(a_balancer(fallbackPool=EU), Client("WEU"), unwatched) == Answer(EAST, "east-0", "steering")


def test_a_pool_below_its_health_threshold_is_critical() -> None:
    pools = {EAST: a_pool(EAST, 3, minimumOrigins=2), WEST: a_pool(WEST), EU: a_pool(EU)}
    assert served(a_balancer(), a_state("east-0", pools=pools)) == EAST
    assert served(a_balancer(), a_state("east-0", "east-1", pools=pools)) == WEST


def test_a_disabled_pool_or_endpoint_gets_nothing_while_another_is_there() -> None:
    for east in (a_pool(EAST, enabled=False), a_pool(EAST, origins=0)):
        pools = {EAST: east, WEST: a_pool(WEST), EU: a_pool(EU)}
        assert served(a_balancer(), a_state(pools=pools)) == WEST
    off = a_pool(EAST, 2)
    off["origins"][0]["enabled"] = False
    pools = {EAST: off, WEST: a_pool(WEST), EU: a_pool(EU)}
    assert resolve(a_balancer(), Client("WEU"), a_state(pools=pools)).origin == "east-1"
    off["origins"][1]["enabled"] = False
    assert served(a_balancer(), a_state(pools=pools)) == WEST, "disabled endpoints do not count as healthy"


@pytest.mark.parametrize("policy", ["off", "geo", "random", "dynamic_latency", "proximity", "least_connections"])
def test_with_every_pool_down_the_fallback_pool_gets_everything_whatever_its_health(policy: str) -> None:
    found = resolve(a_balancer(policy, fallbackPool=EU), Client("OC", place=(-33.9, 151.2)), a_state(EAST, WEST, EU))
    assert found == Answer(EU, "eu-0", "fallback")


def test_a_disabled_fallback_pool_answers_530() -> None:
    pools = {EAST: a_pool(EAST, enabled=False), WEST: a_pool(WEST), EU: a_pool(EU)}
    found = resolve(a_balancer(), Client("WEU"), a_state(WEST, EU, pools=pools))
    assert found == Answer(None, None, "530: the fallback pool is disabled")


def test_a_disabled_load_balancer_serves_nobody() -> None:
    """load-balancing/load-balancers/dns-records, #disabling-a-load-balancer: neither endpoints nor the fallback."""
    assert served(a_balancer(enabled=False), a_state()) is None


# Geo steering: traffic-steering/steering-policies/geo-steering

GEO = {"WEU": [EU, EAST], "ENAM": [EAST]}


def test_geo_serves_the_regions_list_in_its_order() -> None:
    balancer = a_balancer("geo", regionPools=GEO)
    assert served(balancer, a_state(), Client("WEU")) == EU
    assert served(balancer, a_state(EU), Client("WEU")) == EAST


def test_geo_takes_the_default_pools_only_for_a_region_that_is_not_defined() -> None:
    balancer = a_balancer("geo", regionPools=GEO, defaultPools=[WEST])
    assert served(balancer, a_state(), Client("OC")) == WEST


def test_a_region_with_one_pool_goes_to_the_fallback_pool_and_not_to_the_default_pools() -> None:
    """«A fallback pool will be used if there is only one pool in the same region and it is unavailable.»"""
    balancer = a_balancer("geo", regionPools=GEO, defaultPools=[WEST], fallbackPool=EU)
    assert resolve(balancer, Client("ENAM"), a_state(EAST)) == Answer(EU, "eu-0", "fallback")
    assert resolve(balancer, Client("ENAM"), a_state(EAST, EU)) == Answer(EU, "eu-0", "fallback"), "dead, and served"


def test_a_pop_goes_before_its_country_and_a_country_before_its_region() -> None:
    balancer = a_balancer("geo", regionPools={"WEU": [EU]}, countryPools={"FR": [WEST]}, popPools={"CDG": [EAST]})
    assert served(balancer, a_state(), Client("WEU", "FR", "CDG")) == EAST
    assert served(balancer, a_state(), Client("WEU", "FR", "MRS")) == WEST
    assert served(balancer, a_state(), Client("WEU", "DE", "FRA")) == EU


def test_no_policy_is_geo_where_places_have_pools_and_off_elsewhere() -> None:
    """provider: steeringPolicy."""
    assert served(a_balancer("", regionPools=GEO), a_state(), Client("WEU")) == EU
    assert served(a_balancer(""), a_state(), Client("WEU")) == EAST
    assert served(a_balancer("off", regionPools=GEO), a_state(), Client("WEU")) == EAST, "left behind, and unused"


# The other policies


def test_random_is_even_and_leaves_dead_pools_out() -> None:
    """steering-policies/standard-options: «to a healthy pool at random», «traffic is split equally»."""
    assert shares(a_balancer("random"), a_state()) == pytest.approx({EAST: 1 / 3, WEST: 1 / 3, EU: 1 / 3}, abs=0.002)
    assert shares(a_balancer("random"), a_state(EU)) == {EAST: 0.5, WEST: 0.5}


def test_random_follows_the_weights_of_pools() -> None:
    weighted = a_balancer("random", randomSteering={"defaultWeight": 0.2, "poolWeights": {EAST: 0.6, EU: 0}})
    assert shares(weighted, a_state()) == {EAST: 0.75, WEST: 0.25}
    assert shares(weighted, a_state(EAST)) == {WEST: 1.0}


def test_dynamic_latency_serves_the_fastest_pool_of_the_region() -> None:
    """steering-policies/dynamic-steering."""
    times = {("OC", EAST): 210.0, ("OC", WEST): 150.0, ("OC", EU): 290.0, ("WEU", EAST): 90.0}
    balancer = a_balancer("dynamic_latency")
    assert served(balancer, a_state(round_trips=times), Client("OC")) == WEST
    assert served(balancer, a_state(WEST, round_trips=times), Client("OC")) == EAST
    assert served(balancer, a_state(round_trips=times), Client("WEU")) == EAST, "two are unmeasured: failover order"


def test_proximity_serves_the_closest_pool() -> None:
    """steering-policies/proximity-steering."""
    balancer = a_balancer("proximity")
    assert served(balancer, a_state(), NEAR_EU) == EU
    assert served(balancer, a_state(EU), NEAR_EU) == EAST
    assert served(balancer, a_state(EU, EAST), NEAR_EU) == WEST
    assert served(balancer, a_state(), Client("NEAS", place=(35.7, 139.7))) == WEST, "over the Pacific"


@pytest.mark.parametrize("policy", ["least_outstanding_requests", "least_connections"])
def test_busy_pools_get_less(policy: str) -> None:
    """steering-policies/least-outstanding-requests; «all counts are considered to be zero» for DNS-only."""
    busy = {EAST: 3, WEST: 0, EU: 0}
    found = shares(a_balancer(policy), a_state(busy=busy))
    assert found[EAST] < found[WEST] == pytest.approx(found[EU], abs=0.002)
    even = shares(a_balancer(policy, proxied=False), a_state(busy=busy))
    assert even == pytest.approx({EAST: 1 / 3, WEST: 1 / 3, EU: 1 / 3}, abs=0.002)


def test_endpoints_share_a_pools_traffic_by_weight() -> None:
    """traffic-steering/origin-level-steering, #weights: the page's own example."""
    pool = a_pool(EAST, 3)
    for origin, weight in zip(pool["origins"], (0.25, 0.25, 0.5), strict=True):
        origin["weight"] = weight

    def of(*down: str) -> dict[str | None, float]:
        state = a_state(*down, pools={EAST: pool, WEST: a_pool(WEST), EU: a_pool(EU)})
        asked = (resolve(a_balancer(), Client("WEU", origin_draw=n / 100), state).origin for n in range(100))
        return {name: number / 100 for name, number in Counter(asked).items()}

    assert of() == {"east-0": 0.25, "east-1": 0.25, "east-2": 0.5}
    assert of("east-2") == {"east-0": 0.5, "east-1": 0.5}
    pool["origins"][0]["weight"] = 0
    assert "east-0" not in of(), "a weight of 0 should not receive any traffic"


def test_load_shedding_diverts_a_share_to_the_next_pool() -> None:
    """load-balancing/additional-options/load-shedding."""
    pools = {EAST: a_pool(EAST, loadShedding={"defaultPercent": 20}), WEST: a_pool(WEST), EU: a_pool(EU)}
    asked = Counter(served(a_balancer(), a_state(pools=pools), Client("WEU", shed=n / 100)) for n in range(100))
    assert asked == {WEST: 20, EAST: 80}


# Sessions: the page session-affinity

COOKIE = a_balancer(sessionAffinity="cookie")
TO_WEST = Client("WEU", session=(WEST, "west-0"))


def test_a_session_stays_with_its_endpoint_while_that_is_healthy() -> None:
    assert resolve(COOKIE, Client("WEU"), a_state()).session == (EAST, "east-0"), "the first request sets the cookie"
    assert resolve(COOKIE, TO_WEST, a_state()) == Answer(WEST, "west-0", "session", (WEST, "west-0"))
    assert resolve(COOKIE, TO_WEST, a_state(WEST)).session == (EAST, "east-0"), "a new endpoint, a new cookie"
    assert resolve(a_balancer(), TO_WEST, a_state()).pool == EAST, "no affinity"
    assert resolve({**COOKIE, "proxied": False}, TO_WEST, a_state()).session is None, "not in DNS-only mode"


def test_a_session_does_not_hold_a_client_in_a_disabled_or_dropped_pool() -> None:
    pools = {EAST: a_pool(EAST), WEST: a_pool(WEST, enabled=False), EU: a_pool(EU)}
    assert resolve(COOKIE, TO_WEST, a_state(pools=pools)).pool == EAST
    assert resolve({**COOKIE, "defaultPools": [EAST, EU]}, TO_WEST, a_state()).pool == EAST


def test_a_disabled_endpoint_keeps_its_sessions_for_the_drain_duration() -> None:
    """load-balancing/additional-options/planned-maintenance, #gradual-rotation."""
    west = a_pool(WEST)
    west["origins"][0]["enabled"] = False
    pools = {EAST: a_pool(EAST), WEST: west, EU: a_pool(EU)}
    draining = {**COOKIE, "sessionAffinityAttributes": {"drainDuration": 60}}

    def after(seconds: float, balancer: dict[str, Any]) -> str | None:
        return resolve(balancer, TO_WEST, a_state(pools=pools, disabled_for={(WEST, "west-0"): seconds})).pool

    assert after(59, draining) == WEST
    assert after(60, draining) == EAST
    assert after(1, COOKIE) == EAST
    assert served(draining, a_state(EAST, EU, pools=pools, disabled_for={(WEST, "west-0"): 1})) == EAST, "fallback"


def test_ip_cookie_starts_an_address_at_the_same_endpoint_each_time() -> None:
    pools = {EAST: a_pool(EAST, 4), WEST: a_pool(WEST), EU: a_pool(EU)}
    balancer = a_balancer(sessionAffinity="ip_cookie")
    for address in ("192.0.2.7", "198.51.100.9"):
        clients = (Client("WEU", address=address, origin_draw=n / 10) for n in range(10))
        assert len({resolve(balancer, client, a_state(pools=pools)).origin for client in clients}) == 1


# Zero-downtime failover: the pages adaptive-routing and session-affinity

ACROSS = {"adaptiveRouting": {"failoverAcrossPools": True}}


def retried(balancer: dict[str, Any], state: State, client: Client | None = None) -> Answer | None:
    client = client or Client("WEU")
    return retry(balancer, client, state, resolve(balancer, client, state))


def test_an_error_is_retried_once_at_another_healthy_endpoint_of_the_same_pool() -> None:
    pools = {EAST: a_pool(EAST, 2), WEST: a_pool(WEST), EU: a_pool(EU)}
    assert retried(a_balancer(), a_state(pools=pools)) == Answer(EAST, "east-1", "failover")
    assert retried(a_balancer(), a_state("east-1", pools=pools)) is None, "the other is not healthy"
    assert retried(a_balancer(proxied=False), a_state(pools=pools)) is None


def test_another_pool_is_tried_only_with_failover_across_pools() -> None:
    assert retried(a_balancer(), a_state()) is None
    assert retried(a_balancer(**ACROSS), a_state()) == Answer(WEST, "west-0", "failover")
    assert retried(a_balancer(**ACROSS), a_state(WEST)) == Answer(EU, "eu-0", "failover")
    assert retried(a_balancer(**ACROSS), a_state(WEST, EU)) is None


@pytest.mark.parametrize(
    ("mode", "pool", "session"),
    [("none", None, None), ("temporary", EAST, (WEST, "west-0")), ("sticky", EAST, (EAST, "east-0"))],
)
def test_a_session_is_retried_and_moved_as_it_is_configured(
    mode: str, pool: str | None, session: tuple[str, str] | None
) -> None:
    balancer = {**COOKIE, **ACROSS, "sessionAffinityAttributes": {"zeroDowntimeFailover": mode}}
    found = retried(balancer, a_state(), TO_WEST)
    assert (found and found.pool) == pool
    assert (found and found.session) == session


# Geo steering for any topology, written by hand: what a load balancer needs so that no region is lost


@st.composite
def topologies(draw: st.DrawFn) -> tuple[list[str], dict[str, list[str]]]:
    """Two to five pools, and for each of the 13 regions an order of all of them."""
    pools = [f"p{n}" for n in range(draw(st.integers(2, 5)))]
    return pools, {region: draw(st.permutations(pools)) for region in REGIONS}


@settings(max_examples=300, deadline=None)
@given(topologies(), st.data())
def test_every_region_finds_a_live_pool_when_each_region_lists_all_of_them(
    topology: tuple[list[str], dict[str, list[str]]], data: st.DataObject
) -> None:
    pools, places = topology
    dead = data.draw(st.sets(st.sampled_from(pools)))
    balancer = a_balancer("geo", regionPools=places, defaultPools=pools, fallbackPool=pools[0])
    state = a_state(*dead, pools={name: a_pool(name) for name in pools})
    for region in REGIONS:
        found = resolve(balancer, Client(region), state)
        if len(dead) < len(pools):
            assert (found.why, found.pool) == ("steering", next(each for each in places[region] if each not in dead))
        else:
            assert found.why == "fallback"


def test_the_property_fails_for_a_region_that_lists_one_pool_only() -> None:
    """The guide's own load balancer: each region has one pool, so its loss sends the region to the fallback pool."""
    one_each = a_balancer("geo", regionPools={"ENAM": [EAST], "WEU": [EU]}, fallbackPool=EAST)
    state = a_state(EAST)
    assert resolve(one_each, Client("ENAM"), state) == Answer(EAST, "east-0", "fallback"), "to the dead one"
