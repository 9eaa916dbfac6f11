"""RegionPair: the databases and applications of a pair, in the regions that one program deploys."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from hakit.components.backup_plan import BackupPlan
from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.postgres_cluster import PostgresCluster
from hakit.components.project import load_topology
from hakit.components.providers import kubernetes_provider, provider_of
from hakit.components.region_pair_args import RegionPairArgs
from hakit.components.zonal_app import Ready, ZonalApp, examined_app
from hakit.errors import HakitError
from hakit.plan import fence, ready, ready_objects, zonal
from hakit.plan import pair as pairs
from hakit.plan.pair import PairSpec
from hakit.topology import Topology


class RegionPair(pulumi.ComponentResource):
    """A pair of the topology: its databases, the applications that use them, and the fence that keeps a side that was
    left behind from writing.

    Creates, in each region of its scope:
        - a BackupPlan `<name>-backups`, when `backups` is given, whose promises the databases keep;
        - a PostgresCluster `<name>-<database>` for each database;
        - a ZonalApp `<name>-<app>` for each application, after the database that it uses;
        - the objects of the fence, `<name>-fence-<kind>`, when `fence` is given;
        - those of the ready endpoint, `<name>-ready-<kind>`, when `ready` is given, and the Secret of its login,
          `<name>-ready-login`, when its password is.
        With the scope `all` a Kubernetes provider for each region, and the region at the end of each name.

    Raises:
        HakitError: an argument is wrong, here or of a part, or contradicts the topology; a chart does not load or
            render. Nothing is registered then.
        FindingsError: the audit of an application found errors that it does not accept. Nothing is registered then.
    """

    apps: Mapping[str, ZonalApp]
    """The applications by name; with the scope `all` by `<name>-<region>`."""
    databases: Mapping[str, PostgresCluster]
    """The databases by name; with the scope `all` by `<name>-<region>`."""
    backups: Mapping[str, BackupPlan]
    """The plan by region; empty when none is asked for."""
    active: pulumi.Output[str]
    """The region that is active by the topology's list of handovers."""

    def __init__(self, name: str, args: RegionPairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        path = args.get("topology") if isinstance(args, Mapping) else None
        if not isinstance(path, str):
            raise HakitError("topology is missing", where=f"RegionPair {name!r}", do="name the topology's file")
        topology = load_topology(path)
        spec = pairs.specify(name, args, topology)
        if not spec.several:
            provider_of(spec.where, spec.regions[0], opts)
        charts = _charts(spec, topology)
        super().__init__("hakit:index:RegionPair", name, None, opts)
        apps: dict[str, ZonalApp] = {}
        databases: dict[str, PostgresCluster] = {}
        backups: dict[str, BackupPlan] = {}
        for region in spec.regions:
            options = after(opts, self._options(spec, path, region))
            key = f"-{region}" if spec.several else ""
            if spec.backups is not None:
                plan = _typed(spec.backup_args(path, region))
                backups[region] = BackupPlan(spec.child("backups", region), plan, options)
            login = _login(spec, args, region, options)
            own = {
                each: PostgresCluster(
                    spec.child(each, region), _typed(spec.database_args(path, region, each)), _behind(options, login)
                )
                for each in spec.databases
            }
            databases |= {f"{each}{key}": found for each, found in own.items()}
            for app in spec.apps:
                needed = [own[app.database]] if app.database else []
                apps[f"{app.name}{key}"] = ZonalApp(
                    spec.child(app.name, region),
                    _typed(charts[region, app.name]),
                    _behind(options, needed),
                )
            if region in spec.fences:
                _fence(spec, topology, region, options)
            if region in spec.endpoints:
                _ready(spec, topology, region, options, own[spec.endpoints[region].database])
        self.apps, self.databases, self.backups = apps, databases, backups
        self.active = pulumi.Output.from_input(spec.active)
        self.register_outputs({"active": spec.active})

    def _options(self, spec: PairSpec, path: str, region: str) -> pulumi.ResourceOptions:
        """A part's options. One program for several regions has a provider for each."""
        if not spec.several:
            return pulumi.ResourceOptions(parent=self)
        provider = kubernetes_provider(path, region, pulumi.ResourceOptions(parent=self))
        return pulumi.ResourceOptions(parent=self, providers=[provider])


def _charts(spec: PairSpec, topology: Topology) -> dict[tuple[str, str], Ready]:
    """Every application's chart, rendered and audited, by region and name: before the first database is registered."""
    return {
        (region, app.name): examined_app(
            child := spec.child(app.name, region),
            zonal.specify(child, spec.app_args(topology.path, region, app), topology),
        )
        for region in spec.regions
        for app in spec.apps
    }


def _behind(opts: pulumi.ResourceOptions, needed: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(needed)))


def _typed(args: Any) -> Any:
    """A part checks its arguments itself, whatever their type."""
    return args


def _fence(spec: PairSpec, topology: Topology, region: str, opts: pulumi.ResourceOptions) -> None:
    """The fence's objects, each after those before it: the rights before the program that needs them."""
    pair = topology.pair(spec.pair)
    before: list[pulumi.Resource] = []
    for manifest in fence.objects(spec.fences[region], topology, pair, region, spec.namespace):
        kind, name = manifest["kind"].lower(), manifest["metadata"]["name"]
        role = name.rpartition(fence.name_of(spec.pair))[2]  # -code, -memory, -settings, or nothing
        before.append(resource(spec.child(f"fence{role}-{kind}", region), manifest, _behind(opts, before)))


def _login(spec: PairSpec, args: RegionPairArgs, region: str, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The Secret of the ready endpoint's login, which the database needs too; nothing where it is there already."""
    wanted = spec.endpoints.get(region)
    if wanted is None or not wanted.created:
        return []
    manifest = ready.secret(wanted, spec.namespace)
    texts = {**manifest["stringData"], "password": pulumi.Output.secret(args["ready"]["password"])}
    hidden = pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData"])
    options = pulumi.ResourceOptions.merge(opts, hidden)
    return [resource(spec.child("ready-login", region), {**manifest, "stringData": texts}, options)]


def _ready(
    spec: PairSpec, topology: Topology, region: str, opts: pulumi.ResourceOptions, database: PostgresCluster
) -> None:
    """The ready endpoint's objects, after the database that they ask."""
    wanted = spec.endpoints[region]
    known = spec.known[wanted.database]
    for manifest in ready_objects.objects(wanted, spec.pair, topology.region(region), spec.namespace, known):
        name = spec.child(f"ready-{manifest['kind'].lower()}", region)
        resource(name, manifest, _behind(opts, [database]))
