"""A plain Kubernetes manifest as a Pulumi resource, whatever its kind."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.unreachable import told_when_unreachable


def resource(name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """Register an object just as the manifest has it, without a typed class in between that would rename its keys.

    The type is what the typed classes and `CustomResource` of pulumi_kubernetes register too, so a program may change
    over to either without a replacement.

    Args:
        name: of the resource.
        manifest: with `apiVersion`, `kind` and `metadata.name`; values may be Outputs.
        opts: with the parent, and the provider by it.
    """
    api = manifest["apiVersion"]
    token = f"kubernetes:{api if '/' in api else f'core/{api}'}:{manifest['kind']}"
    return pulumi.CustomResource(token, name, dict(manifest), told_when_unreachable(opts))
