"""A Cluster that was there before hakit: taken over as the first copy of the founded region, under its own name. Pure.

docs/migration.md has the steps. Everything that a later copy is called follows hakit's own names; so a rebuild ends the
exception.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.topology.handovers import Copy
from hakit.topology.model import Pair

#: What a new Cluster has a default for, and one that is there has already: a default would change it unasked. Fewer
#: instances lose their volumes; another image may be another version of PostgreSQL.
_NEEDED = {
    "image": "the one that it runs: the operator's default may be another version",
    "instances": "as many as it has: volumes of instances that are taken away are deleted",
}


@dataclass(frozen=True)
class Adopted:
    """What is taken over.

    Attributes:
        copy: whose place the Cluster takes: the founded region's first.
        cluster: its name.
        as_it_is: only read it into the state, and change nothing.
        path: where its archive is, `s3://...`; None when a new one is begun.
        server: the archive's last part, which CloudNativePG calls the server's name.
        wal_volume: it has, or is to get, a volume for WAL.
    """

    copy: Copy
    cluster: str
    as_it_is: bool
    path: str | None
    server: str
    wal_volume: bool


def adopted(given: Arguments, pair: Pair) -> Adopted | None:
    """The argument `adopt`; None when nothing is taken over."""
    if "adopt" not in given:
        return None
    inner = given.inner("adopt", ("cluster", "as_it_is", "archive"))
    if pair.is_partitioned:
        raise HakitError(
            "adopt: a partitioned pair has one primary a region", where=given.where, do="adopt it into another pair"
        )
    for key, why in _NEEDED.items():
        if key not in given:
            raise given.missing(key, f"with adopt, name {why}")
    cluster = inner.text("cluster")
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,48}[a-z0-9])?", cluster):
        raise HakitError("adopt.cluster: not a Cluster's name", where=given.where, given=cluster)
    if re.search(r"-g\d+$", cluster):
        raise HakitError("adopt.cluster: a name that hakit gives", where=given.where, given=cluster)
    archive = inner.inner("archive", ("path", "server_name"))
    path = archive.text("path") if "archive" in inner else None
    if path is not None and not re.fullmatch(r"s3://[^/\s]+(/\S*)?", path):
        raise HakitError(
            "adopt.archive.path: not a place in an object store", where=given.where, given=path,
            allowed="destinationPath as the Cluster has it, such as s3://backups/shop",
        )  # fmt: skip
    server = archive.text("server_name", cluster)
    if path is not None and re.search(r"-g\d+$", server):
        raise HakitError(
            "adopt.archive.server_name: a name that hakit gives: a copy of this pair may write there one day",
            where=given.where,
            given=server,
            do="leave archive out: a new one is begun, and this one stays as it is",
        )
    return Adopted(
        copy=Copy(pair.founded, 1),
        cluster=cluster,
        as_it_is=inner.flag("as_it_is"),
        path=path,
        server=server,
        wal_volume="wal_storage" in given,
    )


def store_suffix(found: Adopted | None, copy: Copy) -> str:
    """What tells the ObjectStore of the old archive from that of the region's later ones."""
    return "-adopted" if found and found.copy == copy and found.path else ""


def check_apart(where: str, found: Mapping[str, Adopted | None]) -> None:
    """Of a pair's databases no two take over one Cluster, and no two write one archive.

    Args:
        where: names the component.
        found: what each database takes over, by name.
    """
    taken: dict[str, str] = {}
    for database, each in found.items():
        if each is None:
            continue
        places = [("cluster", each.cluster)]
        places += [("archive", f"{each.path.rstrip('/')}/{each.server}")] if each.path else []
        for what, place in places:
            if place in taken:
                raise HakitError(
                    f"databases.{database}.adopt.{what}: databases.{taken[place]} has the same",
                    where=where,
                    given=place,
                    do="give each its own: two that write one archive leave neither to restore",
                )
            taken[place] = database
