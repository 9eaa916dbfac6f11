"""MariaDbCluster as a program registers it: names, order, protection, outputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recording, record
from tests.unit.stores.given import ALONE, CREDENTIALS
from tests.unit.topology.example import EXAMPLE, with_handovers

FAILOVER = "{kind: failover, to: us-west-2, accept_loss: 30s}"
PLANNED = "{kind: planned, to: us-west-2}"
REGIONS = ("us-east-1", "us-west-2")
MULTI = {
    "multi_cluster": "reports only",
    "routes": {name: {"host": f"{name}.db.example.com"} for name in REGIONS},
    "authority": "db-authority",
    "credentials": {**CREDENTIALS, "replication": {"secret": "db-replication"}},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "topology.yaml").write_text(EXAMPLE)
    return tmp_path


def database(region: str = "us-east-1", options: dict[str, Any] | None = None, **arguments: Any) -> Callable[[], None]:
    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": region,
            "namespace": "shop",
            "storage": "20Gi",
            "credentials": CREDENTIALS,
            "backup": {"stores": {name: {"bucket": f"dumps-{name}", "secret": "s3"} for name in REGIONS}},
            **arguments,
        }
        provider = hakit.kubernetes_provider("topology.yaml", region)
        made = hakit.MariaDbCluster("orders", args, pulumi.ResourceOptions(provider=provider, **(options or {})))
        for key in ("host", "database", "region", "role", "epoch", "cluster"):
            pulumi.export(key, getattr(made, key))

    return program


def children(recording: Recording) -> list[str]:
    return sorted(each.name for each in recording.resources if each.type.startswith("kubernetes:"))


def test_the_children_are_named_after_what_they_are(project: Path) -> None:
    assert children(record(database(**ALONE), root=project)) == [
        "orders-backup-g1",
        "orders-created",
        "orders-database-g1",
        "orders-grant-g1",
        "orders-mariadb-g1",
        "orders-user-g1",
    ]
    assert children(record(database("us-west-2", **MULTI), root=project)) == [
        "orders-created",
        "orders-mariadb-g1",
        "orders-member-orders-g1-us-east-1",
        "orders-member-orders-g1-us-west-2",
    ]


def test_the_mariadb_is_protected_and_stays_and_so_does_what_is_in_sql(project: Path) -> None:
    found = {each.name: each for each in record(database(**ALONE), root=project).resources}
    made = found["orders-mariadb-g1"]
    assert made.protect
    assert made.retain_on_delete
    for name in ("orders-database-g1", "orders-user-g1", "orders-grant-g1", "orders-created"):
        assert (found[name].protect, found[name].retain_on_delete) == (False, True), name


def test_protection_ends_only_with_a_reason(project: Path) -> None:
    found = record(database(**ALONE, without_protection="a preview environment"), root=project)
    (made,) = [each for each in found.resources if each.type.endswith(":MariaDB")]
    assert not made.protect
    assert not made.retain_on_delete
    for option in ("protect", "retain_on_delete"):
        with pytest.raises(HakitError, match=f"{option}=False: the data would go with the stack"):
            record(database(options={option: False}, **ALONE), root=project)


def test_members_come_first_and_the_record_after_the_mariadb(project: Path) -> None:
    found = {each.name: each for each in record(database(**MULTI), root=project).resources}

    def needs(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in found[name].depends_on}

    members = {"orders-member-orders-g1-us-east-1", "orders-member-orders-g1-us-west-2"}
    assert members <= needs("orders-mariadb-g1")
    for name in ("orders-created", "orders-user-g1", "orders-backup-g1"):
        assert "orders-mariadb-g1" in needs(name), name


@pytest.mark.parametrize(
    ("handovers", "roles", "epoch"),
    [
        ([], {"us-east-1": "active", "us-west-2": "standby"}, 0),
        ([PLANNED], {"us-east-1": "held", "us-west-2": "standby"}, 10),
        ([FAILOVER], {"us-east-1": "held", "us-west-2": "active"}, 10),
    ],
)
def test_the_outputs_say_what_the_copy_may_do(
    project: Path, handovers: list[str], roles: dict[str, str], epoch: int
) -> None:
    if handovers:
        (project / "topology.yaml").write_text(with_handovers(*handovers))
    for region, role in roles.items():
        outputs = record(database(region, **MULTI), root=project).exports
        assert outputs == {
            "host": f"orders-g1-{region}-primary.shop.svc",
            "database": "orders",
            "region": region,
            "role": role,
            "epoch": epoch,
            "cluster": f"orders-g1-{region}",
        }


def test_nothing_is_registered_when_an_argument_is_wrong(project: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        record(database(topology=None, **ALONE), root=project)
    with pytest.raises(HakitError, match="say which of the two"):
        record(database(), root=project)
