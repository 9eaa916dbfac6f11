"""Data is protected and kept: the options of what holds it, and the refusal of options that would take that away."""

import pulumi

from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.errors import HakitError
from hakit.plan.stores import Planned


def refuse_unprotected(where: str, opts: pulumi.ResourceOptions | None, *, protected: bool) -> None:
    """Options that would take the protection from the data, without the argument that says why.

    Raises:
        HakitError: there are such.
    """
    if opts is None or not protected:
        return
    for option, value in (("protect", opts.protect), ("retain_on_delete", opts.retain_on_delete)):
        if value is False:
            raise HakitError(
                f"{option}=False: the data would go with the stack",
                where=where,
                do="leave the option out, or give without_protection with the reason why",
            )


def create(  # noqa: PLR0913  each is of the one object
    component: pulumi.ComponentResource,
    name: str,
    planned: Planned,
    needs: list[pulumi.Resource],
    given: pulumi.ResourceOptions | None,
    *,
    protected: bool,
) -> pulumi.CustomResource:
    """One planned object of a component, protected and kept when it holds data.

    Args:
        component: its parent.
        name: of the component.
        planned: the object.
        needs: what must be there first.
        given: the component's own options.
        protected: False when the user said why not.
    """
    guarded = planned.holds_data and protected
    own = pulumi.ResourceOptions(
        parent=component,
        depends_on=needs,
        protect=guarded or None,
        retain_on_delete=guarded or planned.stays or None,
    )
    return resource(f"{name}-{planned.key}", planned.manifest, after(given, own))
