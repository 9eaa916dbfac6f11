"""A whole status: ask every region at once, judge, put into a document."""

import datetime as dt
from pathlib import Path

from hakit.observe import ask_all, place_of
from hakit.preview.project import find_project, only_topology
from hakit.status.document import StatusDocument, document_of
from hakit.status.seen import see
from hakit.topology import load


def status(topology: Path | None = None, *, seconds: float = 15) -> StatusDocument:
    """Where every database of a topology stands now. Reads; changes nothing, and runs no program.

    Args:
        topology: its file; the project's only one when left out.
        seconds: that all questions to one region may take together; regions are asked at once.

    Raises:
        HakitError: the topology is wrong, or there is no kubectl.
    """
    project = find_project(topology.parent if topology else Path())
    path = topology or only_topology(project)
    declared = load(path)
    places = [place_of(declared, name, project.root) for name in declared.regions]
    seen = ask_all(places, lambda _place, reader: see(reader), seconds=seconds)
    return document_of(declared, str(path), seen, dt.datetime.now(dt.UTC))
