"""A load balancer on Route 53, made by hakit's own component, in moto, and read back with boto3.

What this does not prove: what Route 53 refuses beyond what moto does, what its health checkers find, and what its name
servers answer.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.testing import Recording
from lab.providers.aws import Aws
from lab.providers.aws_session import Session
from lab.providers.store import Store
from tests.lab.provider import Asked, asked
from tests.traffic.shop import route53, run

pytestmark = pytest.mark.lab

EAST, WEST, DUBLIN = "us-east-1", "us-west-2", "eu-west-1"
REGIONS = (EAST, WEST, DUBLIN)
FAILOVER = f"kind: failover, to: {WEST}, accept_loss: 30s"


class Deployed:
    """What a program registered, made in the cloud and updated as the engine does it: deletions come last."""

    def __init__(self, aws: Asked, session: Session, zone: str) -> None:
        self._aws, self._zone = aws, zone
        self._dns = session.client("route53", EAST)
        self._made: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {}

    def up(self, recording: Recording) -> dict[str, str]:
        """What was done to each resource that is not as it was."""
        done: dict[str, str] = {}
        wanted = {one.name: one for one in recording.resources if one.custom}
        for name, one in wanted.items():
            inputs = self._resolved(dict(one.inputs))
            assert self._aws.check(one.type, inputs) == {}, name
            if name not in self._made:
                identity, state = self._aws.create(one.type, inputs)
                self._made[name] = (one.type, identity, inputs, state)
                done[name] = "created"
            elif inputs != self._made[name][2]:
                type_, identity, old, state = self._made[name]
                assert self._aws.diff(type_, old, inputs) == [], f"{name} would go before it comes again"
                self._made[name] = (type_, identity, inputs, self._aws.update(type_, identity, state, old, inputs))
                done[name] = "changed"
        for name in [name for name in self._made if name not in wanted]:
            type_, identity, _, state = self._made.pop(name)
            self._aws.delete(type_, identity, state)
            done[name] = "deleted"
        return done

    def _resolved(self, value: Any) -> Any:
        """With the ids that the cloud gave in place of the recording's `<name>-id`."""
        if isinstance(value, dict):
            return {key: self._zone if key == "zoneId" else self._resolved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        if isinstance(value, str) and value.removesuffix("-id") in self._made:
            return self._made[value.removesuffix("-id")][1]
        return value

    def records(self) -> dict[str, dict[str, Any]]:
        """By set identifier, as the API lists them."""
        found = self._dns.list_resource_record_sets(HostedZoneId=self._zone)["ResourceRecordSets"]
        return {one["SetIdentifier"]: one for one in found if "SetIdentifier" in one}

    def check(self, name: str) -> dict[str, Any]:
        identity = self._made[name][1]
        return dict(self._dns.get_health_check(HealthCheckId=identity)["HealthCheck"]["HealthCheckConfig"])

    def id(self, name: str) -> str:
        return self._made[name][1]


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    session = Session()
    try:
        with asked(Aws(Store(tmp_path / "cloud.sqlite"), session)) as aws:
            aws.configure({"region": EAST})
            zone, _ = aws.create("aws:route53/zone:Zone", {"name": "example.com"})
            yield Deployed(aws, session, zone)
    finally:
        session.close()


def test_checks_and_weighted_records_are_there_as_declared(deployed: Deployed, tmp_path: Path) -> None:
    deployed.up(run(tmp_path, route53(), *REGIONS))
    assert {name: one["Weight"] for name, one in deployed.records().items()} == {EAST: 1, WEST: 0, DUBLIN: 0}
    record = deployed.records()[WEST]
    assert (record["Name"], record["Type"], record["TTL"]) == ("shop.example.com.", "CNAME", 60)
    assert record["ResourceRecords"] == [{"Value": "us-west-2.origin.shop.example.com"}]
    assert record["HealthCheckId"] == deployed.id("shop-switch-us-west-2")
    check = deployed.check("shop-check-us-west-2")
    assert (check["Type"], check["FullyQualifiedDomainName"]) == ("HTTPS", "us-west-2.origin.shop.example.com")
    assert (check["ResourcePath"], check["RequestInterval"], check["FailureThreshold"]) == ("/ready", 10, 3)
    switch = deployed.check("shop-switch-us-west-2")
    assert (switch["Type"], switch["HealthThreshold"]) == ("CALCULATED", 1)
    assert switch["ChildHealthChecks"] == [deployed.id("shop-check-us-west-2")]


def test_a_second_update_has_nothing_to_do(deployed: Deployed, tmp_path: Path) -> None:
    deployed.up(run(tmp_path, route53(), *REGIONS))
    assert deployed.up(run(tmp_path, route53(), *REGIONS)) == {}


def test_a_drain_changes_the_number_of_one_switch_in_place(deployed: Deployed, tmp_path: Path) -> None:
    deployed.up(run(tmp_path, route53(), *REGIONS))
    assert deployed.up(run(tmp_path, route53(), *REGIONS, traffic={WEST: "drain"})) == {
        "shop-switch-us-west-2": "changed"
    }
    assert [deployed.check(f"shop-switch-{region}")["HealthThreshold"] for region in REGIONS] == [1, 2, 1]


def test_a_fence_takes_the_record_away_and_serving_brings_it_back(deployed: Deployed, tmp_path: Path) -> None:
    deployed.up(run(tmp_path, route53(), *REGIONS))
    deployed.up(run(tmp_path, route53(), *REGIONS, traffic={WEST: "fence"}))
    assert sorted(deployed.records()) == [DUBLIN, EAST]
    deployed.up(run(tmp_path, route53(), *REGIONS))
    assert sorted(deployed.records()) == [DUBLIN, EAST, WEST]


def test_a_handover_changes_two_weights_in_place(deployed: Deployed, tmp_path: Path) -> None:
    deployed.up(run(tmp_path, route53(), *REGIONS))
    done = deployed.up(run(tmp_path, route53(), *REGIONS, handovers=(FAILOVER,)))
    assert done == {"shop-record-us-east-1": "changed", "shop-record-us-west-2": "changed"}
    assert {name: one["Weight"] for name, one in deployed.records().items()} == {EAST: 0, WEST: 1, DUBLIN: 0}


def test_failover_records_keep_their_places_and_change_what_they_hold(deployed: Deployed, tmp_path: Path) -> None:
    args = route53(steering="failover")
    deployed.up(run(tmp_path, args, EAST, WEST))
    done = deployed.up(run(tmp_path, args, EAST, WEST, handovers=(FAILOVER,)))
    assert done == {"shop-record-primary": "changed", "shop-record-secondary": "changed"}
    held = {one["Failover"]: one["ResourceRecords"][0]["Value"] for one in deployed.records().values()}
    assert held == {
        "PRIMARY": "us-west-2.origin.shop.example.com",
        "SECONDARY": "us-east-1.origin.shop.example.com",
    }


def test_latency_records_name_their_region(deployed: Deployed, tmp_path: Path) -> None:
    deployed.up(run(tmp_path, route53(), *REGIONS, mode="active-active"))
    assert {name: one["Region"] for name, one in deployed.records().items()} == {name: name for name in REGIONS}
