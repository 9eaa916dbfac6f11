"""A small world in which hakit's own rules run: regions, Clusters, a witness, and people with old checkouts.

It copies no rule. What it knows itself is how CloudNativePG behaves (class `Cluster`), how a network is cut, and what
must never happen (`faults`).
https://cloudnative-pg.io/documentation/current/replica_cluster/#demoting-a-primary-to-a-replica-cluster
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hakit.errors import HakitError
from hakit.topology import fence, handovers, intents, listing, turn, writing
from hakit.topology.handovers import Copy, Standing, Witness
from hakit.topology.intents import ClusterIntent
from hakit.topology.model import Handover, Pair, make_pair

DB = "orders"
History = tuple[int, ...]
"""Writes are positive numbers; a promotion is a negative one, as it opens a timeline that nobody else has."""


class Entry(NamedTuple):
    kind: str
    to: str
    token: str = ""
    settled: bool = False
    incarnation: int | None = None

    def handover(self) -> Handover:
        loss = {"accept_loss": "30s"} if self.kind == "failover" else {}
        tokens = {DB: self.token} if self.token else {}
        return Handover.model_validate(
            {
                "kind": self.kind,
                "to": self.to,
                "tokens": tokens,
                "settled": self.settled,
                "incarnation": self.incarnation,
                **loss,
            }
        )


class Cluster(NamedTuple):
    """One CloudNativePG Cluster: what its spec says, and what the operator made of it.

    - `primary` becoming another member: the instances shut down, the Cluster is a replica, `status.demotionToken` names
      where its history ended, and its fence is lifted.
    - `primary` becoming itself without a token: promoted at once, whatever it has replayed.
    - with a token: promoted when its history is the token's, never before; a token it was promoted with is done.
    - a replica replays from its source, as long as its own history is the beginning of the source's.
    """

    copy: Copy
    intent: ClusterIntent
    history: History
    promoted: bool = False
    fenced: bool = False
    demotion_token: str | None = None
    last_promotion_token: str | None = None

    @property
    def writable(self) -> bool:
        return self.intent.is_primary and self.promoted and not self.fenced


class Place(NamedTuple):
    """A region: its Clusters by incarnation, its record, the newest file version that was applied, its last backup."""

    clusters: tuple[Cluster, ...] = ()
    record: fence.Record = fence.Record()
    applied: int = -1
    backup: "Place | None" = None


class State(NamedTuple):
    files: tuple[tuple[Entry, ...], ...]
    places: tuple[tuple[str, Place], ...]
    witness: Witness | None = None
    cut: frozenset[str] = frozenset()
    writes: int = 0
    promotions: int = 0
    cuts: int = 0
    restored: tuple[str, ...] = ()
    archives: frozenset[Copy] = frozenset()
    promoted_with: str | None = None
    fault: str = ""

    @property
    def now(self) -> tuple[Entry, ...]:
        return self.files[-1]

    def place(self, region: str) -> Place:
        return dict(self.places)[region]

    def put(self, region: str, place: Place) -> "State":
        return self._replace(places=tuple((name, place if name == region else old) for name, old in self.places))

    def find(self, copy: Copy) -> Cluster | None:
        return next((each for each in self.place(copy.region).clusters if each.copy == copy), None)

    def connected(self) -> Iterator[tuple[str, Place]]:
        return ((name, place) for name, place in self.places if name not in self.cut)

    def writable(self) -> list[Cluster]:
        """Of the sides that can see the witness."""
        return [each for _, place in self.connected() for each in place.clusters if each.writable]


@dataclass(frozen=True)
class Rules:
    """hakit's functions; a test replaces one by its broken variant."""

    cluster_intent: Callable[..., ClusterIntent] = intents.cluster_intent
    witness_wanted: Callable[..., Witness | None] = handovers.witness_wanted
    guard_allows: Callable[..., bool] = fence.guard_allows
    witness_allows: Callable[..., bool] = fence.witness_allows
    may_create: Callable[..., None] = fence.may_create
    may_drop: Callable[..., None] = fence.may_drop
    fence_turn: Callable[..., str | None] = turn.fence_turn
    may_append: Callable[..., None] = writing.may_append
    may_record_token: Callable[..., None] = writing.may_record_token
    may_settle: Callable[..., None] = writing.may_settle


def refuses(rule: Callable[..., None], *arguments: Any) -> bool:
    try:
        rule(*arguments)
    except HakitError:
        return True
    return False


def token_of(history: History) -> str:
    return "T" + ",".join(map(str, history))


def history_of(token: str) -> History:
    return tuple(int(each) for each in token[1:].split(",") if each)


def begins(short: History, long: History) -> bool:
    return long[: len(short)] == short


@dataclass
class World:
    """What can happen, one function an action; each returns the next state, or the same when it is refused."""

    regions: tuple[str, ...]
    rules: Rules = field(default_factory=Rules)
    _pairs: dict[tuple[Entry, ...], Pair] = field(default_factory=dict)
    _standings: dict[tuple[Entry, ...], Standing] = field(default_factory=dict)
    _wanted: dict[tuple[Entry, ...], Witness | None] = field(default_factory=dict)
    _intents: dict[tuple[tuple[Entry, ...], str, str | None], tuple[ClusterIntent, ...]] = field(default_factory=dict)

    def start(self) -> State:
        """Everything deployed for the first time, from nothing."""
        state = State(files=((),), places=tuple((name, Place()) for name in self.regions))
        for name in self.regions:
            state = self.up(state, name, 0)
        return state

    def pair(self, entries: tuple[Entry, ...]) -> Pair:
        if entries not in self._pairs:
            self._pairs[entries] = make_pair(
                "shop",
                mode="active-passive",
                founded=self.regions[0],
                regions=self.regions,
                databases=[DB],
                objectives={"rto": "5m", "rpo": "30s"},
                handovers=[each.handover() for each in entries],
            )
        return self._pairs[entries]

    def intents(self, entries: tuple[Entry, ...], region: str, promoted_with: str | None) -> tuple[ClusterIntent, ...]:
        """Of the current copy, then of the kept ones."""
        key = (entries, region, promoted_with)
        if key not in self._intents:
            intent = self.rules.cluster_intent(self.pair(entries), DB, region, promoted_with=promoted_with)
            self._intents[key] = (replace(intent, kept=()), *intent.kept)
        return self._intents[key]

    def standing(self, entries: tuple[Entry, ...]) -> Standing:
        if entries not in self._standings:
            self._standings[entries] = handovers.standing(self.pair(entries), DB)
        return self._standings[entries]

    def wanted(self, entries: tuple[Entry, ...]) -> Witness | None:
        if entries not in self._wanted:
            self._wanted[entries] = self.rules.witness_wanted(self.pair(entries), DB)
        return self._wanted[entries]

    # -- a region's stack is applied ------------------------------------------------------------------------------

    def up(self, state: State, region: str, version: int) -> State:
        """`pulumi up` of a region's stack from one version of the file."""
        entries, place = state.files[version], state.place(region)
        intents = self.intents(entries, region, state.promoted_with)
        if region in state.cut or not self.rules.witness_allows(state.witness, self.pair(entries)):
            return state
        wanted = self.wanted(entries)
        if intents[0].is_primary and wanted and wanted != state.witness:
            try:
                state = self._turns(state._replace(witness=fence.raise_witness(state.witness, wanted)))
            except HakitError:
                return state
        before = roles(state, region)
        for each in intents:
            state = self._apply(state, region, each, entries)
        if version < place.applied and roles(state, region) != before:
            state = fault(state, f"an old checkout changed a role in {region}")
        if state.place(region) == place:
            return state
        place = state.place(region)._replace(applied=max(version, place.applied), backup=place._replace(backup=None))
        return self._turns(state.put(region, place))

    def _apply(self, state: State, region: str, intent: ClusterIntent, entries: tuple[Entry, ...]) -> State:
        place, old = state.place(region), state.find(intent.member)
        operation = "UPDATE" if old else "CREATE"
        if not self.rules.guard_allows(old and old.intent.epoch, place.record.epoch, intent.epoch, operation):
            return state
        if (intent.promotion_token and not intent.is_primary) or intent.source == intent.member:
            return fault(state, "CloudNativePG refuses the manifest")
        if old:
            state = self._reconcile(state, old, old._replace(intent=intent), entries)
        elif refuses(self.rules.may_create, intent, place.record, state.witness):
            return state
        else:
            state = self._create(state, intent)
        # A bootstrap that waits for its archive has created nothing yet.
        created = old is None and state.find(intent.member) is not None
        place = state.place(region)
        record = place.record.after(intent, "CREATE" if created else "UPDATE")
        return state.put(region, place._replace(record=record))

    def _create(self, state: State, intent: ClusterIntent) -> State:
        copy, history = intent.member, ()
        if intent.recover_from:
            origin = state.find(intent.recover_from)
            if origin is None:
                # The first deployment of the other side: its archive is not there yet, and the bootstrap waits.
                return state
            if intent.recover_from.region in state.cut:
                return state
            history = origin.history
        if copy in state.archives:
            state = fault(state, f"the archive of {copy} is used twice")
        new = Cluster(copy, intent, history, promoted=intent.is_primary)
        place = state.place(copy.region)
        place = place._replace(clusters=tuple(sorted((*place.clusters, new), key=lambda each: each.copy)))
        return state.put(copy.region, place)._replace(archives=state.archives | {copy})

    def _reconcile(self, state: State, old: Cluster, new: Cluster, entries: tuple[Entry, ...]) -> State:
        if old.intent.is_primary and not new.intent.is_primary:
            token = token_of(old.history) if old.promoted else old.demotion_token
            new = new._replace(promoted=False, fenced=False, demotion_token=token)
        elif new.intent.is_primary and not new.promoted:
            token = new.intent.promotion_token
            changes = [each for each in entries if each.kind != "rebuild"]
            if not token and changes and changes[-1].kind == "planned" and not went_past(changes[-1].token, new):
                state = fault(state, f"{new.copy} is promoted without a token by a planned handover")
            if not token or token == new.last_promotion_token or history_of(token) == new.history:
                return self._promote(state, new)
        return self._set(state, new)

    def _promote(self, state: State, cluster: Cluster) -> State:
        number = state.promotions + 1
        token = cluster.intent.promotion_token or cluster.last_promotion_token
        new = cluster._replace(promoted=True, history=(*cluster.history, -number), last_promotion_token=token)
        return self._set(state._replace(promotions=number), new)

    def _set(self, state: State, cluster: Cluster) -> State:
        place = state.place(cluster.copy.region)
        clusters = tuple(cluster if each.copy == cluster.copy else each for each in place.clusters)
        return state.put(cluster.copy.region, place._replace(clusters=clusters))

    # -- what happens by itself -----------------------------------------------------------------------------------

    def replay(self, state: State, region: str) -> State:
        """The replicas of a region catch up with their sources, and a promotion that waits for its token ends."""
        if region in state.cut:
            return state
        for cluster in state.place(region).clusters:
            if cluster.promoted or cluster.fenced:
                continue
            source = state.find(cluster.intent.source)
            if source is None or source.copy.region in state.cut:
                continue
            history, token = source.history, cluster.intent.promotion_token
            end = history_of(token) if token else history
            if begins(cluster.history, end) and begins(end, history):
                cluster = cluster._replace(history=end)  # noqa: PLW2901 (the same Cluster, later)
            waits = cluster.intent.is_primary and token and cluster.history == end
            state = self._promote(state, cluster) if waits else self._set(state, cluster)
        return state

    def write(self, state: State, cluster: Cluster) -> State:
        """A client's write is acknowledged by a writable Cluster, cut or not."""
        number = state.writes + 1
        return self._set(state._replace(writes=number), cluster._replace(history=(*cluster.history, number)))

    def cut(self, state: State, region: str) -> State:
        return state._replace(cut=state.cut | {region}, cuts=state.cuts + 1)

    def reconnect(self, state: State, region: str) -> State:
        return self._turns(state._replace(cut=state.cut - {region}))

    def restore(self, state: State, region: str) -> State:
        """The region's etcd comes back as it was before the last apply; the volumes keep their data."""
        place = state.place(region)
        histories = {each.copy: each.history for each in place.clusters}
        if place.backup is None or {each.copy for each in place.backup.clusters} != set(histories):
            return state
        clusters = tuple(each._replace(history=histories[each.copy]) for each in place.backup.clusters)
        back = state.put(region, place.backup._replace(clusters=clusters))
        return self._turns(back._replace(restored=(*state.restored, region)))

    def _turns(self, state: State) -> State:
        """Every fence that can see the witness takes its turn."""
        for _, place in state.connected():
            newest = max((each.copy.incarnation for each in place.clusters), default=0)
            for each in place.clusters:
                seen = turn.Watched(each.copy, each.intent.epoch, each.intent.is_primary, each.fenced)
                does = self.rules.fence_turn(state.witness, seen, newest > each.copy.incarnation)
                if does:
                    state = self._set(state, each._replace(fenced=does == "fence"))
        return state

    # -- what people and the tool write ---------------------------------------------------------------------------

    def observed(self, state: State) -> dict[tuple[str, Copy], writing.Seen]:
        active = state.find(self.standing(state.now).active)
        end = active.history if active else ()
        return {
            (DB, each.copy): self.seen(each, begins(each.history, end))
            for _, place in state.connected()
            for each in place.clusters
        }

    def seen(self, cluster: Cluster, prefix: bool = False) -> writing.Seen:
        return writing.Seen(
            built=True,
            primary=cluster.writable,
            epoch=cluster.intent.epoch,
            fenced=cluster.fenced,
            prefix=prefix,
            demotion_token=cluster.demotion_token,
            token_is_end=cluster.demotion_token == token_of(cluster.history),
            last_promotion_token=cluster.last_promotion_token,
        )

    def append(self, state: State, entry: Entry) -> State:
        if refuses(self.rules.may_append, self.pair(state.now), entry.handover(), self.observed(state)):
            return state
        return state._replace(files=(*state.files, (*state.now, entry)))

    def record_token(self, state: State, cluster: Cluster) -> State:
        token = cluster.demotion_token
        if cluster.copy.region in state.cut or token is None:
            return state
        if not state.now or state.now[-1].token:  # the file has one place for it
            return state
        if refuses(self.rules.may_record_token, self.pair(state.now), DB, token, cluster.copy, self.seen(cluster)):
            return state
        longer = (*state.now[:-1], state.now[-1]._replace(token=token))
        wanted = self.wanted(longer)
        if wanted and wanted != state.witness:
            state = self._turns(state._replace(witness=fence.raise_witness(state.witness, wanted)))
        return state._replace(files=(*state.files, longer))

    def settle(self, state: State, *, by_hand: bool = False) -> State:
        """`settled` is added: by the tool after it looked, or by hand, which only the list's own rules can refuse."""
        if not state.now or state.now[-1].settled:
            return state
        longer = (*state.now[:-1], state.now[-1]._replace(settled=True))
        if by_hand:
            if any(listing.entries((), self.pair(longer))):
                return state
        elif refuses(self.rules.may_settle, self.pair(state.now), self.observed(state)):
            return state
        elif longer[-1].kind == "planned":
            state = state._replace(promoted_with=longer[-1].token)
        return state._replace(files=(*state.files, longer))

    def drop(self, state: State, copy: Copy) -> State:
        built = {each.copy for each in state.place(copy.region).clusters}
        if refuses(self.rules.may_drop, self.pair(state.now), DB, copy, state.witness, built):
            return state
        place = state.place(copy.region)
        clusters = tuple(each for each in place.clusters if each.copy != copy)
        return state.put(copy.region, place._replace(clusters=clusters))


def went_past(token: str, cluster: Cluster) -> bool:
    """Whether a Cluster that forgot its promotion was promoted with a token before: its own timeline follows it."""
    end = history_of(token) if token else None
    return end is not None and begins(end, cluster.history) and len(cluster.history) > len(end)


def fault(state: State, what: str) -> State:
    return state._replace(fault=state.fault or what)


def roles(state: State, region: str) -> list[tuple[Copy, bool, bool]]:
    return [(each.copy, each.intent.is_primary, each.promoted) for each in state.place(region).clusters]
