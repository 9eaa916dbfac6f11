"""A preflight as text: by region its findings and its room."""

import textwrap
from collections.abc import Sequence

from hakit.errors import counted
from hakit.findings import Finding, format_finding
from hakit.preflight.run import HostsDocument, PreflightDocument, RegionDocument, RoomDocument
from hakit.preview.paint import Paint

_COLOURS = {"error": "red", "warning": "yellow"}
_HEADS = ("room", "pods", "cpu", "memory")


def preflight_text(document: PreflightDocument, paint: Paint | None = None) -> str:
    """Everything there is to say."""
    paint = paint or Paint()
    blocks = [_region(each, paint) for each in document["regions"]]
    if document["hosts"]["hosts"]:
        blocks.append(_hosts(document["hosts"], paint))
    blocks.append(_summary(document))
    return "\n\n".join(blocks) + "\n"


def _region(region: RegionDocument, paint: Paint) -> str:
    facts = [region["context"]]
    if region["kubernetes"]:
        facts += [region["kubernetes"], counted(region["nodes"], "node")]
    lines = [f"{paint(region['region'], 'bold')}  {' · '.join(facts)}"]
    lines += _findings(region["findings"], region["accepted"], paint)
    if region["room"] is not None:
        lines += ["", *_room(region["room"])]
    return "\n".join(lines)


def _hosts(hosts: HostsDocument, paint: Paint) -> str:
    names = ", ".join(hosts["hosts"])
    return "\n".join([f"{paint('hosts', 'bold')}  {names}", *_findings(hosts["findings"], hosts["accepted"], paint)])


def _findings(found: Sequence[dict[str, str]], accepted: Sequence[dict[str, str]], paint: Paint) -> list[str]:
    lines = []
    for each in found:
        first, *rest = _lines(each)
        lines += [f"  {paint(first, _COLOURS[each['severity']])}", *_wrapped(rest)]
    for each in accepted:
        lines += [f"  {paint(f'accepted: {_lines(each)[0]}', 'dim')}", *_wrapped([f"because: {each['accepted']}"])]
    return lines or [f"  {paint('nothing found', 'green')}"]


def _lines(finding: dict[str, str]) -> list[str]:
    known = ("code", "object", "path", "message", "where", "detail", "mend")
    return format_finding(Finding(**{key: finding[key] for key in known})).splitlines()


def _wrapped(lines: Sequence[str]) -> list[str]:
    indent = " " * 8
    return [
        wrapped
        for line in lines
        for wrapped in textwrap.wrap(
            line.strip(), 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
    ]


def _room(room: RoomDocument) -> list[str]:
    rows = [*((f"free in {zone}", amount) for zone, amount in room["free"].items())]
    rows.append(("asked by the stacks", room["asked"]))
    if any(str(value) != "0" for value in room["after_failover"].values()):
        rows.append(("more after a failover", room["after_failover"]))
    cells = [list(_HEADS), *([title, *(str(amount[key]) for key in _HEADS[1:])] for title, amount in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADS))]
    lines = [f"  {row[0].ljust(widths[0])}  {'  '.join(map(str.rjust, row[1:], widths[1:]))}" for row in cells]
    return lines + [f"  not counted: {what}" for what in room["uncounted"]]


def _summary(document: PreflightDocument) -> str:
    parts = [*document["regions"], document["hosts"]]
    severities = [finding["severity"] for part in parts for finding in part["findings"]]
    accepted = sum(len(part["accepted"]) for part in parts)
    text = [
        counted(len(document["regions"]), "region"),
        counted(severities.count("error"), "error"),
        counted(severities.count("warning"), "warning"),
    ]
    return ", ".join([*text, *([f"{accepted} accepted"] if accepted else [])])
