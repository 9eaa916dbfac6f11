"""RestoreCheck as a program registers it, by itself and as a part of a BackupPlan."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import record
from tests.unit.restore_check.given import IMAGE
from tests.unit.topology.example import EXAMPLE

ARCHIVE = {"role_arn": "arn:aws:iam::111122223333:role/acme-prod-restores"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "topology.yaml").write_text(EXAMPLE)
    return tmp_path


def planning(**check: Any) -> Callable[[], None]:
    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": "us-east-1",
            "databases": {"orders": {"tier": "critical"}},
            "restore_check": {
                "image": IMAGE,
                "archive": ARCHIVE,
                "databases": {"orders": {"storage": "50Gi", "checks": {"rows": "select count(*) > 0 from orders"}}},
                **check,
            },
        }
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", "us-east-1"))
        pulumi.export("watched", hakit.BackupPlan("shop", args, opts).restore_checks)

    return program


def test_a_plan_tries_what_it_promises_from_each_regions_archive(project: Path) -> None:
    found = record(planning(), root=project)
    (check,) = [each for each in found.resources if each.type == "hakit:index:RestoreCheck"]
    assert check.name == "shop-restore-check"
    assert [each.inputs["metadata"]["name"] for each in found.all("kubernetes:batch/v1:CronJob")] == [
        "orders-from-us-east-1",
        "orders-from-us-west-2",
    ]
    namespace = found.one("kubernetes:core/v1:Namespace")
    assert namespace.inputs["metadata"]["name"] == "shop-restore-checks"
    settings = next(each for each in found.resources if each.name.endswith("settings-orders-from-us-west-2"))
    told = json.loads(settings.inputs["data"]["check.json"])
    # critical: an RTO of an hour; ten minutes to archive, six hours between base backups, an hour for one
    assert (told["deadline"], told["freshness"]) == (3600, {"within": 600 + 6 * 3600 + 3600})
    assert found.exports["watched"] == {
        "orders-from-us-east-1": {"every": "86400s", "namespace": "shop-restore-checks"},
        "orders-from-us-west-2": {"every": "86400s", "namespace": "shop-restore-checks"},
    }


def test_a_cron_job_waits_for_all_that_its_first_run_needs_and_nothing_is_protected(project: Path) -> None:
    found = record(planning(), root=project)
    needed = [each for each in found.resources if each.name.startswith("shop-restore-check-")]
    jobs = [each for each in needed if each.type == "kubernetes:batch/v1:CronJob"]
    before = {each.urn for each in needed if each.name.endswith(("-role", "-binding", "-account", "-code"))}
    assert len(before) == 7
    for job in jobs:
        assert before <= set(job.depends_on)
    assert not [each.name for each in needed if each.protect or each.retain_on_delete]


def test_what_restores_may_not_write_where_the_database_does(project: Path) -> None:
    found = record(planning(), root=project)
    accounts = {each.inputs["metadata"]["name"]: each.inputs for each in found.all("kubernetes:core/v1:ServiceAccount")}
    assert accounts["restored"]["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": ARCHIVE["role_arn"]}
    assert "annotations" not in accounts["restore-check"]["metadata"]
    stores = found.all("kubernetes:barmancloud.cnpg.io/v1:ObjectStore")
    assert not [each for each in stores if "retentionPolicy" in each.inputs["spec"]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"archive": {}}, "archive: nothing says how the archives may be read"),
        ({"databases": {"carts": {}}}, "restore_check.databases.carts: unknown argument"),
        ({"databases": {"orders": {"storage": "1Gi", "deadline": "2h"}}}, "a restore that takes longer than the RTO"),
        ({"databases": {"orders": {"storage": "1Gi", "checks": {"x": "drop table x"}}}}, "drop: a check that writes"),
    ],
)
def test_nothing_is_registered_when_an_argument_is_wrong(project: Path, changes: Any, message: str) -> None:
    with pytest.raises(HakitError, match=message):
        record(planning(**changes), root=project)
