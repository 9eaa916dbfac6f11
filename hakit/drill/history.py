"""Drills that were held: two files each in a folder, `<drill>.json` and `<drill>.md`. Commit it: people fill in the
lessons, and `HaAlerts(drills={"history": ...})` reads from it when the last one was (`components.drills_held`)."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from hakit.drill.report import VERSION, DrillDocument, markdown
from hakit.errors import HakitError

_NAME = re.compile(r"\d{8}T\d{6}Z")


def folder_of(root: Path, environment: str, pair: str) -> Path:
    """Where a pair's drills are kept when nothing else is said: `drills/<environment>/<pair>` of the project."""
    return root / "drills" / environment / pair


def drills(folder: Path) -> list[DrillDocument]:
    """Every drill that is kept, oldest first; none where there is no folder.

    Raises:
        HakitError: a file is none that hakit wrote.
    """
    return list(_drills(folder))


def _drills(folder: Path) -> Iterator[DrillDocument]:
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.json")):
        if not _NAME.fullmatch(path.stem):
            continue
        found = _read(path)
        if found is None:
            raise HakitError("not a drill that this hakit wrote", where=str(path), do="move it out of the folder")
        yield found


def _read(path: Path) -> DrillDocument | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if found["version"] == VERSION and found["drill"] == path.stem else None
    except (ValueError, KeyError, TypeError):
        return None


def keep(folder: Path, document: DrillDocument) -> Path:
    """Write a drill beside the earlier ones.

    Returns:
        The page for people.

    Raises:
        HakitError: that drill is there already; an earlier one cannot be read. Nothing is overwritten.
    """
    earlier = drills(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{document['drill']}.md"
    if page.exists():
        raise HakitError("this drill is kept already", where=str(page))
    _write(folder / f"{document['drill']}.json", f"{json.dumps(document, indent=2)}\n")
    _write(page, markdown(document, earlier))
    return page


def _write(path: Path, text: str) -> None:
    """In one step: a drill that is written half would make every later one fail."""
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)
