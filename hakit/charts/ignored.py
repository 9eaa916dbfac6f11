"""HK003 and HK031: values that the chart ignores, found by changing each and rendering again.

What a chart's templates read cannot be known from their text. So each value of the user is changed, and taken away:
when neither changes a single byte of what is rendered, the chart ignores it. A render that fails with the changed value
counts as proof that the value is read.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hakit.charts.manifests import Object, parse
from hakit.charts.objects import dig
from hakit.charts.render import Release, render_texts
from hakit.charts.source import Chart
from hakit.charts.stability import unstable_leaves
from hakit.errors import HakitError, nearest
from hakit.findings import Finding

Keys = tuple[str, ...]
#: Renders a set of values to something comparable; None when the chart does not render with it.
Fingerprint = Callable[[Mapping[str, Any]], Any]

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_WORD = re.compile(r'"([\w.-]+)"')
#: How many words from the templates are tried for one ignored text.
_WORDS = 8
#: How many switches are tried for one ignored value; each costs two renders.
_SWITCHES = 40


def audit_values(
    chart: Chart, values: Mapping[str, Any], release: Release, where: Mapping[Keys, str] | None = None
) -> list[Finding]:
    """Findings about the user's values: one for the highest key of each subtree that changes nothing.

    Within a map that the chart has, a misspelt key is named itself.

    Args:
        chart: the chart.
        values: the user's own values, without the chart's defaults.
        release: name and namespace to render for.
        where: `file:line` of each key, when the values come from a file.
    """
    fingerprint = _fingerprint(chart, values, release)
    baseline = fingerprint(values)
    findings = []
    ignored = _ignored(values, (), values, fingerprint, baseline)
    exact = [path for each in ignored for path in _exact(each, dig(values, *each), dig(chart.values, *each))]
    for path in exact:
        if any(fingerprint(other) != baseline for other in _with_other_words(chart, values, path)):
            continue
        place = (where or {}).get(path, "")
        switch = _dormant(chart, values, path, release)
        if switch:
            findings.append(_dormant_finding(path, switch, place))
        else:
            findings.append(_ignored_finding(chart, path, place))
    return findings


def _exact(path: Keys, subtree: Any, known: Any) -> Iterator[Keys]:
    """The key itself; where the chart has a map of that name, each key in it when some are not among the map's."""
    both = isinstance(subtree, Mapping) and isinstance(known, Mapping) and subtree and known
    if both and not subtree.keys() <= known.keys():
        for key, inner in subtree.items():
            yield from _exact((*path, str(key)), inner, known.get(key))
    else:
        yield path


def _ignored_finding(chart: Chart, path: Keys, where: str) -> Finding:
    siblings: Any = chart.values
    for key in path[:-1]:
        siblings = siblings.get(key) if isinstance(siblings, Mapping) else None
    known = sorted(set(siblings) - {path[-1]}) if isinstance(siblings, Mapping) else []
    near = nearest(path[-1], known)
    mend = "delete the value"
    if near:
        mend = f"did you mean {'.'.join((*path[:-1], near))}? else delete the value"
    elif path[-1] in _SET_BY_HAKIT:
        mend = "ZonalApp sets this itself, whatever the chart's key is called; delete the value"
    return Finding(
        "HK003",
        "values",
        ".".join(path),
        "the chart ignores this value",
        where=where,
        detail="no rendered object changes with it",
        mend=f'{mend}, or accept={{"HK003 {".".join(path)}": "why"}}',
    )


_SET_BY_HAKIT = {
    "topologySpreadConstraints",
    "podDisruptionBudget",
    "pdb",
    "affinity",
    "terminationGracePeriodSeconds",
    "lifecycle",
    "strategy",
    "updateStrategy",
    "replicaCount",
    "replicas",
    "tolerations",
}


def _dormant_finding(path: Keys, switch: tuple[Keys, bool], where: str) -> Finding:
    name, state = ".".join(switch[0]), str(switch[1]).lower()
    return Finding(
        "HK031",
        "values",
        ".".join(path),
        f"it has no effect while {name} is {state}",
        where=where,
        detail=f"objects change with it when {name} is {str(not switch[1]).lower()}",
    )


def _fingerprint(chart: Chart, values: Mapping[str, Any], release: Release) -> Fingerprint:
    """Compares texts, which costs nothing; a chart with random content is compared without its random leaves."""

    def texts(changed: Mapping[str, Any]) -> dict[str, str] | None:
        try:
            return render_texts(chart, changed, release)
        except HakitError:
            return None

    first, second = texts(values), texts(values)
    if first == second:
        return texts

    random = unstable_leaves(_objects(first), _objects(second))

    def stable(changed: Mapping[str, Any]) -> Any:
        rendered = texts(changed)
        return None if rendered is None else _without(_objects(rendered), random)

    return stable


def _objects(texts: Mapping[str, str] | None) -> list[Object]:
    return [obj for name in sorted(texts or {}) for obj in parse((texts or {})[name])]


def _without(value: Any, leaves: set[tuple[str | int, ...]], path: tuple[str | int, ...] = ()) -> Any:
    if path in leaves:
        return None
    if isinstance(value, dict):
        return {key: _without(item, leaves, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, leaves, (*path, index)) for index, item in enumerate(value)]
    return value


def _ignored(
    tree: Mapping[str, Any], path: Keys, values: Mapping[str, Any], fingerprint: Fingerprint, baseline: Any
) -> Iterator[Keys]:
    """Paths of the highest subtrees that change nothing, whole subtrees first."""
    for key, subtree in tree.items():
        here = (*path, str(key))
        changed = fingerprint(_with(values, here, mutated(subtree)))
        if changed is not None and changed == baseline:
            if fingerprint(_with(values, here, _GONE)) == baseline:
                yield here
        elif isinstance(subtree, Mapping) and len(subtree) > 0:
            yield from _ignored(subtree, here, values, fingerprint, baseline)


def _with_other_words(chart: Chart, values: Mapping[str, Any], path: Keys) -> Iterator[dict[str, Any]]:
    """The values with words that the templates compare a text with: `eq .Values.mode "ha"` reads "single" too."""
    tree = dig(values, *path)
    if isinstance(tree, Mapping):
        for key in tree:
            yield from _with_other_words(chart, values, (*path, str(key)))
    elif isinstance(tree, str):
        actions = (action for text in chart.templates.values() for action in _ACTION.findall(text))
        beside = (word for action in actions if f".{path[-1]}" in action for word in _WORD.findall(action))
        for word in list(dict.fromkeys(beside))[:_WORDS]:
            yield _with(values, path, word)


_GONE = object()


def _with(values: Mapping[str, Any], path: Keys, value: Any) -> dict[str, Any]:
    """The values with another value at a path, or without it."""
    changed = dict(values)
    if len(path) > 1:
        inner = changed.get(path[0])
        changed[path[0]] = _with(inner if isinstance(inner, Mapping) else {}, path[1:], value)
    elif value is _GONE:
        changed.pop(path[0], None)
    else:
        changed[path[0]] = value
    return changed


def mutated(value: Any) -> Any:
    """A value of the same type with every leaf changed."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 7
        case str():
            return f"{value}-hakit"
        case dict():
            return {key: mutated(item) for key, item in value.items()} or {"hakit": "hakit"}
        case list():
            return [*(mutated(item) for item in value), copy.deepcopy(value[-1])] if value else ["hakit"]
        case _:
            return "hakit"


def _dormant(chart: Chart, values: Mapping[str, Any], path: Keys, release: Release) -> tuple[Keys, bool] | None:
    """The switch, and its state, that keeps a value from having an effect: those above the value go first."""
    if path[0] not in _passed_on(chart) and not any(path[0] in text for text in chart.templates.values()):
        return None  # no template has the word, so no switch will make one read it
    merged = chart.engine.merge_values(dict(values))
    switches = [found for found in _switches(merged, ()) if found[0] != path]
    switches.sort(key=lambda found: (-_shared(found[0], path), len(found[0])))
    tree: Any = values
    for key in path:
        tree = tree[key]
    for name, state in switches[:_SWITCHES]:
        flipped = _with(values, name, not state)
        # With the switch another set of leaves may be random, so each position of it is compared by its own measure.
        fingerprint = _fingerprint(chart, flipped, release)
        before, after, gone = (
            fingerprint(_with(changed, name, not state))
            for changed in (flipped, _with(values, path, mutated(tree)), _with(values, path, _GONE))
        )
        if before is not None and any(other is not None and other != before for other in (after, gone)):
            return name, state
    return None


def _passed_on(chart: Chart) -> set[str]:
    """Keys whose contents reach the templates of subcharts under other names."""
    declared = chart.engine.metadata.get("dependencies") or []
    return {"global", *(each.get("alias") or each["name"] for each in declared)}


def _switches(tree: Any, path: Keys) -> Iterator[tuple[Keys, bool]]:
    if not isinstance(tree, Mapping):
        return
    for key, value in tree.items():
        here = (*path, str(key))
        if isinstance(value, bool) and str(key) in {"enabled", "create", "install"}:
            yield here, value
        yield from _switches(value, here)


def _shared(one: Keys, other: Keys) -> int:
    """How many leading keys two paths share."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
