"""The arguments of RegionPair.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict

import pulumi


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
    secret: str
    """Secret with `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`, in place of a role; for an S3 that is not Amazon's. New keys
    need new pods."""


class ReadyIngressArgs(TypedDict, total=False):
    """The Ingress for `/rpc/ready` alone, of the load balancer's host name and of the region's own under it."""

    hostname: Required[str]
    """GlobalLoadBalancer's: `shop.example.com`; `<region>.origin.shop.example.com` follows from it."""
    class_name: str
    """Of the ingress. Default: the cluster's default class."""
    tls_secret: str
    """Secret with a certificate for both names. Default: the ingress controller's own certificate."""
    annotations: dict[str, str]
    """What the ingress controller reads."""


class ReadyArgs(TypedDict, total=False):
    """A path for health checks, `/rpc/ready`, which answers 200 only where the pair's database takes writes: PostgREST
    on one function. GlobalLoadBalancer asks it with `health: {"ready": True}`."""

    database: str
    """The pair's database that is asked. Default: the only one."""
    image: str
    """PostgREST's, with a version or a digest. Default `docker.io/postgrest/postgrest:v14.17`."""
    password: pulumi.Input[str]
    """Of its login, the same on every side; hakit makes the Secret. This, or `secret`."""
    secret: str
    """A Secret of type kubernetes.io/basic-auth with `username: hakit_ready`, the same on every side."""
    ingress: ReadyIngressArgs
    """Default: none; then something else must lead `/rpc/ready` to the Service `<pair>-ready`, port 80."""


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
    ready: ReadyArgs
    """A path for health checks, for applications that have none. Default: none."""
    backups: dict[str, Any]
    """What the databases and the applications are backed up by: the arguments of BackupPlan, without `topology`, `pair`
    and `scope`. Every database of the pair is in it, and keeps the schedule and retention that it promises. Default:
    each database keeps its own `backup`, and nobody judges what that can keep."""
