"""A drill as a document: what was done, how long it took, what was measured beside the objectives. Pure.

The document is what `--format json` prints and what the history keeps; the page for people is made from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from hakit.status.text import duration

VERSION = 1
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
#: Questions for people, which no tool answers. The page has room below each.
LESSONS = (
    "What surprised us?",
    "What took longer than the tool: a decision, a login, somebody who was not there?",
    "Which step of the runbook was wrong or missing?",
    "What do we change, who does it, until when?",
)


class StepDocument(TypedDict):
    what: str
    outcome: str  # passed, failed, skipped
    seconds: float
    said: str


class PartDocument(TypedDict):
    part: str
    outcome: str
    seconds: float
    steps: list[StepDocument]


class ObjectiveDocument(TypedDict):
    """One objective beside what was measured. None: it was not measured."""

    objective: str  # rto, rpo
    wanted_seconds: int
    measured_seconds: float | None
    kept: bool | None
    by: str  # how it was measured


class DrillDocument(TypedDict):
    """docs/drill.md describes it to users."""

    version: int
    drill: str
    environment: str
    pair: str
    active: str
    started: str
    seconds: float
    outcome: str
    objectives: list[ObjectiveDocument]
    measured: dict[str, Any]
    parts: list[PartDocument]


def outcome_of(outcomes: Sequence[str]) -> str:
    """Failed when anything has, skipped when all was."""
    if FAILED in outcomes:
        return FAILED
    return PASSED if PASSED in outcomes else SKIPPED


def objectives(rto: int, rpo: int, measured: Mapping[str, Any]) -> list[ObjectiveDocument]:
    """The pair's objectives beside what a drill has measured.

    RTO: the longest time without an acknowledged write during the game day. RPO: what a failover would have lost at a
    moment nobody chose, by the slowest marker; rows that a planned switchover lost are no matter of an objective.
    """
    return [
        _objective("rto", rto, measured.get("rto_seconds"), "longest time without an acknowledged write"),
        _objective("rpo", rpo, measured.get("rpo_seconds"), "until the slowest copy had a marker"),
    ]


def _objective(name: str, wanted: int, found: float | None, by: str) -> ObjectiveDocument:
    return {
        "objective": name,
        "wanted_seconds": wanted,
        "measured_seconds": found,
        "kept": None if found is None else found <= wanted,
        "by": by,
    }


def exit_code(document: DrillDocument) -> int:
    """0: everything passed and every measured objective was kept; 1: not so; 3: nothing was tried."""
    missed = any(each["kept"] is False for each in document["objectives"])
    return 1 if missed or document["outcome"] == FAILED else 3 if document["outcome"] == SKIPPED else 0


def markdown(document: DrillDocument, earlier: Sequence[DrillDocument] = ()) -> str:
    """The page for people, with the drills before it and room for lessons."""
    lines = [
        f"# Drill of {document['pair']} in {document['environment']}, {document['started']}",
        "",
        f"**{document['outcome']}** in {_took(document['seconds'])}; active before and after: {document['active']}.",
        "",
        "| objective | wanted | measured | |",
        "|---|---|---|---|",
    ]
    for each in document["objectives"]:
        said = {True: "kept", False: "**not kept**", None: "not measured"}[each["kept"]]
        found = each["measured_seconds"]
        told = "" if found is None else f"{_took(found)} ({each['by']})"
        lines.append(f"| {each['objective'].upper()} | {duration(each['wanted_seconds'])} | {told} | {said} |")
    lines += ["", *(f"- {key.replace('_', ' ')}: {_value(value)}" for key, value in document["measured"].items())]
    for part in document["parts"]:
        lines += ["", f"## {part['part']}: {part['outcome']}, {_took(part['seconds'])}", ""]
        if part["steps"]:
            lines += ["| step | | took | |", "|---|---|---|---|"]
            lines += [
                f"| {each['what']} | {each['outcome']} | {_took(each['seconds'])} | {_cell(each['said'])} |"
                for each in part["steps"]
            ]
    lines += ["", "## Trend", "", *trend([*earlier, document]), "", "## Lessons", ""]
    for question in LESSONS:
        lines += [f"**{question}**", "", "...", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def trend(drills: Sequence[DrillDocument], last: int = 8) -> list[str]:
    """A table of the last drills, the newest first; an arrow where a value is more than a tenth off the one before."""
    lines = ["| started | outcome | RTO | RPO | restore | lost rows |", "|---|---|---|---|---|---|"]
    for index in range(len(drills) - 1, max(len(drills) - 1 - last, -1), -1):
        now, before = drills[index]["measured"], drills[index - 1]["measured"] if index else {}
        cells = [_trend(now.get(key), before.get(key)) for key in ("rto_seconds", "rpo_seconds", "restore_seconds")]
        lost = now.get("lost_rows")
        row = [drills[index]["started"], drills[index]["outcome"], *cells, "" if lost is None else str(lost)]
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _trend(now: float | None, before: float | None) -> str:
    if now is None:
        return ""
    arrow = "" if before is None or abs(now - before) <= before / 10 else " ↑" if now > before else " ↓"
    return f"{_took(now)}{arrow}"


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else duration(seconds)


def _value(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    """A text in a cell of a table: one line, and no bar that ends it."""
    return " ".join(text.split()).replace("|", "\\|")
