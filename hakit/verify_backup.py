"""`hakit verify-backup`: one restore check now, from a terminal or a CI job, by the CronJob that a RestoreCheck made.

The check itself runs in the cluster, with the rights that it has every night; whoever asks needs to create a Job in the
checks' namespace and to read it. https://kubernetes.io/docs/reference/kubectl/generated/kubectl_create/kubectl_create_job/
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.observe import Object, Reader, RefusedError, place_of
from hakit.observe.places import Place
from hakit.plan.restore_check import DATABASE, SOURCE
from hakit.preview.project import find_topology
from hakit.topology import load
from hakit.verify.made import CHECK
from hakit.verify.outcome import CODES, FAILED, TIMED_OUT
from hakit.verify.run import REPORT

#: Seconds between two looks.
_EVERY = 2.0
_JOBS = "/apis/batch/v1/namespaces/{}/jobs"
_CRON_JOBS = "/apis/batch/v1/cronjobs"


@dataclass(frozen=True)
class Question:
    """Which check.

    Attributes:
        topology: the file; the project's only one when None.
        region: where it is restored; the archive is `source`'s.
        context: of the kubeconfig; the topology's when None.
        seconds: to wait for it at most; None: as long as the Job may take.
    """

    topology: Path | None
    pair: str
    database: str
    region: str
    source: str
    context: str | None = None
    kubeconfig: str | None = None
    seconds: float | None = None


def verify(question: Question, say: Callable[[str], None]) -> dict[str, Any]:
    """Run it, and return its report.

    Args:
        question: which.
        say: called with a line for whoever waits.

    Raises:
        HakitError: there is no such check, or no kubectl.
        UnreachableError, RefusedError: the cluster cannot be asked, or lets nobody start it.
    """
    place = _place(question)
    # A socket that lives as long as the Job may; until that is known, a minute.
    with Reader(place.context, place.kubeconfig, seconds=60) as reader:
        found = _check(reader, question)
    job_spec = found["spec"]["jobTemplate"]["spec"]
    seconds = question.seconds or float(job_spec["activeDeadlineSeconds"] + 120)
    with Reader(place.context, place.kubeconfig, seconds=seconds + 60) as reader:
        name, namespace = _start(reader, found), found["metadata"]["namespace"]
        say(f"Job {namespace}/{name} restores {question.database} from {question.source}")
        status = _wait(reader, namespace, name, seconds)
        return _report(reader, question, found, name, status)


def _place(question: Question) -> Place:
    project, path = find_topology(question.topology)
    topology = load(path)
    pair = topology.pair(question.pair) if question.pair in topology.pairs else None
    if pair is None:
        raise HakitError("--pair: the topology has no such pair", given=question.pair, allowed=topology.pairs)
    if question.database not in pair.databases:
        raise HakitError("--database: not one of the pair", given=question.database, allowed=pair.databases)
    for option, region in (("--region", question.region), ("--from-region", question.source)):
        if region not in pair.regions:
            raise HakitError(f"{option}: not a region of the pair", given=region, allowed=pair.regions)
    found = place_of(topology, question.region, project.root)
    return Place(question.region, question.context or found.context, question.kubeconfig or found.kubeconfig)


def _check(reader: Reader, question: Question) -> Object:
    chosen = f"{CHECK},hakit/pair={question.pair},{DATABASE}={question.database},{SOURCE}={question.source}"
    found = reader.list(_CRON_JOBS, labelSelector=chosen)
    if not found:
        raise HakitError(
            f"no restore check of {question.database} from {question.source} in {question.region}",
            do="declare a RestoreCheck of it, and apply that region's stack",
        )
    return found[0]


def _start(reader: Reader, check: Object) -> str:
    """A Job as the CronJob makes one, and counted as one of its own: none begins while it runs."""
    metadata, template = check["metadata"], check["spec"]["jobTemplate"]
    # Not in the form of a scheduled one's name, by which alerts know those.
    name = f"{metadata['name'][:48]}-m{secrets.token_hex(3)}"
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": (template.get("metadata") or {}).get("labels") or {},
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"],
                 "controller": True},
            ],
        },
        "spec": template["spec"],
    }  # fmt: skip
    reader.review(_JOBS.format(metadata["namespace"]), job)
    return name


def _wait(reader: Reader, namespace: str, name: str, seconds: float) -> Object:
    """Until it has ended: its status; empty when it has not in time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        status = reader.get(f"{_JOBS.format(namespace)}/{name}").get("status") or {}
        if any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in _conditions(status)):
            return status
        time.sleep(_EVERY)
    return {}


def _conditions(status: Object) -> list[Object]:
    return status.get("conditions") or []


def _report(reader: Reader, question: Question, check: Object, job: str, status: Object) -> dict[str, Any]:
    """The Job's own report; when it left none, what is known of it."""
    metadata = check["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/configmaps/{metadata['name']}-restore-check"
    try:
        written = (reader.get(path).get("data") or {}).get(REPORT, "{}")
    except RefusedError as error:
        written = json.dumps({"message": str(error)})
    report: dict[str, Any] = json.loads(written)
    if report.get("job") == job:
        return report
    why = next((str(each.get("message", "")) for each in _conditions(status) if each["type"] == "Failed"), "")
    return {
        "schema": 1,
        "check": metadata["name"],
        "pair": question.pair,
        "database": question.database,
        "region": question.region,
        "source": question.source,
        "job": job,
        "outcome": FAILED if status else TIMED_OUT,
        "message": why or ("it left no report" if status else "it has not ended; it goes on, and removes what it made"),
    }


def exit_code(report: dict[str, Any]) -> int:
    return CODES.get(str(report.get("outcome")), 1)


def as_text(report: dict[str, Any]) -> str:
    lines = [f"{report['check']}: {report['outcome']}"]
    lines += [f"  {report['message']}"] if report.get("message") else []
    seconds = report.get("seconds") or {}
    if backup := report.get("backup"):
        lines.append(f"  backup {backup['id']}, complete at {backup['ended']}; restored up to {report['restored_to']}")
    if seconds:
        lines.append("  " + ", ".join(f"{name} {value} s" for name, value in seconds.items()))
    lines += [f"  {each['name']}: {each['outcome']}" for each in report.get("checks") or []]
    if fresh := report.get("freshness"):
        lines.append(f"  newest of {fresh['newest']}: {fresh['age']} s old, {fresh['within']} s allowed")
    if report.get("removed"):
        lines.append(f"  left behind by an earlier run, and removed: {', '.join(report['removed'])}")
    if report.get("cleanup", "done") != "done":
        lines.append(f"  not cleaned up: {report['cleanup']}")
    return "\n".join(lines) + "\n"
