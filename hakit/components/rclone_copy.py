"""RcloneCopy: the bucket of a pair's active region, copied to the others by rclone."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.project import load_topology
from hakit.components.protection import create
from hakit.components.providers import provider_of
from hakit.components.rclone_copy_args import RcloneCopyArgs
from hakit.errors import HakitError
from hakit.plan import rclone
from hakit.topology.handovers import role


class RcloneCopy(pulumi.ComponentResource):
    """Object storage that does not replicate by itself, copied every few minutes. For S3 alone BucketPair is better.

    Creates a CronJob `<name>-copy-<region>` for each other region of the pair, suspended where the pair is not active.
    It copies: nothing is deleted, and nothing overwritten, unless an argument says so.

    Raises:
        HakitError: an argument is wrong; the objective is out of reach of the schedule; no provider names the cluster.
            Nothing is registered then.
    """

    region: pulumi.Output[str]
    """Region of the topology."""
    role: pulumi.Output[str]
    """`active`: this region's bucket is the one that is copied; else `standby`."""

    def __init__(self, name: str, args: RcloneCopyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = rclone.specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        super().__init__("hakit:index:RcloneCopy", name, None, opts)
        for each in rclone.plan(spec):
            create(self, name, each, [], opts, protected=False)
        outputs = {"region": spec.region.name, "role": role(spec.pair, spec.region.name)}
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"RcloneCopy {name!r}", do="name the topology's file, which gives roles"
        )
    return path
