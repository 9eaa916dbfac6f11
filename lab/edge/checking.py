"""What Cloudflare refuses: `check` before an object is written, `check_delete` before it goes.

Rules that a page words as advice («will not function as expected») refuse here too: what a load balancer would silently
do otherwise is what a test wants to hear of.
"""

from typing import NamedTuple

from lab.edge import balancer_rules, monitor_rules, pool_rules  # noqa: F401  each registers its own
from lab.edge.account import BALANCER, POOL, Account, Inputs, kind_of, known, pool_references
from lab.edge.registry import RULES


class Failure(NamedTuple):
    """One refusal: which property, why, the rule's name and the documentation that says so."""

    property: str
    reason: str
    rule: str
    page: str


def check(kind: str, inputs: Inputs, store: Account, own: str | None = None) -> list[Failure]:
    """Every reason to refuse an object, which `own` names when it exists already.

    `kind` may be the whole type token. Objects of other kinds are never refused. What a preview does not know yet is
    left alone: the same check runs again when it is known.
    """
    plain, name, rest = known(inputs), kind_of(kind), store.without(own)
    return [
        Failure(where, why, each.name, each.page)
        for each in RULES
        if each.kind == name
        for where, why in each.find(plain, rest)
    ]


#: Rules that count or compare objects of the same kind: whoever does not know whether an object exists already, and
#: under which id, leaves them to the write.
WITH_OTHERS = frozenset(
    (
        "names_are_unique",
        "monitors_are_not_more_than_half_again_the_pools",
        "pools_and_endpoints_are_bought",
        "load_balancers_are_bought",
    )
)

DELETE_PAGE = "load-balancing/pools/create-pool/#delete-a-pool"


def check_delete(kind: str, identity: str, store: Account) -> list[Failure]:
    """«You cannot delete pools that are in use by load balancers», which includes geo steering and fallback pools,
    whatever the steering policy is by now (steering-policies/geo-steering/#region-steering)."""
    if kind_of(kind) != POOL:
        return []
    users = [
        (each["name"], path)
        for each in store.objects[BALANCER].values()
        for path, pool in pool_references(known(each))
        if pool == identity
    ]
    return [
        Failure("id", f"pool is referenced by {path} of load balancer {name}", "a_pool_in_use_stays", DELETE_PAGE)
        for name, path in users
    ]
