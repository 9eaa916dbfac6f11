"""PgBouncer before a database, by CloudNativePG's Pooler. Pure.

https://cloudnative-pg.io/documentation/1.30/connection_pooling/. It follows the Cluster's own primary in every role:
in a standby that is the instance which follows, and reads. The Cluster in it cannot change, so each copy has its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments

if TYPE_CHECKING:
    from hakit.plan.postgres_spec import PostgresSpec

Manifest = dict[str, Any]
#: One a zone.
INSTANCES = 3


@dataclass(frozen=True)
class Pooler:
    """As asked for; `mode` and `parameters` are PgBouncer's."""

    instances: int
    mode: str
    parameters: Mapping[str, str]
    image: str | None


def pooler(given: Arguments) -> Pooler | None:
    """The argument `pooler`; None without one."""
    if "pooler" not in given:
        return None
    inner = given.inner("pooler", ("instances", "mode", "parameters", "image"))
    parameters = inner.mapping("parameters")
    for key, value in parameters.items():
        if not isinstance(value, str):
            raise HakitError(
                f"pooler.parameters.{key}: wrong type", where=given.where, given=value, allowed="a text, as PgBouncer's"
            )
    return Pooler(
        inner.number("instances", INSTANCES, least=1),
        inner.word("mode", ("session", "transaction"), "session"),
        parameters,
        inner.text("image") if "image" in inner else None,
    )


def manifest(spec: "PostgresSpec", wanted: Pooler, cluster: str) -> Manifest:
    """The Pooler of one copy; its pods are spread over the zones as the instances are."""
    name = f"{cluster}-pooler"
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": {"name": name, "namespace": spec.namespace},
        "spec": {
            "cluster": {"name": cluster},
            "instances": wanted.instances,
            "type": "rw",
            "pgbouncer": {
                "poolMode": wanted.mode,
                **({"parameters": dict(wanted.parameters)} if wanted.parameters else {}),
                **({"image": wanted.image} if wanted.image else {}),
            },
            "template": {
                "spec": {
                    "containers": [],
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "topology.kubernetes.io/zone",
                            "whenUnsatisfiable": "DoNotSchedule" if len(spec.zones) >= 3 else "ScheduleAnyway",
                            "nodeTaintsPolicy": "Honor",
                            "labelSelector": {"matchLabels": {"cnpg.io/poolerName": name}},
                        }
                    ],
                }
            },
        },
    }


def service(spec: "PostgresSpec", cluster: str) -> Manifest:
    """The Service that applications use in place of the database's own. Its name stays when the incarnation changes."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": f"{spec.database}-pooler",
            "namespace": spec.namespace,
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {"cnpg.io/poolerName": f"{cluster}-pooler"},
            "ports": [{"name": "postgres", "port": 5432, "targetPort": 5432, "protocol": "TCP"}],
        },
    }
