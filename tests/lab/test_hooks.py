"""A chart's migration hook, counted: once at the installation and once an upgrade, when it is adopted as when hakit has
installed it, and never by a preview or a refresh. That it is held back in a standby is in `test_engine`.

Each run is a Job of its own. They are counted by the events of the controller that makes their pods: events outlive the
Jobs, which Helm deletes before the next run. Pods are simulated: nothing migrates.
"""

import shutil
from typing import Any

import pytest

from tests.lab import shop
from tests.lab import test_adoption as adoption
from tests.lab.test_adoption import System

pytestmark = [pytest.mark.lab, pytest.mark.long]

region = adoption.region
system = adoption.system

_WAREHOUSE: dict[str, Any] = {
    "chart": "charts/warehouse",
    "namespace": "shop",
    "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
    "workloads": {"warehouse-api": {"replicas": 3}, "warehouse-worker": {"replicas": 3}},
    "values": {"image": {"tag": "5.0.2"}},
}


def _with_its_chart(system: System) -> None:
    shutil.copytree(shop.ROOT / "examples" / "charts" / "warehouse", system.engine.project / "charts" / "warehouse")


def _ran(system: System, times: int) -> None:
    """Exactly so many Jobs have had a pod made, one each, and the newest has succeeded."""
    job = system.region.client.get("batch/v1", "Job", "warehouse-migration", "shop")
    assert job["status"]["succeeded"] == 1
    found = system.region.wait_for(
        f"events of {times} runs",
        lambda: _pods_made(system),
        lambda made: job["metadata"]["uid"] in made and len(made) >= times,
    )
    assert list(found.values()) == [1] * times


def _pods_made(system: System) -> dict[str, int]:
    """By the uid of a Job, how many pods were made for it."""
    made: dict[str, int] = {}
    for event in system.region.client.list("v1", "Event", "shop"):
        if event["involvedObject"]["kind"] == "Job" and event["reason"] == "SuccessfulCreate":
            uid = event["involvedObject"]["uid"]
            made[uid] = made.get(uid, 0) + event.get("count", 1)
    return made


def test_a_hook_runs_once_at_the_adoption_and_once_an_upgrade(system: System):
    _with_its_chart(system)
    folder = system.engine.project / "charts" / "warehouse"
    where = ("--namespace", "shop", "--wait", "--timeout", "90s", "--set", "image.tag=5.0.2")
    system.helm.run("install", "warehouse", folder, *where)
    _ran(system, 1)

    system.program("warehouse", _WAREHOUSE | {"adopt": "release"})
    system.up()
    _ran(system, 2)
    system.nothing_to_do()
    _ran(system, 2)

    system.program("warehouse", _WAREHOUSE | {"adopt": "release", "values": {"image": {"tag": "5.0.3"}}})
    system.up()
    _ran(system, 3)
    system.nothing_to_do()
    _ran(system, 3)


def test_a_hook_that_is_held_back_never_runs(system: System):
    _with_its_chart(system)
    declared = {"topology": "stacks/topology.prod.yaml", "pair": "shop", "scope": "us-east-1"}
    workloads = {f"warehouse-{name}": {"active": {"replicas": 3}} for name in ("api", "worker")}
    asked = _WAREHOUSE | declared | {"workloads": workloads}
    held = asked | {"active": {"hooks": "hold"}}
    system.program("warehouse", held)
    system.up()
    system.program("warehouse", held | {"values": {"image": {"tag": "5.0.3"}}})
    system.up()
    assert system.region.client.find("batch/v1", "Job", "warehouse-migration", "shop") is None
    assert _pods_made(system) == {}

    system.program("warehouse", asked | {"values": {"image": {"tag": "5.0.3"}}})
    system.up()
    _ran(system, 1)
