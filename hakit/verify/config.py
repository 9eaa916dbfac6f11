"""What one restore check is told, as a JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.verify.api import ACCOUNT, Object


@dataclass(frozen=True)
class Query:
    """A statement that is asked of what was restored.

    Attributes:
        sql: one SELECT, whose single value is true when all is well.
    """

    name: str
    sql: str


@dataclass(frozen=True)
class Freshness:
    """How old what was restored may be.

    Attributes:
        within: seconds.
        sql: one SELECT, whose single value is a moment; None: of the last transaction that was replayed, or of the
            backup's end when none came after it.
    """

    within: int
    sql: str | None = None


@dataclass(frozen=True)
class Config:
    """One restore check.

    Attributes:
        check: its name, and what the names of all that it makes begin with.
        namespace: where it makes it.
        report: the ConfigMap that keeps the report of the last run, and who runs.
        pair, database, region, source: what is restored, where, and from which region's archive.
        database_name: in SQL.
        cluster: the spec of the disposable Cluster.
        queries, freshness: what is asked of it.
        deadline: seconds until it must serve and have answered.
        cleanup: seconds until all of it must be gone.
        every: seconds between two looks.
        patience: seconds after which a run that gives no sign counts as dead.
        server, token, authority: of the API server.
    """

    check: str
    namespace: str
    report: str
    pair: str
    database: str
    region: str
    source: str
    database_name: str
    cluster: Object
    queries: tuple[Query, ...]
    freshness: Freshness
    deadline: int
    cleanup: int = 300
    every: float = 2
    patience: float = 60
    server: str = "https://kubernetes.default.svc"
    token: str = str(ACCOUNT / "token")
    authority: str = str(ACCOUNT / "ca.crt")

    @classmethod
    def read(cls, path: Path) -> "Config":
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        queries = tuple(Query(**each) for each in given.pop("queries"))
        return cls(queries=queries, freshness=Freshness(**given.pop("freshness")), **given)
