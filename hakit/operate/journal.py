"""Where an operation stands: a document that is written before and after each step, and read by the next run.

It holds the plan, each step's state and time, and no secret: a demotion's token is in the topology's file only.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hakit.errors import HakitError
from hakit.operate.steps import Operation, Step
from hakit.operate.store import OvertakenError, Store
from hakit.operate.world import Position

VERSION = 1
#: forward: under way; back: it is being taken back; done, undone: it has ended so; overtaken: another one has ended it.
Phase = Literal["forward", "back", "done", "undone", "overtaken"]
OPEN = ("forward", "back")


@dataclass
class Entry:
    """One step's state.

    Attributes:
        state: `begun`, `done`, or `left`: it failed and need not be done for the operation to go on.
        began: when it was first begun, in ISO 8601.
        seconds: from that on until it was done, in the run that did it.
        tries: how often it was begun.
        said: what came of it, or why it failed.
    """

    state: str = "begun"
    began: str = ""
    seconds: float = 0.0
    tries: int = 0
    said: str = ""


@dataclass
class Journal:
    """One operation's journal. Every change is written at once.

    Attributes:
        floor: by database, where the active copy had come before it was demoted.
    """

    store: Store
    name: str
    operation: Operation
    phase: Phase = "forward"
    entries: dict[str, Entry] = field(default_factory=dict)
    floor: dict[str, Position] = field(default_factory=dict)
    started: str = ""
    tag: str = ""

    @property
    def open(self) -> bool:
        return self.phase in OPEN

    @property
    def left(self) -> list[Step]:
        """What an operation that has ended left to do."""
        steps = [*self.operation.steps, *self.operation.back]
        return [step for step in steps if step.id in self.entries and self.entries[step.id].state == "left"]

    def is_done(self, step: Step) -> bool:
        return step.id in self.entries and self.entries[step.id].state == "done"

    def is_begun(self, step: Step) -> bool:
        return step.id in self.entries

    def begin(self, step: Step) -> None:
        entry = self.entries.setdefault(step.id, Entry(began=_now()))
        entry.state, entry.tries = "begun", entry.tries + 1
        self.save()

    def end(self, step: Step, seconds: float, said: str, state: str = "done") -> None:
        entry = self.entries[step.id]
        entry.state, entry.seconds, entry.said = state, round(seconds, 3), said
        self.save()

    def turn(self, phase: Phase) -> None:
        self.phase = phase
        self.save()

    def save(self) -> None:
        """Raises HakitError when another run has written it since."""
        try:
            self.tag = self.store.write(self.name, json.dumps(self.as_dict(), indent=1).encode(), self.tag)
        except OvertakenError:
            raise HakitError(
                "the journal was written by somebody else meanwhile",
                where=self.store.where,
                do="look at it, then run the command again",
            ) from None

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "started": self.started,
            "phase": self.phase,
            "operation": self.operation.as_dict(),
            "entries": {key: vars(entry) for key, entry in self.entries.items()},
            "floor": {name: [place.timeline, place.lsn] for name, place in self.floor.items()},
        }


def begin(store: Store, name: str, operation: Operation, tag: str) -> Journal:
    """A new operation's journal, over one that has ended."""
    made = Journal(store, name, operation, started=_now(), tag=tag)
    made.save()
    return made


def load(store: Store, name: str) -> tuple[Journal | None, str]:
    """The pair's journal, and its tag; None before the first operation.

    Raises:
        HakitError: it is none, or of another version of hakit.
        AwayError: the store cannot be reached.
    """
    content, tag = store.read(name)
    if not content:
        return None, tag
    try:
        data = json.loads(content)
        if data["version"] != VERSION:
            raise HakitError(
                "the journal is of another version of hakit",
                where=f"{store.where}/{name}",
                given=data["version"],
                allowed=str(VERSION),
                do="finish the operation with the hakit that began it",
            )
        return _of(store, name, data, tag), tag
    except (ValueError, KeyError, TypeError) as error:
        raise HakitError(
            "the journal cannot be read",
            where=f"{store.where}/{name}",
            given=type(error).__name__,
            do="look what it says, set it aside, and let `hakit status` say where the pair stands",
        ) from None


def _of(store: Store, name: str, data: Mapping[str, Any], tag: str) -> Journal:
    return Journal(
        store,
        name,
        Operation.of(data["operation"]),
        data["phase"],
        {key: Entry(**value) for key, value in data["entries"].items()},
        {database: Position(*place) for database, place in data["floor"].items()},
        data["started"],
        tag,
    )


def keep(store: Store, journal: Journal) -> None:
    """Put an ended operation's journal beside the others, by the time at which it began."""
    moment = journal.started.replace(":", "").replace("+0000", "Z")
    name = f"history/{moment}-{journal.operation.kind}-{journal.name}"
    store.write(name, json.dumps(journal.as_dict(), indent=1).encode(), store.read(name)[1])


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
