"""The manifests of a BackupPlan in one region: Velero's locations and schedules, and what databases take of it. Pure.

Velero 1.18, config/crd/v1/bases and https://velero.io/docs/v1.18/.
"""

from datetime import timedelta
from typing import Any

from hakit.plan import backup_dumps
from hakit.plan.backup_spec import Application, BackupSpec, Store
from hakit.plan.backup_tiers import Promise, told
from hakit.plan.cron import gaps
from hakit.plan.stores import Planned
from hakit.topology.handovers import role

Manifest = dict[str, Any]
API = "velero.io/v1"
#: The name and key are Velero's own: pkg/repository/keys/keys.go.
REPOSITORY_SECRET, REPOSITORY_KEY = "velero-repo-credentials", "repository-password"
#: A copy of these beside the database that they describe would be a second one, empty, on the same archive.
DATABASE_KINDS = (
    "clusters.postgresql.cnpg.io",
    "backups.postgresql.cnpg.io",
    "scheduledbackups.postgresql.cnpg.io",
    "databases.postgresql.cnpg.io",
    "objectstores.barmancloud.cnpg.io",
)


def plan(spec: BackupSpec) -> list[Planned]:
    """Every object in this region but the repositories' Secret, in the order in which it is created."""
    found = [Planned(f"location-{region}", location(spec, region), stays=True) for region in spec.stores]
    found += [Planned(f"schedule-{name}", schedule(spec, name, each)) for name, each in spec.applications.items()]
    return found + [
        Planned(f"dump-{name}", backup_dumps.cron_job(each, f"{spec.name}-{name}", suspend=_is_standby(spec)))
        for name, each in spec.dumps.items()
    ]


def databases(spec: BackupSpec) -> dict[str, dict[str, str]]:
    """By database, the `backup` argument of its PostgresCluster."""
    return {name: {"schedule": each.cron.text, "retention": each.retention} for name, each in spec.databases.items()}


def archive_timeout(promise: Promise) -> int:
    """Seconds after which a segment of WAL is archived: half of the lag that is promised, the other half ships it."""
    return round((promise.lag or timedelta(0)).total_seconds()) // 2


def backup_every(spec: BackupSpec) -> dict[str, dict[str, str]]:
    """By database, what HaAlerts takes of it."""
    return {name: {"backup_every": _seconds(each)} for name, each in spec.databases.items()}


def watched(spec: BackupSpec) -> dict[str, Any]:
    """The `velero` argument of HaAlerts; empty where there is none."""
    if not spec.applications:
        return {}
    schedules = {f"{spec.name}-{name}": {"every": _seconds(each.promise)} for name, each in spec.applications.items()}
    return {"locations": [f"{spec.name}-{region}" for region in spec.stores], "schedules": schedules}


def _seconds(promise: Promise) -> str:
    return f"{round(gaps(promise.cron)[1].total_seconds())}s"


def promises(spec: BackupSpec) -> dict[str, str]:
    """In words, what each is backed up by and what may be lost."""
    found = {f"database {name}": _words(each) for name, each in spec.databases.items()}
    found |= {f"application {name}": _words(each.promise) for name, each in spec.applications.items()}
    return found | {f"dump {name}": _words(each.promise) for name, each in spec.dumps.items()}


def _words(each: Promise) -> str:
    return (
        f"{each.tier}: a backup every {told(gaps(each.cron)[1])}, kept {each.days} days; "
        f"at most {told(each.loss)} lost of {told(each.rpo)}"
    )


def secret(spec: BackupSpec) -> Manifest:
    """The repositories' password but for the password itself.

    Immutable: what was written by an older password cannot be read by a newer one.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": REPOSITORY_SECRET, "namespace": spec.namespace},
        "immutable": True,
    }


def location(spec: BackupSpec, region: str) -> Manifest:
    """The store of one region's backups, as this region sees it: to write its own, to read the others'."""
    own, store = region == spec.region.name, spec.stores[region]
    bucket, lies = _seen_from(store, region, spec.region.name)
    config = {"region": lies}
    if store.endpoint:
        config |= {"s3Url": store.endpoint, "s3ForcePathStyle": "true"}
    return {
        "apiVersion": API,
        "kind": "BackupStorageLocation",
        "metadata": {"name": f"{spec.name}-{region}", "namespace": spec.namespace},
        "spec": {
            "provider": spec.provider,
            # A folder a plan and region: buckets that are copied to each other hold the others' too.
            "objectStorage": {"bucket": bucket, "prefix": f"{region}/{spec.name}"},
            "config": config,
            # Another region's Velero would expire what is not its own.
            "accessMode": "ReadWrite" if own else "ReadOnly",
            **({"credential": {"name": store.secret, "key": "cloud"}} if store.secret else {}),
        },
    }


def _is_standby(spec: BackupSpec) -> bool:
    return spec.pair.mode == "active-passive" and role(spec.pair, spec.region.name) == "standby"


def _seen_from(store: Store, protects: str, region: str) -> tuple[str, str]:
    """The bucket by which a region knows the store, and where it lies: one that is there when the protected is not."""
    if region != protects:
        if region in store.copies:
            return store.copies[region], region
        if store.region == protects:
            return next((bucket, lies) for lies, bucket in store.copies.items() if lies != protects)
    return store.bucket, store.region


def schedule(spec: BackupSpec, name: str, application: Application) -> Manifest:
    """Backups of one application's namespaces, with the data of its volumes but those of databases."""
    promise = application.promise
    return {
        "apiVersion": API,
        "kind": "Schedule",
        "metadata": {"name": f"{spec.name}-{name}", "namespace": spec.namespace},
        "spec": {
            "schedule": promise.cron.text,
            # What a standby has is not what is to be restored. Once it is active, what is due since is made at once.
            "paused": _is_standby(spec),
            "skipImmediately": False,
            # The backups stay when the schedule goes.
            "useOwnerReferencesInBackup": False,
            "template": {
                "includedNamespaces": list(application.namespaces),
                "excludedResources": list(DATABASE_KINDS),
                # CloudNativePG's instances, their volumes and all else that it makes of a Cluster.
                "labelSelector": {"matchExpressions": [{"key": "cnpg.io/cluster", "operator": "DoesNotExist"}]},
                "snapshotVolumes": True,
                # A snapshot alone stays in its region, and goes with it.
                "snapshotMoveData": True,
                "storageLocation": f"{spec.name}-{spec.region.name}",
                "ttl": f"{promise.days * 24}h0m0s",
            },
        },
    }
