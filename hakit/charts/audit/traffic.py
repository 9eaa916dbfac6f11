"""Which pods requests go to: traffic that stays in a zone, and a mesh's circuit breakers."""

from collections.abc import Iterator
from typing import Any

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    ZONE,
    constraints_of,
    dig,
    id_of,
    mapping,
    mappings,
    most_replicas_of,
    reaches,
    workloads,
)
from hakit.charts.services import balanced_services, is_destination_rule, same_zone_word
from hakit.findings import Finding

_STAYS = ("PreferClose", "PreferSameZone")


def the_cluster_knows_what_is_asked(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.same_zone and same_zone_word(intent.kubernetes) is None:
        version = ".".join(map(str, intent.kubernetes))
        for service in balanced_services(objects):
            yield Finding(
                "HK039",
                id_of(service),
                "spec.trafficDistribution",
                f"Kubernetes {version} does not know it: requests go to all zones",
                mend="it is there from 1.31; accept the finding until the cluster is upgraded",
            )


def zones_serve_themselves_only_when_filled_evenly(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for service in balanced_services(objects):
        if dig(service, "spec", "trafficDistribution") not in _STAYS or intent.zones < 2:
            continue
        for workload in workloads(objects):
            strict = any(item.get("whenUnsatisfiable") == "DoNotSchedule" for item in constraints_of(workload, ZONE))
            if reaches(service, workload) and most_replicas_of(workload, objects) > 1 and not strict:
                message = (
                    f"requests stay in their zone, and nothing keeps the pods of {id_of(workload)} even over zones"
                )
                yield Finding("HK040", id_of(service), "spec.trafficDistribution", message)


def a_circuit_breaker_breaks(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for rule in objects:
        if not is_destination_rule(rule):
            continue
        for path, policy in _policies(rule):
            detection = policy.get("outlierDetection")
            locality = mapping(dig(policy, "loadBalancer", "localityLbSetting"))
            if "consecutiveErrors" in mapping(detection):
                message = "Istio no longer reads it: the limit is its default of 5 answers with 5xx"
                yield Finding("HK043", id_of(rule), f"{path}.outlierDetection.consecutiveErrors", message)
            if locality and locality.get("enabled") is not False and not isinstance(detection, dict):
                message = "without outlierDetection nothing ever fails over to another zone"
                yield Finding("HK043", id_of(rule), f"{path}.loadBalancer.localityLbSetting", message)


def _policies(rule: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each traffic policy of a rule with its path: the rule's own and those of its subsets."""
    yield "spec.trafficPolicy", mapping(dig(rule, "spec", "trafficPolicy"))
    for subset in mappings(dig(rule, "spec", "subsets")):
        yield f"spec.subsets[{subset.get('name')}].trafficPolicy", mapping(subset.get("trafficPolicy"))


CHECKS = (
    the_cluster_knows_what_is_asked,
    zones_serve_themselves_only_when_filled_evenly,
    a_circuit_breaker_breaks,
)
