"""What arguments and topology mean, in no back end's words."""

from collections.abc import Mapping
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.plan.traffic.earth import CLOUD_REGIONS, CODES, Location, nearest_first
from hakit.plan.traffic.origins import Origin
from hakit.plan.traffic.spec import TrafficSpec
from hakit.topology import handovers

SERVE, DRAIN, FENCE = "serve", "drain", "fence"
NEAREST = "nearest"


@dataclass(frozen=True)
class Place:
    """One region of the pair.

    Attributes:
        active: the pair's databases are written here.
        traffic: `serve`; `drain`: no new users; `fence`: none at all.
        weight: its share under weighted steering.
        location: None where neither the arguments nor hakit know it.
    """

    region: str
    active: bool
    traffic: str
    origins: tuple[Origin, ...]
    weight: float
    location: Location | None

    @property
    def fenced(self) -> bool:
        return self.traffic == FENCE


@dataclass(frozen=True)
class Traffic:
    """Who is asked first, who next, and who when nobody answers.

    Attributes:
        places: every region of the pair, in the order in which they are tried: of an active-passive pair the active
            one first, else as declared.
        fallback: who gets the users when no region is healthy. Never a standby: a total outage must not send writes to
            a region that was not promoted.
        by_code: the order for each of Cloudflare's region codes, nearest first; empty but for geo steering.
    """

    places: tuple[Place, ...]
    fallback: str
    by_code: Mapping[str, tuple[str, ...]]

    def place(self, region: str) -> Place:
        return next(place for place in self.places if place.region == region)

    @property
    def listed(self) -> tuple[Place, ...]:
        """Those that may get users: all that are not fenced. When all are, all: a list must not be empty, and each of
        them takes nobody."""
        return tuple(place for place in self.places if not place.fenced) or self.places


def intent(spec: TrafficSpec) -> Traffic:
    """What a GlobalLoadBalancer is to do.

    Raises:
        HakitError: geo steering, and it is not known who serves some region code.
    """
    active = handovers.active_region(spec.pair)
    order = [active, *(region for region in spec.pair.regions if region != active)]
    places = tuple(_place(spec, region, active) for region in (order if spec.ordered else spec.pair.regions))
    listed = Traffic(places, "", {}).listed
    return Traffic(places, _fallback(spec, places, active), _by_code(spec, listed) if spec.steering == "geo" else {})


def _place(spec: TrafficSpec, region: str, active: str) -> Place:
    return Place(
        region=region,
        active=region == active,
        traffic=spec.topology.region(region).traffic,
        origins=spec.origins[region],
        weight=spec.weights.get(region, 1),
        location=spec.locations.get(region) or CLOUD_REGIONS.get(region),
    )


def _fallback(spec: TrafficSpec, places: tuple[Place, ...], active: str) -> str:
    serving = [place.region for place in places if place.traffic == SERVE]
    return active if spec.ordered or active in serving or not serving else serving[0]


def _by_code(spec: TrafficSpec, listed: tuple[Place, ...]) -> dict[str, tuple[str, ...]]:
    located = [(place.region, _located(spec, place)) for place in listed]
    serves = {place.region: spec.topology.region(place.region).serves for place in listed}
    declared: set[str] = {code for region in spec.pair.regions for code in spec.topology.region(region).serves}
    _check_others(spec, declared)
    orders = {}
    for code, point in CODES.items():
        nearest = nearest_first(point, located)
        first = [region for region in nearest if code in serves[region]]
        if code not in declared and spec.others in nearest:
            first = [spec.others]
        orders[code] = (*first, *(region for region in nearest if region not in first))
    return orders


def _located(spec: TrafficSpec, place: Place) -> Location:
    if place.location is None:
        raise HakitError(
            f"locations: where is region {place.region}?", where=spec.where, given="steering by place",
            do=f'locations={{"{place.region}": {{"latitude": ..., "longitude": ...}}}}',
        )  # fmt: skip
    return place.location


def _check_others(spec: TrafficSpec, declared: set[str]) -> None:
    left = [code for code in CODES if code not in declared]
    possible = (NEAREST, *spec.pair.regions)
    if spec.others and spec.others not in possible:
        raise HakitError("others: nobody of this name", where=spec.where, given=spec.others, allowed=possible)
    if declared and left and not spec.others:
        raise HakitError(
            f"no region serves {', '.join(left)}",
            where=f"{spec.where}, {spec.topology.where('regions')}",
            allowed="each of the 13 region codes in some region's `serves`, or a word for the others",
            do='others="nearest", or others="<region>"; or leave `serves` out everywhere: then the nearest serves',
        )
