"""What BucketPair declares, made in moto by AWS's own calls and read back.

It proves that each setting is one that the API has, that moto takes it, and that it is there in the order of a first
`up`. It does not prove that AWS takes it, that anything is copied, or that a policy's conditions hold: moto looks at
none, which `tests/unit/plan/test_bucket_policies.py` makes up for.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

import hakit
from hakit.testing import record
from tests.components.moto_aws import ACCOUNT, Aws, served
from tests.unit.plan.buckets import DATABASES, EAST, EXAMPLE, WEST

TEXT = EXAMPLE.replace("111122223333", ACCOUNT)
BUCKETS = {region: f"acme-prod-{region}-wal" for region in (EAST, WEST)}


@pytest.fixture(name="aws")
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with served() as found:
        yield found


def up(aws: Aws, root: Path, **args: Any) -> None:
    (root / "t.yaml").write_text(TEXT)

    def program() -> None:
        import pulumi_aws

        provider = pulumi_aws.Provider("aws", region=EAST, allowed_account_ids=[ACCOUNT])
        opts = pulumi.ResourceOptions(providers=[provider])
        hakit.BucketPair("wal", {"topology": "t.yaml", "purpose": "wal", **args}, opts)

    record(program, project="docs", stack="prod-shared", root=root, preview=False, answers=aws.answers())


def keys(aws: Aws) -> dict[str, str]:
    found = {}
    for region, bucket in BUCKETS.items():
        client = aws.client("kms", region)
        found[region] = client.describe_key(KeyId=f"alias/{bucket}")["KeyMetadata"]["Arn"]
    return found


def test_a_first_up_from_nothing_is_there_as_declared(aws: Aws, tmp_path: Path) -> None:
    up(aws, tmp_path, databases=DATABASES)
    key = keys(aws)
    for here, there in ((EAST, WEST), (WEST, EAST)):
        s3, bucket = aws.client("s3", here), BUCKETS[here]
        assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == (None if here == EAST else here)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
        (owner,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        assert owner == {"ObjectOwnership": "BucketOwnerEnforced"}
        (encryption,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert encryption["ApplyServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": key[here],
        }
        replication = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
        assert replication["Role"] == f"arn:aws:iam::{ACCOUNT}:role/acme-prod-{here}-wal-replication"
        (rule,) = replication["Rules"]
        assert (rule["ID"], rule["Status"]) == (f"to-{there}", "Enabled")
        assert rule["Filter"] == {"Prefix": ""}
        assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
        assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{BUCKETS[there]}"
        lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert [each["ID"] for each in lifecycle] == ["unfinished-uploads", "old-versions"]
        assert lifecycle[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
        assert lifecycle[1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
        assert lifecycle[1]["Expiration"]["ExpiredObjectDeleteMarker"] is True
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        assert [each["Sid"] for each in policy["Statement"]] == [
            "OnlyEncryptedTransport",
            "OnlyNewTransport",
            "OnlyTheBucketsKey",
        ]
        assert aws.client("kms", here).get_key_rotation_status(KeyId=key[here])["KeyRotationEnabled"] is True


def test_roles_are_there_with_their_trusts_and_rights(aws: Aws, tmp_path: Path) -> None:
    up(aws, tmp_path, databases=DATABASES)
    iam = aws.client("iam")
    assert {each["RoleName"] for each in iam.list_roles()["Roles"]} == {
        f"acme-prod-{region}-wal-{kind}" for region in BUCKETS for kind in ("access", "batch", "replication")
    }
    role = iam.get_role(RoleName="acme-prod-us-east-1-wal-access")["Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    rights = iam.get_role_policy(RoleName="acme-prod-us-east-1-wal-replication", PolicyName="buckets")
    resources = {item for each in rights["PolicyDocument"]["Statement"] for item in each["Resource"]}
    assert set(keys(aws).values()) <= resources, "the keys that were made, by their own ARNs"


def test_a_lock_is_there_from_the_first_object_on(aws: Aws, tmp_path: Path) -> None:
    up(aws, tmp_path, object_lock={"mode": "compliance", "days": 30})
    for region, bucket in BUCKETS.items():
        lock = aws.client("s3", region).get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
        assert lock["ObjectLockEnabled"] == "Enabled"
        retention = lock["Rule"]["DefaultRetention"]
        assert (retention["Mode"], retention["Days"]) == ("COMPLIANCE", 30)


def test_objects_get_colder_after_the_window_and_copies_go_after_that(aws: Aws, tmp_path: Path) -> None:
    """Moto keeps the rules and takes none of S3's own refusals to heart; it moves nothing."""
    colder = {"GLACIER": 90, "STANDARD_IA": 30}
    up(aws, tmp_path, databases=DATABASES, keep_days=30, copies_days=400, colder=colder)
    for here, there in ((EAST, WEST), (WEST, EAST)):
        found = aws.client("s3", here).get_bucket_lifecycle_configuration(Bucket=BUCKETS[here])["Rules"]
        by_name = {each["ID"]: each for each in found}
        assert list(by_name) == ["unfinished-uploads", "old-versions", f"copies-of-{there}", "colder"]
        assert by_name["colder"]["Status"] == "Enabled"
        assert by_name["colder"]["Filter"] == {"Prefix": ""}
        assert by_name["colder"]["Transitions"] == [
            {"Days": 30, "StorageClass": "STANDARD_IA"},
            {"Days": 90, "StorageClass": "GLACIER"},
        ]
        assert "Expiration" not in by_name["colder"]
        assert "NoncurrentVersionTransitions" not in by_name["colder"]
        assert by_name[f"copies-of-{there}"]["Expiration"] == {"Days": 400}


def test_a_rule_before_the_versions_would_have_been_refused(aws: Aws) -> None:
    """What the order of BucketPair is for; moto refuses it as S3 does."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="early")
    rule = {"ID": "a", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::late"}, "Prefix": ""}
    with pytest.raises(ClientError, match="Versioning must be 'Enabled'"):
        s3.put_bucket_replication(Bucket="early", ReplicationConfiguration={"Role": "r", "Rules": [rule]})


def test_copying_is_declared_last(aws: Aws, tmp_path: Path) -> None:
    up(aws, tmp_path)
    first = min(aws.made.index(f"wal-replication-{region}") for region in BUCKETS)
    both = [f"wal-{role}-{region}" for role in ("versioning", "encryption") for region in BUCKETS]
    assert all(aws.made.index(name) < first for name in both)


# Requests with the rights of the database's role, before moto's own evaluator of actions and resources


def as_database(aws: Aws, region: str) -> tuple[str, str]:
    """An access key with the rights of a region's access role, by a user that has the same policy.

    Moto cannot tell who may assume a role by web identity, so the trust is not part of it.
    """
    iam = aws.client("iam")
    rights = iam.get_role_policy(RoleName=f"acme-prod-{region}-wal-access", PolicyName="buckets")["PolicyDocument"]
    iam.create_user(UserName="database")
    iam.put_user_policy(UserName="database", PolicyName="buckets", PolicyDocument=json.dumps(rights))
    key = iam.create_access_key(UserName="database")["AccessKey"]
    return (key["AccessKeyId"], key["SecretAccessKey"])


def denied(call: Any, **given: Any) -> bool:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_database_archives_reads_and_deletes_where_it_may_and_nowhere_else(aws: Aws, tmp_path: Path) -> None:
    up(aws, tmp_path, databases=DATABASES)
    own, copy = "us-east-1/shop/orders-g1/wals/1", "us-west-2/shop/orders-g1/wals/1"
    for region, bucket in BUCKETS.items():
        # Moto takes a Deny with a condition for one without, and would let nobody in.
        aws.client("s3", region).delete_bucket_policy(Bucket=bucket)
        for name in (copy, "uploads/cat.jpg", "us-east-1/bank/ledger-g1/wals/1"):
            aws.client("s3", region).put_object(Bucket=bucket, Key=name, Body=b"x")
    key = as_database(aws, EAST)
    aws.ask_iam()
    east, west = aws.client("s3", EAST, key), aws.client("s3", WEST, key)
    here, there = BUCKETS[EAST], BUCKETS[WEST]
    east.put_object(Bucket=here, Key=own, Body=b"wal")
    assert east.get_object(Bucket=here, Key=own)["Body"].read() == b"wal"
    assert east.get_object(Bucket=here, Key=copy)["Body"].read() == b"x", "the copy of the other's archive"
    assert west.get_object(Bucket=there, Key=copy)["Body"].read() == b"x", "the other's archive itself"
    assert east.list_objects_v2(Bucket=here, Prefix="us-east-1/shop/orders-g1/")["KeyCount"] == 1
    version = east.put_object(Bucket=here, Key=own, Body=b"wal")["VersionId"]
    east.delete_object(Bucket=here, Key=own)
    assert denied(east.put_object, Bucket=here, Key=copy, Body=b"y")
    assert denied(west.put_object, Bucket=there, Key=copy, Body=b"y")
    assert denied(west.put_object, Bucket=there, Key=own, Body=b"y")
    for name in ("uploads/cat.jpg", "us-east-1/bank/ledger-g1/wals/1"):
        assert denied(east.get_object, Bucket=here, Key=name)
        assert denied(east.put_object, Bucket=here, Key=name, Body=b"y")
        assert denied(east.delete_object, Bucket=here, Key=name)
    assert denied(east.put_bucket_versioning, Bucket=here, VersioningConfiguration={"Status": "Suspended"})
    assert denied(east.delete_bucket_policy, Bucket=here)
    assert denied(east.delete_bucket, Bucket=here)
    assert version, "the version is still there: only its marker was written"
