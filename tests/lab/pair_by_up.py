"""Two regions `a` and `b` with a pair's database by `pulumi up` of their stacks, and its topology's file.

The engine is real, and so is what a person runs: each `up` and each `hakit witness raise` is a process of its own. Only
what belongs to the cluster and not to hakit is applied by the harness: one authority, and the route into a region.
"""

import base64
import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from unittest import mock

import psycopg
import pulumi.automation as auto
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hakit.plan import ready
from hakit.topology import Topology, load
from hakit.topology.edit import add_settled, add_token, append_handover
from hakit.topology.handovers import standing
from lab.harness import Lab, LabRegion
from lab.harness.cnpg import POSTGRES_IMAGE
from lab.harness.engine import Engine
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.tools import ROOT
from tests.lab import fence_pods
from tests.lab.fence_program import CLUSTERS
from tests.lab.object_store import ENVIRONMENT, ObjectStore
from tests.lab.writing import PASSWORD, PORT, connect

Manifest = dict[str, Any]

PROGRAM = Path(__file__).parent / "programs" / "pair.py"
#: Where the fences of a and b read: each in the other's bucket.
BUCKETS = {"a": "witness-a", "b": "witness-b"}
TOPOLOGY = """\
name: shop
environment: prod
aws: {{account: "111122223333", prefix: acme}}
regions:
  a:
    zones: [a-1]
    kubernetes: "1.34"
    cluster: {{context: a, pod_identity: true}}
    storage: {{zonal: lab}}
  b:
    zones: [b-1]
    kubernetes: "1.34"
    cluster: {{context: b, pod_identity: true}}
    storage: {{zonal: lab}}
pairs:
  shop:
    mode: active-passive
    founded: a
    databases: [orders]
    objectives: {{rto: 5m, rpo: {rpo}s}}
    witness: {witness}
"""


class Pair:
    """The pair `shop` with its database `orders`, founded in `a`.

    Attributes:
        file: the topology's. A test appends to it; `up` is what makes it so.
        store: where the witness stands.
        aside: rows of a cut region's own clients, which are in no other copy.
    """

    rpo = 30
    #: Where the topology's file lies in the project.
    place = "topology.yaml"

    def __init__(self, lab: Lab, store: ObjectStore, engine: Engine) -> None:
        self.lab, self.store, self.engine = lab, store, engine
        self.aside: set[int] = set()
        (self._fence_image,) = {fence_pods.give_image(region) for region in lab}
        for region in lab:
            region.namespace("shop")
            region.apply([fence_pods.reader()], "shop")
        self.file = engine.project / self.place
        places = [
            f"s3://{bucket}/shop.json?endpoint={store.endpoint}&region={name}" for name, bucket in BUCKETS.items()
        ]
        self.file.write_text(TOPOLOGY.format(rpo=self.rpo, witness=json.dumps(places)), encoding="utf-8")
        self.declare(PASSWORD)
        for bucket in BUCKETS.values():
            store.make_bucket(bucket)
        self._open = contextlib.ExitStack()
        self._stacks: dict[str, auto.Stack] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def declared(self) -> Topology:
        return load(self.file)

    def append(self, **entry: Any) -> None:
        """A new entry; the witness has to say so before it is applied, unless it is a planned handover's."""
        append_handover(self.file, "shop", entry)
        if entry["kind"] != "planned":
            self.raise_witness()

    def record(self, token: str) -> None:
        add_token(self.file, "shop", "orders", token)
        self.raise_witness()

    def settle(self) -> None:
        add_settled(self.file, "shop")

    def raise_witness(self) -> None:
        command = [sys.executable, "-m", "hakit.cli", "witness", "raise", self.file, "shop"]
        subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, check=True, timeout=60)

    def declare(self, password: str) -> None:
        """The program's arguments, with the application's password; `up` is what makes them so."""
        self.password = password
        arguments = {
            "databases": {"orders": self._arguments()},
            # On a simulated node, where nothing runs, until a test has it run: see `fence_pods.run_them`.
            "fence": {"image": self._fence_image, "secret": fence_pods.READER},
            # PostgREST itself does not run here; what it would be told is asked in its stead.
            "ready": {"password": PASSWORD},
        }
        (self.engine.project / "arguments.json").write_text(json.dumps(arguments), encoding="utf-8")

    def up(self, name: str) -> None:
        """`pulumi up` of a region's stack, and of nothing else."""
        stack, words = f"prod-{name}", ("up", "--stack", f"prod-{name}", "--yes", "--skip-preview")
        if stack not in self._stacks:
            # The namespace with the authority in it was there before: the first update takes it in, and no later one.
            taking = mock.patch.dict(os.environ, PULUMI_K8S_UPSERT_EXISTING_OBJECTS="true")
            with taking, self.engine.stack(stack) as first:
                self.engine.run(first, *words)
            self._stacks[stack] = self._open.enter_context(self.engine.stack(stack))
        else:
            self.engine.run(self._stacks[stack], *words)

    def _arguments(self) -> Manifest:
        return {
            "storage": "1Gi",
            "wal_storage": "2Gi",
            "instances": 1,
            "image": POSTGRES_IMAGE,
            "credentials": {"application": {"password": self.password}},
            "without_archive": "streaming only: the archive has tests of its own",
            "routes": {each: {"host": self.wan(each), "port": PORT} for each in ("a", "b")},
            "certificates": {"server_ca": "orders-ca", "client_ca": "orders-ca"},
            "shutdown": {"smart": 5},
            "pod_monitor": False,
            "node_selector": LABEL,
            "tolerations": [TOLERATION],
            "extra": {"imagePullPolicy": "Never"},
        }

    def wan(self, name: str) -> str:
        return self.lab[name].network.wan

    def current(self, name: str) -> str:
        """The Cluster of a region's copy that counts."""
        return f"orders-g{standing(self.declared.pair('shop'), 'orders').current[name]}"

    def cluster(self, name: str) -> Manifest:
        return self.lab[name].client.get(*CLUSTERS, self.current(name), "shop")

    def healthy(self, name: str) -> None:
        self.lab[name].wait_for(
            f"{self.current(name)} healthy",
            lambda: self.cluster(name).get("status", {}),
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

    def says_as_ready(self, name: str, wanted: str) -> None:
        """Wait for an answer, as a copy that changed its role restarts once more."""
        self.lab[name].wait_for(wanted, lambda: self.asked_as_ready(name), lambda said: said == wanted, seconds=120)

    def numbers(self, name: str) -> set[int]:
        asked = "select id from orders"
        return {number for (number,) in self.lab[name].wait_for("rows", lambda: self.run(name, asked), seconds=120)}

    def content(self, name: str) -> list[Any]:
        """Every row of every table, whole, in the order of their ids."""
        return self.run(name, "select 'o', id, at from orders union all select 'p', id, at from probes order by 1, 2")

    def asked(self, name: str, statement: str) -> Any:
        """One value, of PostgreSQL itself, as soon as there is an answer."""
        ((found,),) = self.lab[name].wait_for("an answer", lambda: self.run(name, statement), seconds=120)
        return found

    def timeline(self, name: str) -> int:
        return self.asked(name, "select timeline_id from pg_control_checkpoint()")

    def identity(self, name: str) -> Manifest:
        """What would change if a region's copy were made anew."""
        # Not from the operator's status: after a demotion it leaves that out until something wakes the operator.
        system = self.asked(name, "select system_identifier from pg_control_system()")
        claims = self.lab[name].client.list("v1", "PersistentVolumeClaim", "shop")
        return {
            "system": system,
            "volumes": {each["metadata"]["name"]: each["metadata"]["uid"] for each in claims},
            "instances": self.cluster(name)["status"]["instanceNames"],
        }


def authority(common_name: str = "orders") -> Manifest:
    """One authority for both sides, of which each side's operator makes its certificates."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
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
        # By the label CloudNativePG takes up what changes in it.
        "metadata": {"name": "orders-ca", "labels": {"cnpg.io/reload": "true"}},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def entrance(region: LabRegion, cluster: str, *, name: str = "route", port: int = PORT) -> None:
    """The route into a region: a Cluster's current primary on a port of the node."""
    selector = {"cnpg.io/cluster": cluster, "cnpg.io/instanceRole": "primary"}
    spec = {"type": "NodePort", "selector": selector, "ports": [{"port": 5432, "nodePort": port}]}
    region.apply([{"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}], "shop")


def made(pair: Pair) -> bool:
    """The tables, in `a`; whether they are there now."""
    for table in ("orders (id bigint primary key", "probes (id bigserial primary key"):
        pair.run("a", f"create table if not exists {table}, at timestamptz not null default clock_timestamp())")
    return bool(pair.run("a", "select to_regclass('probes') where to_regclass('orders') is not null"))
