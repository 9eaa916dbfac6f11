"""`python -m lab.harness [region ...]`: regions to explore by hand, until Ctrl-C or `python -m lab.harness --down`."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence

from lab.harness import Lab, LabRegion, network_problem, sweep, sweep_networks
from lab.harness.processes import is_running, started_at
from lab.harness.tools import POSTGRES_TOOLS, REGION_TOOLS, STATE, missing

_OPEN = STATE / "open.json"


def up(names: list[str]) -> None:
    if problem := missing(*REGION_TOOLS):
        sys.exit(problem)
    # Both end the block below, and with it the regions. A shell starts what goes to the background without Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    less = network_problem() or missing(*POSTGRES_TOOLS)
    opened: Callable[[list[str]], contextlib.AbstractContextManager[list[LabRegion]]] = (
        _loopback if less else _networked
    )
    with contextlib.suppress(KeyboardInterrupt), _remembered(), opened(names) as regions:
        for region in regions:
            _explain(region, real=not less)
        if less:
            print(f"Control planes and simulated nodes only, on loopback: {less}.")
        else:
            print("Cut a region off, and bring it back: the two lines beneath its name. Nothing says so to the others.")
        print("Ctrl-C, or `make lab-down` from elsewhere, takes everything down.", flush=True)
        signal.pause()


def _zones(name: str) -> list[str]:
    return [f"{name}-{zone}" for zone in "abc"]


@contextlib.contextmanager
def _loopback(names: list[str]) -> Generator[list[LabRegion]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(LabRegion(name, zones=_zones(name))) for name in names]


@contextlib.contextmanager
def _networked(names: list[str]) -> Generator[list[LabRegion]]:
    with Lab({name: _zones(name) for name in names}, hosts=2, postgres=True) as lab:
        yield list(lab)


def _explain(region: LabRegion, *, real: bool) -> None:
    print(f"{region.name}: 3 zones, 6 nodes; logs in {region.logs}")
    print(f"  export KUBECONFIG={region.kubeconfig}")
    if real:
        hub = region.network.namespace.partition("-")[0]
        for state in ("down", "up"):
            print(f"  ip -n {hub} link set r{region.network.number} {state}")
        print(f"  and node {region.node.name}, which runs containers, with volumes and the CloudNativePG operator")


@contextlib.contextmanager
def _remembered() -> Generator[None]:
    """For `--down`, which another terminal runs."""
    STATE.mkdir(parents=True, exist_ok=True)
    mine = os.getpid()
    _OPEN.write_text(json.dumps([mine, started_at(mine)]), encoding="utf-8")
    try:
        yield
    finally:
        _OPEN.unlink(missing_ok=True)


def down(patience: float = 60) -> None:
    """End the lab that is open, and what earlier ones left. Labs of running tests are left alone."""
    owner: Sequence[object] = json.loads(_OPEN.read_text(encoding="utf-8")) if _OPEN.exists() else [0, ""]
    if is_running(owner):
        os.kill(int(str(owner[0])), signal.SIGTERM)
        deadline = time.monotonic() + patience
        while is_running(owner):
            if time.monotonic() > deadline:
                sys.exit(f"the lab of process {owner[0]} has not ended within {patience:g} s")
            time.sleep(0.1)
        print("the lab is down")
    else:
        _OPEN.unlink(missing_ok=True)
        print("no lab is open")
    if swept := [*sweep(STATE), *sweep_networks()]:
        print(f"left by earlier ones, and ended: {', '.join(swept)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--down"]:
        down()
    else:
        up(sys.argv[1:] or ["east", "west"])
