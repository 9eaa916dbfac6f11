"""A third region for the buckets of the reference system, by the real Pulumi engine, in the lab's AWS.

It adds and changes what the documentation says, and replaces nothing. A first `up`, a refresh and a destruction are in
`test_clouds`; what the stand-in does not prove stands in `lab.providers.aws`.
"""

from collections.abc import Iterator

import pulumi.automation as auto
import pytest

from lab.harness.engine import Engine
from tests.lab.conftest import need

pytestmark = [pytest.mark.lab, pytest.mark.long]

SHARED = "prod-shared"
THIRD = """\
  eu-west-1:
    zones: [eu-west-1a, eu-west-1b, eu-west-1c]
    kubernetes: "1.34"
    cluster: {context: prod-euw1, oidc_issuer: https://oidc.eks.eu-west-1.amazonaws.com/id/CCCC}
    storage: {zonal: gp3, regional: efs-sc}

pairs:
"""
#: Of the first two regions: one rule more, the right to use it, and archives more that databases may read.
CHANGED = {
    *(
        f"{name}-{part}-{region}"
        for name in ("wal", "assets")
        for part in ("replication", "replication-rights")
        for region in ("us-east-1", "us-west-2")
    ),
    *(f"wal-access-rights-{region}" for region in ("us-east-1", "us-west-2")),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    need("pulumi")
    with Engine(tmp_path_factory.mktemp("buckets") / "reference") as found:
        with found.stack(SHARED) as stack:
            stack.up()
        yield found


def planned(engine: Engine) -> dict[str, str]:
    """What an update would do with each resource that it does not leave alone."""
    found: dict[str, str] = {}

    def event(each: auto.EngineEvent) -> None:
        if each.resource_pre_event and each.resource_pre_event.metadata.op.value != "same":
            found[each.resource_pre_event.metadata.urn.rpartition("::")[2]] = each.resource_pre_event.metadata.op.value

    with engine.stack(SHARED) as stack:
        stack.preview(on_event=event)
    return found


def test_a_third_region_is_added_and_replaces_nothing(engine: Engine) -> None:
    topology = engine.project / "stacks" / "topology.prod.yaml"
    text = topology.read_text(encoding="utf-8")
    topology.write_text(text.replace("pairs:\n", THIRD, 1), encoding="utf-8")
    try:
        found = planned(engine)
        assert {name for name, op in found.items() if op == "update"} - {f"hakit-reference-{SHARED}"} == CHANGED
        created = {name for name, op in found.items() if op == "create"}
        assert created
        assert all(name.endswith("-eu-west-1") for name in created)
        assert set(found.values()) == {"create", "update"}, "no replacement, no deletion"
        with engine.stack(SHARED) as stack:
            stack.up()
        assert planned(engine) == {}
        rules = engine.aws("s3", "us-east-1").get_bucket_replication(Bucket="acme-prod-us-east-1-wal")
        assert [rule["ID"] for rule in rules["ReplicationConfiguration"]["Rules"]] == ["to-us-west-2", "to-eu-west-1"]
    finally:
        topology.write_text(text, encoding="utf-8")
