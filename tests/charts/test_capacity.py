"""What a role asks of a cluster, and what a failover asks on top: sums by hand."""

from decimal import Decimal
from typing import Any

import pytest

from hakit.charts.capacity import Demand, demand, on_top
from hakit.charts.harden import harden
from hakit.charts.intent import Autoscaling, Intent, WorkloadIntent
from hakit.errors import HakitError
from tests.charts.build import deployment

GI = 1024**3


def asking(name: str, replicas: int | None, cpu: str, memory: str) -> dict[str, Any]:
    container = {"name": name, "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {**deployment(name, replicas, containers=[container])}


def test_a_role_asks_for_each_pod_of_its_workloads() -> None:
    # 3 x 500m + 2 x 250m cores, 3 x 1Gi + 2 x 2Gi; the largest pod of each kind stands for itself
    objects = [asking("api", 3, "500m", "1Gi"), asking("worker", 2, "250m", "2Gi")]
    assert demand(objects) == Demand(5, Decimal(2), Decimal(7 * GI), Decimal("0.5"), Decimal(2 * GI))
    assert demand(objects).as_dict() == {"pods": 5, "cpu": "2", "memory": "7Gi"}


def test_jobs_daemons_and_what_is_switched_off_reserve_nothing() -> None:
    daemon = {**asking("logs", None, "1", "1Gi"), "kind": "DaemonSet"}
    job = {**asking("migrate", None, "1", "1Gi"), "kind": "Job"}
    assert demand([daemon, job, asking("worker", 0, "1", "1Gi")]) == Demand()


def test_an_autoscaler_counts_with_its_least() -> None:
    wanted = WorkloadIntent(replicas=4, autoscaling=Autoscaling(most=20, cpu=70))
    objects = harden([asking("web", 1, "1", "1Gi")], Intent(workloads={"web": wanted}))
    assert demand(objects).pods == 4


def test_a_failover_asks_for_the_pods_that_the_standby_does_not_run() -> None:
    standby = [asking("api", 2, "500m", "1Gi"), asking("worker", 0, "250m", "2Gi")]
    active = [asking("api", 6, "500m", "1Gi"), asking("worker", 3, "250m", "2Gi")]
    # 4 x 500m + 3 x 250m, 4 x 1Gi + 3 x 2Gi
    assert on_top(standby, active) == Demand(7, Decimal("2.75"), Decimal(10 * GI), Decimal("0.5"), Decimal(2 * GI))


def test_smaller_pods_in_the_standby_are_replaced_with_one_beside_the_others() -> None:
    """The guide's 250m against 1000m: three new pods of a core, and one beside the old ones."""
    standby = harden([asking("web", 3, "250m", "512Mi")], Intent())
    active = harden([asking("web", 3, "1", "2Gi")], Intent())
    # 3 - 0.75 cores and the surge pod's 1; 6Gi - 1.5Gi and the surge pod's 2Gi
    assert on_top(standby, active) == Demand(1, Decimal("3.25"), Decimal("6.5") * GI, Decimal(1), Decimal(2 * GI))


def test_what_runs_already_asks_for_nothing_more() -> None:
    same = [asking("web", 3, "250m", "512Mi")]
    assert on_top(same, same) == Demand()
    assert on_top(same, [asking("web", 1, "250m", "512Mi")]) == Demand(), "less is no negative demand"


def test_a_request_that_is_no_quantity_names_its_workload() -> None:
    with pytest.raises(HakitError, match=r"Deployment/web web\.resources\.requests\.cpu"):
        demand([asking("web", 1, "half", "1Gi")])
