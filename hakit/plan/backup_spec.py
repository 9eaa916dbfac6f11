"""A BackupPlan's arguments, checked. Pure; the manifests are in `backup`, the fake clock in `backup_clock`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hakit.errors import HakitError, did_you_mean
from hakit.plan import backup_dumps
from hakit.plan.arguments import Arguments
from hakit.plan.backup_dumps import Dump
from hakit.plan.backup_tiers import KEYS, TIERS, Plan, Promise, duration, promise, survivors
from hakit.plan.place import pair_of, region_of
from hakit.plan.postgres_reach import USUAL_TIMEOUT
from hakit.plan.stores import kubernetes_name, reason, secret_name
from hakit.topology import names
from hakit.topology.model import Pair, Region, Topology

ARGUMENTS = (
    "topology", "pair", "scope", "tier", "lock_days", "copied_within", "databases", "applications", "dumps",
    "velero", "restore_check",
)  # fmt: skip
#: What AWS commits itself to by S3 Replication Time Control; without it most objects take no longer.
COPIED = "15m"
_VELERO = ("namespace", "provider", "stores", "repository_password", "repository_password_elsewhere")
_STORE = ("bucket", "region", "copies", "endpoint", "secret")


@dataclass(frozen=True)
class Store:
    """Where Velero of one region writes.

    Attributes:
        region: where the bucket lies.
        copies: buckets that hold the same, by the region that they lie in.
        secret: with the credentials, in the key `cloud`; None for the pod's own identity.
    """

    bucket: str
    region: str
    copies: Mapping[str, str]
    endpoint: str | None
    secret: str | None


@dataclass(frozen=True)
class Application:
    """Namespaces that are backed up together."""

    namespaces: tuple[str, ...]
    promise: Promise


@dataclass(frozen=True)
class BackupSpec:
    """A BackupPlan's arguments, checked. Everything after this trusts it.

    Attributes:
        stores: by the region whose Velero writes there; empty without applications.
        makes_password: whether the component makes the Secret of Velero's repositories.
    """

    name: str
    topology: Topology = field(repr=False)
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    databases: Mapping[str, Promise]
    applications: Mapping[str, Application]
    dumps: Mapping[str, Dump]
    namespace: str
    provider: str
    stores: Mapping[str, Store]
    makes_password: bool

    @property
    def where(self) -> str:
        return f"BackupPlan {self.name!r}"


def specify(name: str, args: Any, topology: Topology) -> BackupSpec:
    """Check a BackupPlan's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `BackupPlanArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type or contradicts another one; an objective is out of
            reach of its schedule; something is kept for less than its lock; what protects a region lies in it alone.
    """
    given = Arguments(args, f"BackupPlan {name!r}", ARGUMENTS)
    kubernetes_name(name, given.where, "name", 40)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    plan = Plan(
        given.word("tier", TIERS, "standard"), given.number("lock_days", 0), duration(given, "copied_within", COPIED)
    )
    asked = given.mapping("applications")
    velero = given.inner("velero", _VELERO)
    stores = _stores(velero, topology, pair, name) if asked else {}
    databases = _databases(given, pair, plan)
    applications = _applications(given, name, plan, stores)
    dumps = backup_dumps.specify(given, name, plan, pair, region.name)
    if not databases and not applications and not dumps:
        raise given.missing("databases", "name databases, applications or dumps: the plan backs up nothing")
    if not applications and "velero" in given:
        raise HakitError(
            "velero: nothing for it to back up", where=given.where, do="name applications, or leave it out"
        )
    return BackupSpec(
        name=name,
        topology=topology,
        pair=pair,
        region=region,
        databases=databases,
        applications=applications,
        dumps=dumps,
        namespace=kubernetes_name(velero.text("namespace", "velero"), given.where, "velero.namespace"),
        provider=velero.text("provider", "aws"),
        stores=stores,
        makes_password=bool(applications) and _password(velero),
    )


def _databases(given: Arguments, pair: Pair, plan: Plan) -> dict[str, Promise]:
    found = {}
    for database in given.mapping("databases"):
        if database not in pair.databases:
            raise HakitError(
                f"databases: pair {pair.name} has no such database",
                where=given.where,
                given=database,
                allowed=pair.databases,
                do=did_you_mean(database, pair.databases),
            )
        inner = Arguments(
            given.mapping("databases")[database],
            given.where,
            (*KEYS, "ships_wal", "copied_to"),
            f"databases.{database}",
        )
        copying = plan.copying if _archived_alone(inner, pair) else timedelta(0)
        found[database] = promise(inner, plan, _archive_lag(inner, pair), copying)
    return found


def _archive_lag(inner: Arguments, pair: Pair) -> timedelta:
    """Until a change is in the archive: as PostgresCluster counts, half to fill a segment and half to ship it."""
    ships = inner.flag("ships_wal")
    return timedelta(seconds=2 * (min(pair.objectives.rpo // 2, USUAL_TIMEOUT) if ships else USUAL_TIMEOUT))


def _archived_alone(inner: Arguments, pair: Pair) -> bool:
    """Whether a region's archive has its only second copy by S3.

    Each region of a pair archives into a bucket of its own; only a replica's archive has what the others' have.

    Raises:
        HakitError: there is no second copy.
    """
    alone = pair.is_partitioned or len(pair.regions) == 1
    copied = inner.names("copied_to")
    for region in pair.regions:
        lies = [region, *copied] if alone else pair.regions
        if not survivors(lies, region):
            raise HakitError(
                f"{inner.path}: the only archive of {region} lies in {region}, and goes with it",
                where=inner.where,
                given=f"regions of pair {pair.name}: {', '.join(pair.regions)}",
                allowed="an archive in another region too",
                do="copy the bucket by a BucketPair and say copied_to, or give the pair a second region",
            )
    return alone


def _applications(given: Arguments, name: str, plan: Plan, stores: Mapping[str, Store]) -> dict[str, Application]:
    copied = any(store.region == protects for protects, store in stores.items())
    copying = plan.copying if copied else timedelta(0)
    found: dict[str, Application] = {}
    for application, value in given.mapping("applications").items():
        path = f"applications.{application}"
        # The Schedule's name is a label of each backup, with its time of 15 characters.
        kubernetes_name(f"{name}-{application}", given.where, path, 48)
        inner = Arguments(value, given.where, (*KEYS, "namespaces"), path)
        namespaces = inner.names("namespaces") or (application,)
        for each in namespaces:
            kubernetes_name(each, given.where, f"{path}.namespaces")
        found[application] = Application(namespaces, promise(inner, plan, None, copying))
    return found


def _stores(velero: Arguments, topology: Topology, pair: Pair, name: str) -> dict[str, Store]:
    written = velero.mapping("stores")
    for region in written:
        if region not in pair.regions:
            raise HakitError(
                "velero.stores: not a region of the pair", where=velero.where, given=region, allowed=pair.regions
            )
    found = {}
    for region in pair.regions:
        if region not in written:
            raise velero.missing(f"stores.{region}", "every region's Velero writes to a store, and reads the others'")
        kubernetes_name(f"{name}-{region}", velero.where, "velero.stores")
        inner = Arguments(written[region], velero.where, _STORE, f"velero.stores.{region}")
        found[region] = _store(inner, topology, region)
    return found


def _store(inner: Arguments, topology: Topology, region: str) -> Store:
    lies = inner.text("region", region)
    copies = inner.labels("copies")
    if not survivors([lies, *copies], region):
        raise HakitError(
            f"{inner.path}: the only copy lies in {region}, the region that it protects",
            where=inner.where,
            given=lies,
            allowed="a bucket in another region, or one that is copied to another",
            do=f"say {inner.path}.region when it lies elsewhere, or copies: {{<region>: <bucket>}} as BucketPair makes "
            "them",
        )
    endpoint = inner.text("endpoint") if "endpoint" in inner else None
    if endpoint and not re.fullmatch(r"https?://\S+", endpoint):
        raise HakitError(f"{inner.path}.endpoint: not a URL", where=inner.where, given=endpoint)
    if endpoint and copies:
        raise HakitError(
            f"{inner.path}.copies: a copy has an endpoint of its own, which cannot be said",
            where=inner.where,
            given=list(copies),
            do="with an endpoint, let the store itself lie in another region",
        )
    return Store(
        bucket=inner.text("bucket", names.bucket_of(topology, region, "velero") if lies == region else None),
        region=lies,
        copies=copies,
        endpoint=endpoint,
        secret=secret_name(inner, "secret") if "secret" in inner else None,
    )


def _password(velero: Arguments) -> bool:
    """Whether it is given. Without a Secret Velero takes a word that everybody knows (pkg/repository/keys/keys.go)."""
    elsewhere = reason(velero, "repository_password_elsewhere")
    given = velero.given.get("repository_password") is not None
    if given == bool(elsewhere):
        raise HakitError(
            "velero: one of repository_password and repository_password_elsewhere",
            where=velero.where,
            given="both" if given else "neither",
            do="give the password, the same in every region; or say what makes the Secret velero-repo-credentials "
            "before the first backup: without it Velero encrypts by a word that everybody knows",
        )
    return given
