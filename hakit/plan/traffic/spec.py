"""What a GlobalLoadBalancer is to be: its arguments, checked. The back end reads its own part itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.traffic import health
from hakit.plan.traffic.backends import ACCELERATOR, BACKENDS, CLOUDFLARE, EXTERNAL_DNS, Backend
from hakit.plan.traffic.earth import Location
from hakit.plan.traffic.health import Health
from hakit.plan.traffic.origins import Origin, read_hostname, read_origins
from hakit.topology.model import Pair, Topology

ACTIVE_PASSIVE = "active-passive"

ARGUMENTS = (
    "topology",
    "pair",
    "hostname",
    "backend",
    "scope",
    "origins",
    "health",
    "steering",
    "weights",
    "locations",
    "others",
    "affinity",
    "ttl",
    "certificates",
    "accept",
    "cloudflare",
    "route53",
    "global_accelerator",
    "external_dns",
)
_AFFINITY_KEYS = ("by", "ttl", "headers", "drain")


@dataclass(frozen=True)
class Affinity:
    """Whether one user stays with one region. Seconds; zero is the back end's own default."""

    by: str
    ttl: int
    headers: tuple[str, ...]
    drain: int


@dataclass(frozen=True)
class TrafficSpec:
    """A GlobalLoadBalancer's arguments, checked. Everything after this trusts it.

    Attributes:
        ttl: seconds that resolvers may keep an answer, where the back end has it.
        others: geo steering: who serves the region codes that no region declares; empty when nothing is said.
        certificates: how the origins' certificates are renewed.
        own: what only the back end knows, still to be read by it.
    """

    name: str
    topology: Topology = field(repr=False)
    pair: Pair
    hostname: str
    backend: str
    scope: str
    origins: Mapping[str, tuple[Origin, ...]]
    health: Health
    steering: str
    weights: Mapping[str, float]
    locations: Mapping[str, Location]
    others: str
    affinity: Affinity
    ttl: int | None
    certificates: str
    accept: Mapping[str, str]
    own: Arguments = field(repr=False)

    @property
    def where(self) -> str:
        return f"GlobalLoadBalancer {self.name!r}"

    @property
    def ordered(self) -> bool:
        """One region serves, the others wait."""
        return self.pair.mode == ACTIVE_PASSIVE


def specify(name: str, args: Any, topology: Topology) -> TrafficSpec:
    """Check a GlobalLoadBalancer's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `GlobalLoadBalancerArgs`.
        topology: what `args["topology"]` names, loaded.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one.
    """
    given = Arguments(args, f"GlobalLoadBalancer {name!r}", ARGUMENTS)
    backend = BACKENDS[given.word("backend", BACKENDS, CLOUDFLARE)]
    word = next(key for key, value in BACKENDS.items() if value is backend)
    pair = pair_of(given, topology)
    hostname = read_hostname(given)
    _refuse_misplaced(given, backend, word)
    steering = _steering(given, backend, pair, word)
    check = health.read(given, backend.check, hostname)
    if check.ready and pair.mode != ACTIVE_PASSIVE:
        raise HakitError(
            "health.ready: only one region of an active-active pair would pass", where=given.where,
            given=f"pair {pair.name}", do="name in health.path what each region can answer",
        )  # fmt: skip
    _refuse_unused(given, steering, word)
    return TrafficSpec(
        name=name,
        topology=topology,
        pair=pair,
        hostname=hostname,
        backend=word,
        scope=_scope(given, topology, pair, word),
        origins=read_origins(given, pair, hostname),
        health=check,
        steering=steering,
        weights=_weights(given, pair),
        locations=_locations(given, topology),
        others=given.text("others") if "others" in given else "",
        affinity=_affinity(given, backend),
        ttl=_ttl(given, backend, word),
        certificates=given.word("certificates", ("dns-01", "http-01", "managed"), "dns-01"),
        accept=given.mapping("accept"),
        own=given.inner(backend.own, backend.keys),
    )


def _refuse_misplaced(given: Arguments, backend: Backend, word: str) -> None:
    for other, theirs in BACKENDS.items():
        if theirs is not backend and theirs.own in given:
            raise HakitError(
                f"{theirs.own}: belongs to backend {other}", where=given.where, given=f"backend: {word}",
                do=f"leave it out, or say backend: {other}",
            )  # fmt: skip


def zone_of(own: Arguments, hostname: str) -> str:
    """The zone's name; empty when it was not told.

    Raises:
        HakitError: the host name is not in it.
    """
    zone = own.text("zone") if "zone" in own else ""
    if zone and hostname != zone and not hostname.endswith(f".{zone}"):
        raise HakitError(
            "hostname: not in the zone", where=own.where, given=hostname,
            allowed=f"{zone}, or a name that ends in .{zone}",
        )  # fmt: skip
    return zone


def _scope(given: Arguments, topology: Topology, pair: Pair, word: str) -> str:
    if word != EXTERNAL_DNS:
        if "scope" in given:
            raise HakitError(
                "scope: only external-dns has a part in each region", where=given.where, given=given.text("scope"),
                do="leave it out: this back end is deployed once, by the traffic stack",
            )  # fmt: skip
        return ""
    return region_of(given, topology, pair).name


def _steering(given: Arguments, backend: Backend, pair: Pair, word: str) -> str:
    possible = backend.ordered if pair.mode == ACTIVE_PASSIVE else backend.shared
    steering = given.text("steering", possible[0])
    if steering not in possible:
        raise HakitError(
            f"steering: not with {word} in an {pair.mode} pair", where=given.where, given=steering, allowed=possible,
            do="only one region may serve: any other steering sends users to a standby"
            if pair.mode == ACTIVE_PASSIVE and steering not in backend.ordered else None,
        )  # fmt: skip
    return steering


def _refuse_unused(given: Arguments, steering: str, word: str) -> None:
    """Refuse what would have no effect."""
    for key, wanted in (("weights", ("weighted",)), ("others", ("geo",)), ("locations", ("geo", "proximity"))):
        if key in given and steering not in wanted:
            raise HakitError(
                f"{key}: {steering} steering has no use for it", where=given.where,
                do=f"leave it out, or say steering: {wanted[0]}",
            )  # fmt: skip
    if word == ACCELERATOR and "origins" in given:
        raise HakitError(
            "origins: Global Accelerator sends to load balancers by their ARN", where=given.where,
            do="name them in global_accelerator.endpoints",
        )  # fmt: skip


def _weights(given: Arguments, pair: Pair) -> dict[str, float]:
    weights = given.mapping("weights")
    inner = given.inner("weights", pair.regions)
    found = {region: inner.decimal(region, 1, least=0, most=1) for region in weights}
    for region, weight in found.items():
        if round(weight, 2) != weight:
            raise HakitError(f"weights.{region}: too fine", where=given.where, given=weight, allowed="hundredths: 0.25")
    return found


def _locations(given: Arguments, topology: Topology) -> dict[str, Location]:
    inner = given.inner("locations", topology.regions)
    found = {}
    for region in inner.given:
        place = inner.inner(region, ("latitude", "longitude"))
        found[region] = Location(
            place.decimal("latitude", None, least=-90, most=90), place.decimal("longitude", None, least=-180, most=180)
        )
    return found


def _affinity(given: Arguments, backend: Backend) -> Affinity:
    inner = given.inner("affinity", _AFFINITY_KEYS)
    by = inner.word("by", backend.affinity, "none")
    headers = inner.names("headers")
    if bool(headers) != (by == "header"):
        raise HakitError(
            "affinity: headers and by: header go together", where=given.where, given=f"by: {by}",
            do="name the headers that tell one user from another, or leave them out",
        )  # fmt: skip
    if by in ("none", "source_ip") and ("ttl" in inner or "drain" in inner):
        raise HakitError(
            "affinity: nothing lasts without a session", where=given.where, given=f"by: {by}",
            do="leave ttl and drain out, or say by: cookie",
        )  # fmt: skip
    return Affinity(by, inner.number("ttl", 0), headers, inner.number("drain", 0))


def _ttl(given: Arguments, backend: Backend, word: str) -> int | None:
    if word == ACCELERATOR and "ttl" in given:
        raise HakitError("ttl: its addresses never change", where=given.where, do="leave it out")
    return given.number("ttl", backend.ttl or 60, least=1) if "ttl" in given or backend.ttl else None
