"""The shared stack of the reference system: nothing in it follows from a role, a handover or a traffic state."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakit.testing import Recording, record

ROOT = Path(__file__).parents[2]
TOPOLOGY = (ROOT / "stacks" / "topology.prod.yaml").read_text()


@contextlib.contextmanager
def stacks_on_path() -> Iterator[None]:
    sys.path.insert(0, str(ROOT / "stacks"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "stacks"))
        sys.modules.pop("shared", None)


def deployed(root: Path, text: str) -> Recording:
    (root / "topology.yaml").write_text(text)
    with stacks_on_path():
        import shared  # ty: ignore[unresolved-import]

        return record(lambda: shared.deploy("topology.yaml"), project="hakit-reference", stack="prod-shared", root=root)


def changed(handovers: str, traffic: str) -> str:
    text = TOPOLOGY.replace("handovers: []", f"handovers: {handovers}")
    text = text.replace("    serves: [WNAM]", f"    traffic: {traffic}\n    serves: [WNAM]")
    assert (handovers == "[]") == ("handovers: []" in text)
    assert f"traffic: {traffic}" in text
    return text


PROMOTED = "tokens: {orders: T1}"
LOSS = "accept_loss: 30s"
HANDOVERS = [
    "[]",
    "[{kind: planned, to: us-west-2}]",
    f"[{{kind: planned, to: us-west-2, {PROMOTED}}}]",
    f"[{{kind: planned, to: us-west-2, {PROMOTED}, settled: true}}]",
    "[{kind: planned, to: us-west-2}, {kind: cancel, to: us-east-1}]",
    f"[{{kind: failover, to: us-west-2, {LOSS}}}]",
    f"[{{kind: failover, to: us-west-2, {LOSS}}}, {{kind: rebuild, to: us-east-1, incarnation: 2}}]",
]


@pytest.mark.parametrize(
    ("handovers", "traffic"),
    [*((each, "serve") for each in HANDOVERS), (HANDOVERS[5], "drain"), (HANDOVERS[5], "fence")],
)
def test_its_resources_are_the_same_for_any_handovers_and_traffic(tmp_path: Path, handovers: str, traffic: str) -> None:
    plain, moved = deployed(tmp_path, TOPOLOGY), deployed(tmp_path, changed(handovers, traffic))
    assert len(plain.resources) > 50
    assert sorted(moved.resources, key=lambda each: each.urn) == sorted(plain.resources, key=lambda each: each.urn)
    assert moved.exports == plain.exports


def test_a_database_more_would_have_been_seen(tmp_path: Path) -> None:
    plain = deployed(tmp_path, TOPOLOGY)
    more = deployed(tmp_path, TOPOLOGY.replace("databases: [orders]", "databases: [orders, users]"))
    assert {each.name for each in plain.resources} == {each.name for each in more.resources}
    trusts = [each.one("Role", "wal-access-role-us-east-1").inputs["assumeRolePolicy"] for each in (plain, more)]
    assert trusts[0] != trusts[1]


def test_its_provider_is_pinned_to_the_account_of_the_topology(tmp_path: Path) -> None:
    recording = deployed(tmp_path, TOPOLOGY)
    provider = recording.one("pulumi:providers:aws")
    assert "111122223333" in str(provider.inputs["allowedAccountIds"])
    assert {each.provider for each in recording.resources if each.type.startswith("aws:")} == {provider.name}


def test_backups_keep_deletions_to_one_region_and_uploads_share_them(tmp_path: Path) -> None:
    recording = deployed(tmp_path, TOPOLOGY)
    for purpose, status in (("wal", "Disabled"), ("assets", "Enabled")):
        for region in ("us-east-1", "us-west-2"):
            (rule,) = recording.one("BucketReplicationConfig", f"{purpose}-replication-{region}").inputs["rules"]
            assert rule["deleteMarkerReplication"] == {"status": status}
