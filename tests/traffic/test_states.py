"""Whatever the states of the regions and whoever is active: no update is refused, nobody is sent where he must not go.

An outage is no time for an error message.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.findings import FindingsError
from hakit.plan.traffic import accelerator as ga
from hakit.plan.traffic import cloudflare as cf
from hakit.plan.traffic import cloudflare_spec
from hakit.plan.traffic import external_dns as dns
from hakit.plan.traffic import route53 as r53
from hakit.plan.traffic.intent import Traffic, intent
from hakit.plan.traffic.spec import TrafficSpec, specify
from hakit.topology import Topology
from tests.traffic.shop import accelerator, cloudflare, external_dns, loaded, route53, run

EAST, WEST, DUBLIN = REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
HANDOVERS: dict[str, tuple[str, ...]] = {
    EAST: (),
    WEST: (f"kind: failover, to: {WEST}, accept_loss: 30s",),
    DUBLIN: (f"kind: planned, to: {DUBLIN}, tokens: {{orders: T}}",),
}
MODES = pytest.mark.parametrize("mode", ["active-passive", "active-active"])


def over_all_states(
    folder: Path, mode: str, args: dict[str, Any]
) -> Iterator[tuple[TrafficSpec, Traffic, dict[str, str], str]]:
    """Every state of three regions with each of them active: what the arguments then are and mean."""
    for active, entries in HANDOVERS.items():
        topology = loaded(folder, *REGIONS, mode=mode, handovers=entries)
        for states in itertools.product(("serve", "drain", "fence"), repeat=3):
            traffic = dict(zip(REGIONS, states, strict=True))
            spec = specify("shop", args, in_states(topology, traffic))
            yield spec, intent(spec), traffic, active


def in_states(topology: Topology, traffic: dict[str, str]) -> Topology:
    regions = {name: one.model_copy(update={"traffic": traffic[name]}) for name, one in topology.regions.items()}
    return topology.model_copy(update={"regions": regions})


@MODES
def test_cloudflare_lists_no_fenced_region_and_falls_back_to_no_standby(mode: str, tmp_path: Path) -> None:
    for spec, meant, traffic, active in over_all_states(tmp_path, mode, cloudflare()):
        plan = cf.plan(spec, cloudflare_spec.read(spec), meant)
        balancer = plan.load_balancer
        lists = [balancer["default_pools"], *balancer.get("region_pools", {}).values()]
        open_ones = {region for region in REGIONS if traffic[region] != "fence"}
        for one in lists:
            assert set(one) == (open_ones or set(REGIONS)), (traffic, active)
        if mode == "active-passive":
            assert balancer["fallback_pool"] == active, (traffic, active)
            assert balancer["default_pools"][0] == active or traffic[active] == "fence", (traffic, active)
        elif "serve" in traffic.values():
            assert traffic[balancer["fallback_pool"]] == "serve", (traffic, active)
        for region, pool in plan.pools.items():
            assert pool["enabled"] == (traffic[region] != "fence"), (traffic, active)
            assert [origin["enabled"] for origin in pool["origins"]] == [traffic[region] == "serve"], (traffic, active)


@MODES
def test_route_53_has_a_record_of_every_region_that_is_not_fenced_and_weighs_the_active_one(
    mode: str, tmp_path: Path
) -> None:
    for spec, meant, traffic, active in over_all_states(tmp_path, mode, route53()):
        plan = r53.plan(spec, r53.read(spec), meant)
        assert set(plan.records) == {region for region in REGIONS if traffic[region] != "fence"}, (traffic, active)
        switches = {region: one["child_health_threshold"] for region, one in plan.switches.items()}
        assert switches == {region: 1 if traffic[region] == "serve" else 2 for region in REGIONS}, (traffic, active)
        if mode == "active-passive":
            weights = {region: one.inputs["weighted_routing_policies"] for region, one in plan.records.items()}
            assert weights == {region: [{"weight": int(region == active)}] for region in plan.records}, (
                traffic,
                active,
            )


@MODES
def test_global_accelerator_opens_no_dial_of_a_standby_or_of_a_region_that_does_not_serve(
    mode: str, tmp_path: Path
) -> None:
    for spec, meant, traffic, active in over_all_states(tmp_path, mode, accelerator(*REGIONS)):
        plan = ga.plan(spec, ga.read(spec), meant)
        dials = {region: one["traffic_dial_percentage"] for region, one in plan.groups.items()}
        serving = {region for region in REGIONS if traffic[region] == "serve"}
        opened = serving if mode == "active-active" else serving & {active}
        assert dials == {region: 100 if region in opened else 0 for region in REGIONS}, (traffic, active)
        assert plan.open == {region for region in REGIONS if traffic[region] != "fence"}, (traffic, active)


@MODES
@pytest.mark.parametrize("region", REGIONS)
def test_external_dns_asks_for_a_record_of_every_region_that_serves(region: str, mode: str, tmp_path: Path) -> None:
    for spec, meant, traffic, active in over_all_states(tmp_path, mode, external_dns(region)):
        endpoints = dns.plan(spec, dns.read(spec), meant).manifest["spec"]["endpoints"]
        assert [one["setIdentifier"] for one in endpoints] == [region][: traffic[region] == "serve"], (traffic, active)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (cloudflare(), "HK082"),
        (route53(), "HK082"),
        (route53(), "HK084"),
        (accelerator(EAST, WEST), "HK084"),
        (external_dns(EAST), "HK085"),
    ],
)
def test_what_was_accepted_of_another_state_stops_nothing(args: dict[str, Any], code: str, tmp_path: Path) -> None:
    states: tuple[dict[str, str], ...] = ({}, {WEST: "fence"}, {EAST: "fence"})
    for traffic in states:
        run(tmp_path, {**args, "accept": {code: "known"}}, EAST, WEST, traffic=traffic)


def test_what_no_state_raises_is_still_an_error_to_accept(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="HK033"):
        run(tmp_path, cloudflare(accept={"HK084": "known"}), EAST, WEST)
