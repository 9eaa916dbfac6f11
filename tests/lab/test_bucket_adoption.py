"""Buckets with objects in them come under a BucketPair, by the real Pulumi engine, in the lab's AWS.

The provider is the lab's stand-in, which imports a bucket as the official one is documented to; what it does not prove
stands in `lab.providers.aws`. Nothing is copied.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pytest

from lab.harness.engine import Engine
from tests.lab.conftest import need

pytestmark = [pytest.mark.lab, pytest.mark.long]

SHARED = "prod-shared"
BUCKETS = {"us-east-1": "acme-backups", "us-west-2": "backups.acme"}
OBJECTS = {"shop/base/1": b"a base backup", "shop/wals/1": b"a segment"}
ADOPT = {"archive": {"adopt": BUCKETS, "noncurrent_days": 90}}


def declare(engine: Engine, pairs: dict[str, Any]) -> None:
    (engine.project / "stacks" / "bucket_pairs.json").write_text(json.dumps(pairs), encoding="utf-8")


def fill(engine: Engine, region: str, bucket: str) -> None:
    """A bucket as somebody else made it: tagged, without versions, with a rule and a policy of its own."""
    s3 = engine.aws("s3", region)
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **where)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "shop"}]})
    rule = {"ID": "of-the-user", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    for key, body in OBJECTS.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def objects(engine: Engine, region: str, bucket: str) -> dict[str, bytes]:
    """What is in a bucket. moto reads no condition of a policy, so the one that refuses requests without TLS would
    refuse this one too: it is put aside while we look."""
    s3 = engine.aws("s3", region)
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    found = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in found}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    return bodies


def planned(engine: Engine) -> dict[str, str]:
    """What an update would do with each resource that it does not leave alone."""
    found: dict[str, str] = {}

    def event(each: auto.EngineEvent) -> None:
        if each.resource_pre_event and each.resource_pre_event.metadata.op.value != "same":
            found[each.resource_pre_event.metadata.urn.rpartition("::")[2]] = each.resource_pre_event.metadata.op.value

    with engine.stack(SHARED) as stack:
        stack.preview(on_event=event)
    return found


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    need("pulumi")
    program = Path(__file__).parent / "programs" / "bucket_pairs.py"
    with Engine(tmp_path_factory.mktemp("adoption") / "reference", program=program) as found:
        declare(found, {})
        with found.stack(SHARED) as stack:
            stack.up()
        for region, bucket in BUCKETS.items():
            fill(found, region, bucket)
        yield found


@pytest.fixture(scope="module")
def changes(engine: Engine) -> dict[str, int]:
    """How many resources the first `up` with the pair made, imported, changed."""
    declare(engine, ADOPT)
    with engine.stack(SHARED) as stack:
        return dict(stack.up().summary.resource_changes or {})


def test_the_buckets_are_imported_and_nothing_is_replaced(engine: Engine, changes: dict[str, int]) -> None:
    assert changes["import"] == 2
    assert set(changes) - {"update"} == {"same", "create", "import"}, "no replacement, no deletion"
    assert planned(engine) == {}, "the second time there is nothing to do"


@pytest.mark.usefixtures("changes")
@pytest.mark.parametrize("region", list(BUCKETS))
def test_what_was_in_a_bucket_is_there_and_its_settings_are_hakits(engine: Engine, region: str) -> None:
    s3, bucket = engine.aws("s3", region), BUCKETS[region]
    assert objects(engine, region, bucket) == OBJECTS
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "shop"}]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [rule["ID"] for rule in rules] == ["unfinished-uploads", "old-versions"], "the user's rule is replaced"
    (rule,) = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"]
    (other,) = set(BUCKETS.values()) - {bucket}
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{other}"


@pytest.mark.usefixtures("changes")
def test_without_the_argument_the_old_bucket_is_not_given_up_for_a_new_one(engine: Engine) -> None:
    declare(engine, {"archive": {"noncurrent_days": 90}})
    try:
        with engine.stack(SHARED) as stack, pytest.raises(auto.CommandError, match="marked for protection"):
            stack.up()
    finally:
        declare(engine, ADOPT)
    for region, bucket in BUCKETS.items():
        assert objects(engine, region, bucket) == OBJECTS
        assert engine.aws("s3", region).get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


@pytest.mark.usefixtures("changes")
def test_a_bucket_that_is_not_there_is_refused_by_the_preview(engine: Engine) -> None:
    declare(engine, ADOPT | {"missing": {"adopt": {"us-west-2": "acme-bakcups"}, "noncurrent_days": 90}})
    try:
        with engine.stack(SHARED) as stack, pytest.raises(auto.CommandError, match="does not exist"):
            stack.preview()
    finally:
        declare(engine, ADOPT)


@pytest.mark.usefixtures("changes")
def test_a_bucket_whose_lock_is_on_gets_its_retention(engine: Engine) -> None:
    s3, region = engine.aws("s3", "us-west-2"), "us-west-2"
    where = {"LocationConstraint": region}
    s3.create_bucket(Bucket="acme-locked", ObjectLockEnabledForBucket=True, CreateBucketConfiguration=where)
    lock = {"mode": "governance", "days": 30}
    args = {"regions": [region], "replication": "none", "noncurrent_days": 90, "object_lock": lock}
    declare(engine, ADOPT | {"vault": {**args, "adopt": {region: "acme-locked"}}})
    with engine.stack(SHARED) as stack:
        stack.up()
    found = s3.get_object_lock_configuration(Bucket="acme-locked")["ObjectLockConfiguration"]
    # moto's own years; the API leaves them out
    assert found["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 30, "Years": 0}
