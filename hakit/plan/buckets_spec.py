"""A BucketPair's arguments, checked, and what follows from them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hakit.topology import names
from hakit.topology.model import Topology

BOTH, ONE_WAY, NONE = "both", "one-way", "none"


@dataclass(frozen=True)
class Lock:
    """Object Lock, and in which regions."""

    mode: str
    days: int
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """Service accounts of one namespace: of a pair's databases, or of an application.

    Attributes:
        namespace: where they are.
        patterns: their names; `?` stands for one character.
        pair: whose databases they are; empty for an application.
        paths: what an application reaches: folders with a slash at their end, and whole names.
        writes: whether it may write and delete, in its own region's bucket.
        everywhere: whether an application reads every region's bucket, not its own region's only.
        regions: where they are.
    """

    namespace: str
    patterns: tuple[str, ...]
    pair: str
    paths: tuple[str, ...]
    writes: bool
    everywhere: bool
    regions: tuple[str, ...]


@dataclass(frozen=True)
class BucketsSpec:
    """A BucketPair's arguments, checked. Everything after this trusts it.

    Attributes:
        topology: as the shared scope may see it.
        copies_days: after which copies of other regions' archives go; None for never.
        adopt: names of the buckets that were there before, by region.
        unprotected: why the data may be deleted; empty when it may not.
        colder: days after which objects move to a storage class, from warm to cold.
    """

    name: str
    topology: Topology = field(repr=False)
    purpose: str
    regions: tuple[str, ...]
    replication: str
    source: str
    copy_deletions: bool
    replication_time: bool
    lock: Lock | None
    noncurrent_days: int
    copies_days: int | None
    accounts: tuple[Account, ...]
    unprotected: str
    tags: Mapping[str, str]
    adopt: Mapping[str, str] = field(default_factory=dict)
    colder: Mapping[str, int] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"BucketPair {self.name!r}"

    @property
    def flows(self) -> tuple[tuple[str, str], ...]:
        """Which region is copied to which."""
        sources = {BOTH: self.regions, ONE_WAY: (self.source,), NONE: ()}[self.replication]
        return tuple((source, to) for source in sources for to in self.regions if to != source)

    def destinations(self, region: str) -> tuple[str, ...]:
        """The regions that a region's bucket is copied to."""
        return tuple(to for source, to in self.flows if source == region)

    def bucket(self, region: str) -> str:
        return self.adopt.get(region) or self.own_name(region)

    def own_name(self, region: str) -> str:
        """What hakit calls a region's bucket, and its key whoever named the bucket."""
        return names.bucket_of(self.topology, region, self.purpose)

    def lock_of(self, region: str) -> Lock | None:
        return self.lock if self.lock is not None and region in self.lock.regions else None

    def reached(self, region: str) -> tuple[str, ...]:
        """The regions whose buckets the accounts of a region read."""
        accounts = self.accounts_in(region)
        if any(account.everywhere for account in accounts):
            return self.regions
        return (region,) if accounts else ()

    def accounts_in(self, region: str) -> tuple[Account, ...]:
        return tuple(account for account in self.accounts if region in account.regions)
