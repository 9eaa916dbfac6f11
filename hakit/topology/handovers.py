"""What follows from a pair's list of handovers: epochs, roles, and what each region's program emits. All pure.

The rules were model-checked and `tests/unit/topology` checks them again. Who may write an entry stands in `writing`,
what a region may create or update and when it is fenced in `fence`, what a list may look like in `listing`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, Protocol

from hakit.errors import HakitError
from hakit.topology.model import Handover, Pair

Role = Literal["active", "standby"]
Bootstrap = Literal["initdb", "recovery"]


@dataclass(frozen=True, order=True)
class Epoch:
    """How far the list has come for one database: entries, then step 0 (no token), 1 (token), 2 (settled)."""

    entries: int
    step: int

    @property
    def number(self) -> int:
        """The epoch as the one integer that Clusters and records carry."""
        return self.entries * 10 + self.step

    @classmethod
    def of(cls, number: int) -> "Epoch":
        """The epoch that an annotation's integer stands for."""
        return cls(*divmod(number, 10))


@dataclass(frozen=True, order=True)
class Copy:
    """One incarnation of a database in one region."""

    region: str
    incarnation: int


@dataclass(frozen=True)
class Witness:
    """Who may be writable, as told to every region: the entry's number, from 1, and the copy. It only rises."""

    entry: int
    region: str
    incarnation: int

    @property
    def copy(self) -> Copy:
        return Copy(self.region, self.incarnation)


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
        superseded: copies that lost their role to a failover and were not rebuilt or reopened since.
        witness: what the witness must say; None before the first change of role.
    """

    active: Copy
    current: MappingProxyType[str, int]
    highest: MappingProxyType[str, int]
    target: Copy | None = None
    former: Copy | None = None
    token: str | None = None
    tokened: frozenset[Copy] = field(default_factory=frozenset)
    superseded: frozenset[Copy] = field(default_factory=frozenset)
    witness: Witness | None = None


@dataclass(frozen=True)
class ClusterIntent:
    """What a region's program emits for one copy of one database.

    Attributes:
        member: this copy; its name is `replica.self`.
        primary: `replica.primary`; writable only when it is `member` itself.
        source: `replica.source`; never `member` itself.
        epoch: the annotation, as `epoch.number`.
        promotion_token: `replica.promotionToken`; only on a primary.
        clear_token: write the token's field empty, as an older version of the file filled it.
        bootstrap: `initdb` only for the founded copy, incarnation 1.
        recover_from: the copy whose archive a recovery reads; None with `initdb`.
        awaits_ready: False for a copy that lost its role to a failover: it may never become ready.
        quarantined: an older incarnation, kept for its data, never created.
        kept: the older incarnations of this region, each an intent of its own.
    """

    database: str
    member: Copy
    primary: Copy
    source: Copy
    epoch: Epoch
    promotion_token: str | None
    clear_token: bool
    bootstrap: Bootstrap
    recover_from: Copy | None
    awaits_ready: bool = True
    quarantined: bool = False
    kept: tuple["ClusterIntent", ...] = ()

    @property
    def incarnation(self) -> int:
        return self.member.incarnation

    @property
    def is_primary(self) -> bool:
        return self.primary == self.member


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
        superseded=now.superseded - {target},
        witness=Witness(number, target.region, target.incarnation),
    )


def _failover(now: Standing, entry: Handover, number: int, _: _TokenOf) -> Standing:
    chosen = Copy(entry.to, entry.incarnation or now.current[entry.to])
    changes = chosen != now.active
    return replace(
        now,
        active=chosen,
        former=now.active if changes else now.former,
        target=None,
        token=None,
        current=_with(now.current, chosen),
        superseded=(now.superseded | ({now.active} if changes else set())) - {chosen},
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
    _of_pair(pair, region)
    return "active" if active_region(pair) == region else "standby"


def _of_pair(pair: Pair, region: str) -> None:
    if region not in pair.regions:
        raise HakitError(f"pair {pair.name} is not in this region", given=region, allowed=pair.regions)


def witness_wanted(pair: Pair, database: str) -> Witness | None:
    """What the witness of a database must say before this version of the list is applied to the region it names."""
    return standing(pair, database).witness


def cluster_intent(pair: Pair, database: str, region: str, *, promoted_with: str | None = None) -> ClusterIntent:
    """What a region's program emits for a database.

    Args:
        pair: with its list.
        database: one of the pair's.
        region: one of the pair's.
        promoted_with: the token that hakit saw in the active Cluster's `status.lastPromotionToken` and recorded.
            Without it the token stays in the manifest even if the entry says settled, as a person could type that too
            early; it does no harm there.

    Raises:
        HakitError: the pair has no such database or region.
    """
    _of_pair(pair, region)
    now, at = standing(pair, database), epoch(pair, database)
    member = Copy(region, now.current[region])
    primary = now.active
    if now.target and member == now.active:
        primary = now.target  # it demotes and publishes its token
    source = primary if primary != member else _peer(pair, now, member)
    token = now.token if primary == member and now.token != promoted_with else None
    founded = member == Copy(pair.founded, 1)
    intent = ClusterIntent(
        database=database,
        member=member,
        primary=primary,
        source=source,
        epoch=at,
        promotion_token=token,
        clear_token=member in now.tokened and token is None,
        bootstrap="initdb" if founded else "recovery",
        recover_from=None if founded else source,
        awaits_ready=member not in now.superseded,
    )
    older = [number for number in range(1, now.highest[region] + 1) if number != member.incarnation]
    return replace(intent, kept=tuple(_quarantined(intent, now, Copy(region, number)) for number in older))


def _quarantined(intent: ClusterIntent, now: Standing, copy: Copy) -> ClusterIntent:
    return replace(
        intent,
        member=copy,
        primary=now.active,
        source=now.active,
        promotion_token=None,
        clear_token=copy in now.tokened,
        bootstrap="recovery",
        recover_from=now.active,
        awaits_ready=False,
        quarantined=True,
    )


def _peer(pair: Pair, now: Standing, member: Copy) -> Copy:
    """The source of a primary: the former active, which it follows until its token is reached."""
    regions: Sequence[str] = pair.regions
    if now.former and now.former.region != member.region:
        regions = (now.former.region,)
    region = next(region for region in regions if region != member.region)
    return Copy(region, now.current[region])
