"""The fence's program as a pod has it, as a process; and a store where it reads the witness."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hakit.fence.watch import FENCED, OURS
from hakit.plan import fence
from lab.harness import Client, LabRegion
from lab.harness.processes import LabError
from tests.lab.object_store import ENVIRONMENT

CLUSTERS = "postgresql.cnpg.io/v1", "Cluster"
#: What docs/region-pair.md promises: one interval of 2 s and the requests of one turn.
SECONDS = 5.0


class Store:
    """The other region's store, at `url`.

    Attributes:
        content: the document; None: nothing that can be read.
        read: the moments at which a document was given out.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.content: str | None = None
        self.read: list[float] = []


@contextlib.contextmanager
def serving(address: str) -> Iterator[Store]:
    """A store at an address of this machine."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = store.content
            self.send_response(200 if content is not None else 503)
            self.end_headers()
            self.wfile.write((content or "").encode())
            if content is not None:
                store.read.append(time.monotonic())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((address, 0), Answer) as server:
        store = Store(f"http://{address}:{server.server_port}/shop.json")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()


class Running:
    """The program, with what a pod would be given: the ConfigMaps' files and a token of its service account.

    Args:
        region: where the fence's objects of the pair `shop` are applied, in the namespace `shop`.
        folder: for the pod's files.
        witness: addresses that take the place of the settings' own, if any.
        within: makes a command one that runs in the region's network.
        settings: that take the place of the ConfigMap's.
    """

    def __init__(
        self,
        region: LabRegion,
        folder: Path,
        witness: list[str] | None = None,
        *,
        within: Callable[[Sequence[str | Path]], list[str]] | None = None,
        **settings: Any,
    ) -> None:
        self._client, self._folder = region.client, folder
        code = self._client.get("v1", "ConfigMap", "shop-fence-code", "shop")["data"]
        for module, text in code.items():
            path = folder / fence.path_of(module)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        given = json.loads(self._client.get("v1", "ConfigMap", "shop-fence-settings", "shop")["data"]["fence.json"])
        (folder / "token").write_text(token(self._client))
        given |= ({"witness": witness} if witness else {}) | {"heartbeat": str(folder / "beat")} | settings
        server, authority = api(region)
        given |= {"server": server, "token": str(folder / "token"), "authority": str(authority)}
        (folder / "fence.json").write_text(json.dumps(given))
        command = [sys.executable, "-S", "-m", "hakit.fence.watch", str(folder / "fence.json")]
        self._command = within(command) if within else command

    def __enter__(self) -> "Running":
        self._log = (self._folder / "log").open("w")
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env={"PYTHONPATH": str(self._folder), **ENVIRONMENT},
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
        beat = self._folder / "beat"
        for _ in range(count):
            before = beat.stat().st_mtime_ns if beat.exists() else 0
            deadline = time.monotonic() + 20
            while (beat.stat().st_mtime_ns if beat.exists() else 0) == before:
                if self._process.poll() is not None:
                    raise LabError((self._folder / "log").read_text())
                assert time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.05)


def api(region: LabRegion) -> tuple[str, Path]:
    cluster = json.loads(region.kubeconfig.read_text())["clusters"][0]["cluster"]
    return cluster["server"], Path(cluster["certificate-authority"])


def token(client: Client) -> str:
    path = "/api/v1/namespaces/shop/serviceaccounts/shop-fence/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return client.request("POST", path, json=body)["status"]["token"]


def annotations(region: LabRegion, name: str) -> dict[str, str]:
    """Those that the fence writes."""
    found = region.client.get(*CLUSTERS, name, "shop")["metadata"].get("annotations") or {}
    return {key: value for key, value in found.items() if key in (FENCED, OURS)}
