"""Each object that a PostgresCluster is made of, as YAML written by hand from the pages of its operator and plugin."""

from typing import Any

import yaml

from tests.unit.postgres.given import FAILOVER, REBUILD, ROUTES, cluster, objects, topology

CLUSTER = """
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: orders-g1
  namespace: shop
  labels: {hakit/pair: shop, hakit/database: orders}
  annotations: {hakit/epoch: "0", hakit/incarnation: "1", pulumi.com/patchFieldManager: hakit}
spec:
  instances: 3
  replica: {self: orders-g1-b, primary: orders-g1-a, source: orders-g1-a}
  externalClusters:
    - name: orders-g1-a
      plugin:
        name: barman-cloud.cloudnative-pg.io
        parameters: {barmanObjectName: orders-a, serverName: orders-g1}
    - name: orders-g1-b
      plugin:
        name: barman-cloud.cloudnative-pg.io
        parameters: {barmanObjectName: orders-b, serverName: orders-g1}
  bootstrap:
    recovery: {source: orders-g1-a, database: orders, owner: app, secret: {name: orders-app}}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: DoNotSchedule
      nodeTaintsPolicy: Honor
      labelSelector: {matchLabels: {cnpg.io/cluster: orders-g1}}
  affinity: {enablePodAntiAffinity: true, podAntiAffinityType: preferred, topologyKey: kubernetes.io/hostname}
  storage: {size: 50Gi, storageClass: gp3}
  walStorage: {size: 10Gi, storageClass: gp3}
  postgresql:
    parameters: {archive_timeout: 15s}
    synchronous: {method: any, number: 1, dataDurability: required, failoverQuorum: true}
  probes: {readiness: {type: streaming, maximumLag: 64Mi}}
  enablePDB: true
  smartShutdownTimeout: 10
  stopDelay: 150
  switchoverDelay: 150
  enableSuperuserAccess: false
  plugins:
    - name: barman-cloud.cloudnative-pg.io
      isWALArchiver: true
      parameters: {barmanObjectName: orders-b, serverName: orders-g1}
  serviceAccountTemplate:
    metadata:
      annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/acme-prod-b-wal-access"}
"""
OIDC = {"oidc_issuer": "https://oidc.example.com"}


def test_a_cluster_is_this_yaml_and_nothing_more() -> None:
    assert cluster("b", given=topology(regions=("a", "b"), access=OIDC)) == yaml.safe_load(CLUSTER)


def test_the_own_store_has_a_retention_and_the_others_delete_nothing() -> None:
    found = objects("b")
    own, other = found["store-b"], found["store-a"]
    assert own == {
        "apiVersion": "barmancloud.cnpg.io/v1",
        "kind": "ObjectStore",
        "metadata": {"name": "orders-b", "namespace": "shop"},
        "spec": {
            "retentionPolicy": "30d",
            "configuration": {
                "destinationPath": "s3://acme-prod-b-wal/b/shop",
                "s3Credentials": {"inheritFromIAMRole": True},
                "wal": {"compression": "gzip", "maxParallel": 4},
                "data": {"compression": "gzip", "jobs": 2, "immediateCheckpoint": True},
            },
        },
    }
    assert other["spec"]["configuration"]["destinationPath"] == "s3://acme-prod-a-wal/a/shop"
    assert "retentionPolicy" not in other["spec"]
    assert "serverName" not in own["spec"]["configuration"], "the plugin wants it left empty"


def test_keys_and_an_endpoint_of_an_own_object_store() -> None:
    endpoints = {name: f"https://s3.{name}.example.com" for name in ("a", "b", "c")}
    archive = {"secret": "s3-keys", "endpoints": endpoints, "endpoint_ca": "s3-ca", "encryption": "aws:kms"}
    found = objects("a", archive=archive, given=topology(access=OIDC))
    assert found["store-c"]["spec"]["configuration"] == {
        "destinationPath": "s3://acme-prod-c-wal/c/shop",
        "endpointURL": "https://s3.c.example.com",
        "endpointCA": {"name": "s3-ca", "key": "ca.crt"},
        "s3Credentials": {
            "accessKeyId": {"name": "s3-keys", "key": "ACCESS_KEY_ID"},
            "secretAccessKey": {"name": "s3-keys", "key": "ACCESS_SECRET_KEY"},
        },
        "wal": {"compression": "gzip", "maxParallel": 4, "encryption": "aws:kms"},
        "data": {"compression": "gzip", "jobs": 2, "immediateCheckpoint": True, "encryption": "aws:kms"},
    }
    assert "serviceAccountTemplate" not in found["cluster-g1"]["spec"], "keys, and no role"


def test_a_role_that_is_given_goes_before_the_computed_one() -> None:
    arn = "arn:aws:iam::111122223333:role/mine"
    spec = cluster("a", archive={"role_arn": arn}, given=topology(access=OIDC))["spec"]
    assert spec["serviceAccountTemplate"]["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": arn}
    by_pod_identity = cluster("a")["spec"]
    assert "serviceAccountTemplate" not in by_pod_identity, "Pod Identity asks for no annotation"


def test_base_backups_are_taken_by_the_plugin_at_once_and_of_one_copy() -> None:
    assert objects("a", FAILOVER, REBUILD)["backup-g2"] == {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "ScheduledBackup",
        "metadata": {"name": "orders-g2", "namespace": "shop"},
        "spec": {
            "schedule": "0 0 2 * * *",
            "cluster": {"name": "orders-g2"},
            "method": "plugin",
            "pluginConfiguration": {"name": "barman-cloud.cloudnative-pg.io"},
            "immediate": True,
            "backupOwnerReference": "cluster",
            "suspend": False,
        },
    }


def test_a_route_is_streamed_over_with_the_certificates_that_are_named() -> None:
    listed = cluster("a", routes=ROUTES)["spec"]["externalClusters"]
    own, other, _ = listed
    assert "connectionParameters" not in own, "nobody connects to itself"
    assert other["connectionParameters"] == {
        "host": "b.example.com",
        "port": "5432",
        "user": "streaming_replica",
        "dbname": "postgres",
        "sslmode": "verify-full",
    }
    assert other["sslRootCert"] == {"name": "b-ca", "key": "ca.crt"}
    assert other["sslCert"] == {"name": "b-client", "key": "tls.crt"}
    assert other["sslKey"] == {"name": "b-client", "key": "tls.key"}
    assert other["plugin"]["parameters"]["barmanObjectName"] == "orders-b", "its archive stays the way back"


def test_the_server_certificate_names_the_own_route() -> None:
    assert cluster("a", routes=ROUTES)["spec"]["certificates"] == {"serverAltDNSNames": ["a.example.com"]}
    given = {"server_ca": "ca", "server_tls": "server", "client_ca": "ca", "replication_tls": "client"}
    assert cluster("a", routes=ROUTES, certificates=given)["spec"]["certificates"] == {
        "serverCASecret": "ca",
        "serverTLSSecret": "server",
        "clientCASecret": "ca",
        "replicationTLSSecret": "client",
    }
    assert "certificates" not in cluster("a")["spec"]


def test_of_one_authority_each_cluster_streams_with_the_certificate_that_its_operator_makes() -> None:
    hosts = {name: {"host": f"{name}.example.com"} for name in ("a", "b", "c")}
    found = objects("a", FAILOVER, REBUILD, routes=hosts, certificates={"server_ca": "ca", "client_ca": "ca"})
    for incarnation in ("1", "2"):
        spec = found[f"cluster-g{incarnation}"]["spec"]
        other = next(each for each in spec["externalClusters"] if each["name"] == "orders-g1-b")
        assert other["sslCert"] == {"name": f"orders-g{incarnation}-replication", "key": "tls.crt"}
        assert other["sslRootCert"] == {"name": "ca", "key": "ca.crt"}


def test_without_an_archive_every_member_is_listed_with_a_connection() -> None:
    found = objects("a", FAILOVER, REBUILD, routes=ROUTES, without_archive="a test")
    for key in ("cluster-g1", "cluster-g2"):
        hosts = {each["name"]: each["connectionParameters"]["host"] for each in found[key]["spec"]["externalClusters"]}
        assert hosts["orders-g1-b"] == "b.example.com"
        assert hosts["orders-g2-a"] == "orders-g2-rw", "the webhook refuses a member without any"


def test_a_copy_that_streams_is_cloned_from_the_running_primary_when_asked() -> None:
    start = cluster("b", routes=ROUTES, bootstrap="stream")["spec"]["bootstrap"]
    assert start == {
        "pg_basebackup": {
            "source": "orders-g1-a",
            "database": "orders",
            "owner": "app",
            "secret": {"name": "orders-app"},
        }
    }
    assert list(cluster("b", routes=ROUTES)["spec"]["bootstrap"]) == ["recovery"], (
        "by default the primary is left alone"
    )


def test_instances_run_on_the_nodes_that_are_asked_for() -> None:
    taint = {"key": "database", "operator": "Exists"}
    affinity = cluster("a", node_selector={"pool": "database"}, tolerations=[taint])["spec"]["affinity"]
    assert affinity["nodeSelector"] == {"pool": "database"}
    assert affinity["tolerations"] == [taint]
    assert affinity["topologyKey"] == "kubernetes.io/hostname", "the wish for different hosts stays"


def test_two_zones_and_bound_volumes_make_the_spread_a_wish() -> None:
    def rule(**options: Any) -> str:
        return cluster("a", **options)["spec"]["topologySpreadConstraints"][0]["whenUnsatisfiable"]

    assert rule() == "DoNotSchedule"
    assert rule(given=topology(zones=2)) == "ScheduleAnyway"
    assert rule(existing_volumes=True) == "ScheduleAnyway"
    assert rule(zones=["a-1", "a-2"]) == "ScheduleAnyway"


def test_a_single_instance_has_no_budget_and_no_synchronous_standby() -> None:
    spec = cluster("a", instances=1, given=topology(zones=1))["spec"]
    assert (spec["instances"], spec["enablePDB"]) == (1, False), "its budget would block every drain"
    assert "synchronous" not in spec["postgresql"]


def test_with_one_standby_commits_do_not_stop_while_it_restarts() -> None:
    spec = cluster("a", instances=2)["spec"]
    assert spec["enablePDB"] is True, "CloudNativePG moves the primary away before a drain"
    assert spec["postgresql"]["synchronous"]["dataDurability"] == "preferred"


def test_the_time_to_stop_follows_from_the_objective() -> None:
    def delays(rto: str) -> tuple[int, int, int]:
        spec = cluster("a", given=topology(rto=rto))["spec"]
        return spec["smartShutdownTimeout"], spec["stopDelay"], spec["switchoverDelay"]

    assert delays("5m") == (10, 150, 150)
    assert delays("10s") == (10, 30, 30), "no less: a fast shutdown needs its time"
    assert delays("1d") == (10, 1800, 1800), "CloudNativePG's own stopDelay"


def test_logins_are_named_secrets_the_same_on_every_side() -> None:
    credentials = {"application": {"secret": "login"}, "superuser": {"secret": "root"}}
    for region in ("a", "b"):
        spec = cluster(region, credentials=credentials, owner="shop", database_name="books")["spec"]
        (start,) = spec["bootstrap"].values()
        assert (start["secret"], start["owner"], start["database"]) == ({"name": "login"}, "shop", "books")
        assert (spec["enableSuperuserAccess"], spec["superuserSecret"]) == (True, {"name": "root"})


def test_roles_are_managed_by_the_operator() -> None:
    roles = {"reader": {"login": True, "in_roles": ["pg_read_all_data"], "secret": "reader", "connection_limit": 5}}
    assert cluster("a", roles=roles)["spec"]["managed"]["roles"] == [
        {
            "name": "reader",
            "ensure": "present",
            "login": True,
            "inRoles": ["pg_read_all_data"],
            "connectionLimit": 5,
            "passwordSecret": {"name": "reader"},
        }
    ]


def test_extensions_are_declared_on_the_database_and_a_deletion_drops_nothing() -> None:
    assert objects("a", extensions=["pg_trgm"])["database-g1"]["spec"] == {
        "name": "orders",
        "owner": "app",
        "cluster": {"name": "orders-g1"},
        "databaseReclaimPolicy": "retain",
        "extensions": [{"name": "pg_trgm", "ensure": "present"}],
    }
    assert "database-g1" not in objects("a")


def test_the_pod_monitor_is_its_own_object() -> None:
    assert objects("a")["monitor"]["spec"] == {
        "selector": {"matchLabels": {"cnpg.io/cluster": "orders-g1"}},
        "podMetricsEndpoints": [{"port": "metrics"}],
    }
    assert "monitoring" not in cluster("a")["spec"], "enablePodMonitor is deprecated"
    assert "monitor" not in objects("a", pod_monitor=False)


def test_the_record_of_what_was_created_is_in_hakits_own_namespace() -> None:
    record = objects("a")["created"]
    assert record["metadata"]["namespace"] == "hakit-system"
    assert record["data"] == {"number": "1"}
    keys = list(objects("a"))
    assert keys.index("created") > keys.index("cluster-g1"), "before, the guard would refuse the Cluster"
