"""Colder, cheaper storage classes for what has grown old, without what a restore may need having to be thawed. Pure.

What the classes are, what S3 refuses and what it charges for:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.buckets_spec import BucketsSpec


@dataclass(frozen=True)
class _Class:
    """A storage class.

    Attributes:
        least: days that an object must be old before S3 moves it there.
        paid: days that are paid for, however short an object is there.
        thaw: hours until an archived object can be read after somebody asked for it; 0 where it is read at once.
    """

    least: int
    paid: int
    thaw: int


#: From warm to cold: S3 moves objects in this direction only. ONEZONE_IA is left out, since it goes with its zone. Of
#: INTELLIGENT_TIERING the archive tiers are off unless somebody switches them on, so it is read at once.
CLASSES: Mapping[str, _Class] = {
    "STANDARD_IA": _Class(30, 30, 0),
    "INTELLIGENT_TIERING": _Class(1, 0, 0),
    "GLACIER_IR": _Class(1, 90, 0),
    "GLACIER": _Class(1, 90, 12),
    "DEEP_ARCHIVE": _Class(1, 180, 48),
}


def read(given: Arguments) -> dict[str, int]:
    """The argument `colder`: days by class, from warm to cold.

    Raises:
        HakitError: a class is unknown or would lose data with a zone, or its days are no whole number above zero.
    """
    wanted = given.mapping("colder")
    if "ONEZONE_IA" in wanted:
        raise HakitError(
            "colder.ONEZONE_IA: it is lost with its zone", where=given.where, given="ONEZONE_IA", allowed=list(CLASSES)
        )
    inner = given.inner("colder", CLASSES)
    return {name: inner.number(name, least=1) for name in CLASSES if name in wanted}


def check(spec: BucketsSpec, keep: int | None) -> None:
    """Check the classes against one another and against what must stay restorable.

    Raises:
        HakitError: S3 would refuse it, a restore would have to wait, or more is paid for than is used.
    """
    for name, days in spec.colder.items():
        least = CLASSES[name].least
        if days < least:
            raise HakitError(
                f"colder.{name}: earlier than S3 moves objects there",
                where=spec.where,
                given=f"after {days} days",
                allowed=f"{least} or more",
            )
        if CLASSES[name].thaw:
            _needed_by_age_only(spec, name)
            _after_the_window(spec, name, keep)
    _paid_for(spec)


def rules(spec: BucketsSpec) -> list[Any]:
    """The lifecycle rule that moves current versions. Others stay where they are: they go after `noncurrent_days`."""
    if not spec.colder:
        return []
    return [
        {
            "id": "colder",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "transitions": [{"days": days, "storage_class": name} for name, days in spec.colder.items()],
        }
    ]


def _needed_by_age_only(spec: BucketsSpec, name: str) -> None:
    """An archive of a database needs what is young. Of an application nobody here knows: a repository of Velero, of
    Kopia or restic builds today's backup upon pieces that were written long ago. Nor what was there before hakit."""
    if spec.adopt:
        raise HakitError(
            f"colder.{name}: what an adopted bucket has already would be frozen by its age",
            where=spec.where,
            given=", ".join(spec.adopt.values()),
            do="use GLACIER_IR, which is read at once, or leave it out",
        )
    writers = sorted(account.patterns[0] for account in spec.accounts if not account.pair and account.writes)
    if writers:
        raise HakitError(
            f"colder.{name}: an application writes here, and may need again what is old",
            where=spec.where,
            given=", ".join(writers),
            allowed="for buckets that applications write to: "
            + ", ".join(each for each, about in CLASSES.items() if not about.thaw),
            do="use GLACIER_IR, which is read at once, or give the archives of databases a BucketPair of their own",
        )


def _after_the_window(spec: BucketsSpec, name: str, keep: int | None) -> None:
    days, thaw = spec.colder[name], CLASSES[name].thaw
    if keep is None:
        raise HakitError(
            "keep_days is missing",
            where=spec.where,
            do=f"with colder.{name} say how many days must stay restorable: what is there is read only after somebody "
            f"has asked for each object and waited, up to {thaw} hours",
        )
    if days <= keep:
        raise HakitError(
            f"colder.{name}: what must stay restorable would have to be thawed first, for up to {thaw} hours",
            where=spec.where,
            given=f"after {days} days; keep_days is {keep}, so {keep - days + 1} of those days would be frozen",
            allowed=f"{keep + 1} or more, by the time from one base backup to the next at least: a restore to the "
            "oldest moment starts from the base backup before it",
            do="move it later, or use GLACIER_IR, which is read at once",
        )


def _paid_for(spec: BucketsSpec) -> None:
    """From a class to the next colder one, and to the end of copies, at least what is paid for anyway.

    S3 itself refuses less than 30 days in STANDARD_IA before a colder class.
    """
    stations = list(spec.colder.items())
    for (name, days), (following, then) in pairwise(stations):
        _stays(spec, name, days, f"colder.{following}", then)
    for name, days in stations:
        later = [then for _, then in stations if then > days]
        if spec.copies_days is not None and days < spec.copies_days <= min(later, default=spec.copies_days):
            _stays(spec, name, days, "copies_days", spec.copies_days)


def _stays(spec: BucketsSpec, name: str, days: int, end: str, then: int) -> None:
    paid = max(CLASSES[name].paid, 1)
    if then - days < paid:
        raise HakitError(
            f"colder.{name}: left before the days that are paid for are over",
            where=spec.where,
            given=f"there after {days} days, {end} after {then}: {then} - {days} = {then - days} days",
            allowed=f"{paid} days or more: {end} after {days + paid}, or {name} after {max(then - paid, 0)}",
            do=f"move {end} later, or leave {name} out",
        )
