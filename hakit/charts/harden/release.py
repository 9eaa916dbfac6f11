"""The release as a whole: data that stays, jobs and hooks in a standby, and what was asked for."""

import copy
from typing import Any

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    DATA_KINDS,
    INERT_KINDS,
    claim_templates,
    containers,
    deletes_its_claims,
    dig,
    hook_events,
    mapping,
    of_kind,
    runs_to_an_end,
    workloads,
)

_HELD_EVENTS = {"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback"}


def set_probes_and_resources(objects: list[Object], intent: Intent) -> list[Object]:
    """Probes and resources that were asked for, whole, in place of the chart's."""
    for workload in workloads(objects):
        wanted = intent.of(workload)
        named = [item for item in containers(workload) if wanted.container in (None, item.get("name"))]
        for container in named[:1]:
            container.update(copy.deepcopy(dict(wanted.probes)))
            if wanted.resources is not None:
                container["resources"] = copy.deepcopy(dict(wanted.resources))
    return objects


def set_storage(objects: list[Object], intent: Intent) -> list[Object]:
    """The storage class and the access mode on every claim, when they are asked for."""
    wanted: dict[str, Any] = {}
    if intent.storage_class is not None:
        wanted["storageClassName"] = intent.storage_class
    if intent.access_mode is not None:
        wanted["accessModes"] = [intent.access_mode]
    if wanted:
        templates = [claim for workload in workloads(objects) for claim in claim_templates(workload)]
        for claim in [*of_kind(objects, "PersistentVolumeClaim"), *templates]:
            claim["spec"] = {**mapping(claim.get("spec")), **copy.deepcopy(wanted)}
    return objects


def keep_data(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """Claims and definitions stay when the release goes: with them would go volumes, or all objects of a kind."""
    for obj in of_kind(objects, *DATA_KINDS):
        given = mapping(dig(obj, "metadata", "annotations"))
        annotations = {**given, "helm.sh/resource-policy": "keep"}
        obj["metadata"] = {**mapping(obj.get("metadata")), "annotations": annotations}
    return objects


def keep_claims_of_sets(objects: list[Object], intent: Intent) -> list[Object]:  # noqa: ARG001
    """No StatefulSet deletes its claims when it goes, or when a standby scales it to zero."""
    for workload in of_kind(objects, "StatefulSet"):
        if deletes_its_claims(workload):
            workload["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    return objects


def suspend_jobs_in_standby(objects: list[Object], intent: Intent) -> list[Object]:
    """CronJobs and Jobs as declared; in a standby suspended unless it is said otherwise. A Job that is no hook would
    run there as soon as it is created; suspended it runs when the region becomes active."""
    for job in runs_to_an_end(objects):
        wanted = intent.of(job).suspend
        if wanted is None and intent.jobs_wait:
            wanted = True
        if wanted is not None:
            job["spec"] = {**mapping(job.get("spec")), "suspend": wanted}
    return objects


def hold_hooks_in_standby(objects: list[Object], intent: Intent) -> list[Object]:
    """No install or upgrade hook that runs something in a standby: a migration would meet a read-only database. None
    anywhere where they are asked to be held."""
    if not intent.hold_hooks and (intent.run_hooks or not intent.jobs_wait):
        return objects
    return [obj for obj in objects if obj.get("kind") in INERT_KINDS or not _HELD_EVENTS & set(hook_events(obj))]
