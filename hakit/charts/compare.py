"""Comparing renders: where two lists of objects differ, leaf by leaf."""

from collections.abc import Iterable
from typing import Any

from hakit.charts.manifests import Object

#: Position of the object in its list, then the steps down to a leaf.
Path = tuple[str | int, ...]


class ShapeError(Exception):
    """Two renders differ in more than the contents of leaves: other objects, other keys, other lengths."""


def differing_leaves(before: Iterable[Object], after: Iterable[Object]) -> set[Path]:
    """Paths of the leaves that differ.

    Raises:
        ShapeError: the two do not have the same shape.
    """
    found: set[Path] = set()
    _walk(list(before), list(after), (), found)
    return found


def _walk(before: Any, after: Any, path: Path, found: set[Path]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        if before.keys() != after.keys():
            raise ShapeError(dotted(path))
        for key in before:
            _walk(before[key], after[key], (*path, key), found)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            raise ShapeError(dotted(path))
        for index, (left, right) in enumerate(zip(before, after, strict=True)):
            _walk(left, right, (*path, index), found)
    elif isinstance(before, (dict, list)) or isinstance(after, (dict, list)):
        raise ShapeError(dotted(path))
    elif before != after or type(before) is not type(after):
        found.add(path)


def dotted(path: Path) -> str:
    """`spec.containers[0].image`: a path as Kubernetes writes it, without the object's position."""
    text = ""
    for step in path[1:]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def leaf_at(objects: list[Object], path: Path) -> Any:
    value: Any = objects
    for step in path:
        value = value[step]
    return value


def set_leaf(objects: list[Object], path: Path, leaf: Any) -> None:
    value: Any = objects
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = leaf
