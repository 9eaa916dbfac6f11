"""The stand-in for the AWS provider over gRPC: what it makes is read back with boto3; what it refuses stays unmade."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from lab.providers.aws import Aws
from lab.providers.aws_session import Session, client
from lab.providers.frame import UNKNOWN, Object
from lab.providers.store import Store
from tests.lab.provider import Asked, asked

pytestmark = pytest.mark.lab

BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
ROLE, RECORD, ZONE = "aws:iam/role:Role", "aws:route53/record:Record", "aws:route53/zone:Zone"
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
_MAY_READ = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    found = Session()
    yield found
    found.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cloud.sqlite")


@pytest.fixture
def aws(store: Store, session: Session) -> Iterator[Asked]:
    with asked(Aws(store, session)) as found:
        found.configure({"region": "eu-west-1"})
        yield found


@pytest.fixture
def bucket(aws: Asked, request: pytest.FixtureRequest) -> str:
    """A versioned bucket of the test's own, in us-east-1."""
    return _versioned(aws, _own(request), "us-east-1")


def _own(request: pytest.FixtureRequest) -> str:
    """A name of the test's own: moto is one for all."""
    return "".join(each for each in request.node.name.lower().replace("_", "-") if each.isalnum() or each == "-")[-50:]


def _versioned(aws: Asked, name: str, region: str) -> str:
    aws.create(BUCKET, {"bucket": name, "region": region})
    setting = {"bucket": name, "region": region, "versioningConfiguration": {"status": "Enabled"}}
    aws.create(VERSIONING, setting)
    return name


def _made(aws: Asked, type_: str, inputs: Object) -> tuple[str, Object]:
    """Make a resource as the engine does, and see that it is read back as it was declared."""
    assert aws.check(type_, inputs) == {}
    identity, outputs = aws.create(type_, inputs)
    assert aws.read(type_, identity, outputs, inputs) == (outputs, inputs)
    return identity, outputs


# What moto plays is read back with boto3


def test_a_bucket_lies_in_its_own_region_and_the_providers_is_the_default(aws: Asked, session: Session):
    _, west = _made(aws, BUCKET, {"bucket": "bucket-of-the-west", "region": "us-west-2", "tags": {"pair": "shop"}})
    _, default = _made(aws, BUCKET, {"bucket": "bucket-of-the-provider"})
    s3 = client(session.endpoint, "s3", "us-west-2")
    assert s3.get_bucket_location(Bucket="bucket-of-the-west")["LocationConstraint"] == "us-west-2"
    assert s3.get_bucket_location(Bucket="bucket-of-the-provider")["LocationConstraint"] == "eu-west-1"
    assert s3.get_bucket_tagging(Bucket="bucket-of-the-west")["TagSet"] == [{"Key": "pair", "Value": "shop"}]
    assert (west["arn"], west["tagsAll"]) == ("arn:aws:s3:::bucket-of-the-west", {"pair": "shop"})
    assert default["bucketRegionalDomainName"] == "bucket-of-the-provider.s3.eu-west-1.amazonaws.com"


_SETTINGS: list[tuple[str, Object, str, Any]] = [
    (
        "BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True},
        "get_public_access_block",
        {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True, "RestrictPublicBuckets": False},
    ),
    (
        "BucketServerSideEncryptionConfiguration",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/x"},
                    "bucketKeyEnabled": True,
                }
            ]
        },
        "get_bucket_encryption",
        {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/x"},
                    "BucketKeyEnabled": True,
                }
            ]
        },
    ),
    (
        "BucketLifecycleConfiguration",
        {
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {"and": {"prefix": "a/", "tags": {"keep": "no"}}},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                }
            ]
        },
        "get_bucket_lifecycle_configuration",
        [
            {
                "ID": "old",
                "Status": "Enabled",
                "Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "keep", "Value": "no"}]}},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            }
        ],
    ),
    (
        "BucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        "get_bucket_ownership_controls",
        {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    ),
]


@pytest.mark.parametrize(("kind", "declared", "get", "expected"), _SETTINGS, ids=[each[0] for each in _SETTINGS])
def test_a_setting_of_a_bucket_is_what_the_api_has(  # noqa: PLR0917
    aws: Asked, session: Session, bucket: str, kind: str, declared: Object, get: str, expected: Any
):
    type_ = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
    inputs = {"bucket": bucket, "region": "us-east-1", **declared}
    identity, outputs = _made(aws, type_, inputs)
    answer = getattr(client(session.endpoint, "s3", "us-east-1"), get)(Bucket=bucket)
    assert expected in [value for key, value in answer.items() if key != "ResponseMetadata"]
    aws.delete(type_, identity, outputs)
    assert aws.read(type_, identity, outputs, inputs) is None


def test_versioning_that_pulumi_gives_up_is_suspended_and_never_off(aws: Asked, session: Session, bucket: str):
    state = {"bucket": bucket, "region": "us-east-1", "versioningConfiguration": {"status": "Enabled"}}
    aws.delete(VERSIONING, bucket, state)
    assert client(session.endpoint, "s3", "us-east-1").get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"


def test_a_bucket_with_object_lock_keeps_its_default_retention(aws: Asked, session: Session):
    aws.create(BUCKET, {"bucket": "locked-bucket", "region": "us-west-2", "objectLockEnabled": True})
    retention = {"defaultRetention": {"mode": "COMPLIANCE", "days": 7}}
    lock = {"bucket": "locked-bucket", "region": "us-west-2", "rule": retention, "objectLockEnabled": "Enabled"}
    _made(aws, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", lock)
    found = client(session.endpoint, "s3", "us-west-2").get_object_lock_configuration(Bucket="locked-bucket")
    assert found["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {
        "Mode": "COMPLIANCE",
        "Days": 7,
        "Years": 0,  # moto's own; the API leaves it out
    }


def test_an_imported_bucket_says_whether_its_object_lock_is_on(aws: Asked, session: Session):
    s3 = client(session.endpoint, "s3", "us-west-2")
    where: Any = {"CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}
    s3.create_bucket(Bucket="lock-on", ObjectLockEnabledForBucket=True, **where)
    s3.create_bucket(Bucket="lock-off", **where)
    wanted = {"region": "us-west-2", "objectLockEnabled": True}
    for name, differs in (("lock-on", []), ("lock-off", ["objectLockEnabled"])):
        found = aws.read(BUCKET, f"{name}@us-west-2", {}, {})
        assert found is not None
        assert aws.diff(BUCKET, found[1], wanted | {"bucket": name}) == differs


def test_a_lock_that_says_only_its_retention_is_one_that_is_on(aws: Asked, session: Session):
    aws.create(BUCKET, {"bucket": "lock-of-rules", "region": "us-west-2", "objectLockEnabled": True})
    retention = {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}
    lock = {"bucket": "lock-of-rules", "region": "us-west-2", "rule": retention}
    _made(aws, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", lock)
    found = client(session.endpoint, "s3", "us-west-2").get_object_lock_configuration(Bucket="lock-of-rules")
    assert found["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"


def test_a_bucket_policy_is_read_back_word_by_word_and_as_it_is_when_somebody_changed_it(
    aws: Asked, session: Session, bucket: str
):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    inputs = {"bucket": bucket, "region": "us-east-1", "policy": policy}
    identity, outputs = _made(aws, "aws:s3/bucketPolicy:BucketPolicy", inputs)
    other = json.dumps({"Version": "2012-10-17", "Statement": [deny | {"Action": "s3:Get*"}]})
    client(session.endpoint, "s3", "us-east-1").put_bucket_policy(Bucket=bucket, Policy=other)
    found = aws.read("aws:s3/bucketPolicy:BucketPolicy", identity, outputs, inputs)
    assert found is not None
    assert json.loads(found[1]["policy"]) == json.loads(other)


def test_roles_and_their_policies_are_in_iam(aws: Asked, session: Session):
    _, role = _made(aws, ROLE, {"name": "replication", "assumeRolePolicy": _TRUST, "maxSessionDuration": 7200})
    _made(aws, "aws:iam/rolePolicy:RolePolicy", {"role": "replication", "name": "read", "policy": _MAY_READ})
    arn, policy = _made(aws, "aws:iam/policy:Policy", {"name": "read", "policy": _MAY_READ})
    _made(aws, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "replication", "policyArn": arn})
    iam = client(session.endpoint, "iam", "us-east-1")
    found = iam.get_role(RoleName="replication")["Role"]
    assert (found["MaxSessionDuration"], found["AssumeRolePolicyDocument"]) == (7200, json.loads(_TRUST))
    assert role["arn"] == "arn:aws:iam::111122223333:role/replication", "the account of the reference topology"
    assert iam.get_role_policy(RoleName="replication", PolicyName="read")["PolicyDocument"] == json.loads(_MAY_READ)
    assert policy["arn"] == arn == "arn:aws:iam::111122223333:policy/read"
    with pytest.raises(grpc.RpcError, match="DeleteConflict"):
        aws.delete(ROLE, "replication", role)


def test_a_key_is_replicated_named_and_goes_only_after_its_waiting_time(aws: Asked, session: Session):
    key = {"description": "data", "enableKeyRotation": True, "multiRegion": True, "region": "us-east-1"}
    identity, made = _made(aws, "aws:kms/key:Key", key | {"deletionWindowInDays": 14})
    replica = {"primaryKeyArn": made["arn"], "region": "us-west-2"}
    assert _made(aws, "aws:kms/replicaKey:ReplicaKey", replica)[1]["keyId"] == identity
    _made(aws, "aws:kms/alias:Alias", {"name": "alias/data", "targetKeyId": identity, "region": "us-east-1"})
    aws.delete("aws:kms/key:Key", identity, made)
    found = client(session.endpoint, "kms", "us-east-1").describe_key(KeyId=identity)["KeyMetadata"]
    assert found["KeyState"] == "PendingDeletion"


def test_records_and_health_checks_are_in_route_53(aws: Asked, session: Session):
    zone, _ = _made(aws, ZONE, {"name": "example.com"})
    check = {"type": "HTTPS", "fqdn": "east.example.com", "resourcePath": "/ready", "port": 443, "failureThreshold": 3}
    health, _ = _made(aws, "aws:route53/healthCheck:HealthCheck", check | {"requestInterval": 10})
    record = {"zoneId": zone, "name": "shop", "type": "A", "ttl": 30, "records": ["192.0.2.1"]}
    failover = {"setIdentifier": "east", "healthCheckId": health, "failoverRoutingPolicies": [{"type": "PRIMARY"}]}
    identity, made = _made(aws, RECORD, record | failover)
    dns = client(session.endpoint, "route53", "us-east-1")
    found = [
        each for each in dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if "Failover" in each
    ]
    assert found == [
        {
            "Name": "shop.example.com.",
            "Type": "A",
            "SetIdentifier": "east",
            "Failover": "PRIMARY",
            "TTL": 30,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
            "HealthCheckId": health,
        }
    ]
    config = dns.get_health_check(HealthCheckId=health)["HealthCheck"]["HealthCheckConfig"]
    assert (config["FullyQualifiedDomainName"], config["ResourcePath"]) == ("east.example.com", "/ready")
    changed = aws.update(RECORD, identity, made, record | failover, record | failover | {"ttl": 60})
    assert (changed["ttl"], changed["fqdn"]) == (60, "shop.example.com")


# What it keeps beside moto


def test_a_type_that_moto_does_not_play_gets_plausible_outputs_and_is_kept(aws: Asked, store: Store):
    accelerator = "aws:globalaccelerator/accelerator:Accelerator"
    arn, made = _made(aws, accelerator, {"name": "shop", "enabled": True})
    assert arn == made["arn"] == "arn:aws:globalaccelerator::111122223333:accelerator/shop"
    assert made["dnsName"].endswith(".awsglobalaccelerator.com")
    changed = aws.update(accelerator, arn, made, {"name": "shop", "enabled": True}, {"name": "shop"})
    assert "enabled" not in changed, "an input that the program dropped is gone"
    assert store.all(accelerator) == {arn: changed}


def test_a_bucket_without_a_name_gets_one_and_keeps_it(aws: Asked):
    first = aws.checked(BUCKET, {}, "data")
    assert first["bucket"].startswith("data-")
    assert len(first["bucket"]) == len("data-") + 7
    assert aws.checked(BUCKET, {}, "data", {"bucket": "data-1234567"}) == {"bucket": "data-1234567"}


def test_a_preview_asks_nobody(aws: Asked):
    assert aws.create(BUCKET, {"bucket": "never-made"}, preview=True)[1]["arn"] == UNKNOWN
    assert aws.read(BUCKET, "never-made", {"region": "us-east-1", "bucket": "never-made"}, {}) is None


@pytest.mark.parametrize(
    ("type_", "field"), [(BUCKET, "bucket"), (BUCKET, "region"), (ROLE, "name"), (RECORD, "setIdentifier")]
)
def test_what_cannot_change_in_place_replaces_and_tags_do_not(aws: Asked, type_: str, field: str):
    # "Forces new resource" in terraform-provider-aws' pages of these resources
    old = {"bucket": "a", "region": "b", "name": "c", "setIdentifier": "d", "tags": {"a": "b"}}
    assert aws.diff(type_, old, old | {field: "other"}) == [field]
    assert aws.diff(type_, old, old | {"tags": {"a": "c"}}) == []


# Where it refuses


def test_a_full_bucket_is_not_deleted_unless_it_was_made_to_be(aws: Asked, session: Session, bucket: str):
    s3 = client(session.endpoint, "s3", "us-east-1")
    s3.put_object(Bucket=bucket, Key="order", Body=b"1")
    with pytest.raises(grpc.RpcError, match="BucketNotEmpty"):
        aws.delete(BUCKET, bucket, {"region": "us-east-1"})
    assert s3.get_object(Bucket=bucket, Key="order")["Body"].read() == b"1"
    aws.delete(BUCKET, bucket, {"region": "us-east-1", "forceDestroy": True})
    assert bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_a_bucket_that_is_there_is_not_made_again(aws: Asked, region: str):
    # "BucketAlreadyOwnedByYou ... in all AWS Regions except in the North Virginia Region" (API: CreateBucket); there
    # the provider asks first (terraform-provider-aws, internal/service/s3/bucket.go)
    inputs = {"bucket": f"once-in-{region}", "region": region}
    aws.create(BUCKET, inputs)
    with pytest.raises(grpc.RpcError, match=r"BucketAlready(OwnedByYou|Exists)"):
        aws.create(BUCKET, inputs)


def test_replication_needs_versions_on_both_sides(aws: Asked, bucket: str):
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html
    aws.create(BUCKET, {"bucket": "unversioned", "region": "us-west-2"})

    def replicating(source: str, destination: str) -> Object:
        rule = {
            "id": "all",
            "priority": 1,
            "status": "Enabled",
            "filter": {"prefix": ""},
            "deleteMarkerReplication": {"status": "Enabled"},
            "sourceSelectionCriteria": {"replicaModifications": {"status": "Enabled"}},
            "destination": {"bucket": f"arn:aws:s3:::{destination}"},
        }
        role = "arn:aws:iam::111122223333:role/replication"
        region = "us-west-2" if source == "unversioned" else "us-east-1"
        return {"bucket": source, "region": region, "role": role, "rules": [rule]}

    with pytest.raises(grpc.RpcError, match="Destination bucket must have versioning enabled"):
        aws.create(REPLICATION, replicating(bucket, "unversioned"))
    with pytest.raises(grpc.RpcError, match="Versioning must be 'Enabled'"):
        aws.create(REPLICATION, replicating("unversioned", bucket))
    setting = {"bucket": "unversioned", "region": "us-west-2", "versioningConfiguration": {"status": "Enabled"}}
    aws.create(VERSIONING, setting)
    _made(aws, REPLICATION, replicating(bucket, "unversioned"))
    _made(aws, REPLICATION, replicating("unversioned", bucket))


def test_a_record_that_is_there_is_overwritten_only_when_the_program_says_so(aws: Asked):
    # API: ChangeResourceRecordSets, CREATE; terraform-provider-aws, internal/service/route53/record.go, allow_overwrite
    zone, _ = aws.create(ZONE, {"name": "example.org"})
    record = {"zoneId": zone, "name": "shop.example.org", "type": "A", "ttl": 30, "records": ["192.0.2.1"]}
    aws.create(RECORD, record)
    with pytest.raises(grpc.RpcError, match="InvalidChangeBatch"):
        aws.create(RECORD, record | {"records": ["192.0.2.2"]})
    _made(aws, RECORD, record | {"records": ["192.0.2.2"], "allowOverwrite": True})


def test_what_the_stand_in_does_not_play_it_refuses_instead_of_dropping_it(aws: Asked):
    with pytest.raises(grpc.RpcError, match="plays no versioning of a Bucket"):
        aws.create(BUCKET, {"bucket": "inline", "versioning": {"enabled": True}})
