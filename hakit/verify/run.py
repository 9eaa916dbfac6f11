"""`python -m hakit.verify.run CONFIG`: one restore check. Its exit code is the outcome, see `hakit.verify.outcome`.

CONFIG is a JSON file, see `Config`. What earlier runs left behind is removed first, what this one makes last, whatever
happens between. When it is killed, its Cluster goes with the pod that owns it.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hakit.verify import asking, outcome
from hakit.verify.api import Api, Object, RefusedError
from hakit.verify.config import Config
from hakit.verify.evidence import Evidence, named
from hakit.verify.hold import Hold
from hakit.verify.made import CLUSTERS, remove
from hakit.verify.outcome import CODES, FailedError
from hakit.verify.restoring import Restoring, manifest

REPORT = "report.json"
OUTCOME, ENDED, SUCCEEDED = "hakit/outcome", "hakit/ended", "hakit/succeeded"
_CONFIG_MAP = "/api/v1/namespaces/{}/configmaps/{}"


class StoppedError(Exception):
    """The process was told to end."""


class Run:
    """One run of one check.

    Attributes:
        report: what it found, as it is written to the ConfigMap.
    """

    def __init__(self, config: Config, environment: dict[str, str]) -> None:
        self.config = config
        self._api = Api(config.server, Path(config.token), Path(config.authority))
        self._name = f"{config.check}-r{secrets.token_hex(3)}"
        self._owner = _owner(environment)
        self._began = datetime.now(UTC)
        self._ends = time.monotonic() + config.deadline
        self._path = _CONFIG_MAP.format(config.namespace, config.report)
        holder = environment.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"
        self._hold = Hold(self._api, self._path, holder, config.patience)
        self.report: dict[str, Any] = {
            "schema": 1,
            "check": config.check,
            "pair": config.pair,
            "database": config.database,
            "region": config.region,
            "source": config.source,
            "run": self._name,
            "job": environment.get("JOB_NAME", ""),
            "began": _stamp(self._began),
            "seconds": {},
            "checks": [],
            "removed": [],
        }

    def whole(self) -> str:
        """From the first look to the report.

        Returns:
            The outcome.
        """
        word, message = outcome.OK, ""
        try:
            self._hold.take()
        except FailedError as error:
            return self._end(error.outcome, error.message)
        try:
            with _told_to_end():
                self.report["removed"] = remove(self._api, self.config, self._hold.renew)
                self._attempts()
        except FailedError as error:
            word, message = error.outcome, error.message
        except StoppedError:
            word, message = outcome.INTERRUPTED, "it was told to end"
        except (OSError, RefusedError) as error:
            word, message = outcome.FAILED, f"the API server: {error}"
        if word != outcome.BUSY:
            word, message = self._clean(word, message)
        return self._end(word, message)

    def _attempts(self) -> None:
        """Once, and once more when a segment of WAL seems to be missing: several are archived at a time, and one may
        have been on its way when the next was there already."""
        before = None
        while True:
            cluster, evidence = self._restore()
            hole = evidence.hole()
            if hole is None:
                break
            if hole == before:
                to = f", restored up to {_stamp(evidence.restored_to)}" if evidence.restored_to else ""
                raise FailedError(outcome.MISSING_WAL, f"segment {named(hole)} is not there, a later one is{to}")
            before = hole
            _say("again", why=f"segment {named(hole)} was not there, and a later one was")
            remove(self._api, self.config, self._hold.renew, self._name)
            self._name = f"{self.config.check}-r{secrets.token_hex(3)}"
            self.report["run"] = self._name
        self._check(cluster, evidence)

    def _restore(self) -> tuple[Object, Evidence]:
        began = time.monotonic()
        wanted = manifest(self.config, self._name, self._owner)
        _say("restore", cluster=self._name, source=self.config.source)
        self._api.create(CLUSTERS.format(self.config.namespace), wanted)
        found = Restoring(self._api, self.config, self._name, self._ends, self._hold.renew).wait()
        self._took("restore", began)
        evidence = found[1]
        self.report["backup"] = {"id": evidence.backup, "ended": _stamp(evidence.backup_ended)}
        self.report["restored_to"] = _stamp(evidence.restored_to)
        _say("serves", backup=evidence.backup, restored_to=_stamp(evidence.restored_to))
        return found

    def _check(self, cluster: Object, evidence: Evidence) -> None:
        began = time.monotonic()
        answers = asking.ask(self._api, self.config, cluster, self._ends, self._hold.renew)
        self._took("checks", began)
        self.report["checks"] = asking.judge(self.config, answers)
        failed = [each for each in self.report["checks"] if each["outcome"] != "ok"]
        if failed:
            broken = any(sign in each["found"] for each in failed for sign in ("invalid page", "could not read block"))
            told = "; ".join(f"{each['name']}: {each['found'] or 'no value'}" for each in failed)
            raise FailedError(outcome.CORRUPT if broken else outcome.CHECK_FAILED, told)
        self._check_age(answers, evidence)

    def _check_age(self, answers: list[asking.Answer], evidence: Evidence) -> None:
        freshness = self.config.freshness
        newest = asking.moment_of(answers[-1]) if freshness.sql else evidence.restored_to
        if newest is None:
            why = evidence.unread or "its log names neither a backup nor a transaction"
            raise FailedError(outcome.FAILED, f"nobody can tell how old it is: {why}")
        age = round((self._began - newest).total_seconds())
        self.report["freshness"] = {"newest": _stamp(newest), "age": age, "within": freshness.within}
        if age > freshness.within:
            told = f"the newest is of {_stamp(newest)}, {age} s old; allowed are {freshness.within} s"
            raise FailedError(outcome.STALE, told)

    def _clean(self, word: str, message: str) -> tuple[str, str]:
        began = time.monotonic()
        try:
            remove(self._api, self.config, self._hold.renew, self._name)
            self.report["cleanup"] = "done"
        except FailedError as error:
            self.report["cleanup"] = error.message
            if word == outcome.OK:
                word, message = error.outcome, error.message
        except (OSError, RefusedError) as error:
            self.report["cleanup"] = f"the API server: {error}"
            if word == outcome.OK:
                word, message = outcome.NOT_CLEANED, self.report["cleanup"]
        self._took("cleanup", began)
        return word, message

    def _end(self, word: str, message: str) -> str:
        self.report |= {"outcome": word, "message": message, "ended": _stamp(datetime.now(UTC))}
        if word != outcome.BUSY:
            # Who is turned away has found nothing; the report is of the run that goes on.
            marks = {OUTCOME: word, ENDED: self.report["ended"]}
            if word == outcome.OK:
                marks[SUCCEEDED] = self.report["ended"]
            body = {"metadata": {"annotations": marks}, "data": {REPORT: json.dumps(self.report, indent=2)}}
            try:
                self._api.merge(self._path, body)
                self._hold.release()
            except (OSError, RefusedError) as error:
                _say("no report", error=str(error))
        _say("end", **self.report)
        return word

    def _took(self, what: str, began: float) -> None:
        self.report["seconds"][what] = round(self.report["seconds"].get(what, 0) + time.monotonic() - began, 1)


def _owner(environment: dict[str, str]) -> Object | None:
    """The pod that this runs in; None outside of one."""
    name, uid = environment.get("POD_NAME"), environment.get("POD_UID")
    return {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid} if name and uid else None


@contextlib.contextmanager
def _told_to_end() -> Generator[None]:
    """Within the block SIGTERM is an exception; after it, it waits: what comes then removes what was made."""

    def stop(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise StoppedError

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _say(what: str, **facts: Any) -> None:
    """One line of JSON for each thing that happens, for whoever collects logs."""
    print(json.dumps({"time": _stamp(datetime.now(UTC)), "what": what, **facts}), flush=True)


if __name__ == "__main__":
    sys.exit(CODES[Run(Config.read(Path(sys.argv[1])), dict(os.environ)).whole()])
