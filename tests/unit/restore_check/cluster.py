"""An API server that answers a restore check as a real one does, for what real parts cannot be brought to do.

Rules and where they come from: a merge patch with a resourceVersion that is not the newest is refused with 409, and a
deletion with another uid too (https://kubernetes.io/docs/reference/using-api/api-concepts/, "Resource versions" and
"preconditions"); what an object owns goes with it (docs/concepts/architecture/garbage-collection). It restores at once.
"""

import itertools
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
REPORT = "/api/v1/namespaces/checks/configmaps/orders-from-a-restore-check"


class FakeCluster:
    """Its state, and what a test bends.

    Attributes:
        objects: by path.
        answers: of the pod that asks, its termination message.
        log: of the n-th recovery.
        refuses: the message by which a Cluster is not admitted; empty: it is.
        serves: whether a restored Cluster becomes ready.
        failed: whether the recovery's pod has failed.
        deletes: whether what is deleted goes.
        asked: every request.
    """

    def __init__(self) -> None:
        self.answers = "0 ok t"
        self.logs: list[list[str]] = [[]]
        self.refuses = ""
        self.serves, self.failed, self.deletes = True, False, True
        self.asked: list[tuple[str, str]] = []
        self.restored = 0
        self.on_get: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self.objects: dict[str, Object] = {}
        self.put(REPORT, {"metadata": {"name": "orders-from-a-restore-check"}})

    def put(self, path: str, body: Object) -> Object:
        number = str(next(self._numbers))
        metadata = {"uid": f"uid-{number}", **body.get("metadata", {}), "resourceVersion": number}
        self.objects[path] = {**body, "metadata": metadata}
        return self.objects[path]

    def marks(self) -> dict[str, str]:
        return self.objects[REPORT]["metadata"].get("annotations", {})

    def report(self) -> Object:
        return json.loads(self.objects[REPORT]["data"]["report.json"])

    def names(self, kind: str) -> list[str]:
        return [each["metadata"]["name"] for path, each in self.objects.items() if f"/{kind}/" in path]

    def answer(self, method: str, target: str, body: Object) -> tuple[int, Any]:
        with self._lock:
            place = urlsplit(target)
            self.asked.append((method, place.path))
            return getattr(self, f"_{method.lower()}")(place.path, parse_qs(place.query), body)

    def _get(self, path: str, query: dict[str, list[str]], _body: Object) -> tuple[int, Any]:
        if path.endswith("/log"):
            return 200, "\n".join(self.logs[min(self.restored, len(self.logs)) - 1]) + "\n"
        if "labelSelector" in query:
            wanted = dict(part.split("=") for part in query["labelSelector"][0].split(","))
            found = [
                each
                for at, each in self.objects.items()
                if at.rpartition("/")[0] == path and wanted.items() <= (each["metadata"].get("labels") or {}).items()
            ]
            return 200, {"items": found}
        self.on_get()
        return 200, self.objects[path]

    def _post(self, path: str, _query: dict[str, list[str]], body: Object) -> tuple[int, Any]:
        if self.refuses and path.endswith("/clusters"):
            return 422, {"message": self.refuses}
        made = self.put(f"{path}/{body['metadata']['name']}", body)
        if path.endswith("/clusters"):
            self._restore(made)
        else:
            ended = {"terminated": {"reason": "Completed", "message": self.answers}}
            made["status"] = {"phase": "Succeeded", "containerStatuses": [{"name": "ask", "state": ended}]}
        return 201, made

    def _restore(self, cluster: Object) -> None:
        self.restored += 1
        name = cluster["metadata"]["name"]
        healthy = {"readyInstances": 1, "phase": "Cluster in healthy state", "image": "postgresql:17"}
        cluster["status"] = healthy if self.serves and not self.failed else {"phase": "Setting up primary"}
        state = {"name": "full-recovery", "state": {"terminated": {}}}
        labels = {"cnpg.io/cluster": name, "cnpg.io/jobRole": "full-recovery"}
        pod = {"metadata": {"name": f"{name}-1-full-recovery-x", "labels": labels}}
        made = self.put(f"/api/v1/namespaces/checks/pods/{name}-1-full-recovery-x", pod)
        made["status"] = {"phase": "Failed" if self.failed else "Succeeded", "containerStatuses": [state]}

    def _patch(self, path: str, _query: dict[str, list[str]], body: Object) -> tuple[int, Any]:
        found = self.objects[path]
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, found["metadata"]["resourceVersion"]):
            return 409, {"message": "the object has been modified"}
        marks = {**self.marks(), **body.get("metadata", {}).get("annotations", {})}
        metadata = {**found["metadata"], "annotations": {key: value for key, value in marks.items() if value}}
        return 200, self.put(
            path, {**found, **({"data": body["data"]} if "data" in body else {}), "metadata": metadata}
        )

    def _delete(self, path: str, _query: dict[str, list[str]], body: Object) -> tuple[int, Any]:
        found = self.objects.get(path)
        if found is None:
            return 404, {"message": "not found"}
        if body["preconditions"]["uid"] != found["metadata"]["uid"]:
            return 409, {"message": "the UID in the precondition does not match"}
        if self.deletes:
            name = found["metadata"]["name"]
            self.objects = {at: each for at, each in self.objects.items() if at != path and not _owned(each, name)}
        return 200, {}


def _owned(each: Object, cluster: str) -> bool:
    labels = each["metadata"].get("labels") or {}
    return labels.get("cnpg.io/cluster") == cluster or labels.get("hakit/restore-check-run") == cluster


def server(cluster: FakeCluster) -> ThreadingHTTPServer:
    """On a port of the kernel's choosing."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, content = cluster.answer(self.command, self.path, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content.encode() if isinstance(content, str) else json.dumps(content).encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
