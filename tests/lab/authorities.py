"""The authority of a pair's certificates, replaced while the database is copied: what is put into its Secret, and how
one knows that it is in use."""

import base64
import time
from pathlib import Path
from typing import Any

import psycopg

from lab.harness import LabRegion
from tests.lab.fence_program import CLUSTERS
from tests.lab.pair_by_up import Pair
from tests.lab.writing import connect

SECRET = "orders-ca"  # noqa: S105
#: Of the Cluster `orders-g1`: what CloudNativePG made of the authority.
MADE = ("orders-g1-server", "orders-g1-replication")


def trusting(*authorities: dict[str, Any]) -> dict[str, Any]:
    """The Secret with several authorities: the first one signs, all of them are trusted."""
    certificates = b"".join(base64.b64decode(each["data"]["ca.crt"]) for each in authorities)
    data = {**authorities[0]["data"], "ca.crt": base64.b64encode(certificates).decode()}
    return {**authorities[0], "data": data}


def put(region: LabRegion, secret: dict[str, Any]) -> None:
    """Until CloudNativePG has seen it, and a moment for the instance."""
    region.apply([secret], "shop")
    version = region.client.get("v1", "Secret", SECRET, "shop")["metadata"]["resourceVersion"]
    region.wait_for(
        "the operator to see the authority",
        lambda: region.client.get(*CLUSTERS, "orders-g1", "shop")["status"]["secretsResourceVersion"],
        lambda seen: seen.get("clientCaSecretVersion") == seen.get("serverCaSecretVersion") == version,
        seconds=120,
    )
    time.sleep(5)


def make_anew(region: LabRegion) -> None:
    """CloudNativePG makes what is not there."""
    for name in MADE:
        before = region.client.get("v1", "Secret", name, "shop")["metadata"]["uid"]
        region.client.delete("v1", "Secret", name, "shop")
        region.wait_for(
            f"another {name}",
            lambda name=name: region.client.find("v1", "Secret", name, "shop") or {"metadata": {"uid": ""}},
            lambda found, before=before: found["metadata"]["uid"] not in ("", before),
            seconds=120,
        )


def shown(pair: Pair, name: str, authority: dict[str, Any], folder: Path) -> bool:
    """Whether the region's server shows a certificate of that authority."""
    root = folder / "authority.crt"
    root.write_bytes(base64.b64decode(authority["data"]["ca.crt"]))
    try:
        connect(pair.wan(name), sslmode="verify-ca", sslrootcert=str(root)).close()
    except psycopg.OperationalError as error:
        if "certificate verify failed" not in str(error):
            raise
        return False
    return True


def follows_anew(pair: Pair, active: str, follower: str) -> None:
    """A connection of the follower that is made now carries what is written."""
    sender = "select pid from pg_stat_replication"
    pair.lab[active].wait_for("a follower", lambda: pair.run(active, sender), seconds=120)
    pair.lab[follower].cut()
    pair.lab[active].wait_for("nobody follows", lambda: not pair.run(active, sender), seconds=120)
    pair.lab[follower].reconnect()
    pair.lab[active].wait_for("a follower", lambda: pair.run(active, sender), seconds=120)
    ((number,),) = pair.run(active, "insert into probes default values returning id")
    pair.lab[follower].wait_for(
        "its row",
        lambda: pair.run(follower, "select max(id) from probes"),
        lambda rows: rows == [(number,)],
        seconds=60,
    )
