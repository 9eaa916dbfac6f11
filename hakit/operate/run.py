"""The step machine: runs an operation's steps, journals before and after each, goes on where an earlier run was left,
and takes everything back when a step fails before the point of no return.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hakit.errors import HakitError
from hakit.operate.acts import Now, OvertakenError, StepError, is_appended, perform, still_ours
from hakit.operate.journal import Journal
from hakit.operate.steps import Operation, Step
from hakit.operate.world import World

Event = Literal["begin", "done", "left", "failed", "back"]


class Report(Protocol):
    """Told of everything while it happens: an event, its step, what came of it, seconds since the step began."""

    def __call__(self, event: Event, step: Step, said: str, seconds: float, /) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        ended: `done`; `undone`: taken back, as it was before; `refused`: nothing was changed; `stopped`: run it again;
            `overtaken`: somebody else changed the list, and this operation is over.
        why: of the last three and of `undone`, what went wrong.
        left: what is left to do.
    """

    ended: Literal["done", "undone", "refused", "stopped", "overtaken"]
    why: str = ""
    left: Sequence[Step] = ()


#: By how a run ended, the command's exit code; 3 where it is done and something is left to do.
EXIT_CODES = {"done": 0, "stopped": 1, "refused": 2, "undone": 4, "overtaken": 5}


def exit_code(outcome: Outcome) -> int:
    """0 done; 1 stopped: run it again; 2 refused, nothing changed; 3 done, with something left to do; 4 taken back;
    5 somebody else changed the list."""
    return 3 if outcome.ended == "done" and outcome.left else EXIT_CODES[outcome.ended]


def run(world: World, journal: Journal, check: Callable[[], None], report: Report) -> Outcome:
    """Run an operation to its end, from wherever its journal says.

    Args:
        world: of its pair.
        journal: a new one, or one that an earlier run left open.
        check: called before every effect; raises when another operator has taken over.
        report: told of every step.

    Raises:
        LostError: `check` raised it; the journal says where it stands.
    """
    if journal.phase in ("done", "undone", "overtaken"):
        return Outcome(journal.phase, "", journal.left)  # it was killed after its last word
    try:
        why = ""
        if journal.phase == "forward":
            why = _steps(world, journal, journal.operation.steps, check, report)
            if not why:
                return _ended(journal, "done")
            if not may_go_back(world, journal.operation):
                return _not_back(world, journal, why)
            report("back", journal.operation.back[0], why, 0)
            journal.turn("back")
        failed = _steps(world, journal, journal.operation.back, check, report)
        if failed:
            return Outcome("stopped", failed, journal.left)
        return _ended(journal, "undone", why)
    except OvertakenError as error:
        journal.turn("overtaken")
        return Outcome("overtaken", str(error))


def _steps(world: World, journal: Journal, steps: Sequence[Step], check: Callable[[], None], report: Report) -> str:
    """Run steps in their order; why one failed, or nothing."""
    for step in steps:
        if journal.is_done(step):
            continue
        check()
        journal.begin(step)
        report("begin", step, "", 0)
        began = world.clock()
        try:
            said = perform(Now(world, journal, step, check))
        except StepError as error:
            event: Event = "failed" if step.must else "left"
            journal.end(step, world.clock() - began, str(error), event)
            report(event, step, str(error), world.clock() - began)
            if step.must:
                return f"{step.id}: {error}"
            continue
        journal.end(step, world.clock() - began, said)
        report("done", step, said, world.clock() - began)
    return ""


def may_go_back(world: World, operation: Operation) -> bool:
    """Whether it can be taken back: it has a way back, its planned entry is the last one, and no token is recorded.

    An entry that is not in the file yet needs no way back.
    """
    if not operation.back:
        return False
    pair = world.topology().pair(operation.pair)
    still_ours(operation, pair)
    last = pair.handovers[-1] if len(pair.handovers) > operation.base else None
    return last is not None and last.kind == "planned" and not last.tokens


def cancel(world: World, journal: Journal, check: Callable[[], None], report: Report) -> Outcome:
    """Take an operation back that a run left open.

    Raises:
        HakitError: it is past the point of no return.
    """
    if journal.phase == "forward":
        if not may_go_back(world, journal.operation):
            pair = world.topology().pair(journal.operation.pair)
            if not any(is_appended(pair, journal.operation, entry) for entry in journal.operation.entries):
                return _ended(journal, "undone", "nothing was changed yet")
            raise HakitError(
                f"the {journal.operation.kind} of pair {pair.name} is past the point of no return",
                do="run the command again to finish it, and hand back; or fail over to the old side with accepted loss",
            )
        report("back", journal.operation.back[0], "asked for", 0)
        journal.turn("back")
    return run(world, journal, check, report)


def _not_back(world: World, journal: Journal, why: str) -> Outcome:
    pair = world.topology().pair(journal.operation.pair)
    if any(is_appended(pair, journal.operation, entry) for entry in journal.operation.entries):
        return Outcome("stopped", why, journal.left)
    begun = [step for step in journal.operation.steps if journal.is_done(step)]
    if begun:  # of a failback, what comes before its first entry
        return Outcome("stopped", why, journal.left)
    journal.turn("undone")
    return Outcome("refused", why)


def _ended(journal: Journal, ended: Literal["done", "undone"], why: str = "") -> Outcome:
    journal.turn(ended)
    return Outcome(ended, why, journal.left)
