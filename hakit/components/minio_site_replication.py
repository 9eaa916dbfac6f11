"""MinioSiteReplication: the MinIO of each region of a pair, joined to replicate everything to each other."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.minio_site_replication_args import MinioSiteReplicationArgs
from hakit.components.project import load_topology
from hakit.components.protection import create
from hakit.components.providers import provider_of
from hakit.errors import HakitError
from hakit.plan import minio
from hakit.topology.handovers import role


class MinioSiteReplication(pulumi.ComponentResource):
    """Joins MinIO deployments that are there, once. Read docs/other-databases.md on the state of MinIO first.

    Creates a Job `<name>-sites` in the region where the pair was founded, and nothing in the others. The Job leaves
    sites alone that replicate already. Taking it out of the program ends no replication.

    Raises:
        HakitError: an argument is wrong; no provider names the cluster. Nothing is registered then.
    """

    region: pulumi.Output[str]
    """Region of the topology."""
    role: pulumi.Output[str]
    """`active` or `standby`: of the pair's applications in this region. The sites are the same in both."""
    sites: pulumi.Output[list[str]]
    """The sites' addresses."""

    def __init__(self, name: str, args: MinioSiteReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = minio.specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        super().__init__("hakit:index:MinioSiteReplication", name, None, opts)
        for each in minio.plan(spec):
            create(self, name, each, [], opts, protected=False)
        outputs = {
            "region": spec.region.name,
            "role": role(spec.pair, spec.region.name),
            "sites": [site.endpoint for site in spec.sites.values()],
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"MinioSiteReplication {name!r}", do="name the topology's file: it has regions"
        )
    return path
