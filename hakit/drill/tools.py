"""The world outside, as a drill needs it: regions by kubectl, and hakit's own commands, each in a process of its own so
that a drill ends with a document whatever becomes of one of them.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hakit.drill.sql import Session
from hakit.drill.underway import StepError
from hakit.observe import ask_all, place_of
from hakit.status.judge import copies_of, current_of
from hakit.status.seen import SeenRegion, see
from hakit.topology import Topology, load
from hakit.topology.intents import cluster_intent

#: Findings of hakit preflight that say that a region has no room, whatever their severity there.
_ROOM = ("HK104", "HK110", "HK111", "HK112", "HK113")


@dataclass(frozen=True)
class RealTools:
    """What `underway.Tools` asks for.

    Attributes:
        path: the topology's file.
        pair: of it.
        root: folder of Pulumi.yaml.
        seconds: for all questions to one region.
        patience: seconds for a switchover, a restore or a plan.
    """

    path: Path
    pair: str
    root: Path
    seconds: float = 15
    patience: float = 1800

    def topology(self) -> Topology:
        return load(self.path)

    def sessions(self, database: str) -> Mapping[str, Session]:
        declared = self.topology()
        pair = declared.pair(self.pair)
        places = {name: place_of(declared, name, self.root) for name in pair.regions}
        seen = ask_all(list(places.values()), lambda _place, reader: see(reader), seconds=self.seconds)
        found = copies_of(
            {name: each for name, each in seen.items() if isinstance(each, SeenRegion)}, self.pair, database
        )
        sessions = {}
        for region, copies in found.items():
            copy = current_of(copies, cluster_intent(pair, database, region))
            if copy and copy.first:
                sessions[region] = Session(places[region], copy.namespace, copy.first)
        return sessions

    def restored(self, database: str, region: str, source: str) -> str:
        where = ("--region", region, "--from-region", source)
        return self._hakit(
            "verify-backup", "--topology", str(self.path), "--pair", self.pair, "--database", database, *where
        )

    def switched(self, region: str) -> str:
        return self._hakit("switchover", str(self.path), "--pair", self.pair, "--to", region, "--yes", good=(0, 3))

    def planned(self, region: str) -> str:
        return self._hakit("failover", str(self.path), "--pair", self.pair, "--to", region, "--plan")

    def lacking(self, region: str) -> Sequence[str]:
        import hakit.preflight as checking

        document = checking.preflight(self.path, regions=[region], seconds=self.seconds)
        return [
            f"{each['code']} {each['object']}: {each['message']}"
            for part in document["regions"]
            for each in part["findings"]
            if each["severity"] == "error" or each["code"] in _ROOM
        ]

    def _hakit(self, command: str, *words: str, good: Sequence[int] = (0,)) -> str:
        """The last line that one of hakit's commands says. Raises StepError."""
        process = subprocess.Popen(
            [sys.executable, "-m", "hakit.cli", command, *words],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            out, _ = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            raise StepError(f"hakit {command} has not ended within {self.patience:g} s; run it again by hand") from None
        finally:
            _end(process)
        lines = [line for line in out.splitlines() if line.strip()]
        if process.returncode not in good:
            raise StepError(f"hakit {command} ended with {process.returncode}: {' · '.join(lines[-4:])}")
        return lines[-1].strip() if lines else ""


def _end(process: "subprocess.Popen[str]") -> None:
    """As Ctrl-C would: a step machine that is told to end writes down where it stands."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait()
