"""The arguments of RestoreCheck.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict

from hakit.components.postgres_cluster_args import PostgresArchiveArgs


class RestoreFreshnessArgs(TypedDict, total=False):
    """How old what is restored may be."""

    within: Required[str]
    """`26h`: the RPO, and the time between two base backups when nobody may have written."""
    sql: str
    """One SELECT that gives a moment, such as `select max(updated_at) from orders`. Default: the last transaction that
    was replayed, or the end of the base backup when none came after it."""


class RestoreDatabaseArgs(TypedDict, total=False):
    """How one database's archives are tried."""

    sources: list[str]
    """Regions whose archives are restored, each by a CronJob. Default: all of the pair, this one first."""
    schedule: str
    """Five fields, minutes first. Default `0 4 * * *`."""
    deadline: str
    """How long a restore and its checks may take. Default `4h`."""
    kept: str
    """How long backups are kept, `30d`; a check that is held too rarely for it is refused."""
    rto: str
    """How long a restore may take; a longer deadline is refused."""
    storage: Required[str]
    """Size of the disposable volume: `50Gi`."""
    storage_class: str
    """Default: the region's zonal one. It should delete what is released."""
    postgres_image: str
    """As the database has it. Default: the operator's."""
    database_name: str
    """The database in SQL. Default: its name, with `_` for `-`."""
    checks: dict[str, str]
    """By name one SELECT each, whose value is true when all is well: `select count(*) > 0 from orders`."""
    freshness: Required[RestoreFreshnessArgs]
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


class RestoreCheckArgs(TypedDict, total=False):
    """What a RestoreCheck is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    namespace: str
    """A namespace of its own, which the component makes. Default `<name>-restore-checks`."""
    image: Required[str]
    """With Python 3.11 or newer as `python`, pinned by digest."""
    archive: PostgresArchiveArgs
    """As PostgresCluster has it, but with a role, or keys in a Secret of the check's namespace, that may only read."""
    databases: Required[dict[str, RestoreDatabaseArgs]]
    """By database of the pair."""
