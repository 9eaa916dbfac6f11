"""stacks/shared.py and stacks/traffic.py deployed by the real engine: into moto's AWS and a Cloudflare in a file.

No cluster runs.
"""

from collections.abc import Iterator

import pulumi.automation as auto
import pytest

from lab.harness.engine import Engine
from lab.providers.cloudflare import BALANCER, MONITOR, POOL
from tests.lab.conftest import need

pytestmark = pytest.mark.lab

SHARED, TRAFFIC = "prod-shared", "prod-traffic"
REGIONS = ("us-east-1", "us-west-2")
_BUCKETS = {f"acme-prod-{region}-{purpose}" for region in REGIONS for purpose in ("wal", "assets")}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    need("pulumi")
    with Engine(tmp_path_factory.mktemp("clouds") / "reference") as found:
        for stack in (SHARED, TRAFFIC):
            with found.stack(stack) as opened:
                opened.up()
        yield found


def _s3(engine: Engine, bucket: str):
    return engine.aws("s3", next(region for region in REGIONS if region in bucket))


def _names(engine: Engine) -> set[str]:
    return {each["Name"] for each in engine.aws("s3", "us-east-1").list_buckets()["Buckets"]}


@pytest.mark.parametrize("stack", [SHARED, TRAFFIC])
def test_a_second_preview_and_a_refresh_find_nothing_to_do(engine: Engine, stack: str):
    with engine.stack(stack) as opened:
        opened.preview(expect_no_changes=True)
        opened.refresh(expect_no_changes=True)


def test_each_region_has_its_buckets_versioned_private_and_copied_to_the_other(engine: Engine):
    assert _names(engine) == _BUCKETS
    for name in _BUCKETS:
        s3 = _s3(engine, name)
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
        (rule,) = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]["Rules"]
        here = next(region for region in REGIONS if region in name)
        other = next(region for region in REGIONS if region != here)
        assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{name.replace(here, other)}"
        assert rule["Status"] == "Enabled"


def test_traffic_holds_one_pool_a_region_and_the_load_balancer_names_both(engine: Engine):
    pools = {each["name"]: identity for identity, each in engine.store.all(POOL).items()}
    assert len(pools) == len(REGIONS)
    assert len(engine.store.all(MONITOR)) >= 1
    (balancer,) = engine.store.all(BALANCER).values()
    first, second = balancer["defaultPools"]
    assert {first, second} == set(pools.values())


def test_a_changed_value_is_named_by_its_field(engine: Engine):
    path = engine.project / "stacks" / "traffic.py"
    text = path.read_text(encoding="utf-8")
    assert text.count('"/ready"') == 1
    found: dict[str, set[str]] = {}

    def event(each: auto.EngineEvent) -> None:
        if each.resource_pre_event and each.resource_pre_event.metadata.op.value != "same":
            metadata = each.resource_pre_event.metadata
            found[metadata.type] = set(metadata.detailed_diff or {})

    path.write_text(text.replace('"/ready"', '"/healthy"'), encoding="utf-8")
    try:
        with engine.stack(TRAFFIC) as opened:
            opened.preview(on_event=event)
    finally:
        path.write_text(text, encoding="utf-8")
    assert found == {MONITOR: {"path"}}


def test_what_somebody_switched_off_beside_pulumi_is_found_by_a_refresh_and_put_back(engine: Engine):
    name = "acme-prod-us-east-1-wal"
    s3 = _s3(engine, name)
    s3.delete_public_access_block(Bucket=name)
    with engine.stack(SHARED) as opened:
        opened.refresh()
        assert opened.up().summary.resource_changes["create"] == 1
        opened.preview(expect_no_changes=True)
    assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}


def test_destroy_refuses_what_is_protected_and_leaves_what_is_kept(engine: Engine):
    """Last: it takes the stacks down. What is protected makes it fail, yet what is not goes all the same; the data and
    what guards it stay even when nothing is protected any more."""
    for name in _BUCKETS:
        # moto reads no condition of a bucket policy: "deny without TLS" would deny the test.
        s3 = _s3(engine, name)
        policy = s3.get_bucket_policy(Bucket=name)["Policy"]
        s3.delete_bucket_policy(Bucket=name)
        s3.put_object(Bucket=name, Key="order", Body=b"1")
        s3.put_bucket_policy(Bucket=name, Policy=policy)
    with engine.stack(SHARED) as opened:
        with pytest.raises(auto.CommandError, match="because it is protected") as refused:
            opened.destroy()
        assert "pulumi state unprotect" in str(refused.value), "it says how"
        assert _names(engine) == _BUCKETS
        opened.up()  # what went with it is back
        opened.preview(expect_no_changes=True)
        engine.run(opened, "state", "unprotect", "--all", "--yes", "--stack", SHARED)
        opened.destroy()
        assert opened.export_stack().deployment.get("resources", []) == []
    assert _names(engine) == _BUCKETS
    for name in _BUCKETS:
        s3 = _s3(engine, name)
        s3.delete_bucket_policy(Bucket=name)
        assert s3.get_object(Bucket=name, Key="order")["Body"].read() == b"1"
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
    keys = engine.aws("kms", "us-east-1")
    found = [keys.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in keys.list_keys()["Keys"]]
    assert {each["KeyState"] for each in found if each["KeyManager"] == "CUSTOMER"} == {"Enabled"}


def test_destroy_of_traffic_leaves_nothing(engine: Engine):
    with engine.stack(TRAFFIC) as opened:
        opened.destroy()
        assert opened.export_stack().deployment.get("resources", []) == []
    assert [engine.store.all(type_) for type_ in (BALANCER, POOL, MONITOR)] == [{}, {}, {}]
