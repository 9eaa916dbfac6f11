"""Every name that two stacks must compute alike, from the topology alone. All pure."""

from hashlib import sha256
from typing import Any

from hakit.errors import HakitError
from hakit.topology.handovers import Copy
from hakit.topology.model import Topology

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_LIMIT = 63
# RFC 1035, 2.3.4: a host name as text.
HOST_LIMIT = 253


def cluster(database: str, incarnation: int) -> str:
    """The Cluster's name: `orders-g2`."""
    return f"{database}-g{incarnation}"


def service(database: str) -> str:
    """The Service that applications use; it stays when the incarnation changes."""
    return f"{database}-rw"


def member(database: str, copy: Copy) -> str:
    """A copy's name among `externalClusters`, and as `replica.self`, `primary` and `source`: `orders-g1-us-east-1`."""
    return f"{cluster(database, copy.incarnation)}-{copy.region}"


def archive(pair: str, database: str, copy: Copy) -> str:
    """The path of a copy's archive in its region's bucket.

    The region stands in it: a bucket that is copied to another region never lays one archive over another.
    """
    return f"{copy.region}/{pair}/{cluster(database, copy.incarnation)}"


def bucket(prefix: str, environment: str, region: str, purpose: str) -> str:
    """A bucket's name: `acme-prod-us-east-1-wal`.

    A hash follows, after two hyphens, when the name would be too long or when a hyphen in prefix, environment or
    purpose would let two different inputs meet in one name.
    """
    parts = (prefix, environment, region, purpose)
    plain = "-".join(parts).lower()
    unmistakable = not any("-" in part for part in (prefix, environment, purpose)) and "--" not in plain
    if unmistakable and len(plain) <= BUCKET_LIMIT and plain == "-".join(parts):
        return plain
    digest = sha256("\0".join(parts).encode()).hexdigest()[:10]
    return f"{plain[: BUCKET_LIMIT - 12].rstrip('-')}--{digest}"


def bucket_of(topology: Topology, region: str, purpose: str) -> str:
    """A region's bucket for a purpose, such as `wal`. Raises HakitError for an unknown region."""
    topology.region(region)
    return bucket(topology.aws.prefix, topology.environment, region, purpose)


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
