"""A status as one screen. Pure."""

import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal

from hakit.charts.quantity import short_bytes
from hakit.errors import counted
from hakit.findings import Finding, format_finding
from hakit.preview.paint import Paint
from hakit.status.document import CopyDocument, DatabaseDocument, PairDocument, RegionDocument, StatusDocument

_COLOURS = {"error": "red", "warning": "yellow"}
_HEADS = ("region", "copy", "role", "epoch", "ready", "behind", "", "archived", "backup", "proven", "certificate")
_UNKNOWN = "?"


def status_text(document: StatusDocument, paint: Paint | None = None) -> str:
    """Everything there is to say."""
    paint = paint or Paint()
    lines = [_region(each, paint) for each in document["regions"]]
    if document["pairs"]:
        lines += _rooms(document["regions"], paint)
    blocks = ["\n".join(lines)]
    blocks += [_pair(each, paint) for each in document["pairs"]]
    if document["findings"]:
        blocks.append("\n".join(_findings(document["findings"], paint)))
    blocks.append(_summary(document))
    return "\n\n".join(blocks) + "\n"


def _region(region: RegionDocument, paint: Paint) -> str:
    told = region["kubernetes"] or paint(f"no answer: {region['problem']}", "red")
    return f"{paint(region['region'], 'bold')}  {region['context']} · {told}"


def _rooms(regions: Sequence[RegionDocument], paint: Paint) -> list[str]:
    """Where a failover would bring something."""
    asked = {each["region"]: room for each in regions if (room := each["failover"])}
    if not asked:
        return [paint("room for a failover: not asked (--room)", "dim")]
    lines = []
    for region, room in asked.items():
        begin = f"room for a failover to {region}: "
        needed, left = room["needed"], room["left"]
        if needed is None or left is None:
            lines.append(begin + paint(f"not known: {room['problem']}", "yellow"))
        elif any(str(value) != "0" for value in needed.values()):
            said = paint("not enough", "yellow") if room["lacks"] else "enough"
            counted_out = f"; not counted: {', '.join(room['uncounted'])}" if room["uncounted"] else ""
            lines.append(f"{begin}{said}, {_amount(needed)} more than now, {_amount(left)} left{counted_out}")
    return lines or ["room for a failover: none is needed, by what the stacks say"]


def _amount(amount: Mapping[str, str | int]) -> str:
    return f"{counted(int(amount['pods']), 'pod')}, {amount['cpu']} cpu and {amount['memory']}"


def _pair(pair: PairDocument, paint: Paint) -> str:
    objectives = f"RTO {duration(pair['rto_seconds'])}, RPO {duration(pair['rpo_seconds'])}"
    now = "" if pair["lag_seconds"] is None else f" (now {duration(pair['lag_seconds'])})"
    lines = [f"{paint(pair['pair'], 'bold')}  {pair['mode']}, active in {pair['active']} · {objectives}{now}"]
    for database in pair["databases"]:
        lines += _database(database, paint)
    return "\n".join(lines)


def _database(database: DatabaseDocument, paint: Paint) -> list[str]:
    rows = [_row(copy) for copy in database["copies"]]
    widths = [max(len(row[column]) for row in [list(_HEADS), *rows]) for column in range(len(_HEADS))]
    table = [f"    {'  '.join(map(str.ljust, row, widths)).rstrip()}" for row in [list(_HEADS), *rows]]
    return [f"  {database['database']}, epoch {database['epoch']}", paint(table[0], "dim"), *table[1:]]


def _row(copy: CopyDocument) -> list[str]:
    ready, wanted = copy["instances"]
    seen = copy["cluster"] != ""
    role = copy["role"] if copy["role"] == copy["declared"] else f"{copy['role']}, declared {copy['declared']}"
    size = copy["lag_bytes"]
    behind = "" if copy["role"] == "primary" or copy["declared"] == "kept" else _UNKNOWN
    return [
        copy["region"],
        copy["cluster"] or "-",
        role,
        _or_unknown(copy["epoch"]),
        f"{ready}/{wanted}" if seen else _UNKNOWN,
        short_bytes(Decimal(size)) if size is not None else behind,
        "" if copy["lag_seconds"] is None else duration(copy["lag_seconds"]),
        "" if copy["archive_seconds"] is None else f"{duration(copy['archive_seconds'])} ago",
        "" if copy["backup_seconds"] is None else f"{duration(copy['backup_seconds'])} ago",
        _proven(copy),
        "" if copy["certificate_days"] is None else counted(copy["certificate_days"], "day"),
    ]


def _proven(copy: CopyDocument) -> str:
    if copy["proven_seconds"] is not None:
        return f"{duration(copy['proven_seconds'])} ago"
    if copy["declared"] == "kept":
        return ""
    return _UNKNOWN if copy["restore_checks"] is None else "never" if copy["restore_checks"] else "no check"


def _or_unknown(value: int | None) -> str:
    return _UNKNOWN if value is None else str(value)


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `5m`, `3h`, `2d`: the largest unit that fits, as whole as it is needed."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}s"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size * (1 if seconds % size == 0 else 2):
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _findings(found: Sequence[dict[str, str]], paint: Paint) -> list[str]:
    lines = []
    for each in found:
        known = ("code", "object", "path", "message", "where", "detail", "mend")
        first, *rest = format_finding(Finding(**{key: each[key] for key in known})).splitlines()
        lines.append(paint(first, _COLOURS[each["severity"]]))
        for line in rest:
            indent = " " * 6
            lines += textwrap.wrap(line.strip(), 100, initial_indent=indent, subsequent_indent=indent)
    return lines


def _summary(document: StatusDocument) -> str:
    severities = [finding["severity"] for finding in document["findings"]]
    answered = sum(bool(each["kubernetes"]) for each in document["regions"])
    return ", ".join(
        [
            f"{answered} of {counted(len(document['regions']), 'region')} answered",
            counted(severities.count("error"), "error"),
            counted(severities.count("warning"), "warning"),
        ]
    )
