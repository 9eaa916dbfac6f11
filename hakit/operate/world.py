"""What an operation needs of the world outside, as one small seam: `real.RealWorld`, or a test's fake.

Every effect is safe to repeat. Whatever cannot be reached raises within a bounded time, and nothing is half done by it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hakit.topology import Copy, Topology
from hakit.topology.writing import Seen


@dataclass(frozen=True)
class Position:
    """How far a copy's data has come: its timeline, and bytes of WAL within it. Compares as a pair."""

    timeline: int
    lsn: int

    def __le__(self, other: "Position") -> bool:
        return (self.timeline, self.lsn) <= (other.timeline, other.lsn)


@dataclass(frozen=True)
class Sight:
    """What was seen of one pair at about one moment.

    Attributes:
        seen: by database and copy, as the rules of `topology.writing` ask for it.
        positions: of copies whose PostgreSQL answered.
        behind: of the same, seconds by which a copy is behind, where anybody can tell.
        silent: regions that did not answer, and why.
    """

    seen: Mapping[tuple[str, Copy], Seen] = field(default_factory=dict)
    positions: Mapping[tuple[str, Copy], Position] = field(default_factory=dict)
    behind: Mapping[tuple[str, Copy], float] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)


class World(Protocol):
    """One pair's world."""

    def topology(self) -> Topology:
        """The topology as it is in the file at this moment. `raise_witness` and `apply` go by what was read last: by
        what an act has checked, whatever somebody has made of the file since. Raises HakitError."""
        ...

    def see(self, regions: Collection[str], floor: Mapping[str, Position]) -> Sight:
        """Ask these regions at once, bounded in time; one that does not answer is in `silent`.

        Args:
            regions: of the pair.
            floor: by database, where the active copy had come before it was demoted; a token that names an earlier
                place is not from this demotion (`Seen.token_is_end`).
        """
        ...

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add an entry to the pair's list. Raises HakitError."""
        ...

    def add_token(self, database: str, token: str) -> None:
        """Record a token in the last entry. Raises HakitError."""
        ...

    def add_settled(self) -> None:
        """Record that the last entry is complete. Raises HakitError."""
        ...

    def raise_witness(self) -> list[str]:
        """Write what the list wants to the pair's witness; what could not be written although it need not be.

        Raises:
            HakitError: a region that is overruled would not hear of it, or this list is not the newest.
        """
        ...

    def apply(self, region: str) -> None:
        """Apply the whole manifests of the pair's databases in a region as the file wants them; creates nothing.

        Raises:
            HakitError: it was refused.
            UnreachableError: the region does not answer.
        """
        ...

    def update(self, stack: str, seconds: float) -> None:
        """`pulumi up` of a stack: a region's name, or `traffic`. Raises HakitError when it fails."""
        ...

    def publish(self, words: str) -> str:
        """Commit and push the topology's file; in a few words what was done, or why not."""
        ...

    def clock(self) -> float:
        """Seconds, of a clock that only rises."""
        ...

    def sleep(self, seconds: float) -> None: ...
