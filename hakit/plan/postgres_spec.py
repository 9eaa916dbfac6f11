"""What a PostgresCluster is to be: its arguments, checked. Pure; the manifests are in `postgres`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError, did_you_mean
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.postgres_active import Exchange, check_write_path, exchange
from hakit.plan.postgres_adopt import Adopted, adopted
from hakit.plan.postgres_durability import Shutdown, Size, Synchronous, parameters, shutdown, sizes, synchronous
from hakit.plan.postgres_logins import (
    Certificates,
    Credential,
    certificates,
    credential,
    kubernetes_name,
    maybe_credential,
    roles,
    sql_name,
)
from hakit.plan.postgres_pooler import Pooler, pooler
from hakit.plan.postgres_reach import Route, check_reach, routes
from hakit.plan.postgres_restore import Restored, restored
from hakit.plan.postgres_storage import ArchiveSpec, archive
from hakit.plan.stores import dropped, extra, reason, size
from hakit.topology import names
from hakit.topology.handovers import Copy
from hakit.topology.intents import ClusterIntent, cluster_intent
from hakit.topology.model import Pair, Region, Topology

#: 640 segments of 16 MB: what an archive that does not answer may leave behind before the volume is full.
WAL_STORAGE = "10Gi"
#: The lag from which a standby inside the region takes no reads and is no candidate.
MAX_LAG = "64Mi"

ARGUMENTS = (
    "topology",
    "pair",
    "scope",
    "engine",
    "database",
    "namespace",
    "instances",
    "standby",
    "storage",
    "wal_storage",
    "storage_class",
    "zones",
    "existing_volumes",
    "node_selector",
    "tolerations",
    "image",
    "resources",
    "parameters",
    "synchronous",
    "max_lag",
    "shutdown",
    "database_name",
    "owner",
    "credentials",
    "roles",
    "extensions",
    "ready_secret",
    "archive",
    "backup",
    "without_archive",
    "routes",
    "certificates",
    "partitioned",
    "adopt",
    "restore",
    "bootstrap",
    "pooler",
    "pod_monitor",
    "extra",
    "dropped",
    "without_protection",
)
#: What hakit decides in a Cluster's spec; `extra` may not name it.
DECIDED = (
    "affinity",
    "backup",
    "bootstrap",
    "certificates",
    "enablePDB",
    "enableSuperuserAccess",
    "externalClusters",
    "imageName",
    "instances",
    "managed",
    "maxSyncReplicas",
    "minSyncReplicas",
    "plugins",
    "postgresql",
    "probes",
    "replica",
    "resources",
    "serviceAccountTemplate",
    "smartShutdownTimeout",
    "stopDelay",
    "storage",
    "superuserSecret",
    "switchoverDelay",
    "topologySpreadConstraints",
    "walStorage",
)


@dataclass(frozen=True)
class PostgresSpec:
    """A PostgresCluster's arguments, checked. Everything after this trusts it."""

    name: str
    topology: Topology = field(repr=False)
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    intent: ClusterIntent = field(repr=False)
    namespace: str
    active: Size
    standby: Size
    storage: str
    wal_storage: str
    storage_class: str
    zones: tuple[str, ...]
    existing_volumes: bool
    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...]
    image: str | None
    parameters: Mapping[str, str]
    synchronous: Synchronous | None
    max_lag: str
    shutdown: Shutdown
    database_name: str
    owner: str
    application: Credential
    superuser: Credential | None
    replication: Credential | None
    roles: Mapping[str, Mapping[str, Any]]
    extensions: tuple[str, ...]
    ready_secret: str | None
    archive: ArchiveSpec | None
    routes: Mapping[str, Route]
    certificates: Certificates
    restored: Restored | None
    exchange: Exchange | None
    adopted: Adopted | None
    streams: bool
    archive_timeout: int | None
    pooler: Pooler | None
    pod_monitor: bool
    extra: Mapping[str, Any]
    dropped: tuple[int, ...]
    protected: bool

    @property
    def where(self) -> str:
        return f"PostgresCluster {self.name!r}"

    @property
    def database(self) -> str:
        return self.intent.database

    def cluster_name(self, copy: Copy) -> str:
        """The Cluster of a copy: hakit's own name, or the one that it had before."""
        if self.adopted and self.adopted.copy == copy:
            return self.adopted.cluster
        return names.cluster(self.database, copy.incarnation)


def specify(name: str, args: Any, topology: Topology) -> PostgresSpec:
    """Check a PostgresCluster's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `PostgresClusterArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one or the topology; the
            pair's objectives are out of reach of the chosen replication.
    """
    given = Arguments(args, f"PostgresCluster {name!r}", ARGUMENTS)
    _engine(given)
    pair, region, database = _place(given, topology, name)
    archived = archive(given, topology, region.name, pair)
    declared = routes(given, pair, region.name)
    timeout = check_reach(given.where, topology, pair, declared, archived=archived is not None)
    active, standby = sizes(given)
    zones = given.names("zones") or region.zones
    region.check_zones(zones, where=f"{given.where}: zones")
    commits = synchronous(given, active, standby, zones)
    intent = cluster_intent(pair, database, region.name)
    check_write_path(given, pair, declared)
    source = restored(given, topology, pair, database)
    replication = maybe_credential(given, "replication", f"{database}-replication")
    return PostgresSpec(
        name=name,
        topology=topology,
        pair=pair,
        region=region,
        intent=intent,
        namespace=kubernetes_name(given, "namespace"),
        active=active,
        standby=standby,
        storage=size(given, "storage"),
        wal_storage=size(given, "wal_storage", WAL_STORAGE),
        storage_class=given.text("storage_class", region.storage.zonal),
        zones=zones,
        existing_volumes=given.flag("existing_volumes"),
        node_selector=given.mapping("node_selector"),
        tolerations=_tolerations(given),
        image=given.text("image") if "image" in given else None,
        parameters=parameters(given, commits),
        synchronous=commits,
        max_lag=size(given, "max_lag", MAX_LAG),
        shutdown=shutdown(given, pair),
        database_name=sql_name(given, "database_name", database.replace("-", "_")),
        owner=sql_name(given, "owner", "app"),
        application=credential(given, "application", f"{database}-app"),
        superuser=maybe_credential(given, "superuser", f"{database}-superuser"),
        replication=replication,
        roles=roles(given),
        extensions=given.names("extensions"),
        ready_secret=kubernetes_name(given, "ready_secret", 253) if "ready_secret" in given else None,
        archive=archived,
        routes=declared,
        certificates=certificates(given),
        adopted=adopted(given, pair),
        restored=source,
        exchange=exchange(given, pair, region.name, replication),
        streams=_streams(given, pair, region.name, declared, archived),
        archive_timeout=timeout,
        pooler=pooler(given),
        pod_monitor=given.flag("pod_monitor", default=True),
        extra=extra(given, DECIDED, "Cluster"),
        dropped=dropped(given, intent),
        protected=reason(given, "without_protection") is None,
    )


def _engine(given: Arguments) -> None:
    engine = given.text("engine", "postgres")
    if engine != "postgres":
        raise HakitError(
            "engine: not one that PostgresCluster runs",
            where=given.where,
            given=engine,
            allowed="postgres",
            do="use the component of that engine: MariaDbCluster; docs/other-databases.md has the rest",
        )


def _place(given: Arguments, topology: Topology, name: str) -> tuple[Pair, Region, str]:
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    database = given.text("database", name)
    if database not in pair.databases:
        raise HakitError(
            f"database: pair {pair.name} has no such database",
            where=given.where,
            given=database,
            allowed=pair.databases,
            do=did_you_mean(database, pair.databases)
            or f"add it to pairs.{pair.name}.databases in {topology.where('pairs', pair.name)}",
        )
    return pair, region, database


def _streams(
    given: Arguments, pair: Pair, region: str, declared: Mapping[str, Route], archived: ArchiveSpec | None
) -> bool:
    """Whether a copy is cloned from the running primary instead of from its archive."""
    word = given.word("bootstrap", ("recovery", "stream"), "recovery" if archived else "stream")
    if word == "recovery" and archived is None:
        raise HakitError("bootstrap: nothing to recover from without an archive", where=given.where, given=word)
    missing = [other for other in pair.regions if other != region and other not in declared]
    if word == "stream" and missing:
        raise HakitError(
            f"bootstrap: no route to {', '.join(missing)}",
            where=given.where,
            given=word,
            do=f"declare routes.{missing[0]}, or say bootstrap: recovery",
        )
    return word == "stream"


def _tolerations(given: Arguments) -> tuple[Mapping[str, Any], ...]:
    value = given.given.get("tolerations") or []
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise HakitError(
            "tolerations: wrong type", where=given.where, allowed="a list of tolerations, as Kubernetes writes them"
        )
    return tuple(value)
