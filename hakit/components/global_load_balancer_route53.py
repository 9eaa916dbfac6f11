"""Route 53's part of GlobalLoadBalancer."""

from dataclasses import dataclass
from typing import Any

import pulumi

from hakit.plan.traffic import route53
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.intent import Traffic
from hakit.plan.traffic.route53 import Route53Plan, Route53Spec
from hakit.plan.traffic.spec import TrafficSpec


@dataclass(frozen=True)
class Prepared:
    """Everything that is decided before anything is registered."""

    own: Route53Spec
    plan: Route53Plan
    edge_zone: str = ""

    @property
    def detection(self) -> Detection:
        return self.plan.detection


def prepare(spec: TrafficSpec, traffic: Traffic, _opts: pulumi.ResourceOptions | None) -> Prepared:
    own = route53.read(spec)
    return Prepared(own, route53.plan(spec, own, traffic))


def create(name: str, parent: pulumi.Resource, prepared: Prepared) -> dict[str, Any]:
    """The resources, beneath the component; the ids of the health checks for its outputs."""
    from pulumi_aws import route53 as dns

    own, plan = prepared.own, prepared.plan
    opts = pulumi.ResourceOptions(parent=parent)
    switches = {}
    for region, inputs in plan.checks.items():
        check: dict[str, Any] = dict(inputs)
        children = [dns.HealthCheck(f"{name}-check-{region}", **check, opts=opts).id]
        if own.controls:
            control: dict[str, Any] = dict(plan.controls[region])
            arn = own.controls[region]
            follower = dns.HealthCheck(f"{name}-control-{region}", routing_control_arn=arn, **control, opts=opts)
            children.append(follower.id)
        switch: dict[str, Any] = dict(plan.switches[region])
        made = dns.HealthCheck(f"{name}-switch-{region}", child_healthchecks=children, **switch, opts=opts)
        switches[region] = made.id
    for last, record in plan.records.items():
        inputs: dict[str, Any] = dict(record.inputs)
        dns.Record(
            f"{name}-record-{last}",
            zone_id=own.zone_id,
            health_check_id=switches[record.region],
            **inputs,
            opts=opts,
        )
    return {"health_checks": switches}
