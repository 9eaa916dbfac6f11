"""RedisSentinel: a Redis of one region, with Sentinels that promote another instance when the primary is gone."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.project import load_topology
from hakit.components.protection import create, refuse_unprotected
from hakit.components.providers import provider_of
from hakit.components.redis_sentinel_args import RedisSentinelArgs
from hakit.errors import HakitError
from hakit.plan import redis
from hakit.topology.handovers import role


class RedisSentinel(pulumi.ComponentResource):
    """Redis over three zones with Sentinel, by the redis-operator of OT-CONTAINER-KIT. Nothing crosses regions.

    Creates:
        - a RedisReplication `<name>-replication` and its ConfigMap `<name>-config`;
        - a RedisSentinel `<name>-sentinel`;
        - PodDisruptionBudgets `<name>-budget` and `<name>-sentinel-budget`.

    The RedisReplication is protected, and kept when it leaves the program.

    Raises:
        HakitError: an argument is wrong; the zones cannot bear the loss of one; no provider names the cluster. Nothing
            is registered then.
    """

    sentinel_host: pulumi.Output[str]
    """DNS name of the Sentinels' Service within the region's cluster; port 26379."""
    master_name: pulumi.Output[str]
    """What clients ask the Sentinels for."""
    region: pulumi.Output[str]
    """Region of the topology."""
    role: pulumi.Output[str]
    """`active` or `standby`: of the pair's applications in this region. The Redis is the same in both."""

    def __init__(self, name: str, args: RedisSentinelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = redis.specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        refuse_unprotected(spec.where, opts, protected=spec.protected)
        super().__init__("hakit:index:RedisSentinel", name, None, opts)
        made: list[pulumi.Resource] = []
        for each in redis.plan(spec):
            made.append(create(self, name, each, list(made), opts, protected=spec.protected))
        outputs = {
            "sentinel_host": redis.sentinel_host(spec),
            "master_name": spec.name,
            "region": spec.region.name,
            "role": role(spec.pair, spec.region.name),
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"RedisSentinel {name!r}", do="name the topology's file, which gives zones"
        )
    return path
