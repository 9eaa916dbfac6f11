"""What is known of charts that many people use, as data: what their replicas are, and where their values stand.

No rendered object tells whether three pods are one service or three unrelated ones, so this cannot be found out; the
rest is mended whatever a chart's keys are called, and needs no entry. An entry holds for the shape of a chart, not for
its name alone: charts of other people have the same names and other values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hakit.charts.source import Chart
from hakit.findings import Finding

#: What several replicas of a chart are.
ROLES = {
    "stateless": "all alike; the state is elsewhere",
    "leader": "one works, the others wait to take over",
    "cluster": "one service, when `clustering` is set",
    "single": "copies that know nothing of one another: run one, or use an operator",
}


@dataclass(frozen=True)
class Known:
    """One chart.

    Attributes:
        name: as its Chart.yaml has it.
        source: whose chart, and the version that was read.
        role: a key of `ROLES`.
        replicas: paths in its values that say how many pods there are.
        clustering: values, by path, by which its replicas become one service.
        database: path in its values for each fact, as `database_values` of RegionPair takes them.
        switches: values, by path, that `database` needs to be read.
        shape: paths by which it is told from other charts of its name, where the others do not suffice.
        instead: what to use where replicas do not help.
        rendered: a test renders it.
    """

    name: str
    source: str
    role: str
    replicas: tuple[str, ...]
    clustering: Mapping[str, Any] = field(default_factory=dict)
    database: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[str, ...] = ()
    instead: str = ""
    rendered: bool = False

    @property
    def paths(self) -> list[str]:
        """Every path in the chart's values that the entry names."""
        return [*self.replicas, *self.clustering, *self.database, *self.switches, *self.shape]


def _external(key: str, *, secret: bool) -> dict[str, str]:
    """The paths that sb-helm-charts have in common; not all of them read an existing Secret."""
    paths = {f"{key}.external.{word}": fact for word, fact in _WORDS.items()}
    return paths | ({f"{key}.external.existingSecret.secretName": "secret"} if secret else {})


_WORDS = {"host": "host", "port": "port", "database": "name", "username": "user"}
_SB = "sb-helm-charts"
_SECRET_ON = {"postgresql.external.existingSecret.enabled": True}

KNOWN: tuple[Known, ...] = (
    Known(
        "keycloak", f"{_SB} 0.3.0", "cluster", ("replicaCount",), {"clustering.enabled": True},
        _external("postgresql", secret=True), _SECRET_ON,
    ),
    Known(
        "nextcloud", f"{_SB} 0.4.0", "single", ("replicaCount",), {}, _external("postgresql", secret=True), _SECRET_ON,
        instead="its files are on one volume, and it stops at each change (Recreate): keep them in an object store",
    ),
    Known(
        "wordpress", f"{_SB} 0.4.0", "single", ("replicaCount",), {}, _external("mysql", secret=True),
        {"mysql.external.existingSecret.enabled": True},
        instead="its uploads are on one volume, and it stops at each change (Recreate): regional storage, one replica",
    ),
    Known(
        "grafana", f"{_SB} 0.4.0", "single", ("replicaCount",), {},
        {f"database.external.{word}": fact for word, fact in _WORDS.items()}, {"database.external.enabled": True},
        instead="by default each replica reads one SQLite file on one volume: use an external database",
    ),
    Known(
        "harbor", f"{_SB} 0.3.0", "single", ("core.replicaCount", "registry.replicaCount"), {},
        _external("postgresql", secret=False), instead="its registry's volume is one: keep images in an object store",
    ),
    Known(
        "vaultwarden", f"{_SB} 0.4.0", "single", ("replicaCount",), {}, _external("postgresql", secret=False),
        {"postgresql.enabled": True, "postgresql.external.enabled": True},
        instead="without an external database each replica is a vault of its own",
    ),
    Known("minio", f"{_SB} 0.4.0", "cluster", ("replicaCount",), {"minio.mode": "distributed"}),
    Known(
        "postgresql", f"{_SB} 0.4.0", "single", ("replicaCount",), shape=("postgresql.effectiveCacheSize",),
        instead="use PostgresCluster",
    ),
    Known(
        "mysql", f"{_SB} 0.4.0", "single", ("replicaCount",), shape=("mysql.replication.serverId",),
        instead="use MariaDbCluster",
    ),
    Known(
        "mongodb", f"{_SB} 0.4.0", "cluster", ("replicaCount",), {"mongodb.replicaSet.enabled": True},
    ),
    Known(
        "redis", f"{_SB} 0.4.0", "single", ("replicaCount", "replication.replicas"), shape=("redis.secretKeyName",),
        instead="its replicas follow the first pod, and none takes over: use RedisSentinel",
    ),
    Known(
        "rabbitmq", f"{_SB} 0.4.0", "single", ("replicaCount",), shape=("rabbitmq.admin.existingSecret.enabled",),
        instead="its pods share one volume and form no cluster: use the RabbitMQ cluster operator",
    ),
    Known(
        "external-secrets", "external-secrets 0.20.4", "leader", ("replicaCount",), {"leaderElect": True},
        rendered=True,
    ),
    Known(
        "mariadb-operator", "mariadb-operator 0.38.1", "leader", ("ha.replicas",), {"ha.enabled": True},
        rendered=True,
    ),
    Known(
        "node-feature-discovery", "node-feature-discovery 0.18.3", "leader", ("master.replicaCount",), {},
        rendered=True,
    ),
)  # fmt: skip


def known_of(chart: Chart) -> Known | None:
    """What is known of a chart: an entry of its name, all of whose paths are in the chart's values."""
    return next(
        (each for each in KNOWN if each.name == chart.name and all(_has(chart.values, path) for path in each.paths)),
        None,
    )


def _has(values: Any, path: str) -> bool:
    for key in path.split("."):
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def advised(findings: Iterable[Finding], chart: Chart) -> list[Finding]:
    """The findings, with a better way out where this very chart is known."""
    known, found = known_of(chart), list(findings)
    advice = _advice(known) if known is not None else ""
    return [replace(each, mend=advice) if advice and each.code in ("HK005", "HK006") else each for each in found]


def _advice(known: Known) -> str:
    if known.role == "cluster":
        values = ", ".join(f"{path}: {_shown(value)}" for path, value in known.clustering.items())
        return f"{known.name} ({known.source}) forms a cluster with {values}; set it and say clustered"
    return f"{known.name} ({known.source}) is no cluster: {known.instead}" if known.instead else ""


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
