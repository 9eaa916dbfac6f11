"""What no single region owns. It depends on no role and no traffic state, so a failover never touches it.

It creates nothing yet: replicated buckets and their roles come with RegionPair. It checks the topology, and says which
stacks there are.
"""

import pulumi

import hakit
from hakit.topology import names


def deploy(topology: str) -> None:
    declared = hakit.load_topology(topology)
    pulumi.export("stacks", [names.stack(declared.environment, scope) for scope in names.scopes(declared)])
