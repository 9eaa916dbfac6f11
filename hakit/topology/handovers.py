"""What follows from a pair's list of handovers: epochs, roles, who is active, what the witness must say. All pure.

The rules were model-checked and `tests/unit/topology` checks them again. What each region's program emits stands in
`intents`, who may write an entry in `writing`, what a region may create or update in `fence`, when it is fenced in
`turn`, what a list may look like in `listing`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, Protocol

from hakit.errors import HakitError
from hakit.topology.copies import Copy, Epoch, Witness
from hakit.topology.model import Handover, Pair

Role = Literal["active", "standby"]


@dataclass(frozen=True)
class Standing:
    """Where one database of a pair stands after its list.

    Attributes:
        active: the copy that may be writable; during a planned handover without token the old side.
        target: the copy that waits for its token; None when no planned handover is pending.
        former: the copy that was active before `active`.
        token: what `active` is promoted with; None when it is promoted at once.
        current: the incarnation that counts, of each region.
        highest: the highest incarnation ever listed, of each region.
        tokened: copies that were ever promoted with a token; their manifests clear it later.
        demoted: the copy that a planned handover demoted, as long as its entry is not settled.
        superseded: copies that a failover left behind and that were not reopened since; they may never be ready.
        witness: what the witness must say; None before the first change of role.
    """

    active: Copy
    current: MappingProxyType[str, int]
    highest: MappingProxyType[str, int]
    target: Copy | None = None
    former: Copy | None = None
    token: str | None = None
    tokened: frozenset[Copy] = field(default_factory=frozenset)
    demoted: Copy | None = None
    superseded: frozenset[Copy] = field(default_factory=frozenset)
    witness: Witness | None = None


class _TokenOf(Protocol):
    def __call__(self, entry: Handover, /) -> str | None: ...


def standing(pair: Pair, database: str) -> Standing:
    """Where a database stands. Raises HakitError for a database that the pair does not have."""
    known(pair, database)
    return _follow(pair, lambda entry: entry.tokens.get(database))


def known(pair: Pair, database: str) -> None:
    """Refuse a database that the pair does not have."""
    if database not in pair.databases:
        raise HakitError(f"pair {pair.name}: unknown database", given=database, allowed=pair.databases)


def standings(pair: Pair) -> tuple[Standing, ...]:
    """Where each database of the pair stands, in the pair's order."""
    return tuple(standing(pair, database) for database in pair.databases)


def standing_of_apps(pair: Pair) -> Standing:
    """Where the pair's applications stand: a planned handover needs every database's token, and none without any."""
    databases = set(pair.databases)
    # Without databases there is nothing to wait for: a planned entry counts at once, and no token is awaited.
    all_of_them = "every token" if databases else ""
    return _follow(pair, lambda entry: all_of_them if databases <= set(entry.tokens) else None)


def _follow(pair: Pair, token_of: _TokenOf) -> Standing:
    ones = MappingProxyType(dict.fromkeys(pair.regions, 1))
    now = Standing(Copy(pair.founded, 1), current=ones, highest=ones)
    for number, entry in enumerate(pair.handovers, start=1):
        now = _STEPS[entry.kind](now, entry, number, token_of)
    return now


def _planned(now: Standing, entry: Handover, number: int, token_of: _TokenOf) -> Standing:
    target = Copy(entry.to, now.current[entry.to])
    token = token_of(entry)
    if token is None:
        return replace(now, target=target)
    return replace(
        now,
        active=target,
        former=now.active,
        target=None,
        token=token,
        tokened=now.tokened | {target},
        demoted=None if entry.settled else now.active,
        superseded=now.superseded - {target},
        witness=Witness(number, target.region, target.incarnation),
    )


def _failover(now: Standing, entry: Handover, number: int, _: _TokenOf) -> Standing:
    chosen = Copy(entry.to, entry.incarnation or now.current[entry.to])
    changes = chosen != now.active
    # The old side that a planned entry demoted is ahead of a target that is promoted before it reached its token.
    behind = {copy for copy in (now.active, now.demoted) if copy}
    return replace(
        now,
        active=chosen,
        former=now.active if changes else now.former,
        target=None,
        token=None,
        current=_with(now.current, chosen),
        demoted=None,
        superseded=(now.superseded | behind) - {chosen},
        witness=Witness(number, chosen.region, chosen.incarnation),
    )


def _cancel(now: Standing, entry: Handover, number: int, _: _TokenOf) -> Standing:
    stays = Copy(entry.to, now.current[entry.to])
    return replace(now, active=stays, target=None, token=None, witness=Witness(number, stays.region, stays.incarnation))


def _rebuild(now: Standing, entry: Handover, _number: int, _: _TokenOf) -> Standing:
    new = Copy(entry.to, entry.incarnation or now.highest[entry.to] + 1)
    return replace(now, current=_with(now.current, new), highest=_with(now.highest, new))


_STEPS: dict[str, Callable[[Standing, Handover, int, _TokenOf], Standing]] = {
    "planned": _planned,
    "failover": _failover,
    "cancel": _cancel,
    "rebuild": _rebuild,
}


def _with(incarnations: MappingProxyType[str, int], copy: Copy) -> MappingProxyType[str, int]:
    return MappingProxyType({**incarnations, copy.region: copy.incarnation})


def epoch(pair: Pair, database: str) -> Epoch:
    """How far the list has come for a database of the pair.

    Raises:
        HakitError: the pair does not have the database.
    """
    known(pair, database)
    if not pair.handovers:
        return Epoch(0, 0)
    last = pair.handovers[-1]
    step = 2 if last.settled else 1 if database in last.tokens else 0
    return Epoch(len(pair.handovers), step)


def active_region(pair: Pair) -> str:
    """The region where the pair's applications are active.

    A planned handover counts when every database has its token, at once when there is no database; a failover at once.
    """
    return standing_of_apps(pair).active.region


def role(pair: Pair, region: str) -> Role:
    """The role of the pair's applications in a region.

    Raises:
        HakitError: the region is not one of the pair's.
    """
    check_region(pair, region)
    return "active" if active_region(pair) == region else "standby"


def serves(pair: Pair, region: str) -> bool:
    """Whether the pair's applications serve users in a region: in every one when the pair is active-active.

    Raises:
        HakitError: the region is not one of the pair's.
    """
    return role(pair, region) == "active" or pair.mode == "active-active"


def runs_jobs(pair: Pair, region: str) -> bool:
    """Whether the applications' jobs and migrations run in a region: once, or where each region has rows of its own.

    Raises:
        HakitError: the region is not one of the pair's.
    """
    return role(pair, region) == "active" or pair.is_partitioned


def check_region(pair: Pair, region: str) -> None:
    """Refuse a region that is not one of the pair's."""
    if region not in pair.regions:
        raise HakitError(f"pair {pair.name} is not in this region", given=region, allowed=pair.regions)


def witness_wanted(pair: Pair, database: str) -> Witness | None:
    """What the witness of a database must say before this version of the list is applied to the region it names."""
    return standing(pair, database).witness
