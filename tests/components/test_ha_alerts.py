"""HaAlerts as a program registers it."""

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
from tests.unit.alerts.given import ARGUMENTS, WEST
from tests.unit.topology.example import EXAMPLE

ROOT = Path(__file__).parents[2]


def watched(root: Path, *, provided: bool = True, **arguments: Any) -> Recording:
    (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (root / "topology.yaml").write_text(EXAMPLE)

    def program() -> None:
        args: Any = {**ARGUMENTS, **arguments}
        provider = hakit.kubernetes_provider("topology.yaml", "us-east-1") if provided else None
        made = hakit.HaAlerts("ha", args, pulumi.ResourceOptions(provider=provider))
        pulumi.export("alerts", made.alerts)

    return record(program, root=root)


def test_a_region_has_a_rule_of_its_own_and_one_of_all_regions(tmp_path: Path) -> None:
    found = {each.name: each for each in watched(tmp_path).resources if each.type.endswith(":PrometheusRule")}
    assert {name: each.inputs["metadata"]["name"] for name, each in found.items()} == {
        "ha-rules": "ha",
        "ha-all-regions": "ha-all-regions",
    }
    assert all(each.parent.endswith("hakit:index:HaAlerts::ha") for each in found.values())
    groups = found["ha-rules"].inputs["spec"]["groups"]
    assert [each["name"] for each in groups] == [
        "hakit-ha-apps",
        "hakit-ha-databases",
        "hakit-ha-backups",
        "hakit-ha-stores",
    ]


def test_a_program_can_read_which_alerts_there_are(tmp_path: Path) -> None:
    found = watched(tmp_path).exports["alerts"]
    assert found == sorted(set(found))
    assert {"HaTwoPrimaries", "HaBackupNeverRan", "HaZoneWithoutPods"} <= set(found)


def test_nothing_is_registered_when_an_argument_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        watched(tmp_path, topology=None)
    with pytest.raises(HakitError, match="drills"):
        watched(tmp_path, drills={"last": "yesterday"})


def test_a_dashboard_is_made_where_one_is_asked_for(tmp_path: Path) -> None:
    def config_maps(**arguments: Any) -> dict[str, Any]:
        found = watched(tmp_path, **arguments).resources
        return {each.name: each.inputs["metadata"] for each in found if each.type.endswith(":ConfigMap")}

    assert config_maps() == {}
    (made,) = config_maps(dashboard={}).items()
    assert made[0] == "ha-dashboard"
    assert made[1]["labels"]["grafana_dashboard"] == "1"


def test_a_dashboard_that_is_too_large_is_refused_and_the_alerts_alone_are_not(tmp_path: Path) -> None:
    many = {f"app-{number}": {"active": {"replicas": 6, "needs": 4}} for number in range(300)}
    with pytest.raises(HakitError, match="larger than a ConfigMap may be"):
        watched(tmp_path, apps=many, dashboard={})
    assert watched(tmp_path, apps=many).exports["alerts"]


def drill_limit(found: Recording) -> str:
    rules = [rule for each in found.resources if each.name == "ha-rules" for group in each.inputs["spec"]["groups"]
             for rule in group["rules"]]  # fmt: skip
    (alert,) = [rule for rule in rules if rule["alert"] == "HaDrillTooOld"]
    return alert["expr"]


def test_the_last_drill_is_the_one_that_passed_in_the_folder_of_those_that_were_held(tmp_path: Path) -> None:
    folder = tmp_path / "drills" / "prod" / "shop"
    drills = {"history": "drills/prod/shop", "every": "90d"}
    assert "time() - 0)" in drill_limit(watched(tmp_path, drills=drills)), "without one it fires at once"
    folder.mkdir(parents=True)
    for name, outcome in (("20261001T120000Z", "passed"), ("20261124T120000Z", "failed")):
        held = {"started": f"{name[:4]}-{name[4:6]}-{name[6:8]}T12:00:00+00:00", "outcome": outcome}
        (folder / f"{name}.json").write_text(json.dumps(held))
    # 2026-10-01 in seconds since 1970
    assert "time() - 1790812800)" in drill_limit(watched(tmp_path, drills=drills))


def test_a_day_and_a_folder_of_drills_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="last and history contradict"):
        watched(tmp_path, drills={"history": "drills", "last": "2026-10-01"})
    with pytest.raises(HakitError, match=r"drills\.history: not a folder"):
        watched(tmp_path, drills={"history": 7})


def test_it_goes_to_no_cluster_that_nobody_named(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="provider"):
        watched(tmp_path, provided=False)
    with pytest.raises(HakitError, match=WEST):
        watched(tmp_path, scope=WEST)


def test_the_example_has_no_finding_and_watches_each_region_by_its_role() -> None:
    command = [sys.executable, "-m", "hakit.cli", "preview", "examples/alerts", "--strict", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {stack["stack"]: set(stack["exports"]["alerts"]) for stack in json.loads(done.stdout)["stacks"]}
    assert found["prod-us-west-2"] - found["prod-us-east-1"] == {"HaWritableStandby"}
    assert found["prod-us-east-1"] - found["prod-us-west-2"] == {"HaVeleroBackupTooOld"}
