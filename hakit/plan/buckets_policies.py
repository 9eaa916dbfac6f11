"""Who may do what with a BucketPair's buckets: policies of buckets, keys and roles. Pure.

Every Allow names its actions, its resources and its principal. The one `*` is in a Deny, which has to hold for
everybody.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hakit.plan.buckets_spec import BucketsSpec
from hakit.topology import names

Policy = dict[str, Any]
Statement = dict[str, Any]


def bucket_arn(spec: BucketsSpec, region: str) -> str:
    return f"arn:{names.partition(region)}:s3:::{spec.bucket(region)}"


def bucket_policy(spec: BucketsSpec, region: str, key: str) -> Policy:
    """What nobody may do with a bucket, whatever else allows it.

    Args:
        spec: the buckets.
        region: the bucket's region.
        key: ARN of the region's key.
    """
    bucket = bucket_arn(spec, region)
    everything = {"Principal": "*", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]}
    return _policy(
        {
            "Sid": "OnlyEncryptedTransport",
            "Effect": "Deny",
            **everything,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "OnlyNewTransport",
            "Effect": "Deny",
            **everything,
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
        # A request that asks for an encryption of its own gets the key that AWS manages (PutObject,
        # x-amz-server-side-encryption), which the replication role cannot use: the copy would fail in silence. A
        # request that asks for nothing gets the bucket's key.
        {
            "Sid": "OnlyTheBucketsKey",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/*",
            "Condition": {
                "Null": {"s3:x-amz-server-side-encryption": "false"},
                "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key},
            },
        },
    )


def key_policy(spec: BucketsSpec, region: str) -> Policy:
    """A key whose use the account's IAM policies decide.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    root = f"arn:{names.partition(region)}:iam::{spec.topology.aws.account}:root"
    return _policy(
        {
            "Sid": "DecidedByIamOfThisAccount",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "kms:*",
            "Resource": "*",  # in a key's policy it means this key
        }
    )


def replication_trust() -> Policy:
    return _service_trust("s3.amazonaws.com")


def replication_rights(spec: BucketsSpec, region: str, keys: Mapping[str, str]) -> Policy:
    """What S3 may do to copy a region's bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html and, for the keys,
    .../replication-config-for-kms-objects.html

    Args:
        spec: the buckets.
        region: the source.
        keys: ARN of the key of the source and of each destination.
    """
    source = bucket_arn(spec, region)
    read = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    if spec.lock_of(region):
        read += ["s3:GetObjectRetention", "s3:GetObjectLegalHold"]
    write = ["s3:ReplicateObject", "s3:ReplicateTags", *(["s3:ReplicateDelete"] if spec.copy_deletions else [])]
    destinations = spec.destinations(region)
    return _policy(
        _allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], [source]),
        _allow(read, [f"{source}/*"]),
        _allow(write, [f"{bucket_arn(spec, to)}/*" for to in destinations]),
        _by_s3(spec, region, ["kms:Decrypt"], keys[region]),
        # With bucket keys S3 asks for a data key of the bucket, besides encrypting.
        *(_by_s3(spec, to, ["kms:Encrypt", "kms:GenerateDataKey"], keys[to]) for to in destinations),
    )


def batch_trust() -> Policy:
    return _service_trust("batchoperations.s3.amazonaws.com")


def batch_rights(spec: BucketsSpec, region: str) -> Policy:
    """What S3 Batch Replication may do to copy objects that are older than the rule. It writes no manifest, no report.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html
    """
    source = bucket_arn(spec, region)
    return _policy(
        _allow(["s3:InitiateReplication"], [f"{source}/*"]),
        _allow(["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"], [source]),
    )


def access_trust(spec: BucketsSpec, region: str) -> Policy:
    """Which service accounts of the region's cluster get the access role.

    https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html and .../pod-id-role.html
    """
    cluster = spec.topology.region(region).cluster
    partition, account = names.partition(region), spec.topology.aws.account
    accounts = spec.accounts_in(region)
    statements: list[Statement] = []
    if cluster.oidc_issuer:
        issuer = cluster.oidc_issuer.removeprefix("https://").rstrip("/")
        subjects = [
            f"system:serviceaccount:{each.namespace}:{pattern}" for each in accounts for pattern in each.patterns
        ]
        statements.append(
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
                    "StringLike": {f"{issuer}:sub": subjects},
                },
            }
        )
    if cluster.pod_identity:
        tag = "aws:RequestTag/"
        statements += [
            {
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {f"{tag}kubernetes-namespace": each.namespace},
                    "StringLike": {
                        f"{tag}kubernetes-service-account": list(each.patterns),
                        f"{tag}eks-cluster-arn": f"arn:{partition}:eks:{region}:{account}:cluster/*",
                    },
                },
            }
            for each in accounts
        ]
    return _policy(*statements)


def access_rights(spec: BucketsSpec, region: str, keys: Mapping[str, str]) -> Policy:
    """What databases and applications of a region may do with the buckets.

    A database writes its own region's archives, in its own region's bucket, and reads every region's archives of its
    pair in every bucket: a new copy is built from another region's archive, or from the copy of it that is here. An
    application has its paths in its own region's bucket. Nobody may delete a version, or change a bucket.

    Args:
        spec: the buckets.
        region: where the service accounts are.
        keys: ARN of the key of each region that they reach.
    """
    accounts = spec.accounts_in(region)
    pairs = [each for each in accounts if each.pair]
    own = bucket_arn(spec, region)
    # A folder is a start of names; anything else is one name.
    apps = [(each, f"{path}*" if path.endswith("/") else path) for each in accounts for path in each.paths]
    writes = [f"{own}/{names.archives(region, each.pair)}*" for each in pairs]
    writes += [f"{own}/{path}" for each, path in apps if each.writes]
    statements: list[Statement] = []
    for there in spec.reached(region):
        starts = [f"{names.archives(of, each.pair)}*" for each in pairs for of in each.regions]
        starts += [path for each, path in apps if each.everywhere or there == region]
        if starts:
            bucket = bucket_arn(spec, there)
            statements.append(_allow(["s3:GetObject"], [f"{bucket}/{start}" for start in starts]))
            # IfExists: Barman asks whether the bucket is there (HeadBucket) before all else, and that has no prefix.
            names_only = {"StringLikeIfExists": {"s3:prefix": starts}}
            statements.append({**_allow(["s3:ListBucket"], [bucket]), "Condition": names_only})
            statements.append(_by_s3(spec, there, ["kms:Decrypt"], keys[there]))
    if writes:
        may = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        statements.append(_allow(may, writes))
        statements.append(_by_s3(spec, region, ["kms:GenerateDataKey"], keys[region]))
    return _policy(*statements)


def _by_s3(spec: BucketsSpec, region: str, actions: Iterable[str], key: str) -> Statement:
    """Use of a key by S3 alone, for one bucket alone.

    S3 gives the bucket's ARN as the context where the bucket has a bucket key, else the object's
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
    """
    bucket = bucket_arn(spec, region)
    suffix = "amazonaws.com.cn" if names.partition(region) == "aws-cn" else "amazonaws.com"
    return {
        **_allow(actions, [key]),
        "Condition": {
            "StringEquals": {"kms:ViaService": f"s3.{region}.{suffix}"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"]},
        },
    }


def _service_trust(service: str) -> Policy:
    return _policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def _allow(actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _policy(*statements: Statement) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}
