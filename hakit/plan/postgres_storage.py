"""The archive of a PostgresCluster: ObjectStores, the plugin's settings, the schedule of base backups. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.topology import names
from hakit.topology.handovers import Copy
from hakit.topology.model import Pair, Topology

Manifest = dict[str, Any]
PLUGIN = "barman-cloud.cloudnative-pg.io"
#: Every night at two, by the operator's clock.
SCHEDULE = "0 0 2 * * *"
RETENTION = "30d"
#: The keys that the plugin's documentation uses:
#: https://cloudnative-pg.io/plugin-barman-cloud/docs/object_stores/#access-keys
KEYS = ("ACCESS_KEY_ID", "ACCESS_SECRET_KEY")


@dataclass(frozen=True)
class ArchiveSpec:
    """Where base backups and WAL go.

    Attributes:
        buckets: of each region of the pair.
        role_arn: of this region's service account; None with access keys or Pod Identity.
        secret: with access keys, in the keys `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`; None without.
        endpoints: of object stores other than AWS's own, by region.
        endpoint_ca: Secret with their authority, in the key `ca.crt`.
        retention: recovery window, `30d`.
        schedule: of base backups, six fields, seconds first.
    """

    buckets: Mapping[str, str]
    role_arn: str | None
    secret: str | None
    endpoints: Mapping[str, str]
    endpoint_ca: str | None
    encryption: str | None
    compression: str
    parallel: int
    retention: str
    schedule: str


_ARCHIVE = ("role_arn", "secret", "endpoints", "endpoint_ca", "encryption", "compression", "parallel")


def archive(given: Arguments, topology: Topology, region: str, pair: Pair) -> ArchiveSpec | None:
    """The archive as declared; None when it is switched off, with the reason why."""
    if "without_archive" in given:
        why = given.text("without_archive")
        for key in ("archive", "backup"):
            if key in given:
                raise HakitError(f"{key}: switched off by without_archive", where=given.where, given=why)
        return None
    inner = given.inner("archive", _ARCHIVE)
    backup = given.inner("backup", ("schedule", "retention"))
    role_arn, secret = _access(inner, topology, region)
    return ArchiveSpec(
        buckets={name: names.bucket_of(topology, name, "wal") for name in pair.regions},
        role_arn=role_arn,
        secret=secret,
        endpoints=_endpoints(inner, pair),
        endpoint_ca=inner.text("endpoint_ca") if "endpoint_ca" in inner else None,
        encryption=_encryption(inner),
        compression=inner.word("compression", ("gzip", "lz4", "snappy", "xz", "zstd", "bzip2"), "gzip"),
        parallel=inner.number("parallel", 4, least=1),
        retention=_retention(backup),
        schedule=_schedule(backup),
    )


def _encryption(inner: Arguments) -> str | None:
    """Only of an object store of one's own: for an object that asks for `aws:kms` without naming a key, S3 takes AWS's,
    by which no object can be copied to another region; BucketPair's policy denies such a request."""
    if "encryption" not in inner:
        return None
    if "endpoints" not in inner:
        raise HakitError(
            "archive.encryption: a bucket of AWS encrypts by its own key, and could not be copied with another",
            where=inner.where,
            given=inner.text("encryption"),
            allowed="with archive.endpoints, for an object store of your own",
            do="leave it out: BucketPair gives each bucket a key",
        )
    return inner.word("encryption", ("AES256", "aws:kms"), "")


def _access(inner: Arguments, topology: Topology, region: str) -> tuple[str | None, str | None]:
    cluster = topology.region(region).cluster
    if "secret" in inner:
        if "role_arn" in inner:
            raise HakitError("archive: one of role_arn and secret", where=inner.where)
        return None, inner.text("secret")
    if "role_arn" in inner:
        arn = inner.text("role_arn")
        if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/.+", arn):
            raise HakitError("archive.role_arn: not the ARN of a role", where=inner.where, given=arn)
        return arn, None
    if cluster.pod_identity:
        return None, None
    if cluster.oidc_issuer:
        return names.role_arn(topology, region, "wal"), None
    raise HakitError(
        "archive: nothing says how the database may write to its bucket",
        where=inner.where,
        allowed="a role of its service account, or a Secret with access keys",
        do=f"add cluster.oidc_issuer or cluster.pod_identity in {topology.where('regions', region)}, "
        "or give archive.secret or archive.role_arn",
    )


def _endpoints(inner: Arguments, pair: Pair) -> dict[str, str]:
    endpoints = inner.mapping("endpoints")
    if not endpoints:
        return {}
    for name, url in endpoints.items():
        if name not in pair.regions:
            raise HakitError(
                "archive.endpoints: not a region of the pair", where=inner.where, given=name, allowed=pair.regions
            )
        if not isinstance(url, str) or not re.fullmatch(r"https?://\S+", url):
            raise HakitError(f"archive.endpoints.{name}: not a URL", where=inner.where, given=url)
    missing = [name for name in pair.regions if name not in endpoints]
    if missing:
        raise inner.missing(f"endpoints.{missing[0]}", "every side reads the others' archives: name all or none")
    return endpoints


def _schedule(backup: Arguments) -> str:
    schedule = backup.text("schedule", SCHEDULE)
    if schedule.startswith("@"):
        return schedule
    fields = schedule.split()
    if len(fields) != 6:
        # The webhook only warns, and `0 2 * * *` becomes "at minute 2 of every hour, at second 0" or worse.
        # https://cloudnative-pg.io/documentation/1.30/backup/#cron-schedule
        raise HakitError(
            f"backup.schedule: {len(fields)} fields, where CloudNativePG has six, seconds first",
            where=backup.where,
            given=schedule,
            allowed="second minute hour day month weekday, such as 0 0 2 * * *",
            do=f"put 0 in front: 0 {schedule}" if len(fields) == 5 else None,
        )
    return " ".join(fields)


def _retention(backup: Arguments) -> str:
    retention = backup.text("retention", RETENTION)
    # https://cloudnative-pg.io/plugin-barman-cloud/docs/retention/
    if not re.fullmatch(r"[1-9][0-9]*[dwm]", retention):
        raise HakitError(
            "backup.retention: not a recovery window", where=backup.where, given=retention,
            allowed="a number of days, weeks or months: 30d, 4w, 3m",
        )  # fmt: skip
    return retention


def store_name(database: str, region: str) -> str:
    """The ObjectStore by which a region's archives of a database are known, on every side."""
    return f"{database}-{region}"


def plugin(database: str, copy: Copy) -> Manifest:
    """Where a copy's archive is, as the plugin reads it."""
    # The server's name is the last part of the archive's path; the ObjectStore holds what is before it.
    parameters = {
        "barmanObjectName": store_name(database, copy.region),
        "serverName": names.cluster(database, copy.incarnation),
    }
    return {"name": PLUGIN, "parameters": parameters}


def store(spec: ArchiveSpec, pair: str, database: str, region: str, *, own: bool) -> Manifest:
    """The spec of the ObjectStore of one region's archives.

    Only its own carries a retention policy: what another region keeps is that region's to delete.
    """
    folder, _, _ = names.archive(pair, database, Copy(region, 1)).rpartition("/")
    encryption = {"encryption": spec.encryption} if spec.encryption else {}
    configuration: Manifest = {
        "destinationPath": f"s3://{spec.buckets[region]}/{folder}",
        "s3Credentials": _credentials(spec),
        "wal": {"compression": spec.compression, "maxParallel": spec.parallel, **encryption},
        # snappy, lz4 and the like are for WAL; base backups know fewer, gzip among them.
        "data": {"compression": "gzip", "jobs": 2, "immediateCheckpoint": True, **encryption},
    }
    if region in spec.endpoints:
        configuration["endpointURL"] = spec.endpoints[region]
    if spec.endpoint_ca:
        configuration["endpointCA"] = {"name": spec.endpoint_ca, "key": "ca.crt"}
    return {"configuration": configuration, **({"retentionPolicy": spec.retention} if own else {})}


def _credentials(spec: ArchiveSpec) -> Manifest:
    if spec.secret is None:
        return {"inheritFromIAMRole": True}
    access, secret = KEYS
    return {
        "accessKeyId": {"name": spec.secret, "key": access},
        "secretAccessKey": {"name": spec.secret, "key": secret},
    }


def scheduled_backup(spec: ArchiveSpec, cluster: str, namespace: str, *, suspend: bool) -> Manifest:
    """Base backups of one copy. The Cluster's name in it cannot change (CloudNativePG 1.30), so each has its own."""
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "ScheduledBackup",
        "metadata": {"name": cluster, "namespace": namespace},
        "spec": {
            "schedule": spec.schedule,
            "cluster": {"name": cluster},
            # Left out it would be the deprecated barmanObjectStore.
            "method": "plugin",
            "pluginConfiguration": {"name": PLUGIN},
            # A replica elsewhere is recovered from the first one.
            "immediate": True,
            # The Backup objects go with the Cluster, not with the schedule. What is in the bucket stays in any case.
            "backupOwnerReference": "cluster",
            "suspend": suspend,
        },
    }
