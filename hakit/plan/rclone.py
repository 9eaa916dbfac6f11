"""A bucket copied to the bucket of another region by rclone, as a CronJob that never deletes unless asked. Pure.

https://rclone.org/commands/rclone_copy/ and https://rclone.org/docs/; what each flag does to objects is tested with the
real program in tests/components/test_rclone_on_moto.py.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.stores import ACCESS_KEY, SECRET_KEY, Manifest, Planned, kubernetes_name, pinned, reason, secret_name
from hakit.topology.handovers import active_region
from hakit.topology.model import Pair, Region, Topology

IMAGE = "rclone/rclone:1.75.2"
ARGUMENTS = (
    "topology",
    "pair",
    "scope",
    "namespace",
    "stores",
    "every",
    "rpo",
    "changed",
    "propagate_deletions",
    "max_deletions",
    "service_account",
    "image",
    "resources",
)
#: Minutes that a cron expression can repeat evenly.
STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
#: Where `propagate_deletions` moves objects to, in the bucket that they were in.
DELETED = "hakit-deleted"
#: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/: eleven characters are added, of 63.
LONGEST_NAME = 52
_CHANGED = {
    # By size and checksum, whatever the times are; one that differs is an error, and the rest is copied all the same.
    "refuse": ("--immutable", "--checksum"),
    # By the time of upload, which a listing has: never over a newer object. Times of objects stay as they are.
    "overwrite": ("--update", "--use-server-modtime", "--no-update-modtime"),
}


@dataclass(frozen=True)
class Store:
    """A bucket. Without `secret` the pod's own identity reaches it."""

    bucket: str
    prefix: str
    provider: str
    endpoint: str | None
    region: str
    secret: str | None

    def path(self, remote: str, within: str = "") -> str:
        """With a slash at its end: else rclone asks whether it is an object, and takes "forbidden" for yes."""
        folders = [folder for folder in (self.bucket, within, self.prefix) if folder]
        return f"{remote}:{'/'.join(folders)}/"


@dataclass(frozen=True)
class RcloneSpec:
    """A RcloneCopy's arguments, checked.

    Attributes:
        every: minutes.
        max_deletions: None when deletions are not propagated.
    """

    name: str
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    namespace: str
    stores: Mapping[str, Store]
    every: int
    changed: str
    max_deletions: int | None
    service_account: str | None
    image: str
    resources: Mapping[str, Any]

    @property
    def where(self) -> str:
        return f"RcloneCopy {self.name!r}"

    @property
    def active(self) -> bool:
        return active_region(self.pair) == self.region.name


def specify(name: str, args: Any, topology: Topology) -> RcloneSpec:
    """Check a RcloneCopy's arguments.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one or the topology; the
            objective is out of reach of the schedule.
    """
    given = Arguments(args, f"RcloneCopy {name!r}", ARGUMENTS)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    stores = _stores(given, pair)
    deletes = reason(given, "propagate_deletions") is not None
    for other in pair.regions:
        kubernetes_name(f"{name}-{other}", given.where, "the CronJob's own name", LONGEST_NAME)
    return RcloneSpec(
        name=name,
        pair=pair,
        region=region,
        namespace=kubernetes_name(given.text("namespace"), given.where, "namespace"),
        stores=stores,
        every=_every(given, topology, pair),
        changed=_changed(given, deletes=deletes),
        max_deletions=_max_deletions(given, stores, deletes=deletes),
        service_account=given.text("service_account") if "service_account" in given else None,
        image=pinned(given, "image", IMAGE),
        resources=given.mapping("resources"),
    )


def _stores(given: Arguments, pair: Pair) -> dict[str, Store]:
    declared = given.mapping("stores")
    for name in declared:
        if name not in pair.regions:
            raise HakitError(
                f"stores: pair {pair.name} is not in this region", where=given.where, given=name, allowed=pair.regions
            )
    found = {}
    for name in pair.regions:
        if name not in declared:
            raise given.missing(f"stores.{name}", "name the bucket of this region: it is copied from, or to")
        known = ("bucket", "prefix", "provider", "endpoint", "region", "secret")
        inner = Arguments(declared[name], given.where, known, f"stores.{name}")
        endpoint = inner.text("endpoint") if "endpoint" in inner else None
        if endpoint and not endpoint.startswith("https://"):
            raise HakitError(
                f"stores.{name}.endpoint: not an address over TLS",
                where=given.where,
                given=endpoint,
                allowed="https://...",
            )
        found[name] = Store(
            bucket=inner.text("bucket"),
            prefix=inner.text("prefix").strip("/") if "prefix" in inner else "",
            provider=inner.text("provider", "Other" if endpoint else "AWS"),
            endpoint=endpoint,
            region=inner.text("region", name),
            secret=secret_name(inner, "secret") if "secret" in inner else None,
        )
    _apart(given, found)
    return found


def _apart(given: Arguments, stores: Mapping[str, Store]) -> None:
    """Two regions in one folder would be copied onto themselves."""
    places: dict[tuple[str | None, str, str], str] = {}
    for name, store in stores.items():
        other = places.setdefault((store.endpoint, store.bucket, store.prefix), name)
        if other != name:
            raise HakitError(
                f"stores: {other} and {name} are the same place",
                where=given.where,
                given=f"{store.bucket}/{store.prefix}",
                do="a copy in the same bucket is none: give each region a bucket of its own",
            )


def _every(given: Arguments, topology: Topology, pair: Pair) -> int:
    every = given.number("every", 15, least=1)
    if every not in STEPS:
        raise HakitError(
            "every: not a part of an hour", where=given.where, given=every, allowed=[str(step) for step in STEPS]
        )
    place = topology.where("pairs", pair.name, "objectives", "rpo")
    rpo = given.number("rpo", least=1) if "rpo" in given else pair.objectives.rpo
    # Half for waiting until the next run, half for the run.
    if rpo < 2 * 60 * every:
        raise HakitError(
            f"the objective rpo: {rpo}s is out of reach of a copy every {every} min",
            where=given.where,
            given=f"{rpo}s, from {'rpo' if 'rpo' in given else place}",
            allowed=f"{2 * 60 * every}s or more",
            do="let S3 replicate (BucketPair), lower every, or state what these objects may lose: rpo, in seconds",
        )
    return every


def _changed(given: Arguments, *, deletes: bool) -> str:
    changed = given.word("changed", _CHANGED, "refuse")
    if deletes and changed == "refuse":
        raise HakitError(
            "propagate_deletions: with changed: refuse one object that changed stops every deletion",
            where=given.where,
            do="say changed: overwrite, and version the buckets",
        )
    return changed


def _max_deletions(given: Arguments, stores: Mapping[str, Store], *, deletes: bool) -> int | None:
    if not deletes:
        if "max_deletions" in given:
            raise HakitError(
                "max_deletions: nothing is deleted", where=given.where, do="say propagate_deletions and why"
            )
        return None
    for name, store in stores.items():
        if not store.prefix or store.prefix.startswith(DELETED):
            raise HakitError(
                f"stores.{name}.prefix: deleted objects are moved to {DELETED}/, which must be outside of it",
                where=given.where,
                given=store.prefix or "the whole bucket",
                do="copy a folder, not the whole bucket",
            )
    return given.number("max_deletions", 100, least=1)


def plan(spec: RcloneSpec) -> list[Planned]:
    """A CronJob for each other region. Where the pair is not active it is there, and suspended."""
    others = [name for name in spec.pair.regions if name != spec.region.name]
    return [Planned(f"copy-{name}", cron_job(spec, name)) for name in others]


def arguments(spec: RcloneSpec, target: str) -> list[str]:
    """What rclone is called with."""
    source, other = spec.stores[spec.region.name], spec.stores[target]
    deletions = []
    if spec.max_deletions is not None:
        deletions = [f"--backup-dir={other.path('target', DELETED)}", f"--max-delete={spec.max_deletions}"]
    return [
        "copy" if spec.max_deletions is None else "sync",
        source.path("source"),
        other.path("target"),
        *_CHANGED[spec.changed],
        *deletions,
        "--stats=0",
        "-v",  # each object that is copied or moved is told
    ]


def environment(spec: RcloneSpec, target: str) -> list[Manifest]:
    """Both remotes: nothing of rclone's configuration is in a file (https://rclone.org/docs/#environment-variables)."""
    found: list[Manifest] = [{"name": "RCLONE_CONFIG", "value": ""}]
    for remote, store in (("SOURCE", spec.stores[spec.region.name]), ("TARGET", spec.stores[target])):
        values = {
            "TYPE": "s3",
            "PROVIDER": store.provider,
            "REGION": store.region,
            **({"ENDPOINT": store.endpoint} if store.endpoint else {}),
            # The bucket is there: nobody who copies needs the right to create one.
            "NO_CHECK_BUCKET": "true",
            **({} if store.secret else {"ENV_AUTH": "true"}),
        }
        found += [{"name": f"RCLONE_CONFIG_{remote}_{key}", "value": value} for key, value in values.items()]
        if store.secret:
            for key, own in (("ACCESS_KEY_ID", ACCESS_KEY), ("SECRET_ACCESS_KEY", SECRET_KEY)):
                reference = {"secretKeyRef": {"name": store.secret, "key": own}}
                found.append({"name": f"RCLONE_CONFIG_{remote}_{key}", "valueFrom": reference})
    return found


def cron_job(spec: RcloneSpec, target: str) -> Manifest:
    """The CronJob that copies to one region."""
    labels = {"app.kubernetes.io/name": "rclone", "app.kubernetes.io/instance": f"{spec.name}-{target}"}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": f"{spec.name}-{target}", "namespace": spec.namespace, "labels": labels},
        "spec": {
            "schedule": "0 * * * *" if spec.every == 60 else f"*/{spec.every} * * * *",
            "suspend": not spec.active,
            # Two runs at once would copy everything twice.
            "concurrencyPolicy": "Forbid",
            # A run that could not start is made up for by the next; without it the controller gives up after 100.
            "startingDeadlineSeconds": 60 * spec.every,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    # rclone tries three times by itself, and the next run comes.
                    "backoffLimit": 0,
                    "template": {"metadata": {"labels": labels}, "spec": _pod(spec, target)},
                }
            },
        },
    }


def _pod(spec: RcloneSpec, target: str) -> Manifest:
    """What Pod Security's `restricted` asks for (https://kubernetes.io/docs/concepts/security/pod-security-standards/)."""
    return {
        "restartPolicy": "Never",
        **({"serviceAccountName": spec.service_account} if spec.service_account else {}),
        # Roles by IRSA and Pod Identity come in a volume of their own.
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "rclone",
                "image": spec.image,
                "args": arguments(spec, target),
                "env": environment(spec, target),
                "resources": copy.deepcopy(dict(spec.resources))
                or {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
