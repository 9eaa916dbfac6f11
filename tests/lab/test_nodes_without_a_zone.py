"""Nodes that nobody labelled with a zone, in a region where the others are."""

import pytest

from lab.harness.nodes import UNZONED
from lab.harness.tools import REGION_TOOLS
from tests.lab import shop
from tests.lab.conftest import need, running

pytestmark = pytest.mark.lab


def test_no_hardened_pod_lands_on_a_node_without_a_zone_label(request: pytest.FixtureRequest):
    """A rule over zones leaves such nodes out: capacity that a region cannot use, rather than pods nobody counts."""
    need(*REGION_TOOLS)
    with running(request, "mixed", ["a", "b", "c"], hosts=1, unzoned=2) as region:
        region.namespace("shop")
        region.apply(shop.objects("storefront"), "shop")
        pods = region.wait_for("six pods", lambda: region.ready_pods("shop"), lambda found: len(found) == 6)
        assert region.zone_counts(pods) == {"a": 2, "b": 2, "c": 2}
        assert len(region.nodes(UNZONED, ready=True)) == 2, "there was room"
