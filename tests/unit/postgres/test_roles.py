"""The table "what a region's program emits" as manifests: every state, every region, written by hand.

What CloudNativePG makes of it is proven elsewhere: that its webhook admits each, in tests/lab/test_postgres_admission.
"""

from typing import Any

import pytest

from hakit.plan import postgres
from hakit.plan.postgres_members import replica
from hakit.topology.intents import cluster_intent
from tests.unit.postgres.given import (
    CANCEL,
    FAILOVER,
    PLANNED,
    REBUILD,
    ROUTES,
    SETTLED,
    TOKEN,
    cluster,
    objects,
    spec,
    topology,
)

A, B, C = "orders-g1-a", "orders-g1-b", "orders-g1-c"


def section(self: str, primary: str, source: str, token: str | None = None) -> dict[str, str]:
    there = {} if token is None else {"promotionToken": token}
    return {"self": self, "primary": primary, "source": source, **there}


# State, then the replica section of the copies in a, b and c.
TABLE: dict[str, tuple[list[Any], dict[str, str], dict[str, str], dict[str, str]]] = {
    "founded": ([], section(A, A, B), section(B, A, A), section(C, A, A)),
    "planned, no token: the old side demotes, the target waits": (
        [PLANNED],
        section(A, B, B),
        section(B, A, A),
        section(C, A, A),
    ),
    "planned, token: the target is promoted with it, its source the former active": (
        [TOKEN],
        section(A, B, B),
        section(B, B, A, "T1"),
        section(C, B, B),
    ),
    "planned, settled: the token stays as long as the entry is the last": (
        [SETTLED],
        section(A, B, B),
        section(B, B, A, "T1"),
        section(C, B, B),
    ),
    "failover: promoted at once, without a token": (
        [FAILOVER],
        section(A, B, B),
        section(B, B, A),
        section(C, B, B),
    ),
    "failover over a pending planned": (
        [PLANNED, FAILOVER],
        section(A, B, B),
        section(B, B, A),
        section(C, B, B),
    ),
    "cancel: the old side is primary again, without a token": (
        [PLANNED, CANCEL],
        section(A, A, B),
        section(B, A, A),
        section(C, A, A),
    ),
    "handed back, no token: the token of the way there is cleared": (
        [SETTLED, {"kind": "planned", "to": "a"}],
        section(A, B, B),
        section(B, A, A, ""),
        section(C, B, B),
    ),
    "handed back, token": (
        [SETTLED, {"kind": "planned", "to": "a", "tokens": {"orders": "T2"}}],
        section(A, A, B, "T2"),
        section(B, A, A, ""),
        section(C, A, A),
    ),
    "failover away from a copy that was promoted with a token": (
        [SETTLED, {**FAILOVER, "to": "c"}],
        section(A, C, C),
        section(B, C, C, ""),
        section(C, C, B),
    ),
}


@pytest.mark.parametrize("state", TABLE)
def test_each_region_declares_what_the_table_says(state: str) -> None:
    entries, *expected = TABLE[state]
    found = [cluster(region, *entries)["spec"]["replica"] for region in ("a", "b", "c")]
    assert found == expected


def test_the_token_is_written_empty_once_its_promotion_was_seen() -> None:
    pair = topology(SETTLED).pair("shop")
    seen = replica(cluster_intent(pair, "orders", "b", promoted_with="T1"))
    assert seen == section(B, B, A, ""), "left in the spec it would make the next demotion fail"


def test_no_replica_ever_carries_a_token() -> None:
    for entries, *_ in TABLE.values():
        for region in ("a", "b", "c"):
            declared = cluster(region, *entries)["spec"]["replica"]
            if declared["primary"] != declared["self"]:
                assert not declared.get("promotionToken"), (entries, region)


def test_a_rebuild_brings_a_new_cluster_and_keeps_the_old_one_in_quarantine() -> None:
    found = objects("a", FAILOVER, REBUILD)
    new, old = found["cluster-g2"], found["cluster-g1"]
    assert new["metadata"]["name"] == "orders-g2"
    assert new["spec"]["replica"] == section("orders-g2-a", B, B)
    assert new["spec"]["bootstrap"]["recovery"]["source"] == B, "from the active copy's archive"
    assert old["metadata"]["name"] == "orders-g1"
    assert old["spec"]["replica"] == section(A, B, B), "quarantined: it is never primary"
    assert old["metadata"]["annotations"]["hakit/quarantined"] == "true"
    assert "hakit/quarantined" not in new["metadata"]["annotations"]


def test_after_a_rebuild_the_service_stays_and_leads_to_the_new_copy() -> None:
    before, after = objects("a", FAILOVER)["service"], objects("a", FAILOVER, REBUILD)["service"]
    assert before["metadata"]["name"] == after["metadata"]["name"] == "orders-rw"
    assert before["spec"]["selector"] == {"cnpg.io/cluster": "orders-g1", "cnpg.io/instanceRole": "primary"}
    assert after["spec"]["selector"] == {"cnpg.io/cluster": "orders-g2", "cnpg.io/instanceRole": "primary"}


def test_the_peers_of_a_rebuilt_copy_list_the_new_one_under_its_new_archive() -> None:
    listed = cluster("b", FAILOVER, REBUILD)["spec"]["externalClusters"]
    assert [each["name"] for each in listed] == ["orders-g2-a", B, C]
    assert listed[0]["plugin"]["parameters"] == {"barmanObjectName": "orders-a", "serverName": "orders-g2"}


def test_a_kept_copy_lists_itself_beside_the_members_that_count() -> None:
    listed = cluster("a", FAILOVER, REBUILD)["spec"]["externalClusters"]
    assert [each["name"] for each in listed] == ["orders-g2-a", B, C, A]


def test_a_failover_opens_a_kept_copy_again_and_the_record_of_what_was_created_stays() -> None:
    found = objects("a", FAILOVER, REBUILD, {**FAILOVER, "to": "a", "incarnation": 1})
    assert found["cluster-g1"]["spec"]["replica"] == section(A, A, B)
    assert found["cluster-g2"]["metadata"]["annotations"]["hakit/quarantined"] == "true"
    assert found["created"]["data"] == {"number": "2"}, "incarnation 2 was created, though 1 counts again"
    assert found["service"]["spec"]["selector"]["cnpg.io/cluster"] == "orders-g1"


def test_a_kept_copy_leaves_the_program_only_when_it_is_named() -> None:
    keys = list(objects("a", FAILOVER, REBUILD, dropped=[1]))
    assert "cluster-g1" not in keys
    assert "cluster-g2" in keys
    assert objects("a", FAILOVER, REBUILD, dropped=[1])["created"]["data"] == {"number": "2"}


def test_only_the_founded_copy_starts_empty_and_a_later_incarnation_there_does_not() -> None:
    starts = {
        (region, key): next(iter(each["spec"]["bootstrap"]))
        for region in ("a", "b", "c")
        for key, each in objects(region, FAILOVER, REBUILD).items()
        if key.startswith("cluster-g")
    }
    assert starts == {
        ("a", "cluster-g1"): "recovery",
        ("a", "cluster-g2"): "recovery",
        ("b", "cluster-g1"): "recovery",
        ("c", "cluster-g1"): "recovery",
    }
    assert list(cluster("a")["spec"]["bootstrap"]) == ["initdb"]
    assert list(cluster("b")["spec"]["bootstrap"]) == ["recovery"]


@pytest.mark.parametrize(
    ("entries", "number"),
    [([], "0"), ([PLANNED], "10"), ([TOKEN], "11"), ([SETTLED], "12"), ([SETTLED, FAILOVER], "20")],
)
def test_every_cluster_in_every_region_carries_the_epoch(entries: list[Any], number: str) -> None:
    found = [cluster(region, *entries)["metadata"]["annotations"] for region in ("a", "b", "c")]
    assert [each["hakit/epoch"] for each in found] == [number] * 3
    assert [each["hakit/incarnation"] for each in found] == ["1"] * 3


def test_a_kept_copy_carries_the_newest_epoch_too() -> None:
    assert cluster("a", FAILOVER, REBUILD)["metadata"]["annotations"]["hakit/epoch"] == "20"


def test_the_fence_is_never_written_and_the_field_manager_is_pinned() -> None:
    for entries, *_ in TABLE.values():
        for region in ("a", "b", "c"):
            annotations = cluster(region, *entries)["metadata"]["annotations"]
            assert "cnpg.io/fencedInstances" not in annotations, "the region's fence owns it"
            assert annotations["pulumi.com/patchFieldManager"] == "hakit"


def test_nobody_waits_for_a_copy_that_a_failover_left_behind_nor_backs_it_up() -> None:
    left = objects("a", FAILOVER)
    assert left["cluster-g1"]["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert left["backup-g1"]["spec"]["suspend"] is True
    new = objects("a", FAILOVER, REBUILD)
    assert "pulumi.com/skipAwait" not in new["cluster-g2"]["metadata"]["annotations"]
    assert new["backup-g2"]["spec"]["suspend"] is False
    assert "backup-g1" not in new, "a kept copy takes no backups"


# How large a copy is: 3 while it counts as active, 2 as a standby.
SIZES: dict[str, tuple[list[Any], tuple[int, int, int]]] = {
    "founded": ([], (3, 2, 2)),
    "planned, no token: the target grows before it is needed": ([PLANNED], (3, 3, 2)),
    "planned, token: the old side is not made smaller yet": ([TOKEN], (3, 3, 2)),
    "planned, settled": ([SETTLED], (2, 3, 2)),
    "failover: what was left behind keeps every volume": ([FAILOVER], (3, 3, 2)),
    "failover, settled": ([{**FAILOVER, "settled": True}], (3, 3, 2)),
    "cancel": ([PLANNED, CANCEL], (3, 2, 2)),
}


@pytest.mark.parametrize("state", SIZES)
def test_a_copy_is_made_smaller_only_once_its_handover_is_settled(state: str) -> None:
    entries, expected = SIZES[state]
    found = [cluster(region, *entries, standby={"instances": 2})["spec"]["instances"] for region in ("a", "b", "c")]
    assert tuple(found) == expected


def test_a_kept_copy_stays_as_large_as_it_was_when_it_counted() -> None:
    standby = {"instances": 2}
    found = objects("a", FAILOVER, REBUILD, standby=standby)
    assert found["cluster-g1"]["spec"]["instances"] == 3, (
        "it was active, and its volumes are the last copy of some rows"
    )
    assert found["cluster-g2"]["spec"]["instances"] == 2
    diverged = [FAILOVER, {"kind": "rebuild", "to": "c", "incarnation": 2}]
    assert objects("c", *diverged, standby=standby)["cluster-g1"]["spec"]["instances"] == 2, "it never was active"


LAG = {"type": "streaming", "maximumLag": "64Mi"}
ANY_LAG = {"type": "pg_isready"}


@pytest.mark.parametrize(
    ("entries", "expected", "why"),
    [
        ([], (LAG, ANY_LAG, ANY_LAG), "a lag limit would make a follower unready while the way to its source is cut"),
        ([PLANNED], (ANY_LAG, ANY_LAG, ANY_LAG), "the old side follows the target"),
        ([FAILOVER], (ANY_LAG, ANY_LAG, ANY_LAG), "b is being promoted, and what it followed is gone"),
        ([{**FAILOVER, "settled": True}], (ANY_LAG, LAG, ANY_LAG), "b was seen to be primary"),
        ([PLANNED, CANCEL], (ANY_LAG, ANY_LAG, ANY_LAG), "a is being promoted again, and the target may be gone"),
    ],
)
def test_a_lag_limit_never_stands_in_the_way_of_a_promotion(entries: list[Any], expected: Any, why: str) -> None:
    found = [cluster(region, *entries, routes=ROUTES)["spec"]["probes"]["readiness"] for region in ("a", "b", "c")]
    assert tuple(found) == expected, why


def test_without_a_route_the_lag_limit_stands_everywhere() -> None:
    # A log shipping replica passes the probe at any lag: pkg/management/postgres/webserver/probes/streaming.go.
    found = [cluster(region, FAILOVER)["spec"]["probes"]["readiness"] for region in ("a", "b", "c")]
    assert found == [LAG, LAG, LAG]


def test_nothing_but_the_replica_section_and_the_epoch_changes_in_a_failover_with_equal_sizes() -> None:
    before, after = cluster("b"), cluster("b", FAILOVER)
    changed = {key for key in before["spec"] if before["spec"][key] != after["spec"][key]}
    # The source of the bootstrap is read at creation only.
    assert changed == {"replica"}
    notes = {
        key: (value, after["metadata"]["annotations"][key]) for key, value in before["metadata"]["annotations"].items()
    }
    assert {key for key, (old, new) in notes.items() if old != new} == {"hakit/epoch"}


def test_the_plan_is_the_same_every_time_and_shares_nothing_between_copies() -> None:
    given = spec(
        "a", FAILOVER, REBUILD, resources={"requests": {"cpu": "1"}}, extra={"env": [{"name": "X", "value": "1"}]}
    )
    first, second = postgres.plan(given), postgres.plan(given)
    assert first == second
    clusters = [each.manifest["spec"] for each in first if each.key.startswith("cluster-")]
    clusters[0]["resources"]["requests"]["cpu"] = "9"
    clusters[0]["env"].append("x")
    assert clusters[1]["resources"] == {"requests": {"cpu": "1"}}
    assert clusters[1]["env"] == [{"name": "X", "value": "1"}]
