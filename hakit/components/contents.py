"""Hardened objects with their Outputs and secrets filled in."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from hakit.charts.holes import Draft, Hole, Leaf
from hakit.charts.render import secret_texts

#: What of a Secret is nobody's business.
_CONTENTS = ("data", "stringData")


def filler(
    values: Mapping[str, Any], drafted: Draft, unknown: Mapping[Hole, pulumi.Output[Any]]
) -> Callable[[Any], Any]:
    """What fills in objects: each leaf with a hole is an Output of its own, and each text that holds a plain value of a
    key such as `password` is a secret: it belongs in no diff and in no plain state."""
    plain_secrets = secret_texts(values)

    def filled(value: Any) -> Any:
        if isinstance(value, Leaf):
            return _filled(value, drafted, unknown)
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, str) and any(secret in value for secret in plain_secrets):
            return pulumi.Output.secret(value)
        return value

    return filled


def as_value(filled: Callable[[Any], Any], obj: Mapping[str, Any]) -> Any:
    """An object among the values of a Release: a Secret is a secret as a whole."""
    return pulumi.Output.secret(filled(obj)) if obj.get("kind") == "Secret" else filled(obj)


def as_resource(filled: Callable[[Any], Any], obj: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the inputs of its own resource, whose kind and name must be plain: of a Secret what it holds is
    secret."""
    if obj.get("kind") != "Secret":
        return filled(obj)
    return {
        key: pulumi.Output.secret(filled(value)) if key in _CONTENTS else filled(value) for key, value in obj.items()
    }


def _filled(leaf: Leaf, drafted: Draft, unknown: Mapping[Hole, pulumi.Output[Any]]) -> pulumi.Output[Any]:
    holes = sorted(leaf.holes, key=lambda hole: hole.name)

    def contents(real: list[Any]) -> Any:
        return drafted.fill(leaf, dict(zip(holes, real, strict=True)))

    return pulumi.Output.all(*(unknown[hole] for hole in holes)).apply(contents)
