"""`hakit adopt` beside a cluster: what it says before an adoption is what the adoption then does."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.lab import test_adoption as adoption
from tests.lab.test_adoption import _ORDERS, STACK, System

pytestmark = [pytest.mark.lab, pytest.mark.long]

region = adoption.region
system = adoption.system


def _looked(system: System) -> tuple[int, dict[str, Any]]:
    """The exit code, and the verdict of each object."""
    command = [sys.executable, "-m", "hakit.cli", "adopt", "orders", ".", "--stack", STACK, "--format", "json"]
    with system.engine.stack(STACK) as stack:
        environment = system.engine.environment(stack)
        cwd = system.engine.project
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {each["object"]: each for each in json.loads(done.stdout)["objects"]}


def test_what_an_adoption_would_change_is_what_it_changes(system: System):
    adoption._installed(system)
    system.program("orders", _ORDERS | {"adopt": "release"})
    before, pods = system.objects(), system.pods()
    code, found = _looked(system)
    assert code == 0
    assert (found["Deployment/web"]["verdict"], found["Deployment/web"]["pods"]) == ("changed", True)
    assert "spec.template.spec.topologySpreadConstraints" in found["Deployment/web"]["fields"]
    assert found["PodDisruptionBudget/web"]["verdict"] == "new"
    assert not any(each["data"] for each in found.values())
    assert (system.objects(), system.pods()) == (before, pods), "it only looks"

    system.up()
    code, found = _looked(system)
    assert code == 0
    assert {each["verdict"] for each in found.values()} == {"same"}, "and afterwards nothing is left to change"
