"""The fence as it runs in a pod: the program out of its ConfigMap, with its service account's own token, against a real
API server. The pod itself is not played, nor PostgreSQL: what fencing does to it is CloudNativePG's.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.fence.watch import FENCED, OURS
from hakit.fence.witness import dump
from hakit.plan import fence
from hakit.plan.arguments import Arguments
from hakit.topology import Witness, load
from lab.harness import Client, LabRegion
from lab.harness.client import Object, RefusedError
from lab.harness.processes import LabError
from lab.harness.tools import ROOT

pytestmark = pytest.mark.lab

TOPOLOGY = load(ROOT / "stacks" / "topology.prod.yaml")
PAIR = TOPOLOGY.pair("shop").model_copy(update={"witness": ("https://witness.example.com/shop.json",)})
IMAGE = "registry.example/python@sha256:" + "a" * 64
CLUSTERS = "postgresql.cnpg.io/v1", "Cluster"
#: What docs/fence.md promises: one interval of 2 s and the requests of one turn.
SECONDS = 5.0


class _Store(BaseHTTPRequestHandler):
    """The other region's store: a document, or nothing that can be read."""

    content: str | None = None

    def do_GET(self) -> None:
        body = (self.content or "").encode()
        self.send_response(200 if self.content is not None else 503)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[type[_Store], str]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Store) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield _Store, f"http://127.0.0.1:{server.server_port}/shop.json"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def shop(region: LabRegion) -> LabRegion:
    """A region with CloudNativePG's definition and the fence's objects; without its operator, nobody else writes."""
    region.apply(_definitions())
    region.namespace("shop")
    given = Arguments({"image": IMAGE}, "test", fence.ARGUMENTS, "fence")
    spec = fence.specify(given, TOPOLOGY, PAIR, "us-east-1")
    region.wait_for("the definition of Clusters", lambda: _knows(region.client))
    region.apply(fence.objects(spec, TOPOLOGY, PAIR, "us-east-1", "shop"), "shop")
    return region


def _knows(client: Client) -> bool:
    try:
        client.path(*CLUSTERS)
    except LookupError:
        return False
    return True


def _definitions() -> list[Object]:
    asked = ["go", "mod", "download", "-json", "github.com/cloudnative-pg/cloudnative-pg@v1.30.0"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/")
    folder = Path(json.loads(done.stdout)["Dir"]) / "config" / "crd" / "bases"
    return [yaml.safe_load((folder / "postgresql.cnpg.io_clusters.yaml").read_text())]


def cluster(name: str, *, primary: str, epoch: int, **annotations: str) -> Object:
    return {
        "apiVersion": CLUSTERS[0],
        "kind": CLUSTERS[1],
        "metadata": {"name": name, "annotations": {"hakit/epoch": str(epoch), **annotations}},
        "spec": {
            "instances": 3,
            "storage": {"size": "1Gi"},
            "replica": {"primary": primary, "self": f"{name}-us-east-1", "source": "orders-g1-us-west-2"},
        },
    }


EAST, WEST = "orders-g1-us-east-1", "orders-g1-us-west-2"


class Running:
    """The program, with what a pod would be given: the ConfigMaps' files and a token of its service account."""

    def __init__(self, region: LabRegion, folder: Path, witness: list[str], **settings: Any) -> None:
        self._client, self._folder = region.client, folder
        code = self._client.get("v1", "ConfigMap", "shop-fence-code", "shop")["data"]
        for module, text in code.items():
            path = folder / fence.path_of(module)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        given = json.loads(self._client.get("v1", "ConfigMap", "shop-fence-settings", "shop")["data"]["fence.json"])
        (folder / "token").write_text(token(self._client))
        given |= {"witness": witness, "every": 0.5, "timeout": 2, "heartbeat": str(folder / "beat")} | settings
        server, authority = api(region)
        given |= {"server": server, "token": str(folder / "token"), "authority": str(authority)}
        (folder / "fence.json").write_text(json.dumps(given))

    def __enter__(self) -> "Running":
        self._log = (self._folder / "log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", "hakit.fence.watch", str(self._folder / "fence.json")],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(self._folder)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def said(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self._folder / "log").read_text().splitlines()]

    def turns(self, count: int) -> None:
        """Wait until that many turns have ended since now."""
        if self._process.poll() is not None:
            raise LabError((self._folder / "log").read_text())
        beat = self._folder / "beat"
        for _ in range(count):
            before = beat.stat().st_mtime_ns if beat.exists() else 0
            deadline = time.monotonic() + 20
            while (beat.stat().st_mtime_ns if beat.exists() else 0) == before:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.05)


def api(region: LabRegion) -> tuple[str, Path]:
    cluster = json.loads(region.kubeconfig.read_text())["clusters"][0]["cluster"]
    return cluster["server"], Path(cluster["certificate-authority"])


def token(client: Client) -> str:
    path = "/api/v1/namespaces/shop/serviceaccounts/shop-fence/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return client.request("POST", path, json=body)["status"]["token"]


@pytest.fixture
def clusters(shop: LabRegion, store: tuple[type[_Store], str]) -> Iterator[LabRegion]:
    store[0].content = None
    yield shop
    for each in shop.client.list(*CLUSTERS, "shop"):
        shop.client.delete(*CLUSTERS, each["metadata"]["name"], "shop")
    path = shop.client.path("v1", "ConfigMap", "shop-fence-memory", "shop")
    shop.client.request("PATCH", path, json={"data": None}, headers={"Content-Type": "application/merge-patch+json"})


def annotations(region: LabRegion, name: str) -> dict[str, str]:
    found = region.client.get(*CLUSTERS, name, "shop")["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if key in (FENCED, OURS)}


def test_a_primary_that_was_overtaken_is_fenced_within_the_seconds_that_are_promised(
    clusters: LabRegion, store: tuple[type[_Store], str], tmp_path: Path
) -> None:
    """The region was cut, us-west-2 was promoted, and the link comes back: the witness can be read again."""
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    with Running(clusters, tmp_path, [store[1]]) as running:
        running.turns(2)
        assert annotations(clusters, "orders-g1") == {}, "no witness can be read: nothing is done by one"
        store[0].content = dump({"orders": Witness(1, "us-west-2", 1)})
        began = time.monotonic()
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"), seconds=SECONDS)
        took = time.monotonic() - began
        assert annotations(clusters, "orders-g1") == {FENCED: '["*"]', OURS: "true"}
        print(f"fenced {took:.1f} s after the witness could be read")
        # the new list arrives: the copy follows the new primary, and a replica must replay
        clusters.apply([cluster("orders-g1", primary=WEST, epoch=10)], "shop")
        clusters.wait_for("the fence is lifted", lambda: annotations(clusters, "orders-g1"), lambda left: left == {})
    fenced = [each for each in running.said() if each["what"] == "fence"]
    assert [each["why"] for each in fenced] == ["the witness names us-west-2, incarnation 1 since entry 1"]


def test_the_copy_that_the_witness_names_is_left_alone(
    clusters: LabRegion, store: tuple[type[_Store], str], tmp_path: Path
) -> None:
    store[0].content = dump({"orders": Witness(1, "us-east-1", 1)})
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    with Running(clusters, tmp_path, [store[1]]) as running:
        running.turns(3)
    assert annotations(clusters, "orders-g1") == {}


def test_a_fence_that_a_person_set_is_never_lifted(
    clusters: LabRegion, store: tuple[type[_Store], str], tmp_path: Path
) -> None:
    store[0].content = dump({"orders": Witness(1, "us-east-1", 1)})
    by_hand = {FENCED: '["orders-g1-2"]'}
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=10, **by_hand)], "shop")
    with Running(clusters, tmp_path, [store[1]]) as running:
        running.turns(3)
    assert annotations(clusters, "orders-g1") == by_hand


def test_a_lower_witness_never_unfences_not_even_after_a_restart(
    clusters: LabRegion, store: tuple[type[_Store], str], tmp_path: Path
) -> None:
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=20)], "shop")
    store[0].content = dump({"orders": Witness(3, "us-west-2", 1)})
    with Running(clusters, tmp_path, [store[1]]) as running:
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"))
    store[0].content = dump({"orders": Witness(2, "us-east-1", 1)})
    with Running(clusters, tmp_path, [store[1]]) as running:
        running.turns(3)
    assert FENCED in annotations(clusters, "orders-g1")


def test_of_two_stores_one_is_enough(clusters: LabRegion, store: tuple[type[_Store], str], tmp_path: Path) -> None:
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    store[0].content = dump({"orders": Witness(1, "us-west-2", 1)})
    nobody = "http://127.0.0.1:1/shop.json"
    with Running(clusters, tmp_path, [nobody, store[1]]):
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"))


def test_out_of_reach_for_the_stated_time_it_fences_what_is_primary_and_nothing_else(
    clusters: LabRegion, store: tuple[type[_Store], str], tmp_path: Path
) -> None:
    clusters.apply([cluster("orders-g2", primary="orders-g2-us-east-1", epoch=0)], "shop")
    clusters.apply([cluster("orders-g1", primary=WEST, epoch=0)], "shop")
    with Running(clusters, tmp_path, [store[1]], unreachable_after=2):
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g2"))
        assert annotations(clusters, "orders-g1") == {}, "a replica must replay"
        store[0].content = dump({"orders": Witness(1, "us-east-1", 2)})
        clusters.wait_for("it is lifted", lambda: annotations(clusters, "orders-g2"), lambda left: left == {})


def test_its_rights_reach_no_further_than_two_annotations(clusters: LabRegion) -> None:
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    server, authority = api(clusters)
    own = Client(server, token(clusters.client), authority)
    try:
        own.merge(*CLUSTERS, "orders-g1", {"metadata": {"annotations": {FENCED: '["*"]'}}}, namespace="shop")
        for patch, words in (
            ({"spec": {"replica": {"primary": WEST}}}, "the fence may not change a Cluster's spec"),
            ({"metadata": {"annotations": {"hakit/epoch": "90"}}}, "the fence may change the annotations"),
            ({"metadata": {"annotations": {"hakit/epoch": None}}}, "the fence may change the annotations"),
            ({"metadata": {"labels": {"a": "b"}}}, "the fence may not change labels, finalizers or owners"),
            ({"metadata": {"finalizers": ["a/b"]}}, "the fence may not change labels, finalizers or owners"),
        ):
            with pytest.raises(RefusedError, match=words):
                own.merge(*CLUSTERS, "orders-g1", patch, namespace="shop")
        for refused in (
            lambda: own.delete(*CLUSTERS, "orders-g1", "shop"),
            lambda: own.list("v1", "Secret", "shop"),
            lambda: own.list("v1", "ConfigMap", "shop"),
            lambda: own.get("v1", "ConfigMap", "shop-fence-settings", "shop"),
            lambda: own.list(*CLUSTERS, "default"),
        ):
            with pytest.raises(RefusedError) as raised:
                refused()
            assert raised.value.status == 403
    finally:
        own.close()
