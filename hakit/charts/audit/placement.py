"""Where pods run: replicas, zones, hosts."""

from collections.abc import Iterator

from hakit.charts.intent import NODE_TAINTS_POLICY, Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    HOST,
    PAUSED,
    ZONE,
    anti_affinity_of,
    autoscaler_of,
    constraints_of,
    dig,
    has_claims,
    id_of,
    mappings,
    most_replicas_of,
    pod_labels,
    pod_spec,
    replicas_of,
    scaled_by_keda,
    selects,
    share_of,
    workloads,
)
from hakit.findings import Finding

_CONSTRAINTS = "spec.template.spec.topologySpreadConstraints"
_ANTI_AFFINITY = "spec.template.spec.affinity.podAntiAffinity"


def left_after_a_zone(replicas: int, zones: int) -> int:
    """Replicas that are left when the fullest of evenly filled zones is lost."""
    return replicas - -(-replicas // zones)


def replicas_for(needs: int, zones: int) -> int:
    """The fewest replicas of which `needs` are left when one of the zones is lost; two zones at least."""
    replicas = needs
    while left_after_a_zone(replicas, zones) < needs:
        replicas += 1
    return replicas


def needs_are_met_without_a_zone(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in workloads(objects):
        needs = intent.of(workload).needs
        if needs is None or intent.zones < 2:
            continue
        replicas = replicas_of(workload, objects)
        left = left_after_a_zone(replicas, intent.zones)
        if left < needs:
            yield Finding(
                "HK001",
                id_of(workload),
                "spec.replicas",
                f"{replicas} replicas over {intent.zones} zones leave {left} when one is lost; it needs {needs}",
                mend=f"set replicas to {replicas_for(needs, intent.zones)}, or lower needs",
            )
        elif (taken := share_of(intent.of(workload).max_unavailable, replicas)) > 1 and replicas - taken < needs:
            yield Finding(
                "HK001",
                id_of(workload),
                "spec.replicas",
                f"a drain may take {taken} of {replicas} replicas at once; it needs {needs}",
                mend=f"set max_unavailable to {max(1, replicas - needs)}",
            )


def more_than_one_zone(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.zones < 2 and workloads(objects):
        yield Finding("HK002", "zones", "", f"{intent.zones} zone is declared: no replica survives the loss of it")


def no_single_replica(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.standby:
        return  # a standby serves nobody; what it runs is there to be warm
    for workload in workloads(objects):
        if replicas_of(workload, objects) == 1:
            yield Finding("HK004", id_of(workload), "spec.replicas", _why_single(autoscaler_of(workload, objects)))


def _why_single(autoscaler: Object | None) -> str:
    if autoscaler is None:
        return "one replica: its node's loss is an outage"
    return f"{id_of(autoscaler)} may leave it one replica: its node's loss is an outage"


def nothing_is_off_while_active(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.standby:
        return
    for workload in workloads(objects):
        if replicas_of(workload, objects) == 0:
            yield Finding("HK034", id_of(workload), "spec.replicas", "no replica in the role that serves")


def what_is_off_stays_off(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in workloads(objects):
        scaled = scaled_by_keda(workload, objects)
        if scaled is None or intent.of(workload).replicas != 0:
            continue
        if dig(scaled, "metadata", "annotations", PAUSED) != "0":
            message = f"{id_of(workload)} is to have no pod, and KEDA raises it when there is work"
            yield Finding("HK050", id_of(scaled), "metadata.annotations", message)


def pods_are_spread_over_zones(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in _replicated(objects):
        spread = constraints_of(workload, ZONE)
        hard = anti_affinity_of(workload, ZONE, required=True)
        soft = anti_affinity_of(workload, ZONE, required=False)
        if not spread and not hard and not soft:
            yield Finding("HK013", id_of(workload), _CONSTRAINTS, "nothing spreads its pods over zones")
        elif not hard and not any(item.get("whenUnsatisfiable") == "DoNotSchedule" for item in spread):
            yield Finding("HK019", id_of(workload), _CONSTRAINTS, _why_a_wish(workload, intent))


def _why_a_wish(workload: Object, intent: Intent) -> str:
    if intent.existing_volumes and has_claims(workload):
        needs = intent.of(workload).needs
        why = "a wish only, because its volumes may be bound to zones already"
        return why if needs is None else f"{why}; whether {needs} are left when a zone is lost, depends on where"
    if intent.zones < 3:
        return f"a wish only, because {intent.zones} zones leave no room for a rule"
    if intent.kubernetes < NODE_TAINTS_POLICY:
        return "a wish only: before Kubernetes 1.26 a rule counts the nodes of a lost zone"
    return "a wish only: its pods may gather in one zone"


def a_rule_leaves_volumes_their_zone(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if not intent.existing_volumes:
        return
    for workload in _replicated(objects):
        strict = any(item.get("whenUnsatisfiable") == "DoNotSchedule" for item in constraints_of(workload, ZONE))
        if strict and has_claims(workload):
            message = "a rule over zones, and its volumes may be bound to zones that break it: such a pod never runs"
            yield Finding("HK038", id_of(workload), _CONSTRAINTS, message)


def a_lost_zone_does_not_count(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in _replicated(objects):
        for constraint in constraints_of(workload, ZONE):
            strict = constraint.get("whenUnsatisfiable") == "DoNotSchedule"
            if not strict or constraint.get("nodeTaintsPolicy") == "Honor" or intent.zones < 2:
                continue
            # The lost zone has no pod that counts, so the others may have maxSkew each, and that may be enough.
            most, skew = most_replicas_of(workload, objects), constraint.get("maxSkew")
            if isinstance(skew, int) and skew * (intent.zones - 1) < most:
                old = intent.kubernetes < NODE_TAINTS_POLICY
                yield Finding(
                    "HK035",
                    id_of(workload),
                    _CONSTRAINTS,
                    f"of {most} pods no more than {skew * (intent.zones - 1)} run while a zone is lost",
                    mend="make it a wish (ScheduleAnyway); nodeTaintsPolicy needs Kubernetes 1.26" if old else "",
                )


def pods_are_spread_over_hosts(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in _replicated(objects):
        repelled = any(anti_affinity_of(workload, HOST, required=required) for required in (True, False))
        if not constraints_of(workload, HOST) and not repelled:
            yield Finding("HK014", id_of(workload), _CONSTRAINTS, "nothing spreads its pods over hosts")


def anti_affinity_leaves_room(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in workloads(objects):
        most = most_replicas_of(workload, objects)
        if anti_affinity_of(workload, ZONE, required=True) and most >= intent.zones:
            yield Finding(
                "HK015",
                id_of(workload),
                f"{_ANTI_AFFINITY}.requiredDuringSchedulingIgnoredDuringExecution",
                f"at most one pod a zone: {most} replicas and {intent.zones} zones leave no zone for the next pod",
            )


def spread_counts_its_own_pods(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in workloads(objects):
        for constraint in mappings(pod_spec(workload).get("topologySpreadConstraints")):
            if not selects(constraint.get("labelSelector"), pod_labels(workload)):
                yield Finding(
                    "HK022",
                    id_of(workload),
                    _CONSTRAINTS,
                    f"the constraint over {constraint.get('topologyKey')} does not select the pods that carry it",
                )


def _replicated(objects: list[Object]) -> list[Object]:
    return [workload for workload in workloads(objects) if most_replicas_of(workload, objects) > 1]


CHECKS = (
    needs_are_met_without_a_zone,
    more_than_one_zone,
    no_single_replica,
    nothing_is_off_while_active,
    what_is_off_stays_off,
    pods_are_spread_over_zones,
    a_rule_leaves_volumes_their_zone,
    a_lost_zone_does_not_count,
    pods_are_spread_over_hosts,
    anti_affinity_leaves_room,
    spread_counts_its_own_pods,
)
