"""When a Cluster is fenced. Pure, and standard library only: the fence runs it in a cluster."""

from dataclasses import dataclass
from typing import Literal

from hakit.topology.copies import Copy, Epoch, Witness


@dataclass(frozen=True)
class Watched:
    """A Cluster as the region's own fence sees it: from its annotation, its spec and `cnpg.io/fencedInstances`."""

    copy: Copy
    epoch: Epoch
    spec_primary: bool
    fenced: bool


def fence_turn(
    witness: Witness | None, cluster: Watched, newer_incarnation_exists: bool
) -> Literal["fence", "unfence"] | None:
    """What a region's fence does with one Cluster, now and first of all on reconnect.

    A replica is never fenced: it must replay. None: leave it as it is.

    Args:
        witness: as it was read in this turn; None when it says nothing yet. A fence that cannot read it takes no turn:
            a last known witness, or none, could unfence what was overtaken meanwhile.
        cluster: the Cluster.
        newer_incarnation_exists: a Cluster of the same database with a higher incarnation stands in this region.
    """
    named = witness is not None and witness.copy == cluster.copy
    overtaken = witness is not None and witness.entry > cluster.epoch.entries
    if cluster.spec_primary and not named and (overtaken or newer_incarnation_exists):
        return None if cluster.fenced else "fence"
    # What is left is named, or a replica, or the newest incarnation with an epoch not below the witness.
    return "unfence" if cluster.fenced else None
