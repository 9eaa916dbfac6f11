"""What a chart's templates ask for that a render outside the cluster cannot know."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hakit.charts.source import Chart
from hakit.findings import Finding

_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"\s*-?\}\}")
_CALL = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")

#: What is asked for, by the words in a template that ask for it.
_LOOKUP = {"lookup": re.compile(r"(?<![.\w$-])lookup\s+[\"(.$]")}
_UNKNOWN = {
    ".Capabilities": re.compile(r"(?<!\.Values)\.Capabilities\b"),
    ".Release.Revision": re.compile(r"\.Release\.Revision\b"),
    ".Release.IsUpgrade": re.compile(r"\.Release\.IsUpgrade\b"),
    ".Release.IsInstall": re.compile(r"\.Release\.IsInstall\b"),
}


def audit_templates(chart: Chart, rendered: Iterable[str] | None = None) -> list[Finding]:
    """HK020 and HK032: templates that are used, directly or by include, and ask for the cluster or the release.

    Args:
        chart: the chart.
        rendered: names of the templates that a render of it used: subcharts of which none is there are switched off.
    """
    if rendered is not None:
        chart = replace(chart, templates=_switched_on(chart, set(rendered)))
    findings = []
    for code, asked in (("HK020", _UNKNOWN), ("HK032", _LOOKUP)):
        for word, pattern in asked.items():
            places = list(_places(chart, pattern))
            if places:
                findings.append(
                    Finding(
                        code,
                        "chart",
                        word,
                        f"its templates ask for {word}",
                        where=f"{chart.name}/{places[0][0]}:{places[0][1]}",
                        detail=f"{len(places)} places" if len(places) > 1 else "",
                    )
                )
    return findings


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
