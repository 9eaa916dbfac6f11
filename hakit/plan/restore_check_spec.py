"""A RestoreCheck's arguments, checked. Pure; the manifests are in `restore_check`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.backup_tiers import Promise, duration, told
from hakit.plan.cron import Cron, gaps, parse
from hakit.plan.place import pair_of, region_of
from hakit.plan.postgres_storage import ArchiveSpec
from hakit.plan.postgres_storage import archive as read_archive
from hakit.plan.restore_check_sql import read_only
from hakit.plan.stores import kubernetes_name, size
from hakit.topology.handovers import Copy, standing
from hakit.topology.model import Pair, Region, Topology

ARGUMENTS = ("topology", "pair", "scope", "namespace", "image", "archive", "databases")
_DATABASE = (
    "sources", "schedule", "deadline", "kept", "rto", "storage", "storage_class", "postgres_image", "database_name",
    "checks", "freshness", "parameters", "resources", "node_selector", "tolerations", "extra",
)  # fmt: skip
#: Every night at four: what the night's base backup has left, at its earliest.
SCHEDULE = "0 4 * * *"
DEADLINE = "4h"
#: All answers fit into one termination message.
_MOST_CHECKS = 12
#: A CronJob's name has up to 52 characters, a Cluster's up to 50, and the run's own seven come behind.
_LONGEST = 42
#: Of the Cluster: what decides that it is disposable, and reads only.
_DECIDED = (
    "instances", "bootstrap", "externalClusters", "plugins", "backup", "replica", "managed", "serviceAccountName",
    "serviceAccountTemplate", "enableSuperuserAccess", "superuserSecret", "storage", "imageName", "resources",
    "affinity", "postgresql", "enablePDB",
)  # fmt: skip
_NEVER = ("default", "kube-system", "kube-public", "kube-node-lease", "cnpg-system", "velero", "hakit-system")


@dataclass(frozen=True)
class DatabaseCheck:
    """How one database's archives are tried.

    Attributes:
        sources: the copies whose archives are restored.
        deadline, within: seconds: for a restore, and of age that is allowed.
        fresh: SQL for the newest moment; None for the last transaction that was replayed.
    """

    sources: tuple[Copy, ...]
    cron: Cron
    deadline: int
    storage: str
    storage_class: str | None
    image: str | None
    database_name: str
    checks: Mapping[str, str]
    within: int
    fresh: str | None
    parameters: Mapping[str, str]
    resources: Mapping[str, Any]
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...]
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class RestoreCheckSpec:
    """A RestoreCheck's arguments, checked. Everything after this trusts it."""

    name: str
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    namespace: str
    image: str
    archive: ArchiveSpec
    databases: Mapping[str, DatabaseCheck]

    @property
    def where(self) -> str:
        return f"RestoreCheck {self.name!r}"


def specify(name: str, args: Any, topology: Topology) -> RestoreCheckSpec:
    """Check a RestoreCheck's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `RestoreCheckArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type or contradicts another one; a check writes; it is
            held so rarely that a broken backup would be found when the last good one is gone.
    """
    given = Arguments(args, f"RestoreCheck {name!r}", ARGUMENTS)
    kubernetes_name(name, given.where, "name", 40)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    asked = given.mapping("databases")
    if not asked:
        raise given.missing("databases", f"name some of the pair's: {', '.join(pair.databases)}")
    return RestoreCheckSpec(
        name=name,
        pair=pair,
        region=region,
        namespace=_namespace(given, name, pair),
        image=_image(given),
        archive=_archive(given, topology, pair, region),
        databases={each: _database(given, each, pair, region) for each in asked},
    )


def defaults(promise: Promise) -> dict[str, Any]:
    """What a BackupPlan's promise says of a check of it: as arguments, which the user's own go over."""
    # As old as the newest thing in an archive can be while nothing is wrong and nobody writes: its last base backup.
    within = promise.loss + gaps(promise.cron)[1] + promise.takes
    return {
        "schedule": "0 4 * * 1" if promise.tier == "relaxed" else SCHEDULE,
        "deadline": _written(promise.rto),
        "rto": _written(promise.rto),
        "kept": f"{promise.days}d",
        "freshness": {"within": _written(within)},
    }


def of_plan(name: str, args: Mapping[str, Any], promises: Mapping[str, Promise]) -> dict[str, Any] | None:
    """The arguments of the RestoreCheck that a BackupPlan asks for; None without.

    Args:
        name: of the plan.
        args: its own, checked already.
        promises: by database.

    Raises:
        HakitError: `restore_check` is wrong, or names a database that the plan does not.
    """
    given = Arguments(args, f"BackupPlan {name!r}", args)
    if "restore_check" not in given:
        return None
    inner = given.inner("restore_check", ("namespace", "image", "archive", "databases"))
    asked = inner.inner("databases", promises)
    databases = {}
    for each in asked.given:
        wanted = asked.mapping(each)
        freshness = {
            **defaults(promises[each])["freshness"],
            **Arguments(wanted, given.where, wanted).mapping("freshness"),
        }
        databases[each] = {**defaults(promises[each]), **wanted, "freshness": freshness}
    place = {key: args[key] for key in ("topology", "pair", "scope")}
    return {**place, "namespace": f"{name}-restore-checks", **inner.given, "databases": databases}


def _written(span: timedelta) -> str:
    return f"{math.ceil(span.total_seconds())}s"


def _namespace(given: Arguments, name: str, pair: Pair) -> str:
    namespace = kubernetes_name(given.text("namespace", f"{name}-restore-checks"), given.where, "namespace")
    if namespace in (*_NEVER, pair.name):
        raise HakitError(
            "namespace: not one in which something else lives: the check may remove Clusters in it",
            where=given.where,
            given=namespace,
            do=f"leave it out: {name}-restore-checks",
        )
    return namespace


def _image(given: Arguments) -> str:
    image = given.text("image")
    if "@sha256:" not in image:
        raise HakitError(
            "image: not pinned by digest",
            where=given.where,
            given=image,
            allowed="<name>@sha256:<digest> of an image with Python 3.11 or newer as `python`",
            do="pin it: a tag can be moved, and what it then names would read your backups",
        )
    return image


def _archive(given: Arguments, topology: Topology, pair: Pair, region: Region) -> ArchiveSpec:
    inner = given.mapping("archive")
    if "secret" not in inner and "role_arn" not in inner and not region.cluster.pod_identity:
        raise HakitError(
            "archive: nothing says how the archives may be read",
            where=given.where,
            allowed="role_arn, of a role that may read the buckets, or secret, with access keys that may",
            do="not the database's own: it may write, and what is restored has nothing to write there",
        )
    plain = Arguments({"archive": inner}, given.where, ("archive",))
    found = read_archive(plain, topology, region.name, pair)
    if found is None:  # pragma: no cover  only `without_archive` gives None, and it is not handed over
        raise given.missing("archive", "name it")
    return found


def _database(given: Arguments, name: str, pair: Pair, region: Region) -> DatabaseCheck:
    inner = given.inner("databases", pair.databases).inner(name, _DATABASE)
    if name not in pair.databases:
        raise HakitError("databases: no such database", where=given.where, given=name, allowed=pair.databases)
    cron = parse(inner.text("schedule", SCHEDULE), 5, given.where, f"{inner.path}.schedule")
    deadline = duration(inner, "deadline", DEADLINE)
    _check_times(inner, cron, deadline)
    freshness = inner.inner("freshness", ("within", "sql"))
    if "within" not in freshness:
        raise freshness.missing("within", "how old the newest row may be: the RPO and the time between two backups")
    sql = freshness.text("sql") if "sql" in freshness else None
    return DatabaseCheck(
        sources=_sources(inner, name, pair, region),
        cron=cron,
        deadline=int(deadline.total_seconds()),
        storage=size(inner, "storage"),
        storage_class=inner.text("storage_class") if "storage_class" in inner else region.storage.zonal,
        image=inner.text("postgres_image") if "postgres_image" in inner else None,
        database_name=inner.text("database_name", name.replace("-", "_")),
        checks=_checks(inner),
        within=int(duration(freshness, "within", "").total_seconds()),
        fresh=read_only(sql, given.where, f"{freshness.path}.sql") if sql else None,
        parameters=inner.labels("parameters"),
        resources=inner.mapping("resources"),
        node_selector=inner.labels("node_selector"),
        tolerations=tuple(inner.given.get("tolerations") or ()),
        extra=_extra(inner),
    )


def _check_times(inner: Arguments, cron: Cron, deadline: timedelta) -> None:
    shortest, longest = gaps(cron)
    if deadline > shortest:
        raise HakitError(
            f"{inner.path}.deadline: {told(deadline)}, and the next one begins after {told(shortest)}",
            where=inner.where,
            given=cron.text,
            allowed=f"up to {told(shortest)}, or a schedule with more time between",
        )
    if "rto" in inner and deadline > (rto := duration(inner, "rto", "")):
        raise HakitError(
            f"{inner.path}.deadline: {told(deadline)}; a restore that takes longer than the RTO of {told(rto)} would "
            "pass",
            where=inner.where,
            given=inner.text("deadline"),
            allowed=f"up to {told(rto)}",
        )
    if "kept" in inner and longest + deadline >= (kept := duration(inner, "kept", "")):
        raise HakitError(
            f"{inner.path}.schedule: {told(longest)} between two checks + {told(deadline)} for one = "
            f"{told(longest + deadline)}; backups are kept {told(kept)}: a broken one would be found when the last "
            "good one is gone",
            where=inner.where,
            given=cron.text,
            allowed=f"less than {told(kept - deadline)} between two checks",
        )


def _sources(inner: Arguments, name: str, pair: Pair, region: Region) -> tuple[Copy, ...]:
    """Every region's archive unless said otherwise: this region's first."""
    wanted = inner.names("sources") or (region.name, *(each for each in pair.regions if each != region.name))
    current = standing(pair, name).current
    found = []
    for each in wanted:
        if each not in pair.regions:
            raise HakitError(
                f"{inner.path}.sources: not a region of the pair", where=inner.where, given=each, allowed=pair.regions
            )
        kubernetes_name(f"{name}-from-{each}", inner.where, "the CronJob's own name", _LONGEST)
        found.append(Copy(each, current[each]))
    return tuple(found)


def _checks(inner: Arguments) -> dict[str, str]:
    found = inner.labels("checks")
    if len(found) > _MOST_CHECKS:
        raise HakitError(
            f"{inner.path}.checks: too many", where=inner.where, given=len(found), allowed=f"up to {_MOST_CHECKS}"
        )
    for name in found:
        kubernetes_name(name, inner.where, f"{inner.path}.checks")
    return {name: read_only(sql, inner.where, f"{inner.path}.checks.{name}") for name, sql in found.items()}


def _extra(inner: Arguments) -> dict[str, Any]:
    found = inner.mapping("extra")
    for key in found:
        if key in _DECIDED:
            raise HakitError(
                f"{inner.path}.extra.{key}: hakit decides this field of the Cluster", where=inner.where, given=key
            )
    return found
