"""Two regions' PostgreSQL as CloudNativePG pairs them, and an application that writes to it.

Manifests by hand, after the operator's documentation on replica clusters and distributed topologies: a Cluster in each
region, each of which knows both, and which of them is `primary`.
"""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from lab.harness import LabRegion, waiting
from lab.harness.client import Object
from lab.harness.cnpg import POSTGRES_IMAGE
from lab.harness.realnode import LABEL, TOLERATION

API = "postgresql.cnpg.io/v1"
NAMESPACE = "shop"
PORT = 30432
PASSWORD = "of the lab"  # noqa: S105


def cluster_name(region: LabRegion) -> str:
    return f"orders-{region.name}"


def objects(region: LabRegion, others: Sequence[LabRegion], founded: LabRegion, instances: int) -> list[Object]:
    """What a region of the pair holds; `founded` is where the database is made, the others copy it from there."""
    name = cluster_name(region)
    app = {"database": "app", "owner": "app", "secret": {"name": f"{name}-app"}}
    first = cluster_name(founded)
    bootstrap = {"initdb": app} if region is founded else {"pg_basebackup": {**app, "source": first}}
    return [
        # The same password on both sides, before there is a Cluster: the operator would make one of its own for each,
        # and set it in the database when its side is promoted.
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-app"},
            "type": "kubernetes.io/basic-auth",
            "stringData": {"username": "app", "password": PASSWORD},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"{name}-wan"},
            "spec": {
                "type": "NodePort",
                "selector": {"cnpg.io/cluster": name, "cnpg.io/instanceRole": "primary"},
                "ports": [{"port": 5432, "nodePort": PORT}],
            },
        },
        {
            "apiVersion": API,
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {
                "instances": instances,
                "imageName": POSTGRES_IMAGE,
                "storage": {"size": "1Gi"},
                "smartShutdownTimeout": 5,
                "affinity": {"nodeSelector": LABEL, "tolerations": [TOLERATION], "enablePodAntiAffinity": False},
                "bootstrap": bootstrap,
                "replica": {"self": name, "primary": first, "source": first},
                "externalClusters": [_external(each) for each in (region, *others)],
            },
        },
    ]


def _external(region: LabRegion) -> Object:
    name = cluster_name(region)
    return {
        "name": name,
        "connectionParameters": {
            "host": region.network.wan,
            "port": str(PORT),
            "user": "streaming_replica",
            "dbname": "postgres",
            "sslmode": "verify-ca",
        },
        "sslKey": {"name": f"{name}-replication", "key": "tls.key"},
        "sslCert": {"name": f"{name}-replication", "key": "tls.crt"},
        "sslRootCert": {"name": f"{name}-ca", "key": "ca.crt"},
    }


def introduce(region: LabRegion, to: LabRegion) -> None:
    """Give the other side what it needs to stream from a region: the certificate of its user, and who signed it."""
    name = cluster_name(region)
    for secret, keys in ((f"{name}-replication", ("tls.crt", "tls.key")), (f"{name}-ca", ("ca.crt",))):
        found = region.wait_for(
            f"secret {secret}", lambda secret=secret: region.client.find("v1", "Secret", secret, NAMESPACE)
        )
        copy = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}}
        to.apply([{**copy, "data": {key: found["data"][key] for key in keys}}], NAMESPACE)


def cluster(region: LabRegion) -> Object:
    return region.client.get(API, "Cluster", cluster_name(region), NAMESPACE)


def wait_until_healthy(region: LabRegion, instances: int) -> None:
    region.wait_for(
        f"{instances} PostgreSQL ready",
        lambda: cluster(region).get("status", {}),
        lambda status: status.get("readyInstances") == instances and "healthy" in status.get("phase", ""),
        seconds=240,
    )


def set_replica(region: LabRegion, *, primary: LabRegion, source: LabRegion, token: str | None = None) -> None:
    replica = {"primary": cluster_name(primary), "source": cluster_name(source), "promotionToken": token}
    region.client.merge(API, "Cluster", cluster_name(region), {"spec": {"replica": replica}}, namespace=NAMESPACE)


def connect(host: str, **options: Any) -> psycopg.Connection:
    """As the application, over the network. What does not answer for two seconds is given up."""
    return psycopg.connect(
        host=host,
        port=PORT,
        dbname="app",
        user="app",
        password=PASSWORD,
        connect_timeout=2,
        tcp_user_timeout=2000,
        autocommit=True,
        **options,
    )


def is_writable(host: str) -> bool:
    """Whether the application logs in there and commits something."""
    try:
        with connect(host, target_session_attrs="read-write") as connection:
            connection.execute("insert into probes default values")
    except psycopg.Error:
        return False
    return True


def until(look: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until something holds, looked at without a pause."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)
    return time.monotonic() - began


class Writer:
    """An application that commits row after row wherever it may write, and remembers what was acknowledged.

    Args:
        hosts: where it may find a database, in the order in which it tries.
        first: the number of its first row.
    """

    def __init__(self, hosts: Sequence[str], *, first: int = 1) -> None:
        self._first = first
        self._hosts = ",".join(hosts)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.acknowledged: dict[int, float] = {}

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def longest_pause(self, since: float) -> float:
        """The longest time between two acknowledgements from a moment on, in seconds."""
        times = [since, *(moment for moment in self.acknowledged.values() if moment >= since), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def _run(self) -> None:
        number = self._first - 1
        while not self._end.is_set():
            try:
                with connect(self._hosts, target_session_attrs="read-write") as connection:
                    while not self._end.wait(0.005):
                        number += 1  # never the same twice: one without an answer may be in the database or not
                        connection.execute("insert into orders (id) values (%s)", [number])
                        self.acknowledged[number] = time.monotonic()
            except psycopg.Error:
                self._end.wait(0.05)


def lost(writer: Writer, host: str) -> list[int]:
    """Rows that were acknowledged to the application and are not there."""
    return sorted(set(writer.acknowledged) - waiting.wait_for("an answer", lambda: _rows(host), seconds=60))


def _rows(host: str) -> set[int]:
    """Nothing while there is no answer: a promoted instance restarts once more some seconds later."""
    try:
        with connect(host) as connection:
            return {number for (number,) in connection.execute("select id from orders")}
    except psycopg.Error:
        return set()


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
