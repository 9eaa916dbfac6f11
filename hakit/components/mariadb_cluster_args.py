"""The arguments of MariaDbCluster.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict


class MariaDbPasswordArgs(TypedDict, total=False):
    """A password that is there."""

    secret: Required[str]
    """Name of a Secret in the namespace with the key `password`; the same content on every side."""


class MariaDbCredentialsArgs(TypedDict, total=False):
    """Who logs in. Passwords come from Secrets only."""

    root: Required[MariaDbPasswordArgs]
    """`root`; the operator works as it, and with `multi_cluster` the other side does too."""
    application: Required[MariaDbPasswordArgs]
    """The owner of the application's database."""
    replication: MariaDbPasswordArgs
    """The user that replicas log in as. Needed with `multi_cluster`. Default: the operator makes a password up."""


class MariaDbStoreArgs(TypedDict, total=False):
    """A bucket for physical backups."""

    bucket: Required[str]
    """Its name."""
    endpoint: str
    """Host, with its port where it has one; always TLS. Default: `s3.<region>.amazonaws.com`."""
    region: str
    """Region that requests are signed for. Default: the region's name in the topology."""
    secret: Required[str]
    """Secret with `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`."""
    endpoint_ca: str
    """Secret whose `ca.crt` signed the endpoint's certificate."""


class MariaDbBackupArgs(TypedDict, total=False):
    """Physical backups of the active copy."""

    stores: Required[dict[str, MariaDbStoreArgs]]
    """By region: where the backups of that region's copy go. With `multi_cluster` both regions reach both."""
    schedule: str
    """Five fields, minutes first. Default `0 2 * * *`; the first backup is taken at once."""
    retention: str
    """Hours that a backup is kept, such as `720h`, the default."""


class MariaDbRouteArgs(TypedDict, total=False):
    """Where the other region reaches the primary of one."""

    host: Required[str]
    """Name or address; it stands in the server's certificate too."""
    port: int
    """Default 3306."""


class MariaDbClusterArgs(TypedDict, total=False):
    """What a MariaDbCluster is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology that the database belongs to."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    database: str
    """One of the pair's databases. Default: the component's name."""
    namespace: Required[str]
    """Namespace that it is deployed to; it must be there."""
    instances: int
    """Instances, 2 to 9. Default 3, one a zone."""
    storage: Required[str]
    """Size of each instance's volume, such as 50Gi."""
    storage_class: str
    """Its storage class. Default: the region's `storage.zonal`. The operator refuses to change it."""
    zones: list[str]
    """Zones for the instances, two or more. Default: the region's."""
    existing_volumes: bool
    """The volumes may be bound to zones already: spread over zones is a wish. Default false."""
    image: str
    """Image of MariaDB, with its version. Default: 11.8.5, what operator 25.10.4 starts."""
    resources: dict[str, Any]
    """Resources of each instance, as Kubernetes writes them."""
    database_name: str
    """The database in SQL. Default: the pair's name of it, hyphens as underscores."""
    owner: str
    """Its owner, whom the application logs in as. Default `app`."""
    credentials: Required[MariaDbCredentialsArgs]
    """Passwords, the same on every side."""
    backup: MariaDbBackupArgs
    """Physical backups."""
    without_backup: str
    """Why there is none; only with `alone`."""
    alone: str
    """Why the founded region has the only copy. Needs operator 25.10. One of this and `multi_cluster`."""
    multi_cluster: str
    """Why a preview of upstream may hold this data: the other region replicates, by operator 26.6."""
    routes: dict[str, MariaDbRouteArgs]
    """With `multi_cluster`: for both regions, where the other one reaches the primary."""
    authority: str
    """Secret of type kubernetes.io/tls whose authority signs every side's certificates; needed with `multi_cluster`.
    Default: the operator makes its own."""
    extra: dict[str, Any]
    """Further fields of the MariaDB's spec, as the operator writes them; none that hakit decides."""
    dropped: list[int]
    """Kept copies of this region, by incarnation, that leave the program."""
    without_protection: str
    """Why the MariaDB may be deleted with the stack."""
