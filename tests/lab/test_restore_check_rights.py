"""The objects of a RestoreCheck before a real API server: admitted as they are, and the rights are enough and no more.

What they do is in `test_restore_check`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.plan import restore_check
from hakit.plan.restore_check_spec import specify
from lab.harness import LabRegion
from lab.harness.tools import BIN, REGION_TOOLS, ROOT
from tests.lab.conftest import need, running
from tests.lab.definitions import define
from tests.unit.postgres.given import topology
from tests.unit.topology.example import EXAMPLE

pytestmark = [pytest.mark.lab, pytest.mark.long]

SPACE = "shop-restore-checks"
REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
CNPG, BARMAN = "postgresql.cnpg.io", "barmancloud.cnpg.io"


@pytest.fixture(scope="module")
def checked(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, "manifests/cnpg.yaml", "definitions/objectstores.yaml")
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": "a",
        "image": "registry.example/python@sha256:" + "a" * 64,
        "archive": {"secret": "orders-s3"},
        "databases": {"orders": {"storage": "1Gi", "freshness": {"within": "1h"}}},
    }
    with running(request, "a", ["a-1"]) as region:
        define(region)
        planned = restore_check.plan(specify("shop", args, topology(regions=("a", "b"))))
        region.apply([each.manifest for each in planned])
        region.namespace("shop")
        yield region


def may(  # noqa: PLR0917  as the question has them
    region: LabRegion, account: str, verb: str, group: str, resource: str, name: str = "", space: str = SPACE
) -> bool:
    """What `kubectl auth can-i --as` asks."""
    resource, _, sub = resource.partition("/")
    attributes = {"namespace": space, "verb": verb, "group": group, "resource": resource, "subresource": sub}
    user = f"system:serviceaccount:{SPACE}:{account}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{SPACE}", "system:authenticated"]
    spec = {"user": user, "groups": groups, "resourceAttributes": {**attributes, "name": name}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    return bool(region.client.request("POST", REVIEW, json=body)["status"]["allowed"])


def test_the_cron_job_is_admitted_and_kept_as_it_is(checked: LabRegion) -> None:
    spec = checked.client.get("batch/v1", "CronJob", "orders-from-b", SPACE)["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]["action"] == "FailJob"


def test_a_pod_of_it_is_what_the_namespaces_pod_security_asks_for(checked: LabRegion) -> None:
    template = checked.client.get("batch/v1", "CronJob", "orders-from-b", SPACE)["spec"]["jobTemplate"]["spec"][
        "template"
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "tried", "namespace": SPACE},
        "spec": template["spec"],
    }
    checked.client.apply(pod, dry=True)
    labels = checked.client.get("v1", "Namespace", SPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


NEEDS: list[tuple[Any, ...]] = [
    ("restore-check", "list", CNPG, "clusters"),
    ("restore-check", "create", CNPG, "clusters"),
    ("restore-check", "delete", CNPG, "clusters"),
    ("restore-check", "list", "", "pods"),
    ("restore-check", "create", "", "pods"),
    ("restore-check", "get", "", "pods/log"),
    ("restore-check", "list", "", "persistentvolumeclaims"),
    ("restore-check", "get", "", "configmaps", "orders-from-a-restore-check"),
    ("restore-check", "patch", "", "configmaps", "orders-from-b-restore-check"),
    ("restored", "get", BARMAN, "objectstores", "orders-b"),
    ("restored", "get", "", "secrets", "orders-s3"),
]
MUST_NOT: list[tuple[Any, ...]] = [
    # in its own namespace
    ("restore-check", "get", "", "secrets", "orders-s3"),
    ("restore-check", "list", "", "secrets"),
    ("restore-check", "create", "", "pods/exec"),
    ("restore-check", "delete", "", "pods"),
    ("restore-check", "delete", "", "persistentvolumeclaims"),
    ("restore-check", "patch", CNPG, "clusters"),
    ("restore-check", "update", CNPG, "clusters"),
    ("restore-check", "create", CNPG, "scheduledbackups"),
    ("restore-check", "patch", "", "configmaps", "orders-from-a-settings"),
    ("restore-check", "patch", "", "configmaps", "restore-check-code"),
    ("restore-check", "patch", BARMAN, "objectstores", "orders-a"),
    ("restored", "patch", BARMAN, "objectstores", "orders-a"),
    ("restored", "update", BARMAN, "objectstores/status", "orders-a"),
    ("restored", "get", "", "secrets", "another"),
    ("restored", "create", "", "pods"),
    # where the application lives
    ("restore-check", "list", CNPG, "clusters", "", "shop"),
    ("restore-check", "create", CNPG, "clusters", "", "shop"),
    ("restore-check", "delete", CNPG, "clusters", "", "shop"),
    ("restore-check", "list", "", "pods", "", "shop"),
    ("restored", "get", "", "secrets", "orders-s3", "shop"),
    # everywhere
    ("restore-check", "list", CNPG, "clusters", "", ""),
    ("restore-check", "delete", "", "namespaces", SPACE, ""),
    ("restore-check", "delete", "", "persistentvolumes", "", ""),
]


@pytest.mark.parametrize("asked", NEEDS)
def test_it_may_do_what_it_needs(checked: LabRegion, asked: tuple[Any, ...]) -> None:
    assert may(checked, *asked)


@pytest.mark.parametrize("asked", MUST_NOT)
def test_it_may_not_do_what_it_needs_not(checked: LabRegion, asked: tuple[Any, ...]) -> None:
    assert not may(checked, *asked)


def test_from_a_terminal_a_job_is_started_and_waited_for_and_without_a_report_it_is_no_success(
    checked: LabRegion, tmp_path: Path
) -> None:
    """The nodes are kwok's: the Job's pod ends well at once, and nothing ran in it."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("")
    text = EXAMPLE.replace("us-east-1", "a").replace("us-west-2", "b")
    (tmp_path / "topology.yaml").write_text(text)
    context = json.loads(checked.kubeconfig.read_text())["current-context"]
    command = [sys.executable, "-m", "hakit.cli", "verify-backup", "--topology", str(tmp_path / "topology.yaml")]
    command += ["--pair", "shop", "--database", "orders", "--region", "a", "--from-region", "b", "--format", "json"]
    command += ["--context", context, "--kubeconfig", str(checked.kubeconfig)]
    environment = {**os.environ, "HAKIT_KUBECTL": str(BIN / "kubectl")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 10, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["outcome"], report["message"]) == ("restore-failed", "it left no report")
    job = checked.client.get("batch/v1", "Job", report["job"], SPACE)
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "orders-from-b", True)
