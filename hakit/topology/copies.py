"""The words that every rule about copies is written in. Standard library only: the fence runs them in a cluster."""

from dataclasses import dataclass

#: The annotation of a Cluster that holds `Epoch.number`; the guard compares it.
EPOCH = "hakit/epoch"
#: The label and the annotation that say whose copy a Cluster is. Its name need not: one that was adopted keeps its own.
DATABASE, INCARNATION = "hakit/database", "hakit/incarnation"


@dataclass(frozen=True, order=True)
class Epoch:
    """How far the list has come for one database: entries, then step 0 (no token), 1 (token), 2 (settled)."""

    entries: int
    step: int

    @property
    def number(self) -> int:
        """The epoch as the one integer that Clusters and records carry."""
        return self.entries * 10 + self.step

    @classmethod
    def of(cls, number: int) -> "Epoch":
        """The epoch that an annotation's integer stands for."""
        return cls(*divmod(number, 10))


@dataclass(frozen=True, order=True)
class Copy:
    """One incarnation of a database in one region."""

    region: str
    incarnation: int

    def __str__(self) -> str:
        return f"{self.region}, incarnation {self.incarnation}"


@dataclass(frozen=True)
class Witness:
    """Who may be writable, as told to every region: the entry's number, from 1, and the copy. It only rises."""

    entry: int
    region: str
    incarnation: int

    @property
    def copy(self) -> Copy:
        return Copy(self.region, self.incarnation)
