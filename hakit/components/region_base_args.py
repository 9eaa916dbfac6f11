"""The arguments of RegionBase.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Required, TypedDict


class NamespaceArgs(TypedDict, total=False):
    """One namespace."""

    pod_security: str
    """Pod security level that is enforced: `restricted`, `baseline` (default) or `privileged`."""


class RegionBaseArgs(TypedDict, total=False):
    """What a RegionBase is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    namespaces: dict[str, NamespaceArgs]
    """Namespaces to create, by name."""
