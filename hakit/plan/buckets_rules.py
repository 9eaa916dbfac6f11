"""How a BucketPair's buckets are set up: replication, lifecycle, lock, encryption, the jobs for what is older. Pure.

The mappings are in pulumi_aws's words (aws.s3.BucketReplicationConfigRuleArgsDict and so on, 7.51); its types are not
named here, because plans know nothing of Pulumi.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from hakit.plan import buckets_colder
from hakit.plan.buckets_policies import bucket_arn
from hakit.plan.buckets_spec import BOTH, BucketsSpec, Lock
from hakit.topology import names

#: The only number that Replication Time Control takes (API_ReplicationTimeValue).
RTC_MINUTES = 15
#: Days after which the parts of an upload that never ended go. AWS's own recommendation.
MULTIPART_DAYS = 7
#: Days that a key can be brought back after its deletion; the longest that KMS has.
KEY_WINDOW_DAYS = 30


def replication_rules(spec: BucketsSpec, region: str, keys: Mapping[str, Any]) -> list[Any]:
    """The rules by which a region's bucket is copied, one a destination.

    Each has a filter, which makes it the second version of the format: in the first, which has none, deletions are
    always copied (API_ReplicationRule). Priorities are distinct as S3 wants them, and follow the list of regions: a
    region that is added at its end changes no rule that there is.

    Args:
        spec: the buckets.
        region: the source.
        keys: ARN of each region's key; may be an Output.
    """
    return [
        {
            "id": f"to-{to}",
            "priority": spec.regions.index(to) + 1,
            "status": "Enabled",
            "filter": {"prefix": ""},
            "delete_marker_replication": {"status": _enabled(spec.copy_deletions)},
            "source_selection_criteria": {
                # Tags and ACLs that are changed on a copy find their way back; both directions need it.
                "replica_modifications": {"status": _enabled(spec.replication == BOTH)},
                "sse_kms_encrypted_objects": {"status": "Enabled"},
            },
            "destination": {
                "bucket": bucket_arn(spec, to),
                "encryption_configuration": {"replica_kms_key_id": keys[to]},
                **_time_control(spec),
            },
        }
        for to in spec.destinations(region)
    ]


def lifecycle_rules(spec: BucketsSpec, region: str) -> list[Any]:
    """What goes from a region's bucket by itself: uploads that never ended, versions that were overwritten or deleted,
    markers of nothing, and with `copies_days` the copies of other regions' archives. And what gets colder."""
    copies = [f"{other}/" for other in spec.regions if spec.copies_days and region in spec.destinations(other)]
    return [
        {
            "id": "unfinished-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": MULTIPART_DAYS},
        },
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": spec.noncurrent_days},
            "expiration": {"expired_object_delete_marker": True},
        },
        *(
            {
                "id": f"copies-of-{prefix.rstrip('/')}",
                "status": "Enabled",
                "filter": {"prefix": prefix},
                "expiration": {"days": spec.copies_days},
            }
            for prefix in copies
        ),
        *buckets_colder.rules(spec),
    ]


def lock_rule(lock: Lock) -> Any:
    """The retention that every new version gets by default."""
    return {"default_retention": {"mode": lock.mode.upper(), "days": lock.days}}


def encryption_rule(key: Any) -> Any:
    """Encryption with the region's key. A customer's own key in the request (SSE-C) is refused: whoever steals write
    access locks everything with it, and S3 could not copy it."""
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
        "bucket_key_enabled": True,
        "blocked_encryption_types": ["SSE-C"],
    }


def batch_job(spec: BucketsSpec, region: str) -> str:
    """The command that copies what a region's bucket had before its rules: replication copies new objects only.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
    """
    account = spec.topology.aws.account
    role = f"arn:{names.partition(region)}:iam::{account}:role/"
    role += names.batch_role_name(spec.topology, region, spec.purpose)
    manifest = {
        "S3JobManifestGenerator": {
            "ExpectedBucketOwner": account,
            "SourceBucket": bucket_arn(spec, region),
            "EnableManifestOutput": False,
            "Filter": {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]},
        }
    }
    words = {
        "--region": region,
        "--account-id": account,
        "--operation": json.dumps({"S3ReplicateObject": {}}),
        "--manifest-generator": json.dumps(manifest),
        "--report": json.dumps({"Enabled": False}),
        "--priority": "1",
        "--role-arn": role,
    }
    given = " ".join(f"{option} {shlex.quote(value)}" for option, value in words.items())
    return f"aws s3control create-job {given} --no-confirmation-required"


def _time_control(spec: BucketsSpec) -> dict[str, Any]:
    """Replication Time Control, which S3 takes only together with its metrics."""
    if not spec.replication_time:
        return {}
    return {
        "replication_time": {"status": "Enabled", "time": {"minutes": RTC_MINUTES}},
        "metrics": {"status": "Enabled", "event_threshold": {"minutes": RTC_MINUTES}},
    }


def _enabled(on: bool) -> str:
    return "Enabled" if on else "Disabled"
