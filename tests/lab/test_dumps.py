"""The commands of BackupPlan's dumps as their pods run them: a real PostgreSQL and a real Redis are dumped, copied to
an S3 that moto plays, lost, and restored from what is there.

Of a pod's commands the folder and the addresses are changed, nothing else. What this does not prove: that the images
have the same programs, and that a pod may do so as the user and on the file system that it is given: its CronJob and
its pod are taken by a real API server that restricts, and not run."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.plan.backup import plan
from tests.components.moto_aws import Aws, served
from tests.lab.conftest import need, running
from tests.lab.partitioned import Server
from tests.lab.test_redis_sentinel import Server as RedisServer
from tests.lab.test_redis_sentinel import _ports
from tests.unit.backup.plans import REDIS, dumps, spec

pytestmark = [pytest.mark.lab, pytest.mark.long]  # servers that start and end, on a machine that may be slow

RCLONE = Path(sys.executable).with_name("rclone")
BUCKET = "acme-dumps"


@pytest.fixture(name="aws")
def _aws() -> Iterator[Aws]:
    with served() as found:
        found.client("s3").create_bucket(Bucket=BUCKET)
        yield found


def pod(**arguments: Any) -> dict[str, Any]:
    (job,) = plan(spec(databases=None, applications=None, velero=None, dumps={"ledger": dumps(**arguments)}))
    return job.manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def environment(container: dict[str, Any], known: dict[str, str], **changed: str) -> dict[str, str]:
    found = {
        each["name"]: each["value"] if "value" in each else known[each["valueFrom"]["secretKeyRef"]["key"]]
        for each in container["env"]
    }
    return {"PATH": os.environ["PATH"], **found, **changed}


def run(given: dict[str, Any], aws: Aws, scratch: Path, known: dict[str, str], **changed: str) -> tuple[int, str]:
    """What kubelet does: the first container, and when it has ended well the second."""
    (first,), (second,) = given["initContainers"], given["containers"]
    shell = [word.replace("/scratch", str(scratch)) for word in first["command"]]
    done = subprocess.run(
        shell, env=environment(first, known, **changed), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        return done.returncode, done.stderr
    remote = {"RCLONE_CONFIG_TARGET_ENDPOINT": aws.endpoint, "RCLONE_CONFIG_TARGET_PROVIDER": "Other"}
    words = [word.replace("/scratch", str(scratch)) for word in second["args"]]
    keys = {"ACCESS_KEY_ID": "test", "ACCESS_SECRET_KEY": "test"}
    done = subprocess.run(
        [RCLONE, *words, "--retries=1"],
        env=environment(second, keys, **remote),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


def stored(aws: Aws) -> list[str]:
    return [each["Key"] for each in aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    (programs, *_) = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folder = tmp_path_factory.mktemp("postgres")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # its user is not root
    server = Server(programs, folder / "data")
    try:
        yield server
    finally:
        process = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGQUIT)  # what `pg_ctl --mode immediate stop` sends; nobody needs to wait for it


LOGIN = {"username": "postgres", "password": "none is asked for"}


def test_postgres_is_dumped_lost_and_restored(postgres: Server, aws: Aws, tmp_path: Path) -> None:
    with postgres.connect("postgres") as made:
        made.execute("create database ledger")
    with postgres.connect("ledger") as made:
        made.execute("create table entries (id int primary key, text text)")
        made.execute("insert into entries select n, 'entry ' || n from generate_series(1, 1000) n")
    given = pod(tls="disable")
    address = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port)}
    code, said = run(given, aws, tmp_path, LOGIN, **address)
    assert code == 0, said
    (key,) = stored(aws)
    assert key.startswith("a/nightly-ledger/20")
    assert key.endswith("Z.dump")

    with postgres.connect("postgres") as made:
        made.execute("drop database ledger")
        made.execute("create database ledger")
    found = tmp_path / "found.dump"
    aws.client("s3").download_file(BUCKET, key, str(found))
    # The command of docs/backup.md.
    restoring = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--dbname=ledger", str(found)]
    subprocess.run(
        restoring,
        env={"PATH": os.environ["PATH"], "PGUSER": "postgres", **address},
        timeout=120,
        check=True,
    )
    with postgres.connect("ledger") as made:
        assert made.execute("select count(*), max(text) from entries").fetchone() == (1000, "entry 999")


def test_a_second_dump_stands_beside_the_first(postgres: Server, aws: Aws, tmp_path: Path) -> None:
    with postgres.connect("postgres") as made:
        made.execute("create database ledger")
    address = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port)}
    for _ in range(2):
        code, said = run(pod(tls="disable"), aws, tmp_path, LOGIN, **address)
        assert code == 0, said
        time.sleep(1.1)  # their names have the second
    assert len(stored(aws)) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"PGDATABASE": "nothing"}, 'database "nothing" does not exist'), ({"PGPORT": "1"}, "refused")],
)
def test_a_dump_that_fails_copies_nothing(
    postgres: Server, aws: Aws, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    address = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), **changed}
    code, error = run(pod(tls="disable"), aws, tmp_path, LOGIN, **address)
    assert code != 0
    assert said in error
    assert stored(aws) == []


def test_tls_is_asked_for_unless_said_otherwise(postgres: Server, aws: Aws, tmp_path: Path) -> None:
    """This server has none."""
    address = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGDATABASE": "postgres"}
    code, error = run(pod(), aws, tmp_path, LOGIN, **address)
    assert code != 0
    assert "does not support SSL" in error


def test_a_bucket_that_is_not_there_is_a_failure(postgres: Server, aws: Aws, tmp_path: Path) -> None:
    address = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGDATABASE": "postgres"}
    store = {"bucket": "nowhere", "region": "c", "secret": "dumps"}
    code, error = run(pod(tls="disable", store=store), aws, tmp_path, LOGIN, **address)
    assert code != 0
    assert "NoSuchBucket" in error


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    program = tmp_path / "redis-server"
    found = shutil.which("redis-check-rdb")
    assert found, "redis-tools; `make lab-tools` installs it"
    program.symlink_to(found)
    (port,) = _ports(1)
    server = RedisServer(program, tmp_path / "redis", port, ["requirepass a-test-password"])
    yield server
    server.end()


def asked(server: RedisServer, *words: str) -> str:
    done = subprocess.run(
        ["redis-cli", "--no-auth-warning", "-a", "a-test-password", "-p", str(server.port), *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return (done.stdout + done.stderr).strip()


def answered(server: RedisServer) -> None:
    ends = time.monotonic() + 120
    while asked(server, "ping") != "PONG":
        assert time.monotonic() < ends, "no Redis"
        time.sleep(0.2)


def test_redis_is_dumped_lost_and_restored(redis: RedisServer, aws: Aws, tmp_path: Path) -> None:
    answered(redis)
    assert asked(redis, "mset", "one", "1", "two", "2") == "OK"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    address = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    code, said = run(pod(**REDIS, tls="disable"), aws, scratch, {"password": "a-test-password"}, **address)
    assert code == 0, said
    (key,) = stored(aws)
    assert key.endswith("Z.rdb")

    redis.end()
    data = tmp_path / "redis" / "dump.rdb"
    data.unlink(missing_ok=True)
    aws.client("s3").download_file(BUCKET, key, str(data))
    redis.start()
    answered(redis)
    assert (asked(redis, "dbsize"), asked(redis, "get", "two")) == ("2", "2")


def test_a_wrong_password_copies_nothing(redis: RedisServer, aws: Aws, tmp_path: Path) -> None:
    answered(redis)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    address = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    code, _ = run(pod(**REDIS, tls="disable"), aws, scratch, {"password": "another"}, **address)
    assert code != 0
    assert stored(aws) == []


def test_the_cronjobs_are_taken_by_the_api_server_in_a_namespace_that_restricts(
    request: pytest.FixtureRequest,
) -> None:
    need("cluster")
    with running(request, "east", ["a"]) as region:
        for number, arguments in enumerate(({}, REDIS)):
            (job,) = plan(spec(databases=None, applications=None, velero=None, dumps={"ledger": dumps(**arguments)}))
            namespace = f"restricted-{number}"
            metadata = {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
            region.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            manifest = {**job.manifest, "metadata": {**job.manifest["metadata"], "namespace": namespace}}
            region.client.apply(manifest, namespace)
            template = manifest["spec"]["jobTemplate"]["spec"]["template"]
            bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dump"}, "spec": template["spec"]}
            region.client.apply(bare, namespace)  # Pod Security asks pods, not CronJobs
