"""A ZonalApp's objects as resources of their own: `delivery="objects"`."""

from collections.abc import Callable, Sequence
from typing import Any

import pulumi
from pulumi.resource_hooks import ErrorHookArgs

from hakit.components.contents import as_resource
from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.unreachable import engine_has_error_hooks
from hakit.plan.delivery import Part, mark
from hakit.plan.zonal import AppSpec


def register(  # noqa: PLR0913, PLR0917  each is of the one application
    component: pulumi.ComponentResource,
    name: str,
    spec: AppSpec,
    parts: Sequence[Part],
    filled: Callable[[Any], Any],
    definitions: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions | None,
) -> None:
    """Register the mark, and after it each object in its stage.

    Args:
        component: their parent.
        name: of the component.
        spec: the application.
        parts: in the order of their stages.
        filled: fills in Outputs and secrets.
        definitions: of the chart's `crds/` folder.
        opts: the component's own options.
    """
    before = list(definitions)
    if not spec.leave:
        own = pulumi.ResourceOptions(parent=component, depends_on=before)
        # First, and everything after it: where a release of this name would be deleted, nothing is taken from it.
        before = [resource(f"{name}-delivery", mark(spec), after(opts, _told_when_another_delivers(name, own)))]
    stage, made = 0, list[pulumi.Resource]()
    for part in parts:
        if part.stage != stage and made:
            before, made = made, []
        stage = part.stage
        own = pulumi.ResourceOptions(
            parent=component,
            depends_on=before,
            protect=part.guarded or None,
            retain_on_delete=part.kept or None,
            import_=part.import_id or None,
        )
        made.append(resource(f"{name}-{part.name}", as_resource(filled, part.manifest), after(opts, own)))


def _told_when_another_delivers(name: str, own: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    if not engine_has_error_hooks():
        return own
    hook = pulumi.ErrorHook(f"hakit-delivery-{name}", _say)
    return pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook])))


def _say(args: ErrorHookArgs) -> bool:
    if args.errors and "already exists" in args.errors[0]:
        pulumi.log.error(
            "delivery: a Helm release of hakit's has these objects, or another stack does, and would delete them."
            ' Nothing has been changed.\n  Let it go there first: `leave`, see docs/adoption.md, "Another delivery".'
        )
    return False
