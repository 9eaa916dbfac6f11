"""What would not hold although every argument is right, and the line that a preview shows."""

from hakit.findings import Finding, Settled
from hakit.plan.traffic.backends import ACCELERATOR, CLOUDFLARE, EXTERNAL_DNS
from hakit.plan.traffic.detection import Detection, told
from hakit.plan.traffic.intent import SERVE, Traffic
from hakit.plan.traffic.spec import TrafficSpec


def judge(
    spec: TrafficSpec, traffic: Traffic, detection: Detection, *, edge_zone: str = "", unchecked: str = ""
) -> list[Finding]:
    """Everything to report.

    Args:
        spec: the arguments.
        traffic: what they mean.
        detection: how long a dead region keeps its users.
        edge_zone: the zone whose Universal SSL certificate is to cover the host name; empty where there is none.
        unchecked: region whose record has no health check.
    """
    about = f"GlobalLoadBalancer/{spec.name}"
    where = spec.topology.where("pairs", spec.pair.name)
    objectives = spec.topology.where("pairs", spec.pair.name, "objectives")
    found = []
    rto = spec.pair.objectives.rto
    if detection.seconds > rto:
        message = f"noticing a dead region takes {detection.seconds} s of an RTO of {told(rto)}"
        found.append(Finding("HK080", about, "health", message, objectives, detection.told()))
    if edge_zone and not _covered(spec.hostname, edge_zone):
        message = f"Universal SSL of {edge_zone} does not cover {spec.hostname}"
        found.append(Finding("HK081", about, "hostname", message))
    if not any(place.traffic == SERVE for place in traffic.places):
        found.append(Finding("HK082", about, "traffic", "no region serves", where))
    elif spec.ordered and traffic.place(traffic.fallback).traffic != SERVE:
        message = f"{traffic.fallback} is active and takes no users, and no other region may take writes"
        region = spec.topology.where("regions", traffic.fallback, "traffic")
        found.append(Finding("HK082", about, "traffic", message, region))
    if spec.certificates == "http-01":
        found.append(Finding("HK083", about, "certificates", "HTTP-01 asks through the load balancer"))
    if _may_reach_a_standby(spec, traffic):
        others = ", ".join(place.region for place in traffic.listed if not place.active)
        message = f"with no healthy region users may reach {others}, which is not promoted"
        found.append(Finding("HK084", about, "backend", message))
    if unchecked:
        found.append(Finding("HK085", about, _check_of(unchecked), "no health check"))
    return found


def in_other_states(spec: TrafficSpec) -> list[Finding]:
    """What the same declaration raises when other regions are drained or fenced, or another one is active.

    An entry of `accept` for one of these is not unused: refusing it would stop a fence in the middle of an outage.
    """
    about = f"GlobalLoadBalancer/{spec.name}"
    found = [Finding("HK082", about, "traffic", "")]
    if spec.ordered and spec.backend != CLOUDFLARE:
        found.append(Finding("HK084", about, "backend", ""))
    if spec.backend == EXTERNAL_DNS:
        found += [Finding("HK085", about, _check_of(region), "") for region in spec.pair.regions]
    return found


def _check_of(region: str) -> str:
    return f"external_dns.health_check_ids.{region}"


def _may_reach_a_standby(spec: TrafficSpec, traffic: Traffic) -> bool:
    """Where a back end answers with somebody when nobody is healthy, and that may be a standby."""
    if not spec.ordered or spec.backend == CLOUDFLARE or all(place.active for place in traffic.listed):
        return False
    active_takes_nobody = traffic.place(traffic.fallback).fenced
    return spec.backend == ACCELERATOR or (active_takes_nobody and any(not place.fenced for place in traffic.places))


def _covered(hostname: str, zone: str) -> bool:
    """Universal SSL has the zone's name and one label before it (ssl/edge-certificates/universal-ssl/limitations)."""
    if hostname == zone:
        return True
    first, _, rest = hostname.partition(".")
    return bool(first) and rest == zone


def summary(spec: TrafficSpec, traffic: Traffic, detection: Detection, settled: Settled) -> str:
    """`shop.example.com by cloudflare, ordered: us-east-1 (active), us-west-2; a dead region is noticed in 40 s`"""
    places = [f"{place.region}{_state(place.active, place.traffic)}" for place in traffic.places]
    parts = [
        f"{spec.hostname} by {spec.backend}, {spec.steering}: {', '.join(places)}",
        f"a dead region is noticed in {detection.told()}",
        f"RTO {told(spec.pair.objectives.rto)}",
    ]
    if settled.accepted:
        parts.append(f"{len(settled.accepted)} accepted")
    return "; ".join(parts)


def _state(active: bool, traffic: str) -> str:
    words = [word for word, on in (("active", active), (traffic, traffic != SERVE)) if on]
    return f" ({', '.join(words)})" if words else ""
