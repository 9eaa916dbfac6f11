"""The frozen chart is an ordinary Helm release: the real helm binary installs, upgrades, rolls back and removes it."""

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hakit.charts.freeze import keyed, write
from hakit.charts.harden import harden
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.source import load
from lab.harness import Helm, HelmError, LabRegion
from tests.lab import shop

pytestmark = pytest.mark.lab


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The storefront, frozen anew: what is tested is what the code writes, not what an earlier run left."""
    return write(load("examples/charts/storefront", shop.ROOT), tmp_path)


def _values(objects: list[Object], namespace: str) -> dict[str, Any]:
    return {"objects": keyed(objects, namespace)}


def _storefront(namespace: str) -> list[Object]:
    return shop.into(namespace, shop.objects("storefront"))


def _install(helm: Helm, chart: Path, namespace: str, objects: list[Object], verb: str = "upgrade") -> None:
    """As the Release resource does it: atomic, and waiting."""
    helm.run(
        *(verb, "--install", "storefront", chart, "--namespace", namespace, "--atomic", "--timeout", "90s"),
        *("--history-max", "10", "--skip-crds"),
        values=_values(objects, namespace),
    )


def _generations(region: LabRegion, namespace: str, objects: list[Object]) -> dict[str, str]:
    """A number for each object that moves whenever it is written to."""
    found = {}
    for obj in objects:
        stored = region.client.get(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], namespace)
        # Deployments and budgets count changes of their spec; the others have only the version that any write moves.
        metadata = stored["metadata"]
        found[f"{obj['kind']}/{metadata['name']}"] = str(metadata.get("generation") or metadata["resourceVersion"])
    return found


def test_helm_knows_the_release_by_the_charts_own_name_version_and_objects(
    region: LabRegion, namespace: str, helm: Helm, chart: Path
):
    objects = _storefront(namespace)
    _install(helm, chart, namespace, objects)
    (release,) = helm.json("list", "--namespace", namespace)
    assert (release["chart"], release["app_version"]) == ("storefront-1.2.0", "2.4.1"), "its Chart.yaml says so"
    assert release["status"] == "deployed"
    assert helm.json("get", "values", "storefront", "--namespace", namespace) == _values(objects, namespace)
    assert len(region.ready_pods(namespace)) == 6, "helm waited for them"


def test_an_upgrade_that_changes_one_field_touches_one_object_and_a_rollback_takes_it_back(
    region: LabRegion, namespace: str, helm: Helm, chart: Path
):
    objects = _storefront(namespace)
    _install(helm, chart, namespace, objects)
    before = _generations(region, namespace, objects)
    changed = copy.deepcopy(objects)
    spec = shop.one(changed, "Deployment")["spec"]["template"]["spec"]
    spec["terminationGracePeriodSeconds"] = 75
    _install(helm, chart, namespace, changed)
    after = _generations(region, namespace, objects)
    assert [key for key in before if before[key] != after[key]] == ["Deployment/storefront"]

    def grace() -> int:
        deployment = region.client.get("apps/v1", "Deployment", "storefront", namespace)
        return deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]

    assert grace() == 75
    helm.run("rollback", "storefront", "1", "--namespace", namespace, "--wait", "--timeout", "90s")
    assert grace() == 60, "hakit's own, of revision 1"
    assert [each["revision"] for each in helm.json("history", "storefront", "--namespace", namespace)] == [1, 2, 3]


def test_a_hook_among_the_objects_runs_as_a_hook(region: LabRegion, namespace: str, helm: Helm, tmp_path: Path):
    objects = shop.into(namespace, shop.objects("warehouse"))
    chart = write(load("examples/charts/warehouse", shop.ROOT), tmp_path)
    _install(helm, chart, namespace, objects)
    job = region.client.get("batch/v1", "Job", "warehouse-migration", namespace)
    assert job["status"]["succeeded"] == 1
    deployment = region.client.get("apps/v1", "Deployment", "warehouse-api", namespace)
    created = (job["status"]["completionTime"], deployment["metadata"]["creationTimestamp"])
    assert created[0] <= created[1], "pre-install: the migration ends before anything else is there"
    manifest = helm.run("get", "manifest", "storefront", "--namespace", namespace)
    assert "warehouse-migration" not in manifest, "a hook is no part of the release"
    assert "warehouse-migration" in helm.run("get", "hooks", "storefront", "--namespace", namespace)


_CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "orders"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
_DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "shelves.lab.hakit"},
    "spec": {
        "group": "lab.hakit",
        "scope": "Namespaced",
        "names": {"kind": "Shelf", "plural": "shelves", "singular": "shelf"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}},
        ],
    },
}


@pytest.mark.parametrize("hardened", [True, False], ids=["with hakit", "without"])
def test_claims_and_definitions_outlive_the_release_only_with_hakit(
    region: LabRegion, namespace: str, helm: Helm, chart: Path, hardened: bool
):
    definition = copy.deepcopy(_DEFINITION)
    plural = "shelves" if hardened else "racks"
    definition["metadata"]["name"] = f"{plural}.lab.hakit"
    definition["spec"]["names"] = {"kind": plural.capitalize(), "plural": plural, "singular": plural}
    given = [copy.deepcopy(_CLAIM), definition]
    objects = harden(given, Intent(namespace=namespace)) if hardened else given
    # Nothing provisions volumes in the lab, so the claim never binds: not waited for.
    helm.run("install", "storefront", chart, "--namespace", namespace, values=_values(objects, namespace))
    helm.run("uninstall", "storefront", "--namespace", namespace, "--wait")
    claim = region.client.find("v1", "PersistentVolumeClaim", "orders", namespace)
    definition_left = region.client.find("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.lab.hakit")
    left = [claim is not None and "deletionTimestamp" not in claim["metadata"], definition_left is not None]
    assert left == [hardened, hardened]


def test_texts_like_templates_large_integers_and_secrets_arrive_unharmed(
    region: LabRegion, namespace: str, helm: Helm, chart: Path
):
    odd = {
        "template": "{{ .Values.password }} {{- end }} {{ x }}",
        "yaml": "a: [1, 2\n  - b: 'c' # d\n---\n...",
        "time": "12:30:45",
        "bool": "yes",
        "octal": "0755",
        "exponent": "1e3",
        "empty": "",
        "lines": "  indented\n\ttab\ntrailing \n\n",
        "unicode": "déjà vu ✓ \u2028",
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "odd"}, "data": odd}
    key = base64.b64encode(b"\x00\xff{{ secret }}\n").decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "data": {"key": key}}
    definition = copy.deepcopy(_DEFINITION)
    definition["metadata"]["name"] = "boxes.lab.hakit"
    definition["spec"]["names"] = {"kind": "Box", "plural": "boxes", "singular": "box"}
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"] = {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    region.apply([definition])
    region.wait_for("the kind Box", lambda: _is_known(region, "lab.hakit/v1", "Box"))
    numbers = {"exact": 2**53, "negative": -(2**53), "million": 1000000, "tenMillion": 10000000, "half": 0.5}
    box = {"apiVersion": "lab.hakit/v1", "kind": "Box", "metadata": {"name": "odd"}, "spec": numbers}

    helm.run(
        *("install", "storefront", chart, "--namespace", namespace), values=_values([config, secret, box], namespace)
    )
    assert region.client.get("v1", "ConfigMap", "odd", namespace)["data"] == odd
    assert region.client.get("v1", "Secret", "odd", namespace)["data"] == {"key": key}
    stored = region.client.get("lab.hakit/v1", "Box", "odd", namespace)["spec"]
    assert json.dumps(stored, sort_keys=True) == json.dumps(numbers, sort_keys=True), "integers stay integers"


def _is_known(region: LabRegion, api: str, kind: str) -> bool:
    try:
        region.client.path(api, kind)
    except LookupError:
        return False
    return True


def test_helm_refuses_a_cluster_that_the_chart_is_not_made_for(namespace: str, helm: Helm, tmp_path: Path):
    folder = tmp_path / "picky"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text('apiVersion: v2\nname: picky\nversion: 1.0.0\nkubeVersion: ">=1.99.0-0"\n')
    frozen = write(load(str(folder)), tmp_path)
    with pytest.raises(HelmError, match=r"chart requires kubeVersion: >=1\.99\.0-0 which is incompatible"):
        _install(helm, frozen, namespace, [])


def test_a_selector_that_cannot_change_is_named_before_helm_begins(
    region: LabRegion, namespace: str, helm: Helm, chart: Path
):
    """Every such field, and what else is refused, is in test_fixed_fields.py and test_adoption.py."""
    objects = [each for each in _storefront(namespace) if each["kind"] in ("Deployment", "Service")]
    where = ("storefront", chart, "--namespace", namespace)
    helm.run("install", *where, values=_values(objects, namespace))
    changed = copy.deepcopy(objects)
    spec = shop.one(changed, "Deployment")["spec"]
    spec["selector"]["matchLabels"]["tier"] = spec["template"]["metadata"]["labels"]["tier"] = "front"
    with pytest.raises(HelmError, match=r"Nothing has been changed\. Deployment/storefront: spec\.selector"):
        helm.run("upgrade", *where, values=_values(changed, namespace))
    assert len(helm.json("history", "storefront", "--namespace", namespace)) == 1
