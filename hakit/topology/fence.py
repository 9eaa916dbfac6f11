"""What a region may create, update and drop, and what the witness may say. All pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from hakit.errors import HakitError
from hakit.topology.copies import Copy, Epoch, Witness
from hakit.topology.handovers import check_region, standing
from hakit.topology.intents import ClusterIntent
from hakit.topology.model import Pair

Operation = Literal["CREATE", "UPDATE"]
_START = Epoch(0, 0)


@dataclass(frozen=True)
class Record:
    """What a region remembers of one database, in the pair's record, whatever happens to its Clusters.

    One for each database: their epochs differ in their step, and one number for the pair would refuse the slower.

    Attributes:
        epoch: the highest that was applied here; never lowered.
        highest_created: the highest incarnation that was ever created here; 0 before the first.
    """

    epoch: Epoch = _START
    highest_created: int = 0

    def after(self, intent: ClusterIntent, operation: Operation) -> "Record":
        """The record once a Cluster was applied; neither number ever falls."""
        created = intent.incarnation if operation == "CREATE" else 0
        return Record(max(self.epoch, intent.epoch), max(self.highest_created, created))


def guard_allows(
    cluster_epoch: Epoch | None, record_epoch: Epoch | None, new_epoch: Epoch, operation: Operation
) -> bool:
    """Whether the guard lets a Cluster through: never below the Cluster's own epoch, nor below the region's record.

    Args:
        cluster_epoch: the Cluster's annotation; None when there is no Cluster, or it carries none.
        record_epoch: of this database in the region's record; None before the first.
        new_epoch: the new manifest's.
        operation: a CREATE has no Cluster to compare with, so the record alone stops an old checkout.
    """
    own = cluster_epoch if operation == "UPDATE" else None
    return all(new_epoch >= seen for seen in (own, record_epoch) if seen is not None)


def record_allows(old: Record, new: Record) -> bool:
    """Whether the record itself may be written: neither of its numbers is ever lowered."""
    return new.epoch >= old.epoch and new.highest_created >= old.highest_created


def witness_allows(witness: Witness | None, pair: Pair) -> bool:
    """Whether a program may apply its list, as far as the witness can be seen.

    Not when the witness knows a later entry (an old checkout), nor when the list's own entry of that number leads
    elsewhere (entries were removed, reordered or rewritten, and others added until the length was right again).
    """
    if witness is None:
        return True
    if witness.entry > len(pair.handovers):
        return False
    entry = pair.handovers[witness.entry - 1]
    return entry.kind != "rebuild" and entry.to == witness.region


def may_create(intent: ClusterIntent, record: Record, witness: Witness | None = None) -> None:
    """Refuse to create a copy that must not be created: as a primary, twice, or under an archive's used name.

    Args:
        intent: what the program would create.
        record: the region's, of this database.
        witness: as far as it can be seen; None when it says nothing or is out of reach.

    Raises:
        HakitError: with the condition that is not met.
    """
    name = f"{intent.database} incarnation {intent.incarnation} in {intent.member.region}"
    rebuild = "write a rebuild of it, or a failover to a copy that is built"
    if intent.quarantined:
        raise HakitError(f"{name}: a kept copy that is missing is never created", do="take it out of the program")
    if intent.incarnation <= record.highest_created:
        raise HakitError(
            f"{name}: it was created here before, and its archive has its name",
            given=intent.incarnation,
            allowed=f"an incarnation above {record.highest_created}",
            do=rebuild,
        )
    first = intent.bootstrap == "initdb" and intent.is_primary and intent.epoch.entries == 0
    if first and witness is None:
        return
    if intent.bootstrap == "initdb":
        raise HakitError(f"{name}: an empty database is created only before the first handover", do=rebuild)
    if intent.is_primary:
        raise HakitError(f"{name}: a copy that is missing is never created as a primary", do=rebuild)


def may_drop(pair: Pair, database: str, copy: Copy, witness: Witness | None, built: Collection[Copy]) -> None:
    """Refuse to drop a copy that the list or the witness names, or whose successor is not built.

    Args:
        pair: with the newest list.
        database: one of the pair's.
        copy: the copy to drop.
        witness: as it is now.
        built: the copies that were seen to be complete.

    Raises:
        HakitError: with the condition that is not met.
    """
    check_region(pair, copy.region)
    now = standing(pair, database)
    name = f"{database} incarnation {copy.incarnation} in {copy.region}"
    if not witness_allows(witness, pair) or copy.incarnation > now.highest[copy.region]:
        raise HakitError(f"{name}: this list of handovers is not the newest", do="use the newest file")
    current = Copy(copy.region, now.current[copy.region])
    if copy == current:  # the active copy and the target are current ones too
        raise HakitError(f"{name}: the list of handovers names it", do="only an older incarnation can be dropped")
    if witness is not None and witness.copy == copy:
        raise HakitError(f"{name}: the witness names it", do="apply the newest file first")
    if current not in built:
        raise HakitError(f"{name}: incarnation {current.incarnation} is not built yet", do="wait until it is")


def raise_witness(now: Witness | None, new: Witness) -> Witness:
    """The witness after a write: it only rises, and one entry names one copy.

    Raises:
        HakitError: the new one is lower, or names another copy under the same entry.
    """
    if now is None or new.entry > now.entry or new == now:
        return new
    raise HakitError(
        "the witness only rises",
        given=f"entry {new.entry}, {new.region} incarnation {new.incarnation}",
        allowed=f"above entry {now.entry}, {now.region} incarnation {now.incarnation}",
        do="this checkout is old: use the newest file",
    )
