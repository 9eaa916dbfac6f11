"""The databases of an active-active pair: by which way each region writes, and what carries rows to the others. Pure.

`primary-region` and `read-only` have one primary, as an active-passive pair has; with `primary-region` the applications
of every region write to it. `partitioned` gives every region a primary of its own: each publishes its rows and
subscribes to the others' (https://cloudnative-pg.io/documentation/1.30/logical_replication/). docs/active-active.md
says what that does not carry.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hakit.charts.quantity import parse_quantity
from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.postgres_logins import Credential
from hakit.plan.postgres_reach import Route
from hakit.topology import names
from hakit.topology.handovers import Copy, standing
from hakit.topology.model import Pair

if TYPE_CHECKING:
    from hakit.plan.postgres_spec import PostgresSpec

Manifest = dict[str, Any]
PORT = 5432
#: Of the publications in SQL, on every side.
PUBLICATION = "hakit"
#: The role that subscriptions log in as.
SUBSCRIBER = "hakit_subscriber"
#: `failover` of a subscription, by which its slot outlives the loss of the publisher's primary, came with 17:
#: https://www.postgresql.org/docs/17/logical-replication-failover.html. `origin` came with 16.
LEAST_POSTGRES = 17
#: A slot's name is as long as an identifier (https://www.postgresql.org/docs/current/limits.html).
_LONGEST = 63
#: What a partitioned copy's other arguments decide.
_PARAMETERS = ("wal_level", "hot_standby_feedback", "sync_replication_slots")


@dataclass(frozen=True)
class Exchange:
    """What the regions of a partitioned database tell each other.

    Attributes:
        tables: schema and name of each.
        subscribe: subscribe to the other regions; not before all of them have the tables and publish them.
        login: Secret that subscriptions log in with.
        copies_from: the region whose rows are copied at the beginning; None in the founded one, which has them.
    """

    tables: tuple[tuple[str, str], ...]
    subscribe: bool
    login: str
    copies_from: str | None


def check_write_path(given: Arguments, pair: Pair, routes: Mapping[str, Route]) -> None:
    """Refuse a write path that leads nowhere."""
    if pair.writes not in ("primary-region", "partitioned"):
        return
    for region in pair.regions:
        if region not in routes:
            raise HakitError(
                f"routes.{region} is missing: with writes: {pair.writes} the other regions connect to it",
                where=given.where,
                do=f"declare routes.{region}: host, and ca_secret or one authority in certificates",
            )
    if pair.writes == "primary-region":
        for region, route in routes.items():
            _check_alias(given, region, route)


def _check_alias(given: Arguments, region: str, route: Route) -> None:
    """Applications reach the primary by the name of a Service, which DNS answers with the route's name."""
    if route.is_address:
        raise HakitError(
            f"routes.{region}.host: an address, and a Service can stand for another name only",
            where=given.where,
            given=route.host,
            allowed="a host name, with writes: primary-region",
        )
    if route.port != PORT:
        raise HakitError(
            f"routes.{region}.port: applications have one port for every region",
            where=given.where,
            given=route.port,
            allowed=str(PORT),
        )


def exchange(given: Arguments, pair: Pair, region: str, login: Credential | None) -> Exchange | None:
    """The argument `partitioned`, and what it forbids of the others; None for a pair that has one primary."""
    if not pair.is_partitioned:
        for path, there in (("partitioned", "partitioned" in given), ("credentials.replication", login is not None)):
            if there:
                raise HakitError(
                    f"{path}: pair {pair.name} has one primary",
                    where=given.where,
                    allowed="with writes: partitioned in the topology",
                )
        return None
    if "partitioned" not in given:
        raise given.missing("partitioned", "name the tables whose rows the regions exchange: {tables: [...]}")
    if login is None:
        raise given.missing("credentials.replication", "subscriptions log in with it, the same on every side")
    _refuse_useless(given)
    _check_version(given)
    inner = given.inner("partitioned", ("tables", "subscribe"))
    for other in pair.regions:
        if other != region:
            subscription_name(given.where, other, region)
    return Exchange(
        tables=_tables(inner),
        subscribe=inner.flag("subscribe"),
        login=login.secret,
        copies_from=None if region == pair.founded else pair.founded,
    )


def _refuse_useless(given: Arguments) -> None:
    for key in ("standby", "bootstrap", "dropped"):
        if key in given:
            raise HakitError(
                f"{key}: every region of a partitioned pair has a primary of its own", where=given.where, do="delete it"
            )
    for key in given.mapping("parameters"):
        if key in _PARAMETERS:
            raise HakitError(f"parameters.{key}: follows from writes: partitioned", where=given.where, do="delete it")
    if "replicationSlots" in given.mapping("extra"):
        raise HakitError("extra.replicationSlots: follows from writes: partitioned", where=given.where, do="delete it")
    if SUBSCRIBER in given.mapping("roles"):
        raise HakitError(f"roles.{SUBSCRIBER}: hakit's own", where=given.where, do="choose another name")


def _check_version(given: Arguments) -> None:
    why = f"PostgreSQL {LEAST_POSTGRES} or newer keeps a subscription's slot when the publisher's primary is lost"
    if "image" not in given:
        raise given.missing("image", f"name one with its version in the tag: {why}")
    image = given.text("image")
    found = re.search(r":(\d+)[^/]*$", image.partition("@")[0])
    if not found or int(found[1]) < LEAST_POSTGRES:
        raise HakitError(
            f"image: {why}",
            where=given.where,
            given=image,
            allowed=f"a tag that begins with the version, such as :{LEAST_POSTGRES}.6",
        )


def _tables(inner: Arguments) -> tuple[tuple[str, str], ...]:
    found = []
    for name in inner.names("tables"):
        schema, _, table = name.rpartition(".")
        if not re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", name):
            raise HakitError(
                f"{inner.path}.tables: not a table's name", where=inner.where, given=name,
                allowed="table or schema.table, in lower case letters, digits and underscores",
            )  # fmt: skip
        found.append((schema or "public", table))
    if not found:
        raise inner.missing("tables", "name the tables whose rows the regions exchange, such as [orders]")
    return tuple(found)


def subscription_name(where: str, publisher: str, subscriber: str) -> str:
    """The subscription in SQL and, at the publisher, its slot: both regions are in it, as slots of two must differ."""
    name = f"{publisher}_to_{subscriber}".replace("-", "_")
    if len(name) > _LONGEST:
        raise HakitError("the name of a subscription is too long", where=where, given=name, allowed=f"{_LONGEST}")
    return name


def peers(spec: "PostgresSpec") -> list[str]:
    return [region for region in spec.pair.regions if region != spec.region.name]


def members(spec: "PostgresSpec", wanted: Exchange) -> Manifest:
    """How a copy starts, and whom it subscribes to: in place of the sections of a replica."""
    application = {"database": spec.database_name, "owner": spec.owner, "secret": {"name": spec.application.secret}}
    return {
        "externalClusters": [_publisher(spec, wanted, region) for region in peers(spec)],
        "bootstrap": {"initdb": {**application, "dataChecksums": True}},
        # The subscriptions' slots are on the standbys too, or a failover within the region would lose changes:
        # https://cloudnative-pg.io/documentation/1.30/replication/#logical-decoding-slot-synchronization
        "replicationSlots": {"highAvailability": {"enabled": True, "synchronizeLogicalDecoding": True}},
    }


def _publisher(spec: "PostgresSpec", wanted: Exchange, region: str) -> Manifest:
    route = spec.routes[region]
    return {
        "name": names.member(spec.database, Copy(region, 1)),
        "connectionParameters": {
            "host": route.host,
            "port": str(route.port),
            "user": SUBSCRIBER,
            "dbname": spec.database_name,
            "sslmode": route.tls,
        },
        "sslRootCert": {"name": route.ca_secret, "key": "ca.crt"},
        "password": {"name": wanted.login, "key": "password"},
    }


def parameters(spec: "PostgresSpec") -> dict[str, str]:
    """Of postgresql.conf. A region that is gone holds its slots back: past half of the WAL volume they are given up,
    as else the regions that are left would fill their volumes and stop."""
    most = int(parse_quantity(spec.wal_storage, "wal_storage")) // 2 // 2**20
    return {"hot_standby_feedback": "on", "sync_replication_slots": "on", "max_slot_wal_keep_size": f"{most}MB"}


def subscriber_role(spec: "PostgresSpec") -> list[Manifest]:
    """Who the other regions' subscriptions log in as; the first copy of a table reads it as well."""
    if spec.exchange is None:
        return []
    return [
        {
            "name": SUBSCRIBER,
            "ensure": "present",
            "login": True,
            "replication": True,
            "inRoles": ["pg_read_all_data"],
            "passwordSecret": {"name": spec.exchange.login},
        }
    ]


def publication(spec: "PostgresSpec", wanted: Exchange) -> Manifest:
    """What this region tells the others. It never names all tables: what is created later would be in it, and no
    subscription would know."""
    cluster = names.cluster(spec.database, spec.intent.incarnation)
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Publication",
        "metadata": {"name": cluster, "namespace": spec.namespace},
        "spec": {
            "cluster": {"name": cluster},
            "dbname": spec.database_name,
            "name": PUBLICATION,
            "target": {"objects": [{"table": {"schema": schema, "name": name}} for schema, name in wanted.tables]},
            "publicationReclaimPolicy": "retain",
        },
    }


def subscription(spec: "PostgresSpec", wanted: Exchange, publisher: str) -> Manifest:
    """What this region learns of another one.

    Nothing in it ever changes: of one that is enabled PostgreSQL changes no `failover`, and CloudNativePG sets every
    parameter again with any change.
    """
    cluster = names.cluster(spec.database, spec.intent.incarnation)
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Subscription",
        "metadata": {"name": f"{cluster}-{publisher}", "namespace": spec.namespace},
        "spec": {
            "cluster": {"name": cluster},
            "dbname": spec.database_name,
            "name": subscription_name(spec.where, publisher, spec.region.name),
            "externalClusterName": names.member(spec.database, Copy(publisher, 1)),
            "publicationName": PUBLICATION,
            "parameters": {
                # Rows that came from elsewhere are not sent on, or they would go round for ever.
                "origin": "none",
                "copy_data": "true" if publisher == wanted.copies_from else "false",
                "failover": "true",
            },
            "subscriptionReclaimPolicy": "retain",
        },
    }


def primary_service(spec: "PostgresSpec") -> Manifest:
    """The name by which applications of any region reach the primary, wherever it is; DNS alone follows a handover."""
    active = standing(spec.pair, spec.database).active.region
    local = f"{names.service(spec.database)}.{spec.namespace}.svc.cluster.local"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.primary_service(spec.database),
            "namespace": spec.namespace,
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "type": "ExternalName",
            "externalName": local if active == spec.region.name else spec.routes[active].host,
        },
    }
