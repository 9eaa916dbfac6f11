"""What a MariaDbCluster is to be: its arguments, checked. Pure; the manifests are in `mariadb`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError, did_you_mean
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.postgres_logins import sql_name
from hakit.plan.stores import cron, dropped, extra, kubernetes_name, pinned, reason, secret_name, size
from hakit.topology import names
from hakit.topology.copies import Copy
from hakit.topology.intents import ClusterIntent, cluster_intent
from hakit.topology.model import Pair, Region, Topology

#: What operator 25.10.4 starts unless a MariaDB says otherwise; named, so that an upgrade of the operator changes none
#: (its chart's `config.mariadbImage`).
IMAGE = "docker-registry1.mariadb.com/library/mariadb:11.8.5"
#: Of a MariaDB's name: the operator puts its own words behind it, and the whole must fit a label of 63 characters
#: (docs/replication.md of the operator, "job names too long").
LONGEST_NAME = 45

ARGUMENTS = (
    "topology",
    "pair",
    "scope",
    "database",
    "namespace",
    "instances",
    "storage",
    "storage_class",
    "zones",
    "existing_volumes",
    "image",
    "resources",
    "database_name",
    "owner",
    "credentials",
    "backup",
    "without_backup",
    "alone",
    "multi_cluster",
    "routes",
    "authority",
    "extra",
    "dropped",
    "without_protection",
)
#: What hakit decides in a MariaDB's spec; `extra` may not name it.
DECIDED = (
    "bootstrapFrom",
    "database",
    "galera",
    "image",
    "maintenance",
    "multiCluster",
    "passwordSecretKeyRef",
    "podDisruptionBudget",
    "replicas",
    "replication",
    "resources",
    "rootEmptyPassword",
    "rootPasswordSecretKeyRef",
    "storage",
    "tls",
    "topologySpreadConstraints",
    "username",
)


@dataclass(frozen=True)
class Store:
    """A bucket for physical backups, in or near a region."""

    bucket: str
    endpoint: str
    region: str
    secret: str
    ca_secret: str | None


@dataclass(frozen=True)
class Backups:
    schedule: str
    retention: str
    stores: Mapping[str, Store]


@dataclass(frozen=True)
class Route:
    """Where the other region reaches a region's primary."""

    host: str
    port: int


@dataclass(frozen=True)
class MariaDbSpec:
    """A MariaDbCluster's arguments, checked. Everything after this trusts it.

    Attributes:
        follows: a standby region has a copy that replicates, by the operator's multi-cluster topology.
        authority: Secret of the authority that signs every side's certificates; the operator makes its own without.
        replication: Secret with the replication user's password; the operator makes one up without.
    """

    name: str
    topology: Topology = field(repr=False)
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    intent: ClusterIntent = field(repr=False)
    namespace: str
    instances: int
    storage: str
    storage_class: str
    zones: tuple[str, ...]
    existing_volumes: bool
    image: str
    resources: Mapping[str, Any]
    database_name: str
    owner: str
    root: str
    application: str
    replication: str | None
    backups: Backups | None
    follows: bool
    routes: Mapping[str, Route]
    authority: str | None
    extra: Mapping[str, Any]
    dropped: tuple[int, ...]
    protected: bool

    @property
    def where(self) -> str:
        return f"MariaDbCluster {self.name!r}"

    @property
    def database(self) -> str:
        return self.intent.database


def specify(name: str, args: Any, topology: Topology) -> MariaDbSpec:
    """Check a MariaDbCluster's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `MariaDbClusterArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one or the topology; the
            pair's objectives or handovers are out of reach of what was chosen.
    """
    given = Arguments(args, f"MariaDbCluster {name!r}", ARGUMENTS)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    database = _database(given, topology, pair, name)
    follows = _follows(given, topology, pair, region)
    zones = given.names("zones") or region.zones
    region.check_zones(zones, where=f"{given.where}: zones")
    credentials = given.inner("credentials", ("root", "application", "replication"))
    intent = cluster_intent(pair, database, region.name)
    kubernetes_name(names.member(database, intent.member), given.where, "the MariaDB's own name", LONGEST_NAME)
    return MariaDbSpec(
        name=name,
        topology=topology,
        pair=pair,
        region=region,
        intent=intent,
        namespace=kubernetes_name(given.text("namespace"), given.where, "namespace"),
        instances=_instances(given, zones),
        storage=size(given, "storage"),
        storage_class=given.text("storage_class", region.storage.zonal),
        zones=zones,
        existing_volumes=given.flag("existing_volumes"),
        image=pinned(given, "image", IMAGE),
        resources=given.mapping("resources"),
        database_name=sql_name(given, "database_name", database.replace("-", "_")),
        owner=sql_name(given, "owner", "app"),
        root=_password(credentials, "root"),
        application=_password(credentials, "application"),
        replication=_password(credentials, "replication") if follows or "replication" in credentials else None,
        backups=_backups(given, pair, region, follows=follows),
        follows=follows,
        routes=_routes(given, pair, follows=follows),
        authority=_authority(given, follows=follows),
        extra=extra(given, DECIDED, "MariaDB"),
        dropped=dropped(given, intent),
        protected=reason(given, "without_protection") is None,
    )


def _database(given: Arguments, topology: Topology, pair: Pair, name: str) -> str:
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
    if pair.writes not in (None, "read-only"):
        raise HakitError(
            f"MariaDB has no way for writes: {pair.writes} ({topology.where('pairs', pair.name, 'writes')})",
            where=given.where,
            given=pair.writes,
            allowed="read-only, or mode: active-passive",
            do="give the database a pair of its own, or PostgreSQL",
        )
    return database


def _follows(given: Arguments, topology: Topology, pair: Pair, region: Region) -> bool:
    """Whether the other region has a copy. One of two reasons says what was decided; neither is a default."""
    alone, preview = reason(given, "alone"), reason(given, "multi_cluster")
    if (alone is None) == (preview is None):
        raise HakitError(
            "alone, multi_cluster: say which of the two, and why",
            where=given.where,
            allowed="alone: the founded region has the only copy; multi_cluster: the other one replicates, by a preview"
            " of mariadb-operator 26.6",
            do="read docs/other-databases.md: neither is what PostgresCluster gives",
        )
    place = topology.where("pairs", pair.name)
    if alone is not None:
        if region.name != pair.founded:
            raise HakitError(
                f"alone: the only copy is in {pair.founded}",
                where=given.where,
                given=f"scope: {region.name}",
                do=f"create it in the program of {pair.founded} only",
            )
        if pair.handovers:
            raise HakitError(
                f"alone: a handover of pair {pair.name} cannot move this database, and its applications would be "
                "without it",
                where=given.where,
                given=f"{len(pair.handovers)} in {place}",
                do="take it out of the pair's databases, or choose multi_cluster",
            )
        return False
    if len(pair.regions) != 2:
        raise HakitError(
            "multi_cluster: for two regions only, as upstream shows it; what a third one follows after a role change "
            "is not documented",
            where=given.where,
            given=", ".join(pair.regions),
            allowed="a pair of two regions",
        )
    if pair.objectives.rpo == 0:
        raise HakitError(
            f"the pair's objective rpo: 0s ({place}) is out of reach: replication between regions is asynchronous",
            where=given.where,
            given="0s",
            allowed="1s or more",
            do="raise it: a planned handover that is waited for loses nothing all the same",
        )
    return True


def _instances(given: Arguments, zones: tuple[str, ...]) -> int:
    instances = given.number("instances", 3, least=1)
    # 9: each pod takes the next server id, and a copy has ten of them.
    if not 2 <= instances <= 9:
        raise HakitError(
            "instances: not a replicated MariaDB",
            where=given.where,
            given=instances,
            allowed="2 to 9; the operator refuses replication of one",
        )
    if len(zones) == 1:
        raise HakitError(
            f"zones: {instances} instances in one zone are lost together",
            where=given.where,
            given=zones[0],
            allowed="two zones or more",
            do="declare the region's zones",
        )
    return instances


def _password(credentials: Arguments, role: str) -> str:
    if role not in credentials:
        raise credentials.missing(
            role, "name a Secret with the key `password`, the same on every side: MariaDB replicates its users"
        )
    return secret_name(credentials.inner(role, ("secret",)), "secret")


def _backups(given: Arguments, pair: Pair, region: Region, *, follows: bool) -> Backups | None:
    without = reason(given, "without_backup")
    if "backup" not in given:
        if follows:
            raise given.missing("backup", "a standby starts from a physical backup of the active side")
        if without is None:
            raise given.missing("backup", "name a bucket for physical backups, or say without_backup and why")
        return None
    if without is not None:
        raise HakitError("without_backup: there is a backup", where=given.where, given=without, do="take one away")
    inner = given.inner("backup", ("schedule", "retention", "stores"))
    declared = inner.mapping("stores")
    for name in declared:
        if name not in pair.regions:
            raise HakitError(
                f"backup.stores: pair {pair.name} is not in this region",
                where=given.where,
                given=name,
                allowed=pair.regions,
            )
    needed = pair.regions if follows else (region.name,)
    for name in needed:
        if name not in declared:
            raise inner.missing(f"stores.{name}", "name the bucket that the backups of this region's copy go to")
    stores = {name: _store(given, name, value) for name, value in declared.items()}
    return Backups(cron(inner, "schedule", "0 2 * * *"), _hours(inner, "retention", "720h"), stores)


def _store(given: Arguments, region: str, value: Any) -> Store:
    known = ("bucket", "endpoint", "region", "secret", "endpoint_ca")
    inner = Arguments(value, given.where, known, f"backup.stores.{region}")
    endpoint = inner.text("endpoint", f"s3.{region}.amazonaws.com")
    if "/" in endpoint:
        raise HakitError(
            f"backup.stores.{region}.endpoint: a host, with its port where it has one",
            where=given.where,
            given=endpoint,
            allowed=f"s3.{region}.amazonaws.com",
            do="leave https:// out; it is always TLS",
        )
    return Store(
        bucket=inner.text("bucket"),
        endpoint=endpoint,
        region=inner.text("region", region),
        secret=secret_name(inner, "secret"),
        ca_secret=secret_name(inner, "endpoint_ca") if "endpoint_ca" in inner else None,
    )


def _hours(given: Arguments, key: str, default: str) -> str:
    value = given.text(key, default)
    if not (value.endswith("h") and value[:-1].isdigit() and int(value[:-1]) > 0):
        raise HakitError(f"backup.{key}: not a number of hours", where=given.where, given=value, allowed="such as 720h")
    return value


def _routes(given: Arguments, pair: Pair, *, follows: bool) -> dict[str, Route]:
    declared = given.mapping("routes")
    if declared and not follows:
        raise HakitError("routes: nothing replicates", where=given.where, do="leave it out, or choose multi_cluster")
    for name in declared:
        if name not in pair.regions:
            raise HakitError(
                f"routes: pair {pair.name} is not in this region", where=given.where, given=name, allowed=pair.regions
            )
    found = {}
    for name in pair.regions if follows else ():
        if name not in declared:
            raise given.missing(f"routes.{name}", "say where the other region reaches this region's primary")
        inner = Arguments(declared[name], given.where, ("host", "port"), f"routes.{name}")
        found[name] = Route(inner.text("host"), inner.number("port", 3306, least=1))
    return found


def _authority(given: Arguments, *, follows: bool) -> str | None:
    if "authority" in given:
        return secret_name(given, "authority")
    if follows:
        raise given.missing("authority", "name the Secret, type kubernetes.io/tls, of one authority for both sides")
    return None


def first_copy(pair: Pair) -> Copy:
    """The copy that started empty."""
    return Copy(pair.founded, 1)
