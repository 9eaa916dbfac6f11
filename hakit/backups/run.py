"""All backups of a topology: ask every region at once, put it into a document."""

import datetime as dt
from pathlib import Path

from hakit.backups.document import BackupsDocument, document_of
from hakit.backups.seen import see_backups
from hakit.observe import ask_all, place_of
from hakit.preview.project import find_topology
from hakit.topology import load


def backups(topology: Path | None = None, *, seconds: float = 15) -> BackupsDocument:
    """Which backups exist. Reads clusters; changes nothing, runs no program and asks no object store.

    Args:
        topology: its file; the project's only one when left out.
        seconds: that all questions to one region may take together; regions are asked at once.

    Raises:
        HakitError: the topology is wrong, or there is no kubectl.
    """
    project, path = find_topology(topology)
    declared = load(path)
    places = [place_of(declared, name, project.root) for name in declared.regions]
    seen = ask_all(places, lambda _place, reader: see_backups(reader), seconds=seconds)
    return document_of(declared, str(path), seen, dt.datetime.now(dt.UTC))
