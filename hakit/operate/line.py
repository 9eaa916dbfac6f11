"""One region's cluster for the length of an operation: one kubectl proxy, a short patience, and server-side apply."""

import copy
import subprocess
import time
from typing import Any
from urllib.parse import urlencode

from hakit.errors import HakitError
from hakit.observe import Object, Reader, RefusedError, UnreachableError
from hakit.plan.postgres import MANAGER

#: Seconds for one answer; of a region that is presumed dead, whose silence is no reason to wait.
PATIENCE, PRESUMED_DEAD = 10.0, 1.5
#: Seconds for one answer of an instance that may just restart: it is asked again. And the most that one gets.
RESTARTS, _MOST = 3.0, 30.0
#: Seconds for kubectl to begin.
_STARTS = 5.0
#: Seconds for which a line is good: longer than any operation.
_DAY = 24 * 3600.0
_CLUSTERS = "/apis/postgresql.cnpg.io/v1"
#: What Pulumi's provider may have set beside the program's own labels: without it in the manifest it would go.
_KEPT_LABEL = "app.kubernetes.io/managed-by"


class Line(Reader):
    """Reads a cluster, and applies whole manifests to it under the plan's own field manager."""

    rejected = "^(PUT|DELETE)$"

    def __init__(self, context: str, kubeconfig: str = "", patience: float = PATIENCE) -> None:
        super().__init__(context, kubeconfig, seconds=_DAY)
        self.patience = patience
        self._grown = 0.0

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        """kubectl that asks for a login, or hangs, is no line."""
        ends = time.monotonic() + _STARTS
        while not self._listens():
            if process.poll() is not None or time.monotonic() > ends:
                raise UnreachableError(self._said() or f"kubectl did not start within {_STARTS:g} s")
            time.sleep(0.01)

    def get_instance(self, path: str, *, soon: bool) -> Object:
        """As `get`, of an instance. One that may just restart is given up `soon`, and asked again; each time that it
        does not answer it gets twice as long the next time, as it may be busy instead."""
        usual = self.patience
        self.patience = max(self._grown, RESTARTS if soon else usual or PATIENCE)
        try:
            return self.get(path)
        except UnreachableError:
            self._grown = min(2 * self.patience, _MOST)
            raise
        finally:
            self.patience = usual

    def apply_cluster(self, manifest: Object) -> bool:
        """Apply a Cluster that is there; False when it is not: making one is the stack's work.

        Raises:
            HakitError: the server refuses it.
            UnreachableError: it does not answer.
        """
        metadata = manifest["metadata"]
        path = f"{_CLUSTERS}/namespaces/{metadata['namespace']}/clusters/{metadata['name']}"
        live = self.find(path)
        if live is None:
            return False
        query = urlencode({"fieldManager": MANAGER, "force": "true"})
        usual, self.patience = self.patience, PATIENCE  # it has just answered; the operator's webhook has to answer too
        try:
            self._request("PATCH", f"{path}?{query}", _labelled(manifest, live), "application/apply-patch+yaml")
        except RefusedError as error:
            raise HakitError(f"Cluster {metadata['name']}: the API server refuses it", given=error.message) from None
        finally:
            self.patience = usual
        return True


def _labelled(manifest: Object, live: Object) -> Object:
    found = (live["metadata"].get("labels") or {}).get(_KEPT_LABEL)
    made: dict[str, Any] = copy.deepcopy(manifest)
    if found is not None:
        made["metadata"].setdefault("labels", {}).setdefault(_KEPT_LABEL, found)
    return made


class Lines:
    """A line to every region, opened when it is first needed, and anew after it has failed."""

    def __init__(self, places: dict[str, tuple[str, str]]) -> None:
        self._places = places
        #: Seconds for an answer, of regions that get another time than the usual one.
        self.patience: dict[str, float] = {}
        self._open: dict[str, Line] = {}

    def to(self, region: str) -> Line:
        """Raises UnreachableError when the region cannot be asked at all, HakitError when there is no kubectl."""
        if region not in self._open:
            patience = self.patience.get(region, PATIENCE)
            self._open[region] = Line(*self._places[region], patience=patience).__enter__()
        return self._open[region]

    def drop(self, region: str) -> None:
        """A connection that was cut may hang for longer than the cut: the next question gets another one."""
        line = self._open.pop(region, None)
        if line is not None:
            line.close()

    def close(self) -> None:
        for region in list(self._open):
            self.drop(region)
