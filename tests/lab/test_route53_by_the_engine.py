"""examples/edge-route53 by the real Pulumi engine in the lab's AWS: made, read back with boto3, changed by the
topology, and left alone by an update that has nothing to do.

What this does not prove: what Route 53 refuses beyond what moto does, what its checkers find and its name servers say.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pytest

from lab.harness.engine import PROJECT, Engine
from lab.harness.tools import ROOT
from tests.lab.conftest import need

pytestmark = [pytest.mark.lab, pytest.mark.long]

EXAMPLE = ROOT / "examples" / "edge-route53"
EAST, WEST = "us-east-1", "us-west-2"
#: The hosted zone is not the example's to make.
ZONE = """
import pulumi
import pulumi_aws as aws

zone = aws.route53.Zone("zone", name="example.com")
pulumi.export("id", zone.zone_id)
"""


@dataclass
class System:
    """The example's stack, and what Route 53 holds."""

    engine: Engine
    zone: str
    original: str

    def up(self, text: str) -> dict[str, int]:
        """Write the topology and apply it; what happened to how many resources."""
        self._topology.write_text(text, encoding="utf-8")
        with self._stack() as stack:
            return {kind: number for kind, number in _changes(stack).items() if kind != "same"}

    def unchanged(self) -> None:
        with self._stack() as stack:
            stack.preview(expect_no_changes=True)
            # What the cloud holds is what the state says, as the provider reads it.
            stack.refresh(expect_no_changes=True)

    def destroy(self) -> None:
        with self._stack() as stack:
            stack.destroy()

    def records(self) -> dict[str, dict[str, Any]]:
        """By set identifier, as the API lists them."""
        found = self._dns.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return {one["SetIdentifier"]: one for one in found if "SetIdentifier" in one}

    def checks(self) -> dict[str, dict[str, Any]]:
        """By id, as the API lists them."""
        return {one["Id"]: one["HealthCheckConfig"] for one in self._dns.list_health_checks()["HealthChecks"]}

    def switch(self, region: str) -> dict[str, Any]:
        """The calculated check that the region's record asks."""
        return self.checks()[self.records()[region]["HealthCheckId"]]

    def weights(self) -> dict[str, int]:
        return {name: one["Weight"] for name, one in self.records().items()}

    @property
    def _dns(self) -> Any:
        return self.engine.aws("route53", EAST)

    @property
    def _topology(self) -> Path:
        return self.engine.project / "topology.yaml"

    def _stack(self) -> Any:
        return self.engine.stack("prod")


def _changes(stack: auto.Stack) -> dict[str, int]:
    return dict(stack.up().summary.resource_changes or {})


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need("pulumi")
    with Engine(tmp_path_factory.mktemp("route53") / "edge") as engine:
        program = engine.project / "stacks" / "__main__.py"
        program.write_text(ZONE, encoding="utf-8")
        with engine.stack("zone") as stack:
            stack.set_config("aws:region", auto.ConfigValue(EAST))
            zone = stack.up().outputs["id"].value
        shutil.copy(EXAMPLE / "__main__.py", program)
        with engine.stack("prod") as stack:
            stack.set_config("aws:region", auto.ConfigValue(WEST))
            stack.set_config(f"{PROJECT}:zoneId", auto.ConfigValue(zone))
        yield System(engine, zone, (EXAMPLE / "topology.yaml").read_text(encoding="utf-8"))


def test_the_first_update_makes_checks_and_records_as_declared(system: System) -> None:
    assert system.up(system.original) == {"create": 8}, "stack, component, two checks, two switches, two records"
    assert system.weights() == {EAST: 1, WEST: 0}
    for region in (EAST, WEST):
        record = system.records()[region]
        assert (record["Name"], record["Type"], record["TTL"]) == ("shop.example.com.", "CNAME", 60)
        assert record["ResourceRecords"] == [{"Value": f"{region}.origin.shop.example.com"}]
        switch = system.switch(region)
        assert (switch["Type"], switch["HealthThreshold"]) == ("CALCULATED", 1)
        (child,) = switch["ChildHealthChecks"]
        check = system.checks()[child]
        assert (check["Type"], check["Port"], check["ResourcePath"]) == ("HTTPS", 443, "/ready")
        assert (check["RequestInterval"], check["FailureThreshold"], check["EnableSNI"]) == (10, 3, True)
        assert check["FullyQualifiedDomainName"] == f"{region}.origin.shop.example.com"


def test_a_second_update_has_nothing_to_do(system: System) -> None:
    assert system.up(system.original) == {}
    system.unchanged()


@pytest.mark.parametrize(
    ("word", "changes", "left"),
    [("drain", {"update": 1}, [EAST, WEST]), ("fence", {"update": 1, "delete": 1}, [EAST])],
)
def test_a_region_is_taken_out_and_put_back(
    system: System, word: str, changes: dict[str, int], left: list[str]
) -> None:
    """A drain asks for two healthy children of one; a fence takes the record away too."""
    before, checks = system.records(), system.checks()
    assert system.up(_with(system.original, WEST, word)) == changes
    assert sorted(system.records()) == left
    switch = system.checks()[before[WEST]["HealthCheckId"]]
    assert switch["HealthThreshold"] == 2, "one healthy child more than there are"
    assert system.switch(EAST) == checks[before[EAST]["HealthCheckId"]], "the other region is not touched"
    system.unchanged()
    system.up(system.original)
    assert (system.records(), system.checks()) == (before, checks), "the very same, under the same ids"
    system.unchanged()


def test_a_handover_changes_two_weights_in_place(system: System) -> None:
    before = {name: one["HealthCheckId"] for name, one in system.records().items()}
    entry = "handovers: [{kind: failover, to: us-west-2, accept_loss: 30s}]"
    assert system.up(system.original.replace("handovers: []", entry)) == {"update": 2}
    assert system.weights() == {EAST: 0, WEST: 1}
    assert {name: one["HealthCheckId"] for name, one in system.records().items()} == before
    system.unchanged()


def test_destroy_leaves_nothing_of_it(system: System) -> None:
    system.destroy()
    assert (system.records(), system.checks()) == ({}, {})


def _with(topology: str, region: str, word: str) -> str:
    found = topology.replace(f"  {region}:\n", f"  {region}:\n    traffic: {word}\n", 1)
    assert found != topology
    return found
