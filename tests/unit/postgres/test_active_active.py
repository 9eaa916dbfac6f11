"""The databases of an active-active pair by each write path. What PostgreSQL makes of it: test_both_ways of the lab."""

import re
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan import postgres
from hakit.plan.postgres_spec import specify
from tests.unit.postgres.given import FAILOVER, PLANNED, ROUTES, TOKEN, topology

IMAGE = "ghcr.io/cloudnative-pg/postgresql:17.6"
PARTITIONED: dict[str, Any] = {
    "routes": ROUTES,
    "image": IMAGE,
    "partitioned": {"tables": ["orders", "stock.items"], "subscribe": True},
    "credentials": {"application": {"secret": "login"}, "replication": {"secret": "peer"}},
}


def specified(region: str, writes: str, *entries: dict[str, Any], **arguments: Any) -> Any:
    given = topology(*entries, writes=writes)
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": region,
        "namespace": "shop",
        "storage": "50Gi",
        "credentials": {"application": {"secret": "login"}},
        **arguments,
    }
    return specify("orders", args, given)


def emitted(region: str, writes: str, *entries: dict[str, Any], **arguments: Any) -> dict[str, dict[str, Any]]:
    return {each.key: each.manifest for each in postgres.plan(specified(region, writes, *entries, **arguments))}


# primary-region and read-only: one primary, as in an active-passive pair


@pytest.mark.parametrize("writes", ["primary-region", "read-only"])
@pytest.mark.parametrize("entries", [[], [PLANNED], [TOKEN], [FAILOVER]])
def test_one_region_is_primary_and_the_others_follow(writes: str, entries: list[dict[str, Any]]) -> None:
    replicas = {
        region: emitted(region, writes, *entries, routes=ROUTES)["cluster-g1"]["spec"]["replica"] for region in "abc"
    }
    primaries = [region for region, each in replicas.items() if each["primary"] == each["self"]]
    assert primaries == {0: ["a"], 1: [] if entries == [PLANNED] else ["b"]}[len(entries)]


@pytest.mark.parametrize(
    ("entries", "at_a", "at_b", "at_c"),
    [
        ([], "orders-rw.shop.svc.cluster.local", "a.example.com", "a.example.com"),
        # Until there is a token nobody writes, and the old side is still the one that may.
        ([PLANNED], "orders-rw.shop.svc.cluster.local", "a.example.com", "a.example.com"),
        ([TOKEN], "b.example.com", "orders-rw.shop.svc.cluster.local", "b.example.com"),
        ([FAILOVER], "b.example.com", "orders-rw.shop.svc.cluster.local", "b.example.com"),
    ],
)
def test_applications_of_every_region_reach_the_primary_by_one_name(
    entries: list[dict[str, Any]], at_a: str, at_b: str, at_c: str
) -> None:
    for region, name in (("a", at_a), ("b", at_b), ("c", at_c)):
        service = emitted(region, "primary-region", *entries, routes=ROUTES)["primary"]
        assert service["metadata"]["name"] == "orders-primary"
        assert service["spec"] == {"type": "ExternalName", "externalName": name}, region


def test_the_host_of_an_application_is_the_primarys_or_its_own_regions() -> None:
    assert postgres.host(specified("b", "primary-region", routes=ROUTES)) == "orders-primary.shop.svc"
    assert postgres.host(specified("b", "read-only")) == "orders-rw.shop.svc"
    assert postgres.host(specified("b", "partitioned", **PARTITIONED)) == "orders-rw.shop.svc"


def test_a_region_that_only_reads_has_nothing_beside() -> None:
    found = emitted("b", "read-only")
    assert not {"primary", "publication-g1"} & set(found)


# partitioned: a primary in every region


@pytest.mark.parametrize("region", ["a", "b", "c"])
def test_every_region_of_a_partitioned_pair_has_a_primary_of_its_own(region: str) -> None:
    made = emitted(region, "partitioned", **PARTITIONED)["cluster-g1"]
    assert "replica" not in made["spec"]
    assert set(made["spec"]["bootstrap"]) == {"initdb"}
    assert made["spec"]["instances"] == 3, "none of them is a standby"
    assert made["metadata"]["annotations"]["hakit/epoch"] == "0", "the guard knows it, and lets it be created once"


def test_a_region_publishes_its_tables_and_never_all_of_them() -> None:
    published = emitted("a", "partitioned", **PARTITIONED)["publication-g1"]
    assert published["spec"] == {
        "cluster": {"name": "orders-g1"},
        "dbname": "orders",
        "name": "hakit",
        "target": {
            "objects": [
                {"table": {"schema": "public", "name": "orders"}},
                {"table": {"schema": "stock", "name": "items"}},
            ]
        },
        "publicationReclaimPolicy": "retain",
    }


def test_a_region_subscribes_to_every_other_one_and_sends_nothing_back() -> None:
    found = emitted("b", "partitioned", **PARTITIONED)
    assert [key for key in found if key.startswith("subscription-")] == ["subscription-a", "subscription-c"]
    assert found["subscription-a"]["spec"] == {
        "cluster": {"name": "orders-g1"},
        "dbname": "orders",
        "name": "a_to_b",
        "externalClusterName": "orders-g1-a",
        "publicationName": "hakit",
        "parameters": {"origin": "none", "copy_data": "true", "failover": "true"},
        "subscriptionReclaimPolicy": "retain",
    }


def test_only_the_founded_regions_rows_are_copied_at_the_beginning() -> None:
    """Else two regions would copy each other's rows back, which the primary keys refuse for ever."""
    copied = {
        (publisher, region): found[f"subscription-{publisher}"]["spec"]["parameters"]["copy_data"]
        for region in "abc"
        for found in [emitted(region, "partitioned", **PARTITIONED)]
        for publisher in "abc"
        if publisher != region
    }
    assert [ways for ways, value in copied.items() if value == "true"] == [("a", "b"), ("a", "c")]
    assert len(copied) == 6


def test_no_two_subscriptions_have_one_slot_at_their_publisher() -> None:
    slots = [
        each["spec"]["name"]
        for region in "abc"
        for each in emitted(region, "partitioned", **PARTITIONED).values()
        if each["kind"] == "Subscription"
    ]
    assert len(set(slots)) == len(slots) == 6


def test_nobody_subscribes_before_it_is_said() -> None:
    found = emitted("b", "partitioned", **{**PARTITIONED, "partitioned": {"tables": ["orders"]}})
    assert "publication-g1" in found
    assert [key for key in found if key.startswith("subscription-")] == []


def test_a_subscription_logs_in_over_tls_with_a_role_of_its_own() -> None:
    spec = emitted("b", "partitioned", **PARTITIONED)["cluster-g1"]["spec"]
    assert [each["name"] for each in spec["externalClusters"]] == ["orders-g1-a", "orders-g1-c"]
    assert spec["externalClusters"][0] == {
        "name": "orders-g1-a",
        "connectionParameters": {
            "host": "a.example.com",
            "port": "5432",
            "user": "hakit_subscriber",
            "dbname": "orders",
            "sslmode": "verify-full",
        },
        "sslRootCert": {"name": "a-ca", "key": "ca.crt"},
        "password": {"name": "peer", "key": "password"},
    }
    (role,) = spec["managed"]["roles"]
    assert role == {
        "name": "hakit_subscriber",
        "ensure": "present",
        "login": True,
        "replication": True,
        "inRoles": ["pg_read_all_data"],
        "passwordSecret": {"name": "peer"},
    }


def test_slots_outlive_the_loss_of_an_instance_and_never_fill_the_volume() -> None:
    spec = emitted("b", "partitioned", **{**PARTITIONED, "wal_storage": "8Gi"})["cluster-g1"]["spec"]
    assert spec["replicationSlots"] == {"highAvailability": {"enabled": True, "synchronizeLogicalDecoding": True}}
    parameters = spec["postgresql"]["parameters"]
    assert parameters["hot_standby_feedback"] == "on"
    assert parameters["sync_replication_slots"] == "on"
    assert parameters["max_slot_wal_keep_size"] == "4096MB", "half of the WAL volume"


def test_a_partitioned_region_archives_to_its_own_bucket_and_reads_no_other() -> None:
    found = emitted("b", "partitioned", **PARTITIONED)
    assert [key for key in found if key.startswith("store-")] == ["store-b"]
    assert found["backup-g1"]["spec"]["suspend"] is False


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in PARTITIONED.items() if name != key}


@pytest.mark.parametrize(
    ("writes", "arguments", "message"),
    [
        ("primary-region", {}, "routes.a is missing: with writes: primary-region the other regions connect to it"),
        (
            "primary-region",
            {"routes": {**ROUTES, "b": {**ROUTES["b"], "host": "192.0.2.7"}}},
            "routes.b.host: an address, and a Service can stand for another name only\n  given:   192.0.2.7",
        ),
        (
            "primary-region",
            {"routes": {**ROUTES, "b": {**ROUTES["b"], "port": 6432}}},
            "routes.b.port: applications have one port for every region\n  given:   6432\n  allowed: 5432",
        ),
        ("read-only", {"partitioned": {"tables": ["orders"]}}, "partitioned: pair shop has one primary"),
        (
            "read-only",
            {"credentials": {"application": {"secret": "x"}, "replication": {"secret": "y"}}},
            "credentials.replication: pair shop has one primary",
        ),
        ("partitioned", without("routes"), "routes.a is missing: with writes: partitioned"),
        ("partitioned", without("partitioned"), "partitioned is missing"),
        ("partitioned", without("image"), "image is missing"),
        ("partitioned", without("credentials"), "credentials.replication is missing"),
        ("partitioned", {**PARTITIONED, "image": "postgresql:16.9"}, "image: PostgreSQL 17 or newer keeps"),
        ("partitioned", {**PARTITIONED, "image": "registry:5000/postgresql"}, "image: PostgreSQL 17 or newer keeps"),
        ("partitioned", {**PARTITIONED, "image": "postgresql@sha256:" + "1" * 64}, "image: PostgreSQL 17 or newer"),
        ("partitioned", {**PARTITIONED, "partitioned": {"tables": []}}, "partitioned.tables is missing"),
        ("partitioned", {**PARTITIONED, "partitioned": {"tables": ["a.b.c"]}}, "tables: not a table's name"),
        ("partitioned", {**PARTITIONED, "partitioned": {"table": ["a"]}}, "partitioned.table: unknown argument"),
        ("partitioned", {**PARTITIONED, "standby": {"instances": 2}}, "standby: every region of a partitioned pair"),
        ("partitioned", {**PARTITIONED, "bootstrap": "stream"}, "bootstrap: every region of a partitioned pair"),
        (
            "partitioned",
            {**PARTITIONED, "parameters": {"sync_replication_slots": "off"}},
            "parameters.sync_replication_slots: follows from writes: partitioned",
        ),
        ("partitioned", {**PARTITIONED, "extra": {"replicationSlots": {}}}, "extra.replicationSlots: follows from"),
        ("partitioned", {**PARTITIONED, "roles": {"hakit_subscriber": {}}}, "roles.hakit_subscriber: hakit's own"),
    ],
)
def test_a_write_path_that_leads_nowhere_is_refused(writes: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=re.escape(message)):
        specified("b", writes, **arguments)


def test_the_volumes_share_for_slots_may_be_said() -> None:
    more = {**PARTITIONED, "parameters": {"max_slot_wal_keep_size": "1GB"}}
    parameters = emitted("b", "partitioned", **more)["cluster-g1"]["spec"]["postgresql"]["parameters"]
    assert parameters["max_slot_wal_keep_size"] == "1GB"
