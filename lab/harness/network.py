"""A network of its own for each region, and a wide area between them that can be cut.

with Network(["east", "west"]) as network:
    subprocess.Popen(network["east"].command(["python3", "-m", "http.server", "--bind", network["east"].wan]))
    network["east"].cut()
    network["east"].reconnect()

Every region is a network namespace with one link, `wan`, into a bridge; the bridge is in a namespace too, so that the
firewall of the machine has no say in what passes. The machine has an address on the bridge, and reaches the regions.
Nothing routes out of it.

Each lab takes a slot: a number that is in all its names and is the second byte of all its addresses, so that two labs
on one machine do not meet. What a killed lab left is removed by the next one, before it takes a slot.
"""

import contextlib
import fcntl
import ipaddress
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.harness.processes import LabError, is_running, started_at

#: Of the whole machine, whatever the folder that a lab runs from: names and addresses are the machine's.
SLOTS = Path("/run/hakit-lab")
_FIRST, _COUNT = 220, 20
_MOST_REGIONS = 8


def network_problem() -> str:
    """Why this machine cannot have the lab's networks, in a sentence; empty when it can."""
    if os.geteuid() != 0:
        return "networks of regions need root"
    if absent := [name for name in ("ip", "nsenter", "unshare") if shutil.which(name) is None]:
        return f"networks of regions need {', '.join(absent)} (Debian packages iproute2 and util-linux)"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return f"this machine makes no network namespace: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass(frozen=True)
class RegionNetwork:
    """One region's network.

    Attributes:
        name: of the region.
        namespace: of the kernel, in `/run/netns`.
        wan: the region's address on the wide area, under which other regions and this machine reach it.
        pods: addresses for pods, a /24 of the region's own.
        services: addresses for Services, a /20 of the region's own; only known within the region.
        console: a second address of the region, on a cable to this machine alone that nobody cuts: a test sees by it
            what goes on in a region that is cut.
    """

    name: str
    namespace: str
    slot: int
    number: int

    @property
    def wan(self) -> str:
        return _wan(self.slot, self.number)

    @property
    def pods(self) -> str:
        return f"10.{_FIRST + self.slot}.{self.number}.0/24"

    @property
    def services(self) -> str:
        return f"10.{_FIRST + self.slot}.{128 + 16 * (self.number - 1)}.0/20"

    @property
    def console(self) -> str:
        return _console(self.slot, self.number)[1]

    def command(self, command: Sequence[str | Path]) -> list[str]:
        """The command, to be run within the region's network. It becomes the program itself: its id is the program's.

        Not `ip netns exec`: that mounts /sys anew, and hides the control groups from what runs in it.
        """
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *map(str, command)]

    def cut(self) -> None:
        """The link goes down: packets vanish in both directions, and no answer says so."""
        _ip("-n", _hub(self.slot), "link", "set", f"r{self.number}", "down")

    def reconnect(self) -> None:
        _ip("-n", _hub(self.slot), "link", "set", f"r{self.number}", "up")


class Network:
    """Regions' networks and the wide area between them, until the block ends.

    Args:
        regions: their names, in the order of their addresses.

    Raises:
        LabError: this machine cannot have them (see `network_problem`), or all slots are taken.
    """

    def __init__(self, regions: Sequence[str]) -> None:
        if len(regions) > _MOST_REGIONS:
            raise LabError(f"{len(regions)} regions; a network has addresses for {_MOST_REGIONS}")
        self._names = list(regions)
        self._regions: dict[str, RegionNetwork] = {}
        self._slot: int | None = None

    def __enter__(self) -> Self:
        if problem := network_problem():
            raise LabError(problem)
        try:
            with _alone():
                _sweep()
                self._slot = slot = _take_slot()
            _make_hub(slot)
            for number, name in enumerate(self._names, 1):
                region = RegionNetwork(name, f"hakit{slot}-{name}", slot, number)
                self._regions[name] = region
                _make_region(region)
            _introduce(slot, list(self._regions.values()))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    def __getitem__(self, region: str) -> RegionNetwork:
        return self._regions[region]

    @property
    def machine(self) -> str:
        """This machine's address on the wide area: what runs in a region reaches it there."""
        return _wan(self._slot or 0, 0)

    def close(self) -> None:
        """End what still runs in the networks, and remove them. A second call does nothing."""
        if self._slot is not None:
            with _alone():
                _remove(self._slot)
            self._slot = None


def sweep_networks() -> list[str]:
    """Remove the networks of labs whose own process is gone, with what runs in them.

    Returns:
        The names of the namespaces that were removed.
    """
    if network_problem():
        return []
    with _alone():
        return _sweep()


# Slots


@contextlib.contextmanager
def _alone() -> Generator[None]:
    SLOTS.mkdir(mode=0o700, exist_ok=True)
    with (SLOTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _record(slot: int) -> Path:
    return SLOTS / f"{slot}.json"


def _take_slot() -> int:
    """The first slot that no lab has, and whose addresses this machine uses for nothing else."""
    routes = [
        ipaddress.ip_network(route["dst"], strict=False)
        for route in json.loads(_ip("-json", "-4", "route", "show", "table", "all").stdout or "[]")
        if route["dst"] != "default"
    ]
    for slot in range(_COUNT):
        ours = ipaddress.ip_network(f"10.{_FIRST + slot}.0.0/16")
        if not _record(slot).exists() and not any(ours.overlaps(route) for route in routes):
            mine = os.getpid()
            _record(slot).write_text(json.dumps([mine, started_at(mine)]), encoding="utf-8")
            return slot
    raise LabError(f"all {_COUNT} slots for networks are taken; `make lab-down` removes those that nobody uses")


def _sweep() -> list[str]:
    removed: list[str] = []
    for record in SLOTS.glob("*.json"):
        try:
            owner = json.loads(record.read_text(encoding="utf-8"))
        except ValueError:
            owner = [0, ""]  # its lab was killed while it wrote
        if not is_running(owner):
            removed += _remove(int(record.stem))
    return removed


def _remove(slot: int) -> list[str]:
    names = [name for name in _namespaces() if name == _hub(slot) or name.startswith(f"hakit{slot}-")]
    for name in names:
        _end_all_in(name)
        _ip("netns", "delete", name)
    _ip("link", "delete", f"hakit{slot}", check=False)  # it went with its other end, as a rule
    _record(slot).unlink(missing_ok=True)
    return names


def _namespaces() -> list[str]:
    return [line.split()[0] for line in _ip("netns", "list").stdout.splitlines() if line.strip()]


def _end_all_in(namespace: str, seconds: float = 10) -> None:
    """Everything in a namespace of ours was started by the lab: whoever else would be in it?"""
    deadline = time.monotonic() + seconds
    while pids := [int(pid) for pid in _ip("netns", "pids", namespace).stdout.split() if int(pid) != os.getpid()]:
        if time.monotonic() > deadline:
            raise LabError(f"processes in network {namespace} do not end: {pids}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


# What the kernel is asked to make


def _hub(slot: int) -> str:
    return f"hakit{slot}"


def _wan(slot: int, number: int) -> str:
    return f"10.{_FIRST + slot}.0.{10 + number if number else 1}"


def _console(slot: int, number: int) -> tuple[str, str]:
    """This machine's end and the region's end of the cable between them."""
    first = 4 * number
    return f"10.{_FIRST + slot}.112.{first + 1}", f"10.{_FIRST + slot}.112.{first + 2}"


def _hardware(slot: int, number: int) -> str:
    return f"02:68:6b:{slot:02x}:00:{number:02x}"


def _make_hub(slot: int) -> None:
    hub, machine = _hub(slot), f"hakit{slot}"
    _ip("netns", "add", hub)
    _ip("-n", hub, "link", "add", "wan", "type", "bridge")
    _ip("-n", hub, "link", "set", "wan", "up")
    _link(slot, 0, None, machine)


def _make_region(region: RegionNetwork) -> None:
    space = region.namespace
    _ip("netns", "add", space)
    _ip("-n", space, "link", "set", "lo", "up")
    _link(region.slot, region.number, space, "wan")
    # A packet to a Service needs a route before kube-proxy's rules see it, and there is no default one.
    _ip("-n", space, "link", "add", "services", "type", "bridge")
    _ip("-n", space, "link", "set", "services", "up")
    _ip("-n", space, "route", "add", region.services, "dev", "services")
    cable = f"hakit{region.slot}c{region.number}"
    _ip("-n", space, "link", "add", "console", "type", "veth", "peer", "name", cable, "netns", str(os.getpid()))
    here, there = _console(region.slot, region.number)
    for inside, device, address in (([], cable, here), (["-n", space], "console", there)):
        _ip(*inside, "address", "add", f"{address}/30", "dev", device)
        _ip(*inside, "link", "set", device, "up")


def _link(slot: int, number: int, space: str | None, name: str) -> None:
    """A cable: `r<number>` at the bridge, and `name` with an address at the other end."""
    hub, near = _hub(slot), f"r{number}"
    where = ["netns", space] if space else ["netns", str(os.getpid())]
    inside = ["-n", space] if space else []
    _ip("-n", hub, "link", "add", near, "type", "veth", "peer", "name", name, *where)
    _ip(*inside, "link", "set", name, "address", _hardware(slot, number))
    _ip(*inside, "address", "add", f"{_wan(slot, number)}/24", "dev", name)
    _ip(*inside, "link", "set", name, "up")
    _ip("-n", hub, "link", "set", near, "master", "wan", "up")


def _introduce(slot: int, regions: list[RegionNetwork]) -> None:
    """Everybody knows everybody's hardware address for good.

    Otherwise the question for it would go unanswered after a cut, and a client be told "no route to host" after three
    seconds. A region far away just falls silent.
    """
    everybody = [(0, None, f"hakit{slot}"), *((each.number, each.namespace, "wan") for each in regions)]
    for number, _, _ in everybody:
        for other, space, device in everybody:
            if other != number:
                inside = ["-n", space] if space else []
                address = ["lladdr", _hardware(slot, number), "dev", device, "nud", "permanent"]
                _ip(*inside, "neighbour", "replace", _wan(slot, number), *address)


def _ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise LabError(f"`ip {' '.join(arguments)}`: {done.stderr.strip()}")
    return done


__all__ = ["Network", "RegionNetwork", "network_problem", "sweep_networks"]
