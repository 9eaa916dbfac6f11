"""The arguments of BucketPair.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Required, TypedDict


class ObjectLockArgs(TypedDict, total=False):
    """Versions of objects that nobody can delete or overwrite for a while, not even an administrator's stolen key."""

    mode: Required[str]
    """`compliance`: nobody at all can shorten it; `governance`: whoever has s3:BypassGovernanceRetention can."""
    days: Required[int]
    """Days for which each version is kept."""
    regions: list[str]
    """Regions whose bucket is locked; all of the pair when left out. A locked bucket is copied to locked ones only."""


class DatabasesArgs(TypedDict, total=False):
    """The databases of one pair of the topology, which archive here."""

    namespace: Required[str]
    """Namespace of their Clusters."""


class AppArgs(TypedDict, total=False):
    """An application, by its service account, the same in every region, that uses its own region's bucket."""

    namespace: Required[str]
    """Namespace of the service account."""
    paths: Required[list[str]]
    """What it may reach: folders, such as `uploads/`, and whole names of objects, such as `shop.json`."""
    read_only: bool
    """It reads only. By default it writes and deletes too; a deletion keeps the versions."""
    everywhere: bool
    """It reads the buckets of every region, as a watcher must that looks from one region into the others. It writes in
    its own region only."""


class BucketPairArgs(TypedDict, total=False):
    """What a BucketPair is to be."""

    topology: Required[str]
    """Path of the topology's file, relative to the folder of Pulumi.yaml."""
    purpose: Required[str]
    """What the buckets are for, part of their names: `wal`, `assets`. One BucketPair a purpose."""
    regions: list[str]
    """Regions of the topology that get a bucket; all when left out."""
    replication: str
    """`both`: each bucket is copied to each other; `one-way`: from `source` only; `none`. Default `both`."""
    source: str
    """With `one-way`: the region that is copied from, whatever region is active."""
    copy_deletions: bool
    """Delete markers are copied too. Not by default: a deletion by mistake or by an intruder stays in one region."""
    replication_time: bool
    """S3 Replication Time Control, with its metrics: AWS commits itself to 15 minutes. It costs extra."""
    object_lock: ObjectLockArgs
    """Retention that nobody can cut short. It is switched on when the buckets are made, and an adopted bucket must
    have it already."""
    keep_days: int
    """Days that must stay restorable: the retention of the backups stored here. The lock may not be shorter, copies
    must stay longer, and nothing younger moves to a class that must be thawed."""
    noncurrent_days: int
    """Days after which an overwritten or deleted version goes. Default 30."""
    copies_days: int
    """Days after which the copies of other regions' archives go; for ever when left out. A backup tool deletes in its
    own region only, and its deletions are not copied."""
    colder: dict[str, int]
    """Days after which objects move to a cheaper storage class of S3, by its name: STANDARD_IA, INTELLIGENT_TIERING,
    GLACIER_IR, GLACIER, DEEP_ARCHIVE. The last two must be thawed for hours before they can be read, so they need
    `keep_days` and more days than it has. Default: nothing moves."""
    databases: dict[str, DatabasesArgs]
    """The pairs whose databases archive here, by the pair's name."""
    apps: dict[str, AppArgs]
    """The applications that use the buckets, by the name of their service account."""
    unprotected: str
    """Why buckets and keys may be deleted by Pulumi: without this text they are protected, and kept on delete."""
    tags: dict[str, str]
    """Tags of everything that takes tags."""
    adopt: dict[str, str]
    """Names of buckets that are there already, by region: they come under this BucketPair with what is in them. Their
    settings are replaced; `noncurrent_days` has to be given."""
