"""One run at a time: a mark on the check's own ConfigMap, which is renewed while a run goes on."""

import time

from hakit.verify.api import CONFLICT, Api, RefusedError
from hakit.verify.outcome import BUSY, FailedError

HOLDER = "hakit/restore-check-holder"
RENEWED = "hakit/restore-check-renewed"


class Hold:
    """The right to run.

    A holder that was killed never lets go. So whoever comes next watches for a while: a mark that does not change is
    nobody's. No two clocks are compared.

    Args:
        path: of the ConfigMap.
        holder: who runs.
        patience: seconds in which a living holder renews its mark several times.
    """

    def __init__(self, api: Api, path: str, holder: str, patience: float) -> None:
        self._api, self._path, self._holder, self._patience = api, path, holder, patience
        self._renewed = 0.0
        self._turn = 0

    def take(self) -> None:
        """Raises FailedError while another run goes on."""
        found = self._api.get(self._path)
        if (holder := _mark(found, HOLDER)) and holder != self._holder:
            before = _mark(found, RENEWED)
            ends = time.monotonic() + self._patience
            while time.monotonic() < ends:
                time.sleep(min(2.0, self._patience / 4))
                found = self._api.get(self._path)
                if not _mark(found, HOLDER):
                    break
                if (_mark(found, HOLDER), _mark(found, RENEWED)) != (holder, before):
                    raise FailedError(BUSY, f"{_mark(found, HOLDER)} is running")
        if not self._write(self._holder, found["metadata"]["resourceVersion"]):
            raise FailedError(BUSY, "another run was quicker")

    def renew(self) -> None:
        """Every so often. Raises FailedError when another run has taken over: this one was away for too long."""
        if time.monotonic() - self._renewed < self._patience / 6:
            return
        found = self._api.get(self._path)
        if _mark(found, HOLDER) != self._holder:
            raise FailedError(BUSY, f"{_mark(found, HOLDER) or 'another run'} has taken over")
        self._write(self._holder, found["metadata"]["resourceVersion"])

    def release(self) -> None:
        found = self._api.get(self._path)
        if _mark(found, HOLDER) == self._holder:
            self._write(None, found["metadata"]["resourceVersion"])

    def _write(self, holder: str | None, version: str) -> bool:
        """Whether nobody else wrote since it was read."""
        self._turn += 1
        marks = {HOLDER: holder, RENEWED: str(self._turn) if holder else None}
        try:
            self._api.merge(self._path, {"metadata": {"resourceVersion": version, "annotations": marks}})
        except RefusedError as error:
            if error.status == CONFLICT:
                return False
            raise
        self._renewed = time.monotonic()
        return True


def _mark(found: dict[str, dict[str, dict[str, str]]], key: str) -> str:
    return (found["metadata"].get("annotations") or {}).get(key) or ""
