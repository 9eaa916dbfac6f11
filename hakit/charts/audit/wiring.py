"""How objects find one another: selectors, Services, probes."""

from collections.abc import Iterator

from hakit.charts.intent import PROBES, Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    all_containers,
    containers,
    id_of,
    mapping,
    of_kind,
    pod_makers,
    reaches,
    selector_of,
    services_of,
    workloads,
)
from hakit.findings import Finding

_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")


def selectors_keep_to_their_own(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    makers = pod_makers(objects)
    for workload in of_kind(makers, "Deployment", "StatefulSet", "DaemonSet"):
        foreign = [id_of(maker) for maker in makers if maker is not workload and reaches(workload, maker)]
        if foreign:
            yield Finding(
                "HK009", id_of(workload), "spec.selector", f"it matches the pods of {', '.join(foreign)} as well"
            )
    for service in of_kind(objects, "Service"):
        reached = [maker for maker in makers if reaches(service, maker)]
        jobs = [id_of(maker) for maker in of_kind(reached, "Job", "CronJob")]
        if jobs and len(jobs) < len(reached):
            yield Finding(
                "HK009", id_of(service), "spec.selector", f"it sends traffic to the pods of {', '.join(jobs)}"
            )


def probes_have_one_handler(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for maker in pod_makers(objects):
        for container in all_containers(maker):
            for probe in PROBES:
                handlers = [key for key in _HANDLERS if mapping(container.get(probe)).get(key) is not None]
                if len(handlers) > 1:
                    yield Finding(
                        "HK010",
                        id_of(maker),
                        f"spec.template.spec.containers[{container.get('name')}].{probe}",
                        f"it has {' and '.join(handlers)}; the API server refuses it",
                    )


def served_pods_are_probed(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for workload in workloads(objects):
        probed = any(container.get("readinessProbe") for container in containers(workload))
        if any(services_of(workload, objects)) and not probed:
            yield Finding(
                "HK025",
                id_of(workload),
                "spec.template.spec.containers[].readinessProbe",
                "a Service sends traffic to it whether it can serve or not",
            )


def services_have_pods(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    makers = pod_makers(objects)
    for service in of_kind(objects, "Service"):
        if selector_of(service) and not any(reaches(service, maker) for maker in makers):
            yield Finding("HK027", id_of(service), "spec.selector", "no pod of this chart carries these labels")


CHECKS = (selectors_keep_to_their_own, probes_have_one_handler, served_pods_are_probed, services_have_pods)
