"""AWS Global Accelerator: two addresses that never change, one endpoint group a region, as inputs of pulumi_aws 7.

An endpoint is a load balancer of the region. Whether it is healthy is what Elastic Load Balancing says of its targets:
the group's own check is for instances and addresses only ("Health checks for standard accelerators"). So the region's
Service must carry the annotations that `service_annotations` makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.traffic import aws, detection
from hakit.plan.traffic.detection import Detection, Term
from hakit.plan.traffic.intent import SERVE, Place, Traffic
from hakit.plan.traffic.spec import TrafficSpec

#: "in about 30 seconds or so" ("How failover works for unhealthy endpoints").
ROUTING = Term("routing", 30, "")
_LB = "service.beta.kubernetes.io/aws-load-balancer-"


@dataclass(frozen=True)
class AcceleratorSpec:
    """The arguments that only Global Accelerator has, checked.

    Attributes:
        endpoints: by region, ARNs of its load balancers, or Outputs.
        dials: by region, percent of the users who would be sent there; 100 where nothing is said.
        zone_id: Route 53's, of the host name; None where its record is made elsewhere.
        client_ip_preservation: None for the provider's default.
    """

    endpoints: Mapping[str, list[Any]] = field(repr=False)
    ports: tuple[int, ...]
    protocol: str
    dials: Mapping[str, float]
    zone_id: Any = field(repr=False)
    client_ip_preservation: bool | None


@dataclass(frozen=True)
class AcceleratorPlan:
    """Inputs by resource. Endpoints are to be put into those groups that `open` names."""

    accelerator: dict[str, Any]
    listener: dict[str, Any]
    groups: dict[str, dict[str, Any]]
    open: frozenset[str]
    annotations: dict[str, str]
    detection: Detection


def read(spec: TrafficSpec) -> AcceleratorSpec:
    """Global Accelerator's part of the arguments.

    Raises:
        HakitError: one is missing, wrong, or contradicts another.
    """
    own = spec.own
    endpoints = own.mapping("endpoints")
    if set(endpoints) != set(spec.pair.regions) or not all(
        isinstance(one, (list, tuple)) and one for one in endpoints.values()
    ):
        raise HakitError(
            "global_accelerator.endpoints: a list of load balancers for each region", where=spec.where,
            given=", ".join(sorted(endpoints)) or "nothing", allowed=", ".join(spec.pair.regions),
            do='give ARNs: {"us-east-1": ["arn:aws:elasticloadbalancing:..."], ...}',
        )  # fmt: skip
    dials = own.inner("dials", spec.pair.regions)
    if dials.given and spec.ordered:
        raise HakitError(
            "global_accelerator.dials: one region serves", where=spec.where, given="active-passive",
            do="leave them out: the active region has 100, the others 0",
        )  # fmt: skip
    return AcceleratorSpec(
        endpoints={region: list(arns) for region, arns in endpoints.items()},
        ports=_ports(spec),
        protocol=own.word("protocol", ("TCP", "UDP"), "TCP"),
        dials={region: dials.decimal(region, least=0, most=100) for region in dials.given},
        zone_id=own.given.get("zone_id"),
        client_ip_preservation=own.maybe_flag("client_ip_preservation"),
    )


def _ports(spec: TrafficSpec) -> tuple[int, ...]:
    ports = spec.own.given.get("ports", [443])
    if not isinstance(ports, (list, tuple)) or not ports or not all(_is_port(port) for port in ports):
        raise HakitError(
            "global_accelerator.ports: not a list of ports", where=spec.where, given=ports, allowed="such as [443]"
        )
    return tuple(sorted({int(port) for port in ports}))


def _is_port(value: object) -> bool:
    """Whether it is one; a plugin hands every number over as a float."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value) and 0 < value < 65_536
    )


def plan(spec: TrafficSpec, own: AcceleratorSpec, traffic: Traffic) -> AcceleratorPlan:
    """The inputs of every resource."""
    return AcceleratorPlan(
        accelerator={
            "name": f"{spec.topology.name}-{spec.topology.environment}-{spec.name}"[:64].rstrip("-"),
            "ip_address_type": "IPV4",
            "enabled": True,
        },
        listener={
            "protocol": own.protocol,
            "port_ranges": [{"from_port": port, "to_port": port} for port in own.ports],
            "client_affinity": spec.affinity.by.upper(),
        },
        groups={place.region: _group(spec, own, place) for place in traffic.places},
        open=frozenset(place.region for place in traffic.places if not place.fenced),
        annotations=service_annotations(spec),
        detection=_detection(spec),
    )


def _group(spec: TrafficSpec, own: AcceleratorSpec, place: Place) -> dict[str, Any]:
    """A dial of zero keeps new users away, but not those of a region that failed: a failover ignores dials ("How
    failover works for unhealthy endpoints"). Only a group without endpoints gets nobody, so a fenced region has none.
    """
    check = spec.health
    return {
        "endpoint_group_region": aws.aws_region(spec, place),
        "traffic_dial_percentage": _dial(spec, own, place),
        "health_check_protocol": check.type.upper(),
        "health_check_path": check.path,
        "health_check_port": check.port,
        "health_check_interval_seconds": 10 if check.interval <= 10 else 30,
        "threshold_count": check.down,
    }


def _dial(spec: TrafficSpec, own: AcceleratorSpec, place: Place) -> float:
    if place.traffic != SERVE or (spec.ordered and not place.active):
        return 0
    return own.dials.get(place.region, 100)


def service_annotations(spec: TrafficSpec) -> dict[str, str]:
    """What the Service in front of a region's cluster must carry: an NLB of the AWS Load Balancer Controller with this
    check (guide/service/annotations). `external`, as `nlb` is the old in-tree controller's; cross-zone as an attribute,
    as the annotation of its own is deprecated."""
    check = spec.health
    annotations = {
        "type": "external",
        "nlb-target-type": "ip",
        "scheme": "internet-facing",
        "attributes": "load_balancing.cross_zone.enabled=true",
        "healthcheck-protocol": check.type,
        "healthcheck-path": check.path,
        "healthcheck-success-codes": check.codes,
        "healthcheck-interval": str(check.interval),
        "healthcheck-timeout": str(check.timeout),
        "healthcheck-healthy-threshold": str(check.up),
        "healthcheck-unhealthy-threshold": str(check.down),
    }
    if not check.usual_port:
        annotations["healthcheck-port"] = str(check.port)
    return {f"{_LB}{key}": value for key, value in annotations.items()}


def _detection(spec: TrafficSpec) -> Detection:
    check = spec.health
    # ModifyTargetGroup: 5 to 300 s; 2 to 120 s; 2 to 10.
    for key, value, least, most in (
        ("interval", check.interval, 5, 300),
        ("timeout", check.timeout, 2, 120),
        ("consecutive_down", check.down, 2, 10),
        ("consecutive_up", check.up, 2, 10),
    ):
        if not least <= value <= most:
            raise HakitError(
                f"health.{key}: out of a target group's range", where=spec.where, given=value,
                allowed=f"{least} to {most}",
            )  # fmt: skip
    return Detection((detection.checks(check.interval, check.down), detection.timeouts(check.timeout, 1), ROUTING))
