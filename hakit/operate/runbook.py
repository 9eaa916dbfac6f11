"""An operation's runbook as a page, from the very steps that the command runs. `page` is pure.

Nobody is asked: what the plan needs to have seen is what a pair in good order shows. A failback is planned as after a
failover, whose entry is put behind the list for it.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from hakit.errors import HakitError
from hakit.operate import plan
from hakit.operate.by_hand import ByHand
from hakit.operate.command import pair_of, traffic_of
from hakit.operate.steps import Operation, Step
from hakit.operate.text import duration
from hakit.operate.world import Sight
from hakit.preview.project import find_topology
from hakit.topology import Copy, Handover, Pair, Topology, epoch, load
from hakit.topology.handovers import standing
from hakit.topology.writing import Seen

#: What is true of every run of it, before the steps.
_WHEN = {
    "switchover": (
        "Both regions are alive, and the other one is to be active. No row is lost and nobody is rebuilt.",
        "It is refused unless the active copy is primary and the other one is built, at the newest epoch, not fenced, "
        "and with a history that is the beginning of the active one's.",
    ),
    "failover": (
        "The active region is gone, or a switchover hangs that cannot be taken back. What the other region does not "
        "have is lost; before it asks, the command shows how far that one is behind, where anybody can tell.",
        "It needs nothing of the region that is gone. There is no way back: its first step is final.",
    ),
    "failback": (
        "The region that a failover left behind answers again. Its copy has rows of its own and cannot follow: a new "
        "one is built beside it, the old one is kept, and a switchover brings the pair home.",
        "Nothing is lost of the active side. What only the returned region has stays in its volumes and archive.",
    ),
}

#: By exit code, what it means and what to do. docs/operate.md has the same codes.
_ENDS = {
    0: ("done", "Look: `hakit status`, and the application itself."),
    1: (
        "stopped where it cannot be taken back, or while it was taken back",
        "Mend what the message names, and run the same command again: it goes on where it was left. If it cannot be "
        "mended: a failover, to either side.",
    ),
    2: (
        "refused, and nothing was changed",
        "The message names the condition that is not met. Meet it, and run the command again.",
    ),
    3: ("done, and something is left to do", "Do what is named: a push, or a `pulumi up` of a stack."),
    4: (
        "a step failed, and everything was taken back: {old} is active as before",
        "Find out why the step failed before you try again.",
    ),
    5: (
        "somebody else changed the list of handovers",
        "This operation is over, and takes nothing back. Find out who it was; `hakit status` and `hakit witness show` "
        "say which list the regions follow. Do not run it again before you know.",
    ),
    130: ("Ctrl-C", "Run the same command again, as after 1."),
}
_WITHOUT_WAY_BACK = (4,)


def of_project(kind: str, path: Path | None, name: str, to: str, witness: Sequence[str]) -> str:
    """A runbook for a topology file and the stacks of its project.

    Args:
        kind, to: as for `page`.
        path: the file; the project's only one when None.
        name: of the pair; the only one when empty.
        witness: addresses that the pair is taken to have, where its topology has none.

    Raises:
        HakitError: as of `page`, or the file or the project cannot be read.
    """
    project, found = find_topology(path)
    file = path or Path(os.path.relpath(found))
    topology = load(file)
    pair = topology.pair(pair_of(topology, name))
    if witness and not pair.witness:
        given = pair.model_copy(update={"witness": tuple(witness)})
        topology = topology.model_copy(update={"pairs": {**topology.pairs, pair.name: given}})
    return page(topology, kind, pair.name, to, [*topology.regions, *traffic_of(project, topology)])


def page(topology: Topology, kind: str, name: str, to: str, stacks: Collection[str]) -> str:
    """A runbook in Markdown.

    Args:
        topology: as it is in the file.
        kind: switchover, failover or failback.
        name: of the pair.
        to: the region that is to be active; of a failback where the pair is to come home. Empty: the first of the pair
            that is not active; of a failback the active one, as a failover from there is what comes before it.
        stacks: scopes that the project has, as for `plan.switchover`.

    Raises:
        HakitError: the operation could not be planned, even for a pair in good order.
    """
    pair = topology.pair(name)
    plan.operable(topology, name, to or pair.regions[0])
    if kind == "failback":
        topology, to = _lost(topology, pair, to)
        pair = topology.pair(name)
    to = to or _other(pair, plan.active(pair))
    operation, absent = _planned(topology, kind, pair, to, stacks)
    hand = ByHand(topology, pair)
    lines = [*_head(topology, operation), *_ends(operation), *_by_hand_rules()]
    lines += ["## The steps", ""]
    for number, step in enumerate(operation.steps, 1):
        lines += _step(f"{number}. ", step, hand, operation.old if step.id in absent else "")
    if operation.back:
        lines += [
            "## The way back",
            "",
            "When a step fails before the point of no return the command does this by itself, and with `--cancel`. "
            "By hand, after the first entry:",
            "",
        ]
        # What the list is at that moment: the operation's first planned entry, without a token.
        hand.rewind(operation)
        for number, step in enumerate(operation.back, 1):
            lines += _step(f"Back {number}. ", step, hand, "")
    return "\n".join(lines).rstrip("\n") + "\n"


def _lost(topology: Topology, pair: Pair, home: str) -> tuple[Topology, str]:
    """The topology after a failover away from a region, and that region; as it is where one was left behind."""
    left = {copy.region for copy in _left_behind(pair)}
    if left:
        return topology, home or min(left)
    home = home or plan.active(pair)
    if home != plan.active(pair):
        raise HakitError(
            f"pair {pair.name}: a failback ends where a failover began", given=home, allowed=plan.active(pair)
        )
    entry = {"kind": "failover", "to": _other(pair, home), "accept_loss": f"{pair.objectives.rpo}s", "settled": True}
    after = pair.model_copy(update={"handovers": (*pair.handovers, Handover.model_validate(entry))})
    return topology.model_copy(update={"pairs": {**topology.pairs, pair.name: after}}), home


def _left_behind(pair: Pair) -> Iterator[Copy]:
    for database in pair.databases:
        now = standing(pair, database)
        yield from (copy for copy in now.superseded if now.current[copy.region] == copy.incarnation)


def _other(pair: Pair, region: str) -> str:
    return next(each for each in pair.regions if each != region)


def _planned(
    topology: Topology, kind: str, pair: Pair, to: str, stacks: Collection[str]
) -> tuple[Operation, Collection[str]]:
    """The operation, and of a failover the steps that it has only while the old region answers."""
    whole = _good_order(pair)
    if kind == "switchover":
        return plan.switchover(topology, pair.name, to, whole, stacks), ()
    if kind == "failback":
        return plan.failback(topology, pair.name, to, whole, stacks), ()
    if kind != "failover":
        raise HakitError("there is no runbook of this", given=kind, allowed=sorted(_WHEN))
    operation = plan.failover(topology, pair.name, to, whole, stacks)
    cut = Sight(whole.seen, silent={operation.old: "it is gone"})
    always = {step.id for step in plan.failover(topology, pair.name, to, cut, stacks).steps}
    return operation, {step.id for step in operation.steps} - always


def _good_order(pair: Pair) -> Sight:
    """What a pair shows whose every copy is as the list wants it."""
    seen: dict[tuple[str, Copy], Seen] = {}
    for database in pair.databases:
        now = standing(pair, database)
        for region, incarnation in now.current.items():
            copy = Copy(region, incarnation)
            seen[database, copy] = Seen(
                built=True,
                primary=copy == now.active,
                epoch=epoch(pair, database),
                prefix=copy not in now.superseded,
            )
    return Sight(seen)


def _head(topology: Topology, operation: Operation) -> Iterator[str]:
    command = _command(operation)
    yield f"# Runbook: {operation.kind}"
    yield ""
    yield (
        f"Pair {operation.pair} of {topology.path}, from {operation.old} to {operation.to}. `hakit runbook "
        f"{operation.kind}` writes this page from the steps that `hakit {operation.kind}` runs, for any topology."
    )
    yield ""
    for paragraph in _WHEN[operation.kind]:
        yield paragraph
        yield ""
    if operation.kind != "failover":
        for note in operation.notes:
            yield f"- {note}"
        if operation.notes:
            yield ""
    elif not topology.pair(operation.pair).witness:
        yield f"- the pair has no witness: when {operation.old} comes back nothing stops it, until its stack is updated"
        yield ""
    yield "## By the command"
    yield ""
    yield "```sh"
    yield f"{command} --plan    # shows the steps, changes nothing"
    yield command
    yield "```"
    yield ""
    yield (
        f"{len(operation.steps)} steps, about {duration(operation.expected)} in all as the plan expects it. "
        "docs/operate.md says what it looks at, and where its journal is."
    )
    yield ""


def _command(operation: Operation) -> str:
    return f"hakit {operation.kind} --pair {operation.pair} --to {operation.to}"


def _ends(operation: Operation) -> Iterator[str]:
    yield "## How it ends, and what to do"
    yield ""
    yield "| exit code | means | do |"
    yield "|---|---|---|"
    for code, (means, do) in _ENDS.items():
        if operation.back or code not in _WITHOUT_WAY_BACK:
            yield f"| {code} | {means.format(old=operation.old)} | {do} |"
    yield ""


def _by_hand_rules() -> Sequence[str]:
    return (
        "## By hand",
        "",
        "When the command cannot run: its journal's place is away, or it fails by an error of its own. The topology's "
        "file, Pulumi with its state, and `kubectl` are still needed.",
        "",
        "- Tell everybody first: the lock that keeps a second operator away is the command's.",
        "- Keep to the order, and begin no step before the one above it is done as it says. The order is the safety.",
        "- `pulumi up` moves a region's applications together with its databases, so it takes longer than the command.",
        "- Once the command can run again, ask it with `--plan` what it makes of the list as you left it.",
        "",
    )


def _step(number: str, step: Step, hand: ByHand, answers: str) -> Iterator[str]:
    yield f"### {number}`{step.id}`: {re.sub(r' [{].*[}]', ' an entry', step.what)}"
    yield ""
    if answers:
        yield f"Only while {answers} answers."
        yield ""
    yield f"- **Where** {re.sub(r':[0-9]+$', '', step.where)}"
    yield f"- **Why** {step.why}"
    yield f"- **Done when** {step.verify}"
    yield f"- **Undo** {step.undo}"
    yield f"- **Takes** about {duration(step.expected)}; has failed after {duration(step.limit)}"
    if not step.must:
        yield "- **When it fails** the command goes on, and ends with 3"
    yield ""
    if step.final:
        yield "**The point of no return.** Once this is begun the command goes on to its end."
        yield ""
    yield from hand.of(step)
