"""The arguments of BackupPlan.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict

import pulumi

from hakit.components.postgres_cluster_args import PostgresArchiveArgs


class BackupMeasuredArgs(TypedDict, total=False):
    """What a real restore took; by it the RTO is judged."""

    restore: Required[str]
    """Of a base backup, or of all of an application: `35m`."""
    replay: float
    """Of a database: hours of WAL that are replayed in one hour."""


class BackupDatabaseArgs(TypedDict, total=False):
    """One database, by its tier and what is different from it."""

    tier: str
    """Default: the plan's."""
    schedule: str
    """Of base backups: six fields, seconds first."""
    retention: str
    """Recovery window: `30d`, `4w`, `3m` (of 31 days)."""
    rpo: str
    """What may be lost when all is to come from the archive: `15m`."""
    rto: str
    """How long a restore may take: `1h`."""
    takes: str
    """The longest that one base backup takes. Default `1h`."""
    measured: BackupMeasuredArgs
    """Of a real restore. Default: the RTO is not judged."""
    ships_wal: bool
    """The PostgresCluster has not a route to every region, so that `archive_timeout` follows from the pair's
    `objectives.rpo`. Default false: it is PostgreSQL's usual five minutes."""
    copied_to: list[str]
    """Regions to which a BucketPair copies each region's archive."""


class BackupApplicationArgs(TypedDict, total=False):
    """One application: namespaces with their volumes, by Velero."""

    namespaces: list[str]
    """Default: the one of its name."""
    tier: str
    """Default: the plan's."""
    schedule: str
    """Five fields, minutes first."""
    retention: str
    """How long each backup is kept, from its start."""
    rpo: str
    """What may be lost: at least the time between two backups, what one takes, and what its copying takes."""
    rto: str
    """How long a restore may take."""
    takes: str
    """The longest that one backup takes, the moving of its volumes' data too. Default `1h`."""
    measured: BackupMeasuredArgs
    """Of a real restore. Default: the RTO is not judged."""


class BackupStoreArgs(TypedDict, total=False):
    """Where one region's Velero writes."""

    bucket: str
    """Default: BucketPair's of the purpose `velero`, when it lies in the region itself."""
    region: str
    """Where it lies. Default: the region that it protects, and then `copies` are needed."""
    copies: dict[str, str]
    """Buckets that it is copied to, by the region that they lie in."""
    endpoint: str
    """Address, https://..., where it is not AWS. Not with `copies`."""
    secret: str
    """Secret beside Velero, in each region, with the credentials in its key `cloud`. Default: the pod's identity."""


class BackupVeleroArgs(TypedDict, total=False):
    """Velero, which must be there."""

    namespace: str
    """Its namespace. Default `velero`."""
    provider: str
    """Its plugin for object stores. Default `aws`."""
    stores: Required[dict[str, BackupStoreArgs]]
    """By region of the pair."""
    repository_password: pulumi.Input[str]
    """What volumes' data is encrypted by; the same in every region, and never another one again: older backups could
    not be read."""
    repository_password_elsewhere: str
    """What else makes the Secret `velero-repo-credentials`, before the first backup."""


class PlannedFreshnessArgs(TypedDict, total=False):
    """How old what is restored may be."""

    within: str
    """Default: what the plan says may be lost, the time between two base backups, and what one takes."""
    sql: str
    """As RestoreCheck has it."""


class PlannedDatabaseCheckArgs(TypedDict, total=False):
    """A database whose archives are tried; as RestoreCheck has it, with the plan's own defaults."""

    sources: list[str]
    """Regions whose archives are restored. Default: all of the pair."""
    schedule: str
    """Default: every night at four, of the tier `relaxed` every Monday."""
    deadline: str
    """Default: the RTO."""
    storage: Required[str]
    """Size of the disposable volume."""
    storage_class: str
    """Default: the region's zonal one."""
    postgres_image: str
    """As the database has it."""
    database_name: str
    """The database in SQL. Default: its name, with `_` for `-`."""
    checks: dict[str, str]
    """By name one SELECT each, whose value is true when all is well."""
    freshness: PlannedFreshnessArgs
    """How old it may be."""
    parameters: dict[str, str]
    """Of PostgreSQL, as the database has them."""
    resources: dict[str, Any]
    """Of the disposable instance."""
    node_selector: dict[str, str]
    """Labels of the nodes that it may run on."""
    tolerations: list[dict[str, Any]]
    """Of its pods."""
    extra: dict[str, Any]
    """Further fields of the disposable Cluster's spec."""


class PlannedRestoreCheckArgs(TypedDict, total=False):
    """The RestoreCheck of what is planned."""

    namespace: str
    """Its own. Default `<name>-restore-checks`."""
    image: Required[str]
    """With Python 3.11 or newer as `python`, pinned by digest."""
    archive: PostgresArchiveArgs
    """How the archives are read, by a role or keys that may do nothing else."""
    databases: Required[dict[str, PlannedDatabaseCheckArgs]]
    """By database of the plan."""


class BackupDumpStoreArgs(TypedDict, total=False):
    """Where dumps go."""

    bucket: Required[str]
    """The bucket."""
    region: Required[str]
    """Where it lies: outside of the pair's regions, or `copies` are needed."""
    copies: dict[str, str]
    """Buckets that it is copied to, by the region that they lie in."""
    prefix: str
    """Folder within, after the region that is dumped. Default `<plan>-<name>`."""
    endpoint: str
    """Address, https://..., where it is not AWS."""
    secret: str
    """Secret with `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`. Default: the pod's own identity."""


class BackupDumpArgs(TypedDict, total=False):
    """A database that no operator of hakit's backs up, dumped by its own program."""

    engine: str
    """`postgres`, the default: one database by pg_dump; or `redis`: all of it, by redis-cli."""
    namespace: Required[str]
    """Namespace of the CronJob and of its Secrets."""
    host: Required[str]
    """DNS name of the database."""
    port: int
    """Default: the engine's usual one."""
    database: str
    """Of postgres: the database in SQL."""
    secret: str
    """Secret with `username` and `password`. Not needed by a redis without a password."""
    tls: str
    """`require`, the default, `disable`; of postgres also `verify-full` and `prefer`, libpq's words."""
    image: Required[str]
    """With pg_dump and pg_restore no older than the server, or redis-cli and redis-check-rdb; pinned by digest."""
    copy_image: Required[str]
    """rclone's, pinned by digest."""
    store: Required[BackupDumpStoreArgs]
    """Where they go."""
    scratch: Required[str]
    """Size of the volume that one dump fits in: `20Gi`."""
    service_account: str
    """Service account of the pod, by whose identity the store is written. Default: the namespace's."""
    resources: dict[str, Any]
    """Of both containers. Default 100m and 256Mi, no more than 1Gi."""
    tier: str
    """Default: the plan's."""
    schedule: str
    """Five fields, minutes first, in UTC."""
    retention: str
    """How long each dump is kept: what the bucket's lifecycle must keep; nothing here deletes."""
    rpo: str
    """What may be lost: at least the time between two dumps, what one takes, and what its copying takes."""
    rto: str
    """How long a restore may take."""
    takes: str
    """The longest that one dump takes; a run that takes longer is ended. Default `1h`."""
    measured: BackupMeasuredArgs
    """Of a real restore. Default: the RTO is not judged."""


class BackupPlanArgs(TypedDict, total=False):
    """What a BackupPlan is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    tier: str
    """`critical`, `standard` or `relaxed`. Default `standard`."""
    lock_days: int
    """Days for which Object Lock keeps the objects of every store. Default 0: none."""
    copied_within: str
    """Until S3 has copied an object to another region, where only a copy survives. Default `15m`, which AWS commits
    itself to with BucketPair's `replication_time`."""
    databases: dict[str, BackupDatabaseArgs]
    """By database of the pair."""
    applications: dict[str, BackupApplicationArgs]
    """By name."""
    dumps: dict[str, BackupDumpArgs]
    """By name, databases outside of CloudNativePG. A standby's are suspended."""
    velero: BackupVeleroArgs
    """Needed with `applications`."""
    restore_check: PlannedRestoreCheckArgs
    """A RestoreCheck of the databases. Default: none, and nobody knows whether they can be had back."""
