"""Asking what was restored: a pod of PostgreSQL's own image runs psql, read-only in three ways, and answers by its
termination message. No right to run commands in a pod, nor to read a Secret, is needed for it.

Each statement is the inside of a scalar subquery: PostgreSQL takes nothing there but one SELECT with one value. It runs
in a transaction that is READ ONLY, as a role that may write nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from hakit.verify import outcome
from hakit.verify.api import Api, Object
from hakit.verify.config import Config
from hakit.verify.made import PODS, RUN, labels
from hakit.verify.outcome import FailedError
from hakit.verify.restoring import ROLE

#: Characters of one answer: 4096 bytes are all that a termination message has
#: (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/).
_ANSWER = 200
#: Seconds until the operator has made the role.
_LOGIN = 180
_NOBODY = 65534
_SCRIPT = r"""
say() { printf '%s %s %s\n' "$1" "$2" "$(printf %s "$3" | tr '\n' ' ' | cut -c1-ANSWER)" >> /dev/termination-log; }
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c 'begin read only' -c "$1" -c rollback 2>&1; }
tries=0
until said=$(ask "select 1 / (pg_has_role('pg_read_all_data', 'usage'))::int"); do
  tries=$((tries + 1))
  if [ "$tries" -ge LOGIN ]; then say login error "$said"; exit 0; fi
  sleep 1
done
number=0
while eval "[ -n \"\${QUERY_$number:-}\" ]"; do
  eval "query=\$QUERY_$number"
  if said=$(ask "$query"); then say "$number" ok "$said"; else say "$number" error "$said"; fi
  number=$((number + 1))
done
""".replace("ANSWER", str(_ANSWER)).replace("LOGIN", str(_LOGIN))


@dataclass(frozen=True)
class Answer:
    """Of one statement: its value, or PostgreSQL's error."""

    right: bool
    text: str


def statements(config: Config) -> list[str]:
    asked = [f"select (\n{each.sql}\n)::boolean" for each in config.queries]
    if config.freshness.sql:
        newest = f"(\n{config.freshness.sql}\n)::timestamptz"
        asked.append(f"select extract(epoch from {newest})")  # noqa: S608  the user's own words
    return asked


def pod(config: Config, cluster: Object) -> Object:
    """The pod that asks, owned by the Cluster that it asks."""
    run, uid = cluster["metadata"]["name"], cluster["metadata"]["uid"]
    spec = config.cluster
    secret = {"secretKeyRef": {"name": f"{run}-app", "key": "password"}}
    plain = {
        "PGHOST": f"{run}-rw",
        "PGUSER": ROLE,
        "PGDATABASE": config.database_name,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/authority/ca.crt",
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": f"-c default_transaction_read_only=on -c statement_timeout={config.deadline * 1000}",
        **{f"QUERY_{number}": each for number, each in enumerate(statements(config))},
    }
    placement = spec.get("affinity") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{run}-ask",
            "namespace": config.namespace,
            "labels": labels(config, run),
            "ownerReferences": [
                {"apiVersion": cluster["apiVersion"], "kind": "Cluster", "name": run, "uid": uid},
            ],
        },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "activeDeadlineSeconds": config.deadline,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "runAsGroup": _NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **({"nodeSelector": placement["nodeSelector"]} if placement.get("nodeSelector") else {}),
            **({"tolerations": placement["tolerations"]} if placement.get("tolerations") else {}),
            **({"imagePullSecrets": spec["imagePullSecrets"]} if spec.get("imagePullSecrets") else {}),
            "containers": [
                {
                    "name": "ask",
                    "image": cluster["status"]["image"],
                    **({"imagePullPolicy": spec["imagePullPolicy"]} if spec.get("imagePullPolicy") else {}),
                    "command": ["/bin/sh", "-uc", _kept(_SCRIPT)],
                    "env": [
                        {"name": "PGPASSWORD", "valueFrom": secret},
                        *({"name": name, "value": _kept(value)} for name, value in plain.items()),
                    ],
                    "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "authority", "mountPath": "/authority", "readOnly": True}],
                }
            ],
            "volumes": [
                {
                    "name": "authority",
                    "secret": {"secretName": f"{run}-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]},
                }
            ],
        },
    }


def _kept(text: str) -> str:
    """Kubernetes replaces `$(NAME)` in commands and values, and makes one dollar of two."""
    return text.replace("$", "$$")


def ask(api: Api, config: Config, cluster: Object, ends: float, tick: Callable[[], None]) -> list[Answer]:
    """Every statement's answer, in the order of `statements`.

    Raises:
        FailedError: they could not be asked, or not in time.
    """
    wanted = statements(config)
    if not wanted:
        return []
    path = PODS.format(config.namespace)
    run = cluster["metadata"]["name"]
    api.create(path, pod(config, cluster))
    while True:
        tick()
        found = [each for each in api.list(path, f"{RUN}={run}") if each["metadata"]["name"] == f"{run}-ask"]
        status = (found[0].get("status") or {}) if found else {}
        if status.get("phase") in ("Succeeded", "Failed"):
            return _read(status, len(wanted))
        if time.monotonic() > ends:
            raise FailedError(outcome.TIMED_OUT, f"the pod that asks is {status.get('phase', 'away')} still")
        time.sleep(config.every)


def _read(status: Object, wanted: int) -> list[Answer]:
    ended = next((each["state"].get("terminated") or {} for each in status.get("containerStatuses") or []), {})
    answers = {}
    for line in (ended.get("message") or "").splitlines():
        number, word, *text = line.split(" ", 2)
        if number == "login":
            raise FailedError(outcome.CHECK_FAILED, f"nobody can log in: {' '.join(text)}")
        answers[number] = Answer(word == "ok", " ".join(text).strip())
    if len(answers) < wanted:
        why = ended.get("reason") or status.get("reason") or "no answer"
        raise FailedError(outcome.CHECK_FAILED, f"{len(answers)} of {wanted} statements were answered: {why}")
    return [answers[str(number)] for number in range(wanted)]


def judge(config: Config, answers: list[Answer]) -> list[dict[str, str]]:
    """By check, whether it holds; the freshness has its own judge."""
    return [
        {"name": each.name, "outcome": "ok" if answer.right and answer.text == "t" else "failed", "found": answer.text}
        for each, answer in zip(config.queries, answers, strict=False)
    ]


def moment_of(answer: Answer) -> datetime:
    """What the freshness statement answers.

    Raises:
        FailedError: it is no moment.
    """
    try:
        return datetime.fromtimestamp(float(answer.text), UTC)
    except ValueError:
        said = answer.text or "no value"
        raise FailedError(outcome.CHECK_FAILED, f"freshness: {said}") from None
