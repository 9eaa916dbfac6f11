"""The table of requested CPU, memory and storage."""

import textwrap
from collections.abc import Callable, Sequence
from decimal import Decimal

from hakit.charts.quantity import short_bytes, short_cores
from hakit.errors import counted
from hakit.preview.document import TotalDocument
from hakit.preview.totals import Total, Totals, added, totals_of

_HEADS = ("region", "role", "pods", "cpu", "memory", "storage")


def totals_table(documents: Sequence[TotalDocument]) -> list[str]:
    """Rows by region and role; columns for daemons and jobs only where there are any; what could not be counted."""
    totals = totals_of(documents)
    everything = added([{("", ""): total} for total in totals.values()])[("", "")]
    extra = [column for column in _EXTRA if column[1](everything)]
    heads = [*_HEADS, *(head for head, _, _ in extra)]
    rows = [
        [*place, *_cells(total), *(show(get(total)) for _, get, show in extra)]
        for place, total in sorted(totals.items())
    ]
    if len(rows) > 1:
        rows.append(["all", "", *_cells(everything), *(show(get(everything)) for _, get, show in extra)])
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = [
        "  ".join(_cell(row, column, width) for column, width in enumerate(widths)).rstrip() for row in [heads, *rows]
    ]
    return (
        lines
        + _failovers(totals)
        + [
            line
            for what in everything.unknown
            for line in textwrap.wrap(f"not counted: {what}", 96, subsequent_indent="  ", break_long_words=False)
        ]
    )


def _failovers(totals: Totals) -> list[str]:
    """A line for each standby: what must be free before it can become active; and whether the region has it."""
    regions: dict[str, Total] = {}
    for (region, _), total in sorted(totals.items()):
        regions.setdefault(region, Total()).add(total)
    lines = []
    for region, total in regions.items():
        if total.failover_pods:
            room = f"{short_cores(total.failover_cpu)} cpu, {short_bytes(total.failover_memory)} memory"
            pods = counted(total.failover_pods, "more pod")
            lines.append(f"{region} needs room for {pods} to become active: {room}")
        if total.reserved_cpu or total.reserved_memory:
            lines.append(f"{region} has {_of_reserved(total)}")
    return lines


def _of_reserved(total: Total) -> str:
    cpu, memory = total.cpu + total.failover_cpu, total.memory + total.failover_memory
    enough = cpu <= total.reserved_cpu and memory <= total.reserved_memory
    reserved = f"{short_cores(total.reserved_cpu)} cpu and {short_bytes(total.reserved_memory)} memory reserved"
    return f"{reserved}, {'enough' if enough else 'too little'} for {short_cores(cpu)} and {short_bytes(memory)}"


def _cell(row: Sequence[str], column: int, width: int) -> str:
    return row[column].ljust(width) if column < 2 else row[column].rjust(width)


def _cells(total: Total) -> list[str]:
    return [str(total.pods), short_cores(total.cpu), short_bytes(total.memory), short_bytes(total.storage)]


_EXTRA: tuple[tuple[str, Callable[[Total], Decimal], Callable[[Decimal], str]], ...] = (
    ("cpu/node", lambda total: total.per_node_cpu, short_cores),
    ("memory/node", lambda total: total.per_node_memory, short_bytes),
    ("jobs cpu", lambda total: total.jobs_cpu, short_cores),
    ("jobs memory", lambda total: total.jobs_memory, short_bytes),
)
