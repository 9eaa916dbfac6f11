"""BackupPlan as a program registers it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Secret, record
from tests.unit.topology.example import EXAMPLE

VELERO: dict[str, Any] = {
    "stores": {
        "us-east-1": {"copies": {"us-west-2": "acme-prod-us-west-2-velero"}},
        "us-west-2": {"copies": {"us-east-1": "acme-prod-us-east-1-velero"}},
    },
    "repository_password": "a-long-one",
}

ENCODED = "YS1sb25nLW9uZQ=="


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "topology.yaml").write_text(EXAMPLE)
    return tmp_path


def backing_up(region: str, options: pulumi.ResourceOptions | None = None, **arguments: Any) -> Callable[[], None]:
    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": region,
            "databases": {"orders": {}},
            "applications": {"shop": {}},
            "velero": VELERO,
            **arguments,
        }
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", region))
        made = hakit.BackupPlan("nightly", args, pulumi.ResourceOptions.merge(opts, options))
        pulumi.export("orders", made.databases["orders"])
        pulumi.export("promises", made.promises)
        pulumi.export("region", made.region)

    return program


def test_a_plan_makes_the_password_then_locations_then_schedules(project: Path) -> None:
    found = record(backing_up("us-east-1"), root=project)
    secret = found.one("kubernetes:core/v1:Secret")
    assert secret.inputs["metadata"]["name"] == "velero-repo-credentials"
    assert secret.inputs["data"] == {"repository-password": Secret(ENCODED)}
    assert secret.inputs["immutable"] is True
    assert secret.ignore_changes == ("data",), "what was written by the old one could not be read"
    assert (secret.protect, secret.retain_on_delete) == (True, True)
    locations = found.all("kubernetes:velero.io/v1:BackupStorageLocation")
    assert [each.name for each in locations] == ["nightly-location-us-east-1", "nightly-location-us-west-2"]
    schedule = found.one("kubernetes:velero.io/v1:Schedule")
    assert schedule.name == "nightly-schedule-shop"
    for each in locations:
        assert secret.urn in each.depends_on
        assert each.urn in schedule.depends_on
        assert each.retain_on_delete
    assert found.exports["orders"] == {"schedule": "0 0 2 * * *", "retention": "30d"}
    assert found.exports["promises"]["database orders"].endswith("at most 10m lost of 1h")
    assert found.exports["region"] == "us-east-1"


def test_the_password_is_nowhere_in_the_open(project: Path) -> None:
    found = record(backing_up("us-west-2"), root=project)
    texts = [str(each.inputs).replace(repr(Secret(ENCODED)), "") for each in found.resources]
    assert not [text for text in texts if "a-long-one" in text or ENCODED in text]


def test_nothing_is_registered_when_an_argument_is_wrong(project: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        record(backing_up("us-east-1", topology=None), root=project)
    with pytest.raises(HakitError, match="protect=False"):
        record(backing_up("us-east-1", pulumi.ResourceOptions(protect=False)), root=project)
    with pytest.raises(HakitError, match="out of reach"):
        record(backing_up("us-east-1", databases={"orders": {"rpo": "1m"}}), root=project)
