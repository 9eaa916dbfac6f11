"""Redis with Sentinel in one region, by redis-operator of OT-CONTAINER-KIT. Pure.

Written for the definitions of 0.16 and 0.26 (https://github.com/OT-CONTAINER-KIT/redis-operator): only fields that both
have, so disruption budgets and placement are hakit's own, by the labels of `k8sutils/labels.go`. What Sentinel does is
https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.stores import ZONE, Manifest, Planned, kubernetes_name, pinned, reason, secret_name, size
from hakit.topology.model import Pair, Region, Topology

API = "redis.redis.opstreelabs.in/v1beta2"
#: The operator's own images, whose start script it relies on; Sentinel's must be of the same version.
IMAGE, SENTINEL_IMAGE = "quay.io/opstree/redis:v7.0.15", "quay.io/opstree/redis-sentinel:v7.0.15"
ARGUMENTS = (
    "topology",
    "pair",
    "scope",
    "namespace",
    "regional",
    "instances",
    "storage",
    "storage_class",
    "zones",
    "password",
    "sentinels",
    "down_after",
    "failover_timeout",
    "maxmemory",
    "image",
    "sentinel_image",
    "resources",
    "sentinel_resources",
    "without_protection",
)
#: Of the objects that the operator makes, the longest is `<name>-sentinel-headless`.
LONGEST_NAME = 40


@dataclass(frozen=True)
class RedisSpec:
    """A RedisSentinel's arguments, checked.

    Attributes:
        down_after: seconds.
        failover_timeout: seconds.
        maxmemory: bytes, as redis.conf writes them; None for as much as there is.
    """

    name: str
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    namespace: str
    instances: int
    storage: str
    storage_class: str
    zones: tuple[str, ...]
    password: str
    sentinels: int
    down_after: int
    failover_timeout: int
    maxmemory: str | None
    image: str
    sentinel_image: str
    resources: Mapping[str, Any]
    sentinel_resources: Mapping[str, Any]
    protected: bool

    @property
    def where(self) -> str:
        return f"RedisSentinel {self.name!r}"

    @property
    def quorum(self) -> int:
        return self.sentinels // 2 + 1


def specify(name: str, args: Any, topology: Topology) -> RedisSpec:
    """Check a RedisSentinel's arguments.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one or the topology; the
            zones cannot bear the loss of one.
    """
    given = Arguments(args, f"RedisSentinel {name!r}", ARGUMENTS)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    kubernetes_name(name, given.where, "the component's name", LONGEST_NAME)
    if reason(given, "regional") is None:
        raise given.missing(
            "regional", "say why each region may have a Redis of its own: nothing in it follows a handover"
        )
    zones = given.names("zones") or region.zones
    region.check_zones(zones, where=f"{given.where}: zones")
    instances, sentinels = _numbers(given, zones)
    down_after = given.number("down_after", 5, least=1)
    return RedisSpec(
        name=name,
        pair=pair,
        region=region,
        namespace=kubernetes_name(given.text("namespace"), given.where, "namespace"),
        instances=instances,
        storage=size(given, "storage"),
        storage_class=given.text("storage_class", region.storage.zonal),
        zones=zones,
        password=secret_name(given.inner("password", ("secret",)), "secret"),
        sentinels=sentinels,
        down_after=down_after,
        failover_timeout=_failover_timeout(given, down_after),
        maxmemory=given.text("maxmemory") if "maxmemory" in given else None,
        image=pinned(given, "image", IMAGE),
        sentinel_image=pinned(given, "sentinel_image", SENTINEL_IMAGE),
        resources=given.mapping("resources"),
        sentinel_resources=given.mapping("sentinel_resources"),
        protected=reason(given, "without_protection") is None,
    )


def _numbers(given: Arguments, zones: tuple[str, ...]) -> tuple[int, int]:
    instances, sentinels = given.number("instances", 3, least=1), given.number("sentinels", 3, least=1)
    if instances < 3:
        # With `min-replicas-to-write 1` the last of two would refuse every write.
        raise HakitError(
            "instances: with one lost there must be a primary and a replica",
            where=given.where,
            given=instances,
            allowed="3 or more",
        )
    if sentinels < 3 or sentinels % 2 == 0:
        raise HakitError(
            "sentinels: no majority is left when one is lost, or an even number that is no better than one less",
            where=given.where,
            given=sentinels,
            allowed="3, 5, 7 ...",
        )
    if len(zones) < 3:
        raise HakitError(
            f"zones: in {len(zones)} the loss of one may take the majority of {sentinels} Sentinels with it",
            where=given.where,
            given=", ".join(zones),
            allowed="three zones or more",
            do="declare the region's zones",
        )
    return instances, sentinels


def _failover_timeout(given: Arguments, down_after: int) -> int:
    """Sentinel tries again only after twice this; its own default is three minutes."""
    timeout = given.number("failover_timeout", 60, least=1)
    if timeout <= down_after:
        raise HakitError(
            "failover_timeout: a failover would be given up before anything is found to be down",
            where=given.where,
            given=timeout,
            allowed=f"more than down_after, {down_after}",
        )
    return timeout


def plan(spec: RedisSpec) -> list[Planned]:
    """Everything, in the order in which it is created: Sentinel looks for the replication when it starts."""
    return [
        Planned("config", _config(spec)),
        Planned("replication", _replication(spec), holds_data=True),
        Planned("sentinel", _sentinel(spec)),
        Planned("budget", _budget(spec, spec.name, "replication")),
        Planned("sentinel-budget", _budget(spec, f"{spec.name}-sentinel", "sentinel")),
    ]


def settings(spec: RedisSpec) -> dict[str, str]:
    """Of redis.conf, on top of the operator's.

    A primary that is cut off from its replicas stops taking writes after ten seconds, instead of taking ones that are
    thrown away when it comes back. It must not start empty either: its replicas would copy that (both from Sentinel's
    page, and https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ on persistence).
    """
    return {
        "min-replicas-to-write": "1",
        "min-replicas-max-lag": "10",
        "appendonly": "yes",
        "appendfsync": "everysec",
        **({"maxmemory": spec.maxmemory} if spec.maxmemory else {}),
    }


def sentinel_settings(spec: RedisSpec) -> dict[str, str]:
    """Of Sentinel, as the definitions have them: texts, times in milliseconds."""
    return {
        "redisReplicationName": spec.name,
        "masterGroupName": spec.name,
        "quorum": str(spec.quorum),
        "downAfterMilliseconds": str(1000 * spec.down_after),
        "failoverTimeout": str(1000 * spec.failover_timeout),
        "parallelSyncs": "1",
    }


def _config(spec: RedisSpec) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{spec.name}-config", "namespace": spec.namespace},
        "data": {"redis-additional.conf": "".join(f"{key} {value}\n" for key, value in settings(spec).items())},
    }


def _replication(spec: RedisSpec) -> Manifest:
    claim = {
        "storageClassName": spec.storage_class,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": spec.storage}},
    }
    return {
        "apiVersion": API,
        "kind": "RedisReplication",
        "metadata": {"name": spec.name, "namespace": spec.namespace},
        "spec": {
            "clusterSize": spec.instances,
            "kubernetesConfig": {
                "image": spec.image,
                "imagePullPolicy": "IfNotPresent",
                "redisSecret": {"name": spec.password, "key": "password"},
                **({"resources": copy.deepcopy(dict(spec.resources))} if spec.resources else {}),
            },
            "redisConfig": {"additionalRedisConfig": f"{spec.name}-config"},
            # The operator deletes the claims with the object unless this is set.
            "storage": {"keepAfterDelete": True, "volumeClaimTemplate": {"spec": claim}},
            **_pods(spec, spec.name, "replication", spec.instances),
        },
    }


def _sentinel(spec: RedisSpec) -> Manifest:
    password = {"secretKeyRef": {"name": spec.password, "key": "password"}}
    return {
        "apiVersion": API,
        "kind": "RedisSentinel",
        "metadata": {"name": spec.name, "namespace": spec.namespace},
        "spec": {
            "clusterSize": spec.sentinels,
            "kubernetesConfig": {
                "image": spec.sentinel_image,
                "imagePullPolicy": "IfNotPresent",
                "redisSecret": {"name": spec.password, "key": "password"},
                "resources": copy.deepcopy(dict(spec.sentinel_resources))
                or {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            },
            "redisSentinelConfig": {**sentinel_settings(spec), "redisReplicationPassword": password},
            **_pods(spec, f"{spec.name}-sentinel", "sentinel", spec.sentinels),
        },
    }


def _pods(spec: RedisSpec, app: str, role: str, pods: int) -> Manifest:
    """One a zone by rule while there are zones enough, else by preference: 0.16 has no spread constraints."""
    term = {"labelSelector": {"matchLabels": _labels(app, role)}, "topologyKey": ZONE}
    if pods <= len(spec.zones):
        apart: Manifest = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    else:
        apart = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}
    return {
        "podSecurityContext": {"runAsUser": 1000, "runAsNonRoot": True, "fsGroup": 1000},
        "affinity": {"podAntiAffinity": apart},
    }


def _budget(spec: RedisSpec, app: str, role: str) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": app, "namespace": spec.namespace},
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": _labels(app, role)},
        },
    }


def _labels(app: str, role: str) -> dict[str, str]:
    return {"app": app, "redis_setup_type": role, "role": role}


def sentinel_host(spec: RedisSpec) -> str:
    """The operator's Service of the Sentinels; a client asks there who the primary is."""
    return f"{spec.name}-sentinel.{spec.namespace}.svc"
