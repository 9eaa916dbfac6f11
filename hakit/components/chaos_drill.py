"""ChaosDrill: something is broken on purpose, in one region, for a while."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import pulumi

from hakit.components.chaos_drill_args import ChaosDrillArgs
from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.project import load_topology
from hakit.components.providers import provider_of
from hakit.errors import HakitError
from hakit.plan import chaos

#: In which region each pair of a program is broken, by the program's stack.
_REGIONS: WeakKeyDictionary[pulumi.Resource, dict[tuple[str, str], str]] = WeakKeyDictionary()


class ChaosDrill(pulumi.ComponentResource):
    """Experiments of Chaos Mesh 2.8 in one region of a pair.

    Creates, in the stack of `region` and in no other one, for each experiment:
        - a Schedule `<name>-<experiment>`, or a PodChaos or NetworkChaos of that name that runs once.

    Creates nothing, and takes away what there is, while a handover is not settled or a region takes no traffic.

    Raises:
        HakitError: another ChaosDrill of the program breaks things in another region of the pair.
        HakitError: an argument is wrong: no namespace, no duration or one over 30 minutes, more often than every hour;
            no provider names the cluster. Nothing is registered then.
    """

    experiments: pulumi.Output[list[str]]
    """Names of the objects that this stack has."""
    held: pulumi.Output[str]
    """Why there is none, where there could be one; else empty."""

    def __init__(self, name: str, args: ChaosDrillArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = chaos.specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        _refuse_a_second_region(spec)
        planned = chaos.plan(spec)
        super().__init__("hakit:index:ChaosDrill", name, None, opts)
        for each in planned:
            resource(f"{name}-{each.key}", each.manifest, after(opts, pulumi.ResourceOptions(parent=self)))
        outputs = {
            "experiments": [each.manifest["metadata"]["name"] for each in planned],
            "held": chaos.held(spec) if spec.region.name == spec.only else "",
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _refuse_a_second_region(spec: chaos.ChaosSpec) -> None:
    """Every stack's program has all its ChaosDrills, also those that create nothing there, so each sees two of them."""
    stack = pulumi.runtime.get_root_resource()
    if stack is None:
        return
    taken = _REGIONS.setdefault(stack, {}).setdefault((spec.topology.path, spec.pair.name), spec.only)
    if taken != spec.only:
        raise HakitError(
            f"region: another ChaosDrill breaks things in {taken}, and pair {spec.pair.name} must have a region left",
            where=spec.where,
            given=spec.only,
            allowed=taken,
        )


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"ChaosDrill {name!r}", do="name the topology's file, which gives the regions"
        )
    return path
