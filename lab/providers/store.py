"""What exists in a stand-in's cloud, in one SQLite file: the provider writes it, a test reads and breaks it beside."""

import contextlib
import json
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_TABLES = """
create table if not exists things (type text, id text, properties text not null, primary key (type, id));
create table if not exists held (type text primary key);
"""


class Store:
    """Resources by type (`cloudflare:index/loadBalancerPool:LoadBalancerPool`) and the id that the cloud gave them.

    An object has Pulumi's property names (`defaultPools`), inputs and computed outputs together.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._opened() as opened:
            opened.executescript(_TABLES)

    def find(self, type_: str, identity: str) -> Object | None:
        """One resource, or None when there is none of the id."""
        return self.all(type_).get(identity)

    def all(self, type_: str) -> dict[str, Object]:
        """Every resource of a type, by id, in the order of their creation."""
        query = "select id, properties from things where type = ? order by rowid"
        with self._opened() as opened:
            return {identity: json.loads(text) for identity, text in opened.execute(query, (type_,))}

    def put(self, type_: str, identity: str, properties: Object) -> None:
        """Make a resource, or give it other properties."""
        query = "insert into things values (?, ?, ?) on conflict do update set properties = excluded.properties"
        with self._opened() as opened:
            opened.execute(query, (type_, identity, json.dumps(properties)))

    def remove(self, type_: str, identity: str) -> None:
        with self._opened() as opened:
            opened.execute("delete from things where type = ? and id = ?", (type_, identity))

    # An answer that is long in coming

    def hold(self, type_: str) -> None:
        """From now on a resource of the type is made, but nobody hears of it until `let_go`."""
        with self._opened() as opened:
            opened.execute("insert or ignore into held values (?)", (type_,))

    def let_go(self, type_: str) -> None:
        with self._opened() as opened:
            opened.execute("delete from held where type = ?", (type_,))

    def is_held(self, type_: str) -> bool:
        with self._opened() as opened:
            return opened.execute("select 1 from held where type = ?", (type_,)).fetchone() is not None

    @contextlib.contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        """A connection for one statement: gRPC's threads and the test's process take turns."""
        with contextlib.closing(sqlite3.connect(self._file, timeout=30)) as opened, opened:
            yield opened
