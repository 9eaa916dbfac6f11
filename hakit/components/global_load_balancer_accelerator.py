"""Global Accelerator's part of GlobalLoadBalancer."""

from dataclasses import dataclass
from typing import Any

import pulumi

from hakit.plan.traffic import accelerator
from hakit.plan.traffic.accelerator import AcceleratorPlan, AcceleratorSpec
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.intent import Traffic
from hakit.plan.traffic.spec import TrafficSpec


@dataclass(frozen=True)
class Prepared:
    """Everything that is decided before anything is registered."""

    hostname: str
    own: AcceleratorSpec
    plan: AcceleratorPlan
    edge_zone: str = ""

    @property
    def detection(self) -> Detection:
        return self.plan.detection


def prepare(spec: TrafficSpec, traffic: Traffic, _opts: pulumi.ResourceOptions | None) -> Prepared:
    own = accelerator.read(spec)
    return Prepared(spec.hostname, own, accelerator.plan(spec, own, traffic))


def create(name: str, parent: pulumi.Resource, prepared: Prepared) -> dict[str, Any]:
    """The resources, beneath the component; addresses, DNS name and the Services' annotations for its outputs."""
    from pulumi_aws import globalaccelerator as ga
    from pulumi_aws import route53 as dns

    own, plan = prepared.own, prepared.plan
    opts = pulumi.ResourceOptions(parent=parent)
    made: dict[str, Any] = dict(plan.accelerator)
    front = ga.Accelerator(f"{name}-accelerator", **made, opts=opts)
    listener = ga.Listener(f"{name}-listener", accelerator_arn=front.arn, **plan.listener, opts=opts)
    for region, inputs in plan.groups.items():
        group: dict[str, Any] = dict(inputs)
        ga.EndpointGroup(
            f"{name}-group-{region}",
            listener_arn=listener.arn,
            endpoint_configurations=[_endpoint(own, arn) for arn in own.endpoints[region]]
            if region in plan.open
            else [],
            **group,
            opts=opts,
        )
    if own.zone_id is not None:
        # Its addresses are always there: whether a region is healthy is not asked of the record.
        target: Any = {"name": front.dns_name, "zone_id": front.hosted_zone_id, "evaluate_target_health": False}
        dns.Record(f"{name}-record", zone_id=own.zone_id, name=prepared.hostname, type="A", aliases=[target], opts=opts)
    return {"dns_name": front.dns_name, "service_annotations": plan.annotations}


def _endpoint(own: AcceleratorSpec, arn: Any) -> Any:
    # 128 is the weight that AWS gives an endpoint; those of one region share alike.
    inputs = {"endpoint_id": arn, "weight": 128}
    if own.client_ip_preservation is not None:
        inputs["client_ip_preservation_enabled"] = own.client_ip_preservation
    return inputs
