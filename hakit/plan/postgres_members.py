"""Who follows whom: the replica section, the list of members, how a copy starts, how large it is. Pure.

Everything comes from the intent of `topology.intents`; no role is decided here.
"""

from typing import Any

from hakit.plan import ready
from hakit.plan.postgres_adopt import store_suffix
from hakit.plan.postgres_durability import Size
from hakit.plan.postgres_reach import Route
from hakit.plan.postgres_restore import SOURCE
from hakit.plan.postgres_spec import PostgresSpec
from hakit.plan.postgres_storage import PLUGIN, plugin, store_name
from hakit.topology import names
from hakit.topology.handovers import Copy, standing
from hakit.topology.intents import ClusterIntent
from hakit.topology.model import Pair

Manifest = dict[str, Any]
REPLICATION_USER = "streaming_replica"


def archive_of(spec: PostgresSpec, copy: Copy) -> Manifest:
    """Where a copy's archive is, as the plugin reads it."""
    found = plugin(spec.database, copy)
    if suffix := store_suffix(spec.adopted, copy):
        found["parameters"] = {
            "barmanObjectName": found["parameters"]["barmanObjectName"] + suffix,
            "serverName": spec.adopted.server if spec.adopted else "",
        }
    return found


def membership(spec: PostgresSpec, intent: ClusterIntent) -> Manifest:
    """The sections that make a Cluster one member of a distributed topology."""
    return {
        "replica": replica(intent),
        "externalClusters": external_clusters(spec, intent),
        "bootstrap": bootstrap(spec, intent),
    }


def replica(intent: ClusterIntent) -> Manifest:
    """The replica section: a distributed topology, in which a copy is primary when `primary` is its own name."""
    section = {
        "self": names.member(intent.database, intent.member),
        "primary": names.member(intent.database, intent.primary),
        "source": names.member(intent.database, intent.source),
    }
    if intent.promotion_token is not None:
        section["promotionToken"] = intent.promotion_token
    elif intent.clear_token:
        # A token left in the spec makes the next demotion fail (cloudnative-pg#9273); empty is none to CloudNativePG.
        section["promotionToken"] = ""
    return section


def members(spec: PostgresSpec, intent: ClusterIntent) -> list[Copy]:
    """Every copy that counts, and this one when it is a kept one. Each side lists them all."""
    now = standing(spec.pair, spec.database)
    current = [Copy(region, now.current[region]) for region in spec.pair.regions]
    return current if intent.member in current else [*current, intent.member]


def external_clusters(spec: PostgresSpec, intent: ClusterIntent) -> list[Manifest]:
    """The members as `externalClusters`: by their archives, and by their routes where they have one."""
    own = spec.cluster_name(intent.member)
    listed = [_member(spec, copy, own) for copy in members(spec, intent)]
    if spec.restored and intent.bootstrap == "initdb":
        parameters = {"barmanObjectName": store_name(spec.database, SOURCE), "serverName": spec.restored.server}
        listed.append({"name": SOURCE, "plugin": {"name": PLUGIN, "parameters": parameters}})
    return listed


def _member(spec: PostgresSpec, copy: Copy, own: str) -> Manifest:
    entry: Manifest = {"name": names.member(spec.database, copy)}
    if spec.archive:
        entry["plugin"] = archive_of(spec, copy)
    route = spec.routes.get(copy.region)
    if route and copy.region != spec.region.name:
        entry |= _connection(route, route.client_secret or f"{own}-replication")
    elif not spec.archive:
        # A member is listed with something, even where nothing reads it: this copy itself, or the one that replaced it.
        host = f"{spec.cluster_name(copy)}-rw"
        entry["connectionParameters"] = {"host": host, "user": REPLICATION_USER, "dbname": "postgres"}
    return entry


def _connection(route: Route, client_secret: str) -> Manifest:
    return {
        "connectionParameters": {
            "host": route.host,
            "port": str(route.port),
            "user": REPLICATION_USER,
            "dbname": "postgres",
            "sslmode": route.tls,
        },
        "sslRootCert": {"name": route.ca_secret, "key": "ca.crt"},
        "sslCert": {"name": client_secret, "key": "tls.crt"},
        "sslKey": {"name": client_secret, "key": "tls.key"},
    }


def bootstrap(spec: PostgresSpec, intent: ClusterIntent) -> Manifest:
    """How the copy starts: where the pair was founded empty, or restored; else as a copy of another one.

    The application's database, owner and Secret stand in each: CloudNativePG sets the owner's password on promotion,
    to that of the Secret named here, or of one that it makes up.
    """
    application = {
        "database": spec.database_name,
        "owner": spec.owner,
        "secret": {"name": spec.application.secret},
    }
    if spec.restored and intent.bootstrap == "initdb":
        target = {"recoveryTarget": dict(spec.restored.target)} if spec.restored.target else {}
        return {"recovery": {"source": SOURCE, **application, **target}}
    if intent.bootstrap == "initdb" or intent.recover_from is None:
        more = {"postInitApplicationSQL": ready.statements()} if spec.ready_secret else {}
        return {"initdb": {**application, "dataChecksums": True, **more}}
    source = {"source": names.member(spec.database, intent.recover_from)}
    return {"pg_basebackup" if spec.streams else "recovery": {**source, **application}}


def size(spec: PostgresSpec, intent: ClusterIntent) -> Size:
    """How large a copy is: as declared for an active region, or for a standby.

    CloudNativePG deletes the volumes of instances that are taken away. So a copy is made small only once a planned
    handover is settled, and a kept copy, or one that a failover left behind, stays as large as it was.
    """
    copy, pair = intent.member, spec.pair
    if pair.is_partitioned:
        return spec.active
    while pair.handovers and standing(pair, spec.database).current[copy.region] != copy.incarnation:
        pair = _before(pair)
    return spec.active if _counts_as_active(pair, spec.database, copy) else spec.standby


def _counts_as_active(pair: Pair, database: str, copy: Copy) -> bool:
    now = standing(pair, database)
    return copy in (now.active, now.target, now.demoted) or copy in now.superseded


def _before(pair: Pair) -> Pair:
    return pair.model_copy(update={"handovers": pair.handovers[:-1]})
