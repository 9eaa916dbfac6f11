"""S3 as moto plays it: buckets, their settings and small objects, by the same API calls as the official provider.

What moto does not prove: it copies no object to a replica, encrypts nothing, lets no lifecycle rule act, and answers
anybody (no right of IAM is enforced, and of a bucket policy no condition is read). Of a replication rule it gives back
neither the source selection criteria nor whether delete markers are copied.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.providers.aws_session import Session, is_gone, refused, region_of
from lab.providers.aws_shapes import api_shaped, pulumi_shaped
from lab.providers.cloud import CloudError, Object

BUCKET = "aws:s3/bucket:Bucket"
#: Inputs of the settings that are no part of what they set.
_ASIDE = ("bucket", "region", "expectedBucketOwner", "mfa", "token", "timeouts", "skipDestroy")
#: Settings that once were part of the bucket itself; `pulumi_aws` deprecates them for resources of their own.
_INLINE = (
    *("accelerationStatus", "acl", "corsRules", "grants", "lifecycleRules", "logging", "objectLockConfiguration"),
    *(
        "policy",
        "replicationConfiguration",
        "requestPayer",
        "serverSideEncryptionConfiguration",
        "versioning",
        "website",
    ),
)


class Bucket:
    #: The input that the provider makes up when the program names none.
    named_by = "bucket"
    #: "Forces new resource" in terraform-provider-aws, website/docs/r/s3_bucket.html.markdown.
    replaced_by = ("bucket", "bucketPrefix", "region", "objectLockEnabled")

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:
        if inline := [name for name in _INLINE if inputs.get(name) is not None]:
            raise CloudError(f"this stand-in plays no {', '.join(inline)} of a Bucket: use the resource of that name")
        region, name = region_of(inputs, settings), inputs["bucket"]
        s3 = self._session.client("s3", region)
        arguments: Object = {"Bucket": name, "ObjectLockEnabledForBucket": bool(inputs.get("objectLockEnabled"))}
        if region != "us-east-1":  # "us-east-1" is no location constraint, by the API's reference of CreateBucket
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": region}
        elif self._exists(s3, name):
            # us-east-1 alone answers 200 to whoever owns it already (same reference); the provider refuses then
            # (terraform-provider-aws, internal/service/s3/bucket.go: findBucket before CreateBucket).
            raise CloudError(f"CreateBucket: BucketAlreadyExists: {name}")
        s3.create_bucket(**arguments)
        self._tag(s3, name, inputs.get("tags") or {})
        return name, inputs | _bucket_outputs(name, region, inputs)

    def look(self, identity: str, state: Object) -> Object | None:  # noqa: ARG002
        s3, name = self._session.client("s3", state["region"]), state["bucket"]
        if not self._exists(s3, name):
            return None
        try:
            tags = {each["Key"]: each["Value"] for each in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
        except s3.exceptions.ClientError as error:
            if not is_gone(error):
                raise
            tags = {}
        found = state | ({"tags": tags} if "tags" in state or tags else {})
        if self._is_locked(s3, name):
            found |= {"objectLockEnabled": True}
        return found | _bucket_outputs(name, state["region"], found)

    def change(self, identity: str, wanted: Object) -> Object:
        self._tag(self._session.client("s3", wanted["region"]), identity, wanted.get("tags") or {})
        return wanted

    def remove(self, identity: str, state: Object) -> None:
        """A bucket with something in it stays (the API's own BucketNotEmpty), unless it was made with forceDestroy."""
        s3 = self._session.client("s3", state["region"])
        if state.get("forceDestroy"):
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=identity):
                for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    s3.delete_object(Bucket=identity, Key=each["Key"], VersionId=each["VersionId"])
        s3.delete_bucket(Bucket=identity)

    def _exists(self, s3: Any, name: str) -> bool:
        try:
            s3.head_bucket(Bucket=name)
        except s3.exceptions.ClientError as error:
            if is_gone(error):
                return False
            raise
        return True

    def _is_locked(self, s3: Any, name: str) -> bool:
        try:
            found = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
        except s3.exceptions.ClientError as error:
            if is_gone(error):
                return False
            raise
        return found.get("ObjectLockEnabled") == "Enabled"

    def _tag(self, s3: Any, name: str, tags: Object) -> None:
        if tags:
            s3.put_bucket_tagging(
                Bucket=name, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
            )
        else:
            s3.delete_bucket_tagging(Bucket=name)


def _bucket_outputs(name: str, region: str, inputs: Object) -> Object:
    return {
        "arn": f"arn:aws:s3:::{name}",
        "region": region,
        "bucketRegion": region,
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "tagsAll": inputs.get("tags") or {},
    }


@dataclass(frozen=True)
class Calls:
    """The API's operations for one setting of a bucket."""

    put: str
    argument: str
    get: str
    #: The operation that removes it, or the setting that undoes it.
    undo: str | Object
    #: Where the answer of `get` has it; empty when the answer itself is it.
    within: str = ""
    #: The one input that is the setting, when there is one.
    only: str = ""
    #: Fields of a rule that moto takes and does not give back; what was declared stands in for them.
    unanswered: tuple[str, ...] = ()
    #: What the provider sends where the program says nothing.
    defaults: tuple[tuple[str, str], ...] = ()


_CALLS = {
    "BucketVersioning": Calls(
        *("put_bucket_versioning", "VersioningConfiguration", "get_bucket_versioning"),
        # What versioning can be taken back to: it is never off again (AWS: PutBucketVersioning).
        undo={"Status": "Suspended"},
        only="versioningConfiguration",
    ),
    "BucketPublicAccessBlock": Calls(
        *("put_public_access_block", "PublicAccessBlockConfiguration", "get_public_access_block"),
        undo="delete_public_access_block",
        within="PublicAccessBlockConfiguration",
    ),
    "BucketServerSideEncryptionConfiguration": Calls(
        *("put_bucket_encryption", "ServerSideEncryptionConfiguration", "get_bucket_encryption"),
        undo="delete_bucket_encryption",
        within="ServerSideEncryptionConfiguration",
        unanswered=("blockedEncryptionTypes",),  # moto 5.2.5, s3/responses.py, put_bucket_encryption: not read
    ),
    "BucketPolicy": Calls(
        "put_bucket_policy", "Policy", "get_bucket_policy", undo="delete_bucket_policy", within="Policy", only="policy"
    ),
    "BucketLifecycleConfiguration": Calls(
        *("put_bucket_lifecycle_configuration", "LifecycleConfiguration", "get_bucket_lifecycle_configuration"),
        undo="delete_bucket_lifecycle",
    ),
    "BucketReplicationConfig": Calls(
        *("put_bucket_replication", "ReplicationConfiguration", "get_bucket_replication"),
        undo="delete_bucket_replication",
        within="ReplicationConfiguration",
        # moto 5.2.5, s3/responses.py, get_bucket_replication: markers always "Disabled", criteria never.
        unanswered=("deleteMarkerReplication", "sourceSelectionCriteria", "existingObjectReplication"),
    ),
    "BucketObjectLockConfiguration": Calls(
        *("put_object_lock_configuration", "ObjectLockConfiguration", "get_object_lock_configuration"),
        # Object Lock is never off again; only the default retention goes (AWS: PutObjectLockConfiguration).
        undo={"ObjectLockEnabled": "Enabled"},
        within="ObjectLockConfiguration",
        # pulumi_aws 7.51, BucketObjectLockConfiguration: "Defaults to `Enabled`"
        defaults=(("objectLockEnabled", "Enabled"),),
    ),
    "BucketOwnershipControls": Calls(
        *("put_bucket_ownership_controls", "OwnershipControls", "get_bucket_ownership_controls"),
        undo="delete_bucket_ownership_controls",
        within="OwnershipControls",
    ),
}


class BucketSetting:
    """One setting of a bucket. All that its program declares goes into one API call; its id is the bucket's name."""

    named_by = ""
    replaced_by = ("bucket", "region")

    def __init__(self, session: Session, calls: Calls, check: Callable[[Any, Object], None] | None = None) -> None:
        self._session, self._calls, self._check = session, calls, check

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:
        region = region_of(inputs, settings)
        return inputs["bucket"], self.change(inputs["bucket"], inputs | {"region": region})

    def look(self, identity: str, state: Object) -> Object | None:
        s3 = self._session.client("s3", state["region"])
        try:
            answer = getattr(s3, self._calls.get)(Bucket=identity)
        except s3.exceptions.ClientError as error:
            if is_gone(error):
                return None
            raise
        found = answer.get(self._calls.within) if self._calls.within else answer
        declared = self._declared(state)
        if isinstance(declared, str):
            return state | {self._calls.only: same_document(declared, found)}
        seen = pulumi_shaped(declared, found)
        if not seen and declared:
            return None
        for rule, wanted in zip(seen.get("rules", []), declared.get("rules", []), strict=False):
            rule |= {name: value for name, value in wanted.items() if name in self._calls.unanswered}
        kept = {name: value for name, value in state.items() if name in _ASIDE}
        return kept | ({self._calls.only: seen} if self._calls.only else seen)

    def change(self, identity: str, wanted: Object) -> Object:
        s3 = self._session.client("s3", wanted["region"])
        if self._check:
            self._check(s3, wanted)
        operation = s3.meta.service_model.operation_model(s3.meta.method_to_api_mapping[self._calls.put])
        shape = operation.input_shape.members[self._calls.argument]
        value = self._declared(wanted)
        given = as_text(value) if self._calls.argument == "Policy" else api_shaped(shape, value)
        getattr(s3, self._calls.put)(Bucket=identity, **{self._calls.argument: given})
        return dict(self._calls.defaults) | wanted

    def remove(self, identity: str, state: Object) -> None:
        s3 = self._session.client("s3", state["region"])
        if isinstance(self._calls.undo, str):
            getattr(s3, self._calls.undo)(Bucket=identity)
        else:
            getattr(s3, self._calls.put)(Bucket=identity, **{self._calls.argument: self._calls.undo})

    def _declared(self, inputs: Object) -> Any:
        if self._calls.only:
            return inputs[self._calls.only]
        given = {name: value for name, value in inputs.items() if name not in _ASIDE}
        return dict(self._calls.defaults) | given


class StoredObject:
    """A small object with text in it; its id is its key."""

    named_by = ""
    replaced_by = ("bucket", "key", "region")

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:
        return inputs["key"], self.change(inputs["key"], inputs | {"region": region_of(inputs, settings)})

    def look(self, identity: str, state: Object) -> Object | None:
        s3 = self._session.client("s3", state["region"])
        try:
            found = s3.get_object(Bucket=state["bucket"], Key=identity)
        except s3.exceptions.ClientError as error:
            if is_gone(error):
                return None
            raise
        return state | {"content": found["Body"].read().decode("utf-8")}

    def change(self, identity: str, wanted: Object) -> Object:
        s3 = self._session.client("s3", wanted["region"])
        put = s3.put_object(Bucket=wanted["bucket"], Key=identity, Body=(wanted.get("content") or "").encode("utf-8"))
        return wanted | {
            "arn": f"arn:aws:s3:::{wanted['bucket']}/{identity}",
            "etag": put["ETag"].strip('"'),
            "versionId": put.get("VersionId", ""),
        }

    def remove(self, identity: str, state: Object) -> None:
        self._session.client("s3", state["region"]).delete_object(Bucket=state["bucket"], Key=identity)


def _destinations_are_versioned(s3: Any, inputs: Object) -> None:
    """ "Both source and destination buckets must have versioning enabled"
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html); moto asks the source only."""
    for rule in inputs["rules"]:
        name = rule["destination"]["bucket"].removeprefix("arn:aws:s3:::")
        try:
            status = s3.get_bucket_versioning(Bucket=name).get("Status")
        except s3.exceptions.ClientError as error:
            raise refused(error) from None
        if status != "Enabled":
            raise CloudError(
                f"PutBucketReplication: InvalidRequest: Destination bucket must have versioning enabled: {name}"
            )


def as_text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def same_document(declared: Any, found: Any) -> Any:
    """A policy as the program wrote it, while what is there says the same."""
    live = json.loads(found) if isinstance(found, str) else found
    wanted = json.loads(declared) if isinstance(declared, str) else declared
    return declared if live == wanted else json.dumps(live)


def kinds(session: Session) -> dict[str, Any]:
    """What plays each resource type."""
    checks = {"BucketReplicationConfig": _destinations_are_versioned}
    found: dict[str, Any] = {
        f"aws:s3/{name[0].lower()}{name[1:]}:{name}": BucketSetting(session, calls, checks.get(name))
        for name, calls in _CALLS.items()
    }
    objects = {
        f"aws:s3/{name[0].lower()}{name[1:]}:{name}": StoredObject(session)
        for name in ("BucketObject", "BucketObjectv2")
    }
    return found | objects | {BUCKET: Bucket(session)}
