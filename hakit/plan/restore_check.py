"""A RestoreCheck in one region: the objects that run `hakit.verify` there with the least rights. Pure."""

import copy as copying
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import resources
from typing import Any

from hakit.plan.cron import gaps
from hakit.plan.postgres_storage import plugin, store, store_name
from hakit.plan.restore_check_spec import DatabaseCheck, RestoreCheckSpec
from hakit.plan.stores import Planned
from hakit.topology.handovers import Copy
from hakit.verify.made import CHECK
from hakit.verify.outcome import CODES
from hakit.verify.restoring import ROLE

Manifest = dict[str, Any]

#: What the ConfigMap of a check is for; `hakit verify-backup` finds it by these.
DATABASE, SOURCE = "hakit/database", "hakit/source"
#: The service account of the program, and of what is restored.
RUNNER, RESTORED = "restore-check", "restored"
#: Seconds for removing what was made, within which the pod is not killed.
CLEANUP = 300
_MODULES = ("api", "asking", "config", "evidence", "hold", "made", "outcome", "restoring", "run")
_CODE, _SETTINGS = "/code", "/etc/hakit"
_ARCHIVE = "archive"


def plan(spec: RestoreCheckSpec) -> list[Planned]:
    """Every object in this region, in the order in which it is needed."""
    found = [
        Planned("namespace", _namespace(spec)),
        *_rights(spec),
        Planned("code", _named("v1", "ConfigMap", "restore-check-code", spec, data=code())),
        Planned("network", _network(spec)),
    ]
    for database, wanted in spec.databases.items():
        for copy in wanted.sources:
            found += _check(spec, database, wanted, copy)
    return found


def check_name(database: str, source: str) -> str:
    """Of the CronJob, and what the names of all that it makes begin with."""
    return f"{database}-from-{source}"


def report_name(check: str) -> str:
    """Of the ConfigMap with the report of the last run."""
    return f"{check}-restore-check"


def alerts(spec: RestoreCheckSpec) -> dict[str, dict[str, str]]:
    """By CronJob, what HaAlerts takes as one of its `restore_checks`."""
    found = {}
    for database, wanted in spec.databases.items():
        every = int(gaps(wanted.cron)[1].total_seconds())
        for copy in wanted.sources:
            found[check_name(database, copy.region)] = {"every": f"{every}s", "namespace": spec.namespace}
    return found


def code() -> dict[str, str]:
    """The program by module name: a ConfigMap's keys have no slashes, the mount's paths do."""
    found = {"hakit.__init__": "", "hakit.verify.__init__": ""}
    for module in _MODULES:
        text = resources.files("hakit.verify").joinpath(f"{module}.py").read_text(encoding="utf-8")
        found[f"hakit.verify.{module}"] = text
    return found


def path_of(module: str) -> str:
    """Where a module of the program stands below the folder that it is mounted to."""
    return f"{module.replace('.', '/')}.py"


def _named(api: str, kind: str, name: str, given: RestoreCheckSpec, /, **fields: Any) -> Manifest:
    metadata: Manifest = {"name": name, "namespace": given.namespace}
    metadata |= fields.pop("metadata", {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def _namespace(spec: RestoreCheckSpec) -> Manifest:
    """Everything in it can be made again, so it goes with the component."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": spec.namespace, "labels": labels}}


def _rights(spec: RestoreCheckSpec) -> list[Planned]:
    role = spec.archive.role_arn
    annotations = {"annotations": {"eks.amazonaws.com/role-arn": role}} if role else {}
    reports = [
        report_name(check_name(database, copy.region))
        for database, wanted in spec.databases.items()
        for copy in wanted.sources
    ]
    return [
        Planned("account", _named("v1", "ServiceAccount", RUNNER, spec)),
        # The plugin reads the archive as this one; the program itself reads none.
        Planned("restored-account", _named("v1", "ServiceAccount", RESTORED, spec, metadata=annotations)),
        *_granted(spec, RUNNER, _rules(reports), "role", "binding"),
        *_granted(spec, RESTORED, _archive_rules(spec), "restored-role", "restored-binding"),
    ]


def _granted(spec: RestoreCheckSpec, account: str, rules: list[Manifest], role: str, binding: str) -> Iterator[Planned]:
    """What a service account may do in the namespace."""
    rbac = "rbac.authorization.k8s.io/v1"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": spec.namespace}
    yield Planned(role, _named(rbac, "Role", account, spec, rules=rules))
    yield Planned(binding, _named(rbac, "RoleBinding", account, spec, roleRef=reference, subjects=[subject]))


def _archive_rules(spec: RestoreCheckSpec) -> list[Manifest]:
    """What the plugin asks for to restore. It grants that itself, but to an account that is called as the Cluster is,
    whose name nobody knows beforehand (internal/cnpgi/operator/specs/role.go of 0.14)."""
    stores = [
        store_name(database, copy.region) for database, wanted in spec.databases.items() for copy in wanted.sources
    ]
    secrets = [each for each in (spec.archive.secret, spec.archive.endpoint_ca) if each]
    found: list[Manifest] = [
        {"apiGroups": ["barmancloud.cnpg.io"], "resources": ["objectstores"], "resourceNames": stores, "verbs": ["get"]}
    ]
    if secrets:
        found.append({"apiGroups": [""], "resources": ["secrets"], "resourceNames": secrets, "verbs": ["get"]})
    return found


def _rules(reports: list[str]) -> list[Manifest]:
    """Nothing of these can be limited to names that are made up on the way; the namespace is the limit."""
    return [
        {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["list", "create", "delete"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "create"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": reports, "verbs": ["get", "patch"]},
    ]


def _network(spec: RestoreCheckSpec) -> Manifest:
    """Who reaches what is restored: the pod that asks, and CloudNativePG on its instance manager's port."""
    return _named(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "restore-check",
        spec,
        spec={
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [{"podSelector": {}}], "ports": [{"port": 5432, "protocol": "TCP"}]},
                {"ports": [{"port": 8000, "protocol": "TCP"}]},
            ],
        },
    )


def _check(spec: RestoreCheckSpec, database: str, wanted: DatabaseCheck, copy: Copy) -> Iterator[Planned]:
    check = check_name(database, copy.region)
    labels = {CHECK: check, "hakit/pair": spec.pair.name, DATABASE: database, SOURCE: copy.region}
    stored = store(spec.archive, spec.pair.name, database, copy.region, own=False)
    yield Planned(
        f"store-{check}",
        _named("barmancloud.cnpg.io/v1", "ObjectStore", store_name(database, copy.region), spec, spec=stored),
    )
    # Its data and marks are the program's own; a server-side apply that does not name them leaves them alone.
    yield Planned(f"report-{check}", _named("v1", "ConfigMap", report_name(check), spec, metadata={"labels": labels}))
    settings = {"check.json": json.dumps(_settings(spec, database, wanted, copy), indent=2)}
    yield Planned(f"settings-{check}", _named("v1", "ConfigMap", f"{check}-settings", spec, data=settings))
    yield Planned(f"check-{check}", _cron_job(spec, check, wanted, labels))


def _settings(spec: RestoreCheckSpec, database: str, wanted: DatabaseCheck, copy: Copy) -> Manifest:
    check = check_name(database, copy.region)
    fresh = {"sql": wanted.fresh} if wanted.fresh else {}
    return {
        "check": check,
        "namespace": spec.namespace,
        "report": report_name(check),
        "pair": spec.pair.name,
        "database": database,
        "region": spec.region.name,
        "source": copy.region,
        "database_name": wanted.database_name,
        "cluster": cluster(database, wanted, copy),
        "queries": [{"name": name, "sql": sql} for name, sql in wanted.checks.items()],
        "freshness": {"within": wanted.within, **fresh},
        "deadline": wanted.deadline,
        "cleanup": CLEANUP,
    }


def cluster(database: str, wanted: DatabaseCheck, copy: Copy) -> Manifest:
    """The spec of the disposable Cluster: one instance that is nobody's replica, and that archives nothing."""
    return {
        **copying.deepcopy(dict(wanted.extra)),
        **({"imageName": wanted.image} if wanted.image else {}),
        "instances": 1,
        "enablePDB": False,
        "bootstrap": {
            # CloudNativePG creates what is named here when it is not there, so it is not the database that is looked
            # for: an archive without it would pass.
            "recovery": {"source": _ARCHIVE, "database": ROLE, "owner": ROLE},
        },
        "externalClusters": [{"name": _ARCHIVE, "plugin": plugin(database, copy)}],
        "postgresql": {
            # A restored subscription would take from its publisher what the real one waits for.
            "parameters": {**wanted.parameters, "max_logical_replication_workers": "0"},
        },
        "enableSuperuserAccess": False,
        "serviceAccountName": RESTORED,
        "storage": {"size": wanted.storage, **({"storageClass": wanted.storage_class} if wanted.storage_class else {})},
        "affinity": {
            **({"nodeSelector": dict(wanted.node_selector)} if wanted.node_selector else {}),
            **({"tolerations": [dict(each) for each in wanted.tolerations]} if wanted.tolerations else {}),
        },
        **({"resources": copying.deepcopy(dict(wanted.resources))} if wanted.resources else {}),
        # Nobody waits for it to close.
        "smartShutdownTimeout": 1,
        "stopDelay": 30,
    }


def _cron_job(spec: RestoreCheckSpec, check: str, wanted: DatabaseCheck, labels: Mapping[str, str]) -> Manifest:
    # One attempt more is made when a segment of WAL seems to be missing, and the other run is waited for.
    longest = wanted.deadline + 2 * CLEANUP + 120
    starting = min(int(gaps(wanted.cron)[0] / timedelta(seconds=2)), 3600)
    # A known outcome is one, and a second try would tell the same; a pod that was killed is tried once more.
    known = [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": sorted(filter(None, CODES.values()))}}]
    return _named(
        "batch/v1",
        "CronJob",
        check,
        spec,
        metadata={"labels": dict(labels)},
        spec={
            "schedule": wanted.cron.text,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": starting,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": dict(labels)},
                "spec": {
                    "backoffLimit": 1,
                    "podFailurePolicy": {"rules": known},
                    "activeDeadlineSeconds": longest,
                    "template": {"metadata": {"labels": dict(labels)}, "spec": _pod(spec, check, wanted)},
                },
            },
        },
    )


def _pod(spec: RestoreCheckSpec, check: str, wanted: DatabaseCheck) -> Manifest:
    def itself(name: str, path: str) -> Manifest:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    return {
        "restartPolicy": "Never",
        "serviceAccountName": RUNNER,
        # For removing what was made, when it is told to end.
        "terminationGracePeriodSeconds": CLEANUP + 30,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        **({"nodeSelector": dict(wanted.node_selector)} if wanted.node_selector else {}),
        **({"tolerations": [dict(each) for each in wanted.tolerations]} if wanted.tolerations else {}),
        "containers": [
            {
                "name": "restore-check",
                "image": spec.image,
                "command": ["python", "-m", "hakit.verify.run", f"{_SETTINGS}/check.json"],
                "env": [
                    {"name": "PYTHONPATH", "value": _CODE},
                    {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
                    itself("POD_NAME", "metadata.name"),
                    itself("POD_UID", "metadata.uid"),
                    itself("JOB_NAME", "metadata.labels['batch.kubernetes.io/job-name']"),
                ],
                "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "192Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "code", "mountPath": _CODE, "readOnly": True},
                    {"name": "settings", "mountPath": _SETTINGS, "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {
                "name": "code",
                "configMap": {
                    "name": "restore-check-code",
                    "items": [{"key": module, "path": path_of(module)} for module in sorted(code())],
                },
            },
            {"name": "settings", "configMap": {"name": f"{check}-settings"}},
        ],
    }
