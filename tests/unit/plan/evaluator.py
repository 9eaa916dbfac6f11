"""What IAM would say, asked of Principal Mapper (NCC Group), which evaluates policies by the rules of IAM.

An action is allowed if a statement allows it and none denies it. What this does not prove: what the services make of
an action beyond its name (which context keys they set, that HeadBucket asks for s3:ListBucket), boundaries, policies of
the organization, and sessions.
"""

import collections
import collections.abc
from typing import Any

# Principal Mapper is older than Python 3.10, which took these names away; it imports them and has no other trouble.
for _name in ("Mapping", "MutableMapping"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

from principalmapper.querying.local_policy_simulation import policy_has_matching_statement  # noqa: E402
from principalmapper.util.case_insensitive_dict import CaseInsensitiveDict  # noqa: E402

Context = dict[str, str]


def allowed(policy: dict[str, Any], action: str, resource: str = "*", context: Context | None = None) -> bool:
    """Whether an identity with this policy may do it."""
    return _matches(policy, "Allow", action, resource, context) and not denied(policy, action, resource, context)


def denied(policy: dict[str, Any], action: str, resource: str = "*", context: Context | None = None) -> bool:
    """Whether a statement denies it, which nothing else can overrule."""
    return _matches(policy, "Deny", action, resource, context)


def _matches(policy: dict[str, Any], effect: str, action: str, resource: str, context: Context | None) -> bool:
    return policy_has_matching_statement(policy, effect, action, resource, CaseInsensitiveDict(context or {}))
