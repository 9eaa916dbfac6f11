"""The region's API server, as a pod reaches it with its service account."""

import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any

Object = dict[str, Any]

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Api:
    """One API server, asked with a token that is read anew each time: the kubelet rotates it."""

    def __init__(self, url: str, token: Path, authority: Path, timeout: float) -> None:
        self._url, self._token, self._timeout = url, token, timeout
        self._context = ssl.create_default_context(cafile=str(authority))

    def request(self, method: str, path: str, body: Object | None = None) -> Object:
        """One request, its answer as JSON. A body is a JSON merge patch. Raises OSError for every refusal."""
        request = urllib.request.Request(  # noqa: S310  the scheme is https
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token.read_text(encoding='utf-8').strip()}",
                "Content-Type": "application/merge-patch+json",
                "Accept": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=self._timeout, context=self._context) as answer:  # noqa: S310
            return json.loads(answer.read())
