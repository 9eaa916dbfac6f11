"""What an operation would do, as a list of steps; or why it must not be begun. Pure: of the topology and what was seen.

The order of every list is that of `docs/topology.md`: the entry is in the file before anything is applied, so a
`pulumi up` at any moment goes forward.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hakit.errors import HakitError
from hakit.operate.steps import Operation, Step
from hakit.operate.world import Sight
from hakit.topology import Copy, Epoch, Handover, Pair, Topology, epoch
from hakit.topology.handovers import Standing, standing, standing_of_apps
from hakit.topology.model import seconds as parse_seconds
from hakit.topology.writing import Seen, may_append

TRAFFIC = "traffic"
#: Seconds for which a region that need not answer is waited for.
BOUND = 3.0
#: Seconds for which a demotion's token is waited for: nobody writes meanwhile, and it can be taken back.
TOKEN_LIMIT = 120.0
#: Seconds for a promotion: with WAL shipping alone the last segment has to come first.
PROMOTION_LIMIT = 300.0
UPDATE_LIMIT = 1800.0
BUILD_LIMIT = 6 * 3600.0


def digest_of(handovers: Sequence[Handover]) -> str:
    """What a list of entries is recognised by."""
    data = [entry.model_dump(mode="json") for entry in handovers]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def switchover(topology: Topology, name: str, to: str, sight: Sight, stacks: Collection[str]) -> Operation:
    """A planned change of the active region: no row is lost, nobody is rebuilt.

    Args:
        topology: as it is in the file.
        name: of the pair.
        to: the region that is to be active.
        sight: what was seen just now.
        stacks: scopes that the project has: regions, and `traffic` where it has one.

    Raises:
        HakitError: the first condition that is not met.
    """
    pair = operable(topology, name, to)
    old = active(pair)
    if old == to and standing_of_apps(pair).target is None:
        raise _active_already(pair, to)
    not_older(pair, sight)
    before = _taken_up(pair, to)
    if before is pair.handovers:
        _heard(sight, old, "mend the way to it: hakit preflight looks at it; when it is lost: hakit failover")
        _heard(sight, to, "mend the way to it: hakit preflight looks at it")
        may_append(pair, Handover.model_validate({"kind": "planned", "to": to}), sight.seen)
    steps = tuple(_switch(topology, pair, old, to, stacks))
    return Operation("switchover", name, old, to, len(before), digest_of(before), steps, _back(pair, old, to))


def failover(  # noqa: PLR0913, PLR0917  each is a fact of it
    topology: Topology, name: str, to: str, sight: Sight, stacks: Collection[str], accept_loss: str = ""
) -> Operation:
    """A change of the active region without the old one. Legal at any time, also over a pending switchover.

    Args:
        accept_loss: a duration, such as `30s`; it is written into the entry. Empty: the pair's RPO, in seconds.
        topology, name, to, sight, stacks: as for `switchover`.

    Raises:
        HakitError: the first condition that is not met; more may be lost than is accepted.
    """
    pair = operable(topology, name, to)
    now = standing_of_apps(pair)
    left = [region for region in pair.regions if region != to]
    old = now.active.region if now.active.region != to else (now.target or now.former or Copy(left[0], 1)).region
    not_older(pair, sight)
    loss = accept_loss or f"{pair.objectives.rpo}s"
    parse_seconds_of(loss)
    entry = {"kind": "failover", "to": to, "accept_loss": loss}
    _heard(sight, to, "mend the way to it; a failover needs the region that it goes to")
    may_append(pair, Handover.model_validate(entry), answering(sight))
    _loses_no_more(pair, to, sight, loss)
    steps = [*_take_over(topology, pair, old, entry, sight, stacks)]
    notes = tuple(_losses(pair, old, to, sight))
    return Operation(
        "failover", name, old, to, len(pair.handovers), digest_of(pair.handovers), tuple(steps), notes=notes
    )


def failback(topology: Topology, name: str, to: str, sight: Sight, stacks: Collection[str]) -> Operation:
    """The region that a failover left behind is rebuilt under the next incarnation, and then becomes active again.

    Args:
        to: that region; empty: the one that a failover left behind.
        topology, name, sight, stacks: as for `switchover`.

    Raises:
        HakitError: no region was left behind, the region does not answer, or a condition of `may_append` is not met.
    """
    pair = operable(topology, name, to or known_pair(topology, name).regions[0])
    to = to or _left_behind(pair)
    old = active(pair)
    if old == to:
        raise _active_already(pair, to)
    not_older(pair, sight)
    _heard(sight, to, "wait until it does: its copy is to be rebuilt")
    _heard(sight, old, "mend the way to it: its data is what the other copy is built from")
    base, steps = len(pair.handovers), list[Step]()
    if any(Copy(to, now.current[to]) in now.superseded for now in _standings(pair)):
        highest = max(now.highest[to] for now in _standings(pair))
        entry = {"kind": "rebuild", "to": to, "incarnation": highest + 1}
        may_append(pair, Handover.model_validate(entry), sight.seen)
        steps += _rebuild(topology, pair, old, entry)
    else:
        may_append(pair, Handover.model_validate({"kind": "planned", "to": to}), sight.seen)
    steps += _switch(topology, pair, old, to, stacks)
    back, notes = _back(pair, old, to), tuple(_kept(pair, to))
    return Operation("failback", name, old, to, base, digest_of(pair.handovers), tuple(steps), back, notes)


def parse_seconds_of(text: str) -> int:
    """A duration's seconds. Raises HakitError."""
    try:
        found = parse_seconds(text)
    except ValueError:
        found = None
    if not isinstance(found, int):
        raise HakitError("not a duration", given=text, allowed="a whole number with its unit: 30s, 5m, 1h, 1d")
    return found


def _taken_up(pair: Pair, to: str) -> tuple[Handover, ...]:
    """The list that a switchover begins with: without its entry, when somebody began it and its journal is lost."""
    last = pair.handovers[-1] if pair.handovers else None
    pending = last is not None and last.kind == "planned" and not last.settled and last.to == to
    return pair.handovers[:-1] if pending else pair.handovers


def outline(topology: Topology, kind: str, name: str, to: str, stacks: Collection[str]) -> tuple[Step, ...]:
    """The steps that a switchover or a failover would most likely have, unchecked: what is rendered while regions are
    asked."""
    pair = topology.pair(name)
    old = active(pair)
    if kind == "switchover" and pair.databases:
        return tuple(_switch(topology, pair, old, to, stacks))
    if kind == "failover" and pair.databases:
        entry = {"kind": "failover", "to": to, "accept_loss": f"{pair.objectives.rpo}s"}
        others = [_fence(region) for region in pair.regions if region != to]
        return (_append(topology, pair, entry, "", final=True), _promoted(to, "", 0), *others)
    return ()


# What must hold before anything


def known_pair(topology: Topology, name: str) -> Pair:
    """The pair. Raises HakitError: there is none of this name."""
    return topology.pair(name)


def operable(topology: Topology, name: str, to: str) -> Pair:
    """The pair, which can change its active region, to this one. Raises HakitError."""
    pair = known_pair(topology, name)
    if pair.is_partitioned:
        raise HakitError(
            f"pair {name}: every region writes its own rows, so there is nothing to hand over",
            do="docs/active-active.md says what to do when a region is lost",
        )
    if to not in pair.regions:
        raise HakitError(f"pair {name} is not in this region", given=to, allowed=pair.regions)
    return pair


def answering(sight: Sight) -> dict[tuple[str, Copy], Seen]:
    """What was seen, as a failover takes it: a copy of which one instance answers has the data, and can be promoted."""
    return {key: replace(seen, built=seen.built or key in sight.positions) for key, seen in sight.seen.items()}


def not_older(pair: Pair, sight: Sight) -> None:
    """Refuse a file that is older than what a region has: every decision by it would be an old one."""
    for (database, copy), seen in sorted(sight.seen.items()):
        newest = epoch(pair, database)
        if seen.epoch is not None and seen.epoch > newest:
            raise HakitError(
                f"{database} in {copy}: it is at epoch {seen.epoch.number}, this topology at {newest.number}",
                do="this checkout is old: use the newest file",
            )


def active(pair: Pair) -> str:
    """The region that is active by the list."""
    return standing_of_apps(pair).active.region


def _heard(sight: Sight, region: str, do: str) -> None:
    """Refuse when a region does not answer: what is not known of it is not what is wrong with it."""
    if region in sight.silent:
        raise HakitError(f"region {region} does not answer", given=sight.silent[region], do=do)


def _active_already(pair: Pair, to: str) -> HakitError:
    others = ", ".join(region for region in pair.regions if region != to)
    return HakitError(f"pair {pair.name}: this region is active already", given=to, allowed=others)


def _standings(pair: Pair) -> list[Standing]:
    return [standing(pair, database) for database in pair.databases]


def _left_behind(pair: Pair) -> str:
    found = sorted({copy.region for now in _standings(pair) for copy in now.superseded if copy == _current(now, copy)})
    if len(found) != 1:
        raise HakitError(
            f"pair {pair.name}: "
            + ("several regions were" if found else "no region was")
            + " left behind by a failover",
            given=", ".join(found) or None,
            do="name the region: --to" if found else "a switchover changes the active region of a pair that is whole",
        )
    return found[0]


def _current(now: Standing, copy: Copy) -> Copy:
    return Copy(copy.region, now.current[copy.region])


def _loses_no_more(pair: Pair, to: str, sight: Sight, accepted: str) -> None:
    for database, now in zip(pair.databases, _standings(pair), strict=True):
        behind = sight.behind.get((database, Copy(to, now.current[to])))
        if behind is not None and behind > parse_seconds_of(accepted):
            raise HakitError(
                f"{database} in {to}: more may be lost than is accepted",
                given=f"{behind:.0f} s behind",
                allowed=accepted,
                do="if that is so: --accept-data-loss with more",
            )


def _losses(pair: Pair, old: str, to: str, sight: Sight) -> Iterator[str]:
    """What a person must know before they say yes."""
    for database, now in zip(pair.databases, _standings(pair), strict=True):
        copy = Copy(to, now.current[to])
        behind = sight.behind.get((database, copy))
        said = "nobody can tell how far it is behind" if behind is None else f"{behind:.1f} s behind, as last measured"
        place = sight.positions.get((database, copy))
        yield f"{database} in {copy}: {said}" + (f"; it has WAL up to {place.lsn:X}" if place else "")
        yield f"what {old} committed after that, and what its own clients write until it is fenced, is in no other copy"
    for region, why in sorted(sight.silent.items()):
        yield f"{region} does not answer: {why}"
    if not pair.witness:
        yield f"the pair has no witness: when {old} comes back nothing stops it, until its stack is updated"


def _kept(pair: Pair, to: str) -> Iterator[str]:
    for database, now in zip(pair.databases, _standings(pair), strict=True):
        if _current(now, Copy(to, 0)) in now.superseded:
            yield f"{database} in {to}: incarnation {now.current[to]} is kept, with what only it has"


# The steps


def _step(id: str, act: str, words: Sequence[str], times: tuple[float, float], **more: Any) -> Step:  # noqa: A002
    what, where, why, verify, undo = words
    return Step(id, act, what, where, why, verify, undo, *times, **more)


_NOTHING = "nothing to undo"


def _append(topology: Topology, pair: Pair, entry: Mapping[str, Any], why: str, **more: Any) -> Step:
    undo = "entries are never removed; the way back appends a cancel" if not more.get("final") else "no way back"
    words = (
        f"append {_shown(entry)} to the list of handovers",
        topology.where("pairs", pair.name),
        why,
        "the file has it as its last entry",
        undo,
    )
    return _step(f"append-{entry['kind']}", "append", words, (0.1, 30), entry=entry, **more)


def _shown(entry: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}"


def _apply(id: str, region: str, what: str, why: str, **more: Any) -> Step:  # noqa: A002
    words = (what, region, why, "its Clusters carry the entry's epoch", "the way back applies the cancel")
    return _step(id, "apply", words, (0.3, more.pop("limit", 30.0)), region=region, **more)


def _witness(pair: Pair, region: str, why: str, id: str = "witness") -> list[Step]:  # noqa: A002
    if not pair.witness or not pair.databases:
        return []
    where = ", ".join(address.partition("?")[0] for address in pair.witness)
    words = (
        f"write to the witness that {region} may write",
        where,
        why,
        "every region that is overruled reads a place that says so",
        "the witness only rises",
    )
    return [_step(id, "witness", words, (0.3, 20), region=region)]


def _promoted(region: str, why: str, expected: float, id: str = "") -> Step:  # noqa: A002
    words = (
        f"promote the databases in {region}",
        region,
        why,
        "PostgreSQL takes writes, and the operator names this handover's token where there is one",
        "no way back: hand back when it is done",
    )
    return _step(id or f"promote-{region}", "promoted", words, (expected, PROMOTION_LIMIT), region=region)


def _settle(topology: Topology, pair: Pair, id: str = "settle") -> Step:  # noqa: A002
    words = (
        "record that the change is complete",
        topology.where("pairs", pair.name),
        "a later handover begins from here only",
        "the last entry says settled",
        _NOTHING,
    )
    return _step(id, "settle", words, (0.2, 120))


def _publish(topology: Topology, id: str = "publish") -> Step:  # noqa: A002
    words = (
        "commit and push the topology's file",
        topology.path,
        "others, and CI, go on from this list",
        "the remote branch has the commit",
        _NOTHING,
    )
    return _step(id, "publish", words, (2, 60), must=False)


def _update(stack: str, why: str, *, must: bool = True, id: str = "", limit: float = UPDATE_LIMIT) -> Step:  # noqa: A002
    words = (
        f"bring stack {stack} up to date",
        stack,
        why,
        "`pulumi up` ends without an error",
        "the next `pulumi up`",
    )
    return _step(id or f"update-{stack}", "update", words, (10, limit), stack=stack, must=must)


def _updates(pair: Pair, old: str, to: str, stacks: Collection[str]) -> Iterator[Step]:
    yield _update(to, "its applications get their active size, their jobs and migrations")
    if TRAFFIC in stacks:
        yield _update(TRAFFIC, "users are sent to the active region")
    yield _update(old, "its applications get their standby size; it follows")
    for region in pair.regions:
        if region not in (old, to):
            yield _update(region, "its copies follow the active region", must=False)


def _switch(topology: Topology, pair: Pair, old: str, to: str, stacks: Collection[str]) -> Iterator[Step]:
    entry = {"kind": "planned", "to": to}
    first = "from here on every `pulumi up` goes forward"
    if not pair.databases:
        yield _append(topology, pair, entry, first, final=True)
        yield _publish(topology)
        yield from _updates(pair, old, to, stacks)
        return
    yield _append(topology, pair, entry, first)
    yield _apply(f"wait-{to}", to, f"tell {to} that a handover is coming", "it waits for a token, whoever applies what")
    yield _apply(
        f"demote-{old}", old, f"demote the databases in {old}: writes stop", "a copy may write when no other one does"
    )
    words = (
        "record the token of every database",
        topology.where("pairs", pair.name),
        f"it names the end of {old}'s data, and {to} is promoted when it has all of it",
        "the last entry has a token of every database",
        "no way back from here on: finish, and hand back; or fail over",
    )
    yield _step("token", "token", words, (2, TOKEN_LIMIT), region=old, final=True)
    yield from _witness(pair, to, f"{old} must not write again, whatever is restored there")
    yield _promoted(to, "it has replayed everything that the token names", 2)
    yield _settle(topology, pair)
    yield _publish(topology)
    yield from _updates(pair, old, to, stacks)


def _back(pair: Pair, old: str, to: str) -> tuple[Step, ...]:
    return tuple(_way_back(pair, old, to)) if pair.databases else ()


def _way_back(pair: Pair, old: str, to: str) -> Iterator[Step]:
    entry = {"kind": "cancel", "to": old}
    words = (
        f"append {_shown(entry)} to the list of handovers",
        "the topology's file",
        "entries are never removed: every `pulumi up` goes forward to the old side again",
        "the file has it as its last entry",
        _NOTHING,
    )
    yield _step("back-append", "append", words, (0.1, 10), entry=entry)
    yield from _witness(pair, old, f"{old} may write again", id="back-witness")
    yield _promoted(old, "it takes writes again; nobody else was promoted", 3, id=f"back-promote-{old}")
    yield _apply(f"back-{to}", to, f"tell {to} that the handover is cancelled", "it follows again", must=False)
    yield _update(old, "as it was", id=f"back-update-{old}")
    yield _update(to, "as it was", id=f"back-update-{to}", must=False)


def _take_over(  # noqa: PLR0913, PLR0917  each is a fact of it
    topology: Topology, pair: Pair, old: str, entry: Mapping[str, Any], sight: Sight, stacks: Collection[str]
) -> Iterator[Step]:
    to = entry["to"]
    yield _append(topology, pair, entry, "from here on every `pulumi up` goes forward", final=True)
    yield from _witness(pair, to, f"the fence in {old} stops its databases as soon as it reads it")
    answers = [region for region in pair.regions if region != to and region not in sight.silent]
    if pair.databases and old in answers:
        yield _fence(old)
    if pair.databases:
        yield _promoted(to, "it takes over with what it has", 1.5)
        yield _settle(topology, pair)
    yield _publish(topology)
    yield _update(to, "its applications get their active size, their jobs and migrations")
    if TRAFFIC in stacks:
        yield _update(TRAFFIC, "users are sent to the active region")
    for region in answers:
        yield _update(region, "it follows the active region as far as it can", must=False)


def _fence(old: str) -> Step:
    words = (
        f"demote the databases in {old}, which still answers",
        old,
        "two primaries would each have rows that the other has not",
        "its Clusters carry the entry's epoch",
        "a rebuild",
    )
    return _step(f"fence-{old}", "apply", words, (0.3, BOUND), region=old, must=False)


def _rebuild(topology: Topology, pair: Pair, active_region: str, entry: Mapping[str, Any]) -> Iterator[Step]:
    to = entry["to"]
    yield _update(
        to, "it learns of the failover: its copy says replica, and its own clients are refused", id=f"return-{to}"
    )
    yield _append(topology, pair, entry, f"the copy in {to} has rows of its own, so a new one is built")
    yield _update(to, "the new copy is created, the old one is kept", id=f"rebuild-{to}")
    yield _update(active_region, "it knows the new copy by its name", id=f"introduce-{active_region}")
    words = (
        f"wait until the databases in {to} are built and follow",
        to,
        "a copy is handed over to only when its history is the beginning of the active one's",
        "every instance is ready, and its history is a prefix of the active copy's",
        _NOTHING,
    )
    yield _step(f"built-{to}", "built", words, (60, BUILD_LIMIT), region=to)
    yield _settle(topology, pair, id="settle-rebuild")
    yield _update(to, "the settled list", id=f"settled-{to}")
    yield _update(active_region, "the settled list", id=f"settled-{active_region}")


def newest(pair: Pair) -> dict[str, Epoch]:
    """Of each database the epoch that every Cluster is to carry."""
    return {database: epoch(pair, database) for database in pair.databases}
