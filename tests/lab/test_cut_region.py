"""One region's cable is cut: packets to it are dropped, and no answer says so. What `up` of each stack does.

Both regions have networks of their own; the engine and its provider run on this machine, outside of both, as CI does.
The Kubernetes provider is the lab's stand-in: it gives a cluster 10 s to answer, the official one 32 s a request
(client-go's discovery).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pulumi.automation as auto
import pytest

from lab.harness import Lab
from lab.harness.engine import Engine
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, need_network, running_lab
from tests.lab.definitions import define
from tests.lab.test_engine import EAST, STACKS, TRAFFIC, WEST

pytestmark = [pytest.mark.lab, pytest.mark.long]

_ZONES = {region: [f"{region}{letter}" for letter in "abc"] for region in ("us-east-1", "us-west-2")}


@dataclass
class System:
    """The reference system, deployed."""

    lab: Lab
    engine: Engine

    def up(self, stack: str) -> str:
        """By the command line, as a person or CI does it; what it says."""
        with self.engine.stack(stack) as opened:
            return self.engine.run(opened, "up", "--stack", stack, "--yes", "--skip-preview")

    def change_tag(self, old: str, new: str) -> None:
        path = self.engine.project / "stacks" / "region.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(f'"tag": "{old}"') == 1
        path.write_text(text.replace(f'"tag": "{old}"', f'"tag": "{new}"'), encoding="utf-8")

    def tag(self, region: str) -> str:
        """Seen by the console, which nobody cuts."""
        found = self.lab[region].client.get("apps/v1", "Deployment", "storefront", "shop")
        return found["spec"]["template"]["spec"]["containers"][0]["image"].partition(":")[2]


@pytest.fixture(scope="module")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need(*REGION_TOOLS, "helm", "pulumi")
    need_network()
    with running_lab(request, _ZONES) as lab:
        lab.everywhere(define)
        clusters = {"prod-use1": lab["us-east-1"].kubeconfig, "prod-usw2": lab["us-west-2"].kubeconfig}
        with Engine(tmp_path_factory.mktemp("engine") / "reference", clusters) as engine:
            found = System(lab, engine)
            for stack in STACKS:
                found.up(stack)
            yield found


def test_a_cut_region_stops_only_its_own_stack_and_goes_on_when_it_is_back(system: System):
    system.change_tag("2.4.1", "2.4.2")
    alive = _seconds_for(system, WEST, TRAFFIC)
    system.change_tag("2.4.2", "2.4.3")
    system.lab["us-east-1"].cut()
    try:
        dead = _seconds_for(system, WEST, TRAFFIC)
        print(f"up of the others: {alive:.1f} s with both regions, {dead:.1f} s with one cut, {dead / alive:.2f} times")
        assert system.tag("us-west-2") == "2.4.3", "the other region got its update"
        assert dead < 4 * alive + 20, "nothing waits for the cut region"
        started = time.monotonic()
        with pytest.raises(auto.CommandError) as refused:
            system.up(EAST)
        took = time.monotonic() - started
    finally:
        system.lab["us-east-1"].reconnect()
    print(f"up of the cut region's own stack ended after {took:.1f} s")
    said = str(refused.value)
    assert took < 100, "a limit of 10 s, and a busy machine"
    for part in (
        *("configured Kubernetes cluster is unreachable", "timed out"),
        "the cluster of region us-east-1 could not be reached",
        "run `pulumi up` on this stack again when it answers",
    ):
        assert part in said
    assert system.tag("us-east-1") == "2.4.1", "nothing reached it"
    system.up(EAST)
    assert system.tag("us-east-1") == "2.4.3"
    with system.engine.stack(EAST) as opened:
        opened.preview(expect_no_changes=True)


def _seconds_for(system: System, *stacks: str) -> float:
    started = time.monotonic()
    for stack in stacks:
        system.up(stack)
    return time.monotonic() - started
