"""PostgresCluster: one database of a pair, in one of its regions."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pulumi

from hakit.components import promised
from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.postgres_cluster_args import PostgresClusterArgs
from hakit.components.project import load_topology
from hakit.components.protection import refuse_unprotected
from hakit.components.providers import provider_of
from hakit.errors import HakitError
from hakit.plan import postgres
from hakit.plan.postgres_active import SUBSCRIBER
from hakit.plan.postgres_reach import USUAL_TIMEOUT
from hakit.plan.postgres_spec import PostgresSpec, specify


class PostgresCluster(pulumi.ComponentResource):
    """A PostgreSQL database by CloudNativePG, in the role that the topology's handovers give it in this region.

    Creates, `<copy>` being `g<incarnation>`:
        - a Secret `<name>-application`, and `<name>-superuser` and `<name>-replication`, for each login whose password
          is given;
        - an ObjectStore `<name>-store-<region>` for each region of the pair, and with `restore` `<name>-store-restore`;
        - a Cluster `<name>-cluster-<copy>`, and one for each older copy that a rebuild left behind;
        - a ConfigMap `<name>-created`: the guard's record of the highest incarnation that was created here;
        - a Service `<name>-service`, whose name stays;
        - a ScheduledBackup `<name>-backup-<copy>`, a Database `<name>-database-<copy>` when it has extensions, and a
          PodMonitor `<name>-monitor`;
        - of an active-active pair that writes to its primary region a Service `<name>-primary`; of a partitioned one a
          Publication `<name>-publication-<copy>`, and a Subscription `<name>-subscription-<region>` to each other one.

    Cluster and ObjectStore are protected, and kept when they leave the program.

    Raises:
        HakitError: an argument is wrong; the pair's objectives are out of reach of the chosen replication; it does not
            keep what a BackupPlan of the same program promises; no provider names the cluster. Nothing is registered
            then.
    """

    host: pulumi.Output[str]
    """DNS name of the Service within the region's cluster."""
    secret: pulumi.Output[str]
    """Name of the Secret that the application logs in with."""
    database: pulumi.Output[str]
    """The database in SQL."""
    region: pulumi.Output[str]
    """Region of the topology."""
    role: pulumi.Output[str]
    """`active`: this copy is primary, or becomes it once it has replayed its token; else `standby`."""
    epoch: pulumi.Output[int]
    """How far the list of handovers has come: entries * 10 + step."""
    cluster: pulumi.Output[str]
    """Name of the Cluster of the copy that counts."""

    def __init__(self, name: str, args: PostgresClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        refuse_unprotected(spec.where, opts, protected=spec.protected)
        promised.keep(spec.where, _place(spec), _archiving(spec))
        planned = postgres.plan(spec)

        super().__init__("hakit:index:PostgresCluster", name, None, opts)
        secrets = self._secrets(name, args, spec, opts)
        made: dict[str, pulumi.Resource] = {}
        for each in planned:
            needs = _needs(each, secrets, made)
            made[each.key] = self._object(name, each, spec, after(opts, pulumi.ResourceOptions(depends_on=needs)))
        outputs = {
            "host": postgres.host(spec),
            "secret": spec.application.secret,
            "database": spec.database_name,
            "region": spec.region.name,
            "role": "active" if spec.intent.is_primary else "standby",
            "epoch": spec.intent.epoch.number,
            "cluster": spec.cluster_name(spec.intent.member),
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)

    def _secrets(
        self, name: str, args: PostgresClusterArgs, spec: PostgresSpec, given: pulumi.ResourceOptions | None
    ) -> list[pulumi.Resource]:
        credentials: Mapping[str, Any] = args["credentials"]
        made: list[pulumi.Resource] = []
        for role, credential, user in (
            ("application", spec.application, spec.owner),
            ("superuser", spec.superuser, "postgres"),
            ("replication", spec.replication, SUBSCRIBER),
        ):
            if credential is None or not credential.created:
                continue
            manifest = postgres.secret(spec, credential.secret, user)
            password = pulumi.Output.secret(credentials[role]["password"])
            texts = {**manifest["stringData"], "password": password, "uri": _uri(spec, user, password)}
            # Only these two are secret: Pulumi would hide the database's own name wherever it stands.
            own = pulumi.ResourceOptions(parent=self, additional_secret_outputs=["data", "stringData"])
            made.append(resource(f"{name}-{role}", {**manifest, "stringData": texts}, after(given, own)))
        return made

    def _object(
        self, name: str, planned: postgres.Planned, spec: PostgresSpec, order: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        guarded = planned.holds_data and spec.protected
        keeping = pulumi.ResourceOptions(
            parent=self, protect=guarded or None, retain_on_delete=guarded or planned.stays or None
        )
        opts = pulumi.ResourceOptions.merge(order, keeping)
        if _is_adopted(planned, spec):
            there = planned.manifest["metadata"]
            opts = pulumi.ResourceOptions.merge(opts, _imported(f"{there['namespace']}/{there['name']}", spec))
        return resource(f"{name}-{planned.key}", planned.manifest, opts)


def _is_adopted(planned: postgres.Planned, spec: PostgresSpec) -> bool:
    """The Cluster that was there before, in its own region."""
    found = spec.adopted
    here = found is not None and found.copy.region == spec.region.name
    return here and planned.key == f"cluster-g{found.copy.incarnation}"


def _imported(identity: str, spec: PostgresSpec) -> pulumi.ResourceOptions:
    """Read, never created: without the Cluster the update fails. The engine imports only what is not in its state, and
    what it is told to ignore it takes as it is (pulumi pkg/resource/deploy/step.go, ImportStep)."""
    as_it_is = ["metadata", "spec"] if spec.adopted and spec.adopted.as_it_is else None
    return pulumi.ResourceOptions(import_=identity, ignore_changes=as_it_is)


def _place(spec: PostgresSpec) -> promised.Place:
    return spec.topology.path, spec.pair.name, spec.database, spec.region.name


def _archiving(spec: PostgresSpec) -> promised.Archiving | None:
    if spec.archive is None:
        return None
    return promised.Archiving(spec.archive.schedule, spec.archive.retention, spec.archive_timeout or USUAL_TIMEOUT)


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"PostgresCluster {name!r}", do="name the topology's file, which gives roles"
        )
    return path


def _needs(
    planned: postgres.Planned, secrets: list[pulumi.Resource], made: Mapping[str, pulumi.Resource]
) -> list[pulumi.Resource]:
    """What must be there first: logins and stores before a Cluster, Clusters before all that goes by their name."""
    kind = planned.manifest["kind"]
    if kind == "ObjectStore":
        return []
    if kind == "Cluster":
        return [*secrets, *(made[key] for key in made if key.startswith("store-"))]
    return [made[key] for key in made if key.startswith("cluster-")]


def _uri(spec: PostgresSpec, user: str, password: pulumi.Output[str]) -> pulumi.Output[str]:
    def filled(known: str) -> str:
        return f"postgresql://{user}:{quote(known, safe='')}@{postgres.host(spec)}:5432/{spec.database_name}"

    return password.apply(filled)
