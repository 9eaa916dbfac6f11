"""An application that writes to PostgreSQL in two regions, and remembers what was acknowledged to it."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

PORT = 30433
PASSWORD = "of the lab"  # noqa: S105
#: Seconds; shorter ones are the machine's.
_PAUSE = 0.5


def connect(host: str, **options: Any) -> psycopg.Connection:
    """As the application, over the network. What does not answer for some seconds is given up: the user timeout is for
    what was sent and not acknowledged, the keepalives for an answer that never comes."""
    return psycopg.connect(
        host=host,
        **{
            "port": PORT,
            "dbname": "orders",
            "user": "app",
            "password": PASSWORD,
            "connect_timeout": 2,
            "tcp_user_timeout": 2000,
            "keepalives_idle": 1,
            "keepalives_interval": 1,
            "keepalives_count": 2,
            "autocommit": True,
            **options,
        },
    )


def is_writable(host: str, port: int = PORT) -> bool:
    """Whether the application logs in there and commits something."""
    try:
        with connect(host, port=port, target_session_attrs="read-write") as connection:
            connection.execute("insert into probes default values")
    except psycopg.Error:
        return False
    return True


def until(look: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until something holds, looked at without a pause."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)
    return time.monotonic() - began


class Writer:
    """It commits row after row wherever it may write.

    Args:
        hosts: where it may find a database, in the order in which it tries.
        first: the number of its first row.
        port: of the database, at each of them.
    """

    def __init__(self, hosts: Sequence[str], *, first: int = 1, port: int = PORT) -> None:
        self._first, self._port = first, port
        self._hosts = ",".join(hosts)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.acknowledged: dict[int, float] = {}

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def last(self) -> int:
        """The number of the last row that was acknowledged."""
        return max(self.acknowledged, default=0)

    def longest_pause(self, since: float) -> float:
        """The longest time between two acknowledgements from a moment on, in seconds."""
        times = [since, *(moment for moment in self.acknowledged.values() if moment >= since), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def without_writes(self, since: float) -> float:
        """Seconds in all from a moment on in which nothing was acknowledged for longer than half a second: when a side
        is promoted, and when its PostgreSQL is restarted once more after that."""
        times = [since, *(moment for moment in self.acknowledged.values() if moment >= since), time.monotonic()]
        return sum(later - earlier for earlier, later in itertools.pairwise(times) if later - earlier > _PAUSE)

    def _run(self) -> None:
        number = self._first - 1
        while not self._end.is_set():
            try:
                with connect(self._hosts, port=self._port, target_session_attrs="read-write") as connection:
                    while not self._end.wait(0.005):
                        number += 1  # never the same twice: one without an answer may be in the database or not
                        connection.execute("insert into orders (id) values (%s)", [number])
                        self.acknowledged[number] = time.monotonic()
            except psycopg.Error:
                self._end.wait(0.05)


def columns(rows: Sequence[Sequence[object]]) -> list[str]:
    """A table's lines; seconds with one digit."""
    texts = [[f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
