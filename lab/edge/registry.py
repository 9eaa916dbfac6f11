"""The rules of the stand-in: each cites the page of developers.cloudflare.com that it comes from."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lab.edge.account import Account, Inputs

#: What a rule finds: the property, and why it is refused.
Found = Iterator[tuple[str, str]]
Find = Callable[[Inputs, Account], Found]


class Rule(NamedTuple):
    name: str
    kind: str
    page: str
    find: Find


RULES: list[Rule] = []


def rule(kind: str, page: str) -> Callable[[Find], Find]:
    """Registers a rule for one kind of object, under its function's name.

    `page` is a path of developers.cloudflare.com; `provider` stands for the descriptions of a resource's arguments,
    which come from Cloudflare's API schema and which pulumi_cloudflare 6.23 repeats."""

    def register(find: Find) -> Find:
        RULES.append(Rule(getattr(find, "__name__", ""), kind, page, find))
        return find

    return register
