"""How changes reach the other regions, and which objectives that can keep: streaming over a declared route, or WAL
shipping through the archive. Pure."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.topology.model import Pair, Topology

ARCHIVE_TIMEOUT = "archive_timeout"
#: The shortest. PostgreSQL calls a minute or so reasonable, as every segment is 16 MB however little is in it
#: (https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-ARCHIVE-TIMEOUT); they compress to little.
LEAST_TIMEOUT = 10
#: CloudNativePG's own: https://cloudnative-pg.io/documentation/1.30/wal_archiving/
USUAL_TIMEOUT = 300


@dataclass(frozen=True)
class Route:
    """Where the other regions reach a region's primary.

    Attributes:
        tls: `verify-full` or `verify-ca`, as libpq calls them.
        ca_secret: Secret with the authority of that region's server certificate, in the key `ca.crt`.
        client_secret: Secret with a certificate for `streaming_replica` that that region accepts: `tls.crt`, `tls.key`.
            Empty: the one that CloudNativePG makes for this very Cluster, of the authority that all share.
    """

    host: str
    port: int
    tls: str
    ca_secret: str
    client_secret: str

    @property
    def is_address(self) -> bool:
        return _is_address(self.host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def routes(given: Arguments, pair: Pair, region: str) -> dict[str, Route]:
    """The declared routes, by region; this region's own among them."""
    declared = given.mapping("routes")
    certificates = given.mapping("certificates")
    found = {}
    for name, value in declared.items():
        if name not in pair.regions:
            raise HakitError(
                f"routes: pair {pair.name} is not in this region", where=given.where, given=name, allowed=pair.regions
            )
        inner = Arguments(value, given.where, ("host", "port", "tls", "ca_secret", "client_secret"), f"routes.{name}")
        found[name] = _route(inner, name, certificates, own=name == region or pair.is_partitioned)
    return found


def _route(inner: Arguments, region: str, certificates: Mapping[str, object], *, own: bool) -> Route:
    host = inner.text("host")
    tls = inner.word("tls", ("verify-full", "verify-ca"), "verify-ca" if _is_address(host) else "verify-full")
    if tls == "verify-full" and _is_address(host):
        raise HakitError(
            f"routes.{region}.tls: a certificate of CloudNativePG names no address",
            where=inner.where,
            given=f"{tls} for {host}",
            allowed="verify-ca for an address",
            do="use a host name, or verify-ca",
        )
    return Route(
        host,
        inner.number("port", 5432, least=1),
        tls,
        _secret(inner, "ca_secret", certificates.get("server_ca"), region, own=own),
        _secret(inner, "client_secret", _shared_client(certificates), region, own=own),
    )


def _shared_client(certificates: Mapping[str, object]) -> object:
    """What every region accepts: the certificate that is named, or what each Cluster's operator makes of one authority
    (https://cloudnative-pg.io/documentation/1.30/certificates/#client-streaming_replica-certificate)."""
    return certificates.get("replication_tls") or ("" if certificates.get("client_ca") else None)


def _secret(inner: Arguments, key: str, shared: object, region: str, *, own: bool) -> str:
    if key not in inner and isinstance(shared, str):
        return shared
    if key not in inner and own:
        return ""  # nobody connects to itself by its own route, and a subscription logs in with a password
    if key not in inner:
        what = "ca.crt" if key == "ca_secret" else "tls.crt and tls.key for streaming_replica"
        raise inner.missing(key, f"name the Secret with {what} of {region}, or one authority for all in certificates")
    return inner.text(key)


def check_reach(
    where: str, topology: Topology, pair: Pair, declared: Mapping[str, Route], *, archived: bool
) -> int | None:
    """Whether the pair's objective can be kept, and the `archive_timeout` that keeps it.

    Returns:
        Seconds; None where every region is streamed to, and PostgreSQL's usual value will do.

    Raises:
        HakitError: the objective is out of reach, or nothing would reach a region.
    """
    rpo = pair.objectives.rpo
    place = topology.where("pairs", pair.name, "objectives", "rpo")
    unreached = [name for name in pair.regions if name not in declared]
    if not archived and unreached:
        raise HakitError(
            f"without_archive: no change would reach or leave {unreached[0]}",
            where=where,
            do=f"declare routes.{unreached[0]}, or keep the archive",
        )
    if rpo == 0:
        raise HakitError(
            f"the pair's objective rpo: 0s ({place}) is out of reach: replication between regions is asynchronous",
            where=where,
            given="0s",
            allowed="1s or more with a route to every region; 20s or more without",
            do="raise it: a planned handover loses nothing all the same",
        )
    if not unreached:
        return None
    # Half of it for filling a segment, half for shipping and replaying it.
    timeout = min(rpo // 2, USUAL_TIMEOUT)
    if timeout < LEAST_TIMEOUT:
        raise HakitError(
            f"the pair's objective rpo: {rpo}s ({place}) is out of reach of WAL shipping to and from "
            f"{', '.join(unreached)}",
            where=where,
            given=f"{rpo}s",
            allowed=f"{2 * LEAST_TIMEOUT}s or more without a route",
            do=f"choose one: declare routes.{unreached[0]}, and it streams; or raise the rpo",
        )
    return timeout
