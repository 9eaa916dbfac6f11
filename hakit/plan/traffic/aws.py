"""What both AWS back ends and external-dns with Route 53 share."""

from typing import Any

from hakit.errors import HakitError
from hakit.plan.traffic import detection
from hakit.plan.traffic.detection import Detection, Term
from hakit.plan.traffic.earth import CLOUD_REGIONS
from hakit.plan.traffic.intent import Place
from hakit.plan.traffic.spec import TrafficSpec

#: Route 53 waits four seconds for a connection and two for the answer, and neither can be set (Route 53 Developer
#: Guide, "How Amazon Route 53 determines whether a health check is healthy").
CHECK_TIMEOUT = Term("timeouts", 6, "4 s + 2 s")
INTERVALS = (10, 30)


def check_settings(spec: TrafficSpec) -> None:
    """Refuse what Route 53's health checks do not have."""
    check = spec.health
    if check.interval not in INTERVALS:
        raise HakitError(
            "health.interval: not one of Route 53's", where=spec.where, given=f"{check.interval} s",
            allowed="10 s or 30 s",
        )  # fmt: skip
    if check.down > 10:
        raise HakitError(
            "health.consecutive_down: too many", where=spec.where, given=check.down, allowed="1 to 10"
        )  # fmt: skip


def dns_detection(spec: TrafficSpec) -> Detection:
    """A health check of Route 53, then the life of the DNS answer."""
    check = spec.health
    return Detection((detection.checks(check.interval, check.down), CHECK_TIMEOUT, detection.record(spec.ttl or 60)))


def aws_region(spec: TrafficSpec, place: Place) -> str:
    """The region's name where AWS must know it.

    Raises:
        HakitError: AWS has no such region.
    """
    if place.region not in CLOUD_REGIONS:
        raise HakitError(
            f"steering: {spec.steering} needs a region of AWS", where=spec.where, given=place.region,
            do="name the topology's regions as AWS does, or choose proximity with locations, or weighted",
        )  # fmt: skip
    return place.region


def weight(spec: TrafficSpec, place: Place) -> int:
    """The record's weight.

    Ordered: one for the active region and none for the others. Route 53 asks the others when none with a weight is
    healthy, and comes back to those with a weight when nobody is ("Health checks and weighted routing"), so a total
    outage sends nobody to a standby. Failover records would have to trade places at a handover, and AWS refuses the
    second PRIMARY.
    """
    return int(place.active) if spec.ordered else round(place.weight * 100)


def geoproximity(spec: TrafficSpec, place: Place, bias: int) -> dict[str, Any]:
    """By coordinates where they are given, else by AWS's region."""
    where: dict[str, Any] = {"bias": bias} if bias else {}
    given = spec.locations.get(place.region)
    if given:
        return {**where, "coordinates": [{"latitude": f"{given.latitude:.2f}", "longitude": f"{given.longitude:.2f}"}]}
    return {**where, "aws_region": aws_region(spec, place)}


def read_bias(spec: TrafficSpec) -> dict[str, int]:
    """Geoproximity's bias by region, -90 to 90."""
    inner = spec.own.inner("bias", spec.pair.regions)
    if inner.given and spec.steering != "proximity":
        raise HakitError(
            f"{spec.own.path}.bias: only proximity steering has it", where=spec.where, do="say steering: proximity"
        )
    return {region: round(inner.decimal(region, least=-90, most=90)) for region in inner.given}


def one_origin(spec: TrafficSpec, place: Place) -> str:
    """The one address of a region.

    Raises:
        HakitError: there are more, or the origin asks for what a DNS record cannot say.
    """
    first, *more = place.origins
    if more:
        raise HakitError(
            f"origins.{place.region}: a DNS record names one", where=spec.where, given=f"{len(place.origins)} origins",
            do="put the region's own load balancer before them",
        )  # fmt: skip
    if first.port or first.host or first.weight != 1:
        raise HakitError(
            f"origins.{place.region}: a DNS record has no port, no host header and no second weight",
            where=spec.where, given=first.address, do="leave them out",
        )  # fmt: skip
    return first.address
