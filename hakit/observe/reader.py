"""One cluster, read through `kubectl proxy`: it knows every way to log in that a kubeconfig can name.

A kubeconfig's user may be a certificate, a token, or a program that fetches one (`aws eks get-token` and the like);
its cluster may stand behind a proxy or another name. kubectl reads all of that with the library that Pulumi's
provider has, so what answers here answers there. One kubectl serves all requests of a region, so it logs in once. It
listens on a socket in a folder that only this user can enter, and refuses every method that changes or deletes.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from hakit.errors import HakitError

Object = dict[str, Any]

#: Names the kubectl to use; empty: the one on PATH.
VARIABLE = "HAKIT_KUBECTL"
#: Objects in one answer of a list: what `kubectl get` asks for at once.
_PAGE = 500
#: Seconds until the next try of what was refused as too much: what the API server itself proposes (Retry-After).
_AGAIN = 1.0


class UnreachableError(Exception):
    """The cluster cannot be asked: it is down, too slow, lets nobody in, or the context is wrong. One line."""


class RefusedError(Exception):
    """The API server answered, and the answer is no.

    Attributes:
        status: of HTTP.
        reason: in one word: `Forbidden`, `NotFound`, ...
        message: the server's sentence.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason, self.message = status, reason, message
        super().__init__(f"{reason or status}: {message}")


class Reader:
    """Reads one cluster for at most `seconds`; whatever is still waited for then ends with UnreachableError.

    Use it as a context manager; `close` may be called from another thread.

    Args:
        context: of the kubeconfig; empty: its current one.
        kubeconfig: its path; empty: the usual one.
        seconds: for everything that is asked, from entering on.

    Raises:
        HakitError: there is no kubectl.
        UnreachableError: kubectl ends at once, because the context does not exist.
    """

    #: Methods that kubectl refuses to pass on.
    rejected = "^(PUT|PATCH|DELETE)$"
    #: Seconds for one answer; None: whatever is left of the whole.
    patience: float | None = None

    def __init__(self, context: str, kubeconfig: str = "", *, seconds: float = 15) -> None:
        self._context, self._kubeconfig, self._seconds = context, kubeconfig, seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = kubectl()
        self._folder = Path(tempfile.mkdtemp(prefix="hakit-"))
        self._socket = str(self._folder / "api")
        self._ends = time.monotonic() + self._seconds
        command = [program, "proxy", f"--unix-socket={self._socket}", f"--reject-methods={self.rejected}"]
        command += [f"--context={self._context}"] if self._context else []
        command += [f"--kubeconfig={self._kubeconfig}"] if self._kubeconfig else []
        with (self._folder / "log").open("wb") as log:
            # A session of its own, to be ended with everything in it: the programs that fetch tokens above all.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
            )
        self._timer = threading.Timer(self._seconds, self._stop)
        self._timer.daemon = True
        self._timer.start()
        try:
            self._wait_for(self._process)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End kubectl and what it started. Whoever still waits for an answer gets UnreachableError."""
        if self._process is None:
            return  # nothing has begun
        self._timer.cancel()
        self._stop()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def get(self, path: str) -> Object:
        """One object, or another answer of the API: `/version`, `/api/v1/namespaces/shop`.

        Raises:
            RefusedError: the server says no: there is none (404), or no right to it (403).
            UnreachableError: it says nothing.
        """
        return self._request("GET", path)

    def find(self, path: str) -> Object | None:
        """As `get`; None where the server has no such object, or no such kind."""
        try:
            return self.get(path)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, **query: str) -> list[Object]:
        """All objects of a list: `/api/v1/nodes`; `query` is `fieldSelector` or `labelSelector`. Raises as `get`."""
        found: list[Object] = []
        more = ""
        while True:
            asked = {**query, "limit": str(_PAGE)} | ({"continue": more} if more else {})
            answer = self.get(f"{path}?{urlencode(asked)}")
            found += answer.get("items") or []
            more = (answer.get("metadata") or {}).get("continue") or ""
            if not more:
                return found

    def text(self, path: str) -> str:
        """An answer that is plain text, such as a pod's metrics through the API server. Raises as `get`."""
        status, kind, content = self._once("GET", path, None)
        if status != http.client.OK:
            _read(status, kind, content)
            raise UnreachableError(f"it answered {status}")
        return content.decode(errors="replace")

    def review(self, path: str, body: Object) -> Object:
        """Ask by POST what creates nothing, such as a SelfSubjectAccessReview. Raises as `get`."""
        return self._request("POST", path, body)

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        while not self._listens():
            if process.poll() is not None:
                raise UnreachableError(self._said() or f"kubectl ended with {process.returncode}")
            time.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self._socket) == 0

    def _said(self) -> str:
        if time.monotonic() >= self._ends:
            return f"no answer within {self._seconds:g} s"
        lines = (self._folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1].removeprefix("error: ") if lines else ""

    def _stop(self) -> None:
        # One that has been waited for may have given its number to another.
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _request(self, method: str, path: str, body: Object | None = None, sent: str = "application/json") -> Object:
        while True:
            status, kind, content = self._once(method, path, body, sent)
            # A server that is busy, or has just learnt of a kind, asks to be asked again.
            if status != http.client.TOO_MANY_REQUESTS or time.monotonic() + _AGAIN > self._ends:
                return _read(status, kind, content)
            time.sleep(_AGAIN)

    def _once(
        self, method: str, path: str, body: Object | None, sent: str = "application/json"
    ) -> tuple[int, str, bytes]:
        connection = _Connection(self._socket, self.patience)
        headers = {"Accept": "application/json", "Content-Type": sent}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()
        except TimeoutError:
            raise UnreachableError(f"no answer within {self.patience:g} s") from None
        except (OSError, http.client.HTTPException):
            raise UnreachableError(self._said() or "kubectl has ended") from None
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP over kubectl's socket. Without a timeout of its own: for when time is over kubectl ends."""

    def __init__(self, path: str, patience: float | None) -> None:
        super().__init__("localhost")
        self._path, self._patience = path, patience

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._patience)
        self.sock.connect(self._path)


def _read(status: int, kind: str, content: bytes) -> Object:
    """The server's own answers are JSON, most refusals too; what kubectl says when it gets none is plain text."""
    if status == http.client.NOT_FOUND and kind != "application/json":
        raise RefusedError(status, "NotFound", "the server has no such path")  # no such API group
    if kind != "application/json":
        said = content.decode(errors="replace").strip().splitlines()
        raise UnreachableError(said[0][:200] if said else f"kubectl answered {status}")
    found: Object = json.loads(content)
    if status == http.client.UNAUTHORIZED:
        raise UnreachableError("it does not accept the credentials that the kubeconfig gives")
    if status >= http.client.BAD_REQUEST:
        raise RefusedError(status, str(found.get("reason", "")), str(found.get("message", "")))
    return found


def kubectl() -> str:
    """The program to ask clusters with.

    Raises:
        HakitError: there is none.
    """
    named = os.environ.get(VARIABLE, "")
    found = shutil.which(named or "kubectl")
    if found is None:
        raise HakitError(
            "there is no kubectl to read the clusters with",
            where=VARIABLE if named else "PATH",
            given=named or None,
            do=f"install kubectl, or name it in {VARIABLE}",
        )
    return found
