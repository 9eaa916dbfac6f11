"""A preview as text: for a person, in a terminal or in a pull request, 100 columns wide."""

import json
import textwrap
from collections.abc import Sequence

from hakit.errors import counted
from hakit.findings import Finding, format_finding
from hakit.preview.document import PreviewDocument, ReportDocument, StackDocument, TotalDocument
from hakit.preview.paint import Paint
from hakit.preview.table import totals_table
from hakit.preview.tree import tree

WIDTH = 100
#: Of an export that is no text.
_LONG = 2 * WIDTH
_HELD_BACK = "HK028"
_REFUSED = "refused: pulumi up stops here, before anything of it is registered"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_COLOURS = {"error": "red", "warning": "yellow"}


def preview_text(preview: PreviewDocument, *, verbose: bool = False, paint: Paint | None = None) -> str:
    """Everything there is to say; nothing is cut off but long exports."""
    paint = paint or Paint()
    same = _same_errors(preview["stacks"])
    blocks = [_stack(stack, same.get(stack["stack"], ""), verbose, paint) for stack in preview["stacks"]]
    if len(preview["stacks"]) > 1 and preview["totals"]:
        blocks.append("\n".join([paint("Requested by all stacks", "bold"), *totals_table(preview["totals"])]))
    blocks.append(_summary(preview, paint))
    return "\n\n".join(blocks) + "\n"


def counts(stacks: Sequence[StackDocument]) -> dict[str, int]:
    """How many findings stand, by severity, and how many were accepted or mended."""
    result = {"error": 0, "warning": 0, "accepted": 0, "mended": 0}
    for report in (report for stack in stacks for report in stack["findings"]):
        for finding in report["open"]:
            result[finding["severity"]] += 1
        result["accepted"] += len(report["accepted"])
        result["mended"] += len(report["mended"])
    return result


def _stack(stack: StackDocument, same_as: str, verbose: bool, paint: Paint) -> str:
    objects = sum(len(resource["objects"]) for resource in stack["resources"])
    size = ", ".join(
        counted(number, noun) for number, noun in ((len(stack["resources"]), "resource"), (objects, "object"))
    )
    lines = [f"{paint(stack['stack'], 'bold')}  {size}"]
    lines += _error(stack, same_as, paint)
    lines += [f"  {line}" for line in tree(stack["resources"], paint)]
    lines += _findings(stack, verbose, paint)
    lines += _exports(stack, paint)
    lines += _totals(stack["totals"], paint)
    lines += _section("Notes", [f"{note['kind']}: {note['text']}" for note in stack["notes"]], paint)
    lines += _section("Printed by the program", stack["output"], paint, wrap=False)
    return "\n".join(lines)


def _same_errors(stacks: Sequence[StackDocument]) -> dict[str, str]:
    """By stack, the first one that failed with the very same message of hakit."""
    first: dict[str, str] = {}
    same = {}
    for stack in stacks:
        error = stack["error"]
        if error is not None and error["kind"] in ("hakit", "config"):
            before = first.setdefault(error["message"], stack["stack"])
            if before != stack["stack"]:
                same[stack["stack"]] = before
    return same


def _error(stack: StackDocument, same_as: str, paint: Paint) -> list[str]:
    error = stack["error"]
    if error is None:
        return []
    head = paint("could not run", "red")
    if same_as:
        return [f"  {head}: the same error as {same_as}"]
    message = error["message"].splitlines() or [""]
    return [f"  {head}: {message[0]}", *(f"    {line}" for line in [*message[1:], *error["traceback"]])]


def _findings(stack: StackDocument, verbose: bool, paint: Paint) -> list[str]:
    lines: list[str] = []
    for report in stack["findings"]:
        title = " · ".join(part for part in (report["app"], report["region"], report["role"]) if part)
        number = counts([{**stack, "findings": [report]}])
        parts = [counted(number["error"], "error"), counted(number["warning"], "warning")]
        parts += [f"{number[key]} {key}" for key in ("accepted", "mended") if number[key]]
        lines += ["", f"  {paint(f'Findings of {title}', 'bold')}: {', '.join(parts)}"]
        lines += [f"    {line}" for line in _report(report, verbose, paint)]
    return lines


def _report(report: ReportDocument, verbose: bool, paint: Paint) -> list[str]:
    lines = []
    if any(finding["severity"] == "error" for finding in report["open"]):
        lines.append(paint(_REFUSED, "red"))
    if report["summary"]:
        lines += _wrap(report["summary"], "")
    held_back = dict.fromkeys(finding["object"] for finding in report["mended"] if finding["code"] == _HELD_BACK)
    if held_back:
        where = "where it would run twice" if report["role"] == "active" else "in the standby"
        lines += _wrap(f"held back {where}: {', '.join(held_back)}", "")
    for finding in report["open"]:
        first, rest = _finding(finding)
        lines += [*(paint(line, _COLOURS[finding["severity"]]) for line in _wrap_first(first)), *rest]
    for finding in report["accepted"]:
        lines += [paint(line, "dim") for line in _wrap_first(f"accepted: {_finding(finding)[0]}")]
        lines += _wrap(f"because: {finding['accepted']}", "      ")
    for finding in report["mended"] if verbose else ():
        lines += [paint(line, "dim") for line in _wrap_first(f"mended: {_finding(finding)[0]}")]
    return lines


def _finding(finding: dict[str, str]) -> tuple[str, list[str]]:
    known = ("code", "object", "path", "message", "where", "detail", "mend")
    first, *more = format_finding(Finding(**{key: finding[key] for key in known})).splitlines()
    return first, [wrapped for line in more for wrapped in _wrap(line.strip(), "      ")]


def _wrap_first(line: str) -> list[str]:
    # Deeper than the lines of evidence and remedy that follow it.
    return _wrap(line, "", "        ")


def _exports(stack: StackDocument, paint: Paint) -> list[str]:
    return _section("Exports", [f"{name}: {_short(value)}" for name, value in stack["exports"].items()], paint)


def _short(value: object) -> str:
    """A text as it is. Anything else as JSON, and of what is long only its beginning: nobody reads it here, or pastes
    a command that was broken into lines."""
    if isinstance(value, str):
        return value
    text = json.dumps(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]} ...  (the rest: --format json)"


def _totals(totals: Sequence[TotalDocument], paint: Paint) -> list[str]:
    if not totals:
        return []
    return ["", f"  {paint('Requested', 'bold')}", *(f"    {line}" for line in totals_table(totals))]


def _section(title: str, items: Sequence[str], paint: Paint, *, wrap: bool = True) -> list[str]:
    if not items:
        return []
    lines = [line for item in items for line in (_wrap(item, "") if wrap else item.splitlines() or [""])]
    return ["", f"  {paint(title, 'bold')}", *(f"    {line}" for line in lines)]


def _summary(preview: PreviewDocument, paint: Paint) -> str:
    stacks = preview["stacks"]
    number = counts(stacks)
    errors, warnings = counted(number["error"], "error"), counted(number["warning"], "warning")
    parts = [counted(len(stacks), "stack"), errors, warnings]
    parts += [f"{number[key]} {key}" for key in ("accepted", "mended") if number[key]]
    failed = [stack["stack"] for stack in stacks if stack["status"] != "ok"]
    wrong = [stack["stack"] for stack in stacks if counts([stack])["error"]]
    named = [
        f"{head}: {', '.join(names)}" for head, names in (("could not run", failed), ("errors in", wrong)) if names
    ]
    # No line ends within a part that has a colour: a space there is one that nothing wraps at, for a while.
    colours = {errors: "red" if number["error"] else "green", warnings: "yellow" if number["warning"] else "green"}
    colours |= {"could not run:": "red", "errors in:": "red"}
    text = f"{preview['project']}: {'; '.join([', '.join(parts), *named])}"
    for part in colours:
        text = text.replace(part, part.replace(" ", _NO_BREAK), 1)
    text = "\n".join(_wrap(text, "", width=WIDTH))
    for part, colour in colours.items():
        text = text.replace(part.replace(" ", _NO_BREAK), paint(part, colour), 1)
    return text


def _wrap(text: str, indent: str, further: str | None = None, width: int = WIDTH - 4) -> list[str]:
    # Four columns are the section's; paths and codes are never broken in two.
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=(indent or "  ") if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]
