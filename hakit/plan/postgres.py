"""The manifests of one database in one region, from its arguments and the pair's list of handovers. Pure.

CloudNativePG 1.30 and its Barman Cloud plugin 0.14: https://cloudnative-pg.io/documentation/1.30/ and
https://cloudnative-pg.io/plugin-barman-cloud/docs/usage/. What a role change does to the data stands in
docs/postgres.md.
"""

import copy
from dataclasses import dataclass
from typing import Any

from hakit.plan import guard, postgres_active, postgres_pooler, ready
from hakit.plan.postgres_adopt import store_suffix
from hakit.plan.postgres_durability import Size
from hakit.plan.postgres_logins import managed_role
from hakit.plan.postgres_members import archive_of, membership, size
from hakit.plan.postgres_restore import SOURCE
from hakit.plan.postgres_spec import PostgresSpec
from hakit.plan.postgres_storage import ArchiveSpec, scheduled_backup, store, store_name
from hakit.topology import names
from hakit.topology.intents import ClusterIntent

Manifest = dict[str, Any]
#: The field manager of everything that a Cluster's manifest holds, in Pulumi and in whatever else applies it.
MANAGER = "hakit"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


@dataclass(frozen=True)
class Planned:
    """One object to create.

    Attributes:
        key: what its resource is called within the component, such as `cluster-g1`.
        holds_data: protected, and kept when it leaves the program.
        stays: kept when it leaves the program, but not protected.
    """

    key: str
    manifest: Manifest
    holds_data: bool = False
    stays: bool = False


def plan(spec: PostgresSpec) -> list[Planned]:
    """Everything of this database in this region but its Secrets, in the order in which it is created.

    `created` comes after the Clusters: before, the guard would refuse them.
    """
    intent = spec.intent
    highest = max(each.member for each in (*intent.kept, intent))
    kept = [each for each in intent.kept if each.incarnation not in spec.dropped]
    found = list(_stores(spec))
    found += [Planned(f"cluster-g{each.incarnation}", cluster(spec, each), holds_data=True) for each in (*kept, intent)]
    found.append(Planned("created", guard.created_record(spec.pair.name, spec.database, highest), stays=True))
    found.append(Planned("service", service(spec)))
    found += _write_path(spec)
    name = spec.cluster_name(intent.member)
    if spec.archive:
        # A copy that lost its role waits for a rebuild; until then no backup of it can succeed. Nor before the plugin
        # is in a Cluster that was there before.
        as_it_is = spec.adopted is not None and spec.adopted.as_it_is
        backup = scheduled_backup(spec.archive, name, spec.namespace, suspend=not intent.awaits_ready or as_it_is)
        found.append(Planned(f"backup-g{intent.incarnation}", backup))
    if spec.extensions:
        found.append(Planned(f"database-g{intent.incarnation}", database(spec, name), stays=True))
    if spec.pooler:
        found.append(Planned(f"pooler-g{intent.incarnation}", postgres_pooler.manifest(spec, spec.pooler, name)))
        found.append(Planned("pooler", postgres_pooler.service(spec, name)))
    if spec.pod_monitor:
        found.append(Planned("monitor", pod_monitor(spec, name)))
    return found


def _write_path(spec: PostgresSpec) -> list[Planned]:
    """What an active-active pair has beside."""
    if spec.pair.writes == "primary-region":
        return [Planned("primary", postgres_active.primary_service(spec))]
    if spec.exchange is None:
        return []
    found = [Planned(f"publication-g{spec.intent.incarnation}", postgres_active.publication(spec, spec.exchange))]
    if spec.exchange.subscribe:
        found += [
            Planned(f"subscription-{region}", postgres_active.subscription(spec, spec.exchange, region))
            for region in postgres_active.peers(spec)
        ]
    return found


def _stores(spec: PostgresSpec) -> list[Planned]:
    """The stores of every region: the own one to write, the others to recover from."""
    if spec.archive is None:
        return []
    stores = []
    for region in spec.pair.regions if spec.exchange is None else (spec.region.name,):
        own = region == spec.region.name
        manifest = {
            "apiVersion": "barmancloud.cnpg.io/v1",
            "kind": "ObjectStore",
            "metadata": {"name": store_name(spec.database, region), "namespace": spec.namespace},
            "spec": store(spec.archive, spec.pair.name, spec.database, region, own=own),
        }
        stores.append(Planned(f"store-{region}", manifest, holds_data=True))
    return stores + _adopted_store(spec, spec.archive) + _restored_store(spec, spec.archive)


def _adopted_store(spec: PostgresSpec, archive: ArchiveSpec) -> list[Planned]:
    """The store of an archive that was there before, where it is: its region writes it, the others recover from it."""
    found = spec.adopted
    if found is None or found.path is None:
        return []
    region = found.copy.region
    wanted = store(archive, spec.pair.name, spec.database, region, own=region == spec.region.name)
    wanted["configuration"]["destinationPath"] = found.path
    manifest = {
        "apiVersion": "barmancloud.cnpg.io/v1",
        "kind": "ObjectStore",
        "metadata": {
            "name": store_name(spec.database, region) + store_suffix(found, found.copy),
            "namespace": spec.namespace,
        },
        "spec": wanted,
    }
    return [Planned("store-adopted", manifest, holds_data=True)]


def _restored_store(spec: PostgresSpec, archive: ArchiveSpec) -> list[Planned]:
    """The store of the archive that a database is restored from, to read: without a retention policy nothing goes."""
    found = spec.restored
    if found is None or spec.region.name != spec.pair.founded:
        return []
    manifest = {
        "apiVersion": "barmancloud.cnpg.io/v1",
        "kind": "ObjectStore",
        "metadata": {"name": store_name(spec.database, SOURCE), "namespace": spec.namespace},
        "spec": store(archive, found.pair, found.database, found.copy.region, own=False),
    }
    return [Planned(f"store-{SOURCE}", manifest)]


def cluster(spec: PostgresSpec, intent: ClusterIntent) -> Manifest:
    """The Cluster of one copy. `cnpg.io/fencedInstances` is never in it: the region's fence owns that."""
    wanted = size(spec, intent)
    metadata = guard.cluster_metadata(spec.pair.name, intent)
    metadata["annotations"]["pulumi.com/patchFieldManager"] = MANAGER
    if not intent.awaits_ready:
        metadata["annotations"]["pulumi.com/skipAwait"] = "true"
    name = spec.cluster_name(intent.member)
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": spec.namespace, **metadata},
        "spec": {
            **copy.deepcopy(dict(spec.extra)),
            **({"imageName": spec.image} if spec.image else {}),
            "instances": wanted.instances,
            **(postgres_active.members(spec, spec.exchange) if spec.exchange else membership(spec, intent)),
            **_placement(spec, name),
            **_volumes(spec, intent),
            **_resources(wanted),
            "postgresql": _postgresql(spec, wanted),
            "probes": _probes(spec, intent),
            "enablePDB": wanted.instances > 1,  # of one instance the budget blocks every drain, for good
            "smartShutdownTimeout": spec.shutdown.smart,
            "stopDelay": spec.shutdown.stop,
            "switchoverDelay": spec.shutdown.switchover,
            **_logins(spec),
            **_certificates(spec),
            **_archive(spec, intent),
        },
    }


def _placement(spec: PostgresSpec, name: str) -> Manifest:
    """Over zones by rule from three zones on, as ZonalApp does; over hosts as a wish."""
    strict = len(spec.zones) >= 3 and not spec.existing_volumes
    return {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": ZONE,
                "whenUnsatisfiable": "DoNotSchedule" if strict else "ScheduleAnyway",
                # The tainted nodes of a lost zone do not count, so the rule never waits for a zone that is gone.
                "nodeTaintsPolicy": "Honor",
                "labelSelector": {"matchLabels": {"cnpg.io/cluster": name}},
            }
        ],
        "affinity": {
            "enablePodAntiAffinity": True,
            "podAntiAffinityType": "preferred",
            "topologyKey": HOST,
            **({"nodeSelector": dict(spec.node_selector)} if spec.node_selector else {}),
            **({"tolerations": [dict(each) for each in spec.tolerations]} if spec.tolerations else {}),
        },
    }


def _volumes(spec: PostgresSpec, intent: ClusterIntent) -> Manifest:
    """Two volumes: WAL that cannot be archived fills its own, and never the data's. A Cluster that was there
    before gets its second one when it is asked for."""

    def volume(volume_size: str) -> Manifest:
        return {"size": volume_size, "storageClass": spec.storage_class}

    found = spec.adopted
    if found and found.copy == intent.member and not found.wal_volume:
        return {"storage": volume(spec.storage)}
    return {"storage": volume(spec.storage), "walStorage": volume(spec.wal_storage)}


def _resources(wanted: Size) -> Manifest:
    return {"resources": copy.deepcopy(dict(wanted.resources))} if wanted.resources is not None else {}


def _postgresql(spec: PostgresSpec, wanted: Size) -> Manifest:
    parameters = {**(postgres_active.parameters(spec) if spec.exchange else {}), **spec.parameters}
    if spec.archive_timeout is not None:
        parameters["archive_timeout"] = f"{spec.archive_timeout}s"
    section: Manifest = {"parameters": parameters}
    if spec.synchronous and wanted.instances > spec.synchronous.number:
        section["synchronous"] = {
            "method": "any",
            "number": spec.synchronous.number,
            "dataDurability": spec.synchronous.durability,
            # Never promote an instance of which nobody knows that it has every acknowledged commit.
            "failoverQuorum": True,
        }
    return section


def _probes(spec: PostgresSpec, intent: ClusterIntent) -> Manifest:
    """A standby that lags takes no reads.

    Not in a copy that streams from another region, nor in one that did until just now: its first instance would be
    unready whenever the way there is cut, which is when it is to be promoted. Without a route the probe lets it pass.
    The instances read the kind of a probe themselves, so a change of it restarts nothing (CloudNativePG 1.30,
    pkg/specs/pods.go and pkg/management/postgres/webserver/probes/streaming.go).
    """
    last = spec.pair.handovers[-1] if spec.pair.handovers else None
    at_rest = last is None or last.settled or last.kind == "rebuild"
    if spec.routes and not (intent.is_primary and at_rest):
        return {"readiness": {"type": "pg_isready"}}
    return {"readiness": {"type": "streaming", "maximumLag": spec.max_lag}}


def _logins(spec: PostgresSpec) -> Manifest:
    section: Manifest = {"enableSuperuserAccess": spec.superuser is not None}
    if spec.superuser:
        section["superuserSecret"] = {"name": spec.superuser.secret}
    roles = [managed_role(name, dict(wanted)) for name, wanted in spec.roles.items()]
    if spec.ready_secret:
        roles.append(ready.managed_role(spec.ready_secret))
    if roles := [*roles, *postgres_active.subscriber_role(spec)]:
        section["managed"] = {"roles": roles}
    return section


def _certificates(spec: PostgresSpec) -> Manifest:
    given = spec.certificates
    section: Manifest = {
        key: value
        for key, value in (
            ("serverCASecret", given.server_ca),
            ("serverTLSSecret", given.server_tls),
            ("clientCASecret", given.client_ca),
            ("replicationTLSSecret", given.replication_tls),
        )
        if value
    }
    own = spec.routes.get(spec.region.name)
    if own and not own.is_address and not given.server_tls:
        # Without it `verify-full` fails: the certificate that CloudNativePG makes names its own Services only.
        section["serverAltDNSNames"] = [own.host]
    return {"certificates": section} if section else {}


def _archive(spec: PostgresSpec, intent: ClusterIntent) -> Manifest:
    if spec.archive is None:
        return {}
    section: Manifest = {"plugins": [{**archive_of(spec, intent.member), "isWALArchiver": True}]}
    if spec.archive.role_arn:
        annotation = {"eks.amazonaws.com/role-arn": spec.archive.role_arn}
        section["serviceAccountTemplate"] = {"metadata": {"annotations": annotation}}
    return section


def service(spec: PostgresSpec) -> Manifest:
    """The Service that applications use. Its name stays when the incarnation changes."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.service(spec.database),
            "namespace": spec.namespace,
            # A standby may have no instance yet, and nothing waits for that.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {
                "cnpg.io/cluster": spec.cluster_name(spec.intent.member),
                "cnpg.io/instanceRole": "primary",
            },
            "ports": [{"name": "postgres", "port": 5432, "targetPort": 5432, "protocol": "TCP"}],
        },
    }


def database(spec: PostgresSpec, cluster_name: str) -> Manifest:
    """The application's database, for its extensions. On a replica CloudNativePG leaves it for the promotion."""
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Database",
        "metadata": {"name": cluster_name, "namespace": spec.namespace},
        "spec": {
            "name": spec.database_name,
            "owner": spec.owner,
            "cluster": {"name": cluster_name},
            "databaseReclaimPolicy": "retain",
            "extensions": [{"name": name, "ensure": "present"} for name in spec.extensions],
        },
    }


def pod_monitor(spec: PostgresSpec, cluster_name: str) -> Manifest:
    """Its own object: `monitoring.enablePodMonitor` of the Cluster is deprecated."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": names.service(spec.database), "namespace": spec.namespace},
        "spec": {
            "selector": {"matchLabels": {"cnpg.io/cluster": cluster_name}},
            "podMetricsEndpoints": [{"port": "metrics"}],
        },
    }


def secret(spec: PostgresSpec, name: str, user: str) -> Manifest:
    """A login's Secret but for its password and what holds it; the component fills those in.

    CloudNativePG reads `username` and `password` of type basic-auth; the rest is for the application. The label makes
    the instances read a changed one.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name, "namespace": spec.namespace, "labels": {"cnpg.io/reload": "true"}},
        "stringData": {
            "username": user,
            "host": host(spec),
            "port": "5432",
            "dbname": spec.database_name,
        },
    }


def host(spec: PostgresSpec) -> str:
    """The DNS name of the Service that applications use, within the region's cluster."""
    by = names.primary_service if spec.pair.writes == "primary-region" else names.service
    return f"{by(spec.database)}.{spec.namespace}.svc"
