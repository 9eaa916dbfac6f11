"""A whole preview: find the project, run its stacks, add up."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.preview.config import StackConfig
from hakit.preview.document import VERSION, NoteDocument, PreviewDocument, StackDocument, failed
from hakit.preview.objects import find_objects
from hakit.preview.processes import run_stacks
from hakit.preview.project import Project, choose_stacks, find_project
from hakit.preview.text import counts
from hakit.preview.totals import added, stack_totals, totals_document

Progress = Callable[[str, str, float], None]


def preview(
    directory: str | Path = ".",
    stacks: Sequence[str] = (),
    *,
    answers: Mapping[str, Any] | None = None,
    timeout: float = 120,
    progress: Progress = lambda _stack, _event, _seconds: None,
) -> PreviewDocument:
    """Run the program of each stack without an engine and return what it asked for.

    Args:
        directory: of a Pulumi project, or below it.
        stacks: names; all that have a file when empty.
        answers: as `load_answers` returns them.
        timeout: seconds for each program, without the time it waits for a sibling's outputs.
        progress: called with a stack, what happened to it, and the seconds since its start.

    Raises:
        HakitError: there is no project, it is broken, or a stack is unknown. What goes wrong within one stack's
            program is in its document instead.
    """
    project = find_project(Path(directory))
    names = choose_stacks(project, stacks)
    jobs, broken = [], {}
    for name in names:
        try:
            jobs.append(_job(project, name, project.stack(name), answers or {}))
        except HakitError as error:
            broken[name] = failed(name, "config", str(error))
    ran = {one["stack"]: one for one in run_stacks(project.name, jobs, timeout=timeout, progress=progress)}
    done = [_completed(broken.get(name) or ran[name], jobs) for name in names]
    parts = [stack_totals(stack["resources"], stack["findings"]) for stack in done]
    for stack, part in zip(done, parts, strict=True):
        stack["totals"] = totals_document(part)
    return {"version": VERSION, "project": project.name, "stacks": done, "totals": totals_document(added(parts))}


def preview_instead(
    project: Project, stacks: Sequence[str], instead: Mapping[str, str], *, timeout: float = 120
) -> list[StackDocument]:
    """What stacks would create if these files, topologies by their absolute paths, said something else.

    Args:
        project: whose stacks they are; one without a file runs without configuration.
        stacks: names.
        instead: by path, the text that is read in the file's place.
        timeout: seconds for each program.

    Raises:
        HakitError: a stack's configuration is broken. What goes wrong within a program is in its document.
    """
    jobs = [{**_job(project, name, project.stack(name), {}), "instead": dict(instead)} for name in stacks]
    documents = run_stacks(project.name, jobs, timeout=timeout, progress=lambda _stack, _event, _seconds: None)
    return [_completed(document, jobs) for document in documents]


def exit_code(document: PreviewDocument, *, strict: bool = False) -> int:
    """0: nothing unaccepted. 1: findings stand. 2: a stack could not run."""
    if any(stack["status"] != "ok" for stack in document["stacks"]):
        return 2
    number = counts(document["stacks"])
    return 1 if number["error"] or (strict and number["warning"]) else 0


def _job(project: Project, stack: str, config: StackConfig, answers: Mapping[str, Any]) -> dict[str, Any]:
    stand_ins = {_key(key, project.name): str(value) for key, value in (answers.get("config") or {}).items()}
    values = {**config.values, **{key: value for key, value in stand_ins.items() if key in config.secrets}}
    return {
        "project": project.name,
        "stack": stack,
        "root": str(project.root),
        "main": str(project.main),
        "program": str(project.program),
        "config": values,
        "secrets": config.secrets,
        "encrypted": [key for key in config.encrypted if key not in stand_ins],
        "answers": {key: value for key, value in answers.items() if key != "config"},
        "notes": config.notes,
    }


def _key(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _completed(stack: StackDocument, jobs: Sequence[Mapping[str, Any]]) -> StackDocument:
    find_objects(stack["resources"])
    texts = [note for job in jobs if job["stack"] == stack["stack"] for note in job["notes"]]
    notes: list[NoteDocument] = [{"kind": "stack", "text": text} for text in texts]
    stack["notes"] = [*notes, *stack["notes"]]
    return stack
