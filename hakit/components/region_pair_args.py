"""The arguments of RegionPair.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict


class FenceArgs(TypedDict, total=False):
    """The fence of a pair: it stops this region's primary when the pair's witness, which the topology names, says that
    another region has overtaken it."""

    image: Required[str]
    """A container image with Python 3.10 or newer as `python`, pinned by digest: `<name>@sha256:<digest>`."""
    every: int
    """Seconds between two readings. Default 2."""
    unreachable_after: int
    """Seconds without a readable witness after which this region's primaries are fenced too. Default: never, as then
    the loss of the witness alone would stop a healthy database."""
    role_arn: str
    """IAM role of its service account (IRSA), which may read the witness."""


class RegionPairArgs(TypedDict, total=False):
    """What a RegionPair is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    scope: Required[str]
    """The region that this program deploys; `all` for one program that deploys every region of the pair, with a
    Kubernetes provider of its own for each."""
    pair: str
    """Pair of the topology. Default: the component's name."""
    namespace: str
    """Namespace of databases and applications; it must be there (`RegionBase` makes it). Default: the pair's name."""
    databases: dict[str, dict[str, Any]]
    """By name as the topology lists them, the arguments of PostgresCluster, without `topology`, `pair`, `scope`,
    `database` and `namespace`. Every database that the topology lists for the pair must be here."""
    apps: dict[str, dict[str, Any]]
    """By name, which is the Helm release's name too, the arguments of ZonalApp, without `topology`, `pair` and `scope`,
    and two of the pair's own. `database`: the pair's database that the application uses; it is deployed after it.
    `database_values`: where the chart's values take what the application must know of that database, by path in the
    values one of `host`, `port`, `name`, `user`, `secret` (the name of the Secret with user and password)."""
    fence: FenceArgs
    """The fence in each region. Default: none, and then a region that was cut and comes back has a second primary until
    its own stack is updated."""
