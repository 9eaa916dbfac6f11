"""A pair that `hakit` operates as a person does: from a clone with a remote, over the stacks of two regions and of the
load balancer. Everything is a process of its own; nothing in the product knows of it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hakit.topology import active_region
from lab.harness import Lab, LabRegion, RefusedError
from lab.harness.engine import Engine
from lab.harness.tools import POSTGRES_TOOLS, REGION_TOOLS, tool
from tests.lab import object_store
from tests.lab.conftest import need, need_network, running_lab
from tests.lab.object_store import ENVIRONMENT
from tests.lab.pair_by_up import Pair, authority, entrance, made
from tests.lab.reading import HOST, Edge, bought, reading
from tests.lab.writing import PASSWORD, is_writable
from tests.traffic.shop import cloudflare

PROGRAM = Path(__file__).parent / "programs" / "operated.py"
REGIONS = ("a", "b")
SCOPES = (*REGIONS, "traffic")
#: Nobody's own settings.
_GIT = {
    "GIT_AUTHOR_NAME": "operator",
    "GIT_AUTHOR_EMAIL": "operator@example.com",
    "GIT_COMMITTER_NAME": "operator",
    "GIT_COMMITTER_EMAIL": "operator@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@dataclass(frozen=True)
class Ran:
    """One command: how it ended (a signal is a negative number), what it said, its seconds."""

    code: int
    said: str
    seconds: float


@contextlib.contextmanager
def operated(request: pytest.FixtureRequest, folder: Path) -> Generator["Operated"]:
    """A pair that was founded in `a`, pushed, and at rest; its regions, its cloud and its witness's store."""
    need(*REGION_TOOLS, *POSTGRES_TOOLS, "pulumi", "kubectl")
    need_network()
    with contextlib.ExitStack() as opened:
        lab = opened.enter_context(running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, postgres=True))
        store = opened.enter_context(object_store.serving(lab.machine))
        clusters = {each.name: each.kubeconfig for each in lab}
        engine = opened.enter_context(Engine(folder / "pair", clusters, PROGRAM))
        found = opened.enter_context(Operated(lab, store, engine))
        found.deploy()
        yield found


class Operated(Pair):
    """The pair `shop` in a clone, `engine.project`, whose remote is a bare repository beside it.

    Attributes:
        edge: the load balancer's stand-in with its readers; there is none before `deploy` has ended.
        remote: the bare repository.
    """

    place = "stacks/topology.prod.yaml"
    edge: Edge

    def __init__(self, lab: Lab, store: object_store.ObjectStore, engine: Engine) -> None:
        super().__init__(lab, store, engine)
        self.remote = engine.project.parent / "origin.git"
        bought(engine)

    @property
    def project(self) -> Path:
        return self.engine.project

    @property
    def active(self) -> str:
        return active_region(self.declared.pair("shop"))

    @property
    def follower(self) -> str:
        return next(name for name in REGIONS if name != self.active)

    def declare(self, password: str) -> None:
        self.password = password
        region: dict[str, Any] = {
            "databases": {"orders": self._arguments()},
            # No registry has it; whether its pod starts is not asked. The program runs as a process, see `Running`.
            "fence": {"image": f"registry.example/python@sha256:{'a' * 64}"},
            # PostgREST itself does not run here; `region_front` asks in its stead.
            "ready": {"password": PASSWORD},
        }
        origins = {each: [{"address": f"{each}.origin.{HOST}"}] for each in REGIONS}
        traffic = cloudflare(hostname=HOST, health={"path": "/ready", "type": "http"}, origins=origins)
        del traffic["topology"]
        content = json.dumps({"region": region, "traffic": traffic})
        (self.engine.project / "arguments.json").write_text(content, encoding="utf-8")

    def deploy(self) -> None:
        """Every stack for the first time, and the first commit."""
        for scope in SCOPES:
            self._stacks[f"prod-{scope}"] = self._open.enter_context(self.engine.stack(f"prod-{scope}"))
        shared = authority()
        for region in self.lab:
            # Its namespace was there before: the first update takes it in, and no later one.
            self.up(region.name, more={"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"})
            # The operator waits for its authority.
            region.apply([shared], "shop")
            entrance(region, "orders-g1")
            self.healthy(region.name)
            if region.name == "a":
                region.wait_for("the tables", lambda: made(self), seconds=120)
        self.up("traffic")
        self._commit_all()
        self.edge = self._open.enter_context(reading(self.lab, self.engine))
        self._open.enter_context(self._routes())

    def up(self, name: str, *, more: Mapping[str, str] | None = None) -> None:
        ran = self.pulumi("up", "--stack", f"prod-{name}", "--yes", "--skip-preview", more=more, seconds=900)
        assert ran.code == 0, ran.said

    @contextlib.contextmanager
    def _routes(self) -> Generator[None]:
        """The route into a region leads where hakit's Service `orders-rw` leads, as a load balancer's would: to the
        copy that counts."""
        over = threading.Event()

        def follow(region: LabRegion) -> None:
            client, before = region.another_client(), "orders-g1"
            while not over.wait(0.2):
                with suppress(RefusedError, OSError):
                    selector = client.get("v1", "Service", "orders-rw", "shop")["spec"]["selector"]
                    if (now := selector["cnpg.io/cluster"]) != before:
                        change = {"spec": {"selector": selector}}
                        client.merge("v1", "Service", "route", change, namespace="shop")
                        before = now
            client.close()

        threads = [threading.Thread(target=follow, args=(region,), daemon=True) for region in self.lab]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _commit_all(self) -> None:
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", self.remote], check=True)
        self.git("init", "--quiet", "-b", "main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "as it was founded")
        self.git("remote", "add", "origin", str(self.remote))
        self.git("push", "--quiet", "-u", "origin", "main")

    def git(self, *words: str, where: Path | None = None) -> str:
        command = ["git", *words]
        environment = {**os.environ, **_GIT}
        done = subprocess.run(
            command, cwd=where or self.project, env=environment, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def commit(self) -> None:
        """What a person has written, pushed."""
        self.git("commit", "--all", "--quiet", "-m", "by hand")
        self.git("push", "--quiet")

    def clone(self, folder: Path, at: str = "main") -> Path:
        """Another laptop's: what was pushed, at a commit."""
        self.git("clone", "--quiet", str(self.remote), str(folder), where=self.project.parent)
        self.git("checkout", "--quiet", at, where=folder)
        return folder

    # Commands

    @property
    def environment(self) -> dict[str, str]:
        """What an operator's shell has: Pulumi's variables, a kubeconfig, keys of the witness's places, git's names."""
        return {**self.engine.environment(self._stacks["prod-b"]), **ENVIRONMENT, **_GIT}

    @contextlib.contextmanager
    def started(
        self, *words: str, where: Path | None = None, more: Mapping[str, str] | None = None, leave: bool = False
    ) -> Generator[subprocess.Popen[str]]:
        """`hakit` with these words, in a process group of its own; all of it is gone after the block, unless what it
        has started is to be left."""
        process = subprocess.Popen(
            [sys.executable, "-m", "hakit.cli", *words],
            cwd=where or self.project,
            env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        with process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    (os.kill if leave else os.killpg)(process.pid, signal.SIGKILL)

    def hakit(
        self,
        *words: str,
        where: Path | None = None,
        more: Mapping[str, str] | None = None,
        seconds: float = 600,
    ) -> Ran:
        began = time.monotonic()
        with self.started(*words, where=where, more=more) as process:
            said, _ = process.communicate(timeout=seconds)
        return Ran(process.returncode, said, time.monotonic() - began)

    def operate(self, command: str, to: str, *words: str) -> Ran:
        """A whole operation, which nobody is asked about; it has to end well."""
        ran = self.hakit(command, "--to", to, "--yes", *words)
        assert ran.code == 0, ran.said
        return ran

    def steps(self, command: str, to: str) -> list[str]:
        """The ids of a plan's steps."""
        ran = self.hakit(command, "--to", to, "--plan", "--format", "json")
        assert ran.code == 0, ran.said
        return [each["id"] for each in json.loads(ran.said)["steps"]]

    def pushed(self) -> bool:
        """Whether the remote has what this clone has."""
        self.git("fetch", "--quiet")
        return self.git("rev-parse", "HEAD") == self.git("rev-parse", "origin/main") and not self.git(
            "status", "--short"
        )

    def journal(self) -> dict[str, Any]:
        """That of the operation that is under way, beside Pulumi's state; nothing while there is none."""
        for file in (self.engine.state / ".hakit").rglob("*.json"):
            if "history" not in file.parts:
                with suppress(OSError, ValueError):
                    found = json.loads(file.read_text(encoding="utf-8"))
                    if isinstance(found, dict) and found.get("phase") in ("forward", "back"):
                        return found
        return {}

    def killed_at(self, step: str, command: str, to: str, *, late: float = 0.0, alone: bool = False) -> Ran:
        """An operation, killed hard as soon as its journal says that a step has begun.

        Args:
            step: its id.
            late: seconds after that.
            alone: what it has started goes on, as when only hakit itself dies; else all of it dies, in sessions of its
                own too.
        """
        began = time.monotonic()
        with self.started(command, "--to", to, "--yes", leave=alone) as process:
            while (entry := self.journal().get("entries", {}).get(step, {})).get("state") != "begun":
                if process.poll() is not None:
                    raise AssertionError(f"it ended before {step}: {process.communicate()[0]}")
                assert entry.get("state") != "done", f"{step} was over before anybody looked"
                assert time.monotonic() - began < 600, step
                time.sleep(0.005)
            time.sleep(late)
            for pid in [process.pid, *([] if alone else _started_by(process.pid))]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            said = process.stdout.read() if process.stdout and not alone else ""
        return Ran(process.returncode, said, time.monotonic() - began)

    def pulumi(
        self, *words: str, where: Path | None = None, more: Mapping[str, str] | None = None, seconds: float = 300
    ) -> Ran:
        """Pulumi's own command line, from a checkout."""
        began = time.monotonic()
        done = subprocess.run(
            [str(tool("pulumi")), *words, "--non-interactive"],
            cwd=where or self.project,
            env={**self.environment, **(more or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ran(done.returncode, done.stdout, time.monotonic() - began)

    # What must hold

    def nothing_to_do(self, scopes: Sequence[str] = SCOPES) -> None:
        """`pulumi preview` of every stack finds no change."""
        for scope in scopes:
            ran = self.pulumi("preview", "--stack", f"prod-{scope}", "--expect-no-changes")
            assert ran.code == 0, f"{scope}: {ran.said}"

    def writable(self) -> list[str]:
        return [name for name in REGIONS if is_writable(self.lab[name].network.console)]

    def one_side_is_writable(self, name: str) -> None:
        """Exactly this one, seen over the consoles, which no cut hides."""
        self.lab[name].wait_for(f"{name} alone is writable", self.writable, lambda found: found == [name], seconds=180)


def _started_by(pid: int) -> list[int]:
    """Every process that one has started, and those that these have."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, left = list[int](), [pid]
    while left:
        more = children.get(left.pop(), [])
        found, left = found + more, left + more
    return found
