"""A pair that archives to an S3 that moto plays, and what is restored from its archives, by `pulumi up` of the stacks.

Damaged archives are copies of the real ones: each is the archive of a pair of its own in the topology, so that the same
declaration restores from it, and the real one stays as it is.
"""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from hakit.topology import names
from hakit.topology.copies import Copy
from lab.harness import Lab, RefusedError
from lab.harness.engine import Engine
from tests.lab import object_store
from tests.lab.fence_program import CLUSTERS
from tests.lab.object_store import ObjectStore
from tests.lab.pair_by_up import Manifest, Pair, entrance
from tests.lab.writing import connect

PROGRAM = Path(__file__).parent / "programs" / "restores.py"
KEYS = {"ACCESS_KEY_ID": object_store.ACCESS, "ACCESS_SECRET_KEY": object_store.SECRET}
#: The label of the pods that recover; CloudNativePG 1.30, pkg/specs/jobs.go.
RECOVERY = "full-recovery"
_PAIR = """\
  {name}:
    mode: active-passive
    founded: a
    databases: [{databases}]
    objectives: {{rto: 5m, rpo: {rpo}s}}
    handovers: []
"""


class Restoring(Pair):
    """The pair `shop`, whose archives are what there is to restore, and the pair `rescue` of what is restored.

    Args:
        restored: names of the databases that will be restored.
        damaged: pairs whose archives of `orders` are copies of those of `shop`, each with its own damage.
    """

    #: Half of it fills a segment.
    rpo = 30

    def __init__(
        self, lab: Lab, store: ObjectStore, engine: Engine, restored: Iterable[str], damaged: Iterable[str]
    ) -> None:
        self.restored: dict[str, Manifest] = {}
        self._ports = {name: 30500 + number for number, name in enumerate(restored)}
        super().__init__(lab, store, engine)
        pairs = {"rescue": ", ".join(self._ports), **dict.fromkeys(damaged, "orders")}
        with self.file.open("a", encoding="utf-8") as file:
            for name, databases in pairs.items():
                file.write(_PAIR.format(name=name, databases=databases, rpo=self.rpo))

    def declare(self, password: str) -> None:
        self.password = password
        arguments = {"orders": self.archived, "restored": self.restored}
        (self.engine.project / "arguments.json").write_text(json.dumps(arguments), encoding="utf-8")

    @property
    def archived(self) -> Manifest:
        """The arguments of a database that archives."""
        streaming = ("without_archive", "routes", "certificates")
        args = {key: value for key, value in super()._arguments().items() if key not in streaming}
        archive = {"secret": "orders-s3", "endpoints": {"a": self.store.endpoint, "b": self.store.endpoint}}
        return {**args, "namespace": "shop", "archive": archive}

    def prepare(self) -> None:
        """What is there before any stack: buckets, and the keys to them."""
        for region in self.lab:
            self.store.make_bucket(self.bucket(region.name))
            region.namespace("shop")
            self.keys(region.name, "orders-s3", KEYS)
            entrance(region, "orders-g1")

    def keys(self, region: str, name: str, content: dict[str, str]) -> None:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": content}
        self.lab[region].apply([secret], "shop")

    def bucket(self, region: str) -> str:
        return names.bucket_of(self.declared, region, "wal")

    # Restores

    def restore(self, name: str, where: Manifest, **changed: Any) -> None:
        """Declare that a database of `rescue` begins as another one was; `up` is what makes it so."""
        args = {**self.archived, "credentials": {"application": {"secret": "orders-app"}}, **changed}
        self.restored[name] = {**args, "restore": {"pair": "shop", "database": "orders", **where}}
        self.declare(self.password)

    def open(self, name: str) -> None:
        """A way from this machine to a restored database in `a`."""
        entrance(self.lab["a"], f"{name}-g1", name=f"route-{name}", port=self._ports[name])

    def asked_of(self, name: str, statement: str) -> list[Any]:
        """As the application; nothing while it does not answer."""
        try:
            with connect(self.wan("a"), port=self._ports[name]) as connection:
                return connection.execute(statement).fetchall()
        except psycopg.OperationalError:
            return []

    def serves(self, name: str) -> None:
        """Wait until a restored database takes rows."""

        def writable() -> bool:
            with contextlib.suppress(psycopg.Error), connect(self.wan("a"), port=self._ports[name]) as connection:
                connection.execute("create table if not exists probes (id bigserial primary key, at timestamptz)")
                connection.execute("insert into probes default values")
                return True
            return False

        self.lab["a"].wait_for(f"{name} restored", writable, seconds=900)

    def found(self, name: str) -> Manifest:
        return self.lab["a"].client.get(*CLUSTERS, f"{name}-g1", "shop")

    def said(self, name: str) -> list[str]:
        """What each pod of a recovery has said so far, in all its containers."""
        client = self.lab["a"].client
        texts = []
        for pod in client.list("v1", "Pod", "shop", {"cnpg.io/cluster": f"{name}-g1", "cnpg.io/jobRole": RECOVERY}):
            path = client.path("v1", "Pod", pod["metadata"]["name"], "shop")
            text = ""
            for container in ("full-recovery", "plugin-barman-cloud"):
                with contextlib.suppress(RefusedError):  # it has not begun, or is gone
                    text += client.request("GET", f"{path}/log", params={"container": container})
            texts.append(text)
        return texts

    # The archives

    def backups(self, name: str) -> list[Any]:
        return self.lab[name].client.list("postgresql.cnpg.io/v1", "Backup", "shop")

    def archive(self, region: str, pair: str = "shop") -> list[str]:
        """The keys of what is archived of `orders`."""
        where = names.archive(pair, "orders", Copy(region, 1))
        pages = self.store.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket(region), Prefix=where)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def copy(self, pair: str, region: str = "a") -> None:
        """What is archived of `shop`, for another pair."""
        client, bucket = self.store.client(), self.bucket(region)
        for key in self.archive(region):
            there = key.replace(names.archives(region, "shop"), names.archives(region, pair), 1)
            client.copy_object(Bucket=bucket, Key=there, CopySource={"Bucket": bucket, "Key": key})

    def flip(self, region: str, key: str) -> None:
        """The middle of an object is other bytes than were written."""
        client, bucket = self.store.client(), self.bucket(region)
        body = bytearray(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        middle = len(body) // 2
        body[middle : middle + 64] = bytes(each ^ 0xFF for each in body[middle : middle + 64])
        client.put_object(Bucket=bucket, Key=key, Body=bytes(body))

    def drop(self, region: str, key: str) -> None:
        self.store.client().delete_object(Bucket=self.bucket(region), Key=key)
