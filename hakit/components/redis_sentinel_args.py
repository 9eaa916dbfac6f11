"""The arguments of RedisSentinel.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict


class RedisPasswordArgs(TypedDict, total=False):
    """A password that is there."""

    secret: Required[str]
    """Name of a Secret in the namespace with the key `password`."""


class RedisSentinelArgs(TypedDict, total=False):
    """What a RedisSentinel is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology whose applications use it."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    namespace: Required[str]
    """Namespace that it is deployed to; it must be there."""
    regional: Required[str]
    """Why each region may have a Redis of its own: nothing in it follows a handover."""
    instances: int
    """Instances, 3 or more. Default 3, one a zone."""
    storage: Required[str]
    """Size of each instance's volume. There is no Redis without: a primary that starts empty empties its replicas."""
    storage_class: str
    """Its storage class. Default: the region's `storage.zonal`."""
    zones: list[str]
    """Zones, three or more. Default: the region's."""
    password: Required[RedisPasswordArgs]
    """What clients, replicas and Sentinels log in with."""
    sentinels: int
    """Sentinels, an odd number from 3 on. Default 3; the quorum is their majority."""
    down_after: int
    """Seconds without an answer after which a primary counts as down. Default 5."""
    failover_timeout: int
    """Seconds that a failover may take; Sentinel tries again after twice that. Default 60."""
    maxmemory: str
    """As redis.conf writes it, such as `1gb`. Default: no limit."""
    image: str
    """The operator's image of Redis, with its version. Default: 7.0.15."""
    sentinel_image: str
    """The operator's image of Sentinel, with its version. Default: 7.0.15."""
    resources: dict[str, Any]
    """Resources of each instance, as Kubernetes writes them."""
    sentinel_resources: dict[str, Any]
    """Resources of each Sentinel. Default: 50m, 64Mi, up to 128Mi."""
    without_protection: str
    """Why the RedisReplication may be deleted with the stack."""
