"""What a RegionPair is to be: its arguments, checked, and what each of its parts gets. Pure.

The parts check their own arguments; here stands only what holds between them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hakit.errors import HakitError, did_you_mean
from hakit.plan import backup, backup_spec, fence, pair_backups, postgres, postgres_spec, ready, zonal
from hakit.plan.arguments import Arguments
from hakit.plan.fence import FenceSpec
from hakit.plan.place import pair_of, region_of
from hakit.plan.postgres_adopt import check_apart
from hakit.plan.postgres_spec import PostgresSpec
from hakit.plan.ready import ReadySpec
from hakit.topology import handovers
from hakit.topology.model import Pair, Topology

ALL = "all"
ARGUMENTS = ("topology", "scope", "pair", "namespace", "databases", "apps", "fence", "ready", "backups")
#: What a pair decides for its parts; a part that says it again could contradict it.
_DECIDED = ("topology", "pair", "scope")
_OF_APPS = ("database", "database_values")
#: What an application can be told about its database. The same text in every region and role.
FACTS = ("host", "port", "name", "user", "secret")


@dataclass(frozen=True)
class AppPart:
    """One application of a pair.

    Attributes:
        name: the ZonalApp's role in the pair, and its release's name.
        args: for ZonalApp, without what the pair decides.
        database: the pair's database that it uses; None when it uses none.
        facts: by path in the chart's values, which of FACTS stands there.
    """

    name: str
    args: Mapping[str, Any] = field(repr=False)
    database: str | None
    facts: Mapping[str, str]


@dataclass(frozen=True)
class PairSpec:
    """A RegionPair's arguments, checked.

    Attributes:
        regions: those that this program deploys, in the topology's order.
        several: it deploys more than one, so their parts' names need the region.
        databases: by name, the arguments of PostgresCluster, without what the pair decides.
        fences: by region; empty when none is asked for.
        endpoints: the ready endpoint by region; empty when none is asked for.
        active: the region that the list of handovers says.
        known: of each database by name, what an application must know of it, by `FACTS`.
        backups: the arguments of BackupPlan, without what the pair decides; None when there is no plan.
        kept: by database, the `backup` argument that keeps what the plan promises.
    """

    name: str
    pair: str
    regions: tuple[str, ...]
    several: bool
    namespace: str
    databases: Mapping[str, Mapping[str, Any]] = field(repr=False)
    apps: tuple[AppPart, ...]
    fences: Mapping[str, FenceSpec]
    endpoints: Mapping[str, ReadySpec]
    active: str
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    backups: Mapping[str, Any] | None = field(default=None, repr=False)
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"RegionPair {self.name!r}"

    def child(self, part: str, region: str) -> str:
        """The name of a part: `shop-storefront`, and `shop-storefront-us-east-1` where one program deploys several
        regions."""
        return "-".join((self.name, part, region) if self.several else (self.name, part))

    def database_args(self, topology: str, region: str, database: str) -> dict[str, Any]:
        """The arguments of a database's PostgresCluster."""
        place = {"topology": topology, "pair": self.pair, "scope": region}
        kept = {"backup": self.kept[database]} if database in self.kept else {}
        return {**self.databases[database], **kept, **place, "database": database, "namespace": self.namespace}

    def backup_args(self, topology: str, region: str) -> dict[str, Any]:
        """The arguments of the pair's BackupPlan."""
        return {**(self.backups or {}), "topology": topology, "pair": self.pair, "scope": region}

    def app_args(self, topology: str, region: str, app: AppPart) -> dict[str, Any]:
        """The arguments of an application's ZonalApp."""
        place = {"topology": topology, "pair": self.pair, "scope": region}
        known = self.known[app.database] if app.database else {}
        values = _with_facts(app.args.get("values") or {}, app.facts, known)
        return {**app.args, **place, "values": values}


def specify(name: str, args: Any, topology: Topology) -> PairSpec:
    """Check a RegionPair's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `RegionPairArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts the topology.
    """
    given = Arguments(args, f"RegionPair {name!r}", ARGUMENTS)
    pair = pair_of(given, topology, name)
    regions = _regions(given, topology, pair)
    namespace = given.text("namespace", pair.name)
    databases = {key: _part(given, f"databases.{key}", value) for key, value in given.mapping("databases").items()}
    _check_databases(given, topology, pair, databases)
    endpoints = _endpoints(given, pair, regions, databases)
    apps = tuple(_app(given, key, value, pair, namespace) for key, value in given.mapping("apps").items())
    if twice := sorted({app.name for app in apps} & set(databases)):
        raise HakitError(
            "apps: an application and a database have one name",
            where=given.where,
            given=twice[0],
            do="rename one: both are parts of the pair, and their resources are named after them",
        )
    _check_releases(given, apps)
    spec = PairSpec(
        name=name,
        pair=pair.name,
        regions=regions,
        several=given.text("scope") == ALL,
        namespace=namespace,
        databases=databases,
        apps=apps,
        fences=_fences(given, topology, pair, regions),
        endpoints=endpoints,
        active=handovers.active_region(pair),
        backups=pair_backups.arguments(given, pair, databases),
    )
    return _with_parts_checked(spec, topology)


def _with_parts_checked(spec: PairSpec, topology: Topology) -> PairSpec:
    """Every part's own arguments, before the first of them is registered: half a pair is worse than none."""
    spec = _with_backups(spec, topology)
    found = _databases_of(spec, topology)
    check_apart(spec.where, {database: each.adopted for database, each in found.items()})
    spec = replace(spec, known={database: _facts_of(each) for database, each in found.items()})
    for region in spec.regions:
        for app in spec.apps:
            zonal.specify(spec.child(app.name, region), spec.app_args(topology.path, region, app), topology)
    return spec


def _databases_of(spec: PairSpec, topology: Topology) -> dict[str, PostgresSpec]:
    """By name, each database of the last region, after those of all regions have been checked."""
    return {
        database: postgres_spec.specify(
            spec.child(database, region), spec.database_args(topology.path, region, database), topology
        )
        for region in spec.regions
        for database in spec.databases
    }


def _with_backups(spec: PairSpec, topology: Topology) -> PairSpec:
    """The plan of the pair's backups, judged by what the databases are, and what each of them is to keep of it."""
    if spec.backups is None:
        return spec
    shipped = [name for name, each in _databases_of(spec, topology).items() if each.archive_timeout is not None]
    spec = replace(spec, backups=pair_backups.shipping(spec.backups, shipped))
    for region in spec.regions:
        plan = backup_spec.specify(spec.child("backups", region), spec.backup_args(topology.path, region), topology)
        spec = replace(spec, kept=backup.databases(plan))
    return spec


def _facts_of(found: PostgresSpec) -> dict[str, str]:
    """What an application must know of a database, by `FACTS`."""
    return {
        "host": postgres.host(found),
        "port": "5432",
        "name": found.database_name,
        "user": found.owner,
        "secret": found.application.secret,
    }


def _fences(given: Arguments, topology: Topology, pair: Pair, regions: Iterable[str]) -> dict[str, FenceSpec]:
    if "fence" not in given:
        return {}
    if not pair.databases:
        raise HakitError("fence: the pair has no database", where=given.where, do="leave it out")
    if pair.is_partitioned:
        raise HakitError(
            "fence: every region of a partitioned pair writes, so none is ever overtaken",
            where=given.where,
            do="leave it out",
        )
    inner = given.inner("fence", fence.ARGUMENTS)
    return {region: fence.specify(inner, topology, pair, region) for region in regions}


def _endpoints(
    given: Arguments, pair: Pair, regions: Iterable[str], databases: dict[str, dict[str, Any]]
) -> dict[str, ReadySpec]:
    """The ready endpoints; the database that they ask gets the name of their Secret."""
    if "ready" not in given:
        return {}
    inner = given.inner("ready", ready.ARGUMENTS)
    found = {region: ready.specify(inner, pair, region) for region in regions}
    for each in found.values():
        databases[each.database] = {**databases[each.database], "ready_secret": each.secret}
    return found


def _regions(given: Arguments, topology: Topology, pair: Pair) -> tuple[str, ...]:
    scope = given.text("scope")
    if scope == ALL:
        return pair.regions
    if scope in ("shared", "traffic"):
        raise HakitError(
            "scope: no region, and a pair has parts in regions only",
            where=given.where,
            given=scope,
            allowed=[*pair.regions, ALL],
            do="use BucketPair in the shared stack, GlobalLoadBalancer in the traffic stack",
        )
    return (region_of(given, topology, pair, also=[ALL]).name,)


def _part(given: Arguments, path: str, value: Any) -> dict[str, Any]:
    """A part's own arguments, without those that the pair decides."""
    if not isinstance(value, Mapping):
        raise HakitError(f"{path}: wrong type", where=given.where, given=type(value).__name__, allowed="a mapping")
    for key in _DECIDED:
        if key in value:
            raise HakitError(
                f"{path}.{key}: the pair decides it", where=given.where, do=f"leave it out; {key} of the pair holds"
            )
    return dict(value)


def _check_databases(given: Arguments, topology: Topology, pair: Pair, databases: Mapping[str, Any]) -> None:
    """The topology lists a pair's databases, as tokens are checked against the list; a program that forgets one would
    drop it."""
    for key in databases:
        if key not in pair.databases:
            raise HakitError(
                f"databases.{key}: pair {pair.name} has no such database",
                where=given.where,
                given=key,
                allowed=pair.databases,
                do=did_you_mean(key, pair.databases) or f"list it in {topology.where('pairs', pair.name, 'databases')}",
            )
    for key in pair.databases:
        if key not in databases:
            raise HakitError(
                f"databases: {key} is missing",
                where=given.where,
                do=f"declare it: pair {pair.name} lists it in {topology.where('pairs', pair.name, 'databases')}, and a "
                "handover waits for every database that is listed",
            )


def _app(given: Arguments, name: str, value: Any, pair: Pair, namespace: str) -> AppPart:
    path = f"apps.{name}"
    args = _part(given, path, value)
    inner = Arguments({key: args[key] for key in _OF_APPS if key in args}, given.where, _OF_APPS, path)
    own = {key: item for key, item in args.items() if key not in _OF_APPS}
    if own.get("namespace") is None:
        own["namespace"] = namespace
    if own.get("release_name") is None:
        own["release_name"] = name
    if "database" not in inner:
        if "database_values" in inner:
            raise inner.missing("database", f"{path}.database_values goes with one: name the database")
        return AppPart(name, own, None, {})
    return AppPart(name, own, _database(inner, pair), _facts(inner, own))


def _check_releases(given: Arguments, apps: Iterable[AppPart]) -> None:
    """Helm has one release of a name in a namespace."""
    taken: dict[tuple[Any, Any], str] = {}
    for app in apps:
        release = app.args["release_name"], app.args["namespace"]
        other = taken.setdefault(release, app.name)
        if other != app.name:
            raise HakitError(
                f"apps.{app.name}.release_name: apps.{other} has the same, in the same namespace",
                where=given.where,
                given=release[0],
                do="give one of them another",
            )


def _database(inner: Arguments, pair: Pair) -> str:
    wanted = inner.text("database")
    if wanted not in pair.databases:
        raise HakitError(
            f"{inner.path}.database: pair {pair.name} has no such database",
            where=inner.where,
            given=wanted,
            allowed=pair.databases,
        )
    return wanted


def _facts(inner: Arguments, own: Mapping[str, Any]) -> dict[str, str]:
    """By path in the chart's values, the fact that stands there."""
    if "database_values" not in inner:
        raise inner.missing(
            "database_values",
            "say where the chart's values take it, such as "
            '{"database.host": "host", "database.existingSecret": "secret"}',
        )
    found = inner.mapping("database_values")
    for path, fact in found.items():
        if fact not in FACTS:
            raise HakitError(
                f"{inner.path}.database_values: {path}: unknown fact", where=inner.where, given=fact, allowed=FACTS
            )
        if _at(own.get("values") or {}, path.split(".")) is not None:
            raise HakitError(
                f"{inner.path}.values: {path} is set, and database_values sets it too",
                where=inner.where,
                do="delete one of them",
            )
    return {path: str(fact) for path, fact in found.items()}


def _with_facts(values: Mapping[str, Any], facts: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """The chart's values with each fact at its path."""
    found = dict(values)
    for path, fact in facts.items():
        found = _set(found, path.split("."), known[fact])
    return found


def _at(values: Any, keys: list[str]) -> Any:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return None
        values = values[key]
    return values


def _set(values: Mapping[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    first, *rest = keys
    inner = values.get(first)
    return {**values, first: _set(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value}
