"""Where a region takes its users' requests."""

import re
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.topology import names
from hakit.topology.model import Pair

_KEYS = ("address", "port", "weight", "host", "proxied")


@dataclass(frozen=True)
class Origin:
    """One address of a region.

    Attributes:
        address: host name or IP address.
        port: 0 for the usual one.
        weight: its share beside the region's other origins.
        host: Host header in place of the one that the user sent; empty for none.
    """

    address: str
    port: int = 0
    weight: float = 1
    host: str = ""


def read_hostname(given: Arguments) -> str:
    """The name that users ask for.

    Raises:
        HakitError: it is none.
    """
    name, key = given.text("hostname"), ".".join(part for part in (given.path, "hostname") if part)
    label = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
    if not re.fullmatch(rf"{label}(\.{label})+", name):
        raise HakitError(
            f"{key}: not a host name", where=given.where, given=name, allowed="labels in lower case, such as "
            "shop.example.com; no scheme, no path, no dot at the end",
        )  # fmt: skip
    return name


def read_origins(given: Arguments, pair: Pair, hostname: str) -> dict[str, tuple[Origin, ...]]:
    """Each region's origins, sorted by address: the name that every stack computes alike, or what is given.

    Raises:
        HakitError: an origin is the load balancer itself, or is proxied by Cloudflare, or stands twice.
    """
    inner = given.inner("origins", pair.regions)
    return {
        region: _of_region(inner, region, hostname)
        if region in inner
        else (Origin(names.origin_host(region, hostname)),)
        for region in pair.regions
    }


def _of_region(given: Arguments, region: str, hostname: str) -> tuple[Origin, ...]:
    items = given.given[region]
    if not isinstance(items, (list, tuple)) or not items:
        raise HakitError(
            f"origins.{region}: not a list of origins",
            where=given.where,
            given="nothing" if not items else type(items).__name__,
            allowed='[{"address": "..."}]',
            do="leave the region out for its computed name",
        )
    origins = [_origin(item, given, f"origins.{region}[{number}]", hostname) for number, item in enumerate(items)]
    twice = sorted({one.address for one in origins if [each.address for each in origins].count(one.address) > 1})
    if twice:
        raise HakitError(f"origins.{region}: the same address twice", where=given.where, given=", ".join(twice))
    return tuple(sorted(origins, key=lambda origin: origin.address))


def _origin(item: object, given: Arguments, path: str, hostname: str) -> Origin:
    one = Arguments(item, given.where, _KEYS, path)
    address = one.text("address")
    if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?", address):
        raise HakitError(f"{path}.address: not a host name or address", where=given.where, given=address)
    if address == hostname:
        raise HakitError(
            f"{path}.address: the load balancer itself", where=given.where, given=address,
            do="name what stands in the region; the load balancer would ask itself for ever",
        )  # fmt: skip
    if one.flag("proxied"):
        # "Hostnames entered here should resolve directly to the origin, and not be a hostname proxied by Cloudflare"
        # (pulumi_cloudflare 6.23, LoadBalancerPoolOrigin.address).
        raise HakitError(
            f"{path}: proxied by Cloudflare itself", where=given.where, given=address,
            do="turn its proxy off (DNS only): its checks would ask Cloudflare, which is always there",
        )  # fmt: skip
    return Origin(
        address=address,
        port=one.number("port", 0),
        weight=one.decimal("weight", 1, least=0, most=1),
        host=one.text("host") if "host" in one else "",
    )
