"""A whole operation, from the arguments of a command to its end: look, plan, ask, lock, run."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.operate import journal as journals
from hakit.operate import places, plan, recorded
from hakit.operate.acts import OvertakenError, still_ours
from hakit.operate.journal import Journal
from hakit.operate.lock import Lease, LostError
from hakit.operate.real import RealWorld
from hakit.operate.run import Outcome, Report, cancel, run
from hakit.operate.stacks import Update
from hakit.operate.steps import Operation
from hakit.operate.store import AwayError, Store
from hakit.operate.world import Sight
from hakit.preview.project import Project, find_topology
from hakit.topology import Topology, load, names

#: Seconds for which git's remote is asked before an operation; and before a failover, whose every second counts.
GIT_SECONDS, GIT_SOON = 5.0, 1.5

#: How often it is looked, when a copy's instance does not answer.
_LOOKS = 3


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line.

    Attributes:
        kind: switchover, failover or failback.
        topology: the file; the project's only one when None.
        pair: its name; the only one when empty.
        to: the region; of a failback the one that was left behind when empty.
        accept_loss: of a failover; the pair's RPO when empty.
        plan_only: nothing is changed.
        cancel: take the one back that was left open.
        journal: the place of journal and lock; beside the Pulumi state when empty.
    """

    kind: str
    topology: Path | None = None
    pair: str = ""
    to: str = ""
    accept_loss: str = ""
    plan_only: bool = False
    cancel: bool = False
    journal: str = ""


@dataclass
class Done:
    """What came of it.

    Attributes:
        operation: the plan.
        outcome: None where only the plan was wanted.
        journal: as far as it came.
        notes: beside the plan's own.
    """

    operation: Operation
    outcome: Outcome | None = None
    journal: Journal | None = None
    notes: list[str] = field(default_factory=list)


#: Shows a plan, and asks whether to go on: the operation, notes, the journal that is gone on with.
Ask = Callable[[Operation, Sequence[str], Journal | None], bool]


def operate(wanted: Wanted, ask: Ask, report: Report, update: Update | None = None) -> Done:
    """Do it, or go on with what was left.

    Args:
        wanted: as the command line has it.
        ask: shown the plan; what it answers decides.
        report: told of every step.
        update: `pulumi up` of a stack; the program on PATH when None.

    Raises:
        HakitError: it must not be begun, with the condition that is not met; nothing was changed.
    """
    project, found = find_topology(wanted.topology)
    path = found.resolve()
    declared = load(path)
    name = pair_of(declared, wanted.pair)
    with ExitStack() as opened:
        world = opened.enter_context(RealWorld(project, path, name, update))
        if wanted.kind == "failover":
            world.presume_dead([region for region in declared.pair(name).regions if region != wanted.to])
        store, notes = _store(project, wanted, declared)
        journal, tag = journals.load(store, f"{name}.json")
        left = _left_open(journal, declared, wanted)
        if left is None and wanted.cancel:
            raise HakitError(f"pair {name}: no operation was left open", do="nothing: there is nothing to take back")
        if left is not None:
            operation = left.operation
            world.render_ahead(step for step in operation.steps if not left.is_done(step))
        else:
            operation, more = _planned(world, project, path, declared, name, wanted)
            notes += more
        done = Done(operation, notes=notes)
        if wanted.plan_only or not ask(operation, notes, left):
            return done
        lease = opened.enter_context(_lease(store, name, operation))
        # What was looked at before a person said yes may be another's by now.
        now, tag = journals.load(store, f"{name}.json")
        if (now.as_dict() if now else None) != (journal.as_dict() if journal else None):
            raise HakitError("another operator was at work meanwhile", where=store.where, do="run the command again")
        if left is None and journal is not None:
            _put_aside(store, journal)
        done.journal = left or journals.begin(store, f"{name}.json", operation, tag)
        done.outcome = _run(world, done.journal, lease, report, back=wanted.cancel)
        if not done.journal.open:
            with suppress(AwayError):
                journals.keep(store, done.journal)
    return done


def _run(world: RealWorld, journal: Journal, lease: Lease, report: Report, *, back: bool) -> Outcome:
    try:
        return (cancel if back else run)(world, journal, lease.check, report)
    except (LostError, AwayError) as error:
        return Outcome("stopped", str(error), journal.left)


def pair_of(topology: Topology, name: str) -> str:
    """The pair's name; its only one when empty. Raises HakitError."""
    if name:
        return topology.pair(name).name
    if len(topology.pairs) != 1:
        raise HakitError(
            "several pairs: name one" if topology.pairs else "no pair", given=None, allowed=topology.pairs, do="--pair"
        )
    return next(iter(topology.pairs))


def _store(project: Project, wanted: Wanted, topology: Topology) -> tuple[Store, list[str]]:
    """Journal's and lock's place. A failover goes on without the usual one, and says so."""
    store, address = places.open_place(project, wanted.journal)
    notes = list(places.warnings(project, store, address, topology))
    try:
        store.read("any")
    except AwayError as error:
        if wanted.kind != "failover":
            raise HakitError(
                "the journal's place cannot be reached",
                given=str(error),
                do=f"mend it, or name another place: --journal, or {places.VARIABLE}",
            ) from None
        store, _ = places.open_place(project, str(places.local(project)))
        notes.append(f"{error}: journal and lock are in {store.where}, where no other operator sees them")
    return store, notes


def _left_open(journal: Journal | None, topology: Topology, wanted: Wanted) -> Journal | None:
    """The operation that an earlier run left open, when it is the one that is wanted.

    Raises:
        HakitError: another one was left open; this file is older than what the journal says was appended.
    """
    if journal is None or not journal.open:
        return None
    operation = journal.operation
    pair = topology.pair(operation.pair)
    _refuse_older(journal, topology)
    try:
        still_ours(operation, pair)
    except OvertakenError:
        return None  # somebody else has gone on: its journal is put aside
    same = operation.kind == wanted.kind and wanted.to in ("", operation.to)
    if same or wanted.cancel:
        return journal
    if wanted.kind == "failover":
        return None  # legal at any time, over whatever is pending
    raise HakitError(
        f"a {operation.kind} of pair {pair.name} to {operation.to} was left open",
        given=f"{wanted.kind} to {wanted.to or 'where it was'}",
        do=f"hakit {operation.kind} --pair {pair.name} --to {operation.to} goes on with it, and with --cancel takes it "
        "back; a failover is possible over it",
    )


def _refuse_older(journal: Journal, topology: Topology) -> None:
    operation = journal.operation
    pair = topology.pair(operation.pair)
    for step in (*operation.steps, *operation.back):
        if step.act == "append" and journal.is_done(step) and len(pair.handovers) <= operation.base:
            raise HakitError(
                f"the journal says that {step.entry['kind']} to {step.entry['to']} was appended, and the file does not "
                "have it",
                where=topology.where("pairs", pair.name),
                given=f"{len(pair.handovers)} entries",
                do="this checkout is old: use the newest file",
            )


def _planned(  # noqa: PLR0913, PLR0917  each is a fact of it
    world: RealWorld, project: Project, path: Path, topology: Topology, name: str, wanted: Wanted
) -> tuple[Operation, list[str]]:
    """Ask regions and git, and render, all at once; then plan."""
    if wanted.to or wanted.kind != "failback":
        plan.operable(topology, name, wanted.to)  # before anybody is asked
    regions = topology.pair(name).regions
    stacks = [*topology.regions, *traffic_of(project, topology)]
    with ThreadPoolExecutor(3) as pool:
        soon = GIT_SOON if wanted.kind == "failover" else GIT_SECONDS
        git = pool.submit(recorded.before, path, seconds=soon)
        rendering = pool.submit(world.render_ahead, plan.outline(topology, wanted.kind, name, wanted.to, stacks))
        sight = _looked(world, regions, wanted)
        operation = _plan(topology, name, wanted, sight, stacks)
        world.may_patch([region for region in regions if region not in sight.silent])
        rendering.result()
        notes = git.result()
    return operation, notes


def _looked(world: RealWorld, regions: Sequence[str], wanted: Wanted) -> Sight:
    """What is seen of the regions. An instance that does not answer is asked again before anything is made of it; of a
    failover only the target's, as the others may be dead."""
    sight = world.see(regions, {})
    for _ in range(_LOOKS - 1):
        asked = [key for key in sight.seen if wanted.kind != "failover" or key[1].region == wanted.to]
        if all(key in sight.positions for key in asked):
            break
        sight = world.see(regions, {})
    return sight


def _plan(topology: Topology, name: str, wanted: Wanted, sight: Sight, stacks: Collection[str]) -> Operation:
    match wanted.kind:
        case "switchover":
            return plan.switchover(topology, name, wanted.to, sight, stacks)
        case "failover":
            return plan.failover(topology, name, wanted.to, sight, stacks, wanted.accept_loss)
    return plan.failback(topology, name, wanted.to, sight, stacks)


def traffic_of(project: Project, topology: Topology) -> list[str]:
    """The traffic stack, where the project has one."""
    return [plan.TRAFFIC] if names.stack(topology.environment, plan.TRAFFIC) in project.stack_names() else []


def _lease(store: Store, name: str, operation: Operation) -> Lease:
    return Lease(store, f"{name}.lock", f"{operation.kind} of pair {name} to {operation.to}")


def _put_aside(store: Store, journal: Journal) -> None:
    """An open journal that was overtaken is history too."""
    if journal.open:
        journal.phase = "overtaken"
        with suppress(AwayError):
            journals.keep(store, journal)


def document_of(done: Done) -> dict[str, Any]:
    """What `--format json` prints."""
    entries = done.journal.entries if done.journal else {}
    steps: list[dict[str, Any]] = []
    for step in (*done.operation.steps, *(done.operation.back if done.journal and _went_back(done) else ())):
        entry = entries.get(step.id)
        run_ = (
            {"state": entry.state, "seconds": entry.seconds, "tries": entry.tries, "said": entry.said}
            if entry
            else {"state": "open"}
        )
        steps.append({**step.as_dict(), **run_})
    outcome = done.outcome
    return {
        "version": 1,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        **{key: getattr(done.operation, key) for key in ("kind", "pair", "old", "to")},
        "notes": [*done.operation.notes, *done.notes],
        "expected_seconds": done.operation.expected,
        "steps": steps,
        "ended": outcome.ended if outcome else "planned",
        "why": outcome.why if outcome else "",
        "left": [step.id for step in outcome.left] if outcome else [],
    }


def _went_back(done: Done) -> bool:
    return any(done.journal.is_begun(step) for step in done.operation.back) if done.journal else False
