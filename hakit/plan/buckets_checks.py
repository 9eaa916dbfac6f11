"""What AWS would refuse of a BucketPair, and what would not hold data as long as it must. Pure."""

import json
import re

from hakit.errors import HakitError
from hakit.plan import buckets_colder, buckets_policies
from hakit.plan.buckets_adopt import check_adopted
from hakit.plan.buckets_spec import BucketsSpec

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_STARTS_TAKEN = ("xn--", "sthree-", "amzn-s3-demo-")
_ENDS_TAKEN = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: a role's trust policy by default, and all
# inline policies of a role together.
TRUST_LIMIT, RIGHTS_LIMIT = 2048, 10_240


def check(spec: BucketsSpec, keep: int | None) -> None:
    """Check what follows from all arguments together.

    Args:
        spec: what the arguments say.
        keep: days that must stay restorable, when that is said.

    Raises:
        HakitError: the first thing that is wrong.
    """
    _names(spec)
    check_adopted(spec)
    _lock(spec)
    _days(spec, keep)
    buckets_colder.check(spec, keep)
    _identities(spec)
    _sizes(spec)


def _names(spec: BucketsSpec) -> None:
    for region in spec.regions:
        bucket = spec.own_name(region)
        if not _BUCKET.fullmatch(bucket) or bucket.startswith(_STARTS_TAKEN) or bucket.endswith(_ENDS_TAKEN):
            raise HakitError(
                "a bucket's name that S3 refuses",
                where=spec.where,
                given=bucket,
                allowed=f"3 to 63 letters, digits and hyphens; not {', '.join(_STARTS_TAKEN)} at the start, "
                f"not {', '.join(_ENDS_TAKEN)} at the end",
                do=f"change aws.prefix at {spec.topology.where('aws', 'prefix')}, or the purpose",
            )


def _days(spec: BucketsSpec, keep: int | None) -> None:
    """What must stay restorable stays that long, under a lock and as a copy."""
    if spec.copies_days is not None and (not spec.flows or not any(account.pair for account in spec.accounts)):
        raise HakitError(
            "copies_days: there are no copies of archives",
            where=spec.where,
            do="leave it out, or say whose databases archive here and what is copied",
        )
    if spec.copies_days is not None and spec.lock is not None and spec.copies_days < spec.lock.days:
        raise HakitError(
            "copies_days: shorter than the lock",
            where=spec.where,
            given=f"{spec.copies_days}; object_lock.days is {spec.lock.days}, {spec.lock.days - spec.copies_days} more",
            allowed=f"{spec.lock.days} or more",
            do="the lock keeps them, and they are paid for, until it ends: let them be of use that long",
        )
    if keep is None:
        return
    if spec.lock is None and spec.copies_days is None and not spec.colder:
        do = "leave it out: without object_lock, copies_days and colder nothing here goes by a backup's age"
        raise HakitError("keep_days: goes with object_lock, copies_days or colder", where=spec.where, do=do)
    if spec.lock is not None and spec.lock.days < keep:
        raise HakitError(
            "object_lock.days: shorter than what must stay restorable",
            where=spec.where,
            given=spec.lock.days,
            allowed=f"{keep} or more, as keep_days says",
            do="lengthen the lock: after it an intruder can delete backups that you still need",
        )
    if spec.copies_days is not None and spec.copies_days <= keep:
        raise HakitError(
            "copies_days: not longer than what must stay restorable",
            where=spec.where,
            given=spec.copies_days,
            allowed=f"more than {keep}, which keep_days says, by the time from one base backup to the next at least",
        )


def _lock(spec: BucketsSpec) -> None:
    for source, to in spec.flows:
        if spec.lock_of(source) and not spec.lock_of(to):
            # DstBucketObjectLockConfigMissing is among S3's replication failures.
            raise HakitError(
                f"object_lock: the bucket in {source} is locked, and copied to {to}, which is not",
                where=spec.where,
                given=", ".join(spec.lock.regions if spec.lock else ()),
                allowed="S3 copies a locked bucket to locked ones only",
                do=f"add {to} to object_lock.regions, or leave regions out",
            )


def _identities(spec: BucketsSpec) -> None:
    for region in spec.regions:
        cluster = spec.topology.region(region).cluster
        if spec.accounts_in(region) and not cluster.oidc_issuer and not cluster.pod_identity:
            raise HakitError(
                f"nothing says how service accounts of region {region} are known to AWS",
                where=spec.topology.where("regions", region, "cluster"),
                allowed="oidc_issuer, pod_identity",
                do="add the cluster's OIDC issuer (aws eks describe-cluster: identity.oidc.issuer), "
                "or pod_identity: true",
            )


def _sizes(spec: BucketsSpec) -> None:
    """IAM counts a policy's characters without white space."""
    keys = {region: f"arn:aws-us-gov:kms:{region}:{'0' * 12}:key/{'0' * 36}" for region in spec.regions}
    for region in spec.regions:
        if not spec.accounts_in(region):
            continue
        for what, policy, limit in (
            ("trusts", buckets_policies.access_trust(spec, region), TRUST_LIMIT),
            ("rights", buckets_policies.access_rights(spec, region, keys), RIGHTS_LIMIT),
        ):
            size = len(json.dumps(policy, separators=(",", ":")))
            if size > limit:
                raise HakitError(
                    f"the {what} of the role in {region} are longer than IAM takes",
                    where=spec.where,
                    given=f"{size} characters",
                    allowed=f"{limit} characters",
                    do="give some of the pairs or applications a BucketPair of their own, with another purpose",
                )
