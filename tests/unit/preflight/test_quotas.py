"""Quotas against six pods of 1 core and 1 GiB with one more in a rollout, and three of a database, all in `shop`."""

from typing import Any

import pytest

from hakit.preflight.quotas import judge
from tests.unit.preflight.given import node, seen, wanted, workload

NOW = (workload("web", 6, surge=1), workload("orders-g1", 3, kind="Cluster", zonal=True))
THEN = (workload("web", 9, surge=1), *NOW[1:], workload("jobs", 2, surge=1))


def quota(namespace: str = "shop", **hard: Any) -> dict[str, Any]:
    return {"metadata": {"name": "hakit", "namespace": namespace}, "spec": {"hard": hard}}


def found(*quotas: dict[str, Any], **want: Any) -> list[tuple[str, str, str]]:
    given = {"workloads": NOW, "then": NOW} | want
    return [(each.code, each.subject, each.message) for each in judge(wanted(**given), seen(quotas=quotas))]


def test_a_quota_with_room_for_a_rollout_and_a_failover_raises_nothing() -> None:
    assert found(quota(cpu="10", memory="10Gi", pods="10")) == []
    assert found(quota(cpu="16", memory="16Gi", pods="16"), then=THEN) == [], "9, 3 and 2, and one each in a rollout"


@pytest.mark.parametrize(
    ("hard", "message"),
    [
        ({"pods": "8"}, "now: 9 pods asked, 8 allowed"),
        ({"requests.cpu": "9500m"}, "while a rollout runs: 10 cpu asked, 9.5 allowed"),
        (
            {"memory": "9Gi", "requests.cpu": "9"},
            "while a rollout runs: 10Gi memory asked, 9Gi allowed; 10 cpu asked, 9 allowed",
        ),
        ({"count/pods": "15"}, "after a failover, while a rollout runs: 16 pods asked, 15 allowed"),
    ],
)
def test_what_a_quota_stops_first_is_told(hard: dict[str, str], message: str) -> None:
    assert found(quota(**hard), then=THEN) == [("HK121", "ResourceQuota/hakit spec.hard", message)]


def test_a_quota_that_the_stacks_bring_counts_in_place_of_the_one_that_is_there() -> None:
    tight, wide = quota(pods="1"), quota(pods="99")
    assert found(tight, quotas={("shop", "hakit"): wide}) == []
    assert len(found(wide, quotas={("shop", "hakit"): tight})) == 1
    assert len(found(quotas={("shop", "hakit"): tight})) == 1, "before the first deployment too"


def test_quotas_of_other_namespaces_things_and_pods_say_nothing_about_these() -> None:
    some = quota(pods="1")
    some["spec"]["scopes"] = ["BestEffort"]
    assert found(quota("tools", pods="1"), quota(services="1", **{"limits.cpu": "1"}), some) == []


def test_a_daemon_counts_once_a_node() -> None:
    daemon = {"workloads": (workload("agent", 0, kind="DaemonSet", per_node=True),)}
    daemon["then"] = daemon["workloads"]
    (finding,) = judge(wanted(**daemon), seen(quotas=[quota(pods="2")], nodes=[node(name) for name in "abc"]))
    assert finding.message == "now: 3 pods asked, 2 allowed"
