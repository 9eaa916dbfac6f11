"""Whether a database keeps what a BackupPlan of the same program promises of it; whichever of them comes first."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import pulumi

from hakit.errors import HakitError

#: Topology, pair, database, region.
Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class Archiving:
    """What is promised of an archive, or kept.

    Attributes:
        timeout: seconds after which a segment of WAL is archived, full or not.
    """

    schedule: str
    retention: str
    timeout: int

    def __str__(self) -> str:
        return f"schedule {self.schedule}, retention {self.retention}, WAL every {self.timeout}s"

    def keeps(self, promised: "Archiving") -> bool:
        same = (self.schedule, self.retention) == (promised.schedule, promised.retention)
        return same and self.timeout <= promised.timeout


@dataclass(frozen=True)
class _Said:
    where: str
    what: Archiving | None


#: By program, which its root stands for: what plans promise, and what databases keep.
_PROMISED: WeakKeyDictionary[pulumi.Resource, dict[Place, _Said]] = WeakKeyDictionary()
_KEPT: WeakKeyDictionary[pulumi.Resource, dict[Place, _Said]] = WeakKeyDictionary()


def promise(where: str, place: Place, what: Archiving) -> None:
    """Note what a plan promises of a database.

    Raises:
        HakitError: the database is there and does not keep it.
    """
    root = pulumi.runtime.get_root_resource()
    if root is None:
        return
    said = _Said(where, what)
    _compare(place, said, _KEPT.get(root, {}).get(place))
    _PROMISED.setdefault(root, {})[place] = said


def keep(where: str, place: Place, what: Archiving | None) -> None:
    """Note what a database keeps; None: it has no archive.

    Raises:
        HakitError: a plan that is there promises something else.
    """
    root = pulumi.runtime.get_root_resource()
    if root is None:
        return
    said = _Said(where, what)
    _compare(place, _PROMISED.get(root, {}).get(place), said)
    _KEPT.setdefault(root, {})[place] = said


def _compare(place: Place, promised: _Said | None, kept: _Said | None) -> None:
    if promised is None or kept is None or promised.what is None:
        return
    if kept.what is not None and kept.what.keeps(promised.what):
        return
    raise HakitError(
        f"it does not keep what {promised.where} promises of database {place[2]}",
        where=kept.where,
        given=str(kept.what) if kept.what else "no archive",
        allowed=str(promised.what),
        do=f'give it "backup": plan.databases["{place[2]}"], and say ships_wal only where there is no route to a '
        "region; or let RegionPair decide all of it, by backups",
    )
