"""Dumps of databases outside of CloudNativePG: what is refused, and what their CronJobs are. That their commands dump
and restore is shown in tests/lab/test_dumps.py."""

from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.backup import plan, promises
from tests.unit.backup.plans import REDIS, dumps, spec
from tests.unit.postgres.given import FAILOVER


def job(scope: str = "a", entries: Any = (), **arguments: Any) -> dict[str, Any]:
    given = {"ledger": dumps(**arguments)}
    (found,) = plan(spec(scope, entries, databases=None, applications=None, velero=None, dumps=given))
    assert found.key == "dump-ledger"
    return found.manifest


def test_a_dump_never_runs_twice_at_once_has_an_end_and_comes_in_utc() -> None:
    wanted = job(takes="2h")["spec"]
    assert (wanted["concurrencyPolicy"], wanted["timeZone"], wanted["schedule"]) == ("Forbid", "Etc/UTC", "0 1 * * *")
    assert wanted["startingDeadlineSeconds"] == 3600
    assert wanted["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 7200, "takes is what the promise counts on"


def test_its_pod_is_restricted_and_holds_no_password() -> None:
    found = job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    containers = [*found["initContainers"], *found["containers"]]
    assert found["automountServiceAccountToken"] is False
    for each in containers:
        assert each["securityContext"]["readOnlyRootFilesystem"] is True
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert each["resources"]["requests"] == {"cpu": "100m", "memory": "256Mi"}
        assert "@sha256:" in each["image"]
    environment = {each["name"]: each for each in found["initContainers"][0]["env"]}
    assert environment["PGPASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "ledger-login", "key": "password"}
    assert environment["PGSSLMODE"]["value"] == "require"
    (volume,) = found["volumes"]
    assert volume["emptyDir"] == {"sizeLimit": "20Gi"}, "no dump in the clear outlives its pod"


def test_each_region_has_a_folder_and_nothing_is_written_over_or_deleted() -> None:
    for region in ("a", "b"):
        (container,) = job(region)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert container["args"][:4] == [
            "copy",
            "/scratch/out/",
            f"target:acme-dumps/{region}/nightly-ledger/",
            "--immutable",
        ]
        assert not [word for word in container["args"] if "delete" in word or word == "sync"]
    assert job()["metadata"]["labels"]["hakit/backup"] == "dump"
    assert job()["metadata"]["annotations"] == {"hakit/backup-store": "s3://acme-dumps/a/nightly-ledger"}


def test_a_standbys_dump_waits_until_the_region_is_active() -> None:
    assert (job("a")["spec"]["suspend"], job("b")["spec"]["suspend"]) == (False, True)
    assert (job("a", (FAILOVER,))["spec"]["suspend"], job("b", (FAILOVER,))["spec"]["suspend"]) == (True, False)


def test_redis_is_dumped_whole_over_tls_and_looked_at() -> None:
    (first,) = job(**REDIS)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["initContainers"]
    assert ' --tls --rdb "/scratch/$name.part"' in first["command"][2]
    assert 'redis-check-rdb "/scratch/$name.part"' in first["command"][2]
    (bare,) = job(**REDIS, tls="disable", secret=None)["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "initContainers"
    ]
    assert "--tls" not in bare["command"][2]
    assert [each["name"] for each in bare["env"]] == ["REDIS_HOST", "REDIS_PORT"]


def test_a_dump_promises_what_velero_would() -> None:
    given = spec(databases=None, applications=None, velero=None, dumps={"ledger": dumps()})
    assert promises(given) == {
        "dump ledger": "standard: a backup every 1d, kept 30 days; at most 1d 1h lost of 1d 2h",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": "postgres:17"}, "dumps.ledger.image: not pinned by digest"),
        ({"copy_image": "rclone/rclone:1.75.2"}, "dumps.ledger.copy_image: not pinned by digest"),
        ({"store": {"bucket": "x", "region": "a"}}, "dumps.ledger.store: the only copy lies in a, the region that it"),
        ({"store": {"bucket": "x", "region": "c", "endpoint": "http://x"}}, "store.endpoint: not an address over TLS"),
        ({"engine": "mysql"}, "dumps.ledger.engine: unknown word"),
        ({"database": None}, "dumps.ledger.database is missing"),
        ({"secret": None}, "dumps.ledger.secret is missing"),
        ({"engine": "redis"}, "dumps.ledger.database: a dump of redis has all of them"),
        ({**REDIS, "tls": "prefer"}, "dumps.ledger.tls: unknown word"),
        ({"scratch": None}, "scratch is missing"),
        ({"rpo": "12h"}, "dumps.ledger.rpo: 12h is out of reach: 1d between two backups"),
        ({"schedule": "0 0 1 * * *"}, "dumps.ledger.schedule"),
        ({"colour": "red"}, "dumps.ledger.colour: unknown argument"),
    ],
)
def test_what_cannot_hold_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError) as raised:
        job(**arguments)
    assert message in str(raised.value)


def test_a_store_in_a_region_of_the_pair_is_enough_when_it_is_copied_to_the_other() -> None:
    store = {"bucket": "x", "region": "a", "copies": {"b": "y"}}
    with pytest.raises(HakitError, match=r"15m until it is copied to another region"):
        job(store=store, rpo="25h")
    assert job(store=store)
