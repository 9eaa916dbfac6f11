"""docs/adoption.md, followed: what runs already comes to hakit, and goes again, by the real engine, Helm and servers.

The Kubernetes provider is the lab's stand-in. Nodes are simulated: pods that have one are ready at once.
"""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pytest

from hakit.charts.manifests import dump
from hakit.charts.render import Release, render
from hakit.charts.source import load
from lab.harness import Helm, HelmError, LabRegion
from lab.harness.client import Object
from lab.harness.engine import Engine
from lab.harness.tools import REGION_TOOLS, tool
from tests.lab import pages
from tests.lab.conftest import need, running

pytestmark = [pytest.mark.lab, pytest.mark.long]

STACK = "prod-us-east-1"
_PROGRAMS = Path(__file__).parent / "programs"
_ORDERS: dict[str, Any] = {
    "chart": "charts/orders",
    "namespace": "shop",
    "zones": ["us-east-1a", "us-east-1b", "us-east-1c"],
    "replicas": 3,
    "values": {"tag": "1"},
}
_DEFINITIONS = ("orders.example.org", "shelves.example.org")


@dataclass
class System:
    engine: Engine
    region: LabRegion
    helm: Helm

    def program(self, name: str, args: dict[str, Any]) -> None:
        (self.engine.project / "stacks" / "app.json").write_text(json.dumps([name, args]), encoding="utf-8")

    def up(self) -> dict[str, int]:
        with self.engine.stack(STACK) as stack:
            return dict(stack.up().summary.resource_changes or {})

    def refused(self) -> str:
        with self.engine.stack(STACK) as stack, pytest.raises(auto.CommandError) as refused:
            stack.up()
        return str(refused.value)

    def nothing_to_do(self) -> None:
        with self.engine.stack(STACK) as stack:
            stack.preview(expect_no_changes=True)
            stack.refresh(expect_no_changes=True)
            stack.preview(expect_no_changes=True)

    def revisions(self, name: str = "orders") -> list[str]:
        found = self.helm.json("history", name, "--namespace", "shop")
        return [f"{each['revision']} {each['status']} {each['chart']}" for each in found]

    def uids(self, *kinds: tuple[str, str]) -> dict[str, str]:
        """Which objects of the namespace are there, and not on their way out."""
        found = [each for api, kind in kinds for each in self._listed(api, kind)]
        return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["uid"] for each in found}

    def _listed(self, api: str, kind: str) -> list[Object]:
        found = self.region.client.list(api, kind, "shop")
        return [each | {"kind": kind} for each in found if "deletionTimestamp" not in each["metadata"]]

    def objects(self) -> dict[str, str]:
        """What must not be made anew, whatever happens to pods."""
        kinds = ("Service", "ConfigMap", "Secret", "PersistentVolumeClaim")
        found = self.uids(*(("v1", kind) for kind in kinds), ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"))
        for name in _DEFINITIONS:
            definition = self.region.client.find("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
            if definition is not None:
                found[f"CustomResourceDefinition/{name}"] = definition["metadata"]["uid"]
        # Helm's own records, and hakit's mark of who delivers: of the release's time, neither anybody's data.
        own = ("Secret/sh.helm.release", "ConfigMap/orders-delivered-by-hakit")
        return {name: uid for name, uid in found.items() if not name.startswith(own)}

    def kubectl(self, command: str, given: str = "") -> None:
        program, *words = shlex.split(command)
        assert program == "kubectl"
        home = str(self.engine.project)  # kubectl keeps what it has discovered there
        environment = {"PATH": "/usr/bin:/bin", "HOME": home, "KUBECONFIG": str(self.region.kubeconfig)}
        line = [str(tool("kubectl")), *words]
        done = subprocess.run(line, input=given, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def cordon(self, *, off: bool = False) -> None:
        """No node takes a new pod: what is deployed then does not become ready."""
        for each in self.region.nodes():
            self.region.cordon(each["metadata"]["name"], off=off)

    def image_tags(self) -> set[str]:
        return {
            each["spec"]["containers"][0]["image"].partition(":")[2]
            for each in self.region.pods("shop")
            if "deletionTimestamp" not in each["metadata"]
        }

    def pods(self) -> dict[str, str]:
        return self.uids(("v1", "Pod"))


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, "helm", "pulumi")
    with running(request, "us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c"]) as found:
        yield found


@pytest.fixture
def system(region: LabRegion, tmp_path: Path) -> Iterator[System]:
    """A namespace `shop` with a volume for the claim `orders`, and a project whose stack knows of nothing."""
    region.namespace("shop")
    region.apply([_volume()])
    with Engine(tmp_path / "engine", {"prod-use1": region.kubeconfig}, _PROGRAMS / "adoption.py") as engine:
        shutil.copytree(_PROGRAMS / "charts", engine.project / "charts")
        yield System(engine, region, Helm(region.kubeconfig, tmp_path))
    region.client.delete("v1", "Namespace", "shop")
    region.client.delete("v1", "PersistentVolume", "orders")
    for name in _DEFINITIONS:
        if region.client.find("apiextensions.k8s.io/v1", "CustomResourceDefinition", name):
            region.client.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
    region.wait_for("no namespace", lambda: region.client.find("v1", "Namespace", "shop"), lambda left: left is None)


def _volume() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "orders"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "lab.hakit", "volumeHandle": "orders"},
            "claimRef": {"namespace": "shop", "name": "orders"},
        },
    }


def _installed(system: System, chart: str = "orders", *more: str) -> None:
    """As somebody did it long ago, with the chart's own folder."""
    folder = system.engine.project / "charts" / chart
    where = ("--namespace", "shop", "--wait", "--timeout", "90s", "--set", "tag=1")
    system.helm.run("install", chart, folder, *where, *more)
    system.region.wait_for("pods", lambda: system.region.ready_pods("shop"), lambda found: len(found) == 3)


def test_a_release_is_taken_over_and_nothing_is_made_anew(system: System):
    _installed(system)
    before, pods = system.objects(), system.pods()
    assert {f"CustomResourceDefinition/{name}" for name in _DEFINITIONS} < set(before)

    system.program("orders", _ORDERS)
    said = system.refused()
    assert "The resource already exists in the cluster" in said, (
        "not asked for, so not taken over: definitions come first"
    )
    assert (system.objects(), system.pods()) == (before, pods)

    system.program("orders", _ORDERS | {"adopt": "release"})
    system.up()
    assert before.items() <= system.objects().items(), "claims, definitions, the Deployment: the same ones"
    assert system.revisions() == ["1 superseded orders-1.0.0", "2 deployed orders-1.0.0"]
    pods = system.pods()
    system.nothing_to_do()

    system.program("orders", _ORDERS)
    assert system.up()["update"] == 1, "`adopt` has gone from the release"
    system.nothing_to_do()
    assert before.items() <= system.objects().items()
    assert system.pods() == pods, "and nothing else"


def test_what_has_left_hakit_goes_on_as_it_was(system: System):
    _installed(system)
    system.program("orders", _ORDERS | {"adopt": "release"})
    system.up()
    objects, pods = system.objects(), system.pods()
    with system.engine.stack(STACK) as stack:
        for command in pages.blocks("adoption", "Leaving again", "sh")[0].splitlines():
            program, *words = shlex.split(command)
            assert program == "pulumi"
            system.engine.run(stack, *words)
        left = [each["type"] for each in stack.export_stack().deployment.get("resources", [])]
    assert not any("Release" in each or "CustomResource" in each or "ZonalApp" in each for each in left)
    assert (system.objects(), system.pods()) == (objects, pods)

    folder = system.engine.project / "charts" / "orders"
    system.helm.run("upgrade", "orders", folder, "--namespace", "shop", "--set", "tag=1", "--wait", "--timeout", "90s")
    assert objects.items() <= system.objects().items(), "an ordinary Helm release again"
    assert system.revisions()[-1] == "3 deployed orders-1.0.0"


def test_objects_of_kubectl_apply_are_taken_over_and_a_failed_deployment_deletes_none(system: System):
    chart = load(str(system.engine.project / "charts" / "orders"))
    objects = [*chart.crds, *render(chart, {"tag": "1"}, Release("orders", "shop"))]
    system.kubectl("kubectl --namespace shop apply --filename -", dump(objects))
    system.region.wait_for("pods", lambda: system.region.ready_pods("shop"), lambda found: len(found) == 3)
    before, pods = system.objects(), system.pods()

    # Helm knows no owner of them; when they are labelled, hakit asks whether they are meant.
    system.program("orders", _ORDERS | {"adopt": "objects"})
    assert "cannot be imported into the current release: invalid ownership metadata" in system.refused()
    for command in pages.blocks("adoption", "Objects of kubectl apply", "sh")[0].splitlines():
        system.kubectl(command)
    system.program("orders", _ORDERS)
    assert "already there, and of no release of this name: Deployment/web. Nothing has been changed" in system.refused()
    assert (system.objects(), system.pods()) == (before, pods)

    system.program("orders", _ORDERS | {"adopt": "objects", "timeout": 15})
    system.cordon()
    system.refused()
    assert system.revisions() == ["1 failed orders-1.0.0"]
    assert before.items() <= system.objects().items(), "an atomic install would have deleted what it took over"
    assert pods.items() <= system.pods().items(), "what ran goes on"
    system.cordon(off=True)

    system.program("orders", _ORDERS | {"adopt": "objects"})
    system.up()
    assert before.items() <= system.objects().items()
    system.program("orders", _ORDERS)
    system.up()
    system.nothing_to_do()
    assert system.revisions()[-1] == "3 deployed orders-1.0.0"
    assert before.items() <= system.objects().items()


def test_an_atomic_install_of_labelled_objects_would_delete_them(system: System):
    """Why `adopt` has a word for objects: Helm alone, with the chart as it is."""
    chart = system.engine.project / "charts" / "orders"
    objects = render(load(str(chart)), {"tag": "1"}, Release("orders", "shop"))
    system.kubectl("kubectl --namespace shop apply --filename -", dump(objects))
    for command in pages.blocks("adoption", "Objects of kubectl apply", "sh")[0].splitlines():
        system.kubectl(command)
    system.cordon()
    with pytest.raises(HelmError, match="has been uninstalled due to atomic being set"):
        system.helm.run(
            *("install", "orders", chart, "--namespace", "shop", "--atomic", "--timeout", "5s"), values={"tag": "2"}
        )
    system.cordon(off=True)
    left = set(system.objects()) - {"ConfigMap/kube-root-ca.crt"}
    assert left == {"CustomResourceDefinition/orders.example.org"}, "the claim has gone, and a definition with it"


def test_a_claim_that_would_be_deleted_stops_the_adoption_and_the_printed_command_keeps_it(system: System):
    _installed(system)
    before = system.objects()
    templates = system.engine.project / "charts" / "orders" / "templates"
    (templates / "claim.yaml").unlink()
    lines = (templates / "web.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    without = [each for each in lines if "orders" not in each and "volumes:" not in each]
    (templates / "web.yaml").write_text("".join(without), encoding="utf-8")
    system.program("orders", _ORDERS | {"adopt": "release"})
    said = " ".join(system.refused().split())
    assert "PersistentVolumeClaim/orders belongs to the release" in said
    assert before.items() <= system.objects().items()
    command = re.search(r"kubectl --namespace shop annotate \S+ \S+ helm\.sh/resource-policy=keep", said)
    assert command is not None, said
    system.kubectl(command[0])
    system.up()
    assert system.objects()["PersistentVolumeClaim/orders"] == before["PersistentVolumeClaim/orders"]


def test_versions_go_up_a_rollback_by_hand_is_found_and_a_failure_is_taken_back(system: System):
    _installed(system)
    system.program("orders", _ORDERS | {"adopt": "release"})
    system.up()
    kept = system.objects()
    chart = system.engine.project / "charts" / "orders" / "Chart.yaml"
    chart.write_text(chart.read_text(encoding="utf-8").replace("1.0.0", "1.1.0"), encoding="utf-8")
    newer = _ORDERS | {"values": {"tag": "2"}}
    system.program("orders", newer)
    system.up()
    assert system.revisions()[-1] == "3 deployed orders-1.1.0"
    system.region.wait_for("pods of the new version alone", system.image_tags, lambda seen: seen == {"2"})

    system.helm.run("rollback", "orders", "2", "--namespace", "shop", "--wait", "--timeout", "90s")
    system.region.wait_for("pods of the old version alone", system.image_tags, lambda seen: seen == {"1"})
    with system.engine.stack(STACK) as stack:
        stack.refresh()
    system.up()
    system.region.wait_for("pods of the new version alone", system.image_tags, lambda seen: seen == {"2"})
    assert system.revisions()[-2:] == ["4 superseded orders-1.0.0", "5 deployed orders-1.1.0"]

    pods = system.pods()
    system.program("orders", newer | {"values": {"tag": "3"}, "timeout": 15})
    system.cordon()
    said = system.refused()
    system.cordon(off=True)
    assert "release orders failed, and has been rolled back due to atomic being set" in said
    assert system.revisions()[-2:] == ["6 failed orders-1.1.0", "7 deployed orders-1.1.0"]
    system.region.wait_for("the same pods", system.pods, lambda seen: seen == pods)
    assert kept == system.objects(), "claims, definitions and the Deployment through all of it"
    system.program("orders", newer)
    system.up()
    system.nothing_to_do()
    assert system.pods() == pods


def test_a_rollback_to_the_time_before_hakit_is_found_too(system: System):
    _installed(system)
    system.program("orders", _ORDERS | {"adopt": "release"})
    system.up()
    system.program("orders", _ORDERS)
    system.up()
    before = system.objects()
    system.helm.run("rollback", "orders", "1", "--namespace", "shop", "--wait", "--timeout", "90s")
    with system.engine.stack(STACK) as stack:
        stack.refresh()
    system.up()
    system.nothing_to_do()
    assert system.objects() == before
    spread = system.region.client.get("apps/v1", "Deployment", "web", "shop")["spec"]["template"]["spec"]
    assert [each["topologyKey"] for each in spread["topologySpreadConstraints"]] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ], "hardened again"
