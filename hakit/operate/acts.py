"""What each act of a step does, through the seam. Every one looks first whether its work is done already.

An act ends with what is to be said of it. It raises `StepError` when it has failed; HakitError and UnreachableError of
the seam mean the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hakit.errors import HakitError
from hakit.observe import UnreachableError
from hakit.operate.journal import Journal
from hakit.operate.plan import answering, digest_of, newest, not_older
from hakit.operate.steps import Operation, Step
from hakit.operate.world import Position, Sight, World
from hakit.topology import Copy, Handover, Pair
from hakit.topology.handovers import standing
from hakit.topology.writing import may_append, may_record_token, may_settle

#: Seconds between two looks while somebody waits for it.
POLL = 0.1


class StepError(Exception):
    """A step failed. One sentence or more, as a HakitError has them."""


class OvertakenError(Exception):
    """The list was changed by somebody else: this operation has ended, and takes nothing back."""


@dataclass(frozen=True)
class Now:
    """What an act works with."""

    world: World
    journal: Journal
    step: Step
    #: Called before every effect; raises when nothing may be done any more.
    check: Callable[[], None]

    @property
    def operation(self) -> Operation:
        return self.journal.operation

    def pair(self) -> Pair:
        """The pair as it is in the file now, whose list is still this operation's."""
        pair = self.world.topology().pair(self.operation.pair)
        still_ours(self.operation, pair)
        return pair


def still_ours(operation: Operation, pair: Pair) -> None:
    """Refuse a list that is not the one that was planned with, followed by entries of this operation only.

    Raises:
        OvertakenError: with what was found.
    """
    if digest_of(pair.handovers[: operation.base]) != operation.digest:
        raise OvertakenError(
            f"the first {operation.base} entries of pair {pair.name} are not those it was planned with"
        )
    own = [*operation.entries, *(step.entry for step in operation.back if step.act == "append")]
    for entry in pair.handovers[operation.base :]:
        if not any(_same(entry, each) for each in own):
            raise OvertakenError(f"pair {pair.name} got another entry meanwhile: {entry.kind} to {entry.to}")


def _same(entry: Handover, wanted: Mapping[str, Any]) -> bool:
    plain = Handover.model_validate(dict(wanted))
    return entry.model_copy(update={"tokens": {}, "settled": False}) == plain


def is_appended(pair: Pair, operation: Operation, entry: Mapping[str, Any]) -> bool:
    """Whether this operation's entry is in the list."""
    return any(_same(each, entry) for each in pair.handovers[operation.base :])


def perform(now: Now) -> str:
    """Do a step, or find that it is done. What is to be said of it.

    Raises:
        StepError: it failed.
        OvertakenError: the operation is no longer this one's.
    """
    try:
        return ACTS[now.step.act](now)
    except (HakitError, UnreachableError) as error:
        raise StepError(str(error)) from error


def _append(now: Now) -> str:
    pair, entry = now.pair(), now.step.entry
    if is_appended(pair, now.operation, entry):
        return "it is there already"
    alone = entry["kind"] == "failover"  # the others may be dead, and would cost their seconds once more
    floor: dict[str, Position] = {}

    def look() -> str | None:
        sight = now.world.see([entry["to"]] if alone else pair.regions, {})
        try:
            not_older(pair, sight)
            may_append(pair, Handover.model_validate(dict(entry)), answering(sight) if alone else sight.seen)
            floor.update(_floor(pair, sight) if entry["kind"] == "planned" else {})
        except (HakitError, StepError) as error:
            return str(error)
        return None

    _until(now, look)  # an instance that is busy for a moment is asked again
    if floor:
        now.journal.floor = floor
        now.journal.save()
    now.check()
    now.world.append(entry)
    return f"entry {len(pair.handovers) + 1}"


def _floor(pair: Pair, sight: Sight) -> dict[str, Position]:
    """Where the active copy of each database stands: a token of this demotion names no earlier place."""
    found = {}
    for database in pair.databases:
        place = sight.positions.get((database, standing(pair, database).active))
        if place is None:
            raise StepError(
                f"{database}: nobody can tell how far its active copy has come, so no token could be judged"
            )
        found[database] = place
    return found


def _apply(now: Now) -> str:
    pair, region = now.pair(), now.step.region
    now.check()
    now.world.apply(region)
    wanted = newest(pair)

    def look() -> str | None:
        sight = now.world.see([region], now.journal.floor)
        if region in sight.silent:
            return sight.silent[region]
        for database, at in wanted.items():
            current = Copy(region, standing(pair, database).current[region])
            seen = sight.seen.get((database, current))
            if seen is not None and seen.epoch != at:
                return f"{database} is not at epoch {at.number}"
        return None

    _until(now, look)
    return "applied"


def _token(now: Now) -> str:
    pair, world = now.pair(), now.world
    tokens: dict[str, str] = {}

    def look() -> str | None:
        sight = world.see([now.step.region], now.journal.floor)
        why = sight.silent.get(now.step.region)
        for database in pair.databases:
            if database in pair.handovers[-1].tokens or database in tokens:
                continue
            copy = standing(pair, database).active
            seen = sight.seen.get((database, copy))
            if seen is None or seen.demotion_token is None:
                return why or f"{database} in {copy} has published no token yet"
            try:
                may_record_token(pair, database, seen.demotion_token, copy, seen)
            except HakitError as error:
                return error.what
            tokens[database] = seen.demotion_token
        return None

    _until(now, look)
    # All of them or none: one alone would be past the point of no return already.
    for database, token in tokens.items():
        now.check()
        world.add_token(database, token)
    return f"{len(tokens)} recorded" if tokens else "recorded already"


def _witness(now: Now) -> str:
    now.pair()
    now.check()
    return "; ".join(now.world.raise_witness()) or "it says so everywhere"


def _promoted(now: Now) -> str:
    pair, region = now.pair(), now.step.region
    last = pair.handovers[-1]

    def look() -> str | None:
        sight = now.world.see([region], now.journal.floor)
        if region in sight.silent:
            return sight.silent[region]
        for database in pair.databases:
            copy = standing(pair, database).active
            seen = sight.seen.get((database, copy))
            if seen is None or not seen.primary:
                return f"{database} in {copy} takes no writes yet"
            if last.tokens and seen.last_promotion_token != last.tokens[database]:
                return f"{database} in {copy}: the operator does not name this handover's token yet"
        return None

    now.check()
    now.world.apply(region)
    _until(now, look)
    return "it takes writes"


def _settle(now: Now) -> str:
    pair = now.pair()
    if pair.handovers[-1].settled:
        return "it says so already"

    def look() -> str | None:
        try:
            may_settle(pair, now.world.see(_changed(pair), {}).seen)
        except HakitError as error:
            return str(error)
        return None

    _until(now, look)
    now.check()
    now.world.add_settled()
    return "settled"


def _changed(pair: Pair) -> list[str]:
    """The regions that say whether the last entry is complete: of a rebuild also the one that it is a copy of."""
    regions = {standing(pair, database).active.region for database in pair.databases}
    if pair.handovers[-1].kind == "rebuild":
        regions.add(pair.handovers[-1].to)
    return sorted(regions)


def _update(now: Now) -> str:
    now.pair()
    now.check()
    now.world.update(now.step.stack, now.step.limit)
    return "up to date"


def _built(now: Now) -> str:
    pair = now.pair()

    def look() -> str | None:
        try:
            may_settle(pair, now.world.see(_changed(pair), {}).seen)
        except HakitError as error:
            return error.what
        return None

    if pair.handovers[-1].kind == "rebuild" and not pair.handovers[-1].settled:
        _until(now, look)
    return "built, and it follows"


def _publish(now: Now) -> str:
    now.pair()
    now.check()
    return now.world.publish(f"{now.operation.kind} of pair {now.operation.pair} to {now.operation.to}")


ACTS: Mapping[str, Callable[[Now], str]] = {
    "append": _append,
    "apply": _apply,
    "token": _token,
    "witness": _witness,
    "promoted": _promoted,
    "settle": _settle,
    "update": _update,
    "built": _built,
    "publish": _publish,
}


def _until(now: Now, look: Callable[[], str | None]) -> None:
    """Look until nothing is missing, for as long as the step may take. A region that is silent for a moment is asked
    again."""
    ends = now.world.clock() + now.step.limit
    while (missing := look()) is not None:
        now.check()
        if now.world.clock() >= ends:
            raise StepError(f"not within {now.step.limit:g} s: {missing}")
        now.world.sleep(POLL)
