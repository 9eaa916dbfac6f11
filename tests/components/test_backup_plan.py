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


ORDERS: dict[str, Any] = {
    "topology": "topology.yaml",
    "pair": "shop",
    "scope": "us-east-1",
    "namespace": "shop",
    "storage": "50Gi",
    "archive": {"secret": "archive"},
    "credentials": {"application": {"secret": "orders-app"}},
}
PLAN: dict[str, Any] = {"topology": "topology.yaml", "pair": "shop", "scope": "us-east-1"}


def both(first: str, backup: Any, **planned: Any) -> Callable[[], None]:
    """A plan and a database of one program, in either order."""

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", "us-east-1"))
        plan: Any = {**PLAN, "databases": {"orders": {"tier": "critical", **planned}}}
        orders: Any = {**ORDERS, **backup}
        made = {
            "plan": lambda: hakit.BackupPlan("nightly", plan, opts),
            "database": lambda: hakit.PostgresCluster("orders", orders, opts),
        }
        made.pop(first)()
        (other,) = made.values()
        other()

    return program


KEPT = {"backup": {"schedule": "0 0 */6 * * *", "retention": "35d"}}


@pytest.mark.parametrize("first", ["plan", "database"])
def test_a_database_that_does_not_keep_what_the_plan_promises_is_refused(project: Path, first: str) -> None:
    own = "schedule 0 0 2 \\* \\* \\*, retention 30d, WAL every "
    with pytest.raises(HakitError, match=f"does not keep what BackupPlan 'nightly' promises(.|\n)*{own}"):
        record(both(first, {}), root=project)
    assert record(both(first, KEPT), root=project).one("hakit:index:BackupPlan")


@pytest.mark.parametrize("first", ["plan", "database"])
def test_wal_that_is_archived_later_than_the_plan_counts_on_is_refused(project: Path, first: str) -> None:
    assert record(both(first, KEPT), root=project).one("hakit:index:BackupPlan"), "sooner than promised is no harm"
    routed = {
        **KEPT,
        "routes": {
            each: {"host": f"orders.{each}.example.com", "ca_secret": "ca", "client_secret": "client"}
            for each in ("us-east-1", "us-west-2")
        },
    }
    with pytest.raises(HakitError, match=r"WAL every 300s\n  allowed: .*WAL every 15s"):
        record(both(first, routed, ships_wal=True, rpo="1m"), root=project)


def test_one_program_does_not_see_what_another_one_promised(project: Path) -> None:
    record(backing_up("us-east-1", databases={"orders": {"tier": "critical"}}), root=project)

    def database_alone() -> None:
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", "us-east-1"))
        args: Any = ORDERS
        hakit.PostgresCluster("orders", args, opts)

    assert record(database_alone, root=project).one("hakit:index:PostgresCluster")


def test_the_alerts_are_given_the_intervals_of_the_plan(project: Path) -> None:
    found: dict[str, Any] = {}

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", "us-east-1"))
        args: Any = {**PLAN, "databases": {"orders": {}}, "applications": {"shop": {}}, "velero": VELERO}
        made = hakit.BackupPlan("nightly", args, opts)
        found["databases"], found["velero"] = made.backup_every, made.watched

    record(program, root=project)
    assert found == {
        "databases": {"orders": {"backup_every": "86400s"}},
        "velero": {
            "locations": ["nightly-us-east-1", "nightly-us-west-2"],
            "schedules": {"nightly-shop": {"every": "86400s"}},
        },
    }
