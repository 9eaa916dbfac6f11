"""Fields that never change in an object that is there: named before Helm changes anything, and the way out ends."""

import copy
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hakit.charts.freeze import keyed, write
from hakit.charts.manifests import Object
from hakit.charts.source import load
from lab.harness import Helm, HelmError, LabRegion
from lab.harness.tools import tool
from tests.lab import shop
from tests.lab.conftest import need

pytestmark = [pytest.mark.lab, pytest.mark.long]

_LABELS = {"app": "db"}
_POD = {"containers": [{"name": "db", "image": "example.org/db:1"}]}
_DB: Object = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db"},
    "spec": {
        "replicas": 2,
        "serviceName": "db",
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS | {"tier": "data"}}, "spec": _POD},
    },
}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gold", "resources": {"requests": {"storage": "1Gi"}}}
_STORE: Object = copy.deepcopy(_DB)
_STORE["metadata"]["name"] = "store"
_STORE["spec"] |= {"replicas": 0, "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": _CLAIM}]}
_WEB: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {key: _DB["spec"][key] for key in ("selector", "template")},
}
_JOB: Object = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "once"},
    "spec": {"suspend": True, "template": {"spec": _POD | {"restartPolicy": "Never"}}},
}
_PVC: Object = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "files"}, "spec": _CLAIM}
_SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "db"},
    "spec": {"selector": _LABELS, "ports": [{"port": 80}]},
}
_BINDING: Object = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "read"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "ServiceAccount", "name": "default"}],
}
#: The object, where it changes and to what, and what is said of it.
_CHANGES: list[Any] = [
    (_WEB, "spec.selector.matchLabels.tier", "data", "Deployment/web: spec.selector (give the chart the names"),
    (_DB, "spec.serviceName", "other", "StatefulSet/db: spec.serviceName (pods and claims stay"),
    (_DB, "spec.podManagementPolicy", "Parallel", "StatefulSet/db: spec.podManagementPolicy (pods and claims"),
    (
        _STORE,
        "spec.volumeClaimTemplates.0.spec.resources.requests.storage",
        "2Gi",
        "StatefulSet/store: spec.volumeClaimTemplates (pods and claims stay",
    ),
    (
        _STORE,
        "spec.volumeClaimTemplates.0.spec.storageClassName",
        "silver",
        "StatefulSet/store: spec.volumeClaimTemplates (pods and claims stay",
    ),
    (_JOB, "spec.template.spec.containers.0.image", "example.org/db:2", "Job/once: spec.template (to run it again"),
    (
        _PVC,
        "spec.storageClassName",
        "silver",
        'PersistentVolumeClaim/files: spec.storageClassName (leave it as it is: "gold"',
    ),
    (_SERVICE, "spec.clusterIP", "None", "Service/db: spec.clusterIP (nobody reaches it for a moment"),
    (_BINDING, "roleRef.name", "edit", "RoleBinding/read: roleRef.name (its subjects lose the old role"),
]

each_change = pytest.mark.parametrize("change", _CHANGES, ids=[each[1] for each in _CHANGES])


def _changed(obj: Object, path: str, value: Any) -> Object:
    found = copy.deepcopy(obj)
    *way, last = path.split(".")
    place: Any = found
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = value
    return found


def _config(text: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "beside"}, "data": {"text": text}}


def _deploy(helm: Helm, chart: Path, namespace: str, *objects: Object) -> None:
    where = ("--namespace", namespace, "--skip-crds")
    helm.run("upgrade", "--install", "db", chart, *where, values={"objects": keyed(objects, namespace)})


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return write(load("examples/charts/storefront", shop.ROOT), tmp_path)


@each_change
def test_a_fixed_field_is_named_before_anything_changes(
    region: LabRegion, namespace: str, helm: Helm, chart: Path, change: Any
):
    obj, path, value, said = change
    _deploy(helm, chart, namespace, obj, _config("before"))
    with pytest.raises(HelmError, match=r"Nothing has been changed") as refused:
        _deploy(helm, chart, namespace, _changed(obj, path, value), _config("after"))
    assert said in str(refused.value)
    assert region.client.get("v1", "ConfigMap", "beside", namespace)["data"] == {"text": "before"}
    assert len(helm.json("history", "db", "--namespace", namespace)) == 1, "Helm has not even begun"


@each_change
def test_without_the_look_helm_stops_half_way(
    region: LabRegion, namespace: str, helm: Helm, tmp_path: Path, change: Any
):
    """Why it is looked: the API server refuses each of them, when other objects have changed."""
    obj, path, value, _ = change
    chart = tmp_path / "plain"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: plain\nversion: 1.0.0\n")
    (chart / "templates" / "all.yaml").write_text("{{- range .Values.objects }}\n---\n{{ toYaml . }}\n{{- end }}\n")
    _deploy(helm, chart, namespace, obj, _config("before"))
    with pytest.raises(HelmError):
        _deploy(helm, chart, namespace, _changed(obj, path, value), _config("after"))
    assert region.client.get("v1", "ConfigMap", "beside", namespace)["data"] == {"text": "after"}


def test_the_same_in_other_words_is_no_change(region: LabRegion, namespace: str, helm: Helm, chart: Path):
    """What the API server fills in, or writes in its own way."""
    objects = [_WEB, _DB, _STORE, _JOB, _PVC, _SERVICE, _BINDING]
    _deploy(helm, chart, namespace, *objects)
    store = _changed(_STORE, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "1024Mi")
    store = _changed(store, "spec.volumeClaimTemplates.0.spec.volumeMode", "Filesystem")
    web = _changed(_WEB, "spec.selector.matchExpressions", [])
    db = _changed(_DB, "spec.podManagementPolicy", "OrderedReady")
    service = _changed(_SERVICE, "spec.type", "ClusterIP")
    _deploy(helm, chart, namespace, web, db, store, _JOB, _PVC, service, _BINDING, _config("after"))
    assert region.client.get("v1", "ConfigMap", "beside", namespace)["data"] == {"text": "after"}


def test_the_way_out_of_a_stateful_set_keeps_its_pods(region: LabRegion, namespace: str, helm: Helm, chart: Path):
    need("kubectl")
    _deploy(helm, chart, namespace, _DB)
    region.wait_for("two pods", lambda: region.ready_pods(namespace), lambda found: len(found) == 2)
    before = {each["metadata"]["name"]: each["metadata"]["uid"] for each in region.pods(namespace)}
    changed = _changed(_DB, "spec.serviceName", "other")
    with pytest.raises(HelmError) as refused:
        _deploy(helm, chart, namespace, changed)
    (command,) = re.findall(r"kubectl --namespace \S+ delete statefulset db --cascade=orphan", str(refused.value))
    _kubectl(region, command)
    _deploy(helm, chart, namespace, changed)
    found = region.wait_for(
        "the set to own its pods",
        lambda: region.client.get("apps/v1", "StatefulSet", "db", namespace),
        lambda found: found["status"].get("readyReplicas") == 2,
    )
    assert found["spec"]["serviceName"] == "other"
    pods = region.pods(namespace)
    assert {each["metadata"]["name"]: each["metadata"]["uid"] for each in pods} == before, "the same pods"
    assert {each["metadata"]["ownerReferences"][0]["uid"] for each in pods} == {found["metadata"]["uid"]}


def _kubectl(region: LabRegion, command: str) -> None:
    program, *words = shlex.split(command)
    assert program == "kubectl"
    environment = {"PATH": "/usr/bin:/bin", "KUBECONFIG": str(region.kubeconfig)}
    done = subprocess.run([str(tool("kubectl")), *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
