"""Databases that are restored from an archive, to a moment, by hakit's own declarations and `pulumi up` of the stacks.

Proven with real PostgreSQL, the real operator and its Barman Cloud plugin, the real engine, BackupPlan and
PostgresCluster: after the Cluster and its volumes are gone, the one that is restored from the same region's archive
and the one from the other region's hold exactly the rows of that moment, and take new ones; how long it takes is
measured and printed. From damaged archives nothing that serves is made, and what is seen then is what
docs/runbooks/restore.md says.

What was lost is the database and not the region. moto plays S3; figures are this machine's.
"""

import contextlib
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lab.harness.engine import Engine
from lab.harness.tools import BARMAN_TOOLS, REGION_TOOLS, tool
from tests.docs.test_restore_runbook import commands
from tests.lab import object_store
from tests.lab.checking import Check
from tests.lab.conftest import need, need_network, running_lab, show
from tests.lab.fence_program import CLUSTERS
from tests.lab.restoring import KEYS, PROGRAM, Restoring
from tests.lab.writing import connect

pytestmark = [pytest.mark.lab, pytest.mark.long]

#: Rows that are in the base backup, that came until the moment, and that came after it.
BACKED_UP, UNTIL, AFTER = range(1, 6), range(6, 11), range(11, 16)
WANTED = [*BACKED_UP, *UNTIL]
RESTORED = ("to-time", "from-b", "short", "flipped", "gap", "empty", "keys", "early")
#: Pairs whose archives are copies of the real one: with other bytes in the base backup, without a segment of WAL, and
#: with nothing at all.
DAMAGED = ("flipped", "gap", "empty")
WRONG_KEYS = {"ACCESS_KEY_ID": "nobody", "ACCESS_SECRET_KEY": "nothing"}
IDS = "select id from orders order by id"
#: By the database that cannot be restored, what the recovery's pods say of it, and nothing else does. Of an empty
#: archive and of a moment before every backup it is the same; the catalogue beside it tells which.
SAYS = {
    "flipped": ['could not open file \\"/var/lib/postgresql/data/pgdata/global/pg_control\\"'],
    "gap": ["recovery ended before configured recovery target was reached"],
    "empty": ['"backupCatalog":[]', "no target backup found"],
    "early": ['"backupCatalog":[{', "no target backup found"],
    "keys": ["(403) when calling the HeadBucket operation: Forbidden"],
}


class Story(Restoring):
    """What the tests know of the time before the loss.

    Attributes:
        moment: between the rows `UNTIL` and the rows `AFTER`, by the database's own clock.
        segment: of WAL, in which the last of the rows `UNTIL` is.
        backups_told: what the runbook's command said of the base backups, before the loss.
    """

    moment: datetime
    segment: str
    backups_told: str

    def runbook(self, about: str) -> str:
        """What a command of the runbook says in `a`, with the lab's names in place of the example's."""
        (command,) = [each for each in commands("kubectl") if about in each]
        for there, here in (("us-east-1", "a"), ("orders-rescued", "to-time")):
            command = command.replace(there, here)
        words = [str(tool("kubectl")), *shlex.split(command)[1:]]
        environment = {**os.environ, "KUBECONFIG": str(self.lab["a"].kubeconfig)}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def ask(self, statement: str) -> Any:
        with connect(self.wan("a")) as connection:
            return connection.execute(statement).fetchall()[0][0]

    def write(self, numbers: range) -> None:
        with connect(self.wan("a")) as connection:
            for number in numbers:
                connection.execute("insert into orders (id) values (%s)", [number])

    def current_segment(self) -> str:
        return self.ask("select pg_walfile_name(pg_current_wal_lsn())")

    def has_backup(self, region: str) -> None:
        self.lab[region].wait_for("a base backup", lambda: self.backups(region), _completed, seconds=900)

    def has_archived(self, region: str, segment: str) -> None:
        wanted = f"/{segment}.gz"
        self.lab[region].wait_for(
            f"{segment} in the archive",
            lambda: self.archive(region),
            lambda keys: any(key.endswith(wanted) for key in keys),
            seconds=600,
        )

    def lose(self) -> None:
        """The database of `a` is gone, with its volumes and everything that was of it."""
        self.lab["a"].client.delete(*CLUSTERS, "orders-g1", "shop")
        for kind in ("PersistentVolumeClaim", "Pod"):
            self.lab["a"].wait_for(
                f"no {kind}",
                lambda kind=kind: self.lab["a"].client.list("v1", kind, "shop"),
                lambda left: not left,
                seconds=600,
            )


def _completed(backups: list[Any]) -> bool:
    return any(each.get("status", {}).get("phase") == "completed" for each in backups)


@pytest.fixture(scope="module")
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A database with a past, both regions' archives of it, damaged copies of one, and then its loss."""
    need(*REGION_TOOLS, *BARMAN_TOOLS, "pulumi", "kubectl")
    need_network()
    with contextlib.ExitStack() as opened:
        lab = opened.enter_context(running_lab(request, {"a": ["a-1"], "b": ["b-1"]}, barman=True))
        store = opened.enter_context(object_store.serving(lab.machine))
        clusters = {each.name: each.kubeconfig for each in lab}
        engine = opened.enter_context(Engine(tmp_path_factory.mktemp("engine") / "pair", clusters, PROGRAM))
        found = opened.enter_context(Story(lab, store, engine, RESTORED, DAMAGED))
        found.prepare()
        found.up("a")
        found.healthy("a")
        lab["a"].wait_for("the table", lambda: _made(found))
        found.write(BACKED_UP)
        found.has_backup("a")
        found.up("b")
        found.healthy("b")
        found.has_backup("b")
        found.write(UNTIL)
        found.segment = found.current_segment()
        time.sleep(2)  # a second is what a moment is told by
        found.moment = found.ask("select date_trunc('second', clock_timestamp())")
        time.sleep(2)
        found.has_archived("a", found.segment)  # so that what comes after is in a later one
        found.write(AFTER)
        last = found.current_segment()
        for region in ("a", "b"):
            found.has_archived(region, last)
        _damage(found)
        found.backups_told = found.runbook("get backups.postgresql.cnpg.io")
        found.lose()
        yield found


def _made(story: Story) -> bool:
    at = "at timestamptz not null default clock_timestamp()"
    story.run("a", f"create table if not exists orders (id bigint primary key, {at})")
    return bool(story.run("a", "select 1 where to_regclass('orders') is not null"))


def _damage(story: Story) -> None:
    for pair in ("flipped", "gap"):
        story.copy(pair)
    (base,) = [key for key in story.archive("a", "flipped") if key.endswith("/data.tar.gz")]
    story.flip("a", base)
    (segment,) = [key for key in story.archive("a", "gap") if key.endswith(f"/{story.segment}.gz")]
    story.drop("a", segment)


def test_after_the_loss_both_regions_archives_give_exactly_the_rows_of_the_moment(
    story: Story, request: pytest.FixtureRequest
) -> None:
    took = {}
    for name, region in (("to-time", "a"), ("from-b", "b")):
        began = time.monotonic()
        story.open(name)
        story.restore(name, {"region": region, "time": story.moment.isoformat()})
        story.up("a")
        story.serves(name)
        took[name] = time.monotonic() - began
        assert [number for (number,) in story.asked_of(name, IDS)] == WANTED
        ((latest,),) = story.asked_of(name, "select max(at) from orders")
        assert latest <= story.moment
        ((segment,),) = story.asked_of(name, "select pg_walfile_name(pg_current_wal_lsn())")
        assert segment.startswith("00000002"), "on a timeline of its own, beside that of the lost one"
    lines = [f"{name}, from the archive of {region}: {took[name]:.0f} s" for name, region in
             (("to-time", "a"), ("from-b", "b"))]  # fmt: skip
    show(request, "from `pulumi up` with `restore` until the restored database takes rows", lines)


def test_the_lost_database_is_not_made_again_by_it(story: Story) -> None:
    there = [each["metadata"]["name"] for each in story.lab["a"].client.list(*CLUSTERS, "shop")]
    assert sorted(there) == ["from-b-g1", "to-time-g1"], "an empty one under the name of the lost one would be a trap"


def test_the_commands_of_the_runbook_tell_what_there_is_and_how_far_it_has_come(story: Story) -> None:
    (base,) = {key.split("/")[4] for key in story.archive("a") if "/base/" in key}
    head, line = story.backups_told.splitlines()
    assert head.split() == ["ID", "PHASE", "BEGAN", "ENDED"]
    identity, phase, _, ended = line.split()
    assert (identity, phase) == (base, "completed"), "the folder's name in the bucket is what `backup` takes"
    window = json.loads(story.runbook("get objectstore"))["orders-g1"]
    first = datetime.fromisoformat(window["firstRecoverabilityPoint"])
    assert abs((first - datetime.fromisoformat(ended)).total_seconds()) <= 5, "its end, not its beginning"
    assert len(story.runbook("get backups.postgresql.cnpg.io").splitlines()) <= 1, "gone with the Cluster"
    assert "Cluster in healthy state" in story.runbook("get cluster ")
    assert "to-time-g1-1" in story.runbook("get pods --selector")
    assert story.runbook("jobRole=full-recovery") == "", "the recovery's pods go when it is done"


@pytest.fixture(scope="module")
def damaged(story: Story) -> Story:
    """Every restore that must fail, and the one that looks as if it had not, declared in one update."""
    wrong = {"archive": {**story.archived["archive"], "secret": "wrong-s3"}}
    story.keys("a", "wrong-s3", WRONG_KEYS)
    moment = {"region": "a", "time": story.moment.isoformat()}
    story.restore("keys", moment, **wrong)
    for pair in DAMAGED:
        story.restore(pair, {**moment, "pair": pair})
    story.restore("early", {**moment, "time": "2026-01-01T00:00:00Z"})
    story.restore("short", {"region": "a", "pair": "gap"})
    for name in (*SAYS, "short"):
        story.open(name)
    story.up("a")
    return story


@pytest.mark.parametrize("name", SAYS)
def test_a_restore_that_cannot_be_serves_nothing_and_only_its_pods_say_why(damaged: Story, name: str) -> None:
    damaged.lab["a"].wait_for(
        f"why {name} fails",
        lambda: damaged.said(name),
        lambda texts: any(all(part in text for part in SAYS[name]) for text in texts),
        seconds=900,
    )
    status = damaged.found(name)["status"]
    assert status["phase"] == "Setting up primary"
    assert not status.get("readyInstances")
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions["Ready"] == "False"
    assert conditions["Initialized"] == "True", "so that one is no sign of a restore that is complete"
    assert damaged.asked_of(name, "select 1") == []


def test_to_the_end_of_an_archive_with_a_hole_comes_less_and_nobody_says_so(damaged: Story) -> None:
    damaged.serves("short")
    numbers = [number for (number,) in damaged.asked_of("short", IDS)]
    assert set(BACKED_UP) <= set(numbers)
    assert max(numbers) < UNTIL[-1], "the rows from the hole on are missing, in a database that serves"


class Checks:
    """RestoreChecks of what the story has left; each runs as a process of this machine."""

    def __init__(self, story: Story, folder: Path) -> None:
        self._story, self._folder = story, folder

    def of(self, name: str, pair: str, source: str, *, keys: str = "orders-s3", within: str = "30d") -> Check:
        args = self._story.archived
        database = {
            **{key: args[key] for key in ("storage", "node_selector", "tolerations", "extra")},
            "storage_class": "lab",
            "postgres_image": args["image"],
            "deadline": "40m",
            "sources": [source],
            "checks": {"rows": "select count(*) >= 5 from orders"},
            "freshness": {"within": within},
        }
        given = {"pair": pair, "archive": {**args["archive"], "secret": keys}, "databases": {"orders": database}}
        content = KEYS if keys == "orders-s3" else WRONG_KEYS
        secrets = [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": keys}, "stringData": content}]
        return Check(self._story.lab["a"], name, self._story.declared, given, secrets, self._folder)

    def wait(self, what: str, look: Callable[[], list[str]], *, there: bool = True) -> list[str]:
        return self._story.lab["a"].wait_for(what, look, lambda found: bool(found) == there)

    def nothing_left(self, check: Check) -> None:
        self.wait("nothing left of it", check.left, there=False)


@pytest.fixture(scope="module")
def checks(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Checks:
    return Checks(story, tmp_path_factory.mktemp("checks"))


@pytest.mark.parametrize(
    ("name", "pair", "source", "options", "word", "code"),
    [
        ("whole", "shop", "b", {}, "ok", 0),
        ("check-flipped", "flipped", "a", {}, "corrupt-backup", 13),
        ("check-gap", "gap", "a", {}, "missing-wal", 14),
        ("check-empty", "empty", "a", {}, "no-backup", 11),
        ("check-keys", "shop", "a", {"keys": "wrong-s3"}, "wrong-credentials", 12),
        ("check-stale", "shop", "a", {"within": "1s"}, "stale", 15),
    ],
)
def test_a_restore_check_tells_each_fault_as_what_it_is_and_leaves_nothing(  # noqa: PLR0917
    checks: Checks, name: str, pair: str, source: str, options: dict[str, str], word: str, code: int
) -> None:
    check = checks.of(name, pair, source, **options)
    assert check.begin().wait(timeout=1800) == code
    report = check.report()
    assert report["outcome"] == word, report
    assert report["cleanup"] == "done"
    checks.nothing_left(check)


def test_a_check_that_is_killed_half_way_is_cleared_away_by_the_next_one(checks: Checks) -> None:
    check = checks.of("killed", "shop", "a")
    process = check.begin()
    try:
        (first,) = checks.wait("its Cluster", check.clusters)
    finally:
        process.kill()
        process.wait(timeout=30)
    assert check.clusters() == [first], "nobody was there to remove it"
    assert check.begin().wait(timeout=1800) == 0
    assert check.report()["removed"] == [first]
    checks.nothing_left(check)
