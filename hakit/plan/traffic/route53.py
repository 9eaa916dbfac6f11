"""Route 53: health checks and one record a region, as inputs of pulumi_aws 7.

Failover is the data plane's: health checkers and name servers, spread over the world. Changing a record or a drain is
the control plane's, which is in us-east-1; with routing controls there is a switch that is not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.traffic import aws
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.intent import SERVE, Place, Traffic
from hakit.plan.traffic.spec import TrafficSpec, zone_of

_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
#: Of an alias to a load balancer (Developer Guide, "Choosing between alias and non-alias records").
ALIAS_TTL = 60
#: Route 53 searches the first 5,120 bytes for at most 255 characters.
LONGEST_BODY = 255


@dataclass(frozen=True)
class Route53Spec:
    """The arguments that only Route 53 has, checked.

    Attributes:
        zone_id: the hosted zone's id, or an Output.
        zone: its name; empty when it was not told.
        controls: by region, ARN of a routing control; empty without any.
        alias: by region, `name` and `zone_id` of the load balancer that an alias record points at; empty for CNAMEs.
        bias: by region, of geoproximity.
    """

    zone_id: Any = field(repr=False)
    zone: str
    controls: Mapping[str, Any]
    alias: Mapping[str, Mapping[str, Any]]
    bias: Mapping[str, int]


@dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        region: whose address it is, and whose switch decides.
        inputs: without the zone's id and the id of the health check.
    """

    region: str
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Route53Plan:
    """Inputs by resource.

    Attributes:
        checks: by region: asks it.
        controls: by region: follows its routing control; empty without any.
        switches: by region: healthy when the others of the region are, and never while it is drained. The ids of its
            children are to be put in.
        records: by the last part of the resource's name.
    """

    checks: dict[str, dict[str, Any]]
    controls: dict[str, dict[str, Any]]
    switches: dict[str, dict[str, Any]]
    records: dict[str, Record]
    detection: Detection


def read(spec: TrafficSpec) -> Route53Spec:
    """Route 53's part of the arguments.

    Raises:
        HakitError: one is missing, wrong, or contradicts another.
    """
    own = spec.own
    if "zone_id" not in own:
        raise own.missing("zone_id", "it is the hosted zone's, as in Z0123456789ABCDEFGHIJ")
    controls, alias = own.mapping("routing_controls"), own.mapping("alias")
    for key, given in (("routing_controls", controls), ("alias", alias)):
        if given and set(given) != set(spec.pair.regions):
            raise HakitError(
                f"route53.{key}: all regions of the pair, or none", where=spec.where, given=", ".join(sorted(given)),
                allowed=", ".join(spec.pair.regions),
            )  # fmt: skip
    zone = zone_of(own, spec.hostname)
    if zone == spec.hostname and not alias:
        raise HakitError(
            "hostname: a zone's own name cannot be a CNAME", where=spec.where, given=spec.hostname,
            do="name each region's load balancer in route53.alias",
        )  # fmt: skip
    if spec.steering == "failover" and len(spec.pair.regions) != 2:
        raise HakitError(
            "steering: failover records have two places", where=spec.where, given=f"{len(spec.pair.regions)} regions",
            do="choose ordered, which has as many as there are regions",
        )  # fmt: skip
    if alias and spec.ttl != ALIAS_TTL:
        raise HakitError(
            "ttl: an alias has its load balancer's", where=spec.where, given=f"{spec.ttl} s", allowed=f"{ALIAS_TTL} s",
            do="leave it out",
        )  # fmt: skip
    for region, target in alias.items():
        inner = own.inner("alias", spec.pair.regions).inner(region, ("name", "zone_id"))
        if "name" not in inner or "zone_id" not in inner:
            raise inner.missing(
                "name and zone_id", f"both are attributes of the load balancer; given: {sorted(target)}"
            )
    return Route53Spec(own.given["zone_id"], zone, controls, alias, aws.read_bias(spec))


def plan(spec: TrafficSpec, own: Route53Spec, traffic: Traffic) -> Route53Plan:
    """The inputs of every resource.

    Raises:
        HakitError: something that Route 53 does not have is asked for.
    """
    aws.check_settings(spec)
    if len(spec.health.body) > LONGEST_BODY:
        raise HakitError(
            "health.expected_body: too long for Route 53", where=spec.where,
            given=f"{len(spec.health.body)} characters", allowed=f"up to {LONGEST_BODY}",
        )  # fmt: skip
    children = 2 if own.controls else 1
    return Route53Plan(
        checks={place.region: _check(spec, place) for place in traffic.places},
        controls={
            place.region: {"type": "RECOVERY_CONTROL", "tags": _tags(spec, "control", place)}
            for place in traffic.places
            if own.controls
        },
        switches={place.region: _switch(spec, place, children) for place in traffic.places},
        records=_records(spec, own, traffic),
        detection=aws.dns_detection(spec),
    )


def _tags(spec: TrafficSpec, what: str, place: Place) -> dict[str, str]:
    return {"Name": f"{spec.hostname} {what} {place.region}"}


def _check(spec: TrafficSpec, place: Place) -> dict[str, Any]:
    """Asks the origin under its own name, which is Host and SNI too; an address is asked for the host name."""
    check, address = spec.health, aws.one_origin(spec, place)
    kind = check.type.upper() + ("_STR_MATCH" if check.body else "")
    inputs: dict[str, Any] = {
        "type": kind,
        "port": check.port,
        "resource_path": check.path,
        "request_interval": check.interval,
        "failure_threshold": check.down,
        "enable_sni": check.type == "https",
        "tags": _tags(spec, "check", place),
    }
    if _IPV4.fullmatch(address):
        inputs |= {"ip_address": address, "fqdn": spec.hostname}
    else:
        inputs["fqdn"] = address
    if check.body:
        inputs["search_string"] = check.body
    return inputs


def _switch(spec: TrafficSpec, place: Place, children: int) -> dict[str, Any]:
    """All of its children must be healthy; of a region that takes nobody one more than there are, which is never
    (API reference, HealthCheckConfig, HealthThreshold)."""
    return {
        "type": "CALCULATED",
        "child_health_threshold": children if place.traffic == SERVE else children + 1,
        "tags": _tags(spec, "switch", place),
    }


def _records(spec: TrafficSpec, own: Route53Spec, traffic: Traffic) -> dict[str, Record]:
    """A fenced region has none: Route 53 answers with an unhealthy record when no other is left."""
    places = [place for place in traffic.places if not place.fenced]
    if spec.steering == "failover":
        # Named by place, not by region: at a handover each record changes on its own, and there never are two of one.
        return {
            word.lower(): Record(
                place.region,
                {
                    **_answer(spec, own, place),
                    "set_identifier": word.lower(),
                    "failover_routing_policies": [{"type": word}],
                },
            )
            for word, place in zip(("PRIMARY", "SECONDARY"), places, strict=False)
        }
    return {place.region: Record(place.region, _record(spec, own, place)) for place in places}


def _record(spec: TrafficSpec, own: Route53Spec, place: Place) -> dict[str, Any]:
    inputs = {**_answer(spec, own, place), "set_identifier": place.region}
    if spec.steering == "latency":
        return {**inputs, "latency_routing_policies": [{"region": aws.aws_region(spec, place)}]}
    if spec.steering == "proximity":
        bias = own.bias.get(place.region, 0)
        return {**inputs, "geoproximity_routing_policy": aws.geoproximity(spec, place, bias)}
    return {**inputs, "weighted_routing_policies": [{"weight": aws.weight(spec, place)}]}


def _answer(spec: TrafficSpec, own: Route53Spec, place: Place) -> dict[str, Any]:
    address = aws.one_origin(spec, place)
    if own.alias:
        target = {**own.alias[place.region], "evaluate_target_health": True}
        return {"name": spec.hostname, "type": "A", "aliases": [target]}
    addresses = {bool(_IPV4.fullmatch(origin.address)) for origins in spec.origins.values() for origin in origins}
    if len(addresses) > 1:
        raise HakitError(
            "origins: host names and addresses", where=spec.where, given="both",
            do="give all regions the one or the other: records of one name have one type",
        )  # fmt: skip
    kind = "A" if _IPV4.fullmatch(address) else "CNAME"
    return {"name": spec.hostname, "type": kind, "ttl": spec.ttl, "records": [address]}
