"""Where the clusters of a topology are reached, and asking several of them at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hakit.observe.reader import Reader, UnreachableError
from hakit.topology.model import Topology

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """One region's cluster: the context of a kubeconfig, whose path is empty where it is the usual one."""

    region: str
    context: str
    kubeconfig: str = ""


def place_of(topology: Topology, region: str, root: Path) -> Place:
    """Where a region is reached: as `hakit.kubernetes_provider` has it. `root` is the folder of Pulumi.yaml.

    Raises:
        HakitError: the topology has no such region.
    """
    cluster = topology.region(region).cluster
    return Place(region, cluster.context, str(root / cluster.kubeconfig) if cluster.kubeconfig else "")


def ask_all(
    places: Sequence[Place], question: Callable[[Place, Reader], T], *, seconds: float = 15
) -> dict[str, T | UnreachableError]:
    """Put one question to every region at once. A region that is dead answers with its UnreachableError, within
    `seconds`, and nobody else waits for it longer.

    Raises:
        HakitError: there is no kubectl.
        RefusedError: the question let it through: a server said no to something it cannot do without.
    """

    readers = [Reader(place.context, place.kubeconfig, seconds=seconds) for place in places]

    def ask(place: Place, reader: Reader) -> T | UnreachableError:
        try:
            with reader:
                return question(place, reader)
        except UnreachableError as error:
            return error

    with ThreadPoolExecutor(max(len(readers), 1)) as pool:
        try:
            answers = list(pool.map(ask, places, readers))
        except BaseException:
            for reader in readers:
                reader.close()  # or Ctrl-C would wait for the slowest region
            raise
    return {place.region: answer for place, answer in zip(places, answers, strict=True)}
