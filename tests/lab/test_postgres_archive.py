"""A pair that only the archive joins: no route between the regions, WAL and base backups in S3.

Proven with real PostgreSQL, the real operator and its Barman Cloud plugin, by `pulumi up` of the regions' stacks: the
follower is recovered from the primary's archive; what is committed reaches it within the pair's objective although the
database is idle, by the `archive_timeout` that hakit computes; a planned handover there and back loses no acknowledged
row and makes nobody anew. No failover and no restore to a moment is played here.

moto plays S3. The objective is one for a small WAL: how fast a busy database's is shipped is the network's.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hakit.topology import names
from lab.harness.engine import Engine
from lab.harness.tools import BARMAN_TOOLS, REGION_TOOLS
from tests.lab import object_store
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.handover import Switched, logs_in, owners, same_rows, switch
from tests.lab.pair_by_up import PROGRAM, Manifest, Pair, entrance, made
from tests.lab.writing import Writer, columns, connect, is_writable

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: The pair's objective; hakit gives half of it to filling a segment. The other half is for shipping, which takes a few
#: seconds here when nothing else runs on the machine, and a minute when twenty processes wait for its two processors.
RPO = 120
KEYS = {"ACCESS_KEY_ID": object_store.ACCESS, "ACCESS_SECRET_KEY": object_store.SECRET}


class Shipping(Pair):
    """The two regions without a route between them."""

    rpo = RPO

    def _arguments(self) -> Manifest:
        streaming = ("without_archive", "routes", "certificates")
        args = {key: value for key, value in super()._arguments().items() if key not in streaming}
        archive = {"secret": "orders-s3", "endpoints": {"a": self.store.endpoint, "b": self.store.endpoint}}
        return {**args, "archive": archive}

    def backups(self, name: str) -> list[Any]:
        return self.lab[name].client.list("postgresql.cnpg.io/v1", "Backup", "shop")

    def has(self, name: str, number: int) -> bool:
        return (number,) in self.run(name, "select id from orders")

    def write(self, number: int) -> None:
        with connect(self.wan("a")) as connection:
            connection.execute("insert into orders (id) values (%s)", [number])


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shipping]:
    need(*REGION_TOOLS, *BARMAN_TOOLS, "pulumi")
    need_network()
    with contextlib.ExitStack() as opened:
        lab = opened.enter_context(running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, barman=True))
        store = opened.enter_context(object_store.serving(lab.machine))
        clusters = {each.name: each.kubeconfig for each in lab}
        engine = opened.enter_context(Engine(tmp_path_factory.mktemp("engine") / "pair", clusters, PROGRAM))
        found = opened.enter_context(Shipping(lab, store, engine))
        for name in ("a", "b"):
            store.make_bucket(names.bucket_of(found.declared, name, "wal"))
            lab[name].namespace("shop")
            keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-s3"}, "stringData": KEYS}
            lab[name].apply([keys], "shop")
            entrance(lab[name], "orders-g1")
        found.up("a")
        found.healthy("a")
        lab["a"].wait_for("the tables", lambda: made(found), seconds=120)
        found.write(1)
        lab["a"].wait_for("a base backup", lambda: found.backups("a"), _completed, seconds=180)
        found.up("b")
        found.healthy("b")
        lab["b"].wait_for("the first row in b", lambda: found.has("b", 1), seconds=180)
        yield found


def _completed(backups: list[Any]) -> bool:
    return any(each.get("status", {}).get("phase") == "completed" for each in backups)


def test_a_row_reaches_the_follower_through_the_archive_within_the_objective(
    pair: Shipping, request: pytest.FixtureRequest
) -> None:
    spec = pair.cluster("b")["spec"]
    assert list(spec["bootstrap"]) == ["recovery"]
    assert [list(each) for each in spec["externalClusters"]] == [["name", "plugin"]] * 2, "there is no route"
    assert pair.run("a", "show archive_timeout") == [("1min",)], "half of the objective"
    assert pair.identity("b")["system"] == pair.identity("a")["system"], "the copy is a copy"
    took = []
    for number in (2, 3, 4):
        pair.write(number)
        began = time.monotonic()
        pair.lab["b"].wait_for(f"row {number}", lambda number=number: pair.has("b", number), seconds=180)
        took.append(time.monotonic() - began)
        time.sleep(3 * number)  # not in step with the segments
    seconds = ", ".join(f"{each:.1f} s" for each in took)
    found = f"from the commit to the follower: {seconds}; archive_timeout {RPO // 2} s"
    show(request, f"WAL shipping through the archive, objective {RPO} s", [found])
    assert max(took) <= RPO
    assert not is_writable(pair.wan("b")), "b is read-only"


def test_a_planned_handover_there_and_back_by_the_archive_alone_loses_no_row_and_makes_nobody_anew(
    pair: Shipping, request: pytest.FixtureRequest
) -> None:
    before = {name: pair.identity(name) for name in ("a", "b")}
    logs_in(pair)
    done = []
    with Writer([pair.wan("a"), pair.wan("b")], first=1001) as writer:
        pair.lab["a"].wait_for("rows", lambda: len(writer.acknowledged) > 50)
        for number, (old, new) in enumerate([("a", "b"), ("b", "a")], 1):
            done.append(switch(pair, old, new, writer))
            assert pair.timeline(new) == 1 + number, "promoted as often as it was handed over, and never made anew"
            for name in (old, new):
                assert owners(pair, name) == {("hakit", "Apply")}
    missing = set(writer.acknowledged) - pair.numbers("a")
    count = same_rows(pair, "a", "b")
    lines = columns([Switched.HEAD, *(each.row for each in done)])
    found = f"{len(writer.acknowledged)} rows acknowledged, {len(missing)} lost; {count} rows on both sides"
    show(request, "planned handover by WAL shipping alone, seconds", [*lines, found])
    assert missing == set()
    assert {name: pair.identity(name) for name in ("a", "b")} == before, "nobody was made anew"
