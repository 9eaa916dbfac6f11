"""What the Route 53 back end registers, and exactly what changes when something happens.

These tests do not prove that Route 53 accepts the inputs, nor what its name servers answer.
"""

from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.findings import collecting
from tests.traffic.shop import changed, route53, run

EAST, WEST, DUBLIN = "us-east-1", "us-west-2", "eu-west-1"
CHECK, RECORD = "aws:route53/healthCheck:HealthCheck", "aws:route53/record:Record"
FAILOVER = f"kind: failover, to: {WEST}, accept_loss: 30s"


def check_of(region: str) -> dict[str, Any]:
    return {
        "type": "HTTPS",
        # a check by name asks that name: Host and SNI are the origin's
        "fqdn": f"{region}.origin.shop.example.com",
        "port": 443,
        "resourcePath": "/ready",
        "requestInterval": 10,
        "failureThreshold": 3,
        "enableSni": True,
        "tags": {"Name": f"shop.example.com check {region}"},
    }


def switch_of(region: str, threshold: int = 1) -> dict[str, Any]:
    return {
        "type": "CALCULATED",
        "childHealthchecks": [f"shop-check-{region}-id"],
        "childHealthThreshold": threshold,
        "tags": {"Name": f"shop.example.com switch {region}"},
    }


def record_of(region: str, **policy: Any) -> dict[str, Any]:
    return {
        "zoneId": "Z0123456789ABCDEFGHIJ",
        "name": "shop.example.com",
        "type": "CNAME",
        "ttl": 60,
        "records": [f"{region}.origin.shop.example.com"],
        "setIdentifier": region,
        "healthCheckId": f"shop-switch-{region}-id",
        **policy,
    }


def weight(number: int) -> dict[str, Any]:
    return {"weightedRoutingPolicies": [{"weight": number}]}


def test_an_active_passive_pair_is_two_checks_and_a_weighted_record_a_region(tmp_path: Path) -> None:
    recording = run(tmp_path, route53(), EAST, WEST)
    assert {one.name: one.inputs for one in recording.resources if one.custom} == {
        "shop-check-us-east-1": check_of(EAST),
        "shop-check-us-west-2": check_of(WEST),
        "shop-switch-us-east-1": switch_of(EAST),
        "shop-switch-us-west-2": switch_of(WEST),
        # routing-policy-weighted: zero is asked when nobody with a weight is healthy, and not when nobody is at all
        "shop-record-us-east-1": record_of(EAST, **weight(1)),
        "shop-record-us-west-2": record_of(WEST, **weight(0)),
    }
    outputs = recording.one("hakit:index:GlobalLoadBalancer").outputs or {}
    # 3 checks 10 s apart, 4 s to connect and 2 s to answer, 60 s in a resolver
    assert outputs["detection_seconds"] == 96
    assert outputs["health_checks"] == {EAST: "shop-switch-us-east-1-id", WEST: "shop-switch-us-west-2-id"}


@pytest.mark.parametrize(
    ("steering", "more", "east", "west"),
    [
        ("latency", {}, {"latencyRoutingPolicies": [{"region": EAST}]}, {"latencyRoutingPolicies": [{"region": WEST}]}),
        ("weighted", {"weights": {EAST: 0.75, WEST: 0.25}}, weight(75), weight(25)),
        (
            "proximity",
            {"own": {"bias": {EAST: 20}}, "locations": {WEST: {"latitude": 45.5, "longitude": -122.5}}},
            {"geoproximityRoutingPolicy": {"awsRegion": EAST, "bias": 20}},
            {"geoproximityRoutingPolicy": {"coordinates": [{"latitude": "45.50", "longitude": "-122.50"}]}},
        ),
    ],
)
def test_steering_of_an_active_active_pair(
    steering: str, more: dict[str, Any], east: dict[str, Any], west: dict[str, Any], tmp_path: Path
) -> None:
    recording = run(tmp_path, route53(steering=steering, **more), EAST, WEST, mode="active-active")
    assert recording.one(RECORD, "shop-record-us-east-1").inputs == record_of(EAST, **east)
    assert recording.one(RECORD, "shop-record-us-west-2").inputs == record_of(WEST, **west)


def test_latency_is_what_an_active_active_pair_gets_unasked(tmp_path: Path) -> None:
    recording = run(tmp_path, route53(), EAST, WEST, mode="active-active")
    assert "latencyRoutingPolicies" in recording.one(RECORD, "shop-record-us-east-1").inputs


@pytest.mark.parametrize("mode", ["active-passive", "active-active"])
def test_a_drain_raises_one_number_of_that_region_above_what_can_be(mode: str, tmp_path: Path) -> None:
    before = run(tmp_path, route53(), EAST, WEST, DUBLIN, mode=mode)
    after = run(tmp_path, route53(), EAST, WEST, DUBLIN, mode=mode, traffic={WEST: "drain"})
    # API HealthThreshold: a number above that of the children is always unhealthy
    assert changed(before, after) == {"shop-switch-us-west-2": {"childHealthThreshold": (1, 2)}}


@pytest.mark.parametrize("mode", ["active-passive", "active-active"])
def test_a_fence_takes_the_record_away_as_an_unhealthy_one_is_still_the_last_resort(mode: str, tmp_path: Path) -> None:
    before = run(tmp_path, route53(), EAST, WEST, DUBLIN, mode=mode)
    after = run(tmp_path, route53(), EAST, WEST, DUBLIN, mode=mode, traffic={WEST: "fence"})
    assert changed(before, after) == {
        "shop-switch-us-west-2": {"childHealthThreshold": (1, 2)},
        "shop-record-us-west-2": {"resource": ("there", None)},
    }


@pytest.mark.parametrize(
    "entries",
    [
        (FAILOVER,),
        (f"kind: planned, to: {WEST}, tokens: {{orders: T}}",),
        (FAILOVER, f"kind: rebuild, to: {EAST}, incarnation: 2"),
    ],
)
def test_a_handover_that_counts_swaps_two_weights(entries: tuple[str, ...], tmp_path: Path) -> None:
    before = run(tmp_path, route53(), EAST, WEST, DUBLIN)
    after = run(tmp_path, route53(), EAST, WEST, DUBLIN, handovers=entries)
    assert changed(before, after) == {
        "shop-record-us-east-1": {"weightedRoutingPolicies": ([{"weight": 1}], [{"weight": 0}])},
        "shop-record-us-west-2": {"weightedRoutingPolicies": ([{"weight": 0}], [{"weight": 1}])},
    }


@pytest.mark.parametrize(
    "entries",
    [(f"kind: planned, to: {WEST}",), (f"kind: planned, to: {WEST}", f"kind: cancel, to: {EAST}")],
)
def test_a_handover_that_does_not_count_changes_nothing(entries: tuple[str, ...], tmp_path: Path) -> None:
    assert changed(run(tmp_path, route53(), EAST, WEST), run(tmp_path, route53(), EAST, WEST, handovers=entries)) == {}


def test_a_handover_of_an_active_active_pair_changes_nothing(tmp_path: Path) -> None:
    before = run(tmp_path, route53(), EAST, WEST, mode="active-active")
    assert changed(before, run(tmp_path, route53(), EAST, WEST, mode="active-active", handovers=(FAILOVER,))) == {}


def test_failover_records_are_named_by_place_so_that_there_never_are_two_of_one(tmp_path: Path) -> None:
    args = route53(steering="failover")
    before, after = run(tmp_path, args, EAST, WEST), run(tmp_path, args, EAST, WEST, handovers=(FAILOVER,))
    assert before.one(RECORD, "shop-record-primary").inputs == {
        **record_of(EAST),
        "setIdentifier": "primary",
        "failoverRoutingPolicies": [{"type": "PRIMARY"}],
    }
    swap = {"east": [f"{EAST}.origin.shop.example.com"], "west": [f"{WEST}.origin.shop.example.com"]}
    assert changed(before, after) == {
        "shop-record-primary": {
            "records": (swap["east"], swap["west"]),
            "healthCheckId": ("shop-switch-us-east-1-id", "shop-switch-us-west-2-id"),
        },
        "shop-record-secondary": {
            "records": (swap["west"], swap["east"]),
            "healthCheckId": ("shop-switch-us-west-2-id", "shop-switch-us-east-1-id"),
        },
    }


def test_a_routing_control_is_a_second_child_and_both_must_be_healthy(tmp_path: Path) -> None:
    control = "arn:aws:route53-recovery-control::111122223333:controlpanel/a/routingcontrol/"
    args = route53(own={"routing_controls": {EAST: f"{control}east", WEST: f"{control}west"}})
    recording = run(tmp_path, args, EAST, WEST)
    assert recording.one(CHECK, "shop-control-us-west-2").inputs == {
        "type": "RECOVERY_CONTROL",
        "routingControlArn": f"{control}west",
        "tags": {"Name": "shop.example.com control us-west-2"},
    }
    switch = recording.one(CHECK, "shop-switch-us-west-2").inputs
    assert switch["childHealthchecks"] == ["shop-check-us-west-2-id", "shop-control-us-west-2-id"]
    assert switch["childHealthThreshold"] == 2
    drained = run(tmp_path, args, EAST, WEST, traffic={WEST: "drain"})
    assert changed(recording, drained) == {"shop-switch-us-west-2": {"childHealthThreshold": (2, 3)}}


def test_an_alias_has_no_time_to_live_and_asks_the_load_balancer_too(tmp_path: Path) -> None:
    alias = {region: {"name": f"{region}.elb.amazonaws.com", "zone_id": "Z26RNL4JYFTOTI"} for region in (EAST, WEST)}
    args = route53(hostname="example.com", own={"alias": alias})
    inputs = run(tmp_path, args, EAST, WEST).one(RECORD, "shop-record-us-east-1").inputs
    assert (inputs["type"], inputs["name"]) == ("A", "example.com")
    assert inputs["aliases"] == [
        {"name": "us-east-1.elb.amazonaws.com", "zoneId": "Z26RNL4JYFTOTI", "evaluateTargetHealth": True}
    ]
    assert {"ttl", "records"} & set(inputs) == set()


def test_an_alias_keeps_its_load_balancers_time_to_live(tmp_path: Path) -> None:
    alias = {region: {"name": f"{region}.elb.amazonaws.com", "zone_id": "Z26RNL4JYFTOTI"} for region in (EAST, WEST)}
    with pytest.raises(HakitError, match="ttl: an alias has its load balancer's"):
        run(tmp_path, route53(ttl=30, own={"alias": alias}), EAST, WEST)


def test_addresses_are_asked_for_the_host_name_and_a_body_is_searched(tmp_path: Path) -> None:
    args = route53(
        origins={EAST: [{"address": "192.0.2.1"}], WEST: [{"address": "192.0.2.2"}]},
        health={"path": "/ready", "type": "http", "port": 8080, "expected_body": "serving", "interval": 30},
    )
    recording = run(tmp_path, args, EAST, WEST)
    check = recording.one(CHECK, "shop-check-us-east-1").inputs
    assert (check["ipAddress"], check["fqdn"], check["port"]) == ("192.0.2.1", "shop.example.com", 8080)
    assert (check["type"], check["searchString"], check["enableSni"]) == ("HTTP_STR_MATCH", "serving", False)
    record = recording.one(RECORD, "shop-record-us-east-1").inputs
    assert (record["type"], record["records"]) == ("A", ["192.0.2.1"])


#: What is wrong, the arguments, the same mended, the topology, words of the message.
TRAPS: list[Any] = [
    ("no zone", {"own": {"zone_id": None}}, {}, {}, "route53.zone_id is missing"),
    (
        "an interval",
        {"health": {"path": "/r", "interval": 15}},
        {"health": {"path": "/r", "interval": 30}},
        {},
        "10 s or",
    ),
    (
        "a timeout",
        {"health": {"path": "/r", "timeout": 5}},
        {},
        {},
        "health.timeout: this back end has no such setting",
    ),
    ("a host", {"health": {"path": "/r", "host": "a"}}, {}, {}, "the origin's own name"),
    ("a redirect", {"health": {"path": "/", "redirects": True}}, {}, {}, "the path redirects"),
    ("no path", {"health": {}}, {}, {}, "health.path is missing"),
    ("many failures", {"health": {"path": "/r", "consecutive_down": 11}}, {}, {}, "1 to 10"),
    ("a zone's own name", {"hostname": "example.com"}, {}, {}, "cannot be a CNAME"),
    ("another zone", {"hostname": "a.example.org"}, {"hostname": "a.b.example.com"}, {}, "hostname: not in the zone"),
    ("half the controls", {"own": {"routing_controls": {EAST: "a"}}}, {}, {}, "all regions of the pair, or none"),
    ("half an alias", {"own": {"alias": {EAST: {"name": "a"}, WEST: {"name": "b"}}}}, {}, {}, "name and zone_id"),
    ("sessions", {"affinity": {"by": "cookie"}}, {}, {}, "affinity.by: unknown word"),
    ("geo", {"steering": "geo"}, {"steering": "latency"}, {"mode": "active-active"}, "steering: not with route53"),
    (
        "two origins",
        {"origins": {EAST: [{"address": "a.example.com"}, {"address": "b.example.com"}]}},
        {"origins": {EAST: [{"address": "a.example.com"}]}},
        {},
        "a DNS record names one",
    ),
    ("a port", {"origins": {EAST: [{"address": "a.example.com", "port": 8443}]}}, {}, {}, "a DNS record has no port"),
    (
        "names and addresses",
        {"origins": {EAST: [{"address": "192.0.2.1"}]}},
        {"origins": {EAST: [{"address": "192.0.2.1"}], WEST: [{"address": "192.0.2.2"}]}},
        {},
        "host names and addresses",
    ),
    (
        "a bias of nothing",
        {"own": {"bias": {EAST: 1}}},
        {},
        {"mode": "active-active"},
        "only proximity steering has it",
    ),
    ("a long body", {"health": {"path": "/r", "expected_body": "a" * 256}}, {}, {}, "too long for Route 53"),
    ("others", {"others": "nearest"}, {}, {"mode": "active-active"}, "others: latency steering has no use for it"),
]


@pytest.mark.parametrize(
    ("wrong", "mended", "more", "words"), [trap[1:] for trap in TRAPS], ids=[trap[0] for trap in TRAPS]
)
def test_a_trap_is_refused_and_its_mended_twin_is_not(
    wrong: dict[str, Any], mended: dict[str, Any], more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(HakitError) as caught:
        run(tmp_path, route53(**wrong), EAST, WEST, **more)
    assert words in str(caught.value)
    run(tmp_path, route53(**mended), EAST, WEST, **more)


def test_failover_records_have_no_third_place(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="failover records have two places"):
        run(tmp_path, route53(steering="failover"), EAST, WEST, DUBLIN)


def test_latency_needs_a_region_that_aws_has(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="needs a region of AWS"):
        run(tmp_path, route53(), "moon", EAST, mode="active-active")
    run(tmp_path, route53(steering="weighted"), "moon", EAST, mode="active-active")


def codes(folder: Path, args: dict[str, Any], *regions: str, **more: Any) -> list[str]:
    with collecting() as reports:
        run(folder, args, *regions, **more)
    return [one.code for one in reports[0].settled.open]


def test_with_the_active_region_fenced_users_may_reach_a_standby_and_it_says_so(tmp_path: Path) -> None:
    assert codes(tmp_path, route53(), EAST, WEST, traffic={EAST: "fence"}) == ["HK082", "HK084"]
    assert codes(tmp_path, route53(), EAST, WEST, traffic={EAST: "drain"}) == ["HK082"]
    assert codes(tmp_path, route53(), EAST, WEST, traffic={WEST: "fence"}) == []


def test_slow_checks_and_a_long_answer_miss_a_short_rto(tmp_path: Path) -> None:
    slow = route53(health={"path": "/ready", "interval": 30}, ttl=300)
    assert codes(tmp_path, slow, EAST, WEST, rto="5m") == ["HK080"]  # 90 + 6 + 300 of 300
    assert codes(tmp_path, route53(health={"path": "/ready", "interval": 30}), EAST, WEST, rto="5m") == []
