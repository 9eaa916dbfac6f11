"""A region whose cluster swallows all that is sent to it: its `up` ends in time, and says which region and what to do.

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
from tests.lab.conftest import need
from tests.lab.pages import block, section
from tests.lab.write_states import STATES

pytestmark = pytest.mark.lab

EAST = "prod-us-east-1"
#: The section of docs/interrupted.md.
_SILENT = "A region does not answer"
#: What the provider says itself, and what docs/interrupted.md knows it by.
_SAID = {
    "up": "configured Kubernetes cluster is unreachable",
    "refresh": "failed to read resource state due to unreachable cluster",
}


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("up", []),
        pytest.param("up", ["--continue-on-error"], marks=pytest.mark.long),
        pytest.param("refresh", [], marks=pytest.mark.long),
    ],
)
def test_a_region_that_swallows_everything_ends_in_time_and_is_named(tmp_path: Path, command: str, options: list[str]):
    need("pulumi")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(_kubeconfig(silent.getsockname()[1])), encoding="utf-8")
        with Engine(tmp_path / "engine", {"prod-use1": kubeconfig, "prod-usw2": kubeconfig}) as engine:
            program = engine.project / "stacks" / "region.py"
            text = program.read_text(encoding="utf-8")
            for old, new in (('"tag": "2.4.1"', '"tag": "2.4.2"'), ('"tag": "5.0.2"', '"tag": "5.0.3"')):
                assert text.count(old) == 1
                text = text.replace(old, new)
            program.write_text(text, encoding="utf-8")
            with engine.stack(EAST) as opened:
                opened.import_stack(auto.Deployment(**json.loads((STATES / f"{EAST}.json").read_text())))
                before = opened.export_stack().deployment["resources"]
                started = time.monotonic()
                with pytest.raises(auto.CommandError) as refused:
                    engine.run(opened, command, "--stack", EAST, "--yes", "--skip-preview", *options)
                took = time.monotonic() - started
                after = opened.export_stack().deployment
    print(f"{command} of a region that swallows everything: {took:.0f} s")
    assert took < 100, "two limits of 10 s, and a busy machine"
    said = str(refused.value)
    assert _SAID[command] in said
    assert f"hakit-reference-{EAST}" in said, "the stack's name is the region's"
    assert _SAID[command] in _unfolded(section("interrupted", _SILENT)), "the page says what to do"
    if command == "up":
        told = block("interrupted", _SILENT, "text")
        assert told.startswith("error: the cluster of region us-east-1 could not be reached")
        assert _unfolded(told) in _unfolded(said), "docs/interrupted.md quotes it"
        diagnostics = said.partition("Diagnostics:")[2]
        assert diagnostics.count("could not be reached") == 1
        assert diagnostics.count(_SAID[command]) >= (2 if options else 1), "once for all resources that failed"
    assert not after.get("pending_operations"), "the next up goes on"
    assert {each["urn"] for each in before} <= {each["urn"] for each in after["resources"]}, "nothing is forgotten"


@pytest.mark.long
def test_a_destroy_without_the_program_still_says_why_it_failed(tmp_path: Path):
    """The state knows of hakit's hook, and `destroy` runs no program that has it."""
    need("pulumi")
    state = json.loads((STATES / f"{EAST}.json").read_text(encoding="utf-8"))
    (release,) = [each for each in state["deployment"]["resources"] if each["urn"].endswith("shop-storefront-release")]
    release["resourceHooks"] = {"OnError": ["hakit-unreachable-us-east-1"]}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(1)), encoding="utf-8")  # nobody listens there
    clusters = {"prod-use1": kubeconfig, "prod-usw2": kubeconfig}
    with Engine(tmp_path / "engine", clusters) as engine, engine.stack(EAST) as opened:
        opened.import_stack(auto.Deployment(**state))
        with pytest.raises(auto.CommandError) as refused:
            engine.run(opened, "destroy", "--stack", EAST, "--yes", "--skip-preview", "--target", release["urn"])
        after = opened.export_stack().deployment["resources"]
    assert _SAID["up"] in str(refused.value)
    assert "hook" not in str(refused.value), "nobody misses it"
    assert release["urn"] in [each["urn"] for each in after]


def _unfolded(text: str) -> str:
    """Lines are folded for a page's width, and indented beneath the resource that they belong to."""
    return " ".join(text.split())


def _kubeconfig(port: int) -> dict[str, object]:
    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority": certifi.where()}
    return {"clusters": [{"cluster": server}], "users": [{"user": {"token": "none"}}]}
