"""A region whose cluster swallows all that is sent to it: its `up` ends in time, and says which region it is.

Packets that are dropped on their way (a cut cable) end by the same limit: the test's server takes the connection and
never says a word, which is the longer wait of the two.
"""

import json
import socket
import time
from pathlib import Path

import certifi
import pulumi.automation as auto
import pytest

from lab.harness.engine import Engine
from lab.harness.tools import ROOT
from tests.lab.conftest import need
from tests.lab.write_states import STATES

pytestmark = pytest.mark.lab

EAST = "prod-us-east-1"
_SAID = "configured Kubernetes cluster is unreachable"


@pytest.mark.parametrize("command", ["up", "refresh"])
def test_a_region_that_swallows_everything_ends_in_time_and_is_named(tmp_path: Path, command: str):
    need("pulumi")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(_kubeconfig(silent.getsockname()[1])), encoding="utf-8")
        with Engine(tmp_path / "engine", {"prod-use1": kubeconfig, "prod-usw2": kubeconfig}) as engine:
            program = engine.project / "stacks" / "region.py"
            text = program.read_text(encoding="utf-8")
            assert text.count('"tag": "2.4.1"') == 1
            program.write_text(text.replace('"tag": "2.4.1"', '"tag": "2.4.2"'), encoding="utf-8")
            with engine.stack(EAST) as opened:
                opened.import_stack(auto.Deployment(**json.loads((STATES / f"{EAST}.json").read_text())))
                before = opened.export_stack().deployment["resources"]
                started = time.monotonic()
                with pytest.raises(auto.CommandError) as refused:
                    engine.run(opened, command, "--stack", EAST, "--yes", "--skip-preview")
                took = time.monotonic() - started
                after = opened.export_stack().deployment
    print(f"{command} of a region that swallows everything: {took:.0f} s")
    assert took < 100, "two limits of 10 s, and a busy machine"
    assert _SAID in str(refused.value)
    assert f"hakit-reference-{EAST}" in str(refused.value), "the stack's name is the region's"
    assert _SAID in (ROOT / "docs" / "interrupted.md").read_text(encoding="utf-8"), "the page says what to do"
    assert not after.get("pending_operations"), "the next up goes on"
    assert {each["urn"] for each in before} <= {each["urn"] for each in after["resources"]}, "nothing is forgotten"


def _kubeconfig(port: int) -> dict[str, object]:
    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority": certifi.where()}
    return {"clusters": [{"cluster": server}], "users": [{"user": {"token": "none"}}]}
