"""Where on earth users and regions are, as far as steering by place needs it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371


@dataclass(frozen=True)
class Location:
    """Degrees; north and east are positive."""

    latitude: float
    longitude: float

    def km_to(self, other: "Location") -> float:
        """The distance along the surface, by the haversine formula."""
        north, east = radians(other.latitude - self.latitude), radians(other.longitude - self.longitude)
        flat = cos(radians(self.latitude)) * cos(radians(other.latitude))
        return 2 * EARTH_KM * asin(sqrt(sin(north / 2) ** 2 + flat * sin(east / 2) ** 2))


#: Cloudflare's thirteen regions (load-balancing/reference/region-mapping-api), each with a point amid its users. The
#: points only rank regions that declare nothing; a region's `serves` comes before any distance.
CODES: dict[str, Location] = {
    "EEU": Location(50, 28),
    "ENAM": Location(40, -80),
    "ME": Location(27, 46),
    "NAF": Location(20, 10),
    "NEAS": Location(36, 125),
    "NSAM": Location(2, -66),
    "OC": Location(-30, 145),
    "SAF": Location(-18, 25),
    "SAS": Location(20, 77),
    "SEAS": Location(5, 107),
    "SSAM": Location(-25, -56),
    "WEU": Location(48, 5),
    "WNAM": Location(40, -118),
}

#: The place that AWS names for a region (docs.aws.amazon.com/global-infrastructure/latest/regions), to half a degree.
CLOUD_REGIONS: dict[str, Location] = {
    "af-south-1": Location(-34, 18.5),  # Cape Town
    "ap-east-1": Location(22.5, 114),  # Hong Kong
    "ap-northeast-1": Location(35.5, 139.5),  # Tokyo
    "ap-northeast-2": Location(37.5, 127),  # Seoul
    "ap-northeast-3": Location(34.5, 135.5),  # Osaka
    "ap-south-1": Location(19, 73),  # Mumbai
    "ap-south-2": Location(17.5, 78.5),  # Hyderabad
    "ap-southeast-1": Location(1.5, 104),  # Singapore
    "ap-southeast-2": Location(-34, 151),  # Sydney
    "ap-southeast-3": Location(-6, 107),  # Jakarta
    "ap-southeast-4": Location(-38, 145),  # Melbourne
    "ca-central-1": Location(45.5, -73.5),  # Montreal
    "ca-west-1": Location(51, -114),  # Calgary
    "eu-central-1": Location(50, 8.5),  # Frankfurt
    "eu-central-2": Location(47.5, 8.5),  # Zurich
    "eu-north-1": Location(59.5, 18),  # Stockholm
    "eu-south-1": Location(45.5, 9),  # Milan
    "eu-south-2": Location(41.5, -1),  # Zaragoza
    "eu-west-1": Location(53.5, -6.5),  # Dublin
    "eu-west-2": Location(51.5, 0),  # London
    "eu-west-3": Location(49, 2.5),  # Paris
    "il-central-1": Location(32, 35),  # Tel Aviv
    "me-central-1": Location(25, 55.5),  # Dubai
    "me-south-1": Location(26, 50.5),  # Manama
    "sa-east-1": Location(-23.5, -46.5),  # São Paulo
    "us-east-1": Location(39, -77.5),  # Northern Virginia
    "us-east-2": Location(40, -83),  # Ohio
    "us-west-1": Location(37.5, -122),  # Northern California
    "us-west-2": Location(46, -119.5),  # Oregon
}


def nearest_first(point: Location, places: Iterable[tuple[str, Location]]) -> list[str]:
    """Names by their distance from a point; those equally far in the order in which they come."""
    return [name for name, _ in sorted(places, key=lambda place: round(point.km_to(place[1])))]
