"""A whole status: ask every region at once, judge, put into a document."""

import datetime as dt
from pathlib import Path

from hakit.observe import ask_all, place_of
from hakit.preflight.failover import rooms
from hakit.preview.project import find_topology
from hakit.status.document import StatusDocument, document_of
from hakit.status.seen import see
from hakit.topology import load


def status(
    topology: Path | None = None, *, seconds: float = 15, room: bool = False, timeout: float = 120
) -> StatusDocument:
    """Where every database of a topology stands now. Reads; changes nothing, and runs no program unless asked for room.

    Args:
        topology: its file; the project's only one when left out.
        seconds: that all questions to one region may take together; regions are asked at once.

        room: whether each region has what a failover would bring to it. The stacks' programs say what that is, so
            they are previewed first.
        timeout: seconds for each of these programs.

    Raises:
        HakitError: the topology is wrong, or there is no kubectl.
    """
    project, path = find_topology(topology)
    declared = load(path)
    asked = rooms(project, declared, seconds=seconds, timeout=timeout) if room else {}
    places = [place_of(declared, name, project.root) for name in declared.regions]
    seen = ask_all(places, lambda _place, reader: see(reader), seconds=seconds)
    return document_of(declared, str(path), seen, dt.datetime.now(dt.UTC), asked)
