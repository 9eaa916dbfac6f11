"""Volumes: who shares them, who has one each, who mounts one that is not there."""

from collections import defaultdict
from collections.abc import Iterator

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    all_containers,
    claim_names,
    claim_templates,
    dig,
    id_of,
    is_read_write_once,
    mappings,
    most_replicas_of,
    name_of,
    of_kind,
    pod_makers,
    pod_spec,
    workloads,
)
from hakit.findings import Finding

_VOLUMES = "spec.template.spec.volumes"


def one_node_volumes_have_one_pod(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    claims = {name_of(claim): claim for claim in of_kind(objects, "PersistentVolumeClaim")}
    users: dict[str, list[Object]] = defaultdict(list)
    for workload in workloads(objects):
        for name in dict.fromkeys(claim_names(workload)):
            if most_replicas_of(workload, objects) > 0:
                users[name].append(workload)
    for name, sharing in sorted(users.items()):
        claim = claims.get(name)
        pods = sum(most_replicas_of(workload, objects) for workload in sharing)
        if pods < 2 or (claim is not None and not is_read_write_once(claim)):
            continue
        nature = (
            "allows one node only" if claim is not None else "is not in the chart, so that its access mode is unknown"
        )
        for workload in sharing:
            others = [id_of(other) for other in sharing if other is not workload]
            yield Finding(
                "HK005",
                id_of(workload),
                _VOLUMES,
                f"{most_replicas_of(workload, objects)} replicas mount claim {name}, which {nature}",
                detail=f"{', '.join(others)} mounts it as well" if others else "",
            )


def volumes_for_all_zones_are_on_such_storage(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.zonal_class is None:
        return
    claims = [(claim, id_of(claim), "spec.accessModes") for claim in of_kind(objects, "PersistentVolumeClaim")]
    claims += [
        (claim, id_of(workload), "spec.volumeClaimTemplates")
        for workload in workloads(objects)
        for claim in claim_templates(workload)
    ]
    for claim, where, path in claims:
        modes = dig(claim, "spec", "accessModes")
        shared = [mode for mode in ("ReadWriteMany", "ReadOnlyMany") if isinstance(modes, list) and mode in modes]
        if shared and dig(claim, "spec", "storageClassName") == intent.zonal_class:
            message = f"{shared[0]} of class {intent.zonal_class}, whose volumes live in one zone: it is never bound"
            yield Finding("HK044", where, path, message)


def volumes_per_pod_are_clustered(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for workload in workloads(objects):
        replicas = most_replicas_of(workload, objects)
        if claim_templates(workload) and replicas > 1 and not intent.of(workload).clustered:
            yield Finding(
                "HK006",
                id_of(workload),
                "spec.volumeClaimTemplates",
                f"{replicas} replicas have a volume each, and nothing says that they replicate",
                mend=f"use an operator; or one replica; or, if it forms a cluster by itself, workloads="
                f'{{"{name_of(workload)}": {{"clustered": true}}}}',
            )


def mounts_have_volumes(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for maker in pod_makers(objects):
        volumes = [item.get("name") for item in mappings(pod_spec(maker).get("volumes"))]
        volumes += [dig(claim, "metadata", "name") for claim in claim_templates(maker)]
        mounts = [
            (container.get("name"), mount.get("name"))
            for container in all_containers(maker)
            for mount in mappings(container.get("volumeMounts"))
        ]
        for container, mount in mounts:
            if mount not in volumes:
                yield Finding(
                    "HK011",
                    id_of(maker),
                    _VOLUMES,
                    f"container {container} mounts {mount}, which the pod does not have",
                )


CHECKS = (
    one_node_volumes_have_one_pod,
    volumes_for_all_zones_are_on_such_storage,
    volumes_per_pod_are_clustered,
    mounts_have_volumes,
)
