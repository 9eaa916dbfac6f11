"""An operation for people: its plan, its progress, its end."""

import time
from collections.abc import Sequence
from typing import TextIO

from hakit.errors import counted
from hakit.operate.journal import Journal
from hakit.operate.run import Event, Outcome
from hakit.operate.steps import Operation, Step
from hakit.preview.paint import Paint


def plan_text(operation: Operation, notes: Sequence[str], journal: Journal | None, paint: Paint) -> str:
    """The plan as it is shown before anybody says yes."""
    what = f"{operation.kind} of pair {operation.pair} from {operation.old} to {operation.to}"
    lines = [f"{paint(what, 'bold')}: {counted(len(operation.steps), 'step')}, about {duration(operation.expected)}"]
    if journal is not None:
        lines.append(f"an earlier run left it open ({journal.phase}); what is done is not done again")
    lines += [paint(f"  ! {note}", "yellow") for note in (*operation.notes, *notes)]
    for number, step in enumerate(operation.steps, 1):
        state = _state(step, journal)
        lines.append(f"{number:>3}  {paint(step.id, 'bold')}  {step.what}{f'  [{state}]' if state else ''}")
        lines.append(f"     {step.where} · about {duration(step.expected)} · {step.why}")
        lines.append(paint(f"     done when {step.verify}; undo: {step.undo}", "dim"))
        if step.final:
            lines.append(paint("     --- the point of no return: from here on it goes on to its end ---", "red"))
    if operation.back:
        ids = ", ".join(step.id for step in operation.back)
        lines.append(f"the way back, when a step fails before that: {ids}")
    return "".join(f"{line}\n" for line in lines)


def _state(step: Step, journal: Journal | None) -> str:
    return journal.entries[step.id].state if journal and step.id in journal.entries else ""


def duration(seconds: float) -> str:
    """Seconds as a plan says them: 0.3 s, 37 s, 5 min."""
    if seconds < 10:
        return f"{seconds:g} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


class Progress:
    """Told of every step: a line each, and in a terminal the one that runs is shown while it does."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._paint = Paint.for_stream(stream)
        self._began = time.monotonic()
        self._shown = None

    def __call__(self, event: Event, step: Step, said: str, seconds: float) -> None:
        if event == "begin":
            self._show(step)
            return
        self.end()
        at = f"{time.monotonic() - self._began:6.1f} s"
        first, *more = said.splitlines() or [""]
        if event == "back":
            line = f"{at}  {self._paint('going back', 'red')}: {first}"
        else:
            words = {"done": self._paint("done", "green"), "left": self._paint("left", "yellow")}
            line = f"{at}  {step.id}: {words.get(event, self._paint('failed', 'red'))} in {seconds:.1f} s: {first}"
        print("\n".join([line, *(f"          {each}" for each in more)]), file=self._stream, flush=True)

    def _show(self, step: Step) -> None:
        if not self._stream.isatty():
            return
        from rich.console import Console
        from rich.markup import escape

        self._shown = Console(file=self._stream).status(escape(f"{step.id}: {step.what}"))
        self._shown.start()

    def end(self) -> None:
        """Take away what is shown while a step runs."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None


def outcome_text(operation: Operation, outcome: Outcome, paint: Paint) -> str:
    """How it ended, and what to do next."""
    again = f"hakit {operation.kind} --pair {operation.pair} --to {operation.to}"
    words = {
        "done": paint(f"done: pair {operation.pair} is active in {operation.to}", "green"),
        "undone": paint(f"taken back: pair {operation.pair} is active in {operation.old}, as before", "yellow"),
        "refused": paint("refused: nothing was changed", "red"),
        "stopped": paint(f"stopped: it goes on where it was left with `{again}`", "red"),
        "overtaken": paint(
            "overtaken: the list of handovers was changed by somebody else; `hakit status` says more", "red"
        ),
    }
    lines = [words[outcome.ended]]
    lines += [f"  {line}" for line in outcome.why.splitlines()]
    lines += [f"  left to do: {step.id}: {step.what}" for step in outcome.left]
    return "".join(f"{line}\n" for line in lines)
