"""A pair of three regions: what a handover changes in the stack that is neither left nor entered, and what a region
that joins changes in the others. The real definitions and webhook admit every step of three regions in
`tests/lab/test_postgres_admission.py`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hakit.testing import Recording, record
from tests.components.test_region_pair import (
    EAST,
    IMAGE,
    ROOT,
    TOPOLOGY,
    WEST,
    changes,
    clusters,
    inputs_of,
    pair,
    program,
)

EUROPE = "eu-west-1"
THIRD = """\
  eu-west-1:
    zones: [eu-west-1a, eu-west-1b, eu-west-1c]
    kubernetes: "1.34"
    cluster: {context: prod-euw1, pod_identity: true}
    storage: {zonal: gp3}
"""
WITNESS = [f"s3://acme-prod-{region}-witness/shop.json?region={region}" for region in (EAST, WEST, EUROPE)]
FAILOVER = "{kind: failover, to: us-west-2, accept_loss: 30s}"
REBUILD = "{kind: rebuild, to: us-east-1, incarnation: 2}"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Recording]:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    def recorded(region: str, handovers: str = "[]", third: str = THIRD, **more: Any) -> Recording:
        text = TOPOLOGY.replace("pairs:\n", f"{third}pairs:\n").replace("HANDOVERS", handovers)
        text = text.replace('["https://witness.example.com/shop.json"]', json.dumps(WITNESS if third else WITNESS[:2]))
        (tmp_path / "topology.yaml").write_text(text)
        return record(program(pair(region, **more)), root=tmp_path)

    return recorded


def test_a_failover_has_the_third_region_follow_the_new_primary_and_changes_nothing_else_of_it(
    run: Callable[..., Recording],
) -> None:
    before, after = (inputs_of(run(EUROPE, handovers)) for handovers in ("[]", f"[{FAILOVER}]"))
    assert sorted(changes(before, after)) == [
        "shop-orders-cluster-g1.metadata.annotations.hakit/epoch",
        # Read when a Cluster is made, and never again: a copy that has to be made comes from there.
        "shop-orders-cluster-g1.spec.bootstrap.recovery.source",
        "shop-orders-cluster-g1.spec.replica.primary",
        "shop-orders-cluster-g1.spec.replica.source",
    ]
    replica = after["shop-orders-cluster-g1"]["spec"]["replica"]
    assert (replica["primary"], replica["source"]) == ("orders-g1-us-west-2", "orders-g1-us-west-2")


def test_a_rebuild_has_the_third_region_list_the_new_copy_in_place_of_the_old_one(
    run: Callable[..., Recording],
) -> None:
    before, after = (inputs_of(run(EUROPE, each)) for each in (f"[{FAILOVER}]", f"[{FAILOVER}, {REBUILD}]"))
    assert sorted(changes(before, after)) == [
        "shop-orders-cluster-g1.metadata.annotations.hakit/epoch",
        "shop-orders-cluster-g1.spec.externalClusters",
    ]
    listed = [each["name"] for each in after["shop-orders-cluster-g1"]["spec"]["externalClusters"]]
    assert listed == ["orders-g2-us-east-1", "orders-g1-us-west-2", "orders-g1-eu-west-1"]


def test_a_third_region_that_joins_changes_the_list_of_members_and_adds_its_archive_to_read(
    run: Callable[..., Recording],
) -> None:
    for region in (EAST, WEST):
        before, after = (inputs_of(run(region, third=third)) for third in ("", THIRD))
        assert sorted(changes(before, after)) == [
            "shop-orders-cluster-g1.spec.externalClusters",
            "shop-orders-store-eu-west-1",
        ]
    (joined,) = clusters(run(EUROPE))
    assert joined.inputs["spec"]["bootstrap"]["recovery"]["source"] == "orders-g1-us-east-1", "a copy, never empty"


def test_each_fence_reads_the_places_of_the_other_two_regions(run: Callable[..., Recording]) -> None:
    for region in (EAST, WEST, EUROPE):
        settings = run(region, fence={"image": IMAGE}).one(
            "kubernetes:core/v1:ConfigMap", "shop-fence-settings-configmap"
        )
        read = json.loads(settings.inputs["data"]["fence.json"])["witness"]
        assert read == [each for each in WITNESS if not each.endswith(region)]
