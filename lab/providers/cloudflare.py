"""A stand-in for the Cloudflare provider: what was made is kept in the store, and its rules refuse what the API would.

What it does not prove: that Cloudflare accepts what no rule here refuses, and that a packet goes where it should; it
answers no DNS query and checks no health.
"""

import datetime as dt
import secrets
from typing import Any

from lab.providers.cloud import Cloud, CloudError, Object, Rule
from lab.providers.store import Store

BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"

#: Asked by every Check before anything is made: see `lab.providers.cloud.Rule`. The load balancer's limits belong here.
RULES: tuple[Rule, ...] = ()


class Cloudflare(Cloud):
    package = "cloudflare"
    version = "6.23.1"
    rules = RULES

    def replaced_by_of(self, type_: str) -> tuple[str, ...]:  # noqa: ARG002
        """`account_id` and `zone_id` have RequiresReplace in the schemas of terraform-provider-cloudflare v5
        (internal/services/load_balancer{,_pool,_monitor}/schema.go)."""
        return ("accountId", "zoneId")

    def make(self, type_: str, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        identity = secrets.token_hex(16)  # identifiers have 32 characters, as in the API's schemas (maxLength: 32)
        now = dt.datetime.now(dt.UTC).isoformat()
        made_up = {name: now for name in ("createdOn", "modifiedOn") if name in self._outputs(type_)}
        outputs = made_up | inputs
        self.store.put(type_, identity, outputs)
        return identity, outputs

    def remove(self, type_: str, identity: str, state: Object, settings: Object) -> None:
        """A pool or monitor that something still uses stays, with Cloudflare's own words
        (cloudflare/terraform-provider-cloudflare#66)."""
        if users := users_of(type_, identity, self.store):
            refused = "HTTP status 412: This object is referenced by other objects, delete them first. (1005)"
            raise CloudError(f"{refused} {identity} is used by {', '.join(users)}")
        super().remove(type_, identity, state, settings)


def users_of(type_: str, identity: str, store: Store) -> list[str]:
    """The ids of the load balancers that name a pool, or of the pools that name a monitor."""
    by = {POOL: BALANCER, MONITOR: POOL}.get(type_)
    return [user for user, properties in store.all(by).items() if _names(properties, identity)] if by else []


def _names(value: Any, identity: str) -> bool:
    if isinstance(value, dict):
        return any(_names(each, identity) for each in value.values())
    if isinstance(value, list):
        return any(_names(each, identity) for each in value)
    return value == identity
