"""`hakit mend` against what the real Helm leaves when it is killed at work, by docs/interrupted.md; no real nodes."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lab.harness import Helm, HelmError, LabRegion
from lab.harness.tools import tool
from tests.lab.conftest import need
from tests.lab.pages import blocks

pytestmark = [pytest.mark.lab, pytest.mark.long]

_PAGE = "The engine died in the middle of a release"
_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.org/web:{{ .Values.tag }}"}]}
"""


class Release:
    """A release `orders` of one Deployment, and Helm at work on it until somebody kills it."""

    def __init__(self, region: LabRegion, namespace: str, helm: Helm, folder: Path) -> None:
        self.region, self.namespace, self.helm, self._folder = region, namespace, helm, folder
        self.chart = folder / "orders"
        (self.chart / "templates").mkdir(parents=True)
        (self.chart / "Chart.yaml").write_text("apiVersion: v2\nname: orders\nversion: 1.0.0\n", encoding="utf-8")
        (self.chart / "templates" / "web.yaml").write_text(_WEB, encoding="utf-8")

    def words(self, verb: str, tag: int) -> list[str]:
        chart = ["1"] if verb == "rollback" else [str(self.chart), "--set-string", f"tag={tag}"]
        return [verb, "orders", *chart, "--namespace", self.namespace, "--wait", "--timeout", "120s"]

    def run(self, verb: str, tag: int) -> None:
        self.helm.run(*self.words(verb, tag))

    def killed(self, verb: str, tag: int) -> None:
        """No node takes a new pod, so that Helm waits; it dies there."""
        self._cordon()
        helm = subprocess.Popen([str(tool("helm")), *self.words(verb, tag)], env=self.helm._environment)
        with helm:
            self.region.wait_for("a pod without a node", self._waiting, bool, seconds=120)
            helm.kill()
        self._cordon(off=True)
        self.region.wait_for("pods", self.region_pods, lambda found: len(found) == 2)

    def _cordon(self, *, off: bool = False) -> None:
        for each in self.region.nodes():
            self.region.cordon(each["metadata"]["name"], off=off)

    def _waiting(self) -> list[str]:
        pods = self.region.pods(self.namespace)
        return [each["metadata"]["name"] for each in pods if not each["spec"].get("nodeName")]

    def region_pods(self) -> dict[str, str]:
        """Those that are there to stay and ready, by uid; empty while one is on its way."""
        pods = [each for each in self.region.pods(self.namespace) if "deletionTimestamp" not in each["metadata"]]
        ready = {each["metadata"]["name"] for each in self.region.ready_pods(self.namespace)}
        found = {each["metadata"]["name"]: each["metadata"]["uid"] for each in pods}
        return found if set(found) <= ready else {}

    def revisions(self) -> list[str]:
        found = self.helm.json("history", "orders", "--namespace", self.namespace)
        return [f"{each['revision']} {each['status']}" for each in found]

    def mend(self, *more: str) -> tuple[int, str]:
        """The page's command, on this cluster."""
        program, *words = shlex.split(blocks("interrupted", _PAGE, "sh")[2])
        assert (program, words) == ("hakit", ["mend", "orders", "--namespace", "shop", "--context", "prod-use1"])
        words[words.index("shop")] = self.namespace
        words[words.index("prod-use1")] = "lab"
        line = [sys.executable, "-m", "hakit.cli", *words, "--kubeconfig", str(self.region.kubeconfig), *more]
        environment = {**os.environ, "HAKIT_KUBECTL": str(tool("kubectl"))}
        done = subprocess.run(
            line, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def release(region: LabRegion, namespace: str, helm: Helm, tmp_path: Path) -> Release:
    need("kubectl")
    return Release(region, namespace, helm, tmp_path)


@pytest.mark.parametrize("verb", ["install", "upgrade", "rollback"])
def test_a_release_that_helm_left_pending_is_mended_and_can_be_deployed_again(release: Release, verb: str):
    for tag in {"install": [], "upgrade": [1], "rollback": [1, 2]}[verb]:
        release.run("upgrade" if tag == 2 else "install", tag)
    release.killed(verb, 3)
    pods, revisions = release.region_pods(), release.revisions()
    assert revisions[-1] == f"{len(revisions)} pending-{verb}"
    with pytest.raises(HelmError, match=r"another operation \(install/upgrade/rollback\) is in progress"):
        release.run("upgrade", 4)

    code, said = release.mend()
    assert code == 1
    assert f"{release.namespace}/orders  revision {len(revisions)} is pending-{verb} since" in said
    assert "begun less than 900 seconds ago" in said
    assert release.mend("--yes")[0] == 1, "somebody may be at work"
    assert release.mend("--after", "0")[0] == 1, "nobody said yes"
    assert release.revisions() == revisions, "looking changes nothing"

    code, said = release.mend("--after", "0", "--yes")
    assert code == 0, said
    assert release.revisions() == [*revisions[:-1], f"{len(revisions)} failed"]
    assert release.region_pods() == pods, "no workload is touched"
    assert release.mend() == (0, "no release is pending\n")
    release.run("upgrade", 4)
    assert release.revisions()[-1] == f"{len(revisions) + 1} deployed"


def test_a_release_that_ended_is_none_of_its_business(release: Release):
    release.run("install", 1)
    assert release.mend("--after", "0", "--yes") == (0, "no release is pending\n")
    assert release.revisions() == ["1 deployed"]
