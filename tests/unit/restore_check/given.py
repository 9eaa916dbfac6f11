"""RestoreChecks in the topology of `tests.unit.postgres.given`, over two regions, a and b."""

from collections.abc import Mapping
from typing import Any

from hakit.plan import restore_check
from hakit.plan.restore_check_spec import RestoreCheckSpec, specify
from tests.unit.postgres.given import topology

IMAGE = "registry.example/python@sha256:" + "a" * 64


def spec(*entries: Mapping[str, Any], scope: str = "a", **arguments: Any) -> RestoreCheckSpec:
    """Of one database `orders`; `arguments` are the component's where it has such, and else the database's."""
    args: dict[str, Any] = {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": scope,
        "image": IMAGE,
        "archive": {"secret": "orders-s3"},
    }
    database: dict[str, Any] = {"storage": "50Gi", "freshness": {"within": "26h"}}
    for key, value in arguments.items():
        (args if key in ("image", "archive", "namespace", "databases", "pair", "often") else database)[key] = value
    return specify("shop", {"databases": {"orders": database}, **args}, topology(*entries, regions=("a", "b")))


def objects(*entries: Mapping[str, Any], **arguments: Any) -> dict[str, dict[str, Any]]:
    """Every manifest by its key."""
    return {each.key: each.manifest for each in restore_check.plan(spec(*entries, **arguments))}
