"""The arguments of RegionBase.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Required, TypedDict


class QuotaArgs(TypedDict, total=False):
    """What all pods of a namespace may request together, the same whatever role the region has."""

    pods: int
    """How many."""
    cpu: str
    """Cores: `"20"`."""
    memory: str
    """Bytes: `"64Gi"`."""
    storage: str
    """Bytes of all volumes: `"500Gi"`."""


class NamespaceArgs(TypedDict, total=False):
    """One namespace."""

    pod_security: str
    """Pod security level that is enforced: `restricted`, `baseline` (default) or `privileged`."""
    quota: QuotaArgs
    """What its pods may request. Room for the active side and a rollout: `hakit preflight` says what is too little.
    None by default."""


class OperatorArgs(TypedDict, total=False):
    """One operator: where it comes from, or who brings it."""

    manifest: str
    """Path of the manifest of a release, relative to the folder of Pulumi.yaml."""
    provided: str
    """Who brings it instead, in a sentence: a chart of your own, an add-on of the cloud. Nothing is deployed for it."""


class RegionBaseArgs(TypedDict, total=False):
    """What a RegionBase is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    scope: Required[str]
    """Region of the topology that this program deploys."""
    namespaces: dict[str, NamespaceArgs]
    """Namespaces to create, by name."""
    operators: dict[str, OperatorArgs]
    """Operators to bring, by name; `cert-manager`, `cloudnative-pg` and `plugin-barman-cloud` first, in this order."""
