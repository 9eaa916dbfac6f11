"""A chart that runs with "one pod a zone at most" comes to hakit: refused before anything changes, and the words help.

Its pods keep hakit's out of their zones, so that a rollout would never end: tests/lab/test_rollouts_and_drains.py.
"""

import json
import re
from pathlib import Path

import pytest

from hakit.charts.freeze import keyed, write
from hakit.charts.harden import harden
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.source import load
from lab.harness import Helm, HelmError, LabRegion
from lab.harness.nodes import rolled_out, unplaced
from tests.lab import shop

pytestmark = pytest.mark.lab


def _trap(namespace: str, value: str = "storefront") -> list[Object]:
    selector = {"matchLabels": {"app.kubernetes.io/instance": value}}
    term = {"topologyKey": "topology.kubernetes.io/zone", "labelSelector": selector}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return shop.into(namespace, shop.plain("storefront", replicaCount=3, affinity=affinity))


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return write(load("examples/charts/storefront", shop.ROOT), tmp_path)


@pytest.fixture
def plain_chart(tmp_path: Path) -> Path:
    folder = tmp_path / "plain"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: plain\nversion: 1.0.0\n")
    (folder / "templates" / "all.yaml").write_text("{{- range .Values.objects }}\n---\n{{ toYaml . }}\n{{- end }}\n")
    return folder


def _upgrade(helm: Helm, chart: Path, namespace: str, objects: list[Object]) -> None:
    helm.run(
        *("upgrade", "--install", "storefront", chart, "--namespace", namespace, "--wait", "--timeout", "240s"),
        values={"objects": keyed(objects, namespace)},
    )


def _deployment(region: LabRegion, namespace: str) -> Object:
    return region.client.get("apps/v1", "Deployment", "storefront", namespace)


def _ends_with_one_in_each_zone(region: LabRegion, namespace: str) -> None:
    """Helm's own wait ends while an old pod may still be on its way out."""
    pods = region.wait_for("three pods", lambda: region.ready_pods(namespace), lambda found: len(found) == 3)
    assert region.zone_counts(pods) == {"a": 1, "b": 1, "c": 1}


def test_pods_that_repel_hakit_s_are_named_before_anything_changes_and_the_printed_way_ends(
    region: LabRegion, namespace: str, helm: Helm, chart: Path, plain_chart: Path
):
    trap = _trap(namespace)
    _upgrade(helm, plain_chart, namespace, trap)
    before = _deployment(region, namespace)
    hardened = harden(trap, Intent(namespace=namespace))
    with pytest.raises(HelmError, match="Deployment/storefront: its running pods keep others out of their zones") as no:
        _upgrade(helm, chart, namespace, hardened)
    after = _deployment(region, namespace)
    assert after["metadata"]["generation"] == before["metadata"]["generation"], "nothing has been changed"

    # The printed commands, as kubectl carries them out.
    said = str(no.value)
    patch = re.search(r"patch deployment storefront --type merge --patch '(.*?)' ", said)
    assert patch is not None, said
    assert "--selector app.kubernetes.io/instance=storefront,app.kubernetes.io/name=storefront (3)" in said
    assert said.rstrip().endswith(
        f"(3) when `kubectl --namespace {namespace} rollout status deployment storefront` has ended, deploy again"
    )
    region.client.merge("apps/v1", "Deployment", "storefront", json.loads(patch[1]), namespace=namespace)

    def helped() -> Object:
        for pod in region.pods(namespace):
            if unplaced([pod]):
                region.client.delete("v1", "Pod", pod["metadata"]["name"], namespace, now=True)
        return _deployment(region, namespace)

    # Not by the numbers alone: right after the patch they are still those of the old pods.
    region.wait_for("all pods new", helped, lambda deployment: rolled_out(deployment, 3), seconds=120)
    _upgrade(helm, chart, namespace, hardened)
    _ends_with_one_in_each_zone(region, namespace)


def test_pods_that_repel_others_than_hakit_s_are_no_hindrance(
    region: LabRegion, namespace: str, helm: Helm, chart: Path, plain_chart: Path
):
    _upgrade(helm, plain_chart, namespace, _trap(namespace, "another"))
    _upgrade(helm, chart, namespace, harden(shop.into(namespace, shop.plain("storefront", replicaCount=3)), Intent()))
    _ends_with_one_in_each_zone(region, namespace)
