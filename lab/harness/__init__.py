"""A Kubernetes region on this machine: a real control plane, simulated nodes, and verbs that break it.

with LabRegion("east", zones=["a", "b", "c"]) as region:
    region.apply(objects)
    region.wait_for("six pods", lambda: region.ready_pods("shop"), lambda pods: len(pods) == 6)
    region.lose_zone("a")
"""

from lab.harness.client import Client, RefusedError
from lab.harness.helm import Helm, HelmError
from lab.harness.lab import Lab
from lab.harness.network import Network, RegionNetwork, network_problem, sweep_networks
from lab.harness.processes import LabError, sweep
from lab.harness.region import LabRegion
from lab.harness.tools import missing
from lab.harness.waiting import NotWithinError, wait_for

__all__ = [
    "Client",
    "Helm",
    "HelmError",
    "Lab",
    "LabError",
    "LabRegion",
    "Network",
    "NotWithinError",
    "RefusedError",
    "RegionNetwork",
    "missing",
    "network_problem",
    "sweep",
    "sweep_networks",
    "wait_for",
]
