"""`python -m lab.harness [region ...]`: regions to explore by hand, until Ctrl-C."""

import contextlib
import signal
import sys

from lab.harness import LabRegion
from lab.harness.tools import REGION_TOOLS, missing


def main(names: list[str]) -> None:
    if problem := missing(*REGION_TOOLS):
        sys.exit(problem)
    # Both end the block below, and with it the regions. A shell starts what goes to the background without Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        for name in names:
            region = stack.enter_context(LabRegion(name, zones=[f"{name}-a", f"{name}-b", f"{name}-c"]))
            print(f"{name}: 3 zones, 6 nodes; logs in {region.logs}")
            print(f"  export KUBECONFIG={region.kubeconfig}", flush=True)
        print("Ctrl-C takes everything down.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:] or ["east", "west"])
