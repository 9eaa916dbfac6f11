"""Cloudflare's part of GlobalLoadBalancer. pulumi_cloudflare takes seconds to import: only `create` does."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hakit.plan.traffic import cloudflare, cloudflare_spec
from hakit.plan.traffic.cloudflare import CloudflarePlan
from hakit.plan.traffic.cloudflare_spec import CloudflareSpec
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.intent import Traffic
from hakit.plan.traffic.spec import TrafficSpec


@dataclass(frozen=True)
class Prepared:
    """Everything that is decided before anything is registered."""

    own: CloudflareSpec
    plan: CloudflarePlan

    @property
    def detection(self) -> Detection:
        return self.plan.detection

    @property
    def edge_zone(self) -> str:
        """The zone whose Universal SSL is what users see."""
        return self.own.zone if self.own.proxied and self.own.universal_ssl else ""


def prepare(spec: TrafficSpec, traffic: Traffic, _opts: pulumi.ResourceOptions | None) -> Prepared:
    own = cloudflare_spec.read(spec)
    return Prepared(own, cloudflare.plan(spec, own, traffic))


def create(name: str, parent: pulumi.Resource, prepared: Prepared) -> dict[str, Any]:
    """The resources, beneath the component; nothing to add to its outputs."""
    cf = _provider()
    own, plan = prepared.own, prepared.plan
    opts = pulumi.ResourceOptions(parent=parent)
    monitor = cf.LoadBalancerMonitor(f"{name}-monitor", account_id=own.account_id, **plan.monitor, opts=opts)
    pools = {
        region: cf.LoadBalancerPool(
            f"{name}-pool-{region}", account_id=own.account_id, monitor=monitor.id, **inputs, opts=opts
        )
        for region, inputs in plan.pools.items()
    }
    ids: dict[str, pulumi.Output[str]] = {region: pool.id for region, pool in pools.items()}
    cf.LoadBalancer(f"{name}-balancer", zone_id=own.zone_id, **_with_ids(plan.load_balancer, ids), opts=opts)
    if plan.notification:
        filters = {"pool_ids": _ids(plan.notification["filters"]["pool_ids"], ids)}
        inputs: dict[str, Any] = {**plan.notification, "filters": filters}
        cf.NotificationPolicy(f"{name}-notification", account_id=own.account_id, **inputs, opts=opts)
    return {}


def _provider() -> Any:
    """The SDK, which at import warns of deprecated names of its own, used or not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "cloudflare.index", DeprecationWarning)
        import pulumi_cloudflare
    return pulumi_cloudflare


def _ids(regions: Sequence[str], ids: Mapping[str, pulumi.Output[str]]) -> list[pulumi.Output[str]]:
    return [ids[region] for region in regions]


def _with_ids(inputs: Mapping[str, Any], ids: Mapping[str, pulumi.Output[str]]) -> dict[str, Any]:
    """The load balancer's inputs with the id of each region's pool where the plan has the region."""
    done = dict(inputs)
    done["default_pools"] = _ids(inputs["default_pools"], ids)
    done["fallback_pool"] = ids[inputs["fallback_pool"]]
    if "region_pools" in inputs:
        done["region_pools"] = {code: _ids(order, ids) for code, order in inputs["region_pools"].items()}
    if "random_steering" in inputs:
        steering = inputs["random_steering"]
        done["random_steering"] = {**steering, "pool_weights": _weights(steering["pool_weights"], ids)}
    return done


def _weights(by_region: Mapping[str, float], ids: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[dict[str, float]]:
    """Weights by id: ids are known only later, so the mapping as a whole is."""
    regions = sorted(by_region)
    return pulumi.Output.all(*_ids(regions, ids)).apply(
        lambda known: {one: by_region[region] for one, region in zip(known, regions, strict=True)}
    )
