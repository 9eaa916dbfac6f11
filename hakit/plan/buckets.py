"""What a BucketPair is to be: its arguments, checked. Pure.

Nothing here may follow from a role, a handover or a traffic state: buckets belong to the `shared` scope, which a
failover never touches.
"""

import re
from typing import Any

from hakit.errors import HakitError
from hakit.plan import buckets_colder
from hakit.plan.arguments import Arguments
from hakit.plan.buckets_adopt import adopted
from hakit.plan.buckets_checks import check
from hakit.plan.buckets_spec import BOTH, NONE, ONE_WAY, Account, BucketsSpec, Lock
from hakit.topology import names
from hakit.topology.model import Topology

ARGUMENTS = (
    "topology",
    "purpose",
    "regions",
    "replication",
    "source",
    "copy_deletions",
    "replication_time",
    "object_lock",
    "keep_days",
    "noncurrent_days",
    "copies_days",
    "colder",
    "databases",
    "apps",
    "unprotected",
    "tags",
    "adopt",
)
_APP = ("namespace", "paths", "read_only", "everywhere")
#: Days that an overwritten or deleted version stays: long enough to notice, short enough to pay for.
NONCURRENT_DAYS = 30

# https://docs.aws.amazon.com/general/latest/gr/rande.html: us-east-1, us-gov-west-1, ap-southeast-7
_AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def specify(name: str, args: Any, topology: Topology) -> BucketsSpec:
    """Check a BucketPair's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `BucketPairArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, contradicts another one or the topology, or leads
            to a name that AWS would refuse.
    """
    given = Arguments(args, f"BucketPair {name!r}", ARGUMENTS)
    shared = names.shared_topology(topology)
    regions = _regions(given, shared)
    replication, source = _replication(given, regions)
    spec = BucketsSpec(
        name=name,
        topology=shared,
        purpose=_purpose(given),
        regions=regions,
        replication=replication,
        source=source,
        copy_deletions=given.flag("copy_deletions"),
        replication_time=given.flag("replication_time"),
        lock=_lock(given, regions),
        noncurrent_days=given.number("noncurrent_days", NONCURRENT_DAYS, least=1),
        copies_days=given.maybe_number("copies_days", least=1),
        accounts=(*_databases(given, shared, regions), *_apps(given, regions)),
        unprotected=given.text("unprotected") if "unprotected" in given else "",
        tags=_tags(given),
        adopt=adopted(given, regions),
        colder=buckets_colder.read(given),
    )
    check(spec, given.maybe_number("keep_days", least=1))
    return spec


def _purpose(given: Arguments) -> str:
    purpose = given.text("purpose")
    if not _LABEL.fullmatch(purpose):
        raise HakitError(
            "purpose: not part of a bucket's name",
            where=given.where,
            given=purpose,
            allowed="lower case letters, digits and hyphens, such as wal",
        )
    return purpose


def _regions(given: Arguments, topology: Topology) -> tuple[str, ...]:
    regions = given.names("regions") or tuple(topology.regions)
    for region in regions:
        if region not in topology.regions:
            raise HakitError("regions: unknown region", where=given.where, given=region, allowed=topology.regions)
        if not _AWS_REGION.fullmatch(region):
            raise HakitError(
                "regions: not a region of AWS, which buckets need",
                where=topology.where("regions", region),
                given=region,
                allowed="names such as us-east-1",
                do="name the topology's regions as AWS does",
            )
    return regions


def _replication(given: Arguments, regions: tuple[str, ...]) -> tuple[str, str]:
    replication = given.word("replication", (BOTH, ONE_WAY, NONE), BOTH)
    source = given.text("source") if "source" in given else ""
    if replication != NONE and len(regions) < 2:
        raise HakitError(
            f"replication: {replication} needs two regions or more",
            where=given.where,
            given=", ".join(regions),
            do="add a region, or say replication: none",
        )
    if replication == NONE:
        for key in ("replication_time", "copy_deletions"):
            if given.flag(key):
                raise HakitError(
                    f"{key}: nothing is copied", where=given.where, do=f"leave {key} out, or say what is to be copied"
                )
    if replication != ONE_WAY and source:
        raise HakitError("source: goes with replication: one-way", where=given.where, given=source, do="leave it out")
    if replication == ONE_WAY and not source:
        raise given.missing("source", "one-way replication has a region that is copied from; name it")
    if source and source not in regions:
        raise HakitError("source: unknown region", where=given.where, given=source, allowed=regions)
    return replication, source


def _lock(given: Arguments, regions: tuple[str, ...]) -> Lock | None:
    if "object_lock" not in given:
        return None
    lock = given.inner("object_lock", ("mode", "days", "regions"))
    if "mode" not in lock:
        raise lock.missing("mode", "compliance binds everybody; governance has a way around it")
    locked = lock.names("regions") or regions
    for region in locked:
        if region not in regions:
            raise HakitError("object_lock.regions: unknown region", where=given.where, given=region, allowed=regions)
    mode = lock.word("mode", ("compliance", "governance"), "compliance")
    return Lock(mode, lock.number("days", least=1), locked)


def _databases(given: Arguments, topology: Topology, regions: tuple[str, ...]) -> tuple[Account, ...]:
    found = []
    for name in given.mapping("databases"):
        if name not in topology.pairs:
            raise HakitError("databases: unknown pair", where=given.where, given=name, allowed=topology.pairs)
        pair = topology.pair(name)
        namespace = _namespace(given, "databases", name, ("namespace",))
        if not pair.databases:
            raise HakitError(
                f"databases: pair {name} has none", where=given.where, do="list them in the topology, or leave it out"
            )
        present = tuple(region for region in pair.regions if region in regions)
        if missing := [region for region in pair.regions if region not in regions]:
            raise HakitError(
                f"databases: pair {name} has a region without a bucket",
                where=given.where,
                given=", ".join(missing),
                allowed=regions,
                do="add the region to `regions`",
            )
        # CloudNativePG names a Cluster's service account like the Cluster. One to three digits of an incarnation, not
        # `*`: orders-g* would let in the accounts of a database orders-gold as well.
        patterns = tuple(f"{database}-g{'?' * digits}" for database in pair.databases for digits in (1, 2, 3))
        found.append(Account(namespace, patterns, name, (), writes=True, everywhere=True, regions=present))
    return tuple(found)


def _apps(given: Arguments, regions: tuple[str, ...]) -> tuple[Account, ...]:
    found = []
    for name in given.mapping("apps"):
        app = given.inner("apps", given.mapping("apps")).inner(name, _APP)
        namespace = _namespace(given, "apps", name, _APP)
        paths = app.names("paths")
        if not paths:
            raise app.missing("paths", "say what it may reach, such as uploads/")
        for path in paths:
            if path.startswith("/") or re.search(r"[*?$]", path):
                raise HakitError(
                    f"apps.{name}.paths: not a folder, nor an object's name",
                    where=given.where,
                    given=path,
                    allowed="uploads/ for all that starts so, shop.json for one; no * ? $, no slash at the start",
                )
        if not _LABEL.fullmatch(name):
            raise HakitError(
                "apps: not the name of a service account", where=given.where, given=name, allowed="one exact name"
            )
        writes, everywhere = not app.flag("read_only"), app.flag("everywhere")
        found.append(Account(namespace, (name,), "", paths, writes, everywhere, regions))
    return tuple(found)


def _namespace(given: Arguments, key: str, name: str, known: tuple[str, ...]) -> str:
    entry = given.inner(key, given.mapping(key)).inner(name, known)
    namespace = entry.text("namespace")
    if not _LABEL.fullmatch(namespace):
        raise HakitError(
            f"{key}.{name}.namespace: not a name of Kubernetes",
            where=given.where,
            given=namespace,
            allowed="lower case letters, digits and hyphens, up to 63",
        )
    return namespace


def _tags(given: Arguments) -> dict[str, str]:
    tags = given.mapping("tags")
    for key, value in tags.items():
        if not isinstance(value, str):
            raise HakitError(f"tags.{key}: wrong type", where=given.where, allowed="a text")
    return tags
