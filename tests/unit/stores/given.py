"""The arguments of data stores in the topology of `tests.unit.postgres.given`, over two regions, a and b."""

from collections.abc import Mapping, Sequence
from typing import Any

from hakit.plan import mariadb, minio, rclone, redis
from hakit.plan.mariadb_spec import MariaDbSpec, specify
from hakit.plan.minio import MinioSpec
from hakit.plan.rclone import RcloneSpec
from hakit.plan.redis import RedisSpec
from tests.unit.postgres.given import topology

ALONE: dict[str, Any] = {"alone": "the shop can be without it for a day"}
MULTI: dict[str, Any] = {
    "multi_cluster": "reports only, and we watch it",
    "routes": {"a": {"host": "a.db.example.com"}, "b": {"host": "b.db.example.com", "port": 3307}},
    "authority": "db-authority",
}
CREDENTIALS = {"root": {"secret": "db-root"}, "application": {"secret": "db-app"}}
STORES = {
    "a": {"bucket": "dumps-a", "secret": "s3-a"},
    "b": {"bucket": "dumps-b", "secret": "s3-b", "endpoint": "minio.b.example.com:9000", "endpoint_ca": "minio-ca"},
}


def mariadb_spec(scope: str, *entries: Mapping[str, Any], **arguments: Any) -> MariaDbSpec:
    """A MariaDbCluster that replicates, unless the arguments say that it is alone."""
    given = topology(
        *entries, regions=("a", "b"), **{key: arguments.pop(key) for key in ("rpo", "writes") if key in arguments}
    )
    chosen = {} if "alone" in arguments else MULTI
    replication = {} if "alone" in arguments else {"replication": {"secret": "db-replication"}}
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": scope,
        "namespace": "shop",
        "storage": "20Gi",
        "credentials": {**CREDENTIALS, **replication},
        "backup": {"stores": STORES},
        **chosen,
        **arguments,
    }
    return specify("orders", {key: value for key, value in args.items() if value is not None}, given)


def mariadb_objects(scope: str, *entries: Mapping[str, Any], **arguments: Any) -> dict[str, dict[str, Any]]:
    """Every manifest by its key."""
    return {each.key: each.manifest for each in mariadb.plan(mariadb_spec(scope, *entries, **arguments))}


FILES: dict[str, dict[str, Any]] = {
    "a": {"bucket": "files-a", "prefix": "in", "secret": "s3-a"},
    "b": {"bucket": "files-b", "prefix": "in/", "secret": "s3-b"},
}


def rclone_spec(scope: str, entries: Sequence[Mapping[str, Any]] = (), **arguments: Any) -> RcloneSpec:
    given = topology(*entries, regions=("a", "b"))
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": scope,
        "namespace": "shop",
        "stores": FILES,
        "rpo": 1800,
        **arguments,
    }
    chosen = {key: value for key, value in args.items() if value is not None}
    return rclone.specify("files", chosen, given)


def redis_spec(scope: str = "a", **arguments: Any) -> RedisSpec:
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": scope,
        "namespace": "shop",
        "storage": "5Gi",
        "password": {"secret": "sessions"},
        "regional": "sessions may end with a handover",
        **arguments,
    }
    chosen = {key: value for key, value in args.items() if value is not None}
    return redis.specify("sessions", chosen, topology(regions=("a", "b")))


def redis_objects(scope: str = "a", **arguments: Any) -> dict[str, dict[str, Any]]:
    return {each.key: each.manifest for each in redis.plan(redis_spec(scope, **arguments))}


SITES = {
    "a": {"endpoint": "https://minio.a.example.com", "secret": "minio-a"},
    "b": {"endpoint": "https://minio.b.example.com:9000", "secret": "minio-b"},
}


def minio_spec(scope: str = "a", entries: Sequence[Mapping[str, Any]] = (), **arguments: Any) -> MinioSpec:
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": scope,
        "namespace": "shop",
        "unmaintained": "a licence of its successor",
        "sites": SITES,
        **arguments,
    }
    chosen = {key: value for key, value in args.items() if value is not None}
    return minio.specify("objects", chosen, topology(*entries, regions=("a", "b")))
