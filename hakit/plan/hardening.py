"""What a ZonalApp is hardened with when it is asked for more: spread, storage, spot nodes, network, mesh. Pure."""

import ipaddress
from dataclasses import dataclass

from hakit.charts.intent import CLUSTER_DNS, Istio, Network, Peer, Spread
from hakit.charts.spot import LABELS
from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.topology.model import Region

_SATISFIED = ("DoNotSchedule", "ScheduleAnyway")
_PODS = ("namespace", "namespace_labels", "pods")
_PEER = (*_PODS, "cidr", "without", "ports", "protocol", "workload")
_ISTIO = ("connections", "pending", "requests", "errors", "interval", "ejection", "max_ejected", "keep_in_zone")


def spread(given: Arguments) -> Spread:
    """How strictly pods are spread, where it is said."""
    inner = given.inner("spread", ("zones", "hosts"))
    return Spread(*(inner.word(key, _SATISFIED, "") if key in inner else None for key in ("zones", "hosts")))


_ACCESS = ("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany", "ReadOnlyMany")


@dataclass(frozen=True)
class Storage:
    """What every claim gets.

    Attributes:
        storage_class, access_mode: in place of the chart's; None leaves it.
        zonal_class: the class whose volumes live in one zone, where the topology tells.
    """

    storage_class: str | None = None
    access_mode: str | None = None
    zonal_class: str | None = None


def storage(given: Arguments, region: Region | None) -> Storage:
    """The class and the access mode of claims: as named, or the region's own for one zone or for all of them."""
    named = given.text("storage_class") if "storage_class" in given else None
    mode = given.word("access_mode", _ACCESS, "") if "access_mode" in given else None
    zonal = None if region is None else region.storage.zonal
    if "storage" not in given:
        return Storage(named, mode, zonal)
    if region is None:
        raise given.missing("topology", "it says what zonal and regional storage are; else name storage_class")
    for key in ("storage_class", "access_mode"):
        if key in given:
            raise HakitError(f"storage and {key}", where=given.where, do=f"leave one of them out: storage sets {key}")
    if given.word("storage", ("zonal", "regional"), "") == "zonal":
        return Storage(zonal, "ReadWriteOnce", zonal)
    if region.storage.regional is None:
        raise HakitError(
            "storage: the region has no regional storage",
            where=given.where,
            given="regional",
            allowed="zonal",
            do=f"name its class in the topology: regions.{region.name}.storage.regional",
        )
    return Storage(region.storage.regional, "ReadWriteMany", zonal)


def spot(inner: Arguments, *, standby: bool) -> str | None:
    """Whose spot capacity the standby prefers."""
    if "spot" not in inner:
        return None
    if not standby:
        raise HakitError(
            f"{inner.path}.spot: it is taken back at any moment, and these pods serve",
            where=inner.where,
            allowed="standby.spot",
        )
    return inner.word("spot", LABELS, "")


def network(given: Arguments) -> Network | None:
    """Whom the pods may talk to; None when nothing is said."""
    if "network" not in given:
        return None
    inner = given.inner("network", ("ingress", "egress", "dns"))
    return Network(
        ingress=tuple(_peer(each) for each in inner.listed("ingress", _PEER)),
        egress=tuple(_peer(each) for each in inner.listed("egress", _PEER)),
        dns=_peer(inner.inner("dns", (*_PODS, "cidr", "without"))) if "dns" in inner else CLUSTER_DNS,
    )


def _peer(given: Arguments) -> Peer:
    named = [key for key in _PODS if key in given]
    if "cidr" in given and named:
        raise HakitError(
            f"{given.path}: cidr and {named[0]}",
            where=given.where,
            allowed="addresses (cidr), or pods (namespace, namespace_labels, pods)",
            do="write two entries",
        )
    if "cidr" not in given and not named:
        raise HakitError(
            f"{given.path}: it names nobody",
            where=given.where,
            allowed="namespace, namespace_labels, pods, cidr",
            do='for everybody write {"cidr": "0.0.0.0/0"}, and a second entry with "::/0" where there is IPv6',
        )
    cidr = _block(given, "cidr", given.text("cidr")) if "cidr" in given else None
    without = tuple(_block(given, "without", each) for each in given.names("without"))
    for each in without:
        if cidr is None or each.version != cidr.version or not each.subnet_of(cidr):  # ty: ignore[invalid-argument-type]
            what = f"{given.path}.without: not within cidr"
            raise HakitError(what, where=given.where, given=str(each), allowed=f"a part of {cidr or 'a cidr'}")
    return Peer(
        namespace=given.text("namespace") if "namespace" in given else None,
        namespace_labels=given.labels("namespace_labels"),
        pods=given.labels("pods"),
        cidr=None if cidr is None else str(cidr),
        without=tuple(map(str, without)),
        ports=given.numbers("ports", least=1, most=65535),
        protocol=given.word("protocol", ("TCP", "UDP", "SCTP"), "TCP"),
        workload=given.text("workload") if "workload" in given else None,
    )


def _block(given: Arguments, key: str, text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        wide = _meant(text)
        raise HakitError(
            f"{given.path}.{key}: no block of addresses",
            where=given.where,
            given=text,
            allowed='addresses with the length of their prefix: "10.20.0.0/16"',
            do=f"write {wide}" if wide else "a NetworkPolicy knows no names of hosts: give their addresses",
        ) from None


def _meant(text: str) -> str:
    """The block that an address within it stands for; empty when the text is none."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return ""


def istio(given: Arguments) -> Istio | None:
    """When a mesh leaves a pod out; None when nothing is said."""
    if "istio" not in given:
        return None
    inner = given.inner("istio", _ISTIO)
    default = Istio()
    most = inner.maybe_number("max_ejected", least=1)
    if most is not None and most > 100:
        raise HakitError(
            f"{inner.path}.max_ejected: wrong value", where=inner.where, given=str(most), allowed="percent, 1 to 100"
        )
    return Istio(
        connections=inner.maybe_number("connections", least=1),
        pending=inner.maybe_number("pending", least=1),
        requests=inner.maybe_number("requests", least=1),
        errors=inner.number("errors", default.errors, least=1),
        interval=inner.number("interval", default.interval, least=1),
        ejection=inner.number("ejection", default.ejection, least=1),
        most_ejected=most,
        keep_in_zone=inner.flag("keep_in_zone", default=default.keep_in_zone),
    )
