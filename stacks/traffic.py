"""Where users are sent. It creates nothing yet: the load balancer comes with GlobalLoadBalancer.

It says which region each pair is active in, and what each region's traffic state is.
"""

import pulumi

import hakit
from hakit.topology import active_region


def deploy(topology: str) -> None:
    declared = hakit.load_topology(topology)
    pulumi.export("active", {name: active_region(pair) for name, pair in declared.pairs.items()})
    pulumi.export("traffic", {name: region.traffic for name, region in declared.regions.items()})
