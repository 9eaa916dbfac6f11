"""A small client of the Kubernetes API: plain objects in and out, the server's own words when it refuses."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import requests
import requests.adapters

Object = dict[str, Any]


class RefusedError(Exception):
    """The API server said no.

    Attributes:
        status: of HTTP.
        reason: in one word: `Invalid`, `NotFound`, `TooManyRequests`, ...
        message: the server's sentence.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason, self.message = status, reason, message
        super().__init__(f"{status} {reason}: {message}")


class _Named(requests.adapters.HTTPAdapter):
    """Its certificate has to name the API server, whatever address it was reached at."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, assert_hostname="kubernetes.default.svc")


class Client:
    """One API server, asked with one bearer token."""

    def __init__(self, url: str, token: str, authority: Path) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = str(authority)
        self._session.mount("https://", _Named())
        # A proxy of the environment has no business between the lab and itself.
        self._session.trust_env = False
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """One request; its answer as JSON, or as text when it is none.

        Raises:
            RefusedError: the server answered with an error.
        """
        answer = self._session.request(method, self._url + path, timeout=30, **arguments)
        is_json = "json" in answer.headers.get("Content-Type", "")
        content = answer.json() if is_json else answer.text
        if answer.status_code >= 400:
            status = content if isinstance(content, dict) else {}
            raise RefusedError(answer.status_code, status.get("reason", ""), status.get("message", str(content)))
        return content

    def path(self, api: str, kind: str, name: str = "", namespace: str = "") -> str:
        """The path of a kind's objects, or of one of them, as the server's own discovery names it.

        Raises:
            LookupError: the server does not know the kind.
        """
        plural, namespaced = self._kind(api, kind)
        base = f"/api/{api}" if "/" not in api else f"/apis/{api}"
        place = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{base}{place}/{plural}" + (f"/{name}" if name else "")

    def _kind(self, api: str, kind: str) -> tuple[str, bool]:
        if (api, kind) not in self._kinds:
            base = f"/api/{api}" if "/" not in api else f"/apis/{api}"
            try:
                found = self.request("GET", base)["resources"]
            except RefusedError as error:
                raise LookupError(f"the server has no {api}: {error}") from None
            for each in found:
                if "/" not in each["name"]:
                    self._kinds[api, each["kind"]] = each["name"], each["namespaced"]
        try:
            return self._kinds[api, kind]
        except KeyError:
            raise LookupError(f"the server knows no {kind} in {api}") from None

    def apply(
        self, obj: Object, namespace: str = "default", *, manager: str = "lab", force: bool = False, dry: bool = False
    ) -> Object:
        """Server-side apply. An unknown or repeated field is an error, never dropped (`fieldValidation=Strict`)."""
        place = obj["metadata"].get("namespace") or namespace
        return self.request(
            "PATCH",
            self.path(obj["apiVersion"], obj["kind"], obj["metadata"]["name"], place),
            params={"fieldManager": manager, "fieldValidation": "Strict", "force": _flag(force)}
            | ({"dryRun": "All"} if dry else {}),
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=obj,
        )

    def apply_all(self, objects: Iterable[Object], namespace: str = "default", **options: Any) -> list[Object]:
        return [self.apply(obj, namespace, **options) for obj in objects]

    def create(self, obj: Object, namespace: str = "default") -> Object:
        place = obj["metadata"].get("namespace") or namespace
        path = self.path(obj["apiVersion"], obj["kind"], namespace=place)
        return self.request("POST", path, params={"fieldValidation": "Strict"}, json=obj)

    def get(self, api: str, kind: str, name: str, namespace: str = "") -> Object:
        return self.request("GET", self.path(api, kind, name, namespace))

    def find(self, api: str, kind: str, name: str, namespace: str = "") -> Object | None:
        """The object, or None when there is none."""
        try:
            return self.get(api, kind, name, namespace)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def list(self, api: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None) -> list[Object]:
        chosen = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        path = self.path(api, kind, namespace=namespace)
        return self.request("GET", path, params={"labelSelector": chosen} if chosen else {})["items"]

    def merge(self, api: str, kind: str, name: str, patch: Object, *, namespace: str = "") -> Object:
        """A JSON merge patch."""
        path = self.path(api, kind, name, namespace)
        return self.request("PATCH", path, json=patch, headers={"Content-Type": "application/merge-patch+json"})

    def delete(self, api: str, kind: str, name: str, namespace: str = "", *, now: bool = False) -> None:
        """Delete an object and, in the background, what it owns. `now` does not wait for a pod's node."""
        body: Object = {"propagationPolicy": "Background"}
        if now:
            body["gracePeriodSeconds"] = 0
        self.request("DELETE", self.path(api, kind, name, namespace), json=body)

    def evict(self, pod: str, namespace: str) -> None:
        """Ask for a pod to go, as `kubectl drain` does; a disruption budget answers 429 TooManyRequests."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        self.request("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", json=body)

    def is_ready(self) -> bool:
        try:
            self.request("GET", "/readyz")
        except (RefusedError, requests.ConnectionError, requests.Timeout, OSError):
            return False
        return True

    def close(self) -> None:
        self._session.close()


def _flag(value: bool) -> str:
    return "true" if value else "false"


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two timestamps as Kubernetes writes them."""
    first, second = (time.strptime(each, "%Y-%m-%dT%H:%M:%SZ") for each in (earlier, later))
    return time.mktime(second) - time.mktime(first)
