"""An active-active pair as RegionPair registers it: who serves, who runs the jobs, what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recording, record
from tests.components.test_region_pair import EAST, ROOT, TOPOLOGY, WEST, changes, inputs_of, objects_of

ROUTES = {region: {"host": f"db.{region}.example.com"} for region in (EAST, WEST)}
ORDERS: dict[str, Any] = {
    "storage": "50Gi",
    "credentials": {"application": {"secret": "orders-app"}},
    "routes": ROUTES,
    "certificates": {"server_ca": "orders-ca", "client_ca": "orders-ca"},
}
PARTITIONED: dict[str, Any] = {
    **ORDERS,
    "image": "ghcr.io/cloudnative-pg/postgresql:17.6",
    "credentials": {"application": {"secret": "orders-app"}, "replication": {"secret": "orders-peer"}},
    "partitioned": {"tables": ["orders"]},
}
WAREHOUSE: dict[str, Any] = {
    "chart": "examples/charts/warehouse",
    "workloads": {"warehouse-api": {"replicas": 4}, "warehouse-worker": {"replicas": 3}},
    "database": "orders",
    "database_values": {"database.host": "host", "database.existingSecret": "secret"},
}
FAILOVER = "[{kind: failover, to: us-west-2, accept_loss: 30s}]"


def pair(scope: str, orders: dict[str, Any] = ORDERS, app: dict[str, Any] = WAREHOUSE, **more: Any) -> dict[str, Any]:
    args = {"topology": "topology.yaml", "scope": scope}
    return {**args, "databases": {"orders": orders}, "apps": {"warehouse": app}, **more}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Recording]:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    def recorded(writes: str, args: dict[str, Any], handovers: str = "[]") -> Recording:
        declared = TOPOLOGY.replace("mode: active-passive", f"mode: active-active\n    writes: {writes}")
        (tmp_path / "topology.yaml").write_text(declared.replace("HANDOVERS", handovers))

        def program() -> None:
            opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", args["scope"])])
            hakit.RegionPair("shop", args, opts)  # ty: ignore

        return record(program, root=tmp_path)

    return recorded


@pytest.mark.parametrize("writes", ["primary-region", "read-only"])
def test_every_region_serves_and_one_runs_the_jobs(run: Callable[..., Recording], writes: str) -> None:
    for region, works in ((EAST, True), (WEST, False)):
        objects = objects_of(run(writes, pair(region)))
        assert objects["Deployment/warehouse-api"]["spec"]["replicas"] == 4, f"{region} serves"
        assert objects["CronJob/warehouse-recount"]["spec"].get("suspend", False) is not works, (
            "the job would run twice"
        )
        assert ("Job/warehouse-migration" in objects) is works, "the migration would run twice"


def test_of_a_partitioned_pair_each_region_has_jobs_and_migrations_of_its_own(run: Callable[..., Recording]) -> None:
    for region in (EAST, WEST):
        objects = objects_of(run("partitioned", pair(region, PARTITIONED)))
        assert "Job/warehouse-migration" in objects, "no publication carries what it changes"
        assert not objects["CronJob/warehouse-recount"]["spec"].get("suspend")


def test_a_job_may_be_asked_for_where_it_would_wait(run: Callable[..., Recording]) -> None:
    asked = {**WAREHOUSE, "workloads": {**WAREHOUSE["workloads"], "warehouse-recount": {"suspend": False}}}
    objects = objects_of(run("read-only", pair(WEST, app={**asked, "active": {"hooks": "run"}})))
    assert objects["CronJob/warehouse-recount"]["spec"]["suspend"] is False
    assert "Job/warehouse-migration" in objects


@pytest.mark.parametrize(
    ("writes", "orders", "host"),
    [
        ("primary-region", ORDERS, "orders-primary.shop.svc"),
        ("read-only", ORDERS, "orders-rw.shop.svc"),
        ("partitioned", PARTITIONED, "orders-rw.shop.svc"),
    ],
)
def test_an_application_writes_where_the_pair_says(
    run: Callable[..., Recording], writes: str, orders: dict[str, Any], host: str
) -> None:
    for region in (EAST, WEST):
        objects = objects_of(run(writes, pair(region, orders)))
        (container,) = objects["Deployment/warehouse-api"]["spec"]["template"]["spec"]["containers"]
        assert {each["name"]: each.get("value") for each in container["env"]}["DATABASE_HOST"] == host


#: Written by hand, and shown in docs/active-active.md.
FAILOVER_CHANGES = [
    "shop-orders-cluster-g1.metadata.annotations.hakit/epoch",
    "shop-orders-cluster-g1.spec.replica.primary",
    "shop-orders-primary.spec.externalName",
    "shop-warehouse-release.values.objects.CronJob/warehouse-recount.spec.suspend",
    "shop-warehouse-release.values.objects.Job/warehouse-migration",
]


def test_a_failover_moves_the_primary_and_the_jobs_and_restarts_nobody(run: Callable[..., Recording]) -> None:
    before, after = (inputs_of(run("primary-region", pair(WEST), handovers)) for handovers in ("[]", FAILOVER))
    assert sorted(changes(before, after)) == FAILOVER_CHANGES


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (pair(EAST, app={**WAREHOUSE, "standby": {"wait": True}}), "standby: pair shop has no standby, it is active-"),
        (
            pair(EAST, app={**WAREHOUSE, "workloads": {"warehouse-api": {"standby": {"replicas": 1}}}}),
            "workloads.warehouse-api.standby: pair shop has no standby",
        ),
        (pair(EAST, PARTITIONED, fence={"image": "python@sha256:" + "a" * 64}), "fence: every region of a partitioned"),
    ],
)
def test_what_would_mean_nothing_is_refused(run: Callable[..., Recording], args: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=re.escape(message)):
        run("partitioned" if "fence" in args else "read-only", args)
