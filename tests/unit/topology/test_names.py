"""Names that two stacks compute alike, what `shared` may see, and the schema."""

import json
import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.errors import HakitError
from hakit.topology import loading, names
from hakit.topology.handovers import Copy
from hakit.topology.schema import json_schema
from tests.unit.topology.example import EXAMPLE, with_handovers

TOPOLOGY = loading.parse(EXAMPLE, "t.yaml")


def test_names_by_hand() -> None:
    copy = Copy("us-east-1", 2)
    assert names.cluster("orders", 2) == "orders-g2"
    assert names.service("orders") == "orders-rw", "it stays when the incarnation changes"
    assert names.member("orders", copy) == "orders-g2-us-east-1"
    assert names.archive("shop", "orders", copy) == "us-east-1/shop/orders-g2"
    assert names.bucket_of(TOPOLOGY, "us-east-1", "wal") == "acme-prod-us-east-1-wal"
    assert names.origin_host("us-east-1", "shop.example.com") == "us-east-1.origin.shop.example.com"
    assert names.scopes(TOPOLOGY) == ("shared", "us-east-1", "us-west-2", "traffic")
    assert names.stack("prod", "us-east-1") == "prod-us-east-1"


def test_roles_by_hand() -> None:
    assert names.role_name(TOPOLOGY, "us-east-1", "wal") == "acme-prod-us-east-1-wal-access"
    assert (
        names.role_arn(TOPOLOGY, "us-east-1", "wal") == "arn:aws:iam::111122223333:role/acme-prod-us-east-1-wal-access"
    )
    assert names.replication_role_name(TOPOLOGY, "us-east-1", "wal") == "acme-prod-us-east-1-wal-replication"
    assert names.batch_role_name(TOPOLOGY, "us-east-1", "wal") == "acme-prod-us-east-1-wal-batch"


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_an_arn_starts_with_its_regions_partition(region: str, partition: str) -> None:
    moved = loading.parse(EXAMPLE.replace("us-east-1", region), "t.yaml")
    assert names.role_arn(moved, region, "wal").startswith(f"arn:{partition}:iam::111122223333:role/acme-prod-{region}")


def test_names_of_what_does_not_exist_or_does_not_fit_are_refused() -> None:
    for name in (names.bucket_of, names.role_name, names.role_arn, names.replication_role_name, names.batch_role_name):
        with pytest.raises(HakitError, match="unknown region"):
            name(TOPOLOGY, "us-east-2", "wal")
    with pytest.raises(HakitError, match=r"the origin's name has 26[0-9] characters"):
        names.origin_host("us-east-1", "a" * 245)


def test_buckets_whose_parts_meet_in_one_text_have_two_names() -> None:
    one, other = names.bucket("a-b", "c", "r", "wal"), names.bucket("a", "b-c", "r", "wal")
    assert one.startswith("a-b-c-r-wal--")
    assert other.startswith("a-b-c-r-wal--")
    assert one != other


WORD = st.from_regex(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", fullmatch=True)


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(st.lists(st.tuples(WORD, WORD, WORD, WORD), min_size=2, max_size=5, unique=True))
def test_different_buckets_have_different_names_that_s3_takes(parts: list[tuple[str, str, str, str]]) -> None:
    made = [names.bucket(*each) for each in parts]
    assert len(set(made)) == len(parts)
    assert all(3 <= len(name) <= 63 and name == name.lower() and name[-1] != "-" for name in made)


def test_every_split_of_one_text_is_a_bucket_of_its_own() -> None:
    words = ["a", "b", "a-b", "b-a", "a-b-a"]
    made = {names.bucket(*parts) for parts in product(words, repeat=4)}
    assert len(made) == len(words) ** 4


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(st.lists(st.tuples(WORD, WORD, WORD), min_size=2, max_size=5, unique=True))
def test_different_roles_have_different_names_that_iam_takes(parts: list[tuple[str, str, str]]) -> None:
    made = []
    for prefix, environment, purpose in parts:
        text = EXAMPLE.replace("prefix: acme", f"prefix: {prefix!r}").replace(
            "environment: prod", f"environment: {environment!r}"
        )
        topology = loading.parse(text, "t.yaml")
        for region in topology.regions:
            made += [
                names.role_name(topology, region, purpose),
                names.replication_role_name(topology, region, purpose),
                names.batch_role_name(topology, region, purpose),
            ]
    assert len(set(made)) == len(parts) * 6
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", name) for name in made), (
        "lower case: IAM tells names apart without case"
    )


def test_a_purpose_that_ends_like_a_kind_of_role_is_a_role_of_its_own() -> None:
    assert names.role_name(TOPOLOGY, "us-east-1", "wal-replication") != names.replication_role_name(
        TOPOLOGY, "us-east-1", "wal"
    )
    made = {
        names.role_name(TOPOLOGY, "us-east-1", purpose)
        for purpose in ("wal", "wal-access", "wal-replication", "access")
    }
    assert len(made) == 4


T1 = 'tokens: {orders: "T1"}'
LISTS = [
    ["{kind: planned, to: us-west-2}"],
    [f"{{kind: planned, to: us-west-2, {T1}}}"],
    [f"{{kind: planned, to: us-west-2, {T1}, settled: true}}"],
    ["{kind: failover, to: us-west-2, accept_loss: 30s}", "{kind: rebuild, to: us-east-1, incarnation: 2}"],
    ["{kind: planned, to: us-west-2}", "{kind: cancel, to: us-east-1}"],
]


@pytest.mark.parametrize(("entries", "traffic"), list(product([[], *LISTS], ["serve", "drain", "fence"])))
def test_shared_sees_no_handover_no_traffic_state_and_no_incarnation(entries: list[str], traffic: str) -> None:
    text = with_handovers(*entries) if entries else EXAMPLE
    text = text.replace("    serves:", f"    traffic: {traffic}\n    serves:")
    topology = loading.parse(text, "t.yaml")
    assert names.shared_view(topology) == names.shared_view(TOPOLOGY)
    assert names.shared_topology(topology).model_dump() == names.shared_topology(TOPOLOGY).model_dump()


def test_the_shared_topology_keeps_all_that_the_shared_view_has_and_its_names() -> None:
    shared = names.shared_topology(TOPOLOGY)
    assert names.shared_view(shared) == names.shared_view(TOPOLOGY)
    assert (shared.pair("shop").name, shared.region("us-west-2").name, shared.path) == ("shop", "us-west-2", "t.yaml")
    assert shared.model_dump() != TOPOLOGY.model_dump(), (
        "where the pair was founded, and whom a region serves, are gone"
    )


def test_shared_sees_what_buckets_and_roles_are_made_of() -> None:
    view = names.shared_view(TOPOLOGY)
    assert view["aws"] == {"account": "111122223333", "prefix": "acme"}
    assert view["pairs"]["shop"]["databases"] == ["orders"]
    other = loading.parse(EXAMPLE.replace("[orders]", "[orders, users]"), "t.yaml")
    assert names.shared_view(other) != view, "a new database is something to share"


def test_the_schema_tells_an_editor_keys_words_and_patterns() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["name", "environment", "aws", "regions"]
    assert schema["additionalProperties"] is False
    region, pair, handover = (schema["$defs"][name] for name in ("Region", "Pair", "Handover"))
    assert region["required"] == ["zones", "kubernetes", "cluster", "storage"]
    assert region["properties"]["traffic"]["enum"] == ["serve", "drain", "fence"]
    assert region["properties"]["kubernetes"]["type"] == "string", "1.30 unquoted is marked in the editor"
    assert pair["required"] == ["mode", "founded", "objectives"]
    assert handover["properties"]["kind"]["enum"] == ["planned", "failover", "cancel", "rebuild"]
    for definition in (schema, *schema["$defs"].values()):
        assert all(each.get("description") for each in definition["properties"].values()), "each key is described"
    assert json.dumps(schema) == json.dumps(json_schema()), "stable"


def test_a_duration_is_text_for_an_editor() -> None:
    rto = json_schema()["$defs"]["Objectives"]["properties"]["rto"]
    assert (rto["type"], rto["pattern"]) == ("string", "^[0-9]{1,9}[smhd]$")
