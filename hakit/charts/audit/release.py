"""The release as a whole: hooks, jobs and definitions, and what Helm can hold."""

import base64
import gzip
import json
from collections.abc import Iterator

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    DATA_KINDS,
    INERT_KINDS,
    deletes_its_claims,
    dig,
    hook_events,
    id_of,
    of_kind,
    runs_to_an_end,
)
from hakit.findings import Finding

#: A Kubernetes Secret holds at most 1 MiB (core/v1 MaxSecretSize); Helm puts a release into one, gzipped and in
#: base64, which the API's own base64 does not count.
RELEASE_LIMIT = 1024 * 1024
_CHANGES = {"pre-install", "post-install", "pre-upgrade", "post-upgrade"}


def hooks_wait_in_a_standby(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if not intent.jobs_wait or intent.run_hooks:
        return
    for obj in objects:
        events = [event for event in hook_events(obj) if event in _CHANGES]
        if events and obj.get("kind") not in INERT_KINDS:
            yield Finding(
                "HK028", id_of(obj), "metadata.annotations", f"it would run in {_where(intent)} ({', '.join(events)})"
            )


def jobs_are_suspended_in_a_standby(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    for job in runs_to_an_end(objects):
        allowed = intent.of(job).suspend is False
        if intent.jobs_wait and not allowed and dig(job, "spec", "suspend") is not True:
            yield Finding("HK029", id_of(job), "spec.suspend", f"it would run in {_where(intent)}")


def _where(intent: Intent) -> str:
    return "the standby" if intent.standby else "a region that writes to another one's database"


_TAKES_ALONG = {
    "PersistentVolumeClaim": "what is on its volume",
    "CustomResourceDefinition": "every object of its kind",
    "Namespace": "everything in it",
}


def data_outlives_the_release(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for obj in of_kind(objects, *DATA_KINDS):
        if dig(obj, "metadata", "annotations", "helm.sh/resource-policy") != "keep":
            what = _TAKES_ALONG[obj["kind"]]
            yield Finding(
                "HK030", id_of(obj), "metadata.annotations", f"uninstalling the release deletes it and {what}"
            )
    for workload in objects:
        if deletes_its_claims(workload):
            yield Finding(
                "HK030",
                id_of(workload),
                "spec.persistentVolumeClaimRetentionPolicy",
                "its pods' claims are deleted with it, or when it is scaled down",
                mend="set whenDeleted and whenScaled to Retain",
            )


def the_release_fits(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    size = release_size(objects)
    if size > RELEASE_LIMIT:
        kib = size // 1024
        largest = max(objects, key=lambda obj: len(json.dumps(obj)))
        yield Finding(
            "HK021",
            "chart",
            "",
            f"the release takes about {kib} KiB of the 1024 KiB that Helm can store",
            detail=f"the largest object is {id_of(largest)}",
        )


def release_size(objects: list[Object]) -> int:
    """About how many bytes Helm stores: the objects twice, as values and as manifest, gzipped and in base64."""
    text = json.dumps(objects).encode()
    if len(text) * 2 < RELEASE_LIMIT:
        return len(text) * 2  # an upper bound is enough, and no work, for what is small anyway
    return len(base64.b64encode(gzip.compress(text + text, 6)))


CHECKS = (hooks_wait_in_a_standby, jobs_are_suspended_in_a_standby, data_outlives_the_release, the_release_fits)
