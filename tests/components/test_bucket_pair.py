"""BucketPair: what is registered, where, in which order, and what keeps it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recorded, Recording, record
from tests.unit.plan.buckets import ACCOUNT, DATABASES, EAST, EUROPE, EXAMPLE, KEYS, THREE_REGIONS, WEST

LOCK = {"mode": "compliance", "days": 30}


def recorded(
    tmp_path: Path,
    text: str = EXAMPLE,
    opts: Callable[[pulumi.ProviderResource], pulumi.ResourceOptions] | None = None,
    **args: Any,
) -> Recording:
    """One BucketPair, as an update registers it: keys have the ARNs that KMS would give them."""
    (tmp_path / "t.yaml").write_text(text)

    def program() -> None:
        import pulumi_aws as aws

        provider = aws.Provider("aws", region=EAST, allowed_account_ids=[ACCOUNT])
        given = opts(provider) if opts else pulumi.ResourceOptions(providers=[provider])
        pair = hakit.BucketPair("wal", {"topology": "t.yaml", "purpose": "wal", **args}, given)
        for key in ("buckets", "keys", "roles", "replication", "batch_jobs"):
            pulumi.export(key, getattr(pair, key))

    keys = {"aws:kms/key:Key": lambda each: {"arn": KEYS[each.inputs["region"]], "keyId": each.name}}
    return record(
        program, project="docs", stack="prod-shared", root=tmp_path, preview=False, answers={"resources": keys}
    )


def refused(tmp_path: Path, **given: Any) -> str:
    with pytest.raises(HakitError) as caught:
        recorded(tmp_path, **given)
    return str(caught.value)


def names_of(recording: Recording) -> set[str]:
    return {resource.name for resource in recording.resources}


# What there is


def test_each_region_has_its_own_of_everything_and_nothing_is_left_to_the_providers_region(tmp_path: Path) -> None:
    recording = recorded(tmp_path, databases=DATABASES)
    per_region = {
        "bucket": "aws:s3/bucket:Bucket",
        "public-access": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "ownership": "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "policy": "aws:s3/bucketPolicy:BucketPolicy",
        "versioning": "aws:s3/bucketVersioning:BucketVersioning",
        "encryption": "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "lifecycle": "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "replication": "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        "key": "aws:kms/key:Key",
        "key-alias": "aws:kms/alias:Alias",
    }
    for role, type_ in per_region.items():
        assert sorted((each.name, each.inputs["region"]) for each in recording.all(type_)) == [
            (f"wal-{role}-us-east-1", "us-east-1"),
            (f"wal-{role}-us-west-2", "us-west-2"),
        ]
    roles = {f"wal-{kind}-role-{region}" for kind in ("access", "replication", "batch") for region in (EAST, WEST)}
    assert {each.name for each in recording.all("Role")} == roles
    of_the_account = ("Role", "RolePolicy", "aws", "BucketPair")
    assert all(
        "region" in each.inputs for each in recording.resources if each.type.rpartition(":")[2] not in of_the_account
    ), "IAM has no regions; everything else names its own"


def test_everything_stands_under_the_component_and_its_explicit_provider(tmp_path: Path) -> None:
    recording = recorded(tmp_path, databases=DATABASES)
    pair = recording.one("hakit:index:BucketPair")
    inner = [each for each in recording.resources if each.custom and each.type != "pulumi:providers:aws"]
    assert {each.parent for each in inner} == {pair.urn}
    assert {each.provider for each in inner} == {"aws"}


def test_a_bucket_is_private_versioned_encrypted_and_owned(tmp_path: Path) -> None:
    recording = recorded(tmp_path)
    (bucket,) = {each.inputs["bucket"] for each in recording.resources if each.name == "wal-bucket-us-east-1"}
    assert bucket == "acme-prod-us-east-1-wal"
    closed = recording.one("BucketPublicAccessBlock", "wal-public-access-us-east-1").inputs
    assert closed == {
        "bucket": bucket,
        "region": EAST,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert recording.one("BucketVersioning", "wal-versioning-us-east-1").inputs["versioningConfiguration"] == {
        "status": "Enabled"
    }
    (rule,) = recording.one("BucketServerSideEncryptionConfiguration", "wal-encryption-us-east-1").inputs["rules"]
    assert rule == {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEYS[EAST]},
        "bucketKeyEnabled": True,
        "blockedEncryptionTypes": ["SSE-C"],
    }
    owner = recording.one("BucketOwnershipControls", "wal-ownership-us-east-1").inputs["rule"]
    assert owner == {"objectOwnership": "BucketOwnerEnforced"}
    key = recording.one("aws:kms/key:Key", "wal-key-us-east-1").inputs
    assert (key["enableKeyRotation"], key["deletionWindowInDays"]) == (True, 30)


def test_a_copy_is_encrypted_with_the_key_of_the_region_it_goes_to(tmp_path: Path) -> None:
    config = recorded(tmp_path).one("BucketReplicationConfig", "wal-replication-us-east-1").inputs
    assert config["bucket"] == "acme-prod-us-east-1-wal"
    (rule,) = config["rules"]
    assert rule["destination"] == {
        "bucket": "arn:aws:s3:::acme-prod-us-west-2-wal",
        "encryptionConfiguration": {"replicaKmsKeyId": KEYS[WEST]},
    }
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    assert rule["sourceSelectionCriteria"] == {
        "replicaModifications": {"status": "Enabled"},
        "sseKmsEncryptedObjects": {"status": "Enabled"},
    }
    assert "existingObjectReplication" not in rule, "AWS no longer takes it; a job does it"


def test_a_lock_is_on_the_bucket_from_the_start_and_its_retention_follows(tmp_path: Path) -> None:
    recording = recorded(tmp_path, object_lock=LOCK)
    for region in (EAST, WEST):
        assert recording.one("aws:s3/bucket:Bucket", f"wal-bucket-{region}").inputs["objectLockEnabled"] is True
        lock = recording.one("BucketObjectLockConfiguration", f"wal-lock-{region}")
        assert lock.inputs["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 30}}
    assert recorded(tmp_path).all("BucketObjectLockConfiguration") == []


# In which order


def after(recording: Recording, resource: Recorded) -> set[str]:
    """Names of all that Pulumi finishes before it starts with this resource."""
    by_urn = {each.urn: each for each in recording.resources}
    found: set[str] = set()
    waiting = list(resource.depends_on)
    while waiting:
        each = by_urn[waiting.pop()]
        if each.name not in found:
            found.add(each.name)
            waiting += each.depends_on
    return found


def test_copying_waits_for_both_buckets_their_versions_their_keys_and_the_rights(tmp_path: Path) -> None:
    """A first `up` from nothing: S3 refuses a rule while either bucket has no versions."""
    recording = recorded(tmp_path, object_lock=LOCK)
    for region in (EAST, WEST):
        config = recording.one("BucketReplicationConfig", f"wal-replication-{region}")
        both = {
            f"wal-{role}-{each}"
            for role in ("bucket", "versioning", "encryption", "key", "lock")
            for each in (EAST, WEST)
        }
        before = after(recording, config)
        assert both <= before
        assert {f"wal-replication-role-{region}", f"wal-replication-rights-{region}"} <= before


def test_neither_direction_waits_for_the_other(tmp_path: Path) -> None:
    recording = recorded(tmp_path)
    config = recording.one("BucketReplicationConfig", "wal-replication-us-east-1")
    assert "wal-replication-us-west-2" not in after(recording, config), "else two buckets would wait for each other"


def test_a_policy_waits_for_the_block_of_public_access(tmp_path: Path) -> None:
    recording = recorded(tmp_path)
    assert "wal-public-access-us-east-1" in after(recording, recording.one("BucketPolicy", "wal-policy-us-east-1"))


# What keeps it


def test_buckets_and_keys_are_protected_and_kept_and_so_is_what_guards_them(tmp_path: Path) -> None:
    recording = recorded(tmp_path, object_lock=LOCK, databases=DATABASES)
    by_role: dict[str, set[tuple[bool, bool]]] = {}
    for each in recording.resources:
        role = each.name.removeprefix("wal-").removesuffix(f"-{EAST}").removesuffix(f"-{WEST}")
        by_role.setdefault(role, set()).add((each.protect, each.retain_on_delete))
    for role in ("bucket", "key"):
        assert by_role[role] == {(True, True)}, role
    for role in ("versioning", "encryption", "public-access", "ownership", "policy", "lock"):
        assert by_role[role] == {(False, True)}, f"{role}: a bucket that stays keeps it"
    assert all("forceDestroy" not in each.inputs for each in recording.all("aws:s3/bucket:Bucket"))


def test_data_may_be_deleted_only_with_a_reason(tmp_path: Path) -> None:
    recording = recorded(tmp_path, unprotected="made anew for each test run")
    assert {(each.protect, each.retain_on_delete) for each in recording.resources} == {(False, False)}
    assert all("forceDestroy" not in each.inputs for each in recording.all("aws:s3/bucket:Bucket")), (
        "even then AWS refuses to delete a bucket that is not empty"
    )


@pytest.mark.parametrize("option", ["protect", "retain_on_delete"])
def test_options_that_take_protection_away_are_refused_without_a_reason(tmp_path: Path, option: str) -> None:
    def opts(provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[provider], **{option: False})

    message = refused(tmp_path, opts=opts)
    assert f"{option}=False: the buckets hold data" in message
    assert recorded(tmp_path, opts=opts, unprotected="a test").all("aws:s3/bucket:Bucket")


# What it says


def test_it_says_which_job_copies_what_is_older_than_the_rules(tmp_path: Path) -> None:
    exports = recorded(tmp_path, databases=DATABASES).exports
    assert exports["buckets"] == {EAST: "acme-prod-us-east-1-wal", WEST: "acme-prod-us-west-2-wal"}
    assert exports["keys"] == {EAST: KEYS[EAST], WEST: KEYS[WEST]}
    assert exports["roles"][EAST] == "arn:aws:iam::111122223333:role/acme-prod-us-east-1-wal-access"
    assert exports["replication"] == ["us-east-1 -> us-west-2", "us-west-2 -> us-east-1"]
    assert set(exports["batch_jobs"]) == {EAST, WEST}
    assert exports["batch_jobs"][WEST].startswith("aws s3control create-job --region us-west-2 ")


def test_where_nothing_is_copied_there_is_no_job_and_no_role_for_it(tmp_path: Path) -> None:
    recording = recorded(tmp_path, replication="one-way", source=EAST)
    assert set(recording.exports["batch_jobs"]) == {EAST}
    assert {each.name for each in recording.all("Role")} == {
        "wal-replication-role-us-east-1",
        "wal-batch-role-us-east-1",
    }
    assert recorded(tmp_path, replication="none").all("Role") == []


def test_the_roles_in_the_outputs_are_those_that_are_made(tmp_path: Path) -> None:
    recording = recorded(tmp_path, databases=DATABASES)
    made = recording.one("Role", "wal-access-role-us-west-2").inputs
    assert recording.exports["roles"][WEST].endswith(f":role/{made['name']}")
    trust = json.loads(made["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert statement["Principal"]["Federated"].endswith(":oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/BBBB")


# A third region


def test_a_third_region_leaves_the_resources_of_the_first_two_as_they_are(tmp_path: Path) -> None:
    two, three = recorded(tmp_path, databases=DATABASES), recorded(tmp_path, THREE_REGIONS, databases=DATABASES)
    assert names_of(two) < names_of(three)
    assert all(name.endswith(EUROPE) for name in names_of(three) - names_of(two)), (
        "all that is new is of the new region"
    )
    changed = {
        each.name
        for each in two.resources
        for other in three.resources
        if each.urn == other.urn and each.inputs != other.inputs
    }
    # A rule more for each old bucket, the right to use it, and databases that may read the new region's archives.
    assert changed == {f"wal-{role}-{region}" for role in CHANGED for region in (EAST, WEST)}


CHANGED = ("replication", "replication-rights", "access-rights")


# Refusals before anything is registered


def test_the_default_provider_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, opts=lambda _provider: pulumi.ResourceOptions())
    assert "no AWS provider: whatever account the credentials of the environment belong to would be used" in message
    assert 'allowed_account_ids=["111122223333"]' in message


def test_the_provider_of_a_parent_is_enough(tmp_path: Path) -> None:
    class Around(pulumi.ComponentResource):
        def __init__(self, provider: pulumi.ProviderResource) -> None:
            super().__init__("test:index:Around", "around", None, pulumi.ResourceOptions(providers=[provider]))

    recording = recorded(tmp_path, opts=lambda provider: pulumi.ResourceOptions(parent=Around(provider)))
    assert {each.provider for each in recording.all("aws:s3/bucket:Bucket")} == {"aws"}


def test_two_of_one_purpose_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(EXAMPLE)

    def program() -> None:
        import pulumi_aws as aws

        opts = pulumi.ResourceOptions(providers=[aws.Provider("aws", region=EAST)])
        for name in ("wal", "archive"):
            hakit.BucketPair(name, {"topology": "t.yaml", "purpose": "wal"}, opts)

    with pytest.raises(HakitError, match="purpose: BucketPair 'wal' makes this bucket already"):
        record(program, project="docs", stack="prod-shared", root=tmp_path)


def test_what_is_wrong_leaves_nothing_behind(tmp_path: Path) -> None:
    assert "topology is missing" in refused(tmp_path, topology=None)
    seen: list[pulumi.ProviderResource] = []

    def opts(provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
        seen.append(provider)
        return pulumi.ResourceOptions(providers=[provider])

    assert "purpose: not part of a bucket's name" in refused(tmp_path, purpose="W", opts=opts)
    assert seen, "it got as far as the component"
