"""Values that are not known yet: Pulumi Outputs and secrets, rendered with placeholders.

Which objects exist is decided by a render in which each unknown value (a hole) is a placeholder. Each hole is then
given a second placeholder and the chart rendered again: the leaves that differ are the ones that this hole fills,
whether the template prints it, encodes it or puts it into a checksum. Such a leaf becomes a `Leaf`; its contents come
later from a render with the real values, of which nothing but that leaf is used.
"""

import copy
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hakit.charts.compare import Path, ShapeError, differing_leaves, dotted, leaf_at, set_leaf
from hakit.charts.manifests import Object
from hakit.charts.objects import id_of
from hakit.charts.render import Release, render
from hakit.charts.source import Chart
from hakit.charts.stability import unstable_leaves
from hakit.errors import HakitError


@dataclass(frozen=True)
class Hole:
    """A value that is not known yet; `name` is its path among the values, `auth.password`."""

    name: str


class Leaf(str):
    """The contents of a leaf that holes fill: a placeholder text that remembers where its contents come from.

    A text, so that hardening and auditing treat it as the text it stands for. It is compared and copied as itself.
    """

    holes: frozenset[Hole]
    path: Path

    def __new__(cls, text: str, holes: frozenset[Hole], path: Path) -> "Leaf":
        leaf = super().__new__(cls, text)
        leaf.holes = holes
        leaf.path = path
        return leaf

    def __copy__(self) -> "Leaf":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Leaf":
        return self


@dataclass(frozen=True)
class Draft:
    """Rendered objects with a `Leaf` wherever a hole has a say, and how to fill one in.

    Attributes:
        objects: the rendered objects.
        unused: holes that change nothing.
        values: the values with one placeholder a hole: what the audit of values works on.
    """

    objects: list[Object]
    unused: list[Hole]
    values: dict[str, Any]
    _fill: Callable[[Leaf, Mapping[Hole, Any]], Any] = field(repr=False)

    def fill(self, leaf: Leaf, real: Mapping[Hole, Any]) -> Any:
        """The real contents of a leaf.

        Args:
            leaf: one of the objects' leaves.
            real: the real value of each of the leaf's holes.

        Raises:
            HakitError: with the real values the chart renders other objects than with placeholders. The message names
                the values and never shows one.
        """
        return self._fill(leaf, real)


#: Placeholder pairs that are tried in turn: a text, then a number that may also be a port.
_PAIRS: tuple[tuple[Any, Any], ...] = (("hakit-placeholder-one", "hakit-placeholder-two"), (30001, 30002))

#: What templates make numbers of texts with, 0 of most.
_RECKONS = re.compile(r"\{\{[^}]*\b(?:int|int64|float64|atoi|add1?|sub|mul|div|mod|max|min)\b")

#: Fields that decide what hakit hardens and audits: they must be plain values.
_STRUCTURE = ("replicas", "minReplicas", "maxReplicas", "kind", "apiVersion")


def draft(chart: Chart, values: Mapping[str, Any], release: Release, where: str = "values") -> Draft:
    """Render a chart whose values may hold `Hole`s.

    Raises:
        HakitError: the chart does not render, or a hole decides which objects or keys there are.
    """
    rendering = _Rendering(chart, values, release, where)
    holes = find_holes(values)
    pairs = _placeholders(rendering, holes)
    first = {hole: pair[0] for hole, pair in pairs.items()}
    base = rendering.objects(first)
    unstable = unstable_leaves(base, rendering.objects(first)) if holes else set()
    sources: dict[Path, set[Hole]] = {}
    for hole in holes:
        for path in rendering.changes(base, {**first, hole: pairs[hole][1]}, hole) - unstable:
            sources.setdefault(path, set()).add(hole)
    objects = copy.deepcopy(base)
    for path, filling in sources.items():
        _refuse_structure(rendering, base, path, filling)
        set_leaf(objects, path, Leaf(str(leaf_at(base, path)), frozenset(filling), path))
    used = set().union(*sources.values())
    for hole in holes:
        if hole not in used:
            _refuse_switch(rendering, base, first, hole, unstable)
    may_differ = unstable | set(sources)

    def fill(leaf: Leaf, real: Mapping[Hole, Any]) -> Any:
        return _fill(rendering, base, {**first, **real}, leaf, may_differ)

    return Draft(objects, [hole for hole in holes if hole not in used], filled(values, first), fill)


def find_holes(tree: Any) -> list[Hole]:
    """Every hole in the values, in their order, each once."""
    if isinstance(tree, Hole):
        return [tree]
    parts = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list) else ()
    return list(dict.fromkeys(hole for part in parts for hole in find_holes(part)))


def filled(tree: Any, contents: Mapping[Hole, Any]) -> Any:
    """The values with contents in place of their holes."""
    if isinstance(tree, Hole):
        return contents[tree]
    if isinstance(tree, Mapping):
        return {key: filled(value, contents) for key, value in tree.items()}
    if isinstance(tree, list):
        return [filled(value, contents) for value in tree]
    return tree


@dataclass(frozen=True)
class _Rendering:
    """One chart, values and release, rendered with one content of the holes after another."""

    chart: Chart
    values: Mapping[str, Any]
    release: Release
    where: str

    def objects(self, contents: Mapping[Hole, Any]) -> list[Object]:
        return render(self.chart, filled(self.values, contents), self.release)

    def tried(self, contents: Mapping[Hole, Any]) -> list[Object] | None:
        try:
            return self.objects(contents)
        except HakitError:
            return None

    def changes(self, base: list[Object], contents: Mapping[Hole, Any], hole: Hole) -> set[Path]:
        try:
            return differing_leaves(base, self.objects(contents))
        except ShapeError as shape:
            raise self.refusal(hole, f"which objects and keys the chart renders depends on it ({shape})") from None

    def differs(self, base: list[Object], objects: list[Object], unstable: set[Path]) -> bool:
        try:
            return bool(differing_leaves(base, objects) - unstable)
        except ShapeError:
            return True

    def refusal(self, hole: Hole, why: str) -> HakitError:
        return needs_a_plain_value(hole, why, self.where)


def needs_a_plain_value(hole: Hole, why: str, where: str) -> HakitError:
    return HakitError(
        f"values.{hole.name}: {why}",
        where=where,
        given="an Output, which is not known yet",
        allowed="a plain value",
        do="give a plain value; what decides which objects exist must be known before anything is created",
    )


def _placeholders(rendering: _Rendering, holes: list[Hole]) -> dict[Hole, tuple[Any, Any]]:
    """A placeholder pair for each hole: a number where a text is refused, or where a template makes 0 of any text."""
    texts: dict[Hole, Any] = dict.fromkeys(holes, _PAIRS[0][0])
    if rendering.tried(texts) is None:
        texts = dict.fromkeys(holes, None)  # the chart's defaults, so that only one hole at a time is on trial
    chosen: dict[Hole, tuple[Any, Any]] = {}
    reckons = any(_RECKONS.search(text) for text in rendering.chart.templates.values())
    for hole in holes:
        chosen[hole], reach = _PAIRS[0], -1
        for pair in _PAIRS:
            if reach > 0 and not reckons:
                break
            one = rendering.tried({**texts, hole: pair[0]})
            other = rendering.tried({**texts, hole: pair[1]})
            if one is None or other is None:
                continue
            changed = _count_of_changes(one, other)
            if changed > reach:  # a template may print the value here, and reckon with it there
                chosen[hole], reach = pair, changed
    return chosen


def _count_of_changes(one: list[Object], other: list[Object]) -> float:
    try:
        return len(differing_leaves(one, other))
    except ShapeError:
        return math.inf  # whichever pair shows that the shape depends on the hole: it is refused with it


def _refuse_switch(
    rendering: _Rendering, base: list[Object], first: Mapping[Hole, Any], hole: Hole, unstable: set[Path]
) -> None:
    """Two placeholders are both true: a hole that changes nothing may still be what an `if` asks for."""
    for empty in (False, "", 0):
        objects = rendering.tried({**first, hole: empty})
        if objects is not None and rendering.differs(base, objects, unstable):
            raise rendering.refusal(hole, "the chart asks whether it is set or true, and renders other objects then")


def _refuse_structure(rendering: _Rendering, base: list[Object], path: Path, filling: set[Hole]) -> None:
    field_name = dotted(path)
    decides = path[-1] in _STRUCTURE or field_name in ("metadata.name", "metadata.namespace")
    if decides or field_name.startswith(("spec.selector", "spec.volumeClaimTemplates")):
        hole = min(filling, key=lambda item: item.name)
        raise rendering.refusal(hole, f"{id_of(base[int(path[0])])} {field_name} depends on it")


def _fill(
    rendering: _Rendering, base: list[Object], contents: Mapping[Hole, Any], leaf: Leaf, may_differ: set[Path]
) -> Any:
    names = ", ".join(f"values.{name}" for name in sorted(hole.name for hole in leaf.holes))
    differing: set[Path] | None = None
    # An error in here may quote the real value: it is dropped, so that the one below is not chained to it.
    with suppress(HakitError, ShapeError):
        objects = rendering.objects(contents)
        differing = differing_leaves(base, objects)
    if differing is None:
        raise HakitError(
            f"{names}: the chart renders other objects, or none, with the real value than with a placeholder",
            where=rendering.where,
            do="check that the value is what the chart expects (not empty, and of the right type)",
        )
    if not differing <= may_differ:
        raise HakitError(
            f"{names}: the real value changes more than the placeholder did",
            where=rendering.where,
            do="give a plain value here; hakit cannot tell beforehand what it decides",
        )
    return leaf_at(objects, leaf.path)
