"""Who may write an entry, a token or `settled`: from the list and from what was seen in the regions. All pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.topology.copies import Copy, Epoch
from hakit.topology.handovers import Standing, epoch, known, standing
from hakit.topology.listing import entries
from hakit.topology.model import Handover, Pair


@dataclass(frozen=True)
class Seen:
    """One Cluster as it was observed.

    Attributes:
        built: every instance has the data; it can be promoted.
        primary: its designated primary accepts writes.
        epoch: its annotation; None when it carries none.
        fenced: `cnpg.io/fencedInstances` is not empty.
        prefix: its history is a prefix of the active copy's.
        demotion_token: `status.demotionToken`. An older demotion's may still stand there: while the next one is under
            way, and after the region's etcd was restored from a snapshot.
        token_is_end: that token names the last checkpoint of this copy's data, as `pg_controldata` tells it.
        last_promotion_token: `status.lastPromotionToken`.
    """

    built: bool = False
    primary: bool = False
    epoch: Epoch | None = None
    fenced: bool = False
    prefix: bool = False
    demotion_token: str | None = None
    token_is_end: bool = False
    last_promotion_token: str | None = None


_APPLY = "apply the newest file"

Observed = Mapping[tuple[str, Copy], Seen]
"""By database and copy; a copy that was not seen is not in it."""


def may_append(pair: Pair, entry: Handover, observed: Observed) -> None:
    """Refuse an entry that must not be written now.

    Args:
        pair: with the list so far.
        entry: to be added at its end.
        observed: every copy that was reached just now.

    Raises:
        HakitError: with the first condition that is not met.
    """
    index = len(pair.handovers)
    longer = pair.model_copy(update={"handovers": (*pair.handovers, entry)})
    for problem in entries((), longer):
        what = f"pair {pair.name}, entry {index + 1}: {problem.what}"
        raise HakitError(what, given=problem.given, allowed=problem.allowed, do=problem.do)
    if entry.tokens or entry.settled:
        raise HakitError(f"pair {pair.name}: a new entry has neither tokens nor settled", do="they are added later")
    if (
        entry.kind == "failover"
        and pair.databases
        and all(_opened(pair, each, entry, observed) for each in pair.databases)
    ):
        raise HakitError(f"pair {pair.name}, entry {index + 1}: this region is active already", given=entry.to)
    for database in pair.databases:
        now = standing(pair, database)
        if entry.kind == "planned":
            _ready_for_planned(pair, database, now, entry, observed)
        elif entry.kind == "failover":
            chosen = Copy(entry.to, entry.incarnation or now.current[entry.to])
            built = _seen(observed, database, chosen).built
            _need(built, database, chosen, "is not built", "choose a region or a kept incarnation that is built")
        elif entry.kind == "rebuild":
            primary = _seen(observed, database, now.active).primary
            _need(primary, database, now.active, "is not primary", "wait until it is: a rebuild copies from it")


def _opened(pair: Pair, database: str, entry: Handover, observed: Observed) -> bool:
    """Whether a failover would change nothing: its copy is the active one and was seen to be primary."""
    now = standing(pair, database)
    chosen = Copy(entry.to, entry.incarnation or now.current[entry.to])
    return chosen == now.active and now.target is None and _seen(observed, database, chosen).primary


def _ready_for_planned(pair: Pair, database: str, now: Standing, entry: Handover, observed: Observed) -> None:
    mend = "mend it first, or write a failover with accept_loss"
    _need(_seen(observed, database, now.active).primary, database, now.active, "is not primary", mend)
    target = Copy(entry.to, now.current[entry.to])
    seen = _seen(observed, database, target)
    newest = epoch(pair, database)
    apply = f"apply the newest file in {target.region} first"
    _need(seen.built, database, target, "is not built", "wait until every instance has the data")
    _need(not seen.fenced, database, target, "is fenced", f"{apply}, and its fence lifts it")
    _need(seen.epoch == newest, database, target, f"is not at the newest epoch, {newest.number}", apply)
    _need(not seen.primary, database, target, "is a primary itself", apply)
    _need(
        seen.prefix,
        database,
        target,
        f"has a history that is not a prefix of {now.active.region}'s",
        f"write a rebuild of {target.region} first",
    )


def _seen(observed: Observed, database: str, copy: Copy) -> Seen:
    return observed.get((database, copy), Seen())


def _need(met: bool, database: str, copy: Copy, unmet: str, do: str | None = None) -> None:
    if not met:
        raise HakitError(f"{database} in {copy}, {unmet}", do=do)


def may_record_token(pair: Pair, database: str, token: str, copy: Copy, seen: Seen) -> None:
    """Refuse a token that is not this entry's own.

    Args:
        pair: whose last entry the token is for.
        database: one of the pair's.
        token: read from the old side; never shown.
        copy: where it was read. A kept copy of the same region has a token and the newest epoch too, of its own past.
        seen: the Cluster it was read from.

    Raises:
        HakitError: with the condition that is not met.
    """
    known(pair, database)
    number = len(pair.handovers)
    last = pair.handovers[-1] if pair.handovers else None
    if last is None or last.kind != "planned" or last.settled:
        raise HakitError(f"pair {pair.name}: no planned handover waits for a token", do="read no token now")
    if database in last.tokens:
        raise HakitError(f"pair {pair.name}, entry {number}: the token of {database} is written already", do=_APPLY)
    old = standing(pair, database).active
    if copy != old:
        raise HakitError(f"{database}: a token is read from the old side only", given=copy, allowed=str(old))
    wanted = epoch(pair, database)
    if seen.epoch != wanted:
        raise HakitError(
            f"{database} in {old}: its Cluster has not applied entry {number}, so its token may be another entry's",
            given="no epoch" if seen.epoch is None else f"epoch {seen.epoch.number}",
            allowed=f"epoch {wanted.number}",
            do=f"apply the newest file in {old.region} first",
        )
    if seen.primary:
        raise HakitError(f"{database} in {old}: it is still primary, so its token is not from this demotion", do="wait")
    if seen.demotion_token != token:
        raise HakitError(f"{database} in {old}: this is not the token in its status.demotionToken", do="read it again")
    if not seen.token_is_end:
        raise HakitError(
            f"{database} in {old}: its token is older than its data, so it is not from this demotion",
            do=f"wait until it is demoted; if its etcd was restored, write a cancel to {old.region} and begin again",
        )
    if any(token in each.tokens.values() for each in pair.handovers):
        raise HakitError(f"{database}: a stale token: an older entry has it already", do=f"{_APPLY} first")


def may_settle(pair: Pair, observed: Observed) -> None:
    """Refuse `settled` on the last entry before its change was seen to be complete.

    Raises:
        HakitError: with the first condition that is not met.
    """
    number = len(pair.handovers)
    last = pair.handovers[-1] if pair.handovers else None
    if last is None or last.kind == "cancel":
        raise HakitError(f"pair {pair.name}: no entry to settle", do="nothing: no change is on its way")
    if last.settled:
        raise HakitError(f"pair {pair.name}, entry {number}: settled already", do="nothing: it is complete")
    for database in pair.databases:
        now = standing(pair, database)
        if last.kind == "rebuild":
            new = Copy(last.to, now.current[last.to])
            seen = _seen(observed, database, new)
            apply = f"{_APPLY} in {new.region} and wait until it is"
            _need(seen.built and not seen.primary, database, new, "is not built as a replica", apply)
            _need(seen.prefix, database, new, f"has a history that is not a prefix of {now.active.region}'s", "wait")
            continue
        if now.target:
            raise HakitError(
                f"pair {pair.name}, entry {number}: {database} has no token yet", do=f"{_APPLY} in {now.active.region}"
            )
        seen = _seen(observed, database, now.active)
        apply = f"{_APPLY} in {now.active.region} and wait until it is"
        _need(seen.primary, database, now.active, "is not primary", apply)
        if last.kind == "planned":
            promoted = seen.last_promotion_token == last.tokens[database]
            _need(promoted, database, now.active, "was not promoted with this entry's token", apply)
