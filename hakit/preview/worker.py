"""The child process: runs one stack's program under the recording monitor and sends back what it asked for.

Everything is masked here, so no secret is in the parent but those that one stack exports to another; these pass
through it unread.
"""

import logging
import os
import runpy
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from hakit.errors import HakitError
from hakit.findings import AppReport, collecting
from hakit.preview.document import ErrorDocument, StackDocument, failed
from hakit.preview.lines import Lines
from hakit.preview.masking import Mask, object_secrets
from hakit.preview.output import Captured
from hakit.testing import Recording, Secret, Session
from hakit.testing.values import from_wire, to_wire
from hakit.topology.source import reading_instead


class TimedOut(BaseException):
    """The parent's patience is over. Not an Exception: a program must not be able to catch it by accident."""


def main(descriptor: int) -> None:
    lines = Lines(socket.socket(fileno=descriptor))
    os.set_inheritable(descriptor, False)
    job = lines.receive()
    if job is None:
        return
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    try:
        lines.send(_run(job, lines, Captured()))
    except BaseException as error:  # noqa: BLE001  the parent has to hear of it: nobody sees this process's output
        lines.send({"result": failed(job["stack"], "crash", _own_fault(error)), "exports": None})
    # Threads of a program that failed or was stopped may never end; the result is out.
    os._exit(0)


def _run(job: Mapping[str, Any], lines: Lines, captured: Captured) -> dict[str, Any]:
    session = _session(job, lines)
    error: BaseException | None = None
    with collecting() as reports:
        try:
            with reading_instead(job.get("instead", {})):
                session.run(lambda: _program(job))
        except BaseException as raised:  # noqa: BLE001  whatever a program raises is its result
            error = raised
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    recording = session.recording()
    mask = _mask(recording, job)
    document = _document(job, recording, reports, mask, captured.lines())
    document["error"] = None if error is None else _error(error, mask, Path(job["root"]))
    document["status"] = "ok" if error is None else "failed"
    return {"result": document, "exports": None if error else to_wire(recording.exports)}


def _own_fault(error: BaseException) -> str:
    # Without the message: it may hold anything, and there is no mask for it.
    frames = traceback.extract_tb(error.__traceback__)
    at = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:])
    return f"hakit itself failed with {type(error).__name__} at {at}; please report it"


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimedOut


def _session(job: Mapping[str, Any], lines: Lines) -> Session:
    one_at_a_time = threading.Lock()

    def sibling(reference: str) -> tuple[Mapping[str, Any] | None, str]:
        with one_at_a_time:
            lines.send({"ask": reference})
            answer = lines.receive() or {}
        if answer.get("error"):
            raise HakitError(answer["error"], where=f"StackReference {reference!r}", do=answer.get("do"))
        exports = answer.get("exports")
        return (None if exports is None else from_wire(exports)), answer.get("why", "")

    return Session(
        project=job["project"],
        stack=job["stack"],
        config=job["config"],
        secrets=job["secrets"],
        answers=_secured(job["answers"]),
        root=job["root"],
        sibling=sibling,
    )


def _secured(answers: Any) -> Any:
    """`secure: value` in the answers file is a secret, as it is in a stack file (there encrypted, here plain)."""
    if isinstance(answers, Mapping):
        if set(answers) == {"secure"}:
            return Secret(answers["secure"])
        return {key: _secured(item) for key, item in answers.items()}
    return [_secured(item) for item in answers] if isinstance(answers, list) else answers


def _program(job: Mapping[str, Any]) -> None:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    program = Path(job["program"])
    os.chdir(job["main"])
    sys.path.insert(0, job["main"])
    sys.argv = [str(program)]
    runpy.run_path(str(program / "__main__.py" if program.is_dir() else program), run_name="__main__")


def _mask(recording: Recording, job: Mapping[str, Any]) -> Mask:
    placeholders = {job["config"].get(key) for key in job["encrypted"]}
    secret_config = {value for key, value in job["config"].items() if key in job["secrets"]} - placeholders
    public = {job["project"], job["stack"]}
    for resource in recording.resources:
        public |= {resource.name, resource.type, resource.type.rpartition(":")[2]}
    inputs = [resource.inputs for resource in recording.resources]
    public |= set(_object_names(inputs))
    known = (recording.secrets - placeholders) | secret_config | set(object_secrets(inputs))
    return Mask(known, public)


def _object_names(value: Any) -> Iterator[str]:
    """Names and namespaces of Kubernetes objects: they are shown anyway, so a secret equal to one hides nothing."""
    if isinstance(value, Mapping):
        metadata = value.get("metadata")
        if isinstance(metadata, Mapping):
            yield from (metadata[key] for key in ("name", "namespace") if isinstance(metadata.get(key), str))
        for item in value.values():
            yield from _object_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _object_names(item)


def _document(
    job: Mapping[str, Any], recording: Recording, reports: list[AppReport], mask: Mask, printed: list[str]
) -> StackDocument:
    return {
        "stack": job["stack"],
        "status": "ok",
        "error": None,
        "resources": [
            {
                "urn": resource.urn,
                "type": resource.type,
                "name": resource.name,
                "parent": resource.parent,
                "provider": resource.provider,
                "custom": resource.custom,
                "remote": resource.remote,
                "read": resource.read,
                "protect": resource.protect,
                "retain_on_delete": resource.retain_on_delete,
                "depends_on": list(resource.depends_on),
                "inputs": mask.data(resource.inputs),
                "outputs": None if resource.outputs is None else mask.data(resource.outputs),
                "objects": [],
            }
            for resource in sorted(
                recording.resources, key=lambda resource: (resource.type, resource.name, resource.urn)
            )
        ],
        "findings": [
            {
                "app": report.app,
                "region": report.region,
                "role": report.role,
                "summary": mask.text(report.summary),
                "open": mask.data([finding.as_dict() for finding in report.settled.open]),
                "accepted": mask.data([accepted.as_dict() for accepted in report.settled.accepted]),
                "mended": mask.data([finding.as_dict() for finding in report.mended]),
                "failover": dict(report.failover),
                "reserved": list(report.reserved or ()),
            }
            for report in sorted(reports, key=lambda report: (report.app, report.region, report.role))
        ],
        "exports": mask.data(dict(sorted(recording.exports.items()))),
        "secret_config": job["secrets"],
        "notes": [
            {"kind": note.kind, "text": mask.text(note.text)}
            for note in sorted(recording.notes, key=lambda note: (note.kind, note.text))
        ],
        "output": [mask.text(line) for line in printed],
        "totals": [],
    }


def _error(error: BaseException, mask: Mask, root: Path) -> ErrorDocument:
    from pulumi import RunError

    kind, message = "raised", "".join(traceback.format_exception_only(error)).strip()
    shown = [] if isinstance(error, HakitError | RunError) else _user_frames(error, root)
    if isinstance(error, HakitError):
        kind, message = "hakit", str(error)
    elif isinstance(error, RunError):
        message = str(error)
    elif isinstance(error, SystemExit):
        kind = "exit"
        message = f"the program called sys.exit({error.code!r}): what it registered after its last wait is lost"
    elif isinstance(error, TimedOut):
        kind, message = "timeout", "stopped: it took too long; this is where it was"
    return {"kind": kind, "message": mask.text(message), "traceback": [mask.text(line) for line in shown]}


def _user_frames(error: BaseException, root: Path) -> list[str]:
    """The frames in the project's own files, as `file:line in function` and the line's text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(Path(frame.filename), root)]
    return [
        line
        for frame in own
        for line in (f"{_relative(frame.filename, root)}:{frame.lineno} in {frame.name}", f"    {frame.line}")
    ]


def _is_own(path: Path, root: Path) -> bool:
    libraries = {"site-packages", "dist-packages"}
    hakit = Path(__file__).parent.parent
    return path.is_relative_to(root) and not libraries & set(path.parts) and not path.is_relative_to(hakit)


def _relative(path: str, root: Path) -> str:
    return str(Path(path).relative_to(root))


if __name__ == "__main__":
    main(int(sys.argv[1]))
