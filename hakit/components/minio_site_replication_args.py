"""The arguments of MinioSiteReplication.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Required, TypedDict


class MinioSiteArgs(TypedDict, total=False):
    """A MinIO deployment that is there."""

    endpoint: Required[str]
    """Address that every other site and the Job reach it by, https://..., of its load balancer."""
    secret: Required[str]
    """Secret with the root user's `ACCESS_KEY_ID` and `ACCESS_SECRET_KEY`, in the founded region's namespace."""


class MinioSiteReplicationArgs(TypedDict, total=False):
    """What a MinioSiteReplication is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology whose regions are the sites."""
    scope: Required[str]
    """Region of the topology that this program deploys; only the founded one gets the Job."""
    namespace: Required[str]
    """Namespace of the Job; it must be there."""
    unmaintained: Required[str]
    """Why MinIO may hold this data: its community edition is archived."""
    sites: Required[dict[str, MinioSiteArgs]]
    """Each region's MinIO. Only one of them may have data at first."""
    authority: str
    """Secret whose `ca.crt` signed the endpoints' certificates. Default: what the image trusts."""
    image: str
    """Image of mc, with a shell and its version. Default: the last one of the community edition."""
