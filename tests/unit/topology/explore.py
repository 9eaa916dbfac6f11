"""Every order in which a World can go, up to a bound, and what must never be seen on the way."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from hakit.errors import HakitError
from tests.unit.topology.world import Entry, State, World, went_past

Step = tuple[str, State]


@dataclass(frozen=True)
class Bounds:
    """How far an exploration goes."""

    depth: int
    entries: int = 2
    kinds: tuple[str, ...] = ("planned", "failover", "cancel", "rebuild")
    writes: int = 1
    cuts: int = 1
    restores: int = 0
    old_checkouts: int = 2
    by_hand: bool = True
    drops: bool = True


@dataclass
class Explorer:
    """Walks through a world and keeps what it has proved of a state."""

    world: World
    bounds: Bounds
    _alive: dict[State, bool] = field(default_factory=dict)

    def steps(self, state: State) -> Iterator[Step]:
        """Everything that can happen next and changes something."""
        return ((name, after) for name, after in self._steps(state) if after != state)

    def _steps(self, state: State) -> Iterator[Step]:
        world, bounds, newest = self.world, self.bounds, len(state.files) - 1
        for region in world.regions:
            for version in range(max(0, newest - bounds.old_checkouts), newest + 1):
                yield f"up {region} v{version}", world.up(state, region, version)
            yield f"replay {region}", world.replay(state, region)
            for cluster in state.place(region).clusters:
                yield f"token {cluster.copy}", world.record_token(state, cluster)
            if region in state.cut:
                yield f"reconnect {region}", world.reconnect(state, region)
            elif state.cuts < bounds.cuts and len(state.cut) < len(world.regions) - 1:
                yield f"cut {region}", world.cut(state, region)
            if len(state.restored) < bounds.restores and region not in state.cut:
                yield f"restore {region}", world.restore(state, region)
            yield from self._on_clusters(state, region)
        if len(state.now) < bounds.entries:
            for entry in self._entries(state):
                yield f"{entry.kind} {entry.to} {entry.incarnation or ''}", world.append(state, entry)
        yield "settled", world.settle(state)
        if bounds.by_hand:
            yield "settled by hand", world.settle(state, by_hand=True)

    def _on_clusters(self, state: State, region: str) -> Iterator[Step]:
        for cluster in state.place(region).clusters:
            if cluster.writable and state.writes < self.bounds.writes:
                yield f"write {region}", self.world.write(state, cluster)
            if self.bounds.drops and len(state.place(region).clusters) > 1 and region not in state.cut:
                yield f"drop {cluster.copy}", self.world.drop(state, cluster.copy)

    def _entries(self, state: State) -> Iterator[Entry]:
        for region in self.world.regions:
            for kind in self.bounds.kinds:
                if kind == "rebuild":
                    yield Entry(kind, region, incarnation=self._highest(state, region) + 1)
                elif kind == "failover":
                    for number in range(1, self._highest(state, region) + 1):
                        yield Entry(kind, region, incarnation=number)
                else:
                    yield Entry(kind, region)

    def _highest(self, state: State, region: str) -> int:
        return self.world.standing(state.now).highest[region]

    # -- what must hold -------------------------------------------------------------------------------------------

    def faults(self, state: State) -> str:
        """What is wrong in a state, or nothing."""
        if state.fault:
            return state.fault
        writable = state.writable()
        if len(writable) > 1:
            return "two writable sides that can both see the witness"
        if not any(entry.kind == "failover" for entry in state.now):
            written = set(range(1, state.writes + 1))
            for _, place in state.places:
                for each in place.clusters:
                    if each.writable and not written <= set(each.history):
                        return f"an acknowledged write is lost in {each.copy}, and nobody accepted a loss"
        return "" if self.alive(state) else self._dead(state)

    def _dead(self, state: State) -> str:
        return "nobody can become writable" if state.cut else "everybody applied the newest file, nobody is writable"

    def alive(self, state: State) -> bool:
        """Whether finishing what is listed ends with one writable side, or, with a region cut, a legal entry does."""
        trail = []
        while state not in self._alive:
            trail.append(state)
            assert len(trail) < 200, "finishing goes round in a circle"
            after = self.finish_one(state)
            if after == state:
                self._alive[state] = bool(state.writable()) or self._can_be_saved(state)
                break
            state = after
        for each in trail:
            self._alive[each] = self._alive[state]
        return self._alive[state]

    def finish_one(self, state: State) -> State:
        """One more thing that the tool does to finish what is listed, without a new entry."""
        world, newest = self.world, len(state.files) - 1
        for region in world.regions:
            for after in (
                world.up(state, region, newest),
                world.replay(state, region),
                *(world.record_token(state, each) for each in state.place(region).clusters),
            ):
                if after != state:
                    return after
        return world.settle(state)

    def _can_be_saved(self, state: State) -> bool:
        """Only with a region cut: without, what is listed must end well by itself. One exception: `_way_back`."""
        way = self._way_back(state)
        if way and self._opens(state, way):
            return True
        if not state.cut:
            return False
        copies = [each.copy for _, place in state.connected() for each in place.clusters]
        if not copies:
            return True
        ways = [Entry("cancel", copy.region) for copy in copies]
        ways += [Entry("failover", copy.region, incarnation=copy.incarnation) for copy in copies]
        return any(self._opens(state, entry) for entry in ways)

    def _way_back(self, state: State) -> Entry | None:
        """The entry that must open the active side after its etcd, restored from before, forgot that it was promoted.

        Only under a planned entry that is on its way, and only to the side whose data is the newest: nothing is lost.
        With the token, CloudNativePG waits for a point that the target has passed, until a failover to the target
        itself takes the token away. No rule can tell it from a target that was promoted too early, so a person decides.
        Once the tool has recorded the promotion no entry is needed. Without the token the old side, now a replica, is
        no longer demoted and publishes none: the handover is cancelled.
        """
        if not state.now or state.now[-1].kind != "planned":
            return None
        active = state.find(self.world.standing(state.now).active)
        if active is None or active.promoted or active.copy.region not in state.restored:
            return None
        token = state.now[-1].token
        if not token:
            return Entry("cancel", active.copy.region)
        return Entry("failover", active.copy.region) if went_past(token, active) else None

    def _opens(self, state: State, entry: Entry) -> bool:
        try:
            after = self.world.append(state, entry)
        except HakitError:
            return False
        if after == state:
            return False
        for region in self.world.regions:
            after = self.world.up(after, region, len(after.files) - 1)
        return len(after.writable()) == 1

    # -- walks ----------------------------------------------------------------------------------------------------

    def breadth_first(self) -> tuple[int, list[str]]:
        """How many states were seen, and the shortest way to a fault, its name last; empty when there is none."""
        start = self.world.start()
        before: dict[State, tuple[str, State] | None] = {start: None}
        queue = deque([(start, 0)])
        while queue:
            state, depth = queue.popleft()
            wrong = self.faults(state)
            if wrong:
                return len(before), [*_way(before, state), wrong]
            if depth == self.bounds.depth:
                continue
            for name, after in self.steps(state):
                if after not in before:
                    before[after] = (name, state)
                    queue.append((after, depth + 1))
        return len(before), []


def _way(before: dict[State, tuple[str, State] | None], state: State) -> list[str]:
    names = []
    while found := before[state]:
        name, state = found
        names.append(name)
    return names[::-1]
