"""Room for a failover, and nothing else of a preflight: what `hakit status --room` shows."""

from typing import TypedDict

from hakit.errors import HakitError
from hakit.observe import Reader, RefusedError, UnreachableError, ask_all, place_of
from hakit.preflight.pods import pod_of
from hakit.preflight.room import room_of
from hakit.preflight.run import wanted_by_region
from hakit.preflight.seen import NODES, PODS, RUNNING, Seen
from hakit.preflight.wanted import Wanted
from hakit.preview.project import Project
from hakit.topology import Topology


class FailoverDocument(TypedDict):
    """Amounts are `pods`, `cpu` and `memory`; None where it is not known, as `problem` says."""

    needed: dict[str, str | int] | None  # more than now, if every standby here became active
    left: dict[str, str | int] | None  # beside the pods of others and what the stacks have here now
    lacks: str  # what of it does not fit; empty: all of it does, by sums
    uncounted: list[str]  # what requests something that cannot be told before deployment
    problem: str


def rooms(project: Project, topology: Topology, *, seconds: float, timeout: float) -> dict[str, FailoverDocument]:
    """By region. What is needed is what the stacks' programs say, so they run, as for a preview.

    Args:
        project: whose stacks.
        topology: whose regions.
        seconds: that all questions to one region may take together; regions are asked at once.
        timeout: seconds for each program.

    Raises:
        HakitError: there is no kubectl.
    """
    try:
        wanted = wanted_by_region(project, topology, timeout=timeout)
    except HakitError as error:
        return {name: _unknown(" ".join(str(error).split())) for name in topology.regions}
    places = [place_of(topology, name, project.root) for name in topology.regions]
    seen = ask_all(places, lambda _place, reader: see_room(reader), seconds=seconds)
    return {name: failover_of(wanted[name], answer) for name, answer in seen.items()}


def see_room(reader: Reader) -> Seen | RefusedError:
    """Nodes, and the pods on them; or that they are not to be listed.

    Raises:
        UnreachableError: the cluster does not answer, or not in time.
    """
    try:
        return Seen(nodes=reader.list(NODES), pods=[pod_of(each) for each in reader.list(PODS, fieldSelector=RUNNING)])
    except RefusedError as error:
        return error


def failover_of(wanted: Wanted, seen: Seen | RefusedError | UnreachableError) -> FailoverDocument:
    """Sums, as for a preflight's HK112."""
    if not isinstance(seen, Seen):
        return _unknown(str(seen))
    room = room_of(wanted, seen)
    left = (room.all - room.asked).at_least_nothing()
    return {
        "needed": room.after_failover.as_dict(),
        "left": left.as_dict(),
        "lacks": room.after_failover.beyond(left),
        "uncounted": list(wanted.uncounted),
        "problem": "",
    }


def _unknown(why: str) -> FailoverDocument:
    return {"needed": None, "left": None, "lacks": "", "uncounted": [], "problem": why}
