"""Nobody loses a pod that serves because a version changes or a node is emptied."""

import copy

import pytest

from hakit.charts.harden import harden
from hakit.charts.intent import Intent
from lab.harness import LabRegion, RefusedError
from lab.harness.client import Client, Object
from lab.harness.nodes import ready_pod, rolled_out, unplaced
from lab.harness.sampling import Sampling
from tests.lab import shop

pytestmark = pytest.mark.lab


def _run(region: LabRegion, namespace: str, objects: list[Object], pods: int) -> list[Object]:
    region.apply(shop.into(namespace, objects), namespace)
    return region.wait_for(f"{pods} pods", lambda: region.ready_pods(namespace), lambda found: len(found) == pods)


def _change_image(region: LabRegion, namespace: str, objects: list[Object]) -> None:
    deployment = copy.deepcopy(shop.one(objects, "Deployment"))
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/shop/storefront:2.4.2"
    region.apply(shop.into(namespace, [deployment]), namespace)


def _is_rolled_out(deployment: Object) -> bool:
    return rolled_out(deployment, deployment["spec"]["replicas"])


def _rolled_out(region: LabRegion, namespace: str) -> None:
    region.wait_for(
        "the rollout's end",
        lambda: region.client.get("apps/v1", "Deployment", "storefront", namespace),
        _is_rolled_out,
        seconds=240,
    )


def _counting_ready(other: Client, namespace: str) -> Sampling:
    return Sampling(lambda: sum(ready_pod(pod) for pod in other.list("v1", "Pod", namespace)))


def test_a_rollout_never_has_fewer_ready_pods_than_replicas_and_ends_spread(
    region: LabRegion, namespace: str, other_client: Client
):
    objects = shop.objects("storefront")
    _run(region, namespace, objects, 6)
    with _counting_ready(other_client, namespace) as ready:
        _change_image(region, namespace, objects)
        _rolled_out(region, namespace)
    assert ready.lowest == 6, "maxSurge 1, maxUnavailable 0"
    assert region.zone_counts(region.ready_pods(namespace)) == {"a": 2, "b": 2, "c": 2}, "matchLabelKeys"


def test_without_hakit_a_rollout_takes_a_pod_away_before_it_has_a_new_one(
    region: LabRegion, namespace: str, other_client: Client
):
    # Kubernetes' default is 25 % unavailable: one of six.
    objects = shop.plain("storefront", replicaCount=6)
    _run(region, namespace, objects, 6)
    with _counting_ready(other_client, namespace) as ready:
        _change_image(region, namespace, objects)
        _rolled_out(region, namespace)
    assert ready.lowest < 6


_ONE_A_ZONE = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "topologyKey": "topology.kubernetes.io/zone",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "storefront"}},
            }
        ]
    }
}


def test_required_zone_anti_affinity_stops_a_rollout_for_good(region: LabRegion, namespace: str):
    trap = shop.plain("storefront", replicaCount=3, affinity=_ONE_A_ZONE)
    _run(region, namespace, trap, 3)
    _change_image(region, namespace, trap)
    (why,) = region.wait_for("the rollout's extra pod, without a node", lambda: unplaced(region.pods(namespace)))
    assert "didn't match pod anti-affinity rules" in why


def test_hardened_the_same_chart_rolls_out_with_one_pod_in_each_zone(region: LabRegion, namespace: str):
    objects = harden(shop.plain("storefront", replicaCount=3, affinity=_ONE_A_ZONE), Intent(namespace=namespace))
    _run(region, namespace, objects, 3)
    _change_image(region, namespace, objects)
    _rolled_out(region, namespace)
    assert region.zone_counts(region.ready_pods(namespace)) == {"a": 1, "b": 1, "c": 1}


def test_over_running_pods_that_repel_others_the_first_hardened_rollout_needs_help(region: LabRegion, namespace: str):
    """Anti-affinity holds both ways: running pods that have it keep hardened ones away, which have none."""
    trap = shop.plain("storefront", replicaCount=3, affinity=_ONE_A_ZONE)
    _run(region, namespace, trap, 3)
    hardened = shop.into(namespace, harden(trap, Intent(namespace=namespace)))
    region.apply(hardened, namespace, force=True)
    (why,) = region.wait_for("the hardened pod, without a node", lambda: unplaced(region.pods(namespace)))
    assert "didn't satisfy existing pods anti-affinity rules" in why

    # The way out: for this one rollout a pod less before a pod more. And the scheduler has to be made to look again:
    # when a pod goes whose anti-affinity kept another away, it does not try that other one before five minutes are
    # over (InterPodAffinity.isSchedulableAfterPodChange asks for the waiting pod's own terms only). A new pod it tries.
    shop.one(hardened, "Deployment")["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": 1, "maxUnavailable": 1}
    region.apply(hardened, namespace, force=True)

    def helped() -> Object:
        for pod in region.pods(namespace):
            if unplaced([pod]):
                region.client.delete("v1", "Pod", pod["metadata"]["name"], namespace, now=True)
        return region.client.get("apps/v1", "Deployment", "storefront", namespace)

    region.wait_for("the rollout's end", helped, _is_rolled_out)
    assert region.zone_counts(region.ready_pods(namespace)) == {"a": 1, "b": 1, "c": 1}


def test_two_nodes_drained_at_once_lose_their_pods_one_after_the_other(
    region: LabRegion, namespace: str, other_client: Client
):
    pods = _run(region, namespace, shop.objects("storefront"), 6)
    first, second = (pod["spec"]["nodeName"] for pod in pods[:2])
    assert first != second, "six pods stand on six hosts"
    try:
        with _counting_ready(other_client, namespace) as ready:
            put_off = region.drain(first, second)
            region.wait_for("six pods", lambda: region.ready_pods(namespace), lambda found: len(found) == 6)
    finally:
        for name in (first, second):
            region.cordon(name, off=True)
    assert put_off, "the disruption budget has to answer 429 to the second of two evictions"
    assert put_off[0].message == "Cannot evict pod as it would violate the pod's disruption budget."
    assert ready.lowest == 5, "one at a time: maxUnavailable is 1"


def test_without_a_budget_both_pods_are_gone_at_once(region: LabRegion, namespace: str):
    pods = _run(region, namespace, shop.plain("storefront", replicaCount=6), 6)
    for pod in pods[:2]:
        region.client.evict(pod["metadata"]["name"], namespace)  # neither is refused


def _never_ready(policy: bool) -> list[Object]:
    objects = shop.objects("storefront")
    deployment = shop.one(objects, "Deployment")
    deployment["spec"]["template"]["metadata"]["labels"]["lab.hakit/ready"] = "never"
    budget = shop.one(objects, "PodDisruptionBudget")
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    if not policy:
        del budget["spec"]["unhealthyPodEvictionPolicy"]
    return objects


def _running_pod(region: LabRegion, namespace: str) -> str:
    def running() -> list[Object]:
        # A pod that never started is not protected by any budget, so it would prove nothing.
        return [pod for pod in region.pods(namespace) if pod["status"]["phase"] == "Running"]

    found = region.wait_for("pods that run and are not ready", running)
    region.wait_for(
        "the budget's first look at them",
        lambda: region.client.get("policy/v1", "PodDisruptionBudget", "storefront", namespace),
        lambda budget: budget["status"].get("expectedPods") == 6,
    )
    return found[0]["metadata"]["name"]


def test_a_pod_that_is_never_ready_does_not_hold_up_a_drain(region: LabRegion, namespace: str):
    region.apply(shop.into(namespace, _never_ready(policy=True)), namespace)
    region.client.evict(_running_pod(region, namespace), namespace)  # not refused: AlwaysAllow


def test_without_always_allow_a_pod_that_is_never_ready_holds_up_every_drain(region: LabRegion, namespace: str):
    region.apply(shop.into(namespace, _never_ready(policy=False)), namespace)
    pod = _running_pod(region, namespace)
    with pytest.raises(RefusedError, match="Cannot evict pod as it would violate the pod's disruption budget"):
        region.client.evict(pod, namespace)
