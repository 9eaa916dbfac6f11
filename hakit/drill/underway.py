"""A drill under way: what it is asked for, what it needs of the world, and its steps, each timed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hakit.drill.report import FAILED, PASSED, SKIPPED, StepDocument
from hakit.drill.sql import Session, SqlError
from hakit.errors import HakitError
from hakit.observe import UnreachableError
from hakit.topology.handovers import active_region
from hakit.topology.model import Pair, Topology

#: In the order in which they are run: what only looks, then what restores beside, then what moves users.
PARTS = ("consistency", "traffic", "restore", "region-loss", "game-day")
#: What they do to a running system, for whoever has to say yes.
CHANGES = {
    "consistency": "writes a marker into the database postgres, and reads every table in every region",
    "traffic": "asks the host name and each region",
    "restore": "restores every database's newest backup in the active region, into a disposable copy",
    "region-loss": "plans a failover, asks the other region for room, and restores the active one's backups there",
    "game-day": "MOVES THE ACTIVE REGION there and back; writes markers meanwhile",
}


class StepError(Exception):
    """A step's result is not what it has to be."""


class Tools(Protocol):
    """What the parts need of the world."""

    def topology(self) -> Topology:
        """As it is in the file now. Raises HakitError."""
        ...

    def sessions(self, database: str, /) -> Mapping[str, Session]:
        """By region, where the copy that counts is asked; without a region that does not answer."""
        ...

    def restored(self, database: str, region: str, source: str, /) -> str:
        """Restore the newest backup of `source`'s archive into a disposable copy in `region`; what was seen.

        Raises:
            StepError: it could not be restored, or what came of it is wrong.
        """
        ...

    def switched(self, region: str) -> str:
        """A whole switchover. What was said. Raises StepError."""
        ...

    def planned(self, region: str) -> str:
        """The plan of a failover, which changes nothing. Raises StepError."""
        ...

    def lacking(self, region: str) -> Sequence[str]:
        """What the region lacks to become active, in sentences. Raises HakitError, UnreachableError."""
        ...


@dataclass(frozen=True)
class Options:
    """What a drill is asked for.

    Attributes:
        parts: which, of PARTS.
        to: the region that the game day goes to; the pair's other one when empty.
        url: what users ask for; empty: traffic is not looked at.
        origins: by region, `host` or `host:port` past the load balancer.
        marker_seconds: how long a marker is waited for; 0: twice the RPO, half a minute at least.
        table_seconds: for one table on one side.
        settle_seconds: how long after a switchover the first write, and the first answer, are waited for.
    """

    parts: Sequence[str] = PARTS
    to: str = ""
    url: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    marker_seconds: float = 0
    table_seconds: float = 60
    settle_seconds: float = 60


class Progress(Protocol):
    """Told of each step before (`begin`) and after."""

    def __call__(self, part: str, what: str, event: str, seconds: float, said: str, /) -> None: ...


@dataclass
class Drill:
    """One drill under way."""

    name: str
    pair: str
    tools: Tools
    options: Options
    progress: Progress
    measured: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, list[StepDocument]] = field(default_factory=dict)

    def now(self) -> Pair:
        return self.tools.topology().pair(self.pair)

    def target(self) -> str:
        """Where the game day goes, and who would take over when the active region is lost."""
        pair = self.now()
        active = active_region(pair)
        return self.options.to or next(each for each in pair.regions if each != active)

    def step(self, part: str, what: str, act: Callable[[], str | None]) -> bool:
        """One step, timed. Whatever is wrong with the world is the step's outcome; a mistake of hakit's is not."""
        self.progress(part, what, "begin", 0, "")
        began, outcome, said = time.monotonic(), PASSED, ""
        try:
            said = act() or ""
        except (StepError, SqlError, HakitError, UnreachableError, OSError) as error:
            outcome, said = FAILED, str(error)
        took = time.monotonic() - began
        self.steps.setdefault(part, []).append(
            {"what": what, "outcome": outcome, "seconds": round(took, 3), "said": said}
        )
        self.progress(part, what, outcome, took, said)
        return outcome == PASSED


def skipped(what: str, said: str) -> StepDocument:
    """A step that was not tried."""
    return {"what": what, "outcome": SKIPPED, "seconds": 0.0, "said": said}
