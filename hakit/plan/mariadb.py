"""The manifests of one MariaDB database in one region, by mariadb-operator. Pure.

In one region: operator 25.10, replication with semi-synchronous commits
(https://github.com/mariadb-operator/mariadb-operator/blob/v25.10.4/docs/replication.md). Across two: the multi-cluster
topology of 26.6, a preview upstream (docs/multi-cluster.md there). What its promotion does not wait for, hakit makes
wait: `turn` says when a copy is held. docs/other-databases.md has the whole table.
"""

import copy as copies
from dataclasses import dataclass
from typing import Any

from hakit.plan import guard
from hakit.plan.mariadb_spec import MariaDbSpec, Store, first_copy
from hakit.plan.stores import ACCESS_KEY, MANAGER, SECRET_KEY, Manifest, Planned, spread
from hakit.topology import names
from hakit.topology.copies import Copy
from hakit.topology.handovers import Standing, standing
from hakit.topology.intents import ClusterIntent
from hakit.topology.model import Pair

API = "k8s.mariadb.com/v1alpha1"


@dataclass(frozen=True)
class Turn:
    """What a copy may do now.

    Attributes:
        primary: the copy that it takes for the primary; itself when it follows nobody.
        held: read-only, and without new connections.
        active: the copy that the pair's list calls active, held or not.
    """

    primary: Copy
    held: bool
    active: bool


def turn(pair: Pair, database: str, copy: Copy) -> Turn:
    """What a copy may do, from the pair's list.

    A planned handover opens its target only when the entry is settled, not already with its token: the operator's
    demotion starts at the new primary's *present* position (`reconfigureReplicaClusterGtids` of 26.6), so a row that
    was written there before would be missing here for good. A copy that a failover left behind follows nobody, for the
    same reason: it waits, read-only, for its rebuild.
    """
    now = standing(pair, database)
    if copy in now.superseded or copy.incarnation != now.current[copy.region]:
        return Turn(copy, held=True, active=False)
    if copy == now.active:
        return Turn(copy, held=now.target is not None or now.demoted is not None, active=True)
    return Turn(now.active, held=copy == now.demoted, active=False)


def plan(spec: MariaDbSpec) -> list[Planned]:
    """Everything of this database in this region, in the order in which it is created.

    `created` comes after the MariaDBs: before, the guard would refuse them.
    """
    intent = spec.intent
    kept = [each for each in intent.kept if each.incarnation not in spec.dropped]
    highest = max(each.member for each in (*intent.kept, intent))
    found = [Planned(f"member-{name}", member) for name, member in _members(spec, kept).items()]
    found += [Planned(f"mariadb-g{each.incarnation}", mariadb(spec, each), holds_data=True) for each in (*kept, intent)]
    found.append(Planned("created", guard.created_record(spec.pair.name, spec.database, highest), stays=True))
    now = turn(spec.pair, spec.database, intent.member)
    # Only on the primary: a replica's copy of them comes by replication, and upstream backs up the primary alone.
    if now.active:
        name = names.member(spec.database, intent.member)
        found += [Planned(f"{kind}-g{intent.incarnation}", made, stays=True) for kind, made in _login(spec, name)]
        if spec.backups:
            found.append(Planned(f"backup-g{intent.incarnation}", backup(spec, intent.member)))
    return found


def mariadb(spec: MariaDbSpec, intent: ClusterIntent) -> Manifest:
    """The MariaDB of one copy."""
    now = turn(spec.pair, spec.database, intent.member)
    name = names.member(spec.database, intent.member)
    metadata = guard.cluster_metadata(spec.pair.name, intent)
    metadata["annotations"]["pulumi.com/patchFieldManager"] = MANAGER
    return {
        "apiVersion": API,
        "kind": "MariaDB",
        "metadata": {"name": name, "namespace": spec.namespace, **metadata},
        "spec": {
            **copies.deepcopy(dict(spec.extra)),
            "image": spec.image,
            "replicas": spec.instances,
            "rootPasswordSecretKeyRef": _key(spec.root),
            "storage": {"size": spec.storage, "storageClassName": spec.storage_class},
            "replication": _replication(spec, intent.member, now),
            "tls": _tls(spec),
            **({"resources": copies.deepcopy(dict(spec.resources))} if spec.resources else {}),
            "topologySpreadConstraints": spread(
                # https://github.com/mariadb-operator/mariadb-operator/blob/v25.10.4/pkg/builder/labels/labels.go
                {"app.kubernetes.io/name": "mariadb", "app.kubernetes.io/instance": name},
                spec.zones,
                existing_volumes=spec.existing_volumes,
            ),
            "podDisruptionBudget": {"maxUnavailable": 1},
            **_bootstrap(spec, intent.member),
            **(_multi_cluster(spec, intent.member, now) if spec.follows else {}),
        },
    }


def _replication(spec: MariaDbSpec, copy: Copy, now: Turn) -> Manifest:
    replica: Manifest = {}
    if spec.replication:
        replica["replPasswordSecretKeyRef"] = _key(spec.replication)
    if spec.backups and now.active:
        # A replica whose primary has purged what it needs is cloned again, from such a backup.
        replica["bootstrapFrom"] = {"physicalBackupTemplateRef": {"name": names.member(spec.database, copy)}}
        replica["recovery"] = {"enabled": True}
    section: Manifest = {
        "enabled": True,
        "primary": {"autoFailover": True},
        **({"replica": replica} if replica else {}),
        # A restart of the primary loses nothing that was acknowledged.
        "syncBinlog": 1,
    }
    if not spec.follows:
        # AfterSync: the acknowledgement precedes the commit, so nobody reads a row that a failover then loses
        # (https://mariadb.com/docs/server/ha-and-performance/standard-replication/semisynchronous-replication).
        return {**section, "semiSyncEnabled": True, "semiSyncWaitPoint": "AfterSync"}
    # Upstream's every multi-cluster example is without it: until 26.10 a replica, too, waited for acknowledgements.
    return {
        **section,
        "semiSyncEnabled": False,
        "gtidDomainId": _domain(spec.pair, copy),
        "serverIdStartIndex": 10 * (_domain(spec.pair, copy) + 1),
    }


def _domain(pair: Pair, copy: Copy) -> int:
    """Different for every copy that ever was: 0 for the first one, as upstream has it."""
    return (0 if copy.region == pair.founded else 1) + 10 * (copy.incarnation - 1)


def _tls(spec: MariaDbSpec) -> Manifest:
    section: Manifest = {"enabled": True, "required": True}
    if spec.authority:
        section |= {"serverCASecretRef": {"name": spec.authority}, "clientCASecretRef": {"name": spec.authority}}
    if spec.follows:
        section["serverCertAdditionalNames"] = [spec.routes[spec.region.name].host]
    return section


def _bootstrap(spec: MariaDbSpec, copy: Copy) -> Manifest:
    source = _born_from(spec.pair, spec.database, copy)
    if source is None or spec.backups is None:
        return {}
    return {
        "bootstrapFrom": {
            "s3": _s3(spec, spec.backups.stores[source.region], source),
            "backupContentType": "Physical",
        }
    }


def _born_from(pair: Pair, database: str, copy: Copy) -> Copy | None:
    """The copy whose backup this one starts from; it never changes, as the operator refuses to change the field."""
    if copy == first_copy(pair):
        return None
    for number, entry in enumerate(pair.handovers):
        if entry.kind == "rebuild" and (entry.to, entry.incarnation) == (copy.region, copy.incarnation):
            return standing(pair.model_copy(update={"handovers": pair.handovers[:number]}), database).active
    return first_copy(pair)


def _multi_cluster(spec: MariaDbSpec, copy: Copy, now: Turn) -> Manifest:
    members = [names.member(spec.database, each) for each in _seen_by(spec, copy)]
    section: Manifest = {
        "multiCluster": {
            "enabled": True,
            "primary": names.member(spec.database, now.primary),
            "members": [{"name": each, "externalMariaDbRef": {"name": each}} for each in members],
        }
    }
    if now.held:
        section["maintenance"] = {
            "enabled": True,
            "cordon": True,
            "drainConnections": True,
            "drainGracePeriodSeconds": 30,
            "readOnly": True,
        }
    return section


def _seen_by(spec: MariaDbSpec, copy: Copy) -> list[Copy]:
    """The members that a copy lists: itself, kept or not, and the other region's current one, in the pair's order."""
    now: Standing = standing(spec.pair, spec.database)
    return [copy if region == copy.region else Copy(region, now.current[region]) for region in spec.pair.regions]


def _members(spec: MariaDbSpec, kept: list[ClusterIntent]) -> dict[str, Manifest]:
    """How each member is reached; root, as the operator sets up its replication with it."""
    if not spec.follows:
        return {}
    listed = {each for intent in (*kept, spec.intent) for each in _seen_by(spec, intent.member)}
    found = {}
    for each in sorted(listed):
        name, route = names.member(spec.database, each), spec.routes[each.region]
        authority = {"name": spec.authority}
        found[name] = {
            "apiVersion": API,
            "kind": "ExternalMariaDB",
            "metadata": {"name": name, "namespace": spec.namespace},
            "spec": {
                "host": route.host,
                "port": route.port,
                "username": "root",
                "passwordSecretKeyRef": _key(spec.root),
                "tls": {"enabled": True, "serverCASecretRef": authority, "clientCASecretRef": authority},
            },
        }
    return found


def _login(spec: MariaDbSpec, name: str) -> list[tuple[str, Manifest]]:
    """The application's database and its owner. `Skip`: what leaves the program is never dropped in SQL."""
    common = {"mariaDbRef": {"name": name}, "cleanupPolicy": "Skip"}
    specs: list[tuple[str, str, Manifest]] = [
        (
            "database",
            "Database",
            {"name": spec.database_name, "characterSet": "utf8mb4", "collate": "utf8mb4_unicode_ci"},
        ),
        (
            "user",
            "User",
            {
                "name": spec.owner,
                "host": "%",
                "passwordSecretKeyRef": _key(spec.application),
                "maxUserConnections": 0,  # no limit of its own; the operator's default is 10
            },
        ),
        (
            "grant",
            "Grant",
            {"username": spec.owner, "host": "%", "database": spec.database_name, "privileges": ["ALL PRIVILEGES"]},
        ),
    ]
    return [
        (
            key,
            {
                "apiVersion": API,
                "kind": kind,
                "metadata": {"name": f"{name}-{key}", "namespace": spec.namespace},
                "spec": {**common, **own},
            },
        )
        for key, kind, own in specs
    ]


def backup(spec: MariaDbSpec, copy: Copy) -> Manifest:
    """Physical backups of the active copy; the first at once, as another region starts from it."""
    name, backups = names.member(spec.database, copy), spec.backups
    assert backups is not None  # noqa: S101  asked only where there are some
    return {
        "apiVersion": API,
        "kind": "PhysicalBackup",
        "metadata": {"name": name, "namespace": spec.namespace},
        "spec": {
            "mariaDbRef": {"name": name},
            "schedule": {"cron": backups.schedule, "immediate": True},
            "maxRetention": backups.retention,
            "target": "PreferReplica",
            "compression": "gzip",
            "storage": {"s3": _s3(spec, backups.stores[copy.region], copy)},
        },
    }


def _s3(spec: MariaDbSpec, store: Store, copy: Copy) -> Manifest:
    tls: dict[str, Any] = {"enabled": True}
    if store.ca_secret:
        tls["caSecretKeyRef"] = {"name": store.ca_secret, "key": "ca.crt"}
    return {
        "bucket": store.bucket,
        "prefix": names.archive(spec.pair.name, spec.database, copy),
        "endpoint": store.endpoint,
        "region": store.region,
        "accessKeyIdSecretKeyRef": {"name": store.secret, "key": ACCESS_KEY},
        "secretAccessKeySecretKeyRef": {"name": store.secret, "key": SECRET_KEY},
        "tls": tls,
    }


def _key(secret: str) -> Manifest:
    return {"name": secret, "key": "password"}


def host(spec: MariaDbSpec) -> str:
    """The operator's Service of the copy's primary: it loses its endpoints while the copy is held."""
    return f"{names.member(spec.database, spec.intent.member)}-primary.{spec.namespace}.svc"
