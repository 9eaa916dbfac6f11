"""Two regions `a` and `b` whose databases come from hakit's own plan, and the list of handovers as it is now.

The harness applies what a region's stack would hold, in its order and under the field manager that the manifests name.
"""

import base64
import datetime as dt
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hakit.fence.witness import dump
from hakit.plan import fence, postgres, ready, region_base
from hakit.plan.arguments import Arguments
from hakit.plan.postgres_spec import specify
from hakit.topology.handovers import witness_wanted
from hakit.topology.model import Topology
from lab.harness import Lab, LabRegion
from lab.harness.cnpg import POSTGRES_IMAGE
from lab.harness.realnode import LABEL, TOLERATION
from tests.lab.fence_program import CLUSTERS, Store
from tests.lab.writing import PASSWORD, PORT, connect
from tests.unit.postgres.given import topology

Manifest = dict[str, Any]


class Pair:
    """The pair `shop` with its database `orders`, founded in `a`.

    Attributes:
        entries: of the topology's list. A test appends; `up` is what makes it so.
        store: where the witness stands.
    """

    def __init__(self, lab: Lab, store: Store) -> None:
        self.lab = lab
        self.store = store
        self.entries: list[Manifest] = []

    @property
    def declared(self) -> Topology:
        return topology(*self.entries, regions=("a", "b"), zones=1)

    def up(self, name: str) -> None:
        """The witness first, as hakit asks for; then what `pulumi up` of a region's stack applies, in its order."""
        wanted = witness_wanted(self.declared.pair("shop"), "orders")
        self.store.content = dump({"orders": wanted}) if wanted else None
        args = {"topology": "topology.yaml", "scope": name, "namespaces": {"shop": {"pod_security": "privileged"}}}
        objects = list(region_base.plan(region_base.specify("base", args, self.declared)).values())
        objects += [each.manifest for each in postgres.plan(specify("orders", self._arguments(name), self.declared))]
        self.lab[name].apply([READY], "shop")
        for each in objects:
            self.lab[name].client.apply(each, manager=postgres.MANAGER)

    def _arguments(self, name: str) -> Manifest:
        return {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": name,
            "namespace": "shop",
            "storage": "1Gi",
            "wal_storage": "2Gi",
            "storage_class": "lab",
            "instances": 1,
            "image": POSTGRES_IMAGE,
            "credentials": {"application": {"secret": "orders-app"}},
            "ready_secret": "orders-ready",
            "without_archive": "streaming only: the archive has tests of its own",
            "routes": {each: {"host": self.wan(each), "port": PORT} for each in ("a", "b")},
            "certificates": {"server_ca": "orders-ca", "client_ca": "orders-ca"},
            "shutdown": {"smart": 5},
            "pod_monitor": False,
            "node_selector": LABEL,
            "tolerations": [TOLERATION],
            "extra": {"imagePullPolicy": "Never"},
        }

    def put_fence(self, name: str) -> None:
        """The fence's objects, as RegionPair has them. Its image is none that the lab has: nothing runs yet."""
        # The lab's store speaks no TLS, which a topology asks of a witness: `Running` puts its address in.
        pair = self.declared.pair("shop").model_copy(update={"witness": ("https://witness.example.com/shop.json",)})
        given = Arguments({"image": f"registry.example/python@sha256:{'a' * 64}"}, "test", fence.ARGUMENTS, "fence")
        spec = fence.specify(given, self.declared, pair, name)
        self.lab[name].apply(fence.objects(spec, self.declared, pair, name, "shop"), "shop")

    def wan(self, name: str) -> str:
        return self.lab[name].network.wan

    def cluster(self, name: str, incarnation: int = 1) -> Manifest:
        return self.lab[name].client.get(*CLUSTERS, f"orders-g{incarnation}", "shop")

    def healthy(self, name: str, incarnation: int = 1) -> None:
        self.lab[name].wait_for(
            f"orders-g{incarnation} healthy",
            lambda: self.cluster(name, incarnation).get("status", {}),
            lambda status: status.get("readyInstances") == 1 and "healthy" in status.get("phase", ""),
            seconds=300,
        )

    def run(self, name: str, statement: str) -> list[Any]:
        """As the application; nothing while there is no answer, as a copy that changed its role restarts."""
        try:
            with connect(self.wan(name)) as connection:
                cursor = connection.execute(statement)
                return cursor.fetchall() if cursor.description else []
        except psycopg.OperationalError:
            return []

    def asked_as_ready(self, name: str, statement: str = "select hakit.ready()", **options: str) -> str:
        """What PostgREST would get, in a transaction as it begins one: the answer, or the error's code."""
        try:
            with connect(self.wan(name), user=ready.ROLE, sslmode="require", **options) as connection:
                connection.autocommit = False
                connection.read_only = True
                cursor = connection.execute(statement)
                return str(cursor.fetchall()[0][0])
        except psycopg.Error as error:
            return str(error.sqlstate)

    def numbers(self, name: str) -> set[int]:
        asked = "select id from orders"
        return {number for (number,) in self.lab[name].wait_for("rows", lambda: self.run(name, asked), seconds=120)}

    def content(self, name: str) -> list[Any]:
        """Every row of every table, whole, in the order of their ids."""
        return self.run(name, "select 'o', id, at from orders union all select 'p', id, at from probes order by 1, 2")

    def identity(self, name: str) -> Manifest:
        """What would change if a region's copy were made anew."""
        # Of PostgreSQL itself: after a demotion the operator's status leaves it out until something wakes the operator.
        asked = "select system_identifier from pg_control_system()"
        ((system,),) = self.lab[name].wait_for("an answer", lambda: self.run(name, asked), seconds=120)
        claims = self.lab[name].client.list("v1", "PersistentVolumeClaim", "shop")
        return {
            "system": system,
            "volumes": {each["metadata"]["name"]: each["metadata"]["uid"] for each in claims},
            "instances": self.cluster(name)["status"]["instanceNames"],
        }


def authority() -> Manifest:
    """One authority for both sides, of which each side's operator makes its certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "orders")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    data = {"ca.crt": made.public_bytes(serialization.Encoding.PEM), "ca.key": private}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "orders-ca"},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


LOGIN = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/basic-auth",
    "metadata": {"name": "orders-app"},
    "stringData": {"username": "app", "password": PASSWORD},
}


READY = {**LOGIN, "metadata": {"name": "orders-ready"}, "stringData": {"username": ready.ROLE, "password": PASSWORD}}


def entrance(region: LabRegion, cluster: str) -> None:
    """The route into a region: its current primary on a port of the node."""
    selector = {"cnpg.io/cluster": cluster, "cnpg.io/instanceRole": "primary"}
    spec = {"type": "NodePort", "selector": selector, "ports": [{"port": 5432, "nodePort": PORT}]}
    region.apply([{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "route"}, "spec": spec}], "shop")


def made(pair: Pair) -> bool:
    """The tables, in `a`; whether they are there now."""
    for table in ("orders (id bigint primary key", "probes (id bigserial primary key"):
        pair.run("a", f"create table if not exists {table}, at timestamptz not null default clock_timestamp())")
    return bool(pair.run("a", "select to_regclass('probes') where to_regclass('orders') is not null"))
