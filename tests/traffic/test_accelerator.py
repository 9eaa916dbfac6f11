"""What the Global Accelerator back end registers. Inputs only: nothing here stands in for Global Accelerator."""

from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.findings import collecting
from tests.traffic.shop import accelerator, arn, changed, run

EAST, WEST, DUBLIN = "us-east-1", "us-west-2", "eu-west-1"
GROUP = "aws:globalaccelerator/endpointGroup:EndpointGroup"
FAILOVER = f"kind: failover, to: {WEST}, accept_loss: 30s"


def endpoints(region: str) -> list[dict[str, Any]]:
    return [{"endpointId": arn(region), "weight": 128}]


def group_of(region: str, dial: int) -> dict[str, Any]:
    return {
        "listenerArn": None,  # the recording has no provider that would make one
        "endpointGroupRegion": region,
        "endpointConfigurations": endpoints(region),
        "trafficDialPercentage": dial,
        "healthCheckProtocol": "HTTPS",
        "healthCheckPath": "/ready",
        "healthCheckPort": 443,
        "healthCheckIntervalSeconds": 10,
        "thresholdCount": 2,
    }


def group(recording: Any, region: str) -> dict[str, Any]:
    return {"listenerArn": None, **recording.one(GROUP, f"shop-group-{region}").inputs}


def test_an_active_passive_pair_has_one_open_dial(tmp_path: Path) -> None:
    recording = run(tmp_path, accelerator(EAST, WEST), EAST, WEST)
    assert recording.one("Accelerator").inputs == {"name": "shop-prod-shop", "ipAddressType": "IPV4", "enabled": True}
    listener = dict(recording.one("Listener").inputs)
    listener.pop("acceleratorArn", None)
    assert listener == {"protocol": "TCP", "portRanges": [{"fromPort": 443, "toPort": 443}], "clientAffinity": "NONE"}
    assert group(recording, EAST) == group_of(EAST, 100)
    assert group(recording, WEST) == group_of(WEST, 0)
    assert recording.all("Record") == []


def test_an_active_active_pair_has_every_dial_open_or_as_given(tmp_path: Path) -> None:
    recording = run(tmp_path, accelerator(EAST, WEST), EAST, WEST, mode="active-active")
    assert [group(recording, region)["trafficDialPercentage"] for region in (EAST, WEST)] == [100, 100]
    given = accelerator(EAST, WEST, own={"dials": {WEST: 25}, "ports": [443, 80], "client_ip_preservation": True})
    given["affinity"] = {"by": "source_ip"}
    recording = run(tmp_path, given, EAST, WEST, mode="active-active")
    assert [group(recording, region)["trafficDialPercentage"] for region in (EAST, WEST)] == [100, 25]
    listener = recording.one("Listener").inputs
    assert listener["portRanges"] == [{"fromPort": 80, "toPort": 80}, {"fromPort": 443, "toPort": 443}]
    assert listener["clientAffinity"] == "SOURCE_IP"
    assert group(recording, EAST)["endpointConfigurations"] == [
        {"endpointId": arn(EAST), "weight": 128, "clientIpPreservationEnabled": True}
    ]


def test_a_drain_turns_one_dial_to_zero(tmp_path: Path) -> None:
    args = accelerator(EAST, WEST, DUBLIN)
    before = run(tmp_path, args, EAST, WEST, DUBLIN, mode="active-active")
    after = run(tmp_path, args, EAST, WEST, DUBLIN, mode="active-active", traffic={WEST: "drain"})
    assert changed(before, after) == {"shop-group-us-west-2": {"trafficDialPercentage": (100, 0)}}


def test_a_fence_takes_the_endpoints_too_as_a_failover_ignores_dials(tmp_path: Path) -> None:
    args = accelerator(EAST, WEST, DUBLIN)
    before = run(tmp_path, args, EAST, WEST, DUBLIN, mode="active-active")
    after = run(tmp_path, args, EAST, WEST, DUBLIN, mode="active-active", traffic={WEST: "fence"})
    assert changed(before, after) == {
        "shop-group-us-west-2": {"trafficDialPercentage": (100, 0), "endpointConfigurations": (endpoints(WEST), [])}
    }
    standby = run(tmp_path, accelerator(EAST, WEST), EAST, WEST)
    fenced = run(tmp_path, accelerator(EAST, WEST), EAST, WEST, traffic={WEST: "fence"})
    assert changed(standby, fenced) == {"shop-group-us-west-2": {"endpointConfigurations": (endpoints(WEST), [])}}


@pytest.mark.parametrize(
    ("entries", "counts"),
    [
        ((FAILOVER,), True),
        ((f"kind: planned, to: {WEST}, tokens: {{orders: T}}",), True),
        ((FAILOVER, f"kind: rebuild, to: {EAST}, incarnation: 2"), True),
        ((f"kind: planned, to: {WEST}",), False),
        ((f"kind: planned, to: {WEST}", f"kind: cancel, to: {EAST}"), False),
    ],
)
def test_a_handover_swaps_two_dials_once_it_counts(entries: tuple[str, ...], counts: bool, tmp_path: Path) -> None:
    args = accelerator(EAST, WEST, DUBLIN)
    before = run(tmp_path, args, EAST, WEST, DUBLIN)
    swapped = {
        "shop-group-us-east-1": {"trafficDialPercentage": (100, 0)},
        "shop-group-us-west-2": {"trafficDialPercentage": (0, 100)},
    }
    assert changed(before, run(tmp_path, args, EAST, WEST, DUBLIN, handovers=entries)) == (swapped if counts else {})


def test_a_handover_of_an_active_active_pair_changes_nothing(tmp_path: Path) -> None:
    before = run(tmp_path, accelerator(EAST, WEST), EAST, WEST, mode="active-active")
    after = run(tmp_path, accelerator(EAST, WEST), EAST, WEST, mode="active-active", handovers=(FAILOVER,))
    assert changed(before, after) == {}


def test_a_record_points_at_the_accelerator_when_the_zone_is_named(tmp_path: Path) -> None:
    recording = run(tmp_path, accelerator(EAST, WEST, own={"zone_id": "Z1"}), EAST, WEST)
    inputs = recording.one("Record").inputs
    assert (inputs["zoneId"], inputs["name"], inputs["type"]) == ("Z1", "shop.example.com", "A")
    assert inputs["aliases"][0]["evaluateTargetHealth"] is False


def test_the_service_before_each_cluster_gets_annotations_that_exist_today(tmp_path: Path) -> None:
    outputs = run(tmp_path, accelerator(EAST, WEST), EAST, WEST).one("hakit:index:GlobalLoadBalancer").outputs or {}
    lb = "service.beta.kubernetes.io/aws-load-balancer-"
    # AWS Load Balancer Controller, guide/service/annotations
    assert outputs["service_annotations"] == {
        f"{lb}type": "external",
        f"{lb}nlb-target-type": "ip",
        f"{lb}scheme": "internet-facing",
        f"{lb}attributes": "load_balancing.cross_zone.enabled=true",
        f"{lb}healthcheck-protocol": "https",
        f"{lb}healthcheck-path": "/ready",
        f"{lb}healthcheck-success-codes": "200",
        f"{lb}healthcheck-interval": "10",
        f"{lb}healthcheck-timeout": "6",
        f"{lb}healthcheck-healthy-threshold": "2",
        f"{lb}healthcheck-unhealthy-threshold": "2",
    }
    # 10 s x 2 checks, 6 s for the last, some 30 s until the network knows
    assert outputs["detection_seconds"] == 56


def test_a_standby_may_be_reached_when_nobody_is_healthy_and_it_says_so(tmp_path: Path) -> None:
    def codes(**more: Any) -> list[str]:
        with collecting() as reports:
            run(tmp_path, accelerator(EAST, WEST), EAST, WEST, **more)
        return [one.code for one in reports[0].settled.open]

    assert codes() == ["HK084"]
    assert codes(traffic={WEST: "fence"}) == []
    assert codes(mode="active-active") == []


TRAPS: list[Any] = [
    ("no endpoints", {"own": {"endpoints": {EAST: [arn(EAST)]}}}, {}, {}, "a list of load balancers for each region"),
    ("dials of a standby", {"own": {"dials": {WEST: 50}}}, {"own": {"dials": {}}}, {}, "one region serves"),
    ("ports", {"own": {"ports": []}}, {"own": {"ports": [443]}}, {}, "not a list of ports"),
    (
        "ports that are none",
        {"own": {"ports": ["https", 443.5, True]}},
        {"own": {"ports": [443.0]}},
        {},
        "not a list of",
    ),
    ("a ttl", {"ttl": 60}, {}, {}, "its addresses never change"),
    ("a region of nobody", {"affinity": {"by": "cookie"}}, {"affinity": {"by": "source_ip"}}, {}, "unknown word"),
    ("origins", {"origins": {EAST: [{"address": "a.example.com"}]}}, {}, {}, "global_accelerator.endpoints"),
    ("retries", {"health": {"path": "/r", "retries": 1}}, {}, {}, "a target group has none"),
    ("one failure", {"health": {"path": "/r", "consecutive_down": 1}}, {}, {}, "out of a target group's range"),
]


@pytest.mark.parametrize(
    ("wrong", "mended", "more", "words"), [trap[1:] for trap in TRAPS], ids=[trap[0] for trap in TRAPS]
)
def test_a_trap_is_refused_and_its_mended_twin_is_not(
    wrong: dict[str, Any], mended: dict[str, Any], more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(HakitError) as caught:
        run(tmp_path, accelerator(EAST, WEST, **wrong), EAST, WEST, **more)
    assert words in str(caught.value)
    run(tmp_path, accelerator(EAST, WEST, **mended), EAST, WEST, **more)


def test_a_region_must_be_one_of_aws(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="needs a region of AWS"):
        run(tmp_path, accelerator("moon", WEST), "moon", WEST)
