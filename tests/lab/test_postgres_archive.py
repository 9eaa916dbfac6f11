"""A follower that only the archive reaches: no route between the regions, WAL and base backups in S3.

Proven with real PostgreSQL, the real operator and its Barman Cloud plugin, from PostgresCluster's own manifests: the
follower is recovered from the primary's archive, and what is committed reaches it within the pair's objective although
the database is idle, by the `archive_timeout` that hakit computes. No handover and no restore to a moment is
played here.

moto plays S3: it knows no right and no encryption, and is never slow. The objective is one for a small WAL: how fast a
busy database's is shipped is the network's.
"""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hakit.topology import names
from hakit.topology.model import Topology
from lab.harness.tools import BARMAN_TOOLS, REGION_TOOLS
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.fence_program import serving
from tests.lab.pair import LOGIN, Manifest, Pair, entrance, made
from tests.lab.writing import connect, is_writable
from tests.unit.postgres.given import topology

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: The pair's objective; hakit gives half of it to filling a segment.
RPO = 60
KEYS = {"ACCESS_KEY_ID": "of", "ACCESS_SECRET_KEY": "the lab"}


class Shipping(Pair):
    """The two regions without a route between them."""

    endpoint = ""

    @property
    def declared(self) -> Topology:
        return topology(*self.entries, regions=("a", "b"), zones=1, rpo=f"{RPO}s")

    def _arguments(self, name: str) -> Manifest:
        streaming = ("without_archive", "routes", "certificates")
        args = {key: value for key, value in super()._arguments(name).items() if key not in streaming}
        archive = {"secret": "orders-s3", "endpoints": {"a": self.endpoint, "b": self.endpoint}}
        return {**args, "archive": archive}

    def backups(self, name: str) -> list[Any]:
        return self.lab[name].client.list("postgresql.cnpg.io/v1", "Backup", "shop")

    def has(self, name: str, number: int) -> bool:
        return (number,) in self.run(name, "select id from orders")

    def write(self, number: int) -> None:
        with connect(self.wan("a")) as connection:
            connection.execute("insert into orders (id) values (%s)", [number])


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Shipping]:
    need(*REGION_TOOLS, *BARMAN_TOOLS)
    need_network()
    with running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, barman=True) as lab, serving(lab.machine) as store:
        server = ThreadedMotoServer(ip_address=lab.machine, port=0, verbose=False)
        server.start()
        try:
            found = Shipping(lab, store)
            host, port = server.get_host_and_port()
            found.endpoint = f"http://{host}:{port}"
            _make_buckets(found)
            for name in ("a", "b"):
                lab[name].namespace("shop")
                keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-s3"}, "stringData": KEYS}
                lab[name].apply([LOGIN, keys], "shop")
                entrance(lab[name], "orders-g1")
            found.up("a")
            found.healthy("a")
            lab["a"].wait_for("the tables", lambda: made(found), seconds=120)
            found.write(1)
            lab["a"].wait_for("a base backup", lambda: found.backups("a"), _completed, seconds=180)
            found.up("b")
            found.healthy("b")
            lab["b"].wait_for("the first row in b", lambda: found.has("b", 1), seconds=180)
            yield found
        finally:
            server.stop()


def _make_buckets(pair: Shipping) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=pair.endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEYS["ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["ACCESS_SECRET_KEY"],
    )
    for name in ("a", "b"):
        client.create_bucket(Bucket=names.bucket_of(pair.declared, name, "wal"))


def _completed(backups: list[Any]) -> bool:
    return any(each.get("status", {}).get("phase") == "completed" for each in backups)


def test_a_row_reaches_the_follower_through_the_archive_within_the_objective(
    pair: Shipping, request: pytest.FixtureRequest
) -> None:
    spec = pair.cluster("b")["spec"]
    assert list(spec["bootstrap"]) == ["recovery"]
    assert [list(each) for each in spec["externalClusters"]] == [["name", "plugin"]] * 2, "there is no route"
    assert pair.run("a", "show archive_timeout") == [("30s",)], "half of the objective"
    assert pair.identity("b")["system"] == pair.identity("a")["system"], "the copy is a copy"
    took = []
    for number in (2, 3, 4):
        pair.write(number)
        began = time.monotonic()
        pair.lab["b"].wait_for(f"row {number}", lambda number=number: pair.has("b", number), seconds=180)
        took.append(time.monotonic() - began)
        time.sleep(3 * number)  # not in step with the segments
    show(
        request,
        f"WAL shipping through the archive, objective {RPO} s",
        [f"from the commit to the follower: {', '.join(f'{each:.1f} s' for each in took)}; archive_timeout 30 s"],
    )
    assert max(took) <= RPO
    assert not is_writable(pair.wan("b")), "b is read-only"
