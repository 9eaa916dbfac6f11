"""GlobalLoadBalancer: one name, and the regions that serve it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pulumi

from hakit.components.global_load_balancer_args import GlobalLoadBalancerArgs
from hakit.components.project import load_topology
from hakit.errors import HakitError
from hakit.findings import AppReport, report, settle
from hakit.plan.traffic import backends, intent, judge, spec

#: Where each back end's resources are made; imported when it is used, as a provider's SDK takes seconds to load.
_HOMES = {
    backends.CLOUDFLARE: "hakit.components.global_load_balancer_cloudflare",
    backends.ROUTE53: "hakit.components.global_load_balancer_route53",
    backends.ACCELERATOR: "hakit.components.global_load_balancer_accelerator",
    backends.EXTERNAL_DNS: "hakit.components.global_load_balancer_external_dns",
}

#: Outputs that one back end has; with the others they are empty.
_OF_ONE_BACK_END: dict[str, Any] = {"health_checks": {}, "dns_name": "", "service_annotations": {}, "annotations": {}}


class GlobalLoadBalancer(pulumi.ComponentResource):
    """Sends users to a region that can serve them, and stops sending them to one that cannot.

    Creates, with Cloudflare:
        - a `LoadBalancerMonitor` `<name>-monitor`;
        - a `LoadBalancerPool` `<name>-pool-<region>` for each region of the pair, whatever its state;
        - a `LoadBalancer` `<name>-balancer`;
        - a `NotificationPolicy` `<name>-notification`, with `notify`.
    With Route 53, for each region:
        - a `HealthCheck` `<name>-check-<region>`, which asks it, and with `routing_controls` `<name>-control-<region>`;
        - a `HealthCheck` `<name>-switch-<region>`, calculated from them;
        - a `Record` `<name>-record-<region>`; with failover steering `<name>-record-primary` and `-secondary` instead.
    With Global Accelerator:
        - an `Accelerator` `<name>-accelerator` and a `Listener` `<name>-listener`;
        - an `EndpointGroup` `<name>-group-<region>` for each region;
        - a `Record` `<name>-record`, with `zone_id`.
    With external-dns, in the cluster of the region that `scope` names:
        - a `DNSEndpoint` `<name>-record-<region>`.

    Raises:
        HakitError: an argument is wrong, or asks for more than was bought.
        FindingsError: something would not hold that `accept` does not name. Nothing is registered then.
    """

    hostname: pulumi.Output[str]
    """The name that users ask for."""
    active: pulumi.Output[str]
    """Region where the pair is active."""
    traffic: pulumi.Output[dict[str, str]]
    """`serve`, `drain` or `fence` of each region."""
    origins: pulumi.Output[dict[str, list[str]]]
    """By region, the addresses that its users' requests come to: names that DNS must have; not with Global Accelerator,
    which has endpoints."""
    order: pulumi.Output[list[str]]
    """Regions that may get users, in the order in which they are tried."""
    fallback: pulumi.Output[str]
    """Region that gets the users when no region is healthy."""
    detection_seconds: pulumi.Output[int]
    """How long a dead region keeps its users, at most, by the settings alone."""
    detection: pulumi.Output[str]
    """The same with its terms, the largest named."""
    summary: pulumi.Output[str]
    """One line of all this."""
    accepted: pulumi.Output[list[dict[str, str]]]
    """The findings that were let through, with their reasons."""
    health_checks: pulumi.Output[dict[str, str]]
    """Route 53: by region, the id of its calculated health check."""
    dns_name: pulumi.Output[str]
    """Global Accelerator: the name that the host name must point at."""
    service_annotations: pulumi.Output[dict[str, str]]
    """Global Accelerator: what the Service in front of each cluster must carry."""
    annotations: pulumi.Output[dict[str, str]]
    """external-dns: the same record as annotations of a Service or Ingress; empty while the region is drained."""

    def __init__(self, name: str, args: GlobalLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = spec.specify(name, args, _topology(name, args))
        traffic = intent.intent(wanted)
        home = import_module(_HOMES[wanted.backend])
        prepared = home.prepare(wanted, traffic, opts)
        found = judge.judge(
            wanted,
            traffic,
            prepared.detection,
            edge_zone=prepared.edge_zone,
            unchecked=getattr(prepared, "unchecked", ""),
        )
        settled = settle(found, wanted.accept, wanted.where, judge.in_other_states(wanted))
        line = judge.summary(wanted, traffic, prepared.detection, settled)
        report(AppReport(name, wanted.scope, "", settled, summary=line, component="GlobalLoadBalancer"))

        super().__init__("hakit:index:GlobalLoadBalancer", name, None, opts)
        more = {**_OF_ONE_BACK_END, **home.create(name, self, prepared)}
        outputs: dict[str, Any] = {
            "hostname": wanted.hostname,
            "active": next(place.region for place in traffic.places if place.active),
            "traffic": {place.region: place.traffic for place in traffic.places},
            "origins": _origins(wanted),
            "order": [place.region for place in traffic.listed],
            "fallback": traffic.fallback,
            "detection_seconds": prepared.detection.seconds,
            "detection": prepared.detection.told(),
            "summary": line,
            "accepted": [each.as_dict() for each in settled.accepted],
            **more,
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _origins(wanted: spec.TrafficSpec) -> dict[str, list[str]]:
    if wanted.backend == backends.ACCELERATOR:
        return {}
    return {region: [origin.address for origin in origins] for region, origins in wanted.origins.items()}


def _topology(name: str, args: Any) -> Any:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str):
        raise HakitError(
            "topology is missing", where=f"GlobalLoadBalancer {name!r}",
            do="name the topology's file, relative to the folder of Pulumi.yaml",
        )  # fmt: skip
    return load_topology(path)
