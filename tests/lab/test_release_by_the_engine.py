"""A release by the real engine and the real helm: killed half way, mended by docs/interrupted.md, destroyed, up again.

The Kubernetes provider is the lab's stand-in, which runs the helm program and takes it along when it is killed; the
official one has Helm's library within itself. Nodes are simulated: pods that have one are ready at once.
"""

import shlex
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi.automation as auto
import pytest

from lab.harness import Helm, LabRegion
from lab.harness.client import Object
from lab.harness.engine import Engine
from lab.harness.tools import REGION_TOOLS
from lab.harness.waiting import wait_for
from tests.lab.conftest import need, running
from tests.lab.pages import blocks

pytestmark = [pytest.mark.lab, pytest.mark.long]

STACK = "prod-us-east-1"
_PROGRAMS = Path(__file__).parent / "programs"
_THERE = "Something is there already"
_PAGE = "The engine died in the middle of a release"
#: The definitions of the chart's crds/ folder, and of its templates.
_DEFINITIONS = ["orders.example.org", "shelves.example.org"]
_VOLUME: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "orders"},
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "capacity": {"storage": "1Gi"},
        "csi": {"driver": "lab.hakit", "volumeHandle": "orders"},
        "claimRef": {"namespace": "shop", "name": "orders"},
    },
}


@dataclass
class System:
    engine: Engine
    region: LabRegion
    helm: Helm

    def up(self) -> None:
        with self.engine.stack(STACK) as stack:
            assert stack.up().summary.result == "succeeded"

    def change_tag(self, old: str, new: str) -> None:
        path = self.engine.project / "stacks" / "__main__.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(f'"tag": "{old}"') == 1
        path.write_text(text.replace(f'"tag": "{old}"', f'"tag": "{new}"'), encoding="utf-8")

    def kill_an_up_that_waits_for_pods(self, status: str) -> None:
        """No node takes a new pod, so that Helm waits; engine, provider and Helm die there."""
        names = [each["metadata"]["name"] for each in self.region.nodes()]
        for name in names:
            self.region.cordon(name)
        with self.engine.stack(STACK) as stack:
            with self.engine.command(stack, "up", "--stack", STACK, "--yes", "--skip-preview") as running:
                wait_for("a pod without a node", self._waiting, seconds=180)
                assert running.poll() is None
            assert running.returncode == -signal.SIGKILL
        for name in names:
            self.region.cordon(name, off=True)
        self.region.wait_for("three pods ready", lambda: len(self.region.ready_pods("shop")), lambda count: count >= 3)
        assert self.helm.json("status", "orders", "--namespace", "shop")["info"]["status"] == status, "nobody ends it"

    def _waiting(self) -> list[Object]:
        return [each for each in self.region.pods("shop") if not each["spec"].get("nodeName")]

    def refused(self) -> str:
        """What an `up` says after `pulumi cancel` alone."""
        with self.engine.stack(STACK) as stack:
            stack.cancel()
            with pytest.raises(auto.CommandError) as refused:
                stack.up()
        return str(refused.value)

    def follow(self, commands: str) -> None:
        """The commands of the page, one after the other."""
        with self.engine.stack(STACK) as stack:
            for command in commands.splitlines():
                program, *words = shlex.split(command)
                with pytest.MonkeyPatch.context() as environment:
                    if "=" in program:
                        environment.setenv(*program.split("="))
                        program, *words = words
                    if program == "helm":
                        self.helm.run(*words)
                    else:
                        self.engine.run(stack, *words, *(["--yes"] if words[0] == "up" else []))
            stack.preview(expect_no_changes=True)

    def tags(self) -> set[str]:
        """The image's tag of every pod that is there and not on its way out."""
        pods = [each for each in self.region.pods("shop") if "deletionTimestamp" not in each["metadata"]]
        return {each["spec"]["containers"][0]["image"].partition(":")[2] for each in pods}

    def found(self, api: str, kind: str, name: str, namespace: str = "shop") -> str | None:
        """Which one is there: its uid, unless it is on its way out."""
        seen = self.region.client.find(api, kind, name, namespace)
        return None if seen is None or "deletionTimestamp" in seen["metadata"] else seen["metadata"]["uid"]

    def kept(self) -> dict[str, str | None]:
        """What outlives a release: by name, which one it is."""
        definitions = {
            each: self.found("apiextensions.k8s.io/v1", "CustomResourceDefinition", each, "") for each in _DEFINITIONS
        }
        claim = self.found("v1", "PersistentVolumeClaim", "orders")
        return definitions | {"claim": claim, "namespace": self.found("v1", "Namespace", "shop", "")}


@pytest.fixture(scope="module")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need(*REGION_TOOLS, "helm", "pulumi")
    folder = tmp_path_factory.mktemp("release")
    with running(request, "us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c"]) as region:
        region.apply([_VOLUME])
        with Engine(folder / "engine", {"prod-use1": region.kubeconfig}, _PROGRAMS / "release.py") as engine:
            shutil.copytree(_PROGRAMS / "charts", engine.project / "charts")
            yield System(engine, region, Helm(region.kubeconfig, folder))


def test_an_install_that_was_killed_is_refused_until_the_pages_commands_are_run(system: System):
    """First: the tests below start from the release that this one leaves."""
    system.kill_an_up_that_waits_for_pods("pending-install")
    kept = system.kept()
    assert None not in kept.values()
    assert blocks("interrupted", _PAGE, "text")[1].strip() in system.refused(), "docs/interrupted.md quotes it"
    assert len(system.region.ready_pods("shop")) == 3, "what runs goes on"
    system.follow(blocks("interrupted", _PAGE, "sh")[1])
    assert system.helm.json("status", "orders", "--namespace", "shop")["info"]["status"] == "deployed"
    assert system.kept() == kept, "the same claim and the same definitions"
    assert system.tags() == {"1"}


def test_an_update_that_was_killed_is_refused_until_the_pages_commands_are_run(system: System):
    kept = system.kept()
    system.change_tag("1", "2")
    system.kill_an_up_that_waits_for_pods("pending-upgrade")
    assert blocks("interrupted", _PAGE, "text")[0].strip() in system.refused(), "docs/interrupted.md quotes it"
    assert len(system.region.ready_pods("shop")) >= 3, "what runs goes on"
    system.follow(blocks("interrupted", _PAGE, "sh")[0])
    assert system.helm.json("status", "orders", "--namespace", "shop")["info"]["status"] == "deployed"
    system.region.wait_for("pods of the new version alone", system.tags, lambda seen: seen == {"2"})
    assert system.kept() == kept


def test_destroy_takes_the_pods_and_keeps_definitions_claims_and_namespace(system: System):
    """And an `up` after it takes in what was kept, by the page's commands."""
    order: Object = {"apiVersion": "example.org/v1", "kind": "Order", "metadata": {"name": "first"}}
    shelf: Object = {"apiVersion": "example.org/v1", "kind": "Shelf", "metadata": {"name": "first"}}
    system.region.apply([order, shelf], "shop")
    kept = system.kept()
    with system.engine.stack(STACK) as stack:
        stack.destroy()
        assert stack.export_stack().deployment.get("resources", []) == []
    assert system.found("apps/v1", "Deployment", "web") is None
    assert system.kept() == kept, "read back from the API server: the same ones"
    for kind in ("Order", "Shelf"):
        assert system.found("example.org/v1", kind, "first"), "a definition takes its objects along when it goes"
    with system.engine.stack(STACK) as stack, pytest.raises(auto.CommandError) as refused:
        stack.up()
    assert blocks("interrupted", _THERE, "text")[0].strip() in str(refused.value), "docs/interrupted.md quotes it"
    assert system.kept() == kept
    system.follow(blocks("interrupted", _THERE, "sh")[0])
    assert system.found("apps/v1", "Deployment", "web")
    assert system.kept() == kept
