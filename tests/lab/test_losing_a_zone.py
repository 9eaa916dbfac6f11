"""A zone dies: the real scheduler and the real controllers, with what hakit hardened, and with what it did not touch.

All charts are in one region and lose the same zone once, since the waiting is what takes the time. The short suite has
the loss of a zone in test_every_workload.py; here it is looked at closely.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.harness import LabRegion
from lab.harness.client import Object, seconds_between
from lab.harness.nodes import unplaced
from lab.harness.region import unreachable_since
from tests.lab import shop

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: hakit's toleration in seconds (EVICTION_SECONDS in charts/harden.py), and Kubernetes' own
#: (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions).
HARDENED, DEFAULT = 30, 300
_UNREACHABLE = "node.kubernetes.io/unreachable"


@dataclass
class Loss:
    """What was seen before, at and after the loss of zone a.

    Attributes:
        before: zone counts of the hardened storefront.
        hosts: its pods on each host, before.
        at_once: its ready pods when the nodes of the lost zone had been tainted.
        after: its zone counts when all six were ready again.
        gone: its pods of the lost zone, marked for deletion.
        since: when each lost node was tainted.
        plain: pods of the chart without hakit, at the same moment.
        waiting: why the replaced pods of the chart hardened but for nodeTaintsPolicy have no node.
    """

    before: dict[str, int]
    hosts: dict[str, int]
    at_once: int
    after: dict[str, int]
    gone: list[Object]
    since: dict[str, str]
    plain: list[Object]
    waiting: list[str]


@pytest.fixture(scope="module")
def loss(region: LabRegion) -> Iterator[Loss]:
    for name in ("shop", "plain", "counting-the-dead"):
        region.namespace(name)
    region.apply(shop.objects("storefront"), "shop")
    pods = region.wait_for("six pods", lambda: region.ready_pods("shop", "storefront"), lambda found: len(found) == 6)
    before = region.zone_counts(pods)
    hosts = {each["metadata"]["name"]: 0 for each in region.nodes()}
    for pod in pods:
        hosts[pod["spec"]["nodeName"]] += 1
    region.apply(shop.into("plain", shop.plain("storefront", replicaCount=6)), "plain")
    region.apply(shop.into("counting-the-dead", _without_taints_policy()), "counting-the-dead")
    for name in ("plain", "counting-the-dead"):
        region.wait_for(f"six pods in {name}", lambda name=name: region.ready_pods(name), lambda found: len(found) == 6)

    region.lose_zone("a")
    since = {each["metadata"]["name"]: unreachable_since(each) or "" for each in region.nodes("a")}
    at_once = len(region.ready_pods("shop", "storefront"))
    pods = region.wait_for("six again", lambda: region.ready_pods("shop"), lambda found: len(found) == 6)
    after = region.zone_counts(pods)
    waiting = region.wait_for(
        "the replaced pods of the chart that counts the dead zone",
        lambda: unplaced(region.pods("counting-the-dead")),
        lambda reasons: len(reasons) == 2,
    )
    everything = region.client.list("v1", "Pod", "shop")
    gone = [pod for pod in everything if "deletionTimestamp" in pod["metadata"]]
    yield Loss(before, hosts, at_once, after, gone, since, region.pods("plain"), waiting)
    region.restore_zone("a")


def _without_taints_policy() -> list[Object]:
    """One step of hardening taken away: the lost zone's nodes count as a place for pods."""
    objects = copy.deepcopy(shop.objects("storefront"))
    for constraint in shop.one(objects, "Deployment")["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        del constraint["nodeTaintsPolicy"]
    return objects


def test_six_replicas_stand_two_in_each_zone_and_one_on_each_host(loss: Loss):
    assert loss.before == {"a": 2, "b": 2, "c": 2}
    assert set(loss.hosts.values()) == {1}, "six hosts, six pods"


def test_what_the_audit_promises_still_serves_when_a_zone_is_lost(loss: Loss):
    assert loss.at_once == 4, "`needs` is 4 in stacks/region.py"


def test_the_lost_pods_come_back_in_the_other_zones(loss: Loss):
    assert loss.after == {"a": 0, "b": 3, "c": 3}


def test_pods_leave_a_dead_node_after_hakits_thirty_seconds(loss: Loss):
    assert len(loss.gone) == 2, "two pods were in the lost zone"
    for pod in loss.gone:
        metadata = pod["metadata"]
        # deletionTimestamp is when the pod has to be gone: the request, and its grace period (60 s by hakit).
        assert metadata["deletionGracePeriodSeconds"] == 60
        stayed = seconds_between(loss.since[pod["spec"]["nodeName"]], metadata["deletionTimestamp"]) - 60
        # Timestamps are whole seconds, so one second either way; two more for a busy machine.
        assert HARDENED - 1 <= stayed <= HARDENED + 3


def test_without_hakit_the_pods_of_the_dead_zone_are_kept_for_five_minutes(loss: Loss):
    lost = [pod for pod in loss.plain if pod["spec"]["nodeName"] in loss.since]
    assert lost, "the scheduler's own spread puts some of six pods on two of six hosts"
    for pod in lost:
        (toleration,) = [each for each in pod["spec"]["tolerations"] if each["key"] == _UNREACHABLE]
        assert toleration["tolerationSeconds"] == DEFAULT
        assert "deletionTimestamp" not in pod["metadata"], "still bound to the dead node when hakit's pods are back"


def test_a_strict_spread_that_counts_the_dead_zone_leaves_its_pods_without_a_node(loss: Loss):
    assert len(loss.waiting) == 2, "take nodeTaintsPolicy: Honor away and nothing comes back"
    assert "didn't match pod topology spread constraints" in loss.waiting[0]
