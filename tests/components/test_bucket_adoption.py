"""BucketPair over a bucket that was there before: what is imported, what is made, what keeps it, what is said."""

from pathlib import Path
from typing import Any

import pulumi

import hakit
from hakit.testing import Recording, record
from tests.unit.plan.buckets import ACCOUNT, EAST, EXAMPLE, WEST

ADOPT = {"adopt": {WEST: "backups.acme"}, "noncurrent_days": 90}


def recorded(tmp_path: Path, **args: Any) -> Recording:
    (tmp_path / "t.yaml").write_text(EXAMPLE)

    def program() -> None:
        import pulumi_aws as aws

        provider = aws.Provider("aws", region=EAST, allowed_account_ids=[ACCOUNT])
        opts = pulumi.ResourceOptions(providers=[provider])
        hakit.BucketPair("old", {"topology": "t.yaml", "purpose": "archive", **args}, opts)

    return record(program, project="docs", stack="prod-shared", root=tmp_path, preview=False)


def test_the_bucket_alone_is_imported_from_its_own_region(tmp_path: Path) -> None:
    imported = {each.name: each.import_id for each in recorded(tmp_path, **ADOPT).resources if each.import_id}
    assert imported == {"old-bucket-us-west-2": "backups.acme@us-west-2"}
    assert [each.name for each in recorded(tmp_path).resources if each.import_id] == []


def test_everything_else_is_made_for_it_under_the_same_logical_names(tmp_path: Path) -> None:
    old, new = recorded(tmp_path, **ADOPT), recorded(tmp_path)
    assert {each.urn for each in old.resources} == {each.urn for each in new.resources}
    settings = [each for each in old.resources if each.inputs.get("region") == WEST and "bucket" in each.inputs]
    assert {each.inputs["bucket"] for each in settings} == {"backups.acme"}
    assert len(settings) == 8
    assert old.one("aws:kms/alias:Alias", "old-key-alias-us-west-2").inputs["name"] == (
        "alias/acme-prod-us-west-2-archive"
    ), "an alias has no dots"


def test_it_is_protected_and_kept_and_its_tags_are_its_own(tmp_path: Path) -> None:
    recording = recorded(tmp_path, **ADOPT, tags={"team": "shop"})
    bucket = recording.one("aws:s3/bucket:Bucket", "old-bucket-us-west-2")
    assert (bucket.protect, bucket.retain_on_delete) == (True, True)
    assert bucket.ignore_changes == ("tags", "tagsAll", "forceDestroy")
    assert bucket.inputs == {"bucket": "backups.acme", "region": WEST}
    made = recording.one("aws:s3/bucket:Bucket", "old-bucket-us-east-1")
    assert (made.inputs["tags"], made.ignore_changes) == ({"team": "shop"}, ())


def test_it_says_what_is_replaced_and_how_to_look_at_it_before(tmp_path: Path) -> None:
    (note,) = [each.text for each in recorded(tmp_path, **ADOPT).notes]
    assert note.startswith("bucket backups.acme in us-west-2 is taken over: its objects stay")
    assert "aws s3api get-bucket-policy --region us-west-2 --bucket backups.acme" in note
    assert list(recorded(tmp_path).notes) == []


def test_a_lock_is_asked_of_the_bucket_that_is_there(tmp_path: Path) -> None:
    lock = {"mode": "governance", "days": 30}
    bucket = recorded(tmp_path, **ADOPT, object_lock=lock).one("aws:s3/bucket:Bucket", "old-bucket-us-west-2")
    assert bucket.inputs["objectLockEnabled"] is True, "an import fails where it is not on"
