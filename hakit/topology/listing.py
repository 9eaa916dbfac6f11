"""What a topology must hold together, and what a list of handovers may look like, from the file alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hakit.topology.handovers import Standing, standing_of_apps, standings
from hakit.topology.model import Handover, Pair, Topology
from hakit.topology.source import Keys


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the key path, and the words of a HakitError. Never a token's value."""

    keys: Keys
    what: str
    given: object = None
    allowed: str | Iterable[str] | None = None
    do: str | None = None


def problems(topology: Topology) -> Iterator[Problem]:
    """Everything that is wrong with a topology whose keys and types are right, in the order of the file."""
    for name, region in topology.regions.items():
        cluster = region.cluster
        if cluster.oidc_issuer and cluster.pod_identity:
            yield Problem(
                ("regions", name, "cluster", "pod_identity"),
                "a cluster's roles come from the OIDC issuer or from Pod Identity",
                allowed="one of the two",
                do="delete oidc_issuer or pod_identity",
            )
    for name, pair in topology.pairs.items():
        wrong = [*_regions(("pairs", name), pair, tuple(topology.regions)), *_writes(("pairs", name), pair)]
        # A list is read against the pair's regions: without them every entry would be wrong again.
        yield from wrong or entries(("pairs", name), pair)


def _regions(at: Keys, pair: Pair, known: tuple[str, ...]) -> Iterator[Problem]:
    unknown = [region for region in pair.regions if region not in known]
    for region in unknown:
        yield Problem((*at, "regions", pair.regions.index(region)), "unknown region", region, known)
    if len(pair.regions) < 2:
        yield Problem((*at, "regions"), "a pair needs two regions or more", ", ".join(pair.regions), ", ".join(known))
    if not unknown and pair.founded not in pair.regions:
        yield Problem((*at, "founded"), "not a region of the pair", pair.founded, pair.regions)


def _writes(at: Keys, pair: Pair) -> Iterator[Problem]:
    """Two regions that both write, and nobody said how, would lose each other's rows."""
    allowed = "primary-region, partitioned, read-only"
    if pair.mode == "active-active" and pair.databases and pair.writes is None:
        yield Problem(
            (*at, "mode"),
            "active-active without a write path: nothing says where a region's applications write",
            pair.mode,
            f"with writes: {allowed}",
            "add writes, or say active-passive",
        )
    if pair.writes is not None and pair.mode != "active-active":
        yield Problem((*at, "writes"), "only one region of this pair serves", pair.writes, "with mode: active-active")
    elif pair.writes is not None and not pair.databases:
        yield Problem((*at, "writes"), "the pair has no database to write to", pair.writes, do="delete it")


def entries(at: Keys, pair: Pair) -> Iterator[Problem]:
    """What is wrong with a pair's list: the first entry that does not fit, as what follows is read against it."""
    if pair.is_partitioned and pair.handovers:
        yield Problem(
            (*at, "handovers", 0),
            "nothing to hand over: every region of a partitioned pair writes its own rows",
            do="delete it; docs/active-active.md says what to do when a region is lost",
        )
        return
    for index in range(len(pair.handovers)):
        found = list(_entry((*at, "handovers", index), pair, index))
        if found:
            yield from found
            return


def _entry(at: Keys, pair: Pair, index: int) -> Iterator[Problem]:
    entry = pair.handovers[index]
    if entry.to not in pair.regions:
        yield Problem((*at, "to"), "not a region of the pair", entry.to, pair.regions)
        return
    yield from _fields(at, pair, entry)
    yield from _tokens(at, pair, index)
    before = pair.model_copy(update={"handovers": pair.handovers[:index]})
    after = standings(before) or (standing_of_apps(before),)
    yield from _ORDER[entry.kind](at, entry, before.handovers, after)


def _fields(at: Keys, pair: Pair, entry: Handover) -> Iterator[Problem]:
    if entry.kind == "failover" and entry.accept_loss is None:
        yield Problem(at, "a failover must say how much it may lose", do="add accept_loss: <duration>, such as 30s")
    if entry.kind != "failover" and entry.accept_loss is not None:
        yield Problem((*at, "accept_loss"), f"a {entry.kind} entry loses nothing", allowed="on failover only")
    if entry.kind in ("planned", "cancel") and entry.incarnation is not None:
        yield Problem(
            (*at, "incarnation"),
            f"a {entry.kind} entry changes no incarnation",
            entry.incarnation,
            "on rebuild, and on a failover that opens a kept copy",
        )
    missing = [name for name in pair.databases if name not in entry.tokens]
    if entry.settled and entry.kind == "planned" and missing:
        yield Problem((*at, "settled"), f"settled without the token of {', '.join(missing)}", do="finish it first")
    if entry.settled and entry.kind == "cancel":
        yield Problem((*at, "settled"), "a cancel is complete as it stands", do="delete settled")


def _tokens(at: Keys, pair: Pair, index: int) -> Iterator[Problem]:
    entry = pair.handovers[index]
    if entry.tokens and entry.kind != "planned":
        yield Problem((*at, "tokens"), f"a {entry.kind} entry takes no token", allowed="on planned only")
        return
    for database, token in entry.tokens.items():
        key = (*at, "tokens", database)
        if database not in pair.databases:
            yield Problem(key, "unknown database of the pair", database, pair.databases)
        older = [i for i, each in enumerate(pair.handovers[:index], start=1) if token in each.tokens.values()]
        if older:
            yield Problem(
                key,
                f"a stale token: entry {older[0]} has it already",
                allowed="the token that this entry's demotion published",
                do="delete it and let hakit read the token",
            )


def _planned(at: Keys, entry: Handover, before: tuple[Handover, ...], after: tuple[Standing, ...]) -> Iterator[Problem]:
    if before and not (before[-1].settled or before[-1].kind == "cancel"):
        yield Problem(
            at,
            f"a planned entry follows entry {len(before)} ({before[-1].kind}), which is not settled",
            allowed="planned after a settled entry or a cancel, or first",
            do="finish or cancel that one first",
        )
    elif entry.to == after[0].active.region:
        yield Problem((*at, "to"), "this region is active already", entry.to, _others(after))


def _failover(at: Keys, entry: Handover, _: tuple[Handover, ...], after: tuple[Standing, ...]) -> Iterator[Problem]:
    # With a token the target may never get there: the old side is lost with what the token names. A failover to the
    # target itself is then the only way out; `writing` refuses it once the target is seen to be primary.
    waits = any(each.target or each.token for each in after)
    now = after[0]
    here = entry.to == now.active.region and not waits
    opens = entry.incarnation or now.current[entry.to]
    if opens > now.highest[entry.to]:
        kept = ", ".join(str(number) for number in range(1, now.highest[entry.to] + 1))
        yield Problem((*at, "incarnation"), "no such incarnation was ever listed there", opens, kept)
    elif here and opens == now.active.incarnation:
        yield Problem((*at, "to"), "this region is active already", entry.to, _others(after))


def _cancel(at: Keys, entry: Handover, before: tuple[Handover, ...], after: tuple[Standing, ...]) -> Iterator[Problem]:
    last = before[-1] if before else None
    if last is None or last.kind != "planned" or last.settled:
        yield Problem(at, "a cancel without a pending planned entry before it", do="delete it")
    elif last.tokens:
        yield Problem(
            at,
            f"a cancel of entry {len(before)}, which has a token already",
            do="finish it and hand back, or failover to the old side with accept_loss",
        )
    elif entry.to != after[0].active.region:
        yield Problem((*at, "to"), "a cancel goes to the side that was active", entry.to, after[0].active.region)


def _rebuild(at: Keys, entry: Handover, before: tuple[Handover, ...], after: tuple[Standing, ...]) -> Iterator[Problem]:
    pending = bool(before) and before[-1].kind == "planned" and not before[-1].settled
    next_one = after[0].highest[entry.to] + 1
    if pending:
        # The token of a planned entry is emitted while it is the last one; a rebuild would bury it.
        yield Problem(at, f"a rebuild over entry {len(before)}, which is pending", do="finish or cancel that one first")
    elif entry.to == after[0].active.region:
        yield Problem((*at, "to"), "the active region cannot be rebuilt", entry.to, _others(after))
    elif entry.incarnation is None:
        yield Problem(at, "a rebuild must name its incarnation", do=f"add incarnation: {next_one}")
    elif entry.incarnation != next_one:
        yield Problem((*at, "incarnation"), "not the next incarnation", entry.incarnation, str(next_one))


_ORDER = {"planned": _planned, "failover": _failover, "cancel": _cancel, "rebuild": _rebuild}


def _others(after: tuple[Standing, ...]) -> str:
    # One sentence, not names to choose from: the region that was given is no misspelling of another.
    return ", ".join(region for region in after[0].current if region != after[0].active.region)
