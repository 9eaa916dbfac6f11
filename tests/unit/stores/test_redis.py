"""What a RedisSentinel is made of, as YAML written by hand from the operator's examples, and what is refused."""

from typing import Any

import pytest
import yaml

from hakit.errors import HakitError
from tests.unit.stores.given import redis_objects, redis_spec

OBJECTS = """
config:
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: sessions-config, namespace: shop}
  data:
    redis-additional.conf: |
      min-replicas-to-write 1
      min-replicas-max-lag 10
      appendonly yes
      appendfsync everysec
replication:
  apiVersion: redis.redis.opstreelabs.in/v1beta2
  kind: RedisReplication
  metadata: {name: sessions, namespace: shop}
  spec:
    clusterSize: 3
    podSecurityContext: {runAsUser: 1000, runAsNonRoot: true, fsGroup: 1000}
    kubernetesConfig:
      image: quay.io/opstree/redis:v7.0.15
      imagePullPolicy: IfNotPresent
      redisSecret: {name: sessions, key: password}
    redisConfig: {additionalRedisConfig: sessions-config}
    storage:
      keepAfterDelete: true
      volumeClaimTemplate:
        spec: {storageClassName: gp3, accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}
    affinity:
      podAntiAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: topology.kubernetes.io/zone
            labelSelector: {matchLabels: {app: sessions, redis_setup_type: replication, role: replication}}
sentinel:
  apiVersion: redis.redis.opstreelabs.in/v1beta2
  kind: RedisSentinel
  metadata: {name: sessions, namespace: shop}
  spec:
    clusterSize: 3
    podSecurityContext: {runAsUser: 1000, runAsNonRoot: true, fsGroup: 1000}
    kubernetesConfig:
      image: quay.io/opstree/redis-sentinel:v7.0.15
      imagePullPolicy: IfNotPresent
      redisSecret: {name: sessions, key: password}
      resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
    redisSentinelConfig:
      redisReplicationName: sessions
      redisReplicationPassword: {secretKeyRef: {name: sessions, key: password}}
      masterGroupName: sessions
      quorum: "2"
      downAfterMilliseconds: "5000"
      failoverTimeout: "60000"
      parallelSyncs: "1"
    affinity:
      podAntiAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          - topologyKey: topology.kubernetes.io/zone
            labelSelector: {matchLabels: {app: sessions-sentinel, redis_setup_type: sentinel, role: sentinel}}
budget:
  apiVersion: policy/v1
  kind: PodDisruptionBudget
  metadata: {name: sessions, namespace: shop}
  spec:
    maxUnavailable: 1
    unhealthyPodEvictionPolicy: AlwaysAllow
    selector: {matchLabels: {app: sessions, redis_setup_type: replication, role: replication}}
sentinel-budget:
  apiVersion: policy/v1
  kind: PodDisruptionBudget
  metadata: {name: sessions-sentinel, namespace: shop}
  spec:
    maxUnavailable: 1
    unhealthyPodEvictionPolicy: AlwaysAllow
    selector: {matchLabels: {app: sessions-sentinel, redis_setup_type: sentinel, role: sentinel}}
"""


def test_it_is_this_yaml_and_nothing_more() -> None:
    assert redis_objects() == yaml.safe_load(OBJECTS)


def test_every_region_has_the_same_and_none_knows_of_the_other() -> None:
    assert redis_objects("a") == redis_objects("b")


def test_more_pods_than_zones_are_spread_by_preference() -> None:
    (found,) = redis_objects(instances=5)["replication"]["spec"]["affinity"]["podAntiAffinity"].items()
    assert found[0] == "preferredDuringSchedulingIgnoredDuringExecution"
    assert "requiredDuringSchedulingIgnoredDuringExecution" in str(redis_objects(instances=5)["sentinel"])


@pytest.mark.parametrize(("sentinels", "quorum"), [(3, "2"), (5, "3"), (7, "4")])
def test_the_quorum_is_the_majority(sentinels: int, quorum: str) -> None:
    found = redis_objects(sentinels=sentinels)["sentinel"]["spec"]
    assert found["redisSentinelConfig"]["quorum"] == quorum


def test_a_limit_of_memory_goes_into_the_configuration() -> None:
    assert "maxmemory 1gb\n" in redis_objects(maxmemory="1gb")["config"]["data"]["redis-additional.conf"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no word about regions", {"regional": None}, "nothing in it follows a handover"),
    ("two instances", {"instances": 2}, "instances: with one lost"),
    ("two Sentinels", {"sentinels": 2}, "sentinels: no majority is left"),
    ("four Sentinels", {"sentinels": 4}, "sentinels: no majority is left"),
    ("two zones", {"zones": ["a-1", "a-2"]}, "may take the majority of 3 Sentinels with it"),
    ("one zone with three", {"zones": ["a-1"]}, "zones: in 1 the loss of one"),
    ("a foreign zone", {"zones": ["b-1", "b-2", "b-3"]}, "zones"),
    ("a timeout too short", {"failover_timeout": 5}, "given up before anything is found to be down"),
    ("no storage", {"storage": None}, "storage is missing"),
    ("a password in the program", {"password": {"value": "x"}}, "unknown argument"),
    ("no password", {"password": None}, "password"),
    ("the latest image", {"image": "quay.io/opstree/redis:latest"}, "image: not pinned"),
    ("the latest Sentinel", {"sentinel_image": "quay.io/opstree/redis-sentinel"}, "sentinel_image: not pinned"),
]


@pytest.mark.parametrize(("arguments", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_it_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(HakitError, match=words):
        redis_spec(**arguments)
