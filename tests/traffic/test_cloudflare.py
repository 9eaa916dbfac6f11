"""What the Cloudflare back end registers, and exactly what changes when something happens.

These tests do not prove that Cloudflare accepts the inputs, nor what it does with them.
"""

from pathlib import Path
from typing import Any

import pytest

from hakit.testing import UNKNOWN
from tests.traffic.shop import ACCOUNT, SERVES, ZONE, changed, cloudflare, run

EAST, WEST, DUBLIN, SYDNEY = "us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
E_ID, W_ID, D_ID, S_ID = (f"shop-pool-{region}-id" for region in (EAST, WEST, DUBLIN, SYDNEY))
FAILOVER = f"kind: failover, to: {WEST}, accept_loss: 30s"


def pool_of(region: str, **more: Any) -> dict[str, Any]:
    origin = f"{region}.origin.shop.example.com"
    return {
        "accountId": ACCOUNT,
        "name": f"shop-prod-shop-{region}",
        "description": f"shop.example.com in {region}",
        "enabled": True,
        "minimumOrigins": 1,
        "monitor": "shop-monitor-id",
        "checkRegions": ["ENAM", "WEU", "WNAM"],
        "origins": [{"name": origin, "address": origin, "enabled": True, "weight": 1}],
        **more,
    }


def off(region: str) -> list[dict[str, Any]]:
    origin = f"{region}.origin.shop.example.com"
    return [{"name": origin, "address": origin, "enabled": False, "weight": 1}]


def on(region: str) -> list[dict[str, Any]]:
    return [{**off(region)[0], "enabled": True}]


def test_an_active_passive_pair_is_a_monitor_a_pool_a_region_and_an_ordered_load_balancer(tmp_path: Path) -> None:
    recording = run(tmp_path, cloudflare(), EAST, WEST)
    component = recording.one("hakit:index:GlobalLoadBalancer")
    assert sorted(child.name for child in recording.children(component)) == [
        "shop-balancer",
        "shop-monitor",
        "shop-pool-us-east-1",
        "shop-pool-us-west-2",
    ]
    assert recording.one("LoadBalancerMonitor").inputs == {
        "accountId": ACCOUNT,
        "type": "https",
        "method": "GET",
        "path": "/ready",
        # asked as users ask: with the load balancer's name, not the origin's
        "header": {"Host": ["shop.example.com"]},
        "expectedCodes": "200",
        "interval": 15,
        "timeout": 5,
        "retries": 1,
        "consecutiveDown": 2,
        "consecutiveUp": 2,
        "followRedirects": False,
        "allowInsecure": False,
        "description": "shop.example.com: can the region serve in its role?",
    }
    assert recording.one(POOL, "shop-pool-us-east-1").inputs == pool_of(EAST)
    assert recording.one(POOL, "shop-pool-us-west-2").inputs == pool_of(WEST)
    assert recording.one("LoadBalancer").inputs == {
        "zoneId": ZONE,
        "name": "shop.example.com",
        "description": "active-passive pair shop",
        "enabled": True,
        "proxied": True,
        "steeringPolicy": "off",
        "defaultPools": [E_ID, W_ID],
        "fallbackPool": E_ID,
        "sessionAffinity": "none",
        "adaptiveRouting": {"failoverAcrossPools": False},
    }


def test_its_outputs_say_who_gets_users_and_what_dns_must_have(tmp_path: Path) -> None:
    outputs = (
        run(tmp_path, cloudflare(), EAST, WEST, traffic={WEST: "fence"}).one("hakit:index:GlobalLoadBalancer").outputs
    )
    assert outputs == {
        "hostname": "shop.example.com",
        "active": EAST,
        "traffic": {EAST: "serve", WEST: "fence"},
        "origins": {region: [f"{region}.origin.shop.example.com"] for region in (EAST, WEST)},
        "order": [EAST],
        "fallback": EAST,
        "detection_seconds": 40,
        "detection": "40 s: checks 30 s (15 s x 2), timeouts 10 s (5 s x 2); largest: checks",
        "summary": "shop.example.com by cloudflare, ordered: us-east-1 (active), us-west-2 (fence); a dead region is "
        "noticed in 40 s: checks 30 s (15 s x 2), timeouts 10 s (5 s x 2); largest: checks; RTO 5m",
        "accepted": [],
        # of other back ends
        "health_checks": {},
        "dns_name": "",
        "service_annotations": {},
        "annotations": {},
    }


def test_an_active_active_pair_steers_by_geography_over_all_thirteen_codes(tmp_path: Path) -> None:
    recording = run(tmp_path, cloudflare(others="nearest"), EAST, WEST, mode="active-active", serves=SERVES)
    balancer = recording.one("LoadBalancer").inputs
    assert balancer["steeringPolicy"] == "geo"
    assert balancer["adaptiveRouting"] == {"failoverAcrossPools": True}
    east, west = [E_ID, W_ID], [W_ID, E_ID]
    # load-balancing/reference/region-mapping-api: the thirteen; ENAM, WEU and WNAM as the topology says
    assert balancer["regionPools"] == {
        "ENAM": east,
        "WEU": east,
        "WNAM": west,
        "EEU": east,
        "NAF": east,
        "SAF": east,
        "NSAM": east,
        "SSAM": east,
        # by the great circle: the Gulf is nearer to Virginia, India to Oregon
        "ME": east,
        "SAS": west,
        "SEAS": west,
        "NEAS": west,
        "OC": west,
    }


def test_without_serves_the_nearest_region_serves_and_every_list_holds_every_pool(tmp_path: Path) -> None:
    recording = run(tmp_path, cloudflare(), EAST, DUBLIN, SYDNEY, mode="active-active")
    lists = recording.one("LoadBalancer").inputs["regionPools"]
    assert len(lists) == 13
    assert {code for code, ids in lists.items() if sorted(ids) != sorted([E_ID, D_ID, S_ID])} == set()
    assert lists["ENAM"] == [E_ID, D_ID, S_ID]
    assert lists["WEU"] == [D_ID, E_ID, S_ID]
    assert lists["OC"] == [S_ID, E_ID, D_ID]
    assert lists["SEAS"] == [S_ID, D_ID, E_ID]


def test_the_region_named_for_the_others_serves_every_code_that_nobody_declares(tmp_path: Path) -> None:
    args = cloudflare(others=WEST)
    lists = (
        run(tmp_path, args, EAST, WEST, mode="active-active", serves=SERVES).one("LoadBalancer").inputs["regionPools"]
    )
    assert {code for code, ids in lists.items() if ids[0] == E_ID} == {"ENAM", "WEU"}


@pytest.mark.parametrize(
    ("steering", "policy"), [("weighted", "random"), ("proximity", "proximity"), ("latency", "dynamic_latency")]
)
def test_other_steering_of_an_active_active_pair(steering: str, policy: str, tmp_path: Path) -> None:
    balancer = run(tmp_path, cloudflare(steering=steering), EAST, WEST, mode="active-active").one("LoadBalancer").inputs
    assert balancer["steeringPolicy"] == policy
    assert balancer["defaultPools"] == [E_ID, W_ID]
    assert "regionPools" not in balancer
    assert ("randomSteering" in balancer) == (steering == "weighted")


def test_weights_go_by_the_id_of_the_pool(tmp_path: Path) -> None:
    args = cloudflare(steering="weighted", weights={EAST: 0.75, WEST: 0.25})
    balancer = run(tmp_path, args, EAST, WEST, mode="active-active").one("LoadBalancer").inputs
    assert balancer["randomSteering"] == {"defaultWeight": 1, "poolWeights": {E_ID: 0.75, W_ID: 0.25}}
    # before the pools exist nobody knows their ids
    first = run(tmp_path, args, EAST, WEST, mode="active-active", preview=True).one("LoadBalancer").inputs
    assert first["randomSteering"] == {"defaultWeight": 1, "poolWeights": UNKNOWN}


def test_proximity_steering_tells_where_a_pool_is(tmp_path: Path) -> None:
    args = cloudflare(steering="proximity", locations={WEST: {"latitude": 45.5, "longitude": -122.5}})
    recording = run(tmp_path, args, EAST, WEST, mode="active-active")
    east, west = (recording.one(POOL, f"shop-pool-{region}").inputs for region in (EAST, WEST))
    assert (east["latitude"], east["longitude"]) == (39, -77.5)
    assert (west["latitude"], west["longitude"]) == (45.5, -122.5)


def test_draining_the_standby_switches_its_origins_off_and_nothing_else(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST)
    after = run(tmp_path, cloudflare(), EAST, WEST, traffic={WEST: "drain"})
    assert changed(before, after) == {"shop-pool-us-west-2": {"origins": (on(WEST), off(WEST))}}


def test_fencing_the_standby_switches_its_pool_off_and_takes_it_from_the_list(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST)
    after = run(tmp_path, cloudflare(), EAST, WEST, traffic={WEST: "fence"})
    assert changed(before, after) == {
        "shop-pool-us-west-2": {"enabled": (True, False), "origins": (on(WEST), off(WEST))},
        "shop-balancer": {"defaultPools": ([E_ID, W_ID], [E_ID])},
    }


def test_draining_the_active_region_gives_no_standby_the_first_place_or_the_fallback(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST)
    after = run(tmp_path, cloudflare(), EAST, WEST, traffic={EAST: "drain"})
    assert changed(before, after) == {"shop-pool-us-east-1": {"origins": (on(EAST), off(EAST))}}


def test_fencing_the_active_region_leaves_the_fallback_with_a_pool_that_is_off(tmp_path: Path) -> None:
    # a fallback pool that is disabled answers 530 (understand-basics/health-details)
    after = run(tmp_path, cloudflare(), EAST, WEST, traffic={EAST: "fence"})
    assert after.one("LoadBalancer").inputs["fallbackPool"] == E_ID
    assert after.one("LoadBalancer").inputs["defaultPools"] == [W_ID]
    assert after.one(POOL, "shop-pool-us-east-1").inputs["enabled"] is False


def test_draining_in_geo_steering_touches_one_pool_and_no_list(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, DUBLIN, SYDNEY, mode="active-active")
    after = run(tmp_path, cloudflare(), EAST, DUBLIN, SYDNEY, mode="active-active", traffic={DUBLIN: "drain"})
    assert changed(before, after) == {"shop-pool-eu-west-1": {"origins": (on(DUBLIN), off(DUBLIN))}}


def test_fencing_in_geo_steering_takes_the_pool_from_every_list(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, DUBLIN, SYDNEY, mode="active-active")
    after = run(tmp_path, cloudflare(), EAST, DUBLIN, SYDNEY, mode="active-active", traffic={DUBLIN: "fence"})
    differs = changed(before, after)
    assert sorted(differs) == ["shop-balancer", "shop-pool-eu-west-1"]
    assert sorted(differs["shop-balancer"]) == ["defaultPools", "regionPools"]
    old, new = differs["shop-balancer"]["regionPools"]
    assert new == {code: [one for one in ids if one != D_ID] for code, ids in old.items()}


def test_in_an_active_active_pair_the_fallback_is_a_region_that_serves(tmp_path: Path) -> None:
    for traffic in ("drain", "fence"):
        after = run(tmp_path, cloudflare(), EAST, WEST, DUBLIN, mode="active-active", traffic={EAST: traffic})
        assert after.one("LoadBalancer").inputs["fallbackPool"] == W_ID


def test_with_every_region_fenced_every_pool_is_listed_and_off(tmp_path: Path) -> None:
    after = run(tmp_path, cloudflare(), EAST, WEST, traffic={EAST: "fence", WEST: "fence"})
    assert after.one("LoadBalancer").inputs["defaultPools"] == [E_ID, W_ID]
    assert [pool.inputs["enabled"] for pool in after.all(POOL)] == [False, False]


@pytest.mark.parametrize(
    ("entries", "databases"),
    [
        ((FAILOVER,), "[orders]"),
        ((f"kind: planned, to: {WEST}, tokens: {{orders: T}}",), "[orders]"),
        ((f"kind: planned, to: {WEST}, tokens: {{orders: T}}, settled: true",), "[orders]"),
        ((f"kind: planned, to: {WEST}",), "[]"),
        ((FAILOVER, f"kind: rebuild, to: {EAST}, incarnation: 2"), "[orders]"),
    ],
)
def test_a_handover_that_counts_changes_order_and_fallback_and_nothing_else(
    entries: tuple[str, ...], databases: str, tmp_path: Path
) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST, databases=databases)
    after = run(tmp_path, cloudflare(), EAST, WEST, handovers=entries, databases=databases)
    assert changed(before, after) == {
        "shop-balancer": {"defaultPools": ([E_ID, W_ID], [W_ID, E_ID]), "fallbackPool": (E_ID, W_ID)}
    }


@pytest.mark.parametrize(
    "entries",
    [
        # no token yet: the old side is demoting, the new one cannot write
        (f"kind: planned, to: {WEST}",),
        (f"kind: planned, to: {WEST}", f"kind: cancel, to: {EAST}"),
        (f"kind: rebuild, to: {WEST}, incarnation: 2",),
    ],
)
def test_a_handover_that_does_not_count_yet_changes_nothing(entries: tuple[str, ...], tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST)
    assert changed(before, run(tmp_path, cloudflare(), EAST, WEST, handovers=entries)) == {}


def test_a_failover_among_four_regions_moves_the_new_active_one_to_the_front(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST, DUBLIN, SYDNEY)
    after = run(
        tmp_path,
        cloudflare(),
        EAST,
        WEST,
        DUBLIN,
        SYDNEY,
        handovers=(f"kind: failover, to: {DUBLIN}, accept_loss: 30s",),
    )
    assert changed(before, after) == {
        "shop-balancer": {
            "defaultPools": ([E_ID, W_ID, D_ID, S_ID], [D_ID, E_ID, W_ID, S_ID]),
            "fallbackPool": (E_ID, D_ID),
        }
    }


def test_a_handover_of_an_active_active_pair_changes_the_fallback_alone(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST, mode="active-active")
    after = run(tmp_path, cloudflare(), EAST, WEST, mode="active-active", handovers=(FAILOVER,))
    assert changed(before, after) == {"shop-balancer": {"fallbackPool": (E_ID, W_ID)}}


def test_a_third_region_adds_a_pool_and_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    before = run(tmp_path, cloudflare(), EAST, WEST)
    after = run(tmp_path, cloudflare(), EAST, WEST, DUBLIN)
    assert changed(before, after) == {
        "shop-pool-eu-west-1": {"resource": (None, "there")},
        "shop-balancer": {"defaultPools": ([E_ID, W_ID], [E_ID, W_ID, D_ID])},
    }


def test_given_origins_are_sorted_whatever_their_order(tmp_path: Path) -> None:
    origins = [
        {"address": "b.example.net", "weight": 0.5, "port": 8443},
        {"address": "a.example.net", "host": "a.example.net"},
    ]
    for given in (origins, origins[::-1]):
        recording = run(tmp_path, cloudflare(origins={EAST: given}), EAST, WEST)
        assert recording.one(POOL, "shop-pool-us-east-1").inputs["origins"] == [
            # `hosts`: Pulumi's plural of the provider's `host`
            {
                "name": "a.example.net",
                "address": "a.example.net",
                "enabled": True,
                "weight": 1,
                "header": {"hosts": ["a.example.net"]},
            },
            {"name": "b.example.net", "address": "b.example.net", "enabled": True, "weight": 0.5, "port": 8443},
        ]
        assert recording.one(POOL, "shop-pool-us-west-2").inputs == pool_of(WEST)


def test_a_session_moves_to_another_region_and_may_end_where_it_began(tmp_path: Path) -> None:
    args = cloudflare(affinity={"by": "cookie", "ttl": 3600})
    balancer = run(tmp_path, args, EAST, WEST, mode="active-active").one("LoadBalancer").inputs
    assert (balancer["sessionAffinity"], balancer["sessionAffinityTtl"]) == ("cookie", 3600)
    assert balancer["sessionAffinityAttributes"] == {
        "zeroDowntimeFailover": "sticky",
        "drainDuration": 3600,
        "samesite": "Lax",
        "secure": "Always",
    }


def test_a_session_by_header_waits_for_its_origin_as_sticky_is_not_there_for_it(tmp_path: Path) -> None:
    args = cloudflare(affinity={"by": "header", "headers": ["x-tenant"]})
    balancer = run(tmp_path, args, EAST, WEST, mode="active-active").one("LoadBalancer").inputs
    assert balancer["sessionAffinityTtl"] == 1800
    assert balancer["sessionAffinityAttributes"] == {
        "zeroDowntimeFailover": "temporary",
        "drainDuration": 1800,
        "headers": ["x-tenant"],
        "requireAllHeaders": True,
    }


def test_where_one_region_serves_no_session_stays_behind_in_a_drained_region(tmp_path: Path) -> None:
    balancer = run(tmp_path, cloudflare(affinity={"by": "cookie"}), EAST, WEST).one("LoadBalancer").inputs
    assert "drainDuration" not in balancer["sessionAffinityAttributes"]


def test_shedding_notification_port_and_body(tmp_path: Path) -> None:
    args = cloudflare(
        own={"shed": {WEST: 30}, "notify": ["ops@example.com"]},
        health={"path": "/ready", "type": "http", "port": 8080, "expected_body": "serving"},
    )
    recording = run(tmp_path, args, EAST, WEST, mode="active-active")
    assert recording.one(POOL, "shop-pool-us-west-2").inputs["loadShedding"] == {
        "defaultPercent": 30,
        "defaultPolicy": "random",
        "sessionPercent": 0,
        "sessionPolicy": "hash",
    }
    assert "loadShedding" not in recording.one(POOL, "shop-pool-us-east-1").inputs
    monitor = recording.one("LoadBalancerMonitor").inputs
    assert (monitor["type"], monitor["port"], monitor["expectedBody"]) == ("http", 8080, "serving")
    assert recording.one("NotificationPolicy").inputs == {
        "accountId": ACCOUNT,
        "name": "shop-prod-shop-health",
        "alertType": "load_balancing_health_alert",
        "enabled": True,
        "mechanisms": {"emails": [{"id": "ops@example.com"}]},
        "filters": {"poolIds": [E_ID, W_ID]},
    }


def test_a_name_that_is_not_proxied_has_a_ttl_and_its_detection_counts_it(tmp_path: Path) -> None:
    recording = run(tmp_path, cloudflare(own={"proxied": False}, ttl=60), EAST, WEST, mode="active-active")
    balancer = recording.one("LoadBalancer").inputs
    assert (balancer["proxied"], balancer["ttl"]) == (False, 60)
    # nothing is proxied, so nothing can be sent again
    assert balancer["adaptiveRouting"] == {"failoverAcrossPools": False}
    outputs = recording.one("hakit:index:GlobalLoadBalancer").outputs or {}
    assert outputs["detection_seconds"] == 15 * 2 + 5 * 2 + 60
    assert outputs["detection"].endswith("largest: TTL")


def test_no_input_is_null_or_an_empty_mapping(tmp_path: Path) -> None:
    # terraform-provider-cloudflare #7339: both differ at every `up`
    def empty(value: Any) -> bool:
        if isinstance(value, dict):
            return not value or any(empty(item) for item in value.values())
        return any(empty(item) for item in value) if isinstance(value, list) else value is None

    for mode in ("active-passive", "active-active"):
        recording = run(tmp_path, cloudflare(), EAST, WEST, mode=mode)
        assert [one.name for one in recording.resources if one.custom and empty(dict(one.inputs))] == []
