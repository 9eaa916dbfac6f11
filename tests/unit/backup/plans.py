"""BackupPlans in the topology of `tests.unit.postgres.given`, over two regions, a and b."""

from collections.abc import Mapping, Sequence
from typing import Any

from hakit.plan import backup
from hakit.plan.backup_spec import BackupSpec, specify
from hakit.plan.backup_tiers import Promise
from tests.unit.postgres.given import topology

STORES: dict[str, dict[str, Any]] = {
    "a": {"copies": {"b": "acme-prod-b-velero"}},
    "b": {"copies": {"a": "acme-prod-a-velero"}},
}
VELERO: dict[str, Any] = {"stores": STORES, "repository_password_elsewhere": "the secret store makes it"}


def spec(
    scope: str = "a",
    entries: Sequence[Mapping[str, Any]] = (),
    *,
    regions: Sequence[str] = ("a", "b"),
    writes: str | None = None,
    **arguments: Any,
) -> BackupSpec:
    args = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": scope,
        "databases": {"orders": {}},
        "applications": {"shop": {}},
        "velero": VELERO,
        **arguments,
    }
    given = {key: value for key, value in args.items() if value is not None}
    return specify("nightly", given, topology(*entries, regions=regions, writes=writes))


def objects(scope: str = "a", entries: Sequence[Mapping[str, Any]] = (), **arguments: Any) -> dict[str, Any]:
    """Every manifest by its key."""
    return {each.key: each.manifest for each in backup.plan(spec(scope, entries, **arguments))}


def database(**arguments: Any) -> Promise:
    lock = arguments.pop("lock_days", None)
    return spec(databases={"orders": arguments}, applications=None, velero=None, lock_days=lock).databases["orders"]


def application(**arguments: Any) -> Promise:
    lock = arguments.pop("lock_days", None)
    return spec(databases=None, applications={"shop": arguments}, lock_days=lock).applications["shop"].promise


DIGEST = "@sha256:" + "a" * 64
REDIS: dict[str, Any] = {"engine": "redis", "database": None}


def dumps(**arguments: Any) -> dict[str, Any]:
    """One of a PostgreSQL, into a bucket outside of the pair's regions."""
    args = {
        "namespace": "finance",
        "host": "ledger.finance.svc",
        "database": "ledger",
        "secret": "ledger-login",
        "image": f"docker.io/library/postgres{DIGEST}",
        "copy_image": f"docker.io/rclone/rclone{DIGEST}",
        "store": {"bucket": "acme-dumps", "region": "c", "secret": "dumps"},
        "scratch": "20Gi",
        **arguments,
    }
    return {key: value for key, value in args.items() if value is not None}
