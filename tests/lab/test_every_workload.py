"""Every workload of the reference system and of the trap charts, with hakit and without: one region, one lost zone.

The table that this prints is at the end of the run's output. What it does not prove: nothing runs in the pods, so
"ready" is what a kubelet would say, and a volume is where the scheduler believes it to be.
"""

import time
from collections.abc import Iterator

import pytest

from lab.harness import LabRegion
from lab.harness.client import Object, seconds_between
from lab.harness.nodes import ready_pod, rolled_out, unplaced
from lab.harness.region import unreachable_since
from lab.harness.sampling import Sampling
from lab.harness.tools import REGION_TOOLS
from tests.lab import every_workload as every
from tests.lab.conftest import need, running, show
from tests.lab.definitions import define
from tests.lab.every_workload import Row
from tests.lab.zonal_volumes import Provisioning

pytestmark = pytest.mark.lab

#: Seconds of hakit's toleration (EVICTION_SECONDS in charts/harden/disruption.py).
EVICTED = 30
#: Seconds that the test looks on after the loss, at least: more than hakit's toleration, less than Kubernetes' own.
WATCHED = 45


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS)
    with running(request, "every", ["a", "b", "c"], hosts=3) as found, Provisioning(found):
        define(found, ["definitions/istio.yaml"], only="destinationrules.networking.istio.io")
        yield found


@pytest.fixture(scope="module")
def stood(region: LabRegion) -> list[Row]:
    """Every workload as it stands before anything is lost."""
    rows = every.deploy(region, every.cases())
    region.wait_for(
        "every workload's pods, ready or without a node",
        lambda: [str(row) for row in rows if not every.is_settled(row, _pods(region).get(row.key, []))],
        lambda waiting: not waiting,
        seconds=300,
    )
    pods = _pods(region)
    for row in rows:
        own = pods.get(row.key, [])
        row.zones, row.waiting = region.zone_counts(own), unplaced(own)
        row.undrained = every.why_no_drain(region, own[0]) if own else ""
    return rows


@pytest.fixture(scope="module")
def lost(region: LabRegion, stood: list[Row], request: pytest.FixtureRequest) -> list[Row]:
    """The same when zone a has been lost for a while; it stays lost."""
    region.lose_zone("a")
    began = time.monotonic()
    dead = {each["metadata"]["name"]: unreachable_since(each) or "" for each in region.nodes("a")}
    for row, serving in _serving(region, stood, dead):
        row.left = serving
    # Longer than WATCHED only on a machine that is busy.
    while (passed := time.monotonic() - began) < WATCHED or (passed < 90 and _coming_back(stood)):
        for row, serving in _serving(region, stood, dead):
            if row.back is None and serving == row.replicas:
                row.back = time.monotonic() - began
    everything = region.client.list("v1", "Pod")
    pods = every.pods_by_workload(everything)
    gone = every.deleted_by_workload(everything)
    for row in stood:
        row.after = region.zone_counts(pods.get(row.key, []))
        row.waiting += unplaced(pods.get(row.key, []))
        row.stayed = [_stayed(pod, dead) for pod in gone.get(row.key, []) if pod["spec"].get("nodeName") in dead]
    show(request, "a zone is lost: every workload, with hakit and without", every.table(stood, WATCHED))
    return stood


def _pods(region: LabRegion) -> dict[tuple[str, str], list[Object]]:
    time.sleep(0.5)  # three hundred pods: looking all the time would take the machine from those who start them
    return every.pods_by_workload(region.client.list("v1", "Pod"))


def _serving(region: LabRegion, rows: list[Row], dead: dict[str, str]) -> list[tuple[Row, int]]:
    pods = _pods(region)
    return [
        (row, sum(ready_pod(pod) and pod["spec"]["nodeName"] not in dead for pod in pods.get(row.key, [])))
        for row in rows
    ]


def _coming_back(rows: list[Row]) -> bool:
    return any(row.back is None for row in _promised(rows) if not row.is_set)


def _stayed(pod: Object, dead: dict[str, str]) -> float:
    """Seconds from the taint of a pod's node until the pod was evicted."""
    metadata = pod["metadata"]
    # deletionTimestamp is when the pod has to be gone: the request, and its grace period.
    by = seconds_between(dead[pod["spec"]["nodeName"]], metadata["deletionTimestamp"])
    return by - metadata["deletionGracePeriodSeconds"]


def _promised(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.is_promised and row.replicas > 0 and row.case.name != every.UNTOLD]


def _row(rows: list[Row], case: str, *, hakit: bool = True) -> Row:
    (found,) = [row for row in rows if row.case.name == case and row.hakit is hakit]
    return found


def test_hardened_pods_stand_over_three_zones_with_a_skew_of_one_at_most(stood: list[Row]):
    rows = [row for row in _promised(stood) if row.promised is not None]
    assert len(rows) == 37, (
        "six of the reference system and the set, and the 31 traps that hakit mends and that run pods"
    )
    for row in rows:
        counts = [row.zones[zone] for zone in ("a", "b", "c")]
        assert sum(counts) == row.replicas, f"{row}: {row.zones}"
        assert max(counts) - min(counts) <= 1, f"{row}: {row.zones}"


def test_the_api_server_takes_every_object_that_hakit_does_not_stop_for(stood: list[Row]):
    assert {str(row): row.refused for row in _promised(stood) if row.refused} == {}


def test_at_the_loss_as_many_serve_as_the_audit_promised(lost: list[Row]):
    for row in _promised(lost):
        if row.promised is not None:
            assert row.left >= row.promised, str(row)
            assert row.left == row.replicas - row.zones["a"], f"{row}: all but those of the lost zone"


def test_pods_of_deployments_leave_the_dead_nodes_after_thirty_seconds_and_come_back_spread(lost: list[Row]):
    rows = [row for row in _promised(lost) if not row.is_set]
    assert rows
    for row in rows:
        assert row.back is not None, f"{row}: not all replicas are back; {row.waiting}"
        assert len(row.stayed) == row.zones["a"], str(row)
        for seconds in row.stayed:
            # Timestamps are whole seconds; some more for a busy machine.
            assert EVICTED - 1 <= seconds <= EVICTED + 5, f"{row}: {row.stayed}"
        assert row.after["a"] == 0, str(row)
        assert abs(row.after["b"] - row.after["c"]) <= 1, f"{row}: {row.after}"
        assert row.after["b"] + row.after["c"] == row.replicas, f"{row}: {row.after}"


def test_no_hardened_pod_is_left_without_a_node_by_a_constraint(lost: list[Row]):
    assert {str(row): row.waiting for row in _promised(lost) if row.waiting} == {}


def test_what_hakit_stops_for_does_not_work(lost: list[Row]):
    """Accepted against hakit's advice: the cluster shows why."""
    assert "may not specify more than 1 handler type" in _row(lost, "probe-with-two-handlers").refused[0]
    assert 'volumeMounts[0].name: Not found: "cache"' in _row(lost, "mount-without-volume").refused[0]
    shared = _row(lost, "shared-claim")
    assert sum(shared.zones.values()) < shared.replicas, "HK005: the volume is in one zone, the others get no node"
    short = _row(lost, "too-few-left-after-a-zone")
    assert short.left == 2, "HK001: three are needed"
    overlapping = [row for row in lost if row.hakit and row.case.name == "selector-matches-ui" and row.undrained]
    assert "more than one PodDisruptionBudget" in overlapping[0].undrained, "HK008"


def test_without_hakit_the_reference_system_waits_five_minutes(lost: list[Row]):
    for name in ("storefront", "warehouse"):
        rows = [row for row in lost if row.case.name == name and not row.hakit]
        hit = [row for row in rows if row.left < row.replicas]
        assert hit, "the scheduler's own wish puts some pods into each zone"
        assert all(row.back is None and not row.stayed for row in hit), name


def test_without_hakit_the_traps_spring(lost: list[Row]):
    waits = _row(lost, "dead-node-wait", hakit=False)
    assert (waits.back, waits.stayed) == (None, []), "one of three in each zone, and 300 seconds"
    refused = _row(lost, "budget-with-both-keys", hakit=False).refused
    assert "minAvailable and maxUnavailable cannot be both set" in refused[0]
    blocked = _row(lost, "budget-blocks-drains", hakit=False).undrained
    assert blocked == "Cannot evict pod as it would violate the pod's disruption budget."
    crowded = _row(lost, "required-zone-anti-affinity", hakit=False)
    assert crowded.back is None, "two zones, three pods, one a zone at most"
    assert every.constraints(crowded.waiting) == ["anti-affinity"]
    counted = _row(lost, "lost-zone-counts", hakit=False)
    assert (counted.left, counted.back, every.constraints(counted.waiting)) == (2, None, ["spread"]), "HK035"


def test_volumes_that_sit_in_two_zones_keep_every_pod_only_when_hakit_knows_of_them(lost: list[Row]):
    told, untold = _row(lost, every.VOLUMES), _row(lost, every.UNTOLD)
    assert told.zones == {"a": 2, "b": 1, "c": 0}, "existing_volumes: each pod where its volume is"
    assert told.left == 1, "two of three volumes were in the lost zone: HK019 says that nothing is promised"
    assert untold.zones["a"] + untold.zones["b"] < 3, "the rule over zones and the volumes contradict each other"
    assert _row(lost, every.VOLUMES, hakit=False).zones == untold.zones, "as with the chart's own rule"


def test_the_lost_pods_of_a_statefulset_wait_for_their_zone(lost: list[Row]):
    """At most one pod of a name: while nobody knows that the old one has stopped, no new one is made."""
    without, with_claims = _row(lost, every.SET), _row(lost, "volume-per-pod")
    assert (without.left, without.back, len(without.stayed)) == (2, None, 1), "evicted, and not replaced"
    assert (with_claims.left, with_claims.back, with_claims.stayed) == (2, None, [])


# Changes and drains, in the same region


def _changed(region: LabRegion, rows: list[Row], what: str) -> dict[str, int]:
    """Change every workload's pods at once, wait for the rollouts' ends, and return by how many ready pods any was
    below its replicas at any moment."""
    missing: dict[str, int] = {}
    other = region.another_client()

    def worst() -> int:
        pods = every.pods_by_workload(other.list("v1", "Pod"))
        for row in rows:
            short = row.replicas - sum(map(ready_pod, pods.get(row.key, [])))
            missing[str(row)] = max(short, missing.get(str(row), 0))
        return 0

    patch = {"spec": {"template": {"metadata": {"annotations": {"lab.hakit/change": what}}}}}
    try:
        with Sampling(worst):
            for row in rows:
                kind, name = row.workload["kind"], row.workload["metadata"]["name"]
                region.client.merge("apps/v1", kind, name, patch, namespace=row.namespace)
            region.wait_for(
                f"the end of every rollout ({what})",
                lambda: _rolling(region, rows),
                lambda left: not left,
                seconds=240,
            )
    finally:
        other.close()
    return missing


def _rolling(region: LabRegion, rows: list[Row]) -> list[str]:
    """Workloads that have old pods, or not all of the new ones."""
    stored = {
        (each["metadata"]["namespace"], f"{kind}/{each['metadata']['name']}"): each
        for kind in ("Deployment", "StatefulSet")
        for each in region.client.list("apps/v1", kind)
    }
    return [str(row) for row in rows if not rolled_out(stored[row.key], row.replicas)]


@pytest.fixture(scope="module")
def alone(region: LabRegion, lost: list[Row]) -> list[Row]:
    """The hardened workloads that hakit deploys, once everything else has gone; zone a is still lost."""
    rows = _promised(lost)
    kept = {row.namespace for row in rows}
    for namespace in {row.namespace for row in lost} - kept:
        region.client.delete("v1", "Namespace", namespace)
    return rows


@pytest.mark.long
def test_with_a_zone_gone_a_rollout_of_every_deployment_ends_and_takes_no_pod_away(region: LabRegion, alone: list[Row]):
    rows = [row for row in alone if not row.is_set]
    assert {name for name, short in _changed(region, rows, "without a").items() if short} == set()
    pods = _pods(region)
    for row in rows:
        counts = region.zone_counts(pods[row.key])
        assert abs(counts["b"] - counts["c"]) <= 1, f"{row}: {counts}"


@pytest.fixture(scope="module")
def whole(region: LabRegion, alone: list[Row]) -> list[Row]:
    """The same workloads, all ready, when the zone is back."""
    region.restore_zone("a")
    region.wait_for(
        "every pod, when the zone is back",
        lambda: [str(row) for row, serving in _serving(region, alone, {}) if serving != row.replicas],
        lambda missing: not missing,
        seconds=240,
    )
    return alone


@pytest.mark.long
def test_with_every_zone_a_rollout_of_every_workload_ends_and_spreads_again(region: LabRegion, whole: list[Row]):
    missing = _changed(region, whole, "with all zones")
    assert {str(row) for row in whole if missing[str(row)] > int(row.is_set)} == set(), "a StatefulSet has no surge"
    pods = _pods(region)
    for row in whole:
        counts = region.zone_counts(pods[row.key])
        if row.promised is not None:
            assert max(counts.values()) - min(counts.values()) <= 1, f"{row}: {counts}"


@pytest.mark.long
def test_drains_of_each_node_in_turn_and_of_a_whole_zone_end_and_keep_what_the_budgets_keep(
    region: LabRegion, whole: list[Row]
):
    lowest: dict[str, int] = {}
    other = region.another_client()

    def worst() -> int:
        pods = every.pods_by_workload(other.list("v1", "Pod"))
        for row in whole:
            ready = sum(map(ready_pod, pods.get(row.key, [])))
            lowest[str(row)] = min(ready, lowest.get(str(row), ready))
        return 0

    try:
        with Sampling(worst):
            for node in region.nodes("b"):
                name = node["metadata"]["name"]
                region.drain(name, seconds=240)
                region.cordon(name, off=True)
            zone = [node["metadata"]["name"] for node in region.nodes("c")]
            put_off = region.drain(*zone, seconds=240)
            for name in zone:
                region.cordon(name, off=True)
    finally:
        other.close()
    assert put_off, "a workload with two pods in the zone: its budget had something to say"
    assert {str(row): lowest[str(row)] for row in whole if lowest[str(row)] < row.replicas - 1} == {}
