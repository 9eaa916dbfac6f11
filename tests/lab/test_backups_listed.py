"""`hakit backups` before a real API server: objects of the real definitions, with a status that is planted. That the
operators write such a status is shown where they run: tests/lab/test_postgres_archive.py."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.plan import postgres
from hakit.plan.postgres_spec import specify
from hakit.topology import load
from lab.harness import LabRegion
from lab.harness.tools import REGION_TOOLS, tool
from tests.lab.conftest import need, running
from tests.lab.definitions import BACKUPS, FILES, define

pytestmark = [pytest.mark.lab, pytest.mark.long]  # a control plane of its own, with all definitions

TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  east:
    zones: [a, b, c]
    kubernetes: "1.34"
    cluster: {context: lab, kubeconfig: KUBECONFIG, pod_identity: true}
    storage: {zonal: disk}
  west:
    zones: [a, b, c]
    kubernetes: "1.34"
    cluster: {context: lab, kubeconfig: NOWHERE, pod_identity: true}
    storage: {zonal: disk}
pairs:
  shop: {mode: active-passive, founded: east, databases: [orders], objectives: {rto: 5m, rpo: 30s}, handovers: []}
"""
WINDOW = {
    "firstRecoverabilityPoint": "2026-10-25T02:01:10Z",
    "lastSuccessfulBackupTime": "2026-11-24T02:01:00Z",
}


@pytest.fixture(scope="module")
def east(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, "kubectl")
    with running(request, "east", ["a", "b", "c"]) as found:
        define(found, (*FILES, *BACKUPS))
        for name in ("shop", "velero", "shop-restore-checks"):
            found.namespace(name)
        yield found


@pytest.fixture
def project(east: LabRegion, tmp_path: Path) -> Path:
    (tmp_path / "nowhere").write_text(json.dumps(_nowhere()))
    (tmp_path / "Pulumi.yaml").write_text("name: any\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("raise ValueError('no program runs')\n")
    content = TOPOLOGY.replace("KUBECONFIG", str(east.kubeconfig)).replace("NOWHERE", str(tmp_path / "nowhere"))
    (tmp_path / "topology.yaml").write_text(content)
    return tmp_path


def _nowhere() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "none"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
    }


def listed(project: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", "backups", "--format", "json", "--seconds", "30"],
        cwd=project,
        env={**os.environ, "HAKIT_KUBECTL": str(tool("kubectl"))},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def put(region: LabRegion, obj: dict[str, Any], namespace: str) -> None:
    """An object with its status, which most kinds take by a path of their own."""
    stored = region.client.apply(obj, namespace)
    if "status" in obj and not stored.get("status"):
        path = region.client.path(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], namespace)
        patch = json.dumps({"status": obj["status"]})
        headers = {"Content-Type": "application/merge-patch+json"}
        region.client.request("PATCH", f"{path}/status", data=patch, headers=headers)


def database(project: Path) -> list[dict[str, Any]]:
    """The Cluster and its stores as hakit makes them."""
    topology = load(project / "topology.yaml")
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": "east",
        "database": "orders",
        "namespace": "shop",
        "storage": "1Gi",
        "credentials": {"application": {"secret": "orders-app"}},
    }
    planned = postgres.plan(specify("orders", args, topology))
    return [each.manifest for each in planned if each.manifest["kind"] in ("Cluster", "ObjectStore")]


def test_what_a_region_has_is_listed_and_the_dead_one_is_told(east: LabRegion, project: Path) -> None:
    code, before = listed(project)
    assert code == 1
    assert [(each["region"], each["problem"]) for each in before["backups"]] == [
        ("east", "there is no archive of it"),
        ("west", "its region does not answer"),
    ]
    for manifest in database(project):
        own = manifest["metadata"]["name"] == "orders-east"
        put(east, {**manifest, **({"status": {"serverRecoveryWindow": {"orders-g1": WINDOW}}} if own else {})}, "shop")
    for number, phase in enumerate(("completed", "failed")):
        backup = {
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Backup",
            "metadata": {"name": f"orders-g1-{number}"},
            "spec": {"cluster": {"name": "orders-g1"}, "method": "plugin"},
            "status": {"phase": phase},
        }
        put(east, backup, "shop")
    location = {
        "apiVersion": "velero.io/v1",
        "kind": "BackupStorageLocation",
        "metadata": {"name": "nightly-east"},
        "spec": {"provider": "aws", "objectStorage": {"bucket": "acme-velero", "prefix": "east/nightly"}},
        "status": {"phase": "Available"},
    }
    put(east, location, "velero")
    made = {
        "apiVersion": "velero.io/v1",
        "kind": "Backup",
        "metadata": {"name": "nightly-shop-1", "labels": {"velero.io/schedule-name": "nightly-shop"}},
        "spec": {"storageLocation": "nightly-east"},
        "status": {"phase": "Completed", "startTimestamp": "2026-11-24T01:00:00Z"},
    }
    put(east, made, "velero")
    check(east)

    code, found = listed(project)
    here, dead, application = found["backups"]
    assert code == 1, "a region does not answer"
    assert (here["store"], here["number"]) == ("s3://acme-prod-east-wal/east/shop/orders-g1", 1)
    assert here["newest"] == "2026-11-24T02:01:00Z"
    assert here["restorable_from"] == "2026-10-25T02:01:10Z"
    assert here["proven"] == "2026-11-24T04:03:00Z"
    assert here["problem"] == ""
    assert (dead["region"], dead["problem"]) == ("west", "its region does not answer")
    assert (application["name"], application["number"]) == ("nightly-shop", 1)
    assert application["restorable_to"] == "2026-11-24T01:00:00Z"
    (east_said, west_said) = found["regions"]
    assert east_said["kubernetes"].startswith("v1.")
    assert east_said["problem"] == ""
    assert west_said["problem"]


def check(region: LabRegion) -> None:
    """A restore check and its report, as a RestoreCheck makes them."""
    labels = {
        "hakit/restore-check": "orders-from-east",
        "hakit/pair": "shop",
        "hakit/database": "orders",
        "hakit/source": "east",
    }
    pod = {"restartPolicy": "Never", "containers": [{"name": "check", "image": "registry.example.com/none:1"}]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "orders-from-east", "labels": labels},
        "spec": {"schedule": "0 4 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}, "suspend": True},
    }
    region.client.apply(job, "shop-restore-checks")
    report = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "orders-from-east-restore-check", "labels": labels},
        "data": {"report.json": json.dumps({"outcome": "ok", "ended": "2026-11-24T04:03:00Z"})},
    }
    region.client.apply(report, "shop-restore-checks")
