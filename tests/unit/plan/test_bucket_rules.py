"""How buckets are set up: what S3 is told to copy, to keep, to let go."""

import shlex
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from hakit.plan import buckets_rules
from tests.unit.plan.buckets import BUCKETS, DATABASES, EAST, EUROPE, KEYS, THREE_REGIONS, WEST, spec


def test_the_rules_of_a_backup_bucket_by_hand() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html
    assert buckets_rules.replication_rules(spec(), EAST, KEYS) == [
        {
            "id": "to-us-west-2",
            "priority": 2,
            "status": "Enabled",
            "filter": {"prefix": ""},
            "delete_marker_replication": {"status": "Disabled"},
            "source_selection_criteria": {
                "replica_modifications": {"status": "Enabled"},
                "sse_kms_encrypted_objects": {"status": "Enabled"},
            },
            "destination": {
                "bucket": "arn:aws:s3:::acme-prod-us-west-2-wal",
                "encryption_configuration": {"replica_kms_key_id": "arn:aws:kms:us-west-2:111122223333:key/us-west-2"},
            },
        }
    ]


def test_deletions_are_copied_when_asked_for_and_changes_of_copies_only_both_ways() -> None:
    (rule,) = buckets_rules.replication_rules(spec(replication="one-way", source=EAST, copy_deletions=True), EAST, KEYS)
    assert rule["delete_marker_replication"] == {"status": "Enabled"}
    assert rule["source_selection_criteria"]["replica_modifications"] == {"status": "Disabled"}
    assert buckets_rules.replication_rules(spec(replication="one-way", source=EAST), WEST, KEYS) == []


def test_time_control_comes_with_its_metrics_and_its_only_number() -> None:
    (rule,) = buckets_rules.replication_rules(spec(replication_time=True), EAST, KEYS)
    assert rule["destination"]["replication_time"] == {"status": "Enabled", "time": {"minutes": 15}}
    assert rule["destination"]["metrics"] == {"status": "Enabled", "event_threshold": {"minutes": 15}}


@pytest.mark.parametrize("region", [EAST, WEST, EUROPE])
def test_of_three_regions_each_bucket_has_two_rules_with_priorities_of_their_own(region: str) -> None:
    rules = buckets_rules.replication_rules(spec(THREE_REGIONS), region, KEYS)
    assert [rule["destination"]["bucket"] for rule in rules] == [BUCKETS[to] for to in BUCKETS if to != region]
    assert len({rule["priority"] for rule in rules}) == 2


def test_a_third_region_changes_no_rule_of_the_first_two() -> None:
    for region in (EAST, WEST):
        before = buckets_rules.replication_rules(spec(), region, KEYS)
        after = buckets_rules.replication_rules(spec(THREE_REGIONS), region, KEYS)
        assert after[:1] == before
        assert after[1]["id"] == "to-eu-west-1"


def test_what_goes_by_itself() -> None:
    uploads, versions = buckets_rules.lifecycle_rules(spec(noncurrent_days=90), EAST)
    assert uploads["abort_incomplete_multipart_upload"] == {"days_after_initiation": 7}
    assert versions["noncurrent_version_expiration"] == {"noncurrent_days": 90}
    assert versions["expiration"] == {"expired_object_delete_marker": True}
    assert "days" not in versions["expiration"], "no current version ever goes by its age"


def test_copies_of_other_regions_archives_go_when_asked_and_never_the_regions_own() -> None:
    made = spec(THREE_REGIONS, databases=DATABASES, copies_days=45, keep_days=30)
    copies = buckets_rules.lifecycle_rules(made, EAST)[2:]
    assert [(rule["filter"], rule["expiration"]) for rule in copies] == [
        ({"prefix": "us-west-2/"}, {"days": 45}),
        ({"prefix": "eu-west-1/"}, {"days": 45}),
    ]
    one_way = spec(databases=DATABASES, copies_days=45, replication="one-way", source=EAST)
    assert len(buckets_rules.lifecycle_rules(one_way, EAST)) == 2, "nothing is copied to it"
    assert buckets_rules.lifecycle_rules(one_way, WEST)[2]["filter"] == {"prefix": "us-east-1/"}


def parsed(command: str) -> tuple[list[str], dict[str, str]]:
    words = shlex.split(command)
    assert words[:3] == ["aws", "s3control", "create-job"]
    options = [word for word in words[3:] if word != "--no-confirmation-required"]
    return words, dict(zip(options[::2], options[1::2], strict=True))


def test_the_job_for_older_objects_is_one_that_the_api_takes() -> None:
    """Against botocore's own model of CreateJob. It does not prove what S3 says to the role."""
    import json

    words, options = parsed(buckets_rules.batch_job(spec(), EAST))
    assert "--no-confirmation-required" in words, "else the job waits for a person"
    assert options.pop("--region") == "us-east-1", "a job is created where its source bucket is"
    inputs: dict[str, Any] = {
        "AccountId": options.pop("--account-id"),
        "Operation": json.loads(options.pop("--operation")),
        "ManifestGenerator": json.loads(options.pop("--manifest-generator")),
        "Report": json.loads(options.pop("--report")),
        "Priority": int(options.pop("--priority")),
        "RoleArn": options.pop("--role-arn"),
        "ConfirmationRequired": False,
        "ClientRequestToken": "made by the command itself",
    }
    assert options == {}, "every option is one of the model's"
    model = botocore.session.get_session().get_service_model("s3control").operation_model("CreateJob")
    report = ParamValidator().validate(inputs, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    generator = inputs["ManifestGenerator"]["S3JobManifestGenerator"]
    assert generator["SourceBucket"] == "arn:aws:s3:::acme-prod-us-east-1-wal"
    assert generator["Filter"] == {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]}
    assert inputs["RoleArn"] == "arn:aws:iam::111122223333:role/acme-prod-us-east-1-wal-batch"


def test_a_job_with_a_field_that_the_api_does_not_have_would_be_seen() -> None:
    model = botocore.session.get_session().get_service_model("s3control").operation_model("CreateJob")
    assert ParamValidator().validate({"AccountId": "1", "Rules": []}, model.input_shape).has_errors()
