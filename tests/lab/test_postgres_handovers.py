"""PostgresCluster's own manifests as real databases in two regions, from one topology, entry by entry.

Proven with real PostgreSQL and the real operator: a planned handover there and back loses no row and makes nobody anew;
after a failover the other region writes; the copy that was left behind is rebuilt under the next incarnation and
holds the same rows; the application logs in after each with the password it always had.

Streaming only, applied by the harness under the field manager that the manifests name: the archive, the engine and the
fence have tests of their own. The cut of a network is in `test_postgres_pair`.
"""

import base64
import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hakit.plan import postgres, region_base
from hakit.plan.postgres_spec import specify
from hakit.topology.model import Topology
from lab.harness import Lab, LabRegion
from lab.harness.cnpg import POSTGRES_IMAGE
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.tools import POSTGRES_TOOLS, REGION_TOOLS
from tests.lab.conftest import need, need_network, running_lab
from tests.unit.postgres.given import topology

pytestmark = [pytest.mark.lab, pytest.mark.long]  # test_postgres_pair shows the same with a cut

Manifest = dict[str, Any]
API = "postgresql.cnpg.io/v1"
PORT = 30433
PASSWORD = "of the lab"  # noqa: S105


class Pair:
    """The two regions `a` and `b`, and the list as it is now."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.entries: list[Manifest] = []

    @property
    def declared(self) -> Topology:
        return topology(*self.entries, regions=("a", "b"), zones=1)

    def up(self, name: str) -> None:
        """What `pulumi up` of a region's stack applies, in its order."""
        region = self.lab[name]
        args = {"topology": "topology.yaml", "scope": name, "namespaces": {"shop": {"pod_security": "privileged"}}}
        objects = list(region_base.plan(region_base.specify("base", args, self.declared)).values())
        objects += [each.manifest for each in postgres.plan(specify("orders", self._arguments(name), self.declared))]
        for each in objects:
            region.client.apply(each, manager=postgres.MANAGER)

    def _arguments(self, name: str) -> Manifest:
        routes = {each: {"host": self.lab[each].network.wan, "port": PORT} for each in ("a", "b")}
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
            "without_archive": "streaming only: the archive has tests of its own",
            "routes": routes,
            "certificates": {"server_ca": "orders-ca", "client_ca": "orders-ca"},
            "shutdown": {"smart": 5},
            "pod_monitor": False,
            "node_selector": LABEL,
            "tolerations": [TOLERATION],
            "extra": {"imagePullPolicy": "Never"},
        }

    def cluster(self, name: str, incarnation: int = 1) -> Manifest:
        return self.lab[name].client.get(API, "Cluster", f"orders-g{incarnation}", "shop")

    def healthy(self, name: str, incarnation: int = 1) -> None:
        self.lab[name].wait_for(
            f"orders-g{incarnation} healthy",
            lambda: self.cluster(name, incarnation).get("status", {}),
            lambda status: status.get("readyInstances") == 1 and "healthy" in status.get("phase", ""),
            seconds=300,
        )

    def run(self, name: str, statement: str) -> list[Any]:
        """As the application, by the Service that stays, which a NodePort shows to the outside."""
        options: Any = {"connect_timeout": 3, "autocommit": True}
        with psycopg.connect(
            host=self.lab[name].network.wan, port=PORT, dbname="orders", user="app", password=PASSWORD, **options
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def writes(self, name: str, number: int) -> bool:
        try:
            self.run(name, f"insert into orders values ({number})")  # noqa: S608  a number of ours
        except psycopg.Error:
            return False
        return True

    def rows(self, name: str) -> list[int]:
        return [number for (number,) in self.run(name, "select id from orders order by id")]

    def system(self, name: str) -> int:
        return int(self.run(name, "select system_identifier from pg_control_system()")[0][0])


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


def entrance(region: LabRegion, cluster: str) -> None:
    """The route into a region: its current primary on a port of the node."""
    selector = {"cnpg.io/cluster": cluster, "cnpg.io/instanceRole": "primary"}
    spec = {"type": "NodePort", "selector": selector, "ports": [{"port": 5432, "nodePort": PORT}]}
    region.apply([{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "route"}, "spec": spec}], "shop")


def made(pair: Pair) -> bool:
    try:
        pair.run("a", "create table if not exists orders (id bigint primary key)")
    except psycopg.Error:
        return False
    return True


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    need(*REGION_TOOLS, *POSTGRES_TOOLS)
    need_network()
    with running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, postgres=True) as lab:
        found = Pair(lab)
        shared = authority()
        for name in ("a", "b"):
            region = lab[name]
            region.namespace("shop")
            region.apply([shared, LOGIN], "shop")
            entrance(region, "orders-g1")
        found.up("a")
        found.healthy("a")
        lab["a"].wait_for("the table", lambda: made(found), seconds=60)
        lab["a"].wait_for("a writable", lambda: found.writes("a", 1), seconds=60)
        found.up("b")
        found.healthy("b")
        yield found


def switch(pair: Pair, old: str, new: str) -> None:
    """A planned handover, as hakit's tool and four updates do it."""
    before = pair.cluster(old)["status"].get("demotionToken", "")
    pair.entries.append({"kind": "planned", "to": new})
    pair.up(new)  # in whichever order
    pair.up(old)
    token = pair.lab[old].wait_for(
        "the token",
        lambda: pair.cluster(old)["status"].get("demotionToken", ""),
        lambda found: found not in ("", before),
        seconds=180,
    )
    pair.entries[-1]["tokens"] = {"orders": token}
    pair.up(old)
    pair.up(new)
    number = 10 * len(pair.entries)
    pair.lab[new].wait_for(f"{new} writable", lambda: pair.writes(new, number), seconds=180)
    pair.lab[new].wait_for(
        "the operator's word", lambda: pair.cluster(new)["status"].get("lastPromotionToken") == token, seconds=180
    )
    pair.entries[-1]["settled"] = True
    for name in (new, old):
        pair.up(name)
        pair.healthy(name)


def follows(pair: Pair, name: str, rows: list[int]) -> None:
    def there() -> list[int]:
        try:
            return pair.rows(name)
        except psycopg.Error:
            return []  # a demoted copy restarts, and a Service needs a moment

    pair.lab[name].wait_for(f"{name} has the rows", there, lambda found: found == rows, seconds=180)
    assert not pair.writes(name, 999), f"{name} is read-only"


def test_the_follower_has_the_rows_and_takes_none(pair: Pair) -> None:
    follows(pair, "b", [1])


def test_a_planned_handover_there_and_back_loses_nothing_and_makes_nobody_anew(pair: Pair) -> None:
    before = pair.system("a")
    assert pair.system("b") == before, "the copy is a copy"
    switch(pair, "a", "b")
    follows(pair, "a", [1, 10])
    switch(pair, "b", "a")
    follows(pair, "b", [1, 10, 20])
    assert pair.rows("a") == [1, 10, 20]
    assert (pair.system("a"), pair.system("b")) == (before, before)
    for name in ("a", "b"):
        assert pair.cluster(name)["status"]["instanceNames"] == ["orders-g1-1"], "the same instances"


def test_after_a_failover_the_other_side_writes_and_the_old_one_is_rebuilt_from_it(pair: Pair) -> None:
    pair.entries.append({"kind": "failover", "to": "b", "accept_loss": "30s"})
    pair.up("b")
    pair.lab["b"].wait_for("b writable", lambda: pair.writes("b", 30), seconds=180)
    assert pair.writes("a", 31), "nobody has told a yet: this row is in its copy only"
    pair.up("a")
    pair.lab["a"].wait_for("a takes no rows", lambda: not pair.writes("a", 32), seconds=180)

    pair.entries.append({"kind": "rebuild", "to": "a", "incarnation": 2})
    pair.up("a")
    entrance(pair.lab["a"], "orders-g2")
    pair.healthy("a", 2)
    follows(pair, "a", [1, 10, 20, 30])
    pair.up("b")
    kept = pair.cluster("a", 1)
    assert kept["metadata"]["annotations"]["hakit/quarantined"] == "true"
    claims = [each["metadata"]["name"] for each in pair.lab["a"].client.list("v1", "PersistentVolumeClaim", "shop")]
    assert {"orders-g1-1", "orders-g1-1-wal"} <= set(claims), "row 31 is still there, on the kept copy's volume"
