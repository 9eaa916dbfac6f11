"""Several regions in one network."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from lab.harness.barman import install_barman
from lab.harness.cnpg import install_operator
from lab.harness.network import Network
from lab.harness.region import LabRegion


class Lab:
    """Regions that reach each other, until the block ends.

    with Lab({"east": ["a", "b"], "west": ["a", "b"]}, real_nodes=True) as lab:
        lab["east"].cut()

    Args:
        zones: names of each region's zones.
        hosts: simulated nodes in each zone.
        real_nodes: whether each region has a node that runs containers, and volumes on demand.
        postgres: whether each region has the CloudNativePG operator; it takes real nodes.
        barman: whether it has the operator's plugin for archives too.

    Raises:
        LabError: this machine cannot have the networks, or a program did not start.
        FileNotFoundError: a tool is not built.
    """

    def __init__(
        self,
        zones: Mapping[str, Sequence[str]],
        *,
        hosts: int = 1,
        real_nodes: bool = False,
        postgres: bool = False,
        barman: bool = False,
    ) -> None:
        self._zones = zones
        self._hosts = hosts
        self._barman = barman
        self._postgres = postgres or barman
        self._real_nodes = real_nodes or self._postgres
        self._open = contextlib.ExitStack()
        self.regions: dict[str, LabRegion] = {}

    def __enter__(self) -> Self:
        try:
            self._network = self._open.enter_context(Network(list(self._zones)))
            self.regions = {
                name: LabRegion(name, zones, hosts=self._hosts, network=self._network[name])
                for name, zones in self._zones.items()
            }
            # Closed here and not by leaving their blocks: at that moment a failure may not be known yet.
            for region in self.regions.values():
                self._open.callback(region.close)
            self.everywhere(self._start)
        except BaseException:
            self.close(keep_logs=True)
            raise
        return self

    def _start(self, region: LabRegion) -> None:
        region.__enter__()
        if self._real_nodes:
            region.start_node()
            region.start_volumes()
        if self._postgres:
            install_operator(region)
        if self._barman:
            install_barman(region)

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close(keep_logs=kind is not None)

    def __getitem__(self, name: str) -> LabRegion:
        return self.regions[name]

    def __iter__(self) -> Iterator[LabRegion]:
        return iter(self.regions.values())

    def everywhere(self, do: Callable[[LabRegion], Any]) -> None:
        """Do something in all regions at once, and return when all have done it."""
        with ThreadPoolExecutor(len(self.regions)) as pool:
            for done in [pool.submit(do, region) for region in self]:
                done.result()

    @property
    def machine(self) -> str:
        """This machine's address, as the regions reach it."""
        return self._network.machine

    def close(self, *, keep_logs: bool = False) -> None:
        """End every region and the network. A second call does nothing."""
        if keep_logs:
            for region in self:
                region.close(keep_logs=True)
        self._open.close()
