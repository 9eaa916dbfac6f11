"""A drill against a real PostgreSQL and a standby: its parts, its report, its history, and what is refused.

In place of a switchover the primary is stopped and started: a real interruption under the writer. What it does not
prove: a promotion, `hakit switchover`, kubectl's own exec, a load balancer, and the time that any of them takes.
"""

import http.server
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hakit.components.drills_held import NEVER, last_day
from hakit.drill import history
from hakit.drill.markers import TABLE
from hakit.drill.probing import Answer, get, origins, without_answers
from hakit.drill.report import DrillDocument, exit_code, markdown, objectives, trend
from hakit.drill.run import check, run
from hakit.drill.sql import Session
from hakit.drill.underway import Options, StepError
from hakit.errors import HakitError
from hakit.topology import Topology
from tests.unit.drill.postgres import Servers, running
from tests.unit.postgres.given import FAILOVER, PLANNED, REBUILD, SETTLED, topology


@pytest.fixture(scope="module")
def both() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="hk-") as name:
        Path(name).chmod(0o755)
        (Path(name) / "s").mkdir()
        with running(Path(name) / "s") as servers:
            servers.sql("a", "create database app")
            servers.sql("a", "create table orders (id int primary key, what text)", "app")
            servers.sql("a", "insert into orders select n, 'thing ' || n from generate_series(1, 100) n", "app")
            servers.until_caught_up()
            yield servers


@dataclass
class Hand:
    """The tools of a drill, with both servers under one's own hand."""

    both: Servers
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    restores: str = ""
    room: Sequence[str] = ()
    switches: bool = True
    without: str = ""

    def topology(self) -> Topology:
        return topology(*self.entries, regions=("a", "b"))

    def sessions(self, _database: str) -> Mapping[str, Session]:
        return {each: self.both.session(each) for each in "ab" if each != self.without}

    def restored(self, database: str, region: str, source: str) -> str:
        self.did.append(f"restore {database} of {source} in {region}")
        if self.restores:
            raise StepError(self.restores)
        return "100 rows"

    def switched(self, region: str) -> str:
        self.did.append(f"switch to {region}")
        if not self.switches:
            raise StepError("the token never came")
        self.both.control("a", "stop", "-m", "fast")
        self.both.control("a", "start")
        number = len(self.entries) + 1
        self.entries.append({"kind": "planned", "to": region, "tokens": {"orders": f"T{number}"}, "settled": True})
        return "done"

    def planned(self, region: str) -> str:
        self.did.append(f"plan {region}")
        return "7 steps"

    def lacking(self, region: str) -> Sequence[str]:
        self.did.append(f"room {region}")
        return self.room


@pytest.fixture
def hand(both: Servers) -> Hand:
    return Hand(both)


def held(hand: Hand, *parts: str, marker_seconds: float = 15, **options: Any) -> DrillDocument:
    given = Options(parts=parts, marker_seconds=marker_seconds, settle_seconds=60, **options)
    return run("20261124T120000Z", "shop", hand, given, lambda *_: None)


def outcomes(document: DrillDocument) -> dict[str, str]:
    return {each["part"]: each["outcome"] for each in document["parts"]}


def said(document: DrillDocument, what: str) -> str:
    (found,) = [step for part in document["parts"] for step in part["steps"] if step["what"] == what]
    return found["said"]


def test_two_regions_with_the_same_data_pass_and_the_rpo_is_what_the_marker_took(hand: Hand, both: Servers) -> None:
    document = held(hand, "consistency")
    assert outcomes(document) == {"consistency": "passed"}
    (rto, rpo) = document["objectives"]
    assert (rto["measured_seconds"], rto["kept"]) == (None, None), "nothing was switched"
    assert rpo["wanted_seconds"] == 30
    assert rpo["measured_seconds"] is not None
    assert rpo["kept"] is True
    assert said(document, "compare orders in b table by table") == "1 table, 100 rows"
    assert hand.did == [], "nothing but the marker was written"
    both.until_caught_up()
    assert both.sql("b", f"select count(*) from {TABLE}") == "0", "and that is gone"
    assert exit_code(document) == 0


def test_a_difference_fails_and_names_the_table(hand: Hand, both: Servers) -> None:
    """A copy whose replay is paused stands for one that has lost a change."""
    both.until_caught_up()
    both.sql("b", "select pg_wal_replay_pause()")
    try:
        both.sql("a", "update orders set what = 'x' where id = 1", "app")
        document = held(hand, "consistency", marker_seconds=3)
    finally:
        both.sql("b", "select pg_wal_replay_resume()")
    assert outcomes(document) == {"consistency": "failed"}
    assert "app public.orders: different" in said(document, "compare orders in b table by table")
    assert "not within 3 s in b" in said(document, "write a marker into orders and find it in every region")
    assert exit_code(document) == 1
    both.sql("a", "update orders set what = 'thing 1' where id = 1", "app")
    both.until_caught_up()


def test_a_region_that_cannot_be_asked_fails_its_steps_and_no_other(hand: Hand) -> None:
    hand.without = "b"
    document = held(hand, "consistency", "region-loss", marker_seconds=1)
    assert outcomes(document) == {"consistency": "failed", "region-loss": "passed"}
    assert said(document, "compare orders in b table by table") == "orders in b cannot be asked"
    assert hand.did == ["plan b", "room b", "restore orders of a in b"]


def test_a_game_day_goes_there_and_back_with_every_acknowledged_marker_and_measures_the_time_without_writes(
    hand: Hand, both: Servers
) -> None:
    document = held(hand, "game-day")
    assert outcomes(document) == {"game-day": "passed"}, json.dumps(document, indent=1)
    assert hand.did == ["switch to b", "switch to a"]
    measured = document["measured"]
    assert measured["lost_rows"] == 0
    assert 0 < measured["resolution_seconds"] <= measured["rto_seconds"]
    (rto, _) = document["objectives"]
    assert (rto["wanted_seconds"], rto["measured_seconds"], rto["kept"]) == (300, measured["rto_seconds"], True)
    assert document["active"] == "a"
    assert both.sql("a", f"select count(*) from {TABLE}") == "0"


def test_a_switchover_that_fails_ends_the_game_day_and_nobody_is_sent_back(hand: Hand) -> None:
    hand.switches = False
    document = held(hand, "game-day")
    assert hand.did == ["switch to b"]
    assert said(document, "switch over to b") == "the token never came"
    assert document["measured"]["lost_rows"] == 0, "what was written is counted all the same"
    assert exit_code(document) == 1


def test_nobodys_users_are_moved_after_a_part_that_failed(hand: Hand) -> None:
    hand.restores = "no backup"
    document = held(hand, "restore", "game-day")
    assert outcomes(document) == {"restore": "failed", "game-day": "skipped"}
    assert hand.did == ["restore orders of a in a"]


def test_a_region_without_room_fails_and_both_restores_are_tried(hand: Hand) -> None:
    hand.room = ["HK112 region: after a failover: 6.8 cpu asked, 6 free"]
    document = held(hand, "region-loss", "restore")
    assert outcomes(document) == {"restore": "passed", "region-loss": "failed"}
    assert hand.did == ["restore orders of a in a", "plan b", "room b", "restore orders of a in b"]
    assert said(document, "ask b for the room to be active") == hand.room[0]


def test_a_drill_in_which_nothing_could_be_tried_is_no_proof(hand: Hand) -> None:
    document = held(hand, "traffic")
    assert outcomes(document) == {"traffic": "skipped"}
    assert exit_code(document) == 3


@pytest.mark.parametrize(
    ("entries", "options", "typed", "words"),
    [
        ([], Options(), None, "this one is 'prod'"),
        ([], Options(), "shop", "--yes-in-production shop"),
        ([], Options(parts=("gameday",)), "prod", "there is no such part"),
        ([], Options(to="c"), "prod", "not in this region"),
        ([], Options(origins={"c": "x"}), "prod", "not in this region"),
        ([], Options(to="a"), "prod", "active already"),
        ([PLANNED], Options(), "prod", "in the middle of a handover"),
        ([FAILOVER], Options(), "prod", "in the middle of a handover"),
        ([SETTLED], Options(to="b"), "prod", "active already"),
    ],
)
def test_what_is_refused_before_anything_begins(
    entries: list[Any], options: Options, typed: str | None, words: str
) -> None:
    declared = topology(*entries, regions=("a", "b"))
    with pytest.raises(HakitError, match=words):
        check(declared, declared.pair("shop"), options, typed)


@pytest.mark.parametrize("entries", [[], [SETTLED]])
def test_what_is_not_refused(entries: list[Any]) -> None:
    declared = topology(*entries, regions=("a", "b"))
    check(declared, declared.pair("shop"), Options(), "prod")


def document(name: str, *, outcome: str = "passed", **measured: Any) -> DrillDocument:
    return {
        "version": 1,
        "drill": name,
        "environment": "prod",
        "pair": "shop",
        "active": "a",
        "started": f"{name[:4]}-{name[4:6]}-{name[6:8]}T12:00:00+00:00",
        "seconds": 12.5,
        "outcome": outcome,
        "objectives": objectives(300, 30, measured),
        "measured": measured,
        "parts": [
            {
                "part": "restore",
                "outcome": outcome,
                "seconds": 12.5,
                "steps": [{"what": "restore orders", "outcome": outcome, "seconds": 12.5, "said": "a | b\nc"}],
            }
        ],
    }


def test_the_page_has_the_objectives_beside_what_was_measured_the_trend_and_room_for_lessons() -> None:
    first = document("20260801T120000Z", rto_seconds=2.0, rpo_seconds=0.5)
    text = markdown(document("20261124T120000Z", rto_seconds=2.9, rpo_seconds=31.0, lost_rows=0), [first])
    assert "# Drill of shop in prod, 2026-11-24T12:00:00+00:00" in text
    assert "| RTO | 5m | 2.9 s (longest time without an acknowledged write) | kept |" in text
    assert "| RPO | 30s | 31.0 s (until the slowest copy had a marker) | **not kept** |" in text
    assert "| restore orders | passed | 12.5 s | a \\| b c |" in text
    assert "| 2026-11-24T12:00:00+00:00 | passed | 2.9 s ↑ | 31.0 s ↑ |  | 0 |" in text
    assert "**Which step of the runbook was wrong or missing?**\n\n...\n" in text


def test_the_trend_is_the_newest_first_and_an_arrow_needs_a_tenth() -> None:
    held = [document(f"2026110{day}T120000Z", rto_seconds=value) for day, value in ((1, 2.0), (2, 2.1), (3, 1.0))]
    rows = [line.split("|")[3].strip() for line in trend(held)[2:]]
    assert rows == ["1.0 s ↓", "2.1 s", "2.0 s"]
    assert len(trend(held, last=1)) == 3


def test_a_missed_objective_is_exit_code_one_though_every_step_passed() -> None:
    assert exit_code(document("20261124T120000Z", rpo_seconds=31.0)) == 1
    assert exit_code(document("20261124T120000Z", rpo_seconds=29.0)) == 0


def test_the_history_keeps_every_drill_and_says_when_the_last_one_passed(tmp_path: Path) -> None:
    folder = history.folder_of(tmp_path, "prod", "shop")
    assert history.drills(folder) == []
    assert last_day(folder) == NEVER
    first, second = document("20261001T120000Z"), document("20261124T120000Z", outcome="failed")
    page = history.keep(folder, first)
    history.keep(folder, second)
    assert history.drills(folder) == [first, second]
    assert last_day(folder) == "2026-10-01", "one that failed proves nothing"
    assert page == folder / "20261001T120000Z.md"
    assert "## Lessons" in page.read_text()
    page.write_text("our lessons")
    with pytest.raises(HakitError, match="kept already"):
        history.keep(folder, first)
    assert page.read_text() == "our lessons"
    (folder / "notes.json").write_text("{}")
    assert len(history.drills(folder)) == 2, "files of other names are nobody's drill"
    (folder / "20261125T120000Z.json").write_text("{}")
    with pytest.raises(HakitError, match="not a drill that this hakit wrote"):
        history.drills(folder)
    with pytest.raises(HakitError, match="not a drill that hakit wrote"):
        last_day(folder)


@pytest.fixture
def served() -> Iterator[list[int]]:
    """Two origins on loopback that answer with the status that stands in a list, and their ports behind it."""
    states = [200, 503]

    def handler(index: int) -> type[http.server.BaseHTTPRequestHandler]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(states[index])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(index)) for index in (0, 1)]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    states += [each.server_address[1] for each in servers]
    yield states
    for each in servers:
        each.shutdown()
        each.server_close()


def test_the_active_region_must_answer_and_the_standby_must_not(served: list[int], hand: Hand) -> None:
    a, b = served[2:]
    url, places = f"http://127.0.0.1:{a}/ready", {"a": f"127.0.0.1:{a}", "b": f"127.0.0.1:{b}"}
    assert get(url) == Answer(200)
    assert origins(places, url, {"a"}) == {}
    assert outcomes(held(hand, "traffic", url=url, origins=places)) == {"traffic": "passed"}
    served[1] = 200
    assert "b is a standby and answers 200" in origins(places, url, {"a"})["b"]
    assert outcomes(held(hand, "traffic", url=url, origins=places)) == {"traffic": "failed"}
    served[0], served[1] = 503, 503
    assert origins(places, url, {"a"}) == {"a": "a is active and answers 503"}


def test_without_a_url_traffic_is_skipped_and_said_to_be(hand: Hand) -> None:
    assert said(held(hand, "traffic"), "ask the host name") == "no --url was given"


def test_a_host_that_does_not_answer_is_told_and_not_waited_for() -> None:
    answer = get("http://127.0.0.1:1/ready", seconds=2)
    assert answer.status is None
    assert "refused" in answer.problem


def test_the_time_without_answers_counts_what_is_open_at_the_end_too() -> None:
    good, bad = Answer(200), Answer(503)
    assert without_answers([(0.0, good), (1.0, bad), (4.0, good), (4.5, good)]) == (4.0, 1)
    assert without_answers([(0.0, good), (1.0, bad), (9.0, bad)]) == (9.0, 2)
    assert without_answers([]) == (0.0, 0)


def test_rebuild_entries_must_be_settled_too() -> None:
    declared = topology(FAILOVER | {"settled": True}, REBUILD, regions=("a", "b"))
    with pytest.raises(HakitError, match="entry 2, rebuild"):
        check(declared, declared.pair("shop"), Options(), "prod")
