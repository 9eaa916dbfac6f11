"""Buckets that were there before: which are taken, and what is refused because it would delete or miss data."""

from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from hakit.errors import HakitError
from hakit.plan import buckets_adopt, buckets_policies, buckets_rules
from tests.unit.plan.buckets import DATABASES, EAST, EXAMPLE, KEYS, THREE_REGIONS, WEST, spec

OLD = {"purpose": "archive", "adopt": {EAST: "acme-backups"}, "noncurrent_days": 90}


def refused(text: str = EXAMPLE, **args: Any) -> str:
    with pytest.raises(HakitError) as caught:
        spec(text, **args)
    return str(caught.value)


def test_an_adopted_bucket_keeps_its_name_and_everything_speaks_of_it() -> None:
    made = spec(THREE_REGIONS, **OLD)
    assert [made.bucket(region) for region in made.regions] == [
        "acme-backups",
        "acme-prod-us-west-2-archive",
        "acme-prod-eu-west-1-archive",
    ]
    assert made.own_name(EAST) == "acme-prod-us-east-1-archive"
    (back, _) = buckets_rules.replication_rules(made, WEST, KEYS)
    assert back["destination"]["bucket"] == "arn:aws:s3:::acme-backups"
    read = buckets_policies.replication_rights(made, EAST, KEYS)["Statement"][1]
    assert read["Resource"] == ["arn:aws:s3:::acme-backups/*"]
    assert buckets_policies.batch_rights(made, EAST)["Statement"][0]["Resource"] == ["arn:aws:s3:::acme-backups/*"]
    job = buckets_rules.batch_job(made, EAST)
    assert '"SourceBucket": "arn:aws:s3:::acme-backups"' in job
    assert "--role-arn arn:aws:iam::111122223333:role/acme-prod-us-east-1-archive-batch " in job


def test_an_existing_clusters_account_may_use_the_old_archive() -> None:
    apps = {"shop-cluster": {"namespace": "shop", "paths": ["shop/"]}}
    statements = buckets_policies.access_rights(spec(**OLD, apps=apps), EAST, KEYS)["Statement"]
    (writes,) = [each for each in statements if "s3:PutObject" in each["Action"]]
    assert writes["Resource"] == ["arn:aws:s3:::acme-backups/shop/*"]


@pytest.mark.parametrize("name", ["s3://acme-backups", "acme-backups/shop", "arn:aws:s3:::acme-backups", "ACME", "ab"])
def test_what_is_not_a_buckets_name_is_refused(name: str) -> None:
    message = refused(**{**OLD, "adopt": {EAST: name}})
    assert f"adopt.us-east-1: not a bucket's name\n  given:   {name}\n" in message


def test_an_old_bucket_may_have_dots() -> None:
    assert spec(**{**OLD, "adopt": {EAST: "backups.acme.example"}}).bucket(EAST) == "backups.acme.example"


def test_a_region_without_a_bucket_is_refused() -> None:
    message = refused(THREE_REGIONS, **OLD, regions=[WEST, "eu-west-1"])
    assert "adopt.us-east-1: unknown argument" in message
    assert "allowed: us-west-2, eu-west-1" in message


def test_the_days_after_which_old_versions_go_have_to_be_said() -> None:
    """A bucket that has versions would lose those of the last months to a default of 30 days."""
    message = refused(purpose="archive", adopt={EAST: "acme-backups"})
    assert "noncurrent_days is missing" in message
    assert spec(**OLD).noncurrent_days == 90
    assert spec(purpose="archive").noncurrent_days == 30, "a new bucket has none"


def test_one_bucket_for_two_regions_is_refused() -> None:
    both = {EAST: "acme-backups", WEST: "acme-backups"}
    assert "adopt: one bucket for us-east-1 and us-west-2" in refused(**{**OLD, "adopt": both})
    crossed = {EAST: "acme-prod-us-west-2-archive"}
    assert "adopt: one bucket for us-east-1 and us-west-2" in refused(**{**OLD, "adopt": crossed})


@pytest.mark.parametrize(("purpose", "more"), [("wal", {}), ("witness", {}), ("archive", {"databases": DATABASES})])
def test_a_name_that_databases_or_the_fence_would_not_find_is_refused(purpose: str, more: dict[str, Any]) -> None:
    message = refused(**{**OLD, "purpose": purpose}, **more)
    assert "adopt.us-east-1: databases and the fence reach a bucket by the name that hakit gives it" in message
    assert f"allowed: acme-prod-us-east-1-{purpose}\n" in message
    own = {EAST: f"acme-prod-us-east-1-{purpose}"}
    assert spec(**{**OLD, "purpose": purpose, "adopt": own}, **more).bucket(EAST) == own[EAST]


def test_what_would_delete_old_objects_by_age_is_refused() -> None:
    own = {**OLD, "purpose": "wal", "adopt": {EAST: "acme-prod-us-east-1-wal"}, "databases": DATABASES}
    message = refused(**own, copies_days=60)
    assert "copies_days: it would delete objects that an adopted bucket has already" in message
    assert spec(**{**own, "adopt": {}}, copies_days=60).copies_days == 60


def test_an_adopted_bucket_may_not_be_unprotected() -> None:
    message = refused(**OLD, unprotected="a test")
    assert "unprotected: the adopted buckets hold data that was there before\n  given:   acme-backups" in message


def test_the_commands_that_show_what_is_replaced_are_of_the_api() -> None:
    operations = {
        xform_name(each, "-") for each in botocore.session.get_session().get_service_model("s3").operation_names
    }
    assert set(buckets_adopt.REPLACED.values()) <= operations
    said = buckets_adopt.warning(spec(**OLD), EAST)
    assert said.startswith("bucket acme-backups in us-east-1 is taken over: its objects stay")
    assert "aws s3api get-bucket-lifecycle-configuration --region us-east-1 --bucket acme-backups\n" in said
