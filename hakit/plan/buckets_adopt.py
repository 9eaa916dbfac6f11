"""Buckets that were there before hakit: taken into a BucketPair under their own names. Pure.

docs/buckets.md has what changes for such a bucket. Its objects stay; what would delete one unasked is refused here.
"""

import re
from collections.abc import Mapping

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.buckets_spec import BucketsSpec

# As a new bucket's name, and with dots, which older buckets have
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: Purposes whose buckets other components reach by their computed names (PostgresCluster, the fence's witness).
_REACHED_BY_NAME = ("wal", "witness")
#: What a BucketPair sets anew in a bucket, and the command of `aws s3api` that shows what is there.
REPLACED = {
    "lifecycle rules": "get-bucket-lifecycle-configuration",
    "policy": "get-bucket-policy",
    "replication": "get-bucket-replication",
    "encryption": "get-bucket-encryption",
    "object ownership": "get-bucket-ownership-controls",
    "public-access block": "get-public-access-block",
}


def adopted(given: Arguments, regions: tuple[str, ...]) -> Mapping[str, str]:
    """The argument `adopt`: names of buckets that are there, by region.

    Raises:
        HakitError: a region or a name is wrong, or an argument is left out whose default would delete versions.
    """
    found = {}
    buckets = given.inner("adopt", regions) if "adopt" in given else None
    for region in given.mapping("adopt") if buckets else ():
        name = buckets.text(region) if buckets else ""
        if not _NAME.fullmatch(name):
            raise HakitError(
                f"adopt.{region}: not a bucket's name",
                where=given.where,
                given=name,
                allowed="its name alone, such as acme-backups: no s3://, no path, no ARN",
            )
        found[region] = name
    if found and "noncurrent_days" not in given:
        raise given.missing(
            "noncurrent_days",
            "with adopt, say after how many days overwritten and deleted versions go: it holds for those "
            "that the bucket has already",
        )
    return found


def check_adopted(spec: BucketsSpec) -> None:
    """Check the adopted buckets against all other arguments.

    Raises:
        HakitError: something would reach, delete or open what it must not.
    """
    if not spec.adopt:
        return
    if spec.unprotected:
        raise HakitError(
            "unprotected: the adopted buckets hold data that was there before",
            where=spec.where,
            given=", ".join(spec.adopt.values()),
            do="leave it out; to let a bucket go, `pulumi state unprotect` it: it stays in AWS",
        )
    if spec.copies_days is not None:
        raise HakitError(
            "copies_days: it would delete objects that an adopted bucket has already",
            where=spec.where,
            given=", ".join(spec.adopt.values()),
            do="leave it out",
        )
    _meets(spec)
    databases = any(account.pair for account in spec.accounts)
    for region, name in spec.adopt.items():
        if name != spec.own_name(region) and (databases or spec.purpose in _REACHED_BY_NAME):
            raise HakitError(
                f"adopt.{region}: databases and the fence reach a bucket by the name that hakit gives it",
                where=spec.where,
                given=name,
                allowed=spec.own_name(region),
                do="adopt it for a purpose of its own, such as archive, without databases; an existing Cluster's "
                "service account is one of `apps`, with the archive's folder among its paths",
            )


def _meets(spec: BucketsSpec) -> None:
    seen: dict[str, str] = {}
    for region in spec.regions:
        other = seen.setdefault(spec.bucket(region), region)
        if other != region:
            raise HakitError(
                f"adopt: one bucket for {other} and {region}",
                where=spec.where,
                given=spec.bucket(region),
                allowed="a bucket is in one region",
            )


def warning(spec: BucketsSpec, region: str) -> str:
    """What the first update replaces in an adopted bucket, and how to look at it before."""
    looks = "\n".join(
        f"  {what}: aws s3api {command} --region {region} --bucket {spec.adopt[region]}"
        for what, command in REPLACED.items()
    )
    return (
        f"bucket {spec.adopt[region]} in {region} is taken over: its objects stay, these settings are replaced by "
        f"hakit's. Look before the first update, keep what you need:\n{looks}"
    )
