"""The step machine's world without a cluster: a real topology file and a real journal, over the model of regions that
tests/unit/topology has. It knows how CloudNativePG behaves, how a network is cut, and what must never happen.

Every effect, every look and every write of the journal is a moment, before and after it; a test may interfere at each.
"""

import functools
import json
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.observe import UnreachableError
from hakit.operate import journal as journals
from hakit.operate import plan
from hakit.operate.run import Outcome, cancel, run
from hakit.operate.steps import Operation
from hakit.operate.store import OvertakenError
from hakit.operate.world import Position, Sight
from hakit.topology import Copy, Topology, edit, loading
from hakit.topology.writing import Seen
from tests.unit.topology.example import EXAMPLE
from tests.unit.topology.world import DB, Cluster, Entry, State, World, fault, history_of

A, B = "us-east-1", "us-west-2"
WITNESS = "    witness: [https://witness.example.com/shop.json]\n"
STACKS = (A, B, "traffic")
JOURNAL = "shop.json"


@functools.cache
def loaded(content: str) -> Topology:
    return loading.parse(content, "topology.yaml")


@functools.cache
def edited(content: str, how: str, words: str) -> str:
    """A topology's text after one of hakit's own edits. Every run has the same few, and a file is slow."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "topology.yaml"
        path.write_text(content, encoding="utf-8")
        getattr(edit, how)(path, "shop", *json.loads(words))
        return path.read_text(encoding="utf-8")


#: Without a state of its own: what it has computed once is there for every test.
MODEL = World((A, B))


class Killed(BaseException):
    """SIGKILL: nothing is cleaned up."""


def nothing(_name: str) -> None:
    """Interferes with nothing."""


@dataclass
class FakeWorld:
    """The pair `shop` with its database, founded in us-east-1.

    Attributes:
        moments: the names of all that happened, `<what>` before it and `<what>.` after it.
        interfere: called at each of them.
        updates: stacks in the order in which they were updated.
        acknowledged: rows that a writer outside of the regions got an answer for.
    """

    content: str = EXAMPLE + WITNESS
    read: str = EXAMPLE + WITNESS
    documents: dict[str, bytes] = field(default_factory=dict)
    model: World = field(default_factory=lambda: MODEL)
    moments: list[str] = field(default_factory=list)
    interfere: Callable[[str], None] = nothing
    updates: list[str] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    time: float = 0.0
    away: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.state: State = self.model.start()
        for _ in range(3):
            for region in self.model.regions:
                self.state = self.model.replay(self.model.up(self.state, region, 0), region)
        self.live()

    # -- the seam

    def topology(self) -> Topology:
        self.read = self.content
        return loaded(self.content)

    def see(self, regions: Collection[str], floor: Mapping[str, Position]) -> Sight:
        self.moment("see")
        self.live()
        silent = {region: "no answer within 1 s" for region in regions if region in self.state.cut}
        known = {key: seen for key, seen in self.model.observed(self.state).items() if key[1].region in regions}
        places = {key: position(self.find(key[1])) for key in known}
        found = {key: self._judged(key[1], seen, floor) for key, seen in known.items()}
        self.moment("see.")
        return Sight(found, places, dict.fromkeys(known, 0.5), silent)

    def _judged(self, copy: Copy, seen: Seen, floor: Mapping[str, Position]) -> Seen:
        """The model knows whether a token is the end; the real world compares with the floor, and so it is tried here
        against what the model knows."""
        if seen.demotion_token is None or DB not in floor:
            return seen
        end = history_of(seen.demotion_token)
        above = floor[DB] <= position_of(end)
        if above and not seen.primary and not seen.token_is_end:
            self.state = fault(self.state, f"the floor lets a token through that is not the end of {copy}")
        return seen

    def append(self, entry: Mapping[str, Any]) -> None:
        self._effect("append", lambda: self.edit("append_handover", dict(entry)))

    def add_token(self, database: str, token: str) -> None:
        self._effect("add_token", lambda: self.edit("add_token", database, token))

    def add_settled(self) -> None:
        def settle() -> None:
            self.edit("add_settled")
            last = self.entries()[-1]
            if last.kind == "planned":
                self.state = self.state._replace(promoted_with=last.token)

        self._effect("add_settled", settle)

    def raise_witness(self) -> list[str]:
        def write() -> None:
            if "witness" in self.away:
                raise HakitError("the fence in us-east-1 reads no place that says who may write")
            wanted = self.model.wanted(self.entries(self.read))
            if wanted is not None:
                self.state = self.model._turns(self.state._replace(witness=wanted))

        self._effect("witness", write)
        return []

    def apply(self, region: str) -> None:
        def put() -> None:
            self._reach(region)
            entries = self.entries(self.read)
            (intent, *_) = self.model.intents(entries, region, self.state.promoted_with)
            wanted = self.model.wanted(entries)
            if intent.is_primary and wanted and wanted != self.state.witness:
                self.state = fault(self.state, f"{region} is promoted before the witness says so")
            if self.state.find(intent.member) is not None:
                self.bring(region, self.read)

        self._effect(f"apply {region}", put)

    def update(self, stack: str, _seconds: float) -> None:
        def bring() -> None:
            if stack in self.away:
                raise HakitError(f"pulumi up of {stack} failed")
            if stack in self.model.regions:
                self._reach(stack)
                self.bring(stack)
            self.updates.append(stack)

        self._effect(f"update {stack}", bring)

    def publish(self, _words: str) -> str:
        self._effect("publish", lambda: None)
        return "nothing to push to"

    def clock(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds * 200  # a limit of minutes is reached in few looks
        self.live()

    # -- what happens by itself, and what a test does

    def edit(self, how: str, *words: Any) -> None:
        self.content = edited(self.content, how, json.dumps(words))

    def entries(self, content: str = "") -> tuple[Entry, ...]:
        """The file's list, as the model writes it."""
        return tuple(
            Entry(each.kind, each.to, each.tokens.get(DB, ""), each.settled, each.incarnation)
            for each in loaded(content or self.content).pair("shop").handovers
        )

    def find(self, copy: Copy) -> Cluster:
        found = self.state.find(copy)
        assert found is not None
        return found

    def cut(self, *regions: str) -> None:
        for region in regions:
            self.state = self.model.cut(self.state, region)

    def reconnect(self) -> None:
        for region in sorted(self.state.cut):
            self.state = self.model.reconnect(self.state, region)
        self.live()

    def write(self) -> None:
        """A client outside of the regions writes wherever it may."""
        for cluster in self.state.writable():
            self.state = self.model.write(self.state, cluster)
            self.acknowledged.append(self.state.writes)

    def writable(self) -> list[str]:
        """Regions that take writes, of those that are connected."""
        return [cluster.copy.region for cluster in self.state.writable()]

    def rows(self, region: str) -> set[int]:
        standing = self.model.standing(self.entries())
        return {number for number in self.find(Copy(region, standing.current[region])).history if number > 0}

    def live(self) -> None:
        self.write()
        for region in self.model.regions:
            self.state = self.model.replay(self.state, region)

    def bring(self, region: str, content: str = "") -> None:
        entries = self.entries(content)
        if entries not in self.state.files:
            self.state = self.state._replace(files=(*self.state.files, entries))
        self.state = self.model.up(self.state, region, self.state.files.index(entries))

    def _reach(self, region: str) -> None:
        if region in self.state.cut:
            raise UnreachableError(f"{region}: no answer within 1 s")

    def moment(self, name: str) -> None:
        self.moments.append(name)
        self.write()
        self.interfere(name)

    def _effect(self, name: str, what: Callable[[], object]) -> None:
        self.moment(name)
        what()
        if len(self.state.writable()) > 1:
            self.state = fault(self.state, f"two sides are writable after {name}")
        self.moment(f"{name}.")


class Store:
    """The journal's store, in memory; its writes are moments too."""

    where = "memory"

    def __init__(self, world: FakeWorld) -> None:
        self.world = world

    def read(self, name: str) -> tuple[bytes, str]:
        content = self.world.documents.get(name, b"")
        return content, str(hash(content)) if content else ""

    def write(self, name: str, content: bytes, tag: str) -> str:
        self.world.moment("journal")
        if self.read(name)[1] != tag:
            raise OvertakenError(name)
        self.world.documents[name] = content
        self.world.moment("journal.")
        return self.read(name)[1]


def position_of(history: tuple[int, ...]) -> Position:
    return Position(1 + sum(each < 0 for each in history), len(history))


def position(cluster: Cluster) -> Position:
    return position_of(cluster.history)


def no_report(*_: object) -> None:
    """Nobody listens."""


def planned(world: FakeWorld, kind: str, to: str, accept_loss: str = "30s") -> Operation:
    sight = world.see(world.model.regions, {})
    if kind == "failover":
        return plan.failover(world.topology(), "shop", to, sight, STACKS, accept_loss)
    made = plan.switchover if kind == "switchover" else plan.failback
    return made(world.topology(), "shop", to, sight, STACKS)


def begin(world: FakeWorld, operation: Operation) -> Outcome:
    """A first run of a new operation, whatever stood in the journal."""
    store = Store(world)
    journal = journals.begin(store, JOURNAL, operation, store.read(JOURNAL)[1])
    return run(world, journal, lambda: None, no_report)


def again(world: FakeWorld, *, back: bool = False) -> Outcome:
    """Another run, by what stands in the journal; None is left of the process before."""
    journal, _ = journals.load(Store(world), JOURNAL)
    assert journal is not None
    return (cancel if back else run)(world, journal, lambda: None, no_report)


def holds(world: FakeWorld, region: str, *, lossless: bool = True) -> None:
    """What must hold at an operation's end: one side writes, as the file says, `pulumi up` of every stack changes no
    role, and what was acknowledged is there."""
    assert world.state.fault == ""
    assert world.writable() == [region]
    assert plan.active(world.topology().pair("shop")) == region
    for name in world.model.regions:
        world.bring(name)
        world.live()
    assert world.writable() == [region], "`pulumi up` of every stack changes no role"
    assert world.state.fault == ""
    assert not lossless or set(world.acknowledged) <= world.rows(region)
