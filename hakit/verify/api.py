"""A region's API server, as the restore check's pod reaches it with its service account."""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Object = dict[str, Any]

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CONFLICT, NOT_FOUND = http.client.CONFLICT, http.client.NOT_FOUND
_TOO_MANY = http.client.TOO_MANY_REQUESTS
#: Seconds before each further try: an API server that is restarted is back within them.
_AGAIN = (1, 2, 5, 10, 15)


class RefusedError(Exception):
    """The API server answered, and the answer is no.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Api:
    """One API server, asked with a token that is read anew each time: the kubelet rotates it.

    Every method raises OSError when there is no answer, and RefusedError when it is a refusal.
    """

    def __init__(self, url: str, token: Path, authority: Path, timeout: float = 15) -> None:
        self._url, self._token, self._timeout = url, token, timeout
        self._context = ssl.create_default_context(cafile=str(authority))

    def list(self, path: str, labels: str) -> list[Object]:
        """All objects of a list that a label selector chooses."""
        return self._json("GET", f"{path}?{urlencode({'labelSelector': labels})}").get("items") or []

    def get(self, path: str) -> Object:
        return self._json("GET", path)

    def create(self, path: str, body: Object) -> Object:
        return self._json("POST", path, body)

    def merge(self, path: str, body: Object) -> Object:
        """Patch by a JSON merge patch."""
        return self._json("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path: str, uid: str) -> None:
        """Delete the very object that was seen, and no namesake that took its place since."""
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            self._json("DELETE", path, body)
        except RefusedError as error:
            if error.status not in (NOT_FOUND, CONFLICT):
                raise

    def follow(self, path: str) -> Iterator[str]:
        """The lines of a log until it ends."""
        with self._open("GET", path, None, "", timeout=None) as answer:
            for line in answer:
                yield line.decode(errors="replace").rstrip("\n")

    def _json(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Object:
        # What creates is not tried twice: nobody knows whether the first one arrived.
        for pause in () if method == "POST" else _AGAIN:
            try:
                return self._once(method, path, body, kind)
            except RefusedError as error:
                if error.status < http.client.INTERNAL_SERVER_ERROR and error.status != _TOO_MANY:
                    raise
            except OSError:
                pass
            time.sleep(pause)
        return self._once(method, path, body, kind)

    def _once(self, method: str, path: str, body: Object | None, kind: str) -> Object:
        with self._open(method, path, body, kind, self._timeout) as answer:
            return json.loads(answer.read())

    def _open(
        self, method: str, path: str, body: Object | None, kind: str, timeout: float | None
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token.read_text(encoding='utf-8').strip()}"}
        if body is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(  # noqa: S310  the scheme is https
            f"{self._url}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers=headers,
        )  # fmt: skip
        try:
            return urllib.request.urlopen(request, timeout=timeout, context=self._context)  # noqa: S310
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(error.code, _said(error)) from None


def _said(error: urllib.error.HTTPError) -> str:
    """The server's own sentence, where it says one."""
    try:
        return str(json.loads(error.read())["message"])
    except (ValueError, KeyError, TypeError):
        return f"it answered {error.code}"
