"""Each object that a MariaDbCluster is made of, as YAML written by hand from mariadb-operator's pages: replication and
physical backups of 25.10.4, multi-cluster and maintenance of 26.6."""

from typing import Any

import yaml

from tests.unit.postgres.given import FAILOVER, REBUILD
from tests.unit.stores.given import ALONE, mariadb_objects

ONE_REGION = """
apiVersion: k8s.mariadb.com/v1alpha1
kind: MariaDB
metadata:
  name: orders-g1-a
  namespace: shop
  labels: {hakit/pair: shop, hakit/database: orders}
  annotations: {hakit/epoch: "0", hakit/incarnation: "1", pulumi.com/patchFieldManager: hakit}
spec:
  image: docker-registry1.mariadb.com/library/mariadb:11.8.5
  replicas: 3
  rootPasswordSecretKeyRef: {name: db-root, key: password}
  storage: {size: 20Gi, storageClassName: gp3}
  replication:
    enabled: true
    primary: {autoFailover: true}
    syncBinlog: 1
    semiSyncEnabled: true
    semiSyncWaitPoint: AfterSync
    replica:
      bootstrapFrom: {physicalBackupTemplateRef: {name: orders-g1-a}}
      recovery: {enabled: true}
  tls: {enabled: true, required: true}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: DoNotSchedule
      nodeTaintsPolicy: Honor
      labelSelector: {matchLabels: {app.kubernetes.io/name: mariadb, app.kubernetes.io/instance: orders-g1-a}}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: {matchLabels: {app.kubernetes.io/name: mariadb, app.kubernetes.io/instance: orders-g1-a}}
  podDisruptionBudget: {maxUnavailable: 1}
"""

BACKUP = """
apiVersion: k8s.mariadb.com/v1alpha1
kind: PhysicalBackup
metadata: {name: orders-g1-a, namespace: shop}
spec:
  mariaDbRef: {name: orders-g1-a}
  schedule: {cron: "0 2 * * *", immediate: true}
  maxRetention: 720h
  target: PreferReplica
  compression: gzip
  storage:
    s3:
      bucket: dumps-a
      prefix: a/shop/orders-g1
      endpoint: s3.a.amazonaws.com
      region: a
      accessKeyIdSecretKeyRef: {name: s3-a, key: ACCESS_KEY_ID}
      secretAccessKeySecretKeyRef: {name: s3-a, key: ACCESS_SECRET_KEY}
      tls: {enabled: true}
"""

FOLLOWER = """
rootPasswordSecretKeyRef: {name: db-root, key: password}
replication:
  enabled: true
  primary: {autoFailover: true}
  syncBinlog: 1
  semiSyncEnabled: false
  gtidDomainId: 1
  serverIdStartIndex: 20
  replica: {replPasswordSecretKeyRef: {name: db-replication, key: password}}
tls:
  enabled: true
  required: true
  serverCASecretRef: {name: db-authority}
  clientCASecretRef: {name: db-authority}
  serverCertAdditionalNames: [b.db.example.com]
bootstrapFrom:
  backupContentType: Physical
  s3:
    bucket: dumps-a
    prefix: a/shop/orders-g1
    endpoint: s3.a.amazonaws.com
    region: a
    accessKeyIdSecretKeyRef: {name: s3-a, key: ACCESS_KEY_ID}
    secretAccessKeySecretKeyRef: {name: s3-a, key: ACCESS_SECRET_KEY}
    tls: {enabled: true}
multiCluster:
  enabled: true
  primary: orders-g1-a
  members:
    - {name: orders-g1-a, externalMariaDbRef: {name: orders-g1-a}}
    - {name: orders-g1-b, externalMariaDbRef: {name: orders-g1-b}}
"""

MEMBER = """
apiVersion: k8s.mariadb.com/v1alpha1
kind: ExternalMariaDB
metadata: {name: orders-g1-b, namespace: shop}
spec:
  host: b.db.example.com
  port: 3307
  username: root
  passwordSecretKeyRef: {name: db-root, key: password}
  tls: {enabled: true, serverCASecretRef: {name: db-authority}, clientCASecretRef: {name: db-authority}}
"""

LOGIN = """
database-g1:
  mariaDbRef: {name: orders-g1-a}
  cleanupPolicy: Skip
  name: orders
  characterSet: utf8mb4
  collate: utf8mb4_unicode_ci
user-g1:
  mariaDbRef: {name: orders-g1-a}
  cleanupPolicy: Skip
  name: app
  host: "%"
  passwordSecretKeyRef: {name: db-app, key: password}
  maxUserConnections: 0
grant-g1:
  mariaDbRef: {name: orders-g1-a}
  cleanupPolicy: Skip
  username: app
  host: "%"
  database: orders
  privileges: [ALL PRIVILEGES]
"""


def written(text: str) -> Any:
    return yaml.safe_load(text)


def test_in_one_region_it_is_this_yaml_and_nothing_more() -> None:
    found = mariadb_objects("a", **ALONE)
    assert found["mariadb-g1"] == written(ONE_REGION)
    assert found["backup-g1"] == written(BACKUP)
    assert sorted(found) == ["backup-g1", "created", "database-g1", "grant-g1", "mariadb-g1", "user-g1"]


def test_the_application_has_a_database_and_an_owner_that_are_never_dropped() -> None:
    found = mariadb_objects("a", **ALONE)
    for key, spec in written(LOGIN).items():
        assert found[key]["spec"] == spec
        assert found[key]["metadata"] == {"name": f"orders-g1-a-{key.partition('-')[0]}", "namespace": "shop"}


def test_a_standby_follows_the_active_region_and_starts_from_its_backup() -> None:
    found = mariadb_objects("b")
    spec = found["mariadb-g1"]["spec"]
    assert {key: spec[key] for key in written(FOLLOWER)} == written(FOLLOWER)
    assert "maintenance" not in spec
    assert found["member-orders-g1-b"] == written(MEMBER)
    assert sorted(found) == ["created", "mariadb-g1", "member-orders-g1-a", "member-orders-g1-b"], (
        "no backup, no login: both come from the active side"
    )


def test_the_active_side_is_the_primary_of_the_same_two_members() -> None:
    spec = mariadb_objects("a")["mariadb-g1"]["spec"]
    assert spec["multiCluster"] == written(FOLLOWER)["multiCluster"]
    assert (spec["replication"]["gtidDomainId"], spec["replication"]["serverIdStartIndex"]) == (0, 10)
    assert "bootstrapFrom" not in spec, "the founded copy starts empty"


def test_a_store_elsewhere_has_its_own_address_and_authority() -> None:
    """The rebuilt copy of a starts from the backups of b."""
    storage = mariadb_objects("a", FAILOVER, REBUILD)["mariadb-g2"]["spec"]["bootstrapFrom"]["s3"]
    assert storage == {
        "bucket": "dumps-b",
        "prefix": "b/shop/orders-g1",
        "endpoint": "minio.b.example.com:9000",
        "region": "b",
        "accessKeyIdSecretKeyRef": {"name": "s3-b", "key": "ACCESS_KEY_ID"},
        "secretAccessKeySecretKeyRef": {"name": "s3-b", "key": "ACCESS_SECRET_KEY"},
        "tls": {"enabled": True, "caSecretKeyRef": {"name": "minio-ca", "key": "ca.crt"}},
    }


def test_further_fields_go_through() -> None:
    service = {"type": "LoadBalancer", "metadata": {"annotations": {"external-dns.example.com/hostname": "a"}}}
    spec = mariadb_objects("a", extra={"primaryService": service})["mariadb-g1"]["spec"]
    assert spec["primaryService"] == service


def test_volumes_that_are_bound_to_zones_make_the_spread_a_wish() -> None:
    zone, _ = mariadb_objects("a", **ALONE, existing_volumes=True)["mariadb-g1"]["spec"]["topologySpreadConstraints"]
    assert zone["whenUnsatisfiable"] == "ScheduleAnyway"
