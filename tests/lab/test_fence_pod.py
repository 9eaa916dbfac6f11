"""The fence's Deployment, as the plan makes it, in a region's cluster: the real scheduler places its pods, kubelet runs
them in an image of Python by its digest, and they read the witness in an S3, with the keys of a Secret, across a
network that is cut.

Here the Clusters are objects without their operator; `test_postgres_by_up` has the same with PostgreSQL. moto plays S3
and asks no signature, which `tests/unit/fence/test_s3.py` compares with Amazon's own.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hakit.fence.watch import FENCED, OURS
from hakit.fence.witness import dump
from hakit.plan import fence
from hakit.plan.arguments import Arguments
from hakit.topology import Pair, Topology, Witness, load
from lab.harness import LabRegion, Network
from lab.harness.tools import NODE_TOOLS, REGION_TOOLS, ROOT
from tests.lab import fence_pods, object_store
from tests.lab.conftest import need, need_network, running
from tests.lab.fence_program import SECONDS, annotations
from tests.lab.object_store import ObjectStore
from tests.lab.test_fence import EAST, WEST, cluster, definitions, knows_clusters

pytestmark = [pytest.mark.lab, pytest.mark.long]

BUCKET = "witness-west"


@dataclass
class Fenced:
    """A region with the fence of the pair `shop`, and the store of the other region."""

    region: LabRegion
    store: ObjectStore

    def say(self, witness: Witness) -> None:
        self.store.client().put_object(Bucket=BUCKET, Key="shop.json", Body=dump({"orders": witness}))

    def read(self) -> list[float]:
        """When a pod of the region read the witness."""
        return [at for at, who, path in self.store.reads if who == self.region.network.wan and "shop.json" in path]


@pytest.fixture(scope="module")
def fenced(request: pytest.FixtureRequest) -> Iterator[Fenced]:
    need(*REGION_TOOLS, *NODE_TOOLS)
    need_network()
    with contextlib.ExitStack() as opened:
        network = opened.enter_context(Network(["east"]))
        region = opened.enter_context(running(request, "east", ["a"], hosts=1, network=network["east"]))
        region.start_node()
        store = opened.enter_context(object_store.serving(network.machine))
        store.make_bucket(BUCKET)
        region.apply(definitions())
        region.wait_for("the definition of Clusters", lambda: knows_clusters(region.client))
        region.namespace("shop")
        topology, pair = _pair(store)
        given = {"image": fence_pods.give_image(region), "secret": fence_pods.READER}
        spec = fence.specify(Arguments(given, "test", fence.ARGUMENTS, "fence"), topology, pair, "us-east-1")
        region.apply([fence_pods.reader(), *fence.objects(spec, topology, pair, "us-east-1", "shop")], "shop")
        region.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
        yield Fenced(region, store)


def _pair(store: ObjectStore) -> tuple[Topology, Pair]:
    topology = load(ROOT / "stacks" / "topology.prod.yaml")
    places = (
        "s3://witness-east/shop.json?region=us-east-1",  # its own, which it does not read
        f"s3://{BUCKET}/shop.json?endpoint={store.endpoint}&region=us-west-2",
    )
    return topology, topology.pair("shop").model_copy(update={"witness": places})


def test_the_pods_of_the_fence_stop_a_primary_within_the_seconds_that_are_promised(fenced: Fenced) -> None:
    region = fenced.region
    region.cut()
    fenced.say(Witness(1, "us-west-2", 1))
    names = fence_pods.run_them(region)
    region.wait_for("turns without a witness", lambda: fence_pods.away(region, names), lambda each: min(each) >= 2)
    assert (fenced.read(), annotations(region, "orders-g1")) == ([], {}), "cut: nothing is read, and nothing done"
    region.reconnect()
    region.wait_for("the fence", lambda: annotations(region, "orders-g1"))
    took = time.monotonic() - fenced.read()[0]
    print(f"fenced {took:.1f} s after its first reading of the witness")
    assert annotations(region, "orders-g1") == {FENCED: '["*"]', OURS: "true"}
    assert took < SECONDS
    why = {each["why"] for lines in fence_pods.said(region, names) for each in lines if each["what"] == "fence"}
    assert why == {"the witness names us-west-2, incarnation 1 since entry 1"}
    remembered = region.client.get("v1", "ConfigMap", "shop-fence-memory", "shop")["data"]["witness"]
    assert json.loads(remembered) == {"orders": {"entry": 1, "region": "us-west-2", "incarnation": 1}}


def test_they_lift_it_once_the_copy_follows_and_kubelet_finds_them_alive(fenced: Fenced) -> None:
    region = fenced.region
    region.apply([cluster("orders-g1", primary=WEST, epoch=10)], "shop")
    region.wait_for("the fence is lifted", lambda: annotations(region, "orders-g1"), lambda left: left == {})
    region.wait_for("two looks of the liveness probe", lambda: fence_pods.age(region) > 75, seconds=180)
    assert fence_pods.restarts(region) == [0, 0]


def test_a_pod_that_is_lost_comes_back_and_a_lower_witness_unfences_nothing(fenced: Fenced) -> None:
    """What was read is kept in the region's cluster, not in the pod."""
    region = fenced.region
    fenced.say(Witness(3, "us-west-2", 1))
    region.apply([cluster("orders-g2", primary="orders-g2-us-east-1", epoch=20)], "shop")
    region.wait_for("the fence", lambda: annotations(region, "orders-g2"))
    fenced.say(Witness(2, "us-east-1", 2))
    names = fence_pods.run_them(region)
    read = len(fenced.read())
    region.wait_for("turns of the new pods", lambda: len(fenced.read()), lambda now: now > read + 4)
    assert FENCED in annotations(region, "orders-g2")
    assert [lines[0]["what"] for lines in fence_pods.said(region, names)] == ["watching", "watching"]
