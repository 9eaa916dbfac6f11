"""A running release of each chart of the corpus, and of real ones, taken over with its hardened objects.

As the provider does it: `helm upgrade` of what `helm install` made. Nodes are simulated: pods that have one are ready.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hakit.charts.freeze import keyed, write
from hakit.charts.harden import harden
from hakit.charts.holes import draft
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import hook_events, id_of, pod_template, workloads
from hakit.charts.render import Release
from hakit.charts.source import load
from lab.harness import Helm, HelmError, LabRegion
from lab.harness.tools import BIN
from tests.charts.corpus import Case, corpus

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: hakit has its own in place of the chart's.
_REPLACED = ("PodDisruptionBudget", "HorizontalPodAutoscaler")
#: No release of these can be running here: the API server refuses an object of theirs, or they ask for Istio's or
#: KEDA's definitions; the last one's namespace is left by its trap, whose point that is.
_NEVER_RUNNING = {
    "budget-with-both-keys (trap)",
    "mount-without-volume (trap)",
    "probe-with-two-handlers (trap)",
    "release-too-large (trap)",
    "circuit-breaker-does-nothing (trap)",
    "circuit-breaker-does-nothing (mended)",
    "two-autoscalers-of-one-resource (trap)",
    "two-autoscalers-of-one-resource (mended)",
    "keda-in-standby (trap)",
    "keda-in-standby (mended)",
    "namespace-goes-with-the-release (mended)",
}
#: What these are to become, what runs cannot become: said before anything changes.
_REFUSED = {
    "required-zone-anti-affinity (trap)": "its running pods keep others out of their zones",
    "shared-volume-made-regional (trap)": "PersistentVolumeClaim/files: spec.storageClassName",
    "volume-per-pod (trap)": "StatefulSet/db: spec.volumeClaimTemplates",
}
_CASES = {
    f"{trap.name} ({word})": case for trap in corpus() for word, case in (("trap", trap.trap), ("mended", trap.twin))
}
_TAKEN = [name for name in _CASES if name not in _NEVER_RUNNING | set(_REFUSED)]
_REAL = ("external-dns", "node-feature-discovery")


def _key(obj: Object) -> str:
    return f"{obj['apiVersion']}/{id_of(obj)}"


def _uids(region: LabRegion, objects: list[Object], namespace: str) -> dict[str, str]:
    found = {}
    for obj in objects:
        place = obj["metadata"].get("namespace") or namespace
        seen = region.client.find(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], place)
        if seen is not None and "deletionTimestamp" not in seen["metadata"]:
            found[_key(obj)] = seen["metadata"]["uid"]
    return found


def _settled(region: LabRegion, workload: Object, namespace: str) -> dict[str, str]:
    """The pods of a workload, by uid, when its controller has seen it and made as many as it wants."""

    def seen() -> Object:
        return region.client.get(workload["apiVersion"], workload["kind"], workload["metadata"]["name"], namespace)

    def is_settled(found: Object) -> bool:
        status, wanted = found.get("status", {}), found["spec"]["replicas"]
        is_seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return is_seen and status.get("replicas", 0) == wanted == status.get("updatedReplicas", 0)

    found = region.wait_for(f"the pods of {id_of(workload)}", seen, is_settled)
    labels = found["spec"]["selector"]["matchLabels"]
    pods = region.client.list("v1", "Pod", namespace, labels)
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in pods}


def _unchanged(before: list[Object], after: list[Object]) -> list[Object]:
    """The workloads whose pods need no other template."""
    hardened = {_key(each): each for each in after}
    found = [each for each in workloads(before) if _key(each) in hardened]
    return [each for each in found if pod_template(each) == pod_template(hardened[_key(each)])]


@dataclass(frozen=True)
class Running:
    """A release that `helm install` made of a chart."""

    region: LabRegion
    namespace: str
    helm: Helm
    folder: Path

    def take_over(self, case: Case) -> None:
        loaded, namespace = load(str(case.chart)), self.namespace
        drafted = draft(loaded, case.values, Release("web", namespace)).objects
        rendered = [each for each in drafted if not hook_events(each)]
        hardened = harden(drafted, replace(case.intent, namespace=namespace))
        self.helm.run("install", "web", case.chart, "--namespace", namespace, values=case.values)
        before = _uids(self.region, rendered, namespace)
        same = _unchanged(rendered, hardened)
        pods = {_key(each): _settled(self.region, each, namespace) for each in same}

        where = ("--namespace", namespace, "--skip-crds")
        given = {"objects": keyed(hardened, namespace), "adopt": "release"}
        try:
            self.helm.run("upgrade", "web", write(loaded, self.folder), *where, values=given)
        except HelmError:
            assert _uids(self.region, rendered, namespace) == before, "nothing has been changed"
            raise
        after = _uids(self.region, rendered, namespace)
        gone = [key for key in before if key not in after]
        assert [key for key in gone if key.split("/")[-2] not in _REPLACED] == [], "nothing else is deleted"
        assert {key: after[key] for key in before if key not in gone} == {
            key: uid for key, uid in before.items() if key not in gone
        }
        for each in same:
            assert _settled(self.region, each, namespace) == pods[_key(each)], "the same pods, as nothing had to change"


@pytest.fixture
def release(region: LabRegion, namespace: str, helm: Helm, tmp_path: Path) -> Running:
    return Running(region, namespace, helm, tmp_path)


@pytest.mark.parametrize("name", _TAKEN)
def test_a_running_chart_is_taken_over_and_nothing_is_made_anew(release: Running, name: str):
    release.take_over(_CASES[name])


@pytest.mark.parametrize("name", _REFUSED)
def test_what_cannot_become_what_it_is_to_be_is_refused_before_anything_changes(release: Running, name: str):
    with pytest.raises(HelmError, match=_REFUSED[name]):
        release.take_over(_CASES[name])


@pytest.mark.parametrize("name", _REAL)
def test_a_real_chart_is_taken_over_and_nothing_is_made_anew(release: Running, name: str):
    release.take_over(Case(BIN / "charts" / name, {}, Intent()))
