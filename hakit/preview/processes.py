"""The parent's side: one process a stack, at most one a processor at work, siblings before those that wait for them."""

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hakit.preview import children
from hakit.preview.document import StackDocument, failed
from hakit.preview.lines import Lines

_GRACE = 2.0  # seconds for a child to say where it hangs, after SIGTERM

Progress = Callable[[str, str, float], None]  # stack, what happened (start, wait, done), seconds since its start


@dataclass
class _Child:
    stack: str
    process: "children.Forked | subprocess.Popen[bytes]"
    lines: Lines
    started: float
    waits_for: str = ""
    waits_since: float = 0.0
    stopped: float = 0.0


@dataclass
class _Run:
    project: str
    jobs: dict[str, dict[str, Any]]
    timeout: float
    progress: Progress
    slots: int
    waiting: list[str] = field(default_factory=list)
    running: dict[str, _Child] = field(default_factory=dict)
    documents: dict[str, StackDocument] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)


def run_stacks(
    project: str, jobs: Sequence[Mapping[str, Any]], *, timeout: float, progress: Progress
) -> list[StackDocument]:
    """Run each job in a process of its own. The order of the answers is that of the jobs."""
    by_stack = {str(job["stack"]): dict(job) for job in jobs}
    run = _Run(project, by_stack, timeout, progress, os.cpu_count() or 1, waiting=list(by_stack))
    try:
        while run.waiting or run.running:
            _start_some(run)
            for key, _ in run.selector.select(timeout=0.2):
                _listen(run, key.data)
            _stop_late_ones(run)
    finally:
        for child in list(run.running.values()):
            _kill(child)
            _forget(run, child)
        run.selector.close()
    return [run.documents[stack] for stack in by_stack]


def _start_some(run: _Run) -> None:
    # A child that waits for a sibling takes no processor; counting it could block everything.
    while run.waiting and sum(not child.waits_for for child in run.running.values()) < run.slots:
        _start(run, run.waiting.pop(0))


def _start(run: _Run, stack: str) -> None:
    ours, theirs = socket.socketpair()
    process = children.start(theirs.fileno())
    theirs.close()
    child = _Child(stack, process, Lines(ours), time.monotonic())
    run.running[stack] = child
    run.selector.register(ours, selectors.EVENT_READ, child)
    run.progress(stack, "start", 0.0)
    child.lines.send(run.jobs[stack])


def _listen(run: _Run, child: _Child) -> None:
    documents, alive = child.lines.available()
    for document in documents:
        if "ask" in document:
            _asked(run, child, document["ask"])
        else:
            _finish(run, child, document["result"], document["exports"])
            return
    if not alive and child.stack in run.running:
        _finish(run, child, failed(child.stack, "crash", _how_it_ended(child)), None)


def _asked(run: _Run, child: _Child, reference: str) -> None:
    """A program reads the outputs of another stack: answer at once, or run that one first."""
    *project, stack = reference.split("/")
    if project and project[-1] != run.project:
        _reply(child, why=f"it belongs to project {project[-1]}")
    elif stack not in run.jobs:
        _reply(child, why="it is not part of this preview")
    elif stack == child.stack:
        _reply(child, why="a stack has no outputs of its own before it is deployed")
    elif stack in run.documents:
        _answer(run, child, stack)
    elif child.stack in (chain := _waits(run, stack)):
        path = " -> ".join([child.stack, *chain])
        _reply(child, error=f"the stacks wait for each other: {path}", do="read one of them from --answers FILE")
    else:
        child.waits_for, child.waits_since = stack, time.monotonic()
        if stack in run.waiting:
            run.waiting.remove(stack)
            run.waiting.insert(0, stack)
        run.progress(child.stack, f"wait for {stack}", 0.0)


def _waits(run: _Run, stack: str) -> list[str]:
    chain = [stack]
    while (child := run.running.get(chain[-1])) and child.waits_for and child.waits_for not in chain:
        chain.append(child.waits_for)
    return chain


def _answer(run: _Run, child: _Child, stack: str) -> None:
    if child.waits_for:
        # Waiting for a sibling is not the program's own time.
        child.started += time.monotonic() - child.waits_since
        child.waits_for = ""
    if stack in run.exports:
        _reply(child, exports=run.exports[stack])
    else:
        _reply(child, why="it could not run")


def _reply(child: _Child, **answer: Any) -> None:
    # If it has gone, its socket says so to the selector.
    with suppress(OSError):
        child.lines.send(answer)


def _finish(run: _Run, child: _Child, document: StackDocument, exports: Any) -> None:
    if child.stopped and document["error"] is not None and document["error"]["kind"] in ("timeout", "crash"):
        document["error"]["kind"] = "timeout"
        document["error"]["message"] = f"not done after {run.timeout:g} s (--timeout), so it was stopped"
    _kill(child)
    _forget(run, child)
    run.documents[child.stack] = document
    if exports is not None:
        run.exports[child.stack] = exports
    run.progress(child.stack, document["status"], time.monotonic() - child.started)
    for other in run.running.values():
        if other.waits_for == child.stack:
            _answer(run, other, child.stack)


def _stop_late_ones(run: _Run) -> None:
    now = time.monotonic()
    for child in list(run.running.values()):
        if child.waits_for:
            continue
        if child.stopped and now - child.stopped > _GRACE:
            _kill(child)
        elif not child.stopped and now - child.started > run.timeout:
            child.stopped = now
            child.process.send_signal(signal.SIGTERM)


def _how_it_ended(child: _Child) -> str:
    try:
        code = child.process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return "its process closed the connection to hakit"
    if code < 0:
        return f"its process ended by signal {signal.Signals(-code).name}"
    return f"its process ended without a result, exit code {code}"


def _kill(child: _Child) -> None:
    # All of the group may have ended; PermissionError is macOS's word for a group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    # One that has only just begun has no group of its own yet.
    child.process.send_signal(signal.SIGKILL)
    child.process.wait()


def _forget(run: _Run, child: _Child) -> None:
    run.selector.unregister(child.lines.connection)
    child.lines.connection.close()
    run.running.pop(child.stack, None)
