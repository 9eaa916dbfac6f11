"""What an operation is made of, as plain data: it is printed, journalled, executed and made into runbooks as it is.

A step says in words what it does, where, why, how it is verified and how it is undone; `act` and the fields after it
are what `acts` does. Every act first looks whether its work is done already, so a step may be begun any number of
times, by another process than the first, and an operation goes on wherever it was left.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Act = Literal["append", "apply", "token", "witness", "promoted", "settle", "update", "built", "publish"]
#: Everything that a step can do, and in a word what it changes. `acts.ACTS` has a function for each.
ACTS: Mapping[str, str] = {
    "append": "adds an entry to the pair's list in the topology's file",
    "apply": "applies the whole manifests of the pair's databases in one region, as the file now wants them",
    "token": "waits for the demotion's token and records it in the file",
    "witness": "writes to the pair's witness what the list wants",
    "promoted": "applies a region's manifests, and waits until its databases take writes",
    "settle": "records in the file that the change was seen to be complete",
    "update": "brings a stack up to date by `pulumi up`",
    "built": "waits until a region's databases are built, follow and have caught up",
    "publish": "commits and pushes the file, where the project asks for it",
}

Kind = Literal["switchover", "failover", "failback"]


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        id: unique within the operation and the same in every run of it: `demote-us-east-1`.
        act: one of ACTS.
        what, where, why: a sentence, a place, a sentence.
        verify: by what it is known to be done.
        undo: how it is taken back, in words; what is run is the plan's way back.
        expected: seconds that it usually takes.
        limit: seconds after which it has failed.
        region: whose databases it is about; empty for none.
        stack: of `update`, without the environment: a region's name or `traffic`.
        entry: of `append`, the entry's keys; else empty.
        final: the point of no return: once begun the operation goes on to its end, and nothing takes it back.
        must: whether the operation fails with it; else it is reported as left to do, and the next step is begun.
    """

    id: str
    act: str
    what: str
    where: str
    why: str
    verify: str
    undo: str
    expected: float
    limit: float
    region: str = ""
    stack: str = ""
    entry: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False
    must: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "entry": dict(self.entry)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Step":
        """A step out of a journal. Raises TypeError for one of another version."""
        return cls(**data)


@dataclass(frozen=True)
class Operation:
    """A plan: everything that is needed to run it, now or after a kill.

    Attributes:
        kind: what was asked for.
        pair: its name.
        old: the region that is active before.
        to: the region that is active after.
        base: how many entries the pair's list had when it was planned.
        digest: of those entries. Whoever changes one of them ends the operation.
        steps: in their order.
        back: how it is taken back while no token is recorded; empty where there is no way back.
        notes: what a person must know before they say yes: what may be lost, what cannot be reached.
    """

    kind: str
    pair: str
    old: str
    to: str
    base: int
    digest: str
    steps: tuple[Step, ...]
    back: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def expected(self) -> float:
        """Seconds in all."""
        return sum(step.expected for step in self.steps)

    @property
    def entries(self) -> list[Mapping[str, Any]]:
        """The entries that it adds, in their order."""
        return [step.entry for step in self.steps if step.act == "append"]

    def as_dict(self) -> dict[str, Any]:
        return {
            **{key: getattr(self, key) for key in ("kind", "pair", "old", "to", "base", "digest")},
            "steps": [step.as_dict() for step in self.steps],
            "back": [step.as_dict() for step in self.back],
            "notes": list(self.notes),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Operation":
        """An operation out of a journal."""
        return cls(
            **{key: data[key] for key in ("kind", "pair", "old", "to", "base", "digest")},
            steps=tuple(Step.of(each) for each in data["steps"]),
            back=tuple(Step.of(each) for each in data["back"]),
            notes=tuple(data["notes"]),
        )
