"""What a chart's templates ask for that a render outside the cluster cannot know."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from hakit.charts.source import Chart
from hakit.findings import Finding

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"\s*-?\}\}")
_CALL = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")

#: What is asked for, by the words in a template that ask for it.
_LOOKUP = {"lookup": re.compile(r"(?<![.\w$-])lookup\s+[\"(.$]")}
_CAPABILITIES = re.compile(r"(?<!\.Values)\.Capabilities\b")
#: What of them the helm command answers only as far as it is told.
_API_VERSIONS = re.compile(r"(?<!\.Values)\.Capabilities\b(?!\.(KubeVersion|HelmVersion)\b)")
_UNKNOWN = {
    ".Release.Revision": re.compile(r"\.Release\.Revision\b"),
    ".Release.IsUpgrade": re.compile(r"\.Release\.IsUpgrade\b"),
    ".Release.IsInstall": re.compile(r"\.Release\.IsInstall\b"),
}


#: The Kubernetes version that hakit's own engine answers for: that of the wheel's Helm. The lab holds it against helm.
ENGINE_KUBERNETES = (1, 36)
_asks: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


_AS_INSTALL = (
    "no render outside the cluster knows it, with whatever helm: read the rendered objects (`hakit preview --out`) and "
    "accept the finding when they suit an upgrade as well"
)


def asks_for_capabilities(chart: Chart) -> bool:
    """Whether a template of the chart, or of a subchart that may be off, reads .Capabilities."""
    if chart.engine not in _asks:
        _asks[chart.engine] = any(True for _ in _places(chart, _CAPABILITIES))
    return _asks[chart.engine]


def audit_templates(
    chart: Chart, rendered: Iterable[str] | None = None, *, by_command: bool = False, groups_known: bool = False
) -> list[Finding]:
    """HK020 and HK032: templates that are used, directly or by include, and ask for the cluster or the release.

    Args:
        chart: the chart.
        rendered: names of the templates that a render of it used: subcharts of which none is there are switched off.
        by_command: the helm command rendered it, for the cluster's version.
        groups_known: it was told which API groups the cluster has.
    """
    if rendered is not None:
        chart = replace(chart, templates=_switched_on(chart, set(rendered)))
    found = [] if by_command and groups_known else [_about_capabilities(chart, by_command=by_command)]
    found += [
        _asked(chart, "HK020", word, pattern, "answered as for a first install", _AS_INSTALL)
        for word, pattern in _UNKNOWN.items()
    ]
    found += [_asked(chart, "HK032", word, pattern) for word, pattern in _LOOKUP.items()]
    return [each for each in found if each is not None]


def capabilities_elsewhere(chart: Chart) -> list[Finding]:
    """What HK020 says of .Capabilities on machines with a helm command, and on those without: a program that accepts
    the one is right on the other, too."""
    found = (_about_capabilities(chart, by_command=by_command) for by_command in (True, False))
    return [each for each in found if each is not None]


def _about_capabilities(chart: Chart, *, by_command: bool) -> Finding | None:
    if by_command:
        return _asked(
            chart,
            "HK020",
            ".Capabilities.APIVersions",
            _API_VERSIONS,
            "nobody said which API groups the cluster has",
            "name those beyond Kubernetes' own by api_versions (`hakit check --api-versions`); an empty list says none",
        )
    version = ".".join(map(str, ENGINE_KUBERNETES))
    return _asked(
        chart,
        "HK020",
        ".Capabilities",
        _CAPABILITIES,
        f"answered for Kubernetes {version}, by hakit's own engine: there is no helm command",
        "put helm 3 on PATH or name it by HAKIT_HELM, and it renders for the cluster's version; or read the rendered "
        "objects (`hakit preview --out`) and accept the finding when they are what the cluster needs",
    )


def _asked(  # noqa: PLR0913, PLR0917  each is a part of the finding
    chart: Chart, code: str, word: str, pattern: re.Pattern[str], detail: str = "", mend: str = ""
) -> Finding | None:
    places = list(_places(chart, pattern))
    if not places:
        return None
    return Finding(
        code,
        "chart",
        word,
        f"its templates ask for {word}",
        where=f"{chart.name}/{places[0][0]}:{places[0][1]}",
        detail=", ".join(part for part in (f"{len(places)} places" if len(places) > 1 else "", detail) if part),
        mend=mend,
    )


def _switched_on(chart: Chart, rendered: set[str]) -> dict[str, str]:
    def is_on(name: str) -> bool:
        subchart = name.rpartition("templates/")[0]
        return not subchart or any(each.startswith(f"{chart.name}/{subchart}") for each in rendered)

    return {name: text for name, text in chart.templates.items() if is_on(name)}


def _places(chart: Chart, pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
    """File and line of each action that matches and is reached from a template that renders something."""
    reached = _reached(chart)
    for name, text in sorted(_sources(chart)):
        if name.endswith("NOTES.txt"):
            continue
        for action in _ACTION.finditer(text):
            if not pattern.search(action[0]):
                continue
            defined = _definition_at(text, action.start())
            if defined is None or defined in reached:
                yield name, text.count("\n", 0, action.start()) + 1


def _sources(chart: Chart) -> list[tuple[str, str]]:
    """Templates without comments; the line breaks in a comment stay, so that lines can be counted."""
    return [
        (name, _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)) for name, text in chart.templates.items()
    ]


def _definition_at(text: str, position: int) -> str | None:
    """The `define` that a position stands in, or None at the top level of its file."""
    inside, depth = None, 0
    for action in _ACTION.finditer(text, 0, position):
        opened = _DEFINE.match(action[0])
        if opened and depth == 0:
            inside = opened[1]
        if re.match(r"\{\{-?\s*(define|if|range|with|block)\b", action[0]):
            depth += 1
        elif re.match(r"\{\{-?\s*end\b", action[0]):
            depth -= 1
            if depth <= 0:
                inside, depth = None, 0
    return inside


def _reached(chart: Chart) -> set[str]:
    """The names that templates include, from the top level of a file on."""
    calls: dict[str | None, set[str]] = {}
    for name, text in _sources(chart):
        if name.endswith("NOTES.txt"):
            continue
        for action in _ACTION.finditer(text):
            found = set(_CALL.findall(action[0]))
            if found:
                calls.setdefault(_definition_at(text, action.start()), set()).update(found)
    reached: set[str] = set()
    waiting = set(calls.get(None, ()))
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= calls.get(name, set()) - reached
    return reached
