"""The arguments of PostgresCluster.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict

import pulumi


class PostgresStandbyArgs(TypedDict, total=False):
    """What is different in a region that follows."""

    instances: int
    """Instances. Default: as many as the active region has."""
    resources: dict[str, Any]
    """Resources of each. Default: the active region's. Different ones restart the instances after a promotion."""


class SynchronousArgs(TypedDict, total=False):
    """What a commit waits for, within the region."""

    durability: str
    """`required`: a commit waits until a standby has it, whatever happens; the default from three instances on.
    `preferred`: it waits only while there is one."""
    number: int
    """Standbys that must have a commit. Default 1."""


class ShutdownArgs(TypedDict, total=False):
    """Seconds that an instance gets to stop."""

    smart: int
    """For sessions to end by themselves. Default 10."""
    stop: int
    """For all of a shutdown. Default: half of the pair's `objectives.rto`, 30 at least and 1800 at most."""
    switchover: int
    """For a primary that hands over. Default: as `stop`."""


class PostgresCredentialArgs(TypedDict, total=False):
    """A login: one of the two."""

    secret: str
    """Name of a Secret of type kubernetes.io/basic-auth with `username` and `password`, which is in the namespace, with
    the same content on every side. Of the application's the username must be `owner`."""
    password: pulumi.Input[str]
    """The password; hakit creates the Secret. Give the same on every side."""


class PostgresCredentialsArgs(TypedDict, total=False):
    """Logins that CloudNativePG sets on every promotion."""

    application: Required[PostgresCredentialArgs]
    """The owner of the application's database."""
    superuser: PostgresCredentialArgs
    """`postgres`, over the network. Default: no such login."""
    replication: PostgresCredentialArgs
    """What the subscriptions of a partitioned pair log in with; its username is `hakit_subscriber`."""


class AdoptedArchiveArgs(TypedDict, total=False):
    """The archive that a Cluster has already; it is read and written as `archive` says."""

    path: Required[str]
    """Its `destinationPath`: `s3://<bucket>/<path>`."""
    server_name: str
    """Its `serverName`. Default: the Cluster's name, as CloudNativePG has it."""


class AdoptArgs(TypedDict, total=False):
    """A Cluster that was there before: docs/migration.md."""

    cluster: Required[str]
    """Its name. `image` and `instances` must be given with it."""
    as_it_is: bool
    """Only read it into the state, and change nothing of it: the first of two steps. Default false."""
    archive: AdoptedArchiveArgs
    """Its archive, which goes on. Default: a new one is begun, and the old one stays where it is."""


class PoolerArgs(TypedDict, total=False):
    """PgBouncer, reached by the Service `<database>-pooler`; it leads to the region's own primary in every role."""

    instances: int
    """Default 3, one a zone."""
    mode: str
    """`session`, the default, or `transaction`."""
    parameters: dict[str, str]
    """Of PgBouncer."""
    image: str
    """Default: the operator's."""


class PartitionedArgs(TypedDict, total=False):
    """What the regions of a partitioned database tell each other: docs/active-active.md."""

    tables: Required[list[str]]
    """Tables whose rows the regions exchange, as `table` or `schema.table`."""
    subscribe: bool
    """Subscribe to the other regions. Only once every region has the tables and publishes them: a subscription to what
    is not there yet is made all the same, and nothing ever comes. Default false."""


class PostgresArchiveArgs(TypedDict, total=False):
    """How the archive is reached: the bucket of the region, `wal` among its names, in the folder of the copy."""

    role_arn: str
    """Role of the service account. Default: with `cluster.oidc_issuer` the one that the `wal` buckets know."""
    secret: str
    """Secret with `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`, in place of a role."""
    endpoints: dict[str, str]
    """URL of the object store of each region, where it is not AWS's own."""
    endpoint_ca: str
    """Secret whose `ca.crt` signed the object stores' certificates."""
    encryption: str
    """`AES256` or `aws:kms`, asked for with every object; only with `endpoints`. Default: what the bucket does."""
    compression: str
    """Of WAL. Default gzip."""
    parallel: int
    """WAL files archived and fetched at once. Default 4."""


class PostgresBackupArgs(TypedDict, total=False):
    """Base backups; each side keeps its own."""

    schedule: str
    """Six fields, seconds first. Default `0 0 2 * * *`; the first one is taken at once."""
    retention: str
    """Recovery window in days, weeks or months. Default `30d`."""


class PostgresRouteArgs(TypedDict, total=False):
    """Where the other regions reach the primary of one."""

    host: Required[str]
    """Name or address."""
    port: int
    """Default 5432."""
    tls: str
    """`verify-full`, the default for a name, or `verify-ca`, the default for an address."""
    ca_secret: str
    """Secret whose `ca.crt` signed that region's server certificate. Default: `certificates.server_ca`."""
    client_secret: str
    """Secret with `tls.crt` and `tls.key` by which that region lets `streaming_replica` in. Default:
    `certificates.replication_tls`; with `certificates.client_ca` alone the one that CloudNativePG makes of it."""


class PostgresCertificatesArgs(TypedDict, total=False):
    """Secrets that are there, of one authority on every side. Default: CloudNativePG makes its own for each Cluster."""

    server_ca: str
    """Authority of server certificates; with its `ca.key`, CloudNativePG makes them."""
    server_tls: str
    """This side's server certificate."""
    client_ca: str
    """Authority of client certificates; with its `ca.key`, CloudNativePG makes them."""
    replication_tls: str
    """Client certificate of `streaming_replica`."""


class PostgresWindowArgs(TypedDict, total=False):
    """What of an archive can be restored, as `ObjectStore.status.serverRecoveryWindow` and the last WAL there say."""

    first: Required[str]
    """The first moment, with its zone."""
    last: Required[str]
    """The last moment, with its zone."""


class PostgresRestoreArgs(TypedDict, total=False):
    """What a new database begins as: another one as it was at some moment."""

    pair: str
    """The other one's pair. Default: the same."""
    database: Required[str]
    """The other one; its archive is read and nothing else."""
    region: Required[str]
    """Whose archive."""
    incarnation: int
    """Of that region's copy. Default 1."""
    time: str
    """To a moment, with its zone: `2026-01-02T10:30:00Z`."""
    lsn: str
    """To a place in the WAL: `0/3000060`."""
    name: str
    """To a name that pg_create_restore_point gave; with `backup`."""
    backup: str
    """The base backup to begin with, `20260102T020000`; alone: to its end. Default: of a time or place the newest one
    before it, else the newest."""
    exclusive: bool
    """Stop just before the time or place. Default false: just after."""
    window: PostgresWindowArgs
    """A time outside of it is refused. Default: nobody knows."""


class PostgresClusterArgs(TypedDict, total=False):
    """What a PostgresCluster is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology that the database belongs to."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    engine: str
    """`postgres`; others have components of their own."""
    database: str
    """One of the pair's databases. Default: the component's name."""
    namespace: Required[str]
    """Namespace that it is deployed to; it must be there."""
    instances: int
    """Instances while active. Default 3, one a zone."""
    standby: PostgresStandbyArgs
    """What is different while the region follows another one."""
    storage: Required[str]
    """Size of each instance's data volume, such as 50Gi."""
    wal_storage: str
    """Size of each instance's WAL volume. Default 10Gi."""
    storage_class: str
    """Storage class of both. Default: the region's `storage.zonal`."""
    zones: list[str]
    """Zones for the instances. Default: the region's."""
    existing_volumes: bool
    """The volumes may be bound to zones already: spread over zones is a wish. Default false."""
    node_selector: dict[str, str]
    """Labels of the nodes that instances run on."""
    tolerations: list[dict[str, Any]]
    """Taints that instances tolerate, as Kubernetes writes them."""
    image: str
    """Image of PostgreSQL. Default: the operator's. Name one, or an upgrade of the operator changes it."""
    resources: dict[str, Any]
    """Resources of each instance, as Kubernetes writes them."""
    parameters: dict[str, str]
    """Of postgresql.conf."""
    synchronous: SynchronousArgs
    """What a commit waits for."""
    max_lag: str
    """From this lag on a standby in the region takes no reads. Default 64Mi."""
    shutdown: ShutdownArgs
    """How long an instance may take to stop."""
    database_name: str
    """The database in SQL. Default: the pair's name of it, hyphens as underscores."""
    owner: str
    """Its owner, whom the application logs in as. Default `app`."""
    credentials: Required[PostgresCredentialsArgs]
    """Logins, the same on every side."""
    roles: dict[str, dict[str, Any]]
    """Further roles by name: `login`, `in_roles`, `secret` and the other attributes of SQL."""
    extensions: list[str]
    """Extensions of the database; the image must have them."""
    ready_secret: str
    """Secret of type kubernetes.io/basic-auth with the password of `hakit_ready`, which may ask one function whether
    the database takes writes. RegionPair's `ready` names it. Default: neither role nor function."""
    archive: PostgresArchiveArgs
    """How the archive is reached."""
    backup: PostgresBackupArgs
    """Base backups."""
    without_archive: str
    """Why there is no archive and no backup. Needs a route to every region."""
    routes: dict[str, PostgresRouteArgs]
    """By region, this one too: how the others reach its primary. With all of them changes stream, else WAL is
    shipped."""
    certificates: PostgresCertificatesArgs
    """Certificates of one authority."""
    adopt: AdoptArgs
    """A Cluster that is there already, and becomes the founded region's first copy. The same in every region."""
    partitioned: PartitionedArgs
    """Of a pair with `writes: partitioned`: what the regions exchange. Needed there, and nowhere else."""
    bootstrap: str
    """How a copy starts: `recovery` from the active copy's archive, the default, or `stream` from the running
    primary."""
    restore: PostgresRestoreArgs
    """Begin as another database was; counts at the creation alone. Without a target: all that is archived."""
    pooler: PoolerArgs
    """PgBouncer before it. Default: none."""
    pod_monitor: bool
    """Create a PodMonitor. Default true."""
    extra: dict[str, Any]
    """Further fields of the Cluster's spec, as CloudNativePG writes them; none that hakit decides."""
    dropped: list[int]
    """Kept copies of this region, by incarnation, that leave the program."""
    without_protection: str
    """Why Cluster and ObjectStores may be deleted with the stack."""
