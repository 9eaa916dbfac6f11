"""The stand-in for the Cloudflare provider over gRPC: what it takes, what it keeps, and where it refuses."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from lab.providers.cloudflare import BALANCER, MONITOR, POOL, Cloudflare
from lab.providers.declared import declared, problems
from lab.providers.frame import UNKNOWN
from lab.providers.store import Store
from tests.lab.provider import Asked, asked

pytestmark = pytest.mark.lab

_POOL = {"accountId": "a" * 32, "name": "east", "origins": [{"name": "east", "address": "192.0.2.1", "enabled": True}]}


def _balancer(pool: str) -> dict[str, object]:
    return {"zoneId": "b" * 32, "name": "shop.example.com", "defaultPools": [pool], "fallbackPool": pool}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cloud.sqlite")


@pytest.fixture
def cloudflare(store: Store) -> Iterator[Asked]:
    with asked(Cloudflare(store)) as found:
        yield found


# What the SDK declares


def test_inputs_as_the_sdk_declares_them_are_taken(cloudflare: Asked):
    assert cloudflare.check(POOL, _POOL) == {}
    pool, _ = cloudflare.create(POOL, _POOL)
    assert cloudflare.check(BALANCER, _balancer(pool)) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"minimumOrigin": 1}, {"minimumOrigin": "unknown property; did you mean minimumOrigins?"}),
        ({"accountId": None}, {"accountId": "missing required property"}),
        ({"enabled": "yes"}, {"enabled": "expected a boolean, got a string"}),
        ({"minimumOrigins": 1.5}, {"minimumOrigins": "expected an integer, got a number"}),
        ({"origins": {}}, {"origins": "expected a list, got an object"}),
        ({"origins": [{"adress": "x"}]}, {"origins[0].adress": "unknown property; did you mean address?"}),
        ({"origins": [{"header": {"hosts": "x"}}]}, {"origins[0].header.hosts": "expected a list, got a string"}),
    ],
)
def test_inputs_that_the_sdk_does_not_declare_are_refused_by_their_path(
    cloudflare: Asked, change: dict[str, object], expected: dict[str, str]
):
    assert cloudflare.check(POOL, _POOL | change) == expected


def test_what_a_preview_cannot_know_is_of_any_type(cloudflare: Asked):
    assert cloudflare.check(POOL, _POOL | {"minimumOrigins": UNKNOWN, "origins": UNKNOWN}) == {}


def test_a_type_that_the_sdk_does_not_have_is_refused():
    assert problems("cloudflare:index/nothing:Nothing", {}) == [
        ("", "the SDK has no resource type cloudflare:index/nothing:Nothing")
    ]


def test_maps_lists_and_unions_of_the_aws_sdk_are_read_too():
    bucket = "aws:s3/bucket:Bucket"
    assert problems(bucket, {"bucket": "b", "tags": {"a": "b"}, "forceDestroy": False}) == []
    assert problems(bucket, {"tags": {"a": 1}}) == [('tags["a"]', "expected a string, got a number")]
    # `policy: pulumi.Input[Union[str, 'PolicyDocumentArgs']]`: a string or an object of the SDK's own
    policy = "aws:iam/rolePolicy:RolePolicy"
    assert problems(policy, {"role": "r", "policy": "{}"}) == []
    assert problems(policy, {"role": "r", "policy": 3}) == [("policy", "expected a string, got a number")]
    found = declared(bucket)
    assert found is not None
    assert "bucketDomainName" in found.outputs - found.inputs.keys()


# What it keeps


def test_a_preview_makes_nothing_and_knows_no_id(cloudflare: Asked, store: Store):
    identity, outputs = cloudflare.create(POOL, _POOL, preview=True)
    assert (identity, outputs["createdOn"], outputs["name"]) == ("", UNKNOWN, "east")
    assert store.all(POOL) == {}


def test_what_was_made_is_read_changed_and_removed(cloudflare: Asked, store: Store):
    identity, outputs = cloudflare.create(POOL, _POOL)
    assert len(identity) == 32
    assert store.all(POOL) == {identity: outputs}
    assert cloudflare.read(POOL, identity, outputs, _POOL) == (outputs, _POOL)
    changed = cloudflare.update(POOL, identity, outputs, _POOL, _POOL | {"enabled": False})
    assert changed == outputs | {"enabled": False}
    cloudflare.delete(POOL, identity, changed)
    assert cloudflare.read(POOL, identity, changed, _POOL) is None


def test_what_somebody_changed_beside_pulumi_is_read(cloudflare: Asked, store: Store):
    identity, outputs = cloudflare.create(POOL, _POOL)
    store.put(POOL, identity, outputs | {"name": "west"})
    assert cloudflare.read(POOL, identity, outputs, _POOL) == (outputs | {"name": "west"}, _POOL | {"name": "west"})


def test_another_account_replaces_a_pool_and_another_name_does_not(cloudflare: Asked):
    # internal/services/load_balancer_pool/schema.go of terraform-provider-cloudflare v5: RequiresReplace
    assert cloudflare.diff(POOL, _POOL, _POOL | {"accountId": "d" * 32}) == ["accountId"]
    assert cloudflare.diff(POOL, _POOL, _POOL | {"name": "west"}) == []


# Where it refuses


def test_a_pool_in_use_cannot_be_deleted_and_one_out_of_use_can(cloudflare: Asked, store: Store):
    # cloudflare/terraform-provider-cloudflare#66: HTTP 412, code 1005
    pool, outputs = cloudflare.create(POOL, _POOL)
    balancer, balanced = cloudflare.create(BALANCER, _balancer(pool))
    with pytest.raises(grpc.RpcError, match="referenced by other objects, delete them first"):
        cloudflare.delete(POOL, pool, outputs)
    assert pool in store.all(POOL)
    cloudflare.delete(BALANCER, balancer, balanced)
    cloudflare.delete(POOL, pool, outputs)
    assert store.all(POOL) == {}


def test_a_monitor_in_use_cannot_be_deleted(cloudflare: Asked):
    monitor, outputs = cloudflare.create(MONITOR, {"accountId": "a" * 32, "type": "https"})
    cloudflare.create(POOL, _POOL | {"monitor": monitor, "checkRegions": ["ENAM"]})
    with pytest.raises(grpc.RpcError, match="referenced by other objects"):
        cloudflare.delete(MONITOR, monitor, outputs)


def test_a_rule_is_asked_with_the_type_the_inputs_and_what_exists(store: Store):
    def one_pool(type_: str, inputs: dict[str, object], known: Store) -> list[tuple[str, str]]:
        return [("name", f"{inputs['name']}: one pool is enough")] if type_ == POOL and known.all(POOL) else []

    provider = Cloudflare(store)
    provider.rules = (one_pool,)
    with asked(provider) as found:
        assert found.check(POOL, _POOL) == {}
        found.create(POOL, _POOL)
        assert found.check(POOL, _POOL) == {"name": "east: one pool is enough"}
