"""Pods, cores and bytes: what pods ask and what nodes have."""

from dataclasses import dataclass
from decimal import Decimal

from hakit.charts.quantity import short_bytes, short_cores

_ZERO = Decimal(0)


@dataclass(frozen=True)
class Amount:
    """Pods count as well: a node takes no more than its `allocatable.pods`, on some clouds a few dozen."""

    pods: int = 0
    cpu: Decimal = _ZERO
    memory: Decimal = _ZERO

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.pods + other.pods, self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.pods - other.pods, self.cpu - other.cpu, self.memory - other.memory)

    def times(self, number: int) -> "Amount":
        return Amount(self.pods * number, self.cpu * number, self.memory * number)

    def at_least_nothing(self) -> "Amount":
        return Amount(max(self.pods, 0), max(self.cpu, _ZERO), max(self.memory, _ZERO))

    def fits(self, room: "Amount") -> bool:
        return self.pods <= room.pods and self.cpu <= room.cpu and self.memory <= room.memory

    def beyond(self, room: "Amount") -> str:
        """What of it does not fit, for people: `6.8 cpu asked, 4 free`."""
        pairs = (
            (self.pods > room.pods, "pods", str(self.pods), str(room.pods)),
            (self.cpu > room.cpu, "cpu", short_cores(self.cpu), short_cores(room.cpu)),
            (self.memory > room.memory, "memory", short_bytes(self.memory), short_bytes(room.memory)),
        )
        return "; ".join(f"{asked} {what} asked, {free} free" for lacks, what, asked, free in pairs if lacks)

    def as_dict(self) -> dict[str, str | int]:
        return {"pods": self.pods, "cpu": short_cores(self.cpu), "memory": short_bytes(self.memory)}


NOTHING = Amount()
