"""ChaosDrill as a program registers it, and its example."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recording, record
from tests.unit.alerts.given import EAST, WEST
from tests.unit.chaos.test_chaos import GIVEN
from tests.unit.topology.example import EXAMPLE, with_handovers

ROOT = Path(__file__).parents[2]


def drilled(root: Path, text: str = EXAMPLE, *, provided: bool = True, **arguments: Any) -> Recording:
    (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (root / "topology.yaml").write_text(text)
    scope = arguments.get("scope", EAST)

    def program() -> None:
        args: Any = {**GIVEN, **arguments}
        provider = hakit.kubernetes_provider("topology.yaml", scope) if provided else None
        made = hakit.ChaosDrill("drill", args, pulumi.ResourceOptions(provider=provider))
        pulumi.export("experiments", made.experiments)
        pulumi.export("held", made.held)

    return record(program, root=root)


def kinds(found: Recording) -> dict[str, str]:
    chaos = "kubernetes:chaos-mesh.org/v1alpha1:"
    return {each.name: each.type.removeprefix(chaos) for each in found.resources if each.type.startswith(chaos)}


def test_the_region_that_is_named_has_the_experiments_and_no_other_one(tmp_path: Path) -> None:
    assert kinds(drilled(tmp_path)) == {
        "drill-kill": "Schedule",
        "drill-zone": "Schedule",
        "drill-cut": "NetworkChaos",
        "drill-primary": "PodChaos",
    }
    west = drilled(tmp_path, scope=WEST)
    assert kinds(west) == {}
    assert west.exports == {"experiments": [], "held": ""}


def test_a_failover_takes_the_experiments_away_and_is_not_held_up_by_them(tmp_path: Path) -> None:
    found = drilled(tmp_path, with_handovers("{to: us-west-2, kind: failover, accept_loss: 30s}"))
    assert kinds(found) == {}
    assert found.exports["held"] == "a failover handover to us-west-2 is not settled"


@pytest.mark.parametrize("scope", [EAST, WEST])
def test_two_drills_of_a_program_cannot_break_both_regions(scope: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "topology.yaml").write_text(EXAMPLE)
    kill = {"kill": GIVEN["experiments"]["kill"]}

    def program(*regions: str) -> None:
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", scope))
        for number, region in enumerate(regions):
            args: Any = {**GIVEN, "scope": scope, "region": region, "experiments": kill}
            hakit.ChaosDrill(f"drill-{number}", args, opts)

    with pytest.raises(HakitError, match="another ChaosDrill breaks things in us-east-1"):
        record(lambda: program(EAST, WEST), root=tmp_path)
    assert len(kinds(record(lambda: program(EAST, EAST), root=tmp_path))) == (2 if scope == EAST else 0)
    assert len(kinds(record(lambda: program(WEST, WEST), root=tmp_path))) == (2 if scope == WEST else 0)


def test_nothing_is_registered_when_an_argument_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        drilled(tmp_path, topology=None)
    with pytest.raises(HakitError, match="namespace is missing"):
        drilled(tmp_path, namespace=None)
    with pytest.raises(HakitError, match="provider"):
        drilled(tmp_path, provided=False)


def test_the_example_breaks_things_in_one_region() -> None:
    command = [sys.executable, "-m", "hakit.cli", "preview", "examples/chaos-drill", "--strict", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {stack["stack"]: stack["exports"]["experiments"] for stack in json.loads(done.stdout)["stacks"]}
    assert found == {
        "prod-us-east-1": ["drill-one-pod", "drill-zone", "drill-primary", "drill-cut"],
        "prod-us-west-2": [],
    }
