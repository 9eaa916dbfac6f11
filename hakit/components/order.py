"""The order that a user asks for: what a component depends on, its children depend on."""

import pulumi


def after(opts: pulumi.ResourceOptions | None, own: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """A child's options, with `depends_on` of its component added.

    Pulumi hands a component's provider and protection down, but not its `depends_on`: the component alone would wait,
    which is nothing, and its children would not
    (https://www.pulumi.com/docs/iac/concepts/resources/options/dependson/).
    """
    if opts is None or opts.depends_on is None:
        return own
    return pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(depends_on=opts.depends_on))
