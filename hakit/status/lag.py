"""How far a copy is behind. Pure."""

from dataclasses import dataclass

from hakit.status.seen import SeenCopy


@dataclass(frozen=True)
class Lag:
    """Attributes:
    size: bytes of WAL that the copy does not have; None where it cannot be told.
    seconds: the age of what it has not replayed; None where nothing tells it.
    """

    size: int | None = None
    seconds: float | None = None


def lag_of(copy: SeenCopy, active: SeenCopy | None) -> Lag:
    """By how much a copy is behind the one that takes writes, by what both said at about the same moment.

    Seconds are the primary's word on the standby that streams from it, under the name of its Cluster: PostgreSQL takes
    `cluster_name` where a connection names no application (runtime-config-logging), and CloudNativePG sets that. Of
    several regions whose Clusters have one name, the largest counts.
    """
    if active is None or active.now is None or copy.now is None or active.now.position is None:
        return Lag()
    if copy.now.position is None or copy.now.system != active.now.system:
        return Lag()
    size = max(active.now.position - copy.now.position, 0)
    streaming = [seconds for name, seconds in active.now.lags if name == copy.name]
    return Lag(size, max(streaming) if streaming else 0.0 if size == 0 else None)
