"""Dumps of databases that no operator of hakit's backs up: by the engine's own program, into a bucket elsewhere. Pure.

Two containers one after the other, so that each is a well-kept image of its own: the engine's writes the dump to a
scratch volume and reads it again, rclone copies it. Nothing is ever overwritten or deleted: names have the time, and
what expires is the bucket's business. https://www.postgresql.org/docs/current/app-pgdump.html,
https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/, https://rclone.org/commands/rclone_copy/.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.backup_tiers import KEYS, Plan, Promise, promise, survivors
from hakit.plan.stores import ACCESS_KEY, SECRET_KEY, Manifest, kubernetes_name, secret_name, size
from hakit.topology.model import Pair

#: By engine: its usual port, and what a dump's name ends with.
ENGINES = {"postgres": ("5432", "dump"), "redis": ("6379", "rdb")}
#: The label by which `hakit backups` finds the CronJobs, and the annotation that says where they write.
LABEL, STORE = "hakit/backup", "hakit/backup-store"
#: Eleven characters are added to a CronJob's name, of 63.
LONGEST_NAME = 52
_KEYS = (
    *KEYS, "engine", "namespace", "host", "port", "database", "secret", "tls", "image", "copy_image", "store",
    "scratch", "service_account", "resources",
)  # fmt: skip
_STORE = ("bucket", "region", "copies", "prefix", "endpoint", "secret")
#: libpq's sslmode; redis-cli has TLS or not.
_TLS = {"postgres": ("require", "verify-full", "prefer", "disable"), "redis": ("require", "disable")}
_POSTGRES = """\
umask 077
name="$(date -u +%Y%m%dT%H%M%SZ).dump"
pg_dump --no-password --format=custom --file="/scratch/$name.part"
# A dump that was cut short has no table of contents that can be read.
pg_restore --list "/scratch/$name.part" > /scratch/contents
rm /scratch/contents
mv "/scratch/$name.part" "/scratch/out/$name"
"""
_REDIS = """\
umask 077
name="$(date -u +%Y%m%dT%H%M%SZ).rdb"
redis-cli --no-auth-warning -h "$REDIS_HOST" -p "$REDIS_PORT" TLS --rdb "/scratch/$name.part"
# It looks at every key, and at the checksum at the end.
redis-check-rdb "/scratch/$name.part"
mv "/scratch/$name.part" "/scratch/out/$name"
"""


@dataclass(frozen=True)
class Dump:
    """One database and where its dumps go.

    Attributes:
        database: in SQL; empty for redis, which has all in one file.
        secret: of the login, with `username` and `password`; None for a redis without.
        bucket, region: of the store; `prefix` and the region that is dumped are the folder.
        store_secret: with access keys; None for the pod's own identity.
        scratch: size of the volume that a dump must fit in.
    """

    engine: str
    namespace: str
    host: str
    port: str
    database: str
    secret: str | None
    tls: str
    image: str
    copy_image: str
    bucket: str
    region: str
    prefix: str
    endpoint: str | None
    store_secret: str | None
    scratch: str
    service_account: str | None
    resources: Mapping[str, Any] = field(repr=False)
    promise: Promise


def specify(given: Arguments, name: str, plan: Plan, pair: Pair, region: str) -> dict[str, Dump]:
    """Each dump of a plan as it is in one region.

    Raises:
        HakitError: an argument is wrong, an objective is out of reach, an image is not pinned by its digest, or
            the only copy lies in the region that is dumped.
    """
    return {
        key: _dump(Arguments(value, given.where, _KEYS, f"dumps.{key}"), f"{name}-{key}", plan, pair, region)
        for key, value in given.mapping("dumps").items()
    }


def _dump(inner: Arguments, name: str, plan: Plan, pair: Pair, region: str) -> Dump:
    kubernetes_name(name, inner.where, inner.path, LONGEST_NAME)
    engine = inner.word("engine", ENGINES, "postgres")
    port, _ = ENGINES[engine]
    if engine == "redis" and "database" in inner:
        raise HakitError(
            f"{inner.path}.database: a dump of redis has all of them", where=inner.where, do="leave it out"
        )
    store = inner.inner("store", _STORE)
    lies = store.text("region")
    copied = store.labels("copies")
    for protects in pair.regions:
        if not survivors([lies, *copied], protects):
            raise HakitError(
                f"{store.path}: the only copy lies in {lies}, the region that it protects",
                where=inner.where,
                given=lies,
                allowed="a bucket outside of the pair's regions, or one that is copied to another region",
                do=f"let the bucket lie elsewhere, or say {store.path}.copies: {{<region>: <bucket>}} as BucketPair "
                "makes them",
            )
    return Dump(
        engine=engine,
        namespace=kubernetes_name(inner.text("namespace"), inner.where, f"{inner.path}.namespace"),
        host=inner.text("host"),
        port=str(inner.number("port", int(port), least=1)),
        database=inner.text("database") if engine == "postgres" else "",
        secret=secret_name(inner, "secret") if engine == "postgres" or "secret" in inner else None,
        tls=inner.word("tls", _TLS[engine], "require"),
        image=_by_digest(inner, "image", f"an image with {'pg_dump' if engine == 'postgres' else 'redis-cli'}"),
        copy_image=_by_digest(inner, "copy_image", "an image of rclone"),
        bucket=store.text("bucket"),
        region=lies,
        prefix=f"{region}/{store.text('prefix', name).strip('/')}",
        endpoint=_endpoint(store),
        store_secret=secret_name(store, "secret") if "secret" in store else None,
        scratch=size(inner, "scratch"),
        service_account=inner.text("service_account") if "service_account" in inner else None,
        resources=inner.mapping("resources"),
        promise=promise(inner, plan, None, plan.copying if lies in pair.regions else timedelta(0)),
    )


def _by_digest(inner: Arguments, key: str, what: str) -> str:
    image = inner.text(key)
    if "@sha256:" not in image:
        raise HakitError(
            f"{inner.path}.{key}: not pinned by digest",
            where=inner.where,
            given=image,
            allowed=f"<name>@sha256:<digest> of {what} that you tested",
            do="a tag may be another program tomorrow, with the login of the database",
        )
    return image


def _endpoint(store: Arguments) -> str | None:
    endpoint = store.text("endpoint") if "endpoint" in store else None
    if endpoint and not endpoint.startswith("https://"):
        raise HakitError(
            f"{store.path}.endpoint: not an address over TLS", where=store.where, given=endpoint, allowed="https://..."
        )
    return endpoint


def script(dump: Dump) -> str:
    """What the engine's container runs, by `sh -ceu`."""
    if dump.engine == "postgres":
        return _POSTGRES
    return _REDIS.replace(" TLS ", " --tls " if dump.tls == "require" else " ")


def environment(dump: Dump) -> list[Manifest]:
    """Of the engine's container: the address, and the login by reference."""

    def secret(variable: str, key: str) -> Manifest:
        return {"name": variable, "valueFrom": {"secretKeyRef": {"name": dump.secret, "key": key}}}

    if dump.engine == "redis":
        found = [{"name": "REDIS_HOST", "value": dump.host}, {"name": "REDIS_PORT", "value": dump.port}]
        return found + ([secret("REDISCLI_AUTH", "password")] if dump.secret else [])
    plain = {"PGHOST": dump.host, "PGPORT": dump.port, "PGDATABASE": dump.database, "PGSSLMODE": dump.tls}
    # The home of whatever user the image has may not be written.
    found = [{"name": name, "value": value} for name, value in {**plain, "HOME": "/scratch"}.items()]
    return [*found, secret("PGUSER", "username"), secret("PGPASSWORD", "password")]


def copying(dump: Dump) -> list[str]:
    """What rclone is called with. One that is there already is never written over."""
    return ["copy", "/scratch/out/", f"target:{dump.bucket}/{dump.prefix}/", "--immutable", "--stats=0", "-v"]


def remote(dump: Dump) -> list[Manifest]:
    """Of rclone's container: nothing of its configuration is in a file."""
    values = {
        "TYPE": "s3",
        "PROVIDER": "Other" if dump.endpoint else "AWS",
        "REGION": dump.region,
        **({"ENDPOINT": dump.endpoint} if dump.endpoint else {}),
        # Whoever copies needs no right to create a bucket.
        "NO_CHECK_BUCKET": "true",
        **({} if dump.store_secret else {"ENV_AUTH": "true"}),
    }
    found: list[Manifest] = [{"name": "RCLONE_CONFIG", "value": ""}]
    found += [{"name": f"RCLONE_CONFIG_TARGET_{key}", "value": value} for key, value in values.items()]
    if dump.store_secret:
        for key, own in (("ACCESS_KEY_ID", ACCESS_KEY), ("SECRET_ACCESS_KEY", SECRET_KEY)):
            reference = {"secretKeyRef": {"name": dump.store_secret, "key": own}}
            found.append({"name": f"RCLONE_CONFIG_TARGET_{key}", "valueFrom": reference})
    return found


def cron_job(dump: Dump, name: str, *, suspend: bool) -> Manifest:
    """The CronJob of one dump."""
    labels = {"app.kubernetes.io/name": "dump", "app.kubernetes.io/instance": name, LABEL: "dump"}
    deadline = round(dump.promise.takes.total_seconds())
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            "name": name,
            "namespace": dump.namespace,
            "labels": labels,
            "annotations": {STORE: f"s3://{dump.bucket}/{dump.prefix}"},
        },
        "spec": {
            "schedule": dump.promise.cron.text,
            "timeZone": "Etc/UTC",
            "suspend": suspend,
            "concurrencyPolicy": "Forbid",
            # One that could not start within this counts as missed; without it the controller gives up after 100.
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 1,
                    # `takes`: what the promise counts on, tries together.
                    "activeDeadlineSeconds": deadline,
                    "template": {"metadata": {"labels": labels}, "spec": _pod(dump)},
                }
            },
        },
    }


def _pod(dump: Dump) -> Manifest:
    """What Pod Security's `restricted` asks for (https://kubernetes.io/docs/concepts/security/pod-security-standards/)."""
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    guarded = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    resources = copy.deepcopy(dict(dump.resources)) or {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"memory": "1Gi"},
    }
    common = {"resources": resources, "securityContext": guarded, "volumeMounts": mounts}
    shell = f"mkdir -p /scratch/out\nrm -f /scratch/out/* /scratch/*.part\n{script(dump)}"
    return {
        "restartPolicy": "Never",
        **({"serviceAccountName": dump.service_account} if dump.service_account else {}),
        # Roles by IRSA and Pod Identity come in a volume of their own.
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [
            {
                "name": "dump",
                "image": dump.image,
                "command": ["sh", "-ceu", shell],
                "env": environment(dump),
                **common,
            }
        ],
        "containers": [
            {"name": "copy", "image": dump.copy_image, "args": copying(dump), "env": remote(dump), **common}
        ],
        # Gone with the pod: what is in it is the whole database in the clear.
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": dump.scratch}}],
    }
