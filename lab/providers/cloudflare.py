"""A stand-in for the Cloudflare provider: what was made is kept in the store, and its rules refuse what the API would.

The rules are those of `lab.edge`. A check asks those that need no more than the inputs and what they name; a write
asks all of them, quotas and unique names too, as with Cloudflare's own API. What the account has bought is in the
store, under ACCOUNT: the fields of `lab.edge.account.Account`.

What it does not prove: that Cloudflare accepts what no rule here refuses, and that a packet goes where it should; it
answers no DNS query and checks no health. `lab.edge` plays that.
"""

import datetime as dt
import secrets
from typing import Any

from lab.edge.account import Account, kind_of
from lab.edge.checking import WITH_OTHERS, check
from lab.providers.cloud import Cloud, CloudError, Object, Rule
from lab.providers.store import Store

BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"

#: The one thing of the store that no program made: what the account has bought.
ACCOUNT = "lab:cloudflare:Account"


def account_of(store: Store) -> Account:
    """What was bought, and all that exists."""
    objects = {kind_of(type_): store.all(type_) for type_ in (MONITOR, POOL, BALANCER)}
    return Account(**(store.find(ACCOUNT, "account") or {}), objects=objects)


def documented_limits(type_: str, inputs: Object, store: Store) -> list[tuple[str, str]]:
    """What the documentation refuses, without what needs an id of its own."""
    found = [each for each in check(type_, inputs, account_of(store)) if each.rule not in WITH_OTHERS]
    return [(each.property, f"{each.reason} ({each.page})") for each in found]


#: Asked by every Check before anything is made: see `lab.providers.cloud.Rule`.
RULES: tuple[Rule, ...] = (documented_limits,)


class Cloudflare(Cloud):
    package = "cloudflare"
    version = "6.23.1"
    rules = RULES

    def replaced_by_of(self, type_: str) -> tuple[str, ...]:  # noqa: ARG002
        """`account_id` and `zone_id` have RequiresReplace in the schemas of terraform-provider-cloudflare v5
        (internal/services/load_balancer{,_pool,_monitor}/schema.go)."""
        return ("accountId", "zoneId")

    def make(self, type_: str, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        self._refuse(type_, inputs, None)
        identity = secrets.token_hex(16)  # identifiers have 32 characters, as in the API's schemas (maxLength: 32)
        now = dt.datetime.now(dt.UTC).isoformat()
        made_up = {name: now for name in ("createdOn", "modifiedOn") if name in self._outputs(type_)}
        outputs = made_up | inputs
        self.store.put(type_, identity, outputs)
        return identity, outputs

    def change(self, type_: str, identity: str, state: Object, wanted: Object, settings: Object) -> Object:
        self._refuse(type_, wanted, identity)
        return super().change(type_, identity, state, wanted, settings)

    def _refuse(self, type_: str, inputs: Object, own: str | None) -> None:
        """As the API does: HTTP 400, code 1002, validation failed (terraform-provider-cloudflare issue 133)."""
        if found := check(type_, inputs, account_of(self.store), own):
            said = "; ".join(f"{each.property} {each.reason}".strip() for each in found)
            raise CloudError(f"HTTP status 400: {said} (1002)")

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
