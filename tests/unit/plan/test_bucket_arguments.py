"""What a BucketPair refuses, and what it takes for granted."""

import re
from typing import Any

import pytest

from hakit.components.bucket_pair_args import BucketPairArgs
from hakit.errors import HakitError
from hakit.plan.buckets import ARGUMENTS
from tests.unit.plan.buckets import DATABASES, EAST, EUROPE, EXAMPLE, THREE_REGIONS, WEST, spec


def refused(text: str = EXAMPLE, **args: Any) -> str:
    with pytest.raises(HakitError) as caught:
        spec(text, **args)
    return str(caught.value)


def test_every_argument_of_the_component_is_read() -> None:
    assert set(BucketPairArgs.__annotations__) == set(ARGUMENTS)


def test_by_default_each_bucket_is_copied_to_each_other_and_no_deletion_is() -> None:
    made = spec(THREE_REGIONS)
    assert made.flows == (
        (EAST, WEST),
        (EAST, EUROPE),
        (WEST, EAST),
        (WEST, EUROPE),
        (EUROPE, EAST),
        (EUROPE, WEST),
    )
    assert (made.copy_deletions, made.replication_time, made.lock, made.unprotected) == (False, False, None, "")
    assert made.noncurrent_days == 30


def test_one_way_copies_from_the_source_only_and_none_copies_nothing() -> None:
    made = spec(THREE_REGIONS, replication="one-way", source=WEST)
    assert made.flows == ((WEST, EAST), (WEST, EUROPE))
    assert spec(replication="none").flows == ()


def test_one_region_is_enough_where_nothing_is_copied() -> None:
    assert spec(regions=[EAST], replication="none").regions == (EAST,)
    message = refused(regions=[EAST])
    assert "replication: both needs two regions or more" in message
    assert "say replication: none" in message


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"purpos": "wal"}, "purpos: unknown argument"),
    ({"purpose": "WAL"}, "purpose: not part of a bucket's name"),
    ({"purpose": "wal_files"}, "purpose: not part of a bucket's name"),
    ({"regions": [EAST, "us-west-1"]}, "regions: unknown region\n  given:   us-west-1"),
    ({"replication": "two-way"}, "replication: unknown word"),
    ({"replication": "one-way"}, "source is missing"),
    ({"replication": "one-way", "source": "us-east-2"}, "source: unknown region"),
    ({"source": EAST}, "source: goes with replication: one-way"),
    ({"replication": "none", "replication_time": True}, "replication_time: nothing is copied"),
    ({"replication": "none", "copy_deletions": True}, "copy_deletions: nothing is copied"),
    ({"object_lock": {"days": 30}}, "object_lock.mode is missing"),
    ({"object_lock": {"mode": "compliance"}}, "object_lock.days is missing"),
    ({"object_lock": {"mode": "forever", "days": 30}}, "object_lock.mode: unknown word"),
    ({"object_lock": {"mode": "compliance", "days": 0}}, "object_lock.days: wrong value"),
    ({"object_lock": {"mode": "compliance", "days": 30, "regions": [EUROPE]}}, "object_lock.regions: unknown region"),
    ({"object_lock": {"mode": "compliance", "days": 29}, "keep_days": 30}, "shorter than what must stay restorable"),
    ({"keep_days": 30}, "keep_days: goes with object_lock, copies_days or colder"),
    ({"copies_days": 60}, "copies_days: there are no copies of archives"),
    ({"copies_days": 60, "databases": DATABASES, "replication": "none"}, "copies_days: there are no copies"),
    ({"copies_days": 30, "keep_days": 30, "databases": DATABASES}, "copies_days: not longer than what must stay"),
    ({"noncurrent_days": 0}, "noncurrent_days: wrong value"),
    ({"databases": {"shopp": {"namespace": "shop"}}}, "databases: unknown pair\n  given:   shopp\n  allowed: shop"),
    ({"databases": {"shop": {}}}, "databases.shop.namespace is missing"),
    ({"databases": {"shop": {"namespace": "Shop"}}}, "databases.shop.namespace: not a name of Kubernetes"),
    ({"databases": {"shop": {"namespace": "shop-*"}}}, "databases.shop.namespace: not a name of Kubernetes"),
    ({"apps": {"web": {"namespace": "shop"}}}, "apps.web.paths is missing"),
    ({"apps": {"web": {"namespace": "shop", "paths": ["*"]}}}, "apps.web.paths: not a folder, nor an object"),
    ({"apps": {"web": {"namespace": "shop", "paths": ["a*/"]}}}, "apps.web.paths: not a folder, nor an object"),
    ({"apps": {"web": {"namespace": "shop", "paths": ["${aws:x}/"]}}}, "apps.web.paths: not a folder, nor an object"),
    ({"apps": {"web": {"namespace": "shop", "paths": ["/"]}}}, "apps.web.paths: not a folder, nor an object"),
    ({"apps": {"*": {"namespace": "shop", "paths": ["a/"]}}}, "apps: not the name of a service account"),
    ({"unprotected": True}, "unprotected: wrong type"),
    ({"tags": {"team": 1}}, "tags.team: wrong type"),
]


@pytest.mark.parametrize(("args", "message"), WRONG, ids=[message.partition("\n")[0] for _, message in WRONG])
def test_what_is_wrong_is_named(args: dict[str, Any], message: str) -> None:
    assert message in refused(**args)
    assert refused(**args).startswith(("BucketPair 'wal':", "t.yaml:"))


def test_a_locked_bucket_is_copied_to_locked_ones_only() -> None:
    lock = {"mode": "compliance", "days": 30}
    message = refused(object_lock={**lock, "regions": [EAST]})
    assert "the bucket in us-east-1 is locked, and copied to us-west-2, which is not" in message
    assert "add us-west-2 to object_lock.regions" in message
    copies = {"replication": "one-way", "source": WEST, "object_lock": {**lock, "regions": [EAST]}}
    assert spec(**copies).lock_of(WEST) is None, "the copy alone may be locked: it is what an intruder must not reach"
    assert spec(object_lock=lock).lock_of(WEST), "both, when nothing is said"


def test_a_lock_that_is_long_enough_is_taken() -> None:
    lock = spec(object_lock={"mode": "governance", "days": 30}, keep_days=30).lock
    assert lock is not None
    assert (lock.mode, lock.days, lock.regions) == ("governance", 30, (EAST, WEST))


@pytest.mark.parametrize(
    ("prefix", "purpose"),
    [("xn--acme", "wal"), ("sthree-acme", "wal"), ("amzn-s3-demo-x", "wal"), ("acme", "s3alias")],
)
def test_names_that_s3_keeps_for_itself_are_refused(prefix: str, purpose: str) -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    message = refused(EXAMPLE.replace("prefix: acme", f"prefix: {prefix}"), purpose=purpose)
    assert "a bucket's name that S3 refuses" in message
    assert "change aws.prefix at t.yaml:3, or the purpose" in message


def test_a_name_that_would_be_too_long_gets_a_hash_and_is_taken() -> None:
    made = spec(EXAMPLE.replace("prefix: acme", f"prefix: {'a' * 60}"))
    assert re.fullmatch(r"a+--[0-9a-f]{10}", made.bucket(EAST))
    assert len(made.bucket(EAST)) == 63


def test_a_region_that_aws_does_not_have_is_refused_where_it_stands() -> None:
    message = refused(EXAMPLE.replace("us-west-2:", "west:").replace("founded: us-west-2", "founded: west"))
    assert message.startswith("t.yaml:11: regions: not a region of AWS")


def test_accounts_need_to_be_known_to_aws() -> None:
    unknown = EXAMPLE.replace(", oidc_issuer: https://oidc.eks.us-west-2.amazonaws.com/id/BBBB", "")
    message = refused(unknown, databases=DATABASES)
    assert "nothing says how service accounts of region us-west-2 are known to AWS" in message
    assert spec(unknown), "buckets without accounts need none"
    pods = unknown.replace("context: prod-usw2", "context: prod-usw2, pod_identity: true")
    assert spec(pods, databases=DATABASES)


def test_a_pair_archives_in_every_region_it_has() -> None:
    message = refused(THREE_REGIONS, databases=DATABASES, regions=[EAST, WEST])
    assert "databases: pair shop has a region without a bucket\n  given:   eu-west-1" in message
    two = THREE_REGIONS.replace("founded:", "regions: [us-east-1, us-west-2]\n    founded:")
    made = spec(two, databases=DATABASES)
    assert [len(made.accounts_in(region)) for region in (EAST, WEST, EUROPE)] == [1, 1, 0]


def test_a_pair_without_databases_has_nothing_to_archive() -> None:
    assert "databases: pair shop has none" in refused(EXAMPLE.replace("[orders]", "[]"), databases=DATABASES)


def test_more_databases_than_a_role_can_trust_are_refused() -> None:
    many = ", ".join(f"database-number-{number}" for number in range(40))
    message = refused(EXAMPLE.replace("[orders]", f"[{many}]"), databases=DATABASES)
    assert "the trusts of the role in us-east-1 are longer than IAM takes" in message
    assert "allowed: 2048 characters" in message
    assert "another purpose" in message
