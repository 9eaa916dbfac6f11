"""Every name that two stacks must compute alike, from the topology alone. All pure."""

from hashlib import sha256
from typing import Any

from hakit.errors import HakitError
from hakit.topology.copies import Copy
from hakit.topology.model import Topology

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_LIMIT = 63
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: "Role name: 64 characters"
ROLE_LIMIT = 64
# RFC 1035, 2.3.4: a host name as text.
HOST_LIMIT = 253
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def cluster(database: str, incarnation: int) -> str:
    """The Cluster's name: `orders-g2`."""
    return f"{database}-g{incarnation}"


def service(database: str) -> str:
    """The Service that applications use; it stays when the incarnation changes."""
    return f"{database}-rw"


def primary_service(database: str) -> str:
    """The Service by which applications of an active-active pair reach the primary, in whatever region it is."""
    return f"{database}-primary"


def member(database: str, copy: Copy) -> str:
    """A copy's name among `externalClusters`, and as `replica.self`, `primary` and `source`: `orders-g1-us-east-1`."""
    return f"{cluster(database, copy.incarnation)}-{copy.region}"


def archive(pair: str, database: str, copy: Copy) -> str:
    """The path of a copy's archive in its region's bucket.

    The region stands in it: a bucket that is copied to another region never lays one archive over another.
    """
    return f"{archives(copy.region, pair)}{cluster(database, copy.incarnation)}"


def archives(region: str, pair: str) -> str:
    """Where a region's archives of a pair are, of every database and incarnation: `us-east-1/shop/`."""
    return f"{region}/{pair}/"


def bucket(prefix: str, environment: str, region: str, purpose: str) -> str:
    """A bucket's name: `acme-prod-us-east-1-wal`.

    A hash follows, after two hyphens, when the name would be too long or when a hyphen in prefix, environment or
    purpose would let two different inputs meet in one name.
    """
    return _joined((prefix, environment, region, purpose), BUCKET_LIMIT)


def bucket_of(topology: Topology, region: str, purpose: str) -> str:
    """A region's bucket for a purpose, such as `wal`. Raises HakitError for an unknown region."""
    topology.region(region)
    return bucket(topology.aws.prefix, topology.environment, region, purpose)


def role_name(topology: Topology, region: str, purpose: str) -> str:
    """The IAM role of a region's databases and applications for a purpose: `acme-prod-us-east-1-wal-access`.

    Service accounts of the region's cluster assume it, by the cluster's OIDC issuer or by EKS Pod Identity; it reaches
    the buckets of that purpose. BucketPair makes it in the `shared` stack. Made unmistakable as a bucket's name is.

    Raises:
        HakitError: unknown region.
    """
    return _role(topology, region, purpose, "access")


def role_arn(topology: Topology, region: str, purpose: str) -> str:
    """The ARN of `role_name`: what a service account's `eks.amazonaws.com/role-arn` annotation says.

    Raises:
        HakitError: unknown region.
    """
    name = role_name(topology, region, purpose)
    return f"arn:{partition(region)}:iam::{topology.aws.account}:role/{name}"


def replication_role_name(topology: Topology, region: str, purpose: str) -> str:
    """The IAM role by which S3 copies a region's bucket to others: `acme-prod-us-east-1-wal-replication`."""
    return _role(topology, region, purpose, "replication")


def batch_role_name(topology: Topology, region: str, purpose: str) -> str:
    """The IAM role of S3 Batch Replication, which copies what a rule came too late for: `...-wal-batch`."""
    return _role(topology, region, purpose, "batch")


def partition(region: str) -> str:
    """The first part of every ARN in a region.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def origin_host(region: str, host: str) -> str:
    """The name under which one region serves a host: `us-east-1.origin.shop.example.com`.

    One wildcard certificate for `*.origin.<host>` covers every region.

    Raises:
        HakitError: it would be longer than DNS allows.
    """
    name = f"{region}.origin.{host}"
    if len(name) > HOST_LIMIT:
        raise HakitError(f"the origin's name has {len(name)} characters", given=name, allowed=f"{HOST_LIMIT} or fewer")
    return name


def scopes(topology: Topology) -> tuple[str, ...]:
    """What is deployed each by its own stack, in the order of a first deployment."""
    return ("shared", *topology.regions, "traffic")


def stack(environment: str, scope: str) -> str:
    """A stack's name: `prod-us-east-1`."""
    return f"{environment}-{scope}"


def shared_view(topology: Topology) -> dict[str, Any]:
    """All that the `shared` scope may be computed from: no role, no handover, no incarnation, no traffic state."""
    regions = {
        name: region.model_dump(mode="json", exclude={"traffic", "serves"}) for name, region in topology.regions.items()
    }
    pairs = {
        name: pair.model_dump(mode="json", exclude={"handovers", "founded"}) for name, pair in topology.pairs.items()
    }
    return {
        "name": topology.name,
        "environment": topology.environment,
        "aws": topology.aws.model_dump(mode="json"),
        "regions": regions,
        "pairs": pairs,
    }


def shared_topology(topology: Topology) -> Topology:
    """The topology as the `shared` scope may see it, as `shared_view` is, for functions that take a Topology."""
    nothing = {"handovers": (), "founded": ""}
    return topology.model_copy(
        update={
            "regions": {
                name: region.model_copy(update={"traffic": "serve", "serves": ()})
                for name, region in topology.regions.items()
            },
            "pairs": {name: pair.model_copy(update=nothing) for name, pair in topology.pairs.items()},
        }
    )


def _role(topology: Topology, region: str, purpose: str, kind: str) -> str:
    topology.region(region)
    return _joined((topology.aws.prefix, topology.environment, region, purpose, kind), ROLE_LIMIT)


def _joined(parts: tuple[str, ...], limit: int) -> str:
    """Prefix, environment, region, purpose and so on as one name; no two different inputs meet in one.

    Only the region may have hyphens of its own: then every other part can be told from the first and the last ones.
    """
    plain = "-".join(parts).lower()
    others = parts[:2] + parts[3:]
    unmistakable = not any("-" in part for part in others) and "--" not in plain
    if unmistakable and len(plain) <= limit and plain == "-".join(parts):
        return plain
    digest = sha256("\0".join(parts).encode()).hexdigest()[:10]
    return f"{plain[: limit - 12].rstrip('-')}--{digest}"
