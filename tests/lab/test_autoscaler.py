"""A workload that gets an autoscaler never falls below its minimum: the real helm, the real autoscaling controller.

There are no metrics in the lab, so the controller holds the number between its bounds and never moves it within them;
what load would do to it, the tests do by the scale subresource, as the controller does.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.charts.freeze import keyed, write
from hakit.charts.harden import harden
from hakit.charts.intent import Autoscaling, Intent, WorkloadIntent
from hakit.charts.manifests import Object
from hakit.charts.source import load
from lab.harness import Helm, LabRegion
from lab.harness.client import Client
from lab.harness.nodes import ready_pod
from lab.harness.sampling import Sampling
from tests.lab import shop

pytestmark = pytest.mark.lab


def _fixed(namespace: str) -> list[Object]:
    return shop.into(namespace, shop.objects("storefront"))


def _autoscaled(namespace: str, least: int = 6, most: int = 12) -> list[Object]:
    wanted = WorkloadIntent(replicas=least, autoscaling=Autoscaling(most, cpu=70))
    return harden(_fixed(namespace), Intent(namespace=namespace, workloads={"storefront": wanted}))


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return write(load("examples/charts/storefront", shop.ROOT), tmp_path)


@pytest.fixture
def plain_chart(tmp_path: Path) -> Path:
    """What charts do themselves: without spec.replicas as soon as there is an autoscaler."""
    folder = tmp_path / "plain"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: plain\nversion: 1.0.0\n")
    (folder / "templates" / "all.yaml").write_text("{{- range .Values.objects }}\n---\n{{ toYaml . }}\n{{- end }}\n")
    return folder


def _upgrade(helm: Helm, chart: Path, namespace: str, objects: list[Object], *more: str) -> None:
    helm.run(
        *("upgrade", "--install", "storefront", chart, "--namespace", namespace, "--timeout", "120s", *more),
        values={"objects": keyed(objects, namespace)},
    )


def _wanted(client: Client, namespace: str) -> int:
    return client.get("apps/v1", "Deployment", "storefront", namespace)["spec"]["replicas"]


def _count(client: Client, namespace: str) -> int:
    """Ready pods, or the replicas that are wanted when those are fewer: what is taken away is on its way out."""
    ready = sum(map(ready_pod, client.list("v1", "Pod", namespace)))
    return min(ready, _wanted(client, namespace))


@contextlib.contextmanager
def _counted(other: Client, namespace: str) -> Iterator[Sampling]:
    with Sampling(lambda: _count(other, namespace)) as seen:
        yield seen


def _scaled_by_load(region: LabRegion, namespace: str, replicas: int) -> None:
    """As the autoscaling controller does it."""
    path = region.client.path("apps/v1", "Deployment", "storefront", namespace) + "/scale"
    headers: dict[str, Any] = {"Content-Type": "application/merge-patch+json"}
    region.client.request("PATCH", path, json={"spec": {"replicas": replicas}}, headers=headers)
    _all_ready(region, namespace, replicas)


def _all_ready(region: LabRegion, namespace: str, replicas: int) -> None:
    region.wait_for(f"{replicas} pods", lambda: region.ready_pods(namespace), lambda found: len(found) == replicas)


def _autoscaler_has_looked(region: LabRegion, namespace: str) -> None:
    region.wait_for(
        "the autoscaler's first look",
        lambda: region.client.get("autoscaling/v2", "HorizontalPodAutoscaler", "storefront", namespace)["status"],
        lambda status: status.get("currentReplicas", 0) > 0,
    )


def test_from_fixed_replicas_to_an_autoscaler_no_pod_goes(
    region: LabRegion, namespace: str, other_client: Client, helm: Helm, chart: Path
):
    _upgrade(helm, chart, namespace, _fixed(namespace), "--wait")
    with _counted(other_client, namespace) as seen:
        _upgrade(helm, chart, namespace, _autoscaled(namespace), "--wait", "--atomic")
        _autoscaler_has_looked(region, namespace)
    assert seen.lowest == 6, "neither the pods nor the number that is wanted"


@pytest.mark.long
def test_without_hakit_the_same_change_takes_all_pods_but_one_away(
    region: LabRegion, namespace: str, other_client: Client, helm: Helm, plain_chart: Path
):
    _upgrade(helm, plain_chart, namespace, _fixed(namespace), "--wait")
    with _counted(other_client, namespace) as seen:
        _upgrade(helm, plain_chart, namespace, _autoscaled(namespace))
        _autoscaler_has_looked(region, namespace)
        _all_ready(region, namespace, 6)
    assert seen.lowest == 1, "Helm takes spec.replicas out, and Kubernetes reads 1 until the autoscaler looks"


@pytest.mark.long
def test_what_the_autoscaler_chose_survives_upgrades_and_a_rollback_keeps_the_minimum(
    region: LabRegion, namespace: str, other_client: Client, helm: Helm, chart: Path
):
    _upgrade(helm, chart, namespace, _autoscaled(namespace), "--wait")
    _scaled_by_load(region, namespace, 9)
    changed = _autoscaled(namespace)
    shop.one(changed, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/storefront:9"
    with _counted(other_client, namespace) as seen:
        _upgrade(helm, chart, namespace, changed, "--wait", "--atomic")
    assert seen.lowest == 9, "an upgrade sets what there is"
    with _counted(other_client, namespace) as seen:
        helm.run("rollback", "storefront", "1", "--namespace", namespace, "--wait", "--timeout", "120s")
        _autoscaler_has_looked(region, namespace)
    assert seen.lowest == 6, "a rollback repeats the number of its revision, and that was never below the minimum"


def test_a_higher_minimum_and_a_lower_maximum_hold_at_once(region: LabRegion, namespace: str, helm: Helm, chart: Path):
    _upgrade(helm, chart, namespace, _autoscaled(namespace), "--wait")
    _upgrade(helm, chart, namespace, _autoscaled(namespace, 8))
    assert _wanted(region.client, namespace) == 8
    _upgrade(helm, chart, namespace, _autoscaled(namespace, 6, 7))
    assert _wanted(region.client, namespace) == 7


def test_a_new_release_with_an_autoscaler_starts_with_its_minimum_and_not_with_one_pod(
    region: LabRegion, namespace: str, helm: Helm, chart: Path, plain_chart: Path
):
    _upgrade(helm, plain_chart, namespace, _autoscaled(namespace))
    assert _wanted(region.client, namespace) == 1, "without hakit"
    helm.run("uninstall", "storefront", "--namespace", namespace, "--wait")
    _upgrade(helm, chart, namespace, _autoscaled(namespace))
    assert _wanted(region.client, namespace) == 6


def test_a_standby_that_was_off_starts_with_the_minimum_when_it_takes_over(
    region: LabRegion, namespace: str, helm: Helm, chart: Path
):
    off = _fixed(namespace)
    shop.one(off, "Deployment")["spec"]["replicas"] = 0
    _upgrade(helm, chart, namespace, off)
    assert _wanted(region.client, namespace) == 0
    _upgrade(helm, chart, namespace, _autoscaled(namespace))
    assert _wanted(region.client, namespace) == 6, "and an autoscaler does nothing about a workload with 0 replicas"
