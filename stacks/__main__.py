"""The reference system. One program, one stack a scope: `<environment>-<scope>`."""

import pulumi
import region
import shared
import traffic

environment, _, scope = pulumi.get_stack().partition("-")
topology = f"stacks/topology.{environment}.yaml"

match scope:
    case "shared":
        shared.deploy(topology)
    case "traffic":
        traffic.deploy(topology)
    case _:
        region.deploy(topology, scope)
