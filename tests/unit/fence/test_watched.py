"""Which Clusters the fence takes for the pair's. What it does with them: tests/lab/test_fence.py."""

import pytest

from hakit.fence.watch import whose
from hakit.plan import guard
from hakit.topology.intents import cluster_intent
from tests.unit.postgres.given import topology


@pytest.mark.parametrize(("name", "expected"), [("orders-g1", ("orders", 1)), ("orders-eu-g12", ("orders-eu", 12))])
def test_a_cluster_is_known_by_its_name(name: str, expected: tuple[str, int]) -> None:
    assert whose({"name": name}) == expected


def test_an_adopted_cluster_is_known_by_what_hakit_wrote_on_it() -> None:
    """Its name says nothing, and an old primary that nobody fences is a second one."""
    written = guard.cluster_metadata("shop", cluster_intent(topology().pair("shop"), "orders", "a"))
    assert whose({"name": "shop-cluster", **written}) == ("orders", 1)


@pytest.mark.parametrize(
    "metadata", [{}, {"labels": {}, "annotations": None}, {"annotations": {"hakit/incarnation": "x"}}]
)
def test_any_other_cluster_is_left_alone(metadata: dict[str, object]) -> None:
    assert whose({"name": "somebodys", **metadata})[0] == ""
