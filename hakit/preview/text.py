"""A preview as text: for a person, in a terminal or in a pull request, 100 columns wide."""

import textwrap
from collections.abc import Sequence

from hakit.findings import Finding, format_finding
from hakit.preview.document import PreviewDocument, ReportDocument, StackDocument, TotalDocument
from hakit.preview.paint import Paint
from hakit.preview.table import totals_table
from hakit.preview.tree import tree

WIDTH = 100
_COLOURS = {"error": "red", "warning": "yellow"}


def preview_text(preview: PreviewDocument, *, verbose: bool = False, paint: Paint | None = None) -> str:
    """Everything there is to say; nothing is cut off."""
    paint = paint or Paint()
    blocks = [_stack(stack, verbose, paint) for stack in preview["stacks"]]
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


def _stack(stack: StackDocument, verbose: bool, paint: Paint) -> str:
    objects = sum(len(resource["objects"]) for resource in stack["resources"])
    size = ", ".join(
        _plural(number, noun) for number, noun in ((len(stack["resources"]), "resource"), (objects, "object"))
    )
    lines = [f"{paint(stack['stack'], 'bold')}  {size}"]
    lines += _error(stack, paint)
    lines += [f"  {line}" for line in tree(stack["resources"], paint)]
    lines += _findings(stack, verbose, paint)
    lines += _exports(stack, paint)
    lines += _totals(stack["totals"], paint)
    lines += _section("Notes", [f"{note['kind']}: {note['text']}" for note in stack["notes"]], paint)
    lines += _section("Printed by the program", stack["output"], paint, wrap=False)
    return "\n".join(lines)


def _error(stack: StackDocument, paint: Paint) -> list[str]:
    error = stack["error"]
    if error is None:
        return []
    head = paint("could not run", "red")
    message = error["message"].splitlines() or [""]
    return [f"  {head}: {message[0]}", *(f"    {line}" for line in [*message[1:], *error["traceback"]])]


def _findings(stack: StackDocument, verbose: bool, paint: Paint) -> list[str]:
    lines: list[str] = []
    for report in stack["findings"]:
        title = " · ".join(part for part in (report["app"], report["region"], report["role"]) if part)
        number = counts([{**stack, "findings": [report]}])
        parts = [_plural(number["error"], "error"), _plural(number["warning"], "warning")]
        parts += [f"{number[key]} {key}" for key in ("accepted", "mended") if number[key]]
        lines += ["", f"  {paint(f'Findings of {title}', 'bold')}: {', '.join(parts)}"]
        lines += [f"    {line}" for line in _report(report, verbose, paint)]
    return lines


def _report(report: ReportDocument, verbose: bool, paint: Paint) -> list[str]:
    lines = [report["summary"]] if report["summary"] else []
    for finding in report["open"]:
        first, *rest = _finding(finding)
        lines += [paint(first, _COLOURS[finding["severity"]]), *rest]
    for finding in report["accepted"]:
        first = _finding(finding)[0]
        lines += [paint(f"accepted: {first}", "dim"), *_wrap(f"because: {finding['accepted']}", "      ")]
    if verbose:
        lines += [paint(f"mended: {_finding(finding)[0]}", "dim") for finding in report["mended"]]
    return lines


def _finding(finding: dict[str, str]) -> list[str]:
    known = ("code", "object", "path", "message", "where", "detail", "mend")
    lines = format_finding(Finding(**{key: finding[key] for key in known})).splitlines()
    return [lines[0], *(wrapped for line in lines[1:] for wrapped in _wrap(line.strip(), "      "))]


def _exports(stack: StackDocument, paint: Paint) -> list[str]:
    return _section("Exports", [f"{name}: {_short(value)}" for name, value in stack["exports"].items()], paint)


def _short(value: object) -> str:
    return value if isinstance(value, str) else str(value)


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
    failed = sum(stack["status"] != "ok" for stack in stacks)
    parts = [_plural(len(stacks), "stack")]
    parts += [paint(f"{failed} could not run", "red")] if failed else []
    parts.append(paint(_plural(number["error"], "error"), "red" if number["error"] else "green"))
    parts.append(paint(_plural(number["warning"], "warning"), "yellow" if number["warning"] else "green"))
    parts += [f"{number[key]} {key}" for key in ("accepted", "mended") if number[key]]
    return f"{preview['project']}: {', '.join(parts)}"


def _wrap(text: str, indent: str) -> list[str]:
    # Four columns are the section's; paths and codes are never broken in two.
    return textwrap.wrap(
        text,
        WIDTH - 4,
        initial_indent=indent,
        subsequent_indent=indent + ("" if indent else "  "),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
