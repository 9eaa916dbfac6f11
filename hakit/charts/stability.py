"""HK012: charts that render differently each time."""

from hakit.charts.compare import Path, ShapeError, differing_leaves, dotted
from hakit.charts.manifests import Object
from hakit.charts.objects import id_of
from hakit.findings import Finding


def unstable_leaves(first: list[Object], second: list[Object]) -> set[Path]:
    """Leaves that differ between two renders of the same; an object whose shape differs counts as a whole."""
    if len(first) != len(second):
        return {(index,) for index in range(len(first))}
    found: set[Path] = set()
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        try:
            found |= {(index, *path[1:]) for path in differing_leaves([one], [other])}
        except ShapeError:
            found.add((index,))
    return found


def audit_stability(first: list[Object], second: list[Object]) -> list[Finding]:
    """One finding an object: what changes from render to render, never the values."""
    by_object: dict[int, list[str]] = {}
    for path in sorted(unstable_leaves(first, second), key=str):
        by_object.setdefault(int(path[0]), []).append(dotted(path))
    return [
        Finding(
            "HK012",
            id_of(first[index]),
            fields[0],
            f"{len(fields)} field{'s' if len(fields) > 1 else ''} differ{'' if len(fields) > 1 else 's'} "
            "from one render to the next",
        )
        for index, fields in by_object.items()
    ]
