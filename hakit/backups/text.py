"""The backups as one screen. Pure."""

import datetime as dt
import textwrap
from decimal import Decimal

from hakit.backups.document import BackupDocument, BackupsDocument, RegionDocument
from hakit.charts.quantity import short_bytes
from hakit.errors import counted
from hakit.preview.paint import Paint
from hakit.status.text import duration

_HEADS = ("what", "of", "seen in", "backups", "newest", "restorable from", "to", "size", "proven")


def backups_text(document: BackupsDocument, paint: Paint | None = None) -> str:
    """Everything there is to say."""
    paint = paint or Paint()
    now = dt.datetime.fromisoformat(document["at"])
    blocks = ["\n".join(_region(each, paint) for each in document["regions"])]
    if document["backups"]:
        blocks.append("\n".join(_table(document["backups"], now, paint)))
    troubled = [line for each in document["backups"] if each["problem"] for line in _trouble(each, paint)]
    blocks += ["\n".join(troubled)] if troubled else []
    answered = sum(bool(each["kubernetes"]) for each in document["regions"])
    problems = sum(bool(each["problem"]) for each in document["backups"])
    summary = f"{answered} of {counted(len(document['regions']), 'region')} answered, {counted(problems, 'problem')}"
    return "\n\n".join([*blocks, summary]) + "\n"


def _region(region: RegionDocument, paint: Paint) -> str:
    told = region["kubernetes"] or paint(f"no answer: {region['problem']}", "red")
    unread = f" · {paint(region['problem'], 'yellow')}" if region["kubernetes"] and region["problem"] else ""
    return f"{paint(region['region'], 'bold')}  {region['context']} · {told}{unread}"


def _table(backups: list[BackupDocument], now: dt.datetime, paint: Paint) -> list[str]:
    rows = [_row(each, now) for each in backups]
    widths = [max(len(row[column]) for row in [list(_HEADS), *rows]) for column in range(len(_HEADS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [list(_HEADS), *rows]]
    return [paint(lines[0], "dim"), *lines[1:]]


def _row(backup: BackupDocument, now: dt.datetime) -> list[str]:
    size, number = backup["bytes"], backup["number"]
    return [
        f"{backup['kind']} {backup['name']}",
        backup["region"],
        backup["seen_in"],
        "" if number is None else str(number),
        _ago(backup["newest"], now),
        (backup["restorable_from"] or "").removesuffix("Z").replace("T", " ")[:16],
        (backup["restorable_to"] or "").removesuffix("Z").replace("T", " ")[:16],
        "" if size is None else short_bytes(Decimal(size)),
        _ago(backup["proven"], now) or "never",
    ]


def _ago(stamp: str | None, now: dt.datetime) -> str:
    if stamp is None:
        return ""
    return f"{duration(max((now - dt.datetime.fromisoformat(stamp)).total_seconds(), 0) // 1)} ago"


def _trouble(backup: BackupDocument, paint: Paint) -> list[str]:
    what = f"{backup['kind']} {backup['name']} of {backup['region']}: {backup['problem']}"
    first, *rest = textwrap.wrap(what, 100, subsequent_indent="  ")
    return [paint(first, "red"), *rest]
