"""What RcloneCopy's CronJob does to objects: the real rclone, called as the pod calls it, on moto's S3 over loopback.

What this does not prove: that AWS's S3 answers as moto does, that the image has the same program as the wheel, and that
the pod starts as the user and on the read-only file system that the CronJob gives it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.plan import rclone
from tests.components.moto_aws import Aws, served
from tests.unit.postgres.given import FAILOVER
from tests.unit.stores.given import FILES, rclone_spec

PROGRAM = Path(sys.executable).with_name("rclone")


@pytest.fixture(name="aws")
def _aws() -> Iterator[Aws]:
    with served() as found:
        for bucket in ("files-a", "files-b"):
            found.client("s3").create_bucket(Bucket=bucket)
            versioned = {"Status": "Enabled"}
            found.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioned)
        yield found


def run(aws: Aws, scope: str = "a", **arguments: Any) -> subprocess.CompletedProcess[str]:
    """One run of the CronJob in a region, with what its pod would be given. Of the pod only the address is changed."""
    (job,) = rclone.plan(rclone_spec(scope, **arguments))
    (container,) = job.manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    keys = {"ACCESS_KEY_ID": "test", "ACCESS_SECRET_KEY": "test"}
    environment = {
        each["name"]: each.get("value", "") if "value" in each else keys[each["valueFrom"]["secretKeyRef"]["key"]]
        for each in container["env"]
    }
    for remote in ("SOURCE", "TARGET"):
        environment |= {f"RCLONE_CONFIG_{remote}_ENDPOINT": aws.endpoint, f"RCLONE_CONFIG_{remote}_PROVIDER": "Other"}
    return subprocess.run(
        [PROGRAM, *container["args"], "--retries=1"],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def put(aws: Aws, bucket: str, **objects: str) -> None:
    for key, text in objects.items():
        aws.client("s3").put_object(Bucket=bucket, Key=f"in/{key}", Body=text.encode())


def objects(aws: Aws, bucket: str) -> dict[str, str]:
    s3 = aws.client("s3")
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode() for each in found}


def versions(aws: Aws, bucket: str) -> int:
    found = aws.client("s3").list_object_versions(Bucket=bucket)
    return len(found.get("Versions", [])) + len(found.get("DeleteMarkers", []))


def a_second_later() -> None:
    """S3's times of upload are whole seconds, and rclone's `--update` goes by them."""
    time.sleep(1.1)


BOTH = {"in/one": "1", "in/two": "2"}


@pytest.mark.parametrize("changed", ["refuse", "overwrite"])
def test_it_copies_and_a_second_run_changes_nothing(aws: Aws, changed: str) -> None:
    put(aws, "files-a", one="1", two="2")
    assert run(aws, changed=changed).returncode == 0
    assert objects(aws, "files-b") == BOTH
    before = versions(aws, "files-b")
    again = run(aws, changed=changed)
    assert again.returncode == 0
    assert "There was nothing to transfer" in again.stderr
    assert versions(aws, "files-b") == before == 2, "not even a version is added"


@pytest.mark.parametrize("changed", ["refuse", "overwrite"])
def test_a_deletion_at_the_source_does_not_reach_the_target(aws: Aws, changed: str) -> None:
    put(aws, "files-a", one="1", two="2")
    run(aws, changed=changed)
    for key in ("in/one", "in/two"):
        aws.client("s3").delete_object(Bucket="files-a", Key=key)
    put(aws, "files-a", three="3")
    assert run(aws, changed=changed).returncode == 0
    assert objects(aws, "files-b") == {**BOTH, "in/three": "3"}
    assert versions(aws, "files-b") == 3, "no delete marker either"


def test_a_changed_object_is_refused_and_the_rest_copied(aws: Aws) -> None:
    """What ransomware would do: the good copy stays, and the Job fails so that somebody looks."""
    put(aws, "files-a", one="1")
    run(aws)
    put(aws, "files-a", one="encrypted", two="2")
    done = run(aws)
    assert done.returncode != 0
    assert "immutable file modified" in done.stderr
    assert objects(aws, "files-b") == BOTH


def test_a_changed_object_is_overwritten_when_asked_and_a_newer_one_never(aws: Aws) -> None:
    put(aws, "files-a", one="1", two="2")
    run(aws, changed="overwrite")
    a_second_later()
    put(aws, "files-a", one="one")
    a_second_later()
    put(aws, "files-b", two="written in b since")
    assert run(aws, changed="overwrite").returncode == 0
    assert objects(aws, "files-b") == {"in/one": "one", "in/two": "written in b since"}


@pytest.mark.parametrize("changed", ["refuse", "overwrite"])
def test_after_a_failover_it_copies_back_only_what_is_new(aws: Aws, changed: str) -> None:
    put(aws, "files-a", one="1", two="2")
    run(aws, changed=changed)
    a_second_later()
    put(aws, "files-b", three="3")
    before = versions(aws, "files-a")
    assert run(aws, "b", entries=[FAILOVER], changed=changed).returncode == 0
    assert objects(aws, "files-a") == {**BOTH, "in/three": "3"}
    assert versions(aws, "files-a") == before + 1, "what b had from a is left alone"


ASKED = {"changed": "overwrite", "propagate_deletions": "personal data must go"}


def test_asked_it_moves_what_was_deleted_out_of_the_way(aws: Aws) -> None:
    put(aws, "files-a", one="1", two="2")
    run(aws, **ASKED)
    aws.client("s3").delete_object(Bucket="files-a", Key="in/one")
    assert run(aws, **ASKED).returncode == 0
    assert objects(aws, "files-b") == {"in/two": "2", "hakit-deleted/in/one": "1"}


def test_asked_it_still_stops_at_too_many_deletions(aws: Aws) -> None:
    """An emptied source does not empty the target."""
    put(aws, "files-a", one="1", two="2", three="3")
    run(aws, **ASKED)
    for key in ("in/one", "in/two", "in/three"):
        aws.client("s3").delete_object(Bucket="files-a", Key=key)
    done = run(aws, **ASKED, max_deletions=1)
    assert done.returncode != 0
    assert "--max-delete threshold reached" in done.stderr
    left = objects(aws, "files-b")
    assert len([key for key in left if key.startswith("in/")]) >= 2
    assert sorted({key.rpartition("/")[2] for key in left}) == ["one", "three", "two"], "nothing is gone"


def test_a_bucket_that_is_not_there_deletes_nothing(aws: Aws) -> None:
    put(aws, "files-b", one="1")
    stores = {**FILES, "a": {**FILES["a"], "bucket": "files-gone"}}
    done = run(aws, **ASKED, stores=stores)
    assert done.returncode != 0
    assert "directory not found" in done.stderr
    assert objects(aws, "files-b") == {"in/one": "1"}


def test_whoever_has_the_wrong_key_is_told_and_changes_nothing(aws: Aws) -> None:
    put(aws, "files-a", one="1")
    aws.ask_iam()
    done = run(aws)
    aws.forget_all()
    assert done.returncode != 0
    assert "InvalidAccessKeyId" in done.stderr
