"""The arguments of RcloneCopy.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict


class RcloneStoreArgs(TypedDict, total=False):
    """A bucket that speaks S3."""

    bucket: Required[str]
    """Its name."""
    prefix: str
    """Folder in it. Default: the whole bucket."""
    provider: str
    """As rclone calls it: `AWS`, `Minio`, `Ceph` ... Default `AWS`, with an endpoint `Other`."""
    endpoint: str
    """Address, https://..., where it is not AWS."""
    region: str
    """Region that requests are signed for. Default: the region's name in the topology."""
    secret: str
    """Secret with `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`. Default: the pod's own identity."""


class RcloneCopyArgs(TypedDict, total=False):
    """What a RcloneCopy is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology: its active region's bucket is copied to the others."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    namespace: Required[str]
    """Namespace of the CronJob; it must be there."""
    stores: Required[dict[str, RcloneStoreArgs]]
    """The bucket of each region of the pair."""
    every: int
    """Minutes, a part of an hour. Default 15."""
    rpo: int
    """Seconds of changes that may be lost; twice `every` or more. Default: the pair's `objectives.rpo`."""
    changed: str
    """An object that is there already and differs: `refuse`, the default (the rest is copied, and the Job fails), or
    `overwrite`, unless the one there is newer."""
    propagate_deletions: str
    """Why what is deleted at the source is moved away at the target too. Default: it stays."""
    max_deletions: int
    """Deletions in one run above which it fails. Default 100."""
    service_account: str
    """Service account of the pod, whose role reaches the buckets. Default: the namespace's own."""
    image: str
    """Image of rclone, with its version. Default: 1.75.2."""
    resources: dict[str, Any]
    """Resources, as Kubernetes writes them."""
