"""SQL in a database of a region, by the psql that stands beside it: `kubectl exec`, bounded in time.

The way `kubectl cnpg psql` goes too (CloudNativePG 1.30, internal/cmd/plugin/psql/psql.go): it needs no route, no
password and no open port, but the right to create `pods/exec`. It works on a replica, which is asked as it is.
"""

import json
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hakit.observe import Place
from hakit.observe.reader import kubectl

#: Names and times are the same text on every side, whatever a database's own settings are.
_SAME_TEXT = (
    "set timezone to 'UTC'; set datestyle to 'ISO'; set intervalstyle to 'postgres'; set extra_float_digits to 1;"
)


class SqlError(Exception):
    """The database was not asked, or said no. One line."""


@dataclass(frozen=True)
class Session:
    """Where a database is asked.

    Attributes:
        place: its region's cluster.
        namespace, pod: the instance.
    """

    place: Place
    namespace: str
    pod: str

    @property
    def region(self) -> str:
        return self.place.region


def ask(session: Session, text: str, *, database: str = "postgres", seconds: float = 15) -> Any:
    """What the last statement gives: one value, which the statement makes JSON; None for nothing.

    Raises:
        SqlError: it cannot be reached, refuses, or takes longer than `seconds`. A statement that goes on in the
            database then ends there by its own time limit.
    """
    limit = f"set statement_timeout to {int(seconds * 1000)};"
    try:
        out = _run(_command(session, database), f"{limit}\n{_SAME_TEXT}\n{text}\n", seconds)
    except OSError as error:
        raise SqlError(f"kubectl: {error.strerror}") from None
    lines = [line for line in out.splitlines() if line.strip()]
    try:
        return json.loads(lines[-1]) if lines else None
    except ValueError:
        raise SqlError(f"psql answered {lines[-1][:100]!r}") from None


def quoted(text: str) -> str:
    """A string as a literal of SQL: https://www.postgresql.org/docs/current/sql-syntax-lexical.html"""
    return "'" + text.replace("'", "''") + "'"


def _command(session: Session, database: str) -> list[str]:
    place = session.place
    named = [f"--kubeconfig={place.kubeconfig}"] if place.kubeconfig else []
    psql = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"]
    inside = ["exec", "-i", "-n", session.namespace, session.pod, "-c", "postgres", "--", *psql]
    return [kubectl(), f"--context={place.context}", *named, *inside]


def _run(command: list[str], text: str, seconds: float) -> str:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        out, err = process.communicate(text.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        raise SqlError(f"no answer within {seconds:g} s") from None
    finally:
        _end(process)
    if process.returncode:
        said = [line for line in err.decode(errors="replace").splitlines() if line.strip()]
        telling = [line for line in said if "ERROR:" in line or "FATAL:" in line] or said[-1:]
        raise SqlError(telling[0].strip()[:300] if telling else f"kubectl ended with {process.returncode}")
    return out.decode(errors="replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
