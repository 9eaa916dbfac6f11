"""What a PostgresCluster refuses, each in its own words; and the nearest thing that it accepts."""

import re
from typing import Any

import pytest

from hakit.errors import HakitError
from tests.unit.postgres.given import FAILOVER, REBUILD, ROUTES, cluster, objects, spec, topology

APP = {"application": {"password": "s3cret"}}


def refusal(region: str = "a", *entries: Any, **options: Any) -> str:
    with pytest.raises(HakitError) as caught:
        spec(region, *entries, **options)
    assert caught.value.where == "PostgresCluster 'orders'"
    return str(caught.value)


def test_an_objective_that_wal_shipping_cannot_keep_names_the_two_ways_out() -> None:
    told = refusal(given=topology(rpo="19s"))
    assert "rpo: 19s (topology.yaml:1) is out of reach of WAL shipping to and from a, b, c" in told
    assert "choose one: declare routes.a, and it streams; or raise the rpo" in told
    assert cluster("a", given=topology(rpo="20s"))["spec"]["postgresql"]["parameters"] == {"archive_timeout": "10s"}


def test_an_objective_of_no_loss_is_out_of_reach_of_streaming_too() -> None:
    told = refusal(given=topology(rpo="0s"), routes=ROUTES)
    assert "rpo: 0s (topology.yaml:1) is out of reach: replication between regions is asynchronous" in told
    assert cluster("a", given=topology(rpo="1s"), routes=ROUTES)["spec"]["postgresql"]["parameters"] == {}


def test_the_archive_timeout_is_half_of_the_objective_and_never_above_the_usual_five_minutes() -> None:
    found = [
        cluster("a", given=topology(rpo=rpo))["spec"]["postgresql"]["parameters"]["archive_timeout"]
        for rpo in ("30s", "5m", "1h")
    ]
    assert found == ["15s", "150s", "300s"]


def test_one_region_without_a_route_and_wal_is_shipped() -> None:
    two = {name: ROUTES[name] for name in ("a", "b")}
    assert cluster("a", routes=two)["spec"]["postgresql"]["parameters"] == {"archive_timeout": "15s"}


def test_three_synchronous_instances_in_one_zone_are_refused() -> None:
    one = topology(zones=1)
    told = refusal(given=one)
    assert "synchronous.durability: 3 synchronous instances in one zone are lost together" in told
    assert "synchronous: {durability: preferred}" in told
    weaker = cluster("a", given=one, synchronous={"durability": "preferred"})["spec"]
    assert weaker["postgresql"]["synchronous"]["dataDurability"] == "preferred"
    assert weaker["topologySpreadConstraints"][0]["whenUnsatisfiable"] == "ScheduleAnyway"


def test_a_standby_of_one_instance_would_hang_once_promoted() -> None:
    told = refusal(standby={"instances": 1})
    assert "standby.instances: once promoted, it would wait with every write" in told
    assert "2 or more with synchronous.number: 1" in told
    small = cluster("b", standby={"instances": 1}, synchronous={"durability": "preferred"})["spec"]
    assert "synchronous" not in small["postgresql"], "the webhook refuses one without a standby"
    assert (small["instances"], small["enablePDB"]) == (1, False)


def test_an_unknown_database_is_refused_with_the_nearest_name() -> None:
    told = refusal(database="order")
    assert "database: pair shop has no such database" in told
    assert "did you mean 'orders'?" in told
    assert "add it to pairs.shop.databases" in refusal(database="ledger")


def test_another_engine_is_refused() -> None:
    assert "engine: not one that PostgresCluster runs" in refusal(engine="mysql")
    assert spec("a", engine="postgres")


def test_a_schedule_of_five_fields_is_refused_with_the_sixth() -> None:
    told = refusal(backup={"schedule": "0 2 * * *"})
    assert "backup.schedule: 5 fields, where CloudNativePG has six, seconds first" in told
    assert "put 0 in front: 0 0 2 * * *" in told
    assert objects("a", backup={"schedule": "0 0 2 * * *"})["backup-g1"]["spec"]["schedule"] == "0 0 2 * * *"


@pytest.mark.parametrize("why", ["", True, "x"])
def test_data_goes_unprotected_only_with_a_reason(why: Any) -> None:
    assert "without_protection: say why" in refusal(without_protection=why)


def test_protection_ends_with_a_reason() -> None:
    assert spec("a").protected
    assert not spec("a", without_protection="a preview environment").protected


def test_no_archive_only_with_a_reason_and_with_a_route_to_everybody() -> None:
    assert "without_archive: no change would reach or leave a" in refusal(without_archive="a test")
    assert "archive: switched off by without_archive" in refusal(without_archive="a test", archive={"parallel": 8})
    assert "without_archive: wrong type" in refusal(without_archive=True, routes=ROUTES)
    found = objects("a", without_archive="a test", routes=ROUTES)
    assert sorted(found) == ["cluster-g1", "created", "monitor", "service"], "no store, no backup"
    assert "plugins" not in found["cluster-g1"]["spec"]


def test_a_database_that_nobody_gave_access_to_its_bucket_is_refused() -> None:
    told = refusal(given=topology(access={}))
    assert "archive: nothing says how the database may write to its bucket" in told
    assert "cluster.oidc_issuer or cluster.pod_identity" in told


def test_a_login_that_would_differ_on_each_side_is_refused() -> None:
    told = refusal(credentials={})
    assert "credentials.application is missing" in told
    assert "nobody could log in after a promotion" in told
    assert "one of secret and password" in refusal(credentials={"application": {}})
    both = {"application": {"secret": "x", "password": "y"}}
    assert "one of secret and password" in refusal(credentials=both)


def test_stream_as_bootstrap_needs_a_route() -> None:
    assert "bootstrap: no route to b, c" in refusal(bootstrap="stream")
    assert "nothing to recover from" in refusal(without_archive="a test", routes=ROUTES, bootstrap="recovery")


def test_a_route_without_a_certificate_is_refused() -> None:
    told = refusal(routes={"b": {"host": "b.example.com"}})
    assert "routes.b.ca_secret is missing" in told
    assert "one authority for all in certificates" in told
    one = {"server_ca": "ca", "client_ca": "ca", "replication_tls": "client"}
    shared = spec("a", routes={"b": {"host": "b.example.com"}}, certificates=one)
    assert (shared.routes["b"].ca_secret, shared.routes["b"].client_secret) == ("ca", "client")


def test_an_address_cannot_be_verified_in_full() -> None:
    address = {**ROUTES["b"], "host": "10.1.2.3"}
    assert "names no address" in refusal(routes={"b": {**address, "tls": "verify-full"}})
    assert spec("a", routes={"b": address}).routes["b"].tls == "verify-ca"
    assert spec("a", routes={"b": ROUTES["b"]}).routes["b"].tls == "verify-full"


def test_a_parameter_that_would_break_the_promise_is_refused() -> None:
    assert "parameters.synchronous_commit: commits would not wait" in refusal(parameters={"synchronous_commit": "off"})
    assert "objectives.rpo" in refusal(parameters={"archive_timeout": "5min"})
    assert "wrong type" in refusal(parameters={"max_connections": 200})
    kept = cluster("a", parameters={"synchronous_commit": "remote_apply"}, routes=ROUTES)
    assert kept["spec"]["postgresql"]["parameters"] == {"synchronous_commit": "remote_apply"}


def test_a_field_that_hakit_decides_cannot_come_in_by_the_side_door() -> None:
    assert "extra.replica: hakit decides this field" in refusal(extra={"replica": {"primary": "x"}})
    in_tree = {"barmanObjectStore": {"destinationPath": "s3://somebodys"}}
    assert "extra.backup: hakit decides this field" in refusal(extra={"backup": in_tree}), "a second archive"
    assert cluster("a", extra={"postgresUID": 100})["spec"]["postgresUID"] == 100


def test_a_shutdown_leaves_time_for_its_second_half() -> None:
    assert "75 or more with shutdown.smart: 60" in refusal(shutdown={"smart": 60, "stop": 60})
    assert spec("a", shutdown={"smart": 60, "stop": 75}).shutdown.stop == 75


def test_only_a_kept_copy_is_dropped() -> None:
    assert "only a kept copy" in refusal(dropped=[1])
    assert "only a kept copy" in refusal("a", FAILOVER, REBUILD, dropped=[2])
    assert spec("a", FAILOVER, REBUILD, dropped=[1.0]).dropped == (1,), "a plugin hands numbers over as floats"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scope": "d"}, "scope: unknown region"),
        ({"pair": "shops"}, "the topology has no such pair"),
        ({"storage": "much"}, "not a Kubernetes quantity"),
        ({"storage": "-1Gi"}, "storage: not a size"),
        ({"storage_clas": "gp3"}, "storage_clas: unknown argument"),
        ({"owner": "My User"}, "owner: not a name that needs no quotes in SQL"),
        ({"owner": "postgres"}, "owner: PostgreSQL or CloudNativePG has it"),
        ({"instances": 0}, "instances: wrong value"),
        ({"synchronous": {"number": 3}}, "synchronous.number: there are not as many standbys"),
        ({"instances": 1, "synchronous": {"number": 1}}, "synchronous: one instance has no standby"),
        ({"zones": ["b-1"]}, "unknown zone in region a"),
        ({"roles": {"postgres": {}}}, "roles.postgres: CloudNativePG's own"),
        ({"roles": {"reader": {"pasword": "x"}}}, "roles.reader.pasword: unknown argument"),
        ({"certificates": {"server_tls": "x"}}, "certificates.server_ca is missing"),
        ({"archive": {"endpoints": {"a": "http://s3"}}}, "archive.endpoints.b is missing"),
        ({"archive": {"role_arn": "role"}}, "archive.role_arn: not the ARN of a role"),
        ({"backup": {"retention": "30"}}, "backup.retention: not a recovery window"),
        ({"routes": {"d": {"host": "x"}}}, "routes: pair shop is not in this region"),
        ({"tolerations": {"key": "x"}}, "tolerations: wrong type"),
        ({"namespace": "Shop"}, "namespace: not a Kubernetes name"),
        ({"credentials": {"application": {"secret": "No Name"}}}, "secret: not a Kubernetes name"),
    ],
)
def test_wrong_input_is_refused_by_name(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(HakitError, match=re.escape(words)) as caught:
        spec(arguments.pop("scope", "a"), **arguments)
    assert "PostgresCluster 'orders'" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_encryption_is_asked_for_of_an_own_object_store_only() -> None:
    told = refusal(archive={"role_arn": "arn:aws:iam::111122223333:role/wal", "encryption": "aws:kms"})
    assert "archive.encryption: a bucket of AWS encrypts by its own key" in told
