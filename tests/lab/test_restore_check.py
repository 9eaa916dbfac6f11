"""RestoreCheck with real parts: the CronJob's own pod, CloudNativePG, its Barman plugin, PostgreSQL; moto plays S3.

One region, whose database archives into its bucket; the other region's archive is what S3 would have copied of it, in
the other bucket. How each kind of broken archive is told is in tests of their own.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from hakit.plan import restore_check
from hakit.plan.restore_check_spec import specify
from hakit.topology import names
from hakit.verify.run import REPORT
from lab.harness import LabRegion
from lab.harness.cnpg import POSTGRES_IMAGE
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.tools import BARMAN_TOOLS, BIN, PYTHON_IMAGE, REGION_TOOLS
from tests.lab import object_store
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.fence_program import CLUSTERS
from tests.lab.pair import LOGIN
from tests.lab.pair_by_up import entrance
from tests.lab.writing import connect
from tests.unit.postgres.given import objects, topology

pytestmark = [pytest.mark.lab, pytest.mark.long]

Manifest = dict[str, Any]
TOPOLOGY = topology(regions=("a", "b"), rpo="120s", zones=1)
SPACE = "shop-restore-checks"
KEYS = {"ACCESS_KEY_ID": object_store.ACCESS, "ACCESS_SECRET_KEY": object_store.SECRET}
JOB = "batch/v1", "Job"


class Place:
    """A region with a database that archives, and the store.

    Attributes:
        segment: of WAL, the last one that was written to.
    """

    segment = ""

    def __init__(self, region: LabRegion, store: object_store.ObjectStore) -> None:
        self.region, self.store = region, store
        region.node.import_image(BIN / PYTHON_IMAGE)
        self.image = region.node.pin_image("localhost/python:3.11")

    @property
    def archive(self) -> Manifest:
        return {"secret": "orders-s3", "endpoints": {"a": self.store.endpoint, "b": self.store.endpoint}}

    def put_database(self) -> None:
        options = {
            "given": TOPOLOGY,
            "storage": "1Gi",
            "storage_class": "lab",
            "instances": 1,
            "image": POSTGRES_IMAGE,
            "credentials": {"application": {"secret": "orders-app"}},
            "archive": self.archive,
            "pod_monitor": False,
            "node_selector": LABEL,
            "tolerations": [TOLERATION],
            "extra": {"imagePullPolicy": "Never"},
        }
        made = objects("a", **options)
        self.region.apply([made[key] for key in ("store-a", "store-b", "cluster-g1", "backup-g1")], "shop")

    def put_check(self, **options: Any) -> None:
        """The component's objects."""
        database = {
            "storage": "1Gi",
            "storage_class": "lab",
            "postgres_image": POSTGRES_IMAGE,
            "checks": {"rows": "select count(*) = 100 from orders", "dollars": "select $$it's$$ = 'it''s'"},
            "freshness": {"within": "1h", "sql": "select max(at) from orders"},
            "node_selector": LABEL,
            "tolerations": [TOLERATION],
            "extra": {"imagePullPolicy": "Never"},
            **options,
        }
        args = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": "a",
            "image": self.image,
            "archive": self.archive,
            "databases": {"orders": database},
        }
        self.region.apply([each.manifest for each in restore_check.plan(specify("shop", args, TOPOLOGY))])
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-s3"}, "stringData": KEYS}
        self.region.apply([secret], SPACE)

    def run(self, source: str) -> Manifest:
        """One Job of a CronJob, to its end; what its report says."""
        name = self.begin(source)
        self.region.wait_for(f"the end of {name}", lambda: self.ended(name), seconds=1500)
        return self.report(source)

    def begin(self, source: str) -> str:
        check = restore_check.check_name("orders", source)
        cron = self.region.client.get("batch/v1", "CronJob", check, SPACE)
        number = len(self.region.client.list(*JOB, SPACE))
        job = {
            "apiVersion": JOB[0],
            "kind": JOB[1],
            "metadata": {"name": f"{check}-{number}"},
            "spec": cron["spec"]["jobTemplate"]["spec"],
        }
        self.region.apply([job], SPACE)
        return f"{check}-{number}"

    def ended(self, job: str) -> bool:
        status = self.region.client.get(*JOB, job, SPACE).get("status", {})
        return any(each["type"] in ("Complete", "Failed") for each in status.get("conditions", []))

    def report(self, source: str) -> Manifest:
        name = restore_check.report_name(restore_check.check_name("orders", source))
        found = self.region.client.get("v1", "ConfigMap", name, SPACE)
        return json.loads(found["data"][REPORT])

    def left(self) -> list[str]:
        """What is there of a restored Cluster."""
        client = self.region.client
        found = [f"Cluster {each['metadata']['name']}" for each in client.list(*CLUSTERS, SPACE)]
        for kind in ("Pod", "PersistentVolumeClaim", "Secret", "Service"):
            objects = [each["metadata"] for each in client.list("v1", kind, SPACE)]
            found += [f"{kind} {each['name']}" for each in objects if "cnpg.io/cluster" in (each.get("labels") or {})]
        return found

    def backups(self) -> list[Manifest]:
        return self.region.client.list("postgresql.cnpg.io/v1", "Backup", "shop")

    def copy_archive(self) -> None:
        """As S3 replication would: every object of a's archive in b's bucket, under b's own folder."""
        s3 = self.store.client()
        a, b = (names.bucket_of(TOPOLOGY, each, "wal") for each in ("a", "b"))
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=a):
            for each in page.get("Contents", []):
                key = each["Key"]
                s3.copy_object(Bucket=b, Key=key.replace("a/", "b/", 1), CopySource={"Bucket": a, "Key": key})


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    need(*REGION_TOOLS, *BARMAN_TOOLS, PYTHON_IMAGE)
    need_network()
    with contextlib.ExitStack() as opened:
        lab = opened.enter_context(running_lab(request, {"a": ["a-1"]}, barman=True))
        store = opened.enter_context(object_store.serving(lab.machine))
        found = Place(lab["a"], store)
        for name in ("a", "b"):
            store.make_bucket(names.bucket_of(TOPOLOGY, name, "wal"))
        region = lab["a"]
        region.namespace("shop")
        keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-s3"}, "stringData": KEYS}
        region.apply([keys, LOGIN], "shop")
        entrance(region, "orders-g1")
        found.put_database()
        region.wait_for("the database", lambda: _writes(region), seconds=600)
        region.wait_for("a base backup", found.backups, _completed, seconds=900)
        with connect(region.network.wan) as connection:
            connection.execute("insert into orders (id) select generate_series(1, 100)")
            found.segment = _value(connection, "select pg_walfile_name(pg_current_wal_insert_lsn())")
        yield found


def _value(connection: psycopg.Connection, statement: str) -> str:
    ((found,),) = connection.execute(statement).fetchall()
    return str(found)


def _writes(region: LabRegion) -> bool:
    try:
        with connect(region.network.wan) as connection:
            connection.execute(
                "create table if not exists orders (id bigint primary key, at timestamptz default clock_timestamp())"
            )
    except psycopg.OperationalError:
        return False
    return True


def _completed(backups: list[Manifest]) -> bool:
    return any(each.get("status", {}).get("phase") == "completed" for each in backups)


def test_the_newest_backup_comes_back_from_either_regions_archive_and_nothing_is_left(
    place: Place, request: pytest.FixtureRequest
) -> None:
    place.put_check()
    place.region.wait_for("the rows in the archive", lambda: _archived(place), seconds=600)
    place.copy_archive()
    lines = []
    for source in ("a", "b"):
        report = place.run(source)
        lines.append(json.dumps(report))
        assert (report["outcome"], report["message"]) == ("ok", "")
        assert report["checks"] == [
            {"name": "rows", "outcome": "ok", "found": "t"},
            {"name": "dollars", "outcome": "ok", "found": "t"},
        ]
        assert report["cleanup"] == "done"
        assert place.left() == []
    show(request, "restore checks", lines)


def _archived(place: Place) -> bool:
    found = place.store.client().list_objects_v2(Bucket=names.bucket_of(TOPOLOGY, "a", "wal"))
    return any(place.segment in each["Key"] for each in found.get("Contents", []))
