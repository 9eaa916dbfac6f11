"""Who may do what, asked of an evaluator that hakit's authors did not write; see `evaluator` for what it proves."""

from collections.abc import Iterator
from typing import Any

import pytest

from hakit.plan import buckets_policies as policies
from tests.unit.plan.buckets import (
    ACCOUNT,
    BUCKETS,
    DATABASES,
    EAST,
    EUROPE,
    EXAMPLE,
    KEYS,
    THREE_REGIONS,
    WEST,
    spec,
)
from tests.unit.plan.evaluator import Context, allowed, denied

APPS = {
    "storefront": {"namespace": "shop", "paths": ["uploads/"]},
    "reports": {"namespace": "shop", "paths": ["totals.json"], "read_only": True, "everywhere": True},
}
ARCHIVE = "us-east-1/shop/orders-g1/wals/0000000100000000/000000010000000000000001.gz"


def in_bucket(region: str, name: str) -> str:
    return f"{BUCKETS[region]}/{name}"


def by_s3(region: str, resource: str | None = None) -> Context:
    """What KMS is told when S3 in a region uses a key for a bucket or an object."""
    return {
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": resource or BUCKETS[region],
    }


# The evaluator itself


def test_the_evaluator_tells_allowed_from_denied() -> None:
    allow = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::a/*"}]}
    assert allowed(allow, "s3:GetObject", "arn:aws:s3:::a/b")
    assert not allowed(allow, "s3:PutObject", "arn:aws:s3:::a/b")
    assert not allowed(allow, "s3:GetObject", "arn:aws:s3:::b/b")
    deny = {"Statement": [*allow["Statement"], {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    assert not allowed(deny, "s3:GetObject", "arn:aws:s3:::a/b"), "a denial overrules"


# A bucket's own policy


WITH_TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
OWN_KEY = {
    "s3:x-amz-server-side-encryption": "aws:kms",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": KEYS[EAST],
}


@pytest.mark.parametrize(
    ("context", "is_denied"),
    [
        (WITH_TLS, False),
        ({**WITH_TLS, "s3:TlsVersion": "1.2"}, False),
        ({**WITH_TLS, "s3:TlsVersion": "1.1"}, True),
        ({"aws:SecureTransport": "false"}, True),
        ({**WITH_TLS, **OWN_KEY}, False),
        ({**WITH_TLS, **OWN_KEY, "s3:x-amz-server-side-encryption-aws-kms-key-id": KEYS[WEST]}, True),
        ({**WITH_TLS, "s3:x-amz-server-side-encryption": "aws:kms"}, True),
        ({**WITH_TLS, "s3:x-amz-server-side-encryption": "AES256"}, True),
    ],
    ids=["plain", "TLS 1.2", "TLS 1.1", "no TLS", "its key", "another key", "the managed key", "no key"],
)
def test_a_bucket_takes_objects_over_tls_and_under_its_own_key_only(context: Context, is_denied: bool) -> None:
    policy = policies.bucket_policy(spec(), EAST, KEYS[EAST])
    assert denied(policy, "s3:PutObject", in_bucket(EAST, "a"), context) is is_denied


def test_reading_without_tls_is_denied_as_well_and_other_buckets_are_not_meant() -> None:
    policy = policies.bucket_policy(spec(), EAST, KEYS[EAST])
    without = {"aws:SecureTransport": "false"}
    for action, resource in (("s3:GetObject", in_bucket(EAST, "a")), ("s3:ListBucket", BUCKETS[EAST])):
        assert denied(policy, action, resource, without)
        assert not denied(policy, action, resource, WITH_TLS)
    assert not denied(policy, "s3:GetObject", in_bucket(WEST, "a"), without)


# S3's own roles


def test_replication_reads_the_source_and_writes_the_destination_and_no_more() -> None:
    rights = policies.replication_rights(spec(), EAST, KEYS)
    for action in ("GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging"):
        assert allowed(rights, f"s3:{action}", in_bucket(EAST, "a"))
        assert not allowed(rights, f"s3:{action}", in_bucket(WEST, "a"))
    for action in ("GetReplicationConfiguration", "ListBucket"):
        assert allowed(rights, f"s3:{action}", BUCKETS[EAST])
        assert not allowed(rights, f"s3:{action}", BUCKETS[WEST])
    for action in ("ReplicateObject", "ReplicateTags"):
        assert allowed(rights, f"s3:{action}", in_bucket(WEST, "a"))
        assert not allowed(rights, f"s3:{action}", in_bucket(EAST, "a"))
    for action in ("GetObject", "PutObject", "DeleteObject", "DeleteObjectVersion", "PutBucketPolicy"):
        for region in (EAST, WEST):
            assert not allowed(rights, f"s3:{action}", in_bucket(region, "a")), action


def test_replication_may_copy_deletions_only_where_it_is_asked_to() -> None:
    assert not allowed(policies.replication_rights(spec(), EAST, KEYS), "s3:ReplicateDelete", in_bucket(WEST, "a"))
    copying = policies.replication_rights(spec(copy_deletions=True), EAST, KEYS)
    assert allowed(copying, "s3:ReplicateDelete", in_bucket(WEST, "a"))
    assert not allowed(copying, "s3:ReplicateDelete", in_bucket(EAST, "a"))


def test_replication_reads_retention_only_of_a_locked_bucket() -> None:
    locked = policies.replication_rights(spec(object_lock={"mode": "compliance", "days": 30}), EAST, KEYS)
    for action in ("s3:GetObjectRetention", "s3:GetObjectLegalHold"):
        assert allowed(locked, action, in_bucket(EAST, "a"))
        assert not allowed(policies.replication_rights(spec(), EAST, KEYS), action, in_bucket(EAST, "a"))


def test_replication_decrypts_with_one_key_and_encrypts_with_the_other_through_s3_alone() -> None:
    rights = policies.replication_rights(spec(), EAST, KEYS)
    assert allowed(rights, "kms:Decrypt", KEYS[EAST], by_s3(EAST))
    assert allowed(rights, "kms:Decrypt", KEYS[EAST], by_s3(EAST, in_bucket(EAST, "a"))), "written without a bucket key"
    assert allowed(rights, "kms:Encrypt", KEYS[WEST], by_s3(WEST))
    assert allowed(rights, "kms:GenerateDataKey", KEYS[WEST], by_s3(WEST))
    assert not allowed(rights, "kms:Decrypt", KEYS[WEST], by_s3(WEST))
    assert not allowed(rights, "kms:Encrypt", KEYS[EAST], by_s3(EAST))
    assert not allowed(rights, "kms:Decrypt", KEYS[EAST]), "not by a call of its own"
    assert not allowed(rights, "kms:Decrypt", KEYS[EAST], by_s3(EAST, "arn:aws:s3:::another-bucket"))
    assert not allowed(rights, "kms:ScheduleKeyDeletion", KEYS[WEST], by_s3(WEST))


def test_of_three_regions_each_role_writes_to_two() -> None:
    rights = policies.replication_rights(spec(THREE_REGIONS), WEST, KEYS)
    assert [region for region in BUCKETS if allowed(rights, "s3:ReplicateObject", in_bucket(region, "a"))] == [
        EAST,
        EUROPE,
    ]


def test_a_batch_job_may_start_copies_of_its_source_and_read_nothing() -> None:
    rights = policies.batch_rights(spec(), EAST)
    assert allowed(rights, "s3:InitiateReplication", in_bucket(EAST, "a"))
    assert not allowed(rights, "s3:InitiateReplication", in_bucket(WEST, "a"))
    assert allowed(rights, "s3:GetReplicationConfiguration", BUCKETS[EAST])
    assert allowed(rights, "s3:PutInventoryConfiguration", BUCKETS[EAST])
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ReplicateObject"):
        assert not allowed(rights, action, in_bucket(EAST, "a"))


# Databases


@pytest.fixture(name="database")
def _database() -> Iterator[dict[str, Any]]:
    return policies.access_rights(spec(THREE_REGIONS, databases=DATABASES), EAST, KEYS)


def test_a_database_writes_its_own_regions_archives_in_its_own_regions_bucket(database: dict[str, Any]) -> None:
    for action in ("PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"):
        assert allowed(database, f"s3:{action}", in_bucket(EAST, ARCHIVE))
        assert not allowed(database, f"s3:{action}", in_bucket(EAST, "us-west-2/shop/orders-g1/a")), "the copies here"
        assert not allowed(database, f"s3:{action}", in_bucket(WEST, "us-west-2/shop/orders-g1/a")), "the other archive"
        assert not allowed(database, f"s3:{action}", in_bucket(WEST, ARCHIVE)), "the copy of its own"
        assert not allowed(database, f"s3:{action}", in_bucket(EAST, "us-east-1/bank/ledger-g1/a")), "another pair"
        assert not allowed(database, f"s3:{action}", in_bucket(EAST, "us-east-1/shopping/a")), "a pair that starts so"


def test_a_database_reads_every_regions_archives_of_its_pair_in_every_bucket(database: dict[str, Any]) -> None:
    for bucket in (EAST, WEST, EUROPE):
        for of in (EAST, WEST, EUROPE):
            assert allowed(database, "s3:GetObject", in_bucket(bucket, f"{of}/shop/orders-g2/base/a"))
        assert not allowed(database, "s3:GetObject", in_bucket(bucket, "us-east-1/bank/ledger-g1/base/a"))
        assert not allowed(database, "s3:GetObject", in_bucket(bucket, "uploads/a"))


def test_a_database_lists_its_archives_and_may_ask_whether_a_bucket_is_there(database: dict[str, Any]) -> None:
    assert allowed(database, "s3:ListBucket", BUCKETS[WEST], {"s3:prefix": "us-west-2/shop/orders-g1/wals/"})
    assert not allowed(database, "s3:ListBucket", BUCKETS[WEST], {"s3:prefix": "us-west-2/bank/"})
    assert not allowed(database, "s3:ListBucket", BUCKETS[WEST], {"s3:prefix": ""})
    assert allowed(database, "s3:ListBucket", BUCKETS[WEST]), "HeadBucket, which Barman asks first, has no prefix"


def test_a_database_deletes_no_version_and_changes_no_bucket(database: dict[str, Any]) -> None:
    for action in (
        "DeleteObjectVersion",
        "PutObjectRetention",
        "BypassGovernanceRetention",
        "PutBucketVersioning",
        "PutLifecycleConfiguration",
        "PutBucketPolicy",
        "PutReplicationConfiguration",
        "DeleteBucket",
    ):
        for resource in (BUCKETS[EAST], in_bucket(EAST, ARCHIVE)):
            assert not allowed(database, f"s3:{action}", resource), action


def test_a_database_uses_keys_through_s3_alone_and_writes_with_its_own_regions(database: dict[str, Any]) -> None:
    for region in (EAST, WEST, EUROPE):
        assert allowed(database, "kms:Decrypt", KEYS[region], by_s3(region))
        assert not allowed(database, "kms:Decrypt", KEYS[region])
        assert allowed(database, "kms:GenerateDataKey", KEYS[region], by_s3(region)) is (region == EAST)
        assert not allowed(database, "kms:DisableKey", KEYS[region], by_s3(region))


# Applications


def test_an_application_has_its_folder_in_its_own_regions_bucket() -> None:
    rights = policies.access_rights(spec(apps={"storefront": APPS["storefront"]}), EAST, KEYS)
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert allowed(rights, action, in_bucket(EAST, "uploads/cat.jpg"))
        assert not allowed(rights, action, in_bucket(WEST, "uploads/cat.jpg"))
        assert not allowed(rights, action, in_bucket(EAST, "uploads2/cat.jpg"))
        assert not allowed(rights, action, in_bucket(EAST, "us-east-1/shop/orders-g1/a"))
    assert not allowed(rights, "kms:Decrypt", KEYS[WEST], by_s3(WEST))


def test_a_reader_of_every_region_reads_one_object_and_writes_nowhere() -> None:
    rights = policies.access_rights(spec(apps={"reports": APPS["reports"]}), EAST, KEYS)
    for region in (EAST, WEST):
        assert allowed(rights, "s3:GetObject", in_bucket(region, "totals.json"))
        assert not allowed(rights, "s3:GetObject", in_bucket(region, "totals.json.old"))
        for action in ("s3:PutObject", "s3:DeleteObject"):
            assert not allowed(rights, action, in_bucket(region, "totals.json"))
        assert not allowed(rights, "kms:GenerateDataKey", KEYS[region], by_s3(region))


# Who gets a role


def irsa(issuer: str, subject: str, audience: str = "sts.amazonaws.com") -> Context:
    return {f"{issuer}:sub": subject, f"{issuer}:aud": audience}


EAST_ISSUER = "oidc.eks.us-east-1.amazonaws.com/id/AAAA"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


@pytest.mark.parametrize(
    ("subject", "trusted"),
    [
        ("shop:orders-g1", True),
        ("shop:orders-g27", True),
        ("shop:orders-g100", True),
        ("shop:storefront", True),
        ("shop:orders", False),
        ("shop:orders-gold-g1", False),
        ("shop:orders-g1000", False),
        ("bank:orders-g1", False),
        ("shop:default", False),
        ("shop:storefront-2", False),
    ],
)
def test_by_irsa_the_named_service_accounts_and_no_other_get_the_role(subject: str, trusted: bool) -> None:
    made = spec(databases=DATABASES, apps={"storefront": APPS["storefront"]})
    trust = policies.access_trust(made, EAST)
    context = irsa(EAST_ISSUER, f"system:serviceaccount:{subject}")
    assert allowed(trust, WEB_IDENTITY, context=context) is trusted


def test_by_irsa_a_token_of_another_cluster_or_for_another_audience_is_worth_nothing() -> None:
    trust = policies.access_trust(spec(databases=DATABASES), EAST)
    subject = "system:serviceaccount:shop:orders-g1"
    assert allowed(trust, WEB_IDENTITY, context=irsa(EAST_ISSUER, subject))
    assert not allowed(trust, WEB_IDENTITY, context=irsa("oidc.eks.us-west-2.amazonaws.com/id/BBBB", subject))
    assert not allowed(trust, WEB_IDENTITY, context=irsa(EAST_ISSUER, subject, "another.service"))
    assert not allowed(trust, "sts:AssumeRole", context=irsa(EAST_ISSUER, subject))
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{EAST_ISSUER}"}


PODS = EXAMPLE.replace("oidc_issuer: https://oidc.eks.us-east-1.amazonaws.com/id/AAAA", "pod_identity: true")


def pod(namespace: str, account: str, region: str = EAST) -> Context:
    return {
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": account,
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{region}:{ACCOUNT}:cluster/prod",
    }


def test_by_pod_identity_the_same_service_accounts_get_the_role() -> None:
    made = spec(PODS, databases=DATABASES, apps={"storefront": {"namespace": "front", "paths": ["uploads/"]}})
    trust = policies.access_trust(made, EAST)
    assert {str(each["Principal"]) for each in trust["Statement"]} == {"{'Service': 'pods.eks.amazonaws.com'}"}
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allowed(trust, action, context=pod("shop", "orders-g1"))
        assert allowed(trust, action, context=pod("front", "storefront"))
        assert not allowed(trust, action, context=pod("front", "orders-g1")), "each name in its own namespace"
        assert not allowed(trust, action, context=pod("shop", "default"))
        assert not allowed(trust, action, context=pod("shop", "orders-g1", WEST)), "a cluster of another region"
        assert not allowed(trust, action), "a session without tags"


@pytest.mark.parametrize(
    ("trust", "service"),
    [(policies.replication_trust(), "s3.amazonaws.com"), (policies.batch_trust(), "batchoperations.s3.amazonaws.com")],
)
def test_s3s_roles_trust_s3_alone(trust: dict[str, Any], service: str) -> None:
    assert [each["Principal"] for each in trust["Statement"]] == [{"Service": service}]
    assert allowed(trust, "sts:AssumeRole")


# All of them


def every_policy() -> Iterator[dict[str, Any]]:
    made = spec(THREE_REGIONS, databases=DATABASES, apps=APPS, copy_deletions=True)
    yield policies.replication_trust()
    yield policies.batch_trust()
    for region in (EAST, WEST, EUROPE):
        yield policies.bucket_policy(made, region, KEYS[region])
        yield policies.replication_rights(made, region, KEYS)
        yield policies.batch_rights(made, region)
        yield policies.access_trust(made, region)
        yield policies.access_rights(made, region, KEYS)


def test_no_allow_has_a_wildcard_principal_action_or_resource() -> None:
    allows = [each for policy in every_policy() for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert len(allows) > 20
    for each in allows:
        assert each.get("Principal") != "*", each
        assert "AWS" not in each.get("Principal", {}), "services and federations only"
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        assert all("*" not in action for action in actions), each
        assert all(resource.count("*") <= 1 and resource != "*" for resource in each.get("Resource", [])), each


def test_a_keys_policy_leaves_its_use_to_iam_of_the_account() -> None:
    (statement,) = policies.key_policy(spec(), EAST)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}, "the account, not everybody"


def test_in_china_arns_and_services_are_china_s() -> None:
    text = EXAMPLE.replace("us-east-1", "cn-north-1").replace("us-west-2", "cn-northwest-1")
    rights = policies.replication_rights(spec(text), "cn-north-1", {"cn-north-1": "k1", "cn-northwest-1": "k2"})
    assert rights["Statement"][0]["Resource"] == ["arn:aws-cn:s3:::acme-prod-cn-north-1-wal"]
    assert rights["Statement"][3]["Condition"]["StringEquals"] == {"kms:ViaService": "s3.cn-north-1.amazonaws.com.cn"}
