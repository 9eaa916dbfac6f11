"""Run a program under the recording monitor, to its end: all registrations, all applies."""

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import settings, stack
from pulumi.runtime.proto import engine_pb2

from hakit.testing.answers import Answers, Sibling
from hakit.testing.monitor import RecordingMonitor
from hakit.testing.recording import Recording
from hakit.testing.transforms import LocalCallbacks
from hakit.testing.values import secret_strings

_SEVERITIES = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}


def record(  # noqa: PLR0913  each is a fact of the run, named where it is given
    program: Callable[[], Any],
    *,
    project: str = "project",
    stack: str = "stack",
    config: Mapping[str, Any] | None = None,
    secrets: Sequence[str] = (),
    preview: bool = True,
    answers: Mapping[str, Any] | None = None,
    root: str | Path | None = None,
) -> Recording:
    """Run a program without an engine and return what it asked for.

    It runs to the end: every registration has landed, and an exception in an apply that nobody returned is raised
    here. Each call starts from nothing, in a thread and an event loop of its own, so calls do not see each other.

    Args:
        program: a function that creates resources.
        config: by key; a key without a namespace is the project's. Values that are not strings are written as Pulumi
            writes them, objects as JSON.
        secrets: the keys of `config` that are secret.
        preview: True is a first preview: ids and computed outputs are unknown and applies on them do not run. False
            is an update: ids are `<name>-id`, computed outputs are None unless answered.
        answers: `invokes` by token, `stacks` (outputs by stack name), `resources` (computed outputs by type, or a
            function of the Recorded resource; `id` is the id).
        root: what `pulumi.get_root_directory()` says.

    Raises:
        HakitError: an unknown key in `answers`, or two resources with one URN.
        Exception: whatever the program raises.
    """
    session = Session(
        project=project, stack=stack, config=config, secrets=secrets, preview=preview, answers=answers, root=root
    )
    failure: list[BaseException] = []

    def run() -> None:
        try:
            session.run(program)
        except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
            failure.append(error)

    # A thread, because an event loop belongs to one, and the caller's may be running (pytest-asyncio, a notebook).
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="hakit.record")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return session.recording()


class Session:
    """One run of one program in this thread. `record` is the short form; `hakit preview` needs what is left when a
    program raises, and the outputs of siblings."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        project: str,
        stack: str,
        config: Mapping[str, Any] | None = None,
        secrets: Sequence[str] = (),
        preview: bool = True,
        answers: Mapping[str, Any] | None = None,
        root: str | Path | None = None,
        organization: str = "organization",
        sibling: Sibling | None = None,
    ) -> None:
        self._config = {_key(key, project): _config_text(value) for key, value in (config or {}).items()}
        self._secrets = [_key(key, project) for key in secrets]
        self._root = str(root or Path.cwd())
        self._organization = organization
        self.monitor = RecordingMonitor(project, stack, Answers(answers, project), preview=preview, sibling=sibling)

    def run(self, program: Callable[[], Any]) -> None:
        """Run it to the end, and leave nothing of Pulumi's state behind in this context."""
        contextvars.copy_context().run(self._run, program)

    def recording(self) -> Recording:
        monitor = self.monitor
        return Recording(
            resources=tuple(monitor.recorded.values()),
            exports=dict(monitor.exports),
            invokes=tuple(monitor.invokes),
            notes=tuple(monitor.notes),
            secrets=frozenset(monitor.secrets),
        )

    def _run(self, program: Callable[[], Any]) -> None:
        monitor = self.monitor
        settings.ROOT.set(None)
        pulumi_config.set_all_config(self._config, self._secrets)
        settings.configure(
            settings.Settings(
                project=monitor.project,
                stack=monitor.stack,
                monitor=monitor,
                engine=self,
                dry_run=monitor.preview,
                organization=self._organization,
                root_directory=self._root,
            )
        )
        loop = asyncio.new_event_loop()
        # What is left of a program that failed is its unfinished futures; asyncio would complain about each.
        loop.set_exception_handler(lambda _loop, _context: None)
        asyncio.set_event_loop(loop)
        monitor.callbacks = LocalCallbacks(monitor, loop)
        settings.SETTINGS.callbacks = monitor.callbacks
        try:
            with _watched_secrets(monitor.secrets), _partly_known_references():
                loop.run_until_complete(stack.run_in_stack(lambda: _no_awaitable(program())))
        finally:
            _close(loop)
            asyncio.set_event_loop(None)

    # The engine's side of pulumi.log

    def Log(self, request: Any) -> None:  # noqa: N802  the engine's name for it
        kind = _SEVERITIES.get(request.severity)
        if kind is not None:
            self.monitor.note(kind, request.message)

    def RequirePulumiVersion(self, _request: Any) -> None:  # noqa: N802
        """Any version will do: there is no engine whose version could be wrong."""


def _no_awaitable(result: Any) -> Any:
    # A program may be a coroutine function; anything else it returns is not Pulumi's business.
    return result if asyncio.iscoroutine(result) else None


def _close(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def _key(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _config_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


@contextmanager
def _watched_secrets(known: set[str]) -> Generator[None]:
    """Remember what the program calls secret, even when it never reaches a resource: a traceback may show it."""
    original = pulumi.Output.secret

    def secret(value: Any) -> Any:
        if isinstance(value, pulumi.Output):
            value.apply(lambda inner: known.update(secret_strings(inner, inside=True)))
        else:
            known.update(secret_strings(value, inside=True))
        return original(value)

    pulumi.Output.secret = staticmethod(secret)  # ty: ignore[invalid-assignment]
    try:
        yield
    finally:
        pulumi.Output.secret = staticmethod(original)


@contextmanager
def _partly_known_references() -> Generator[None]:
    """Let a StackReference give the outputs that are known beside those that are not.

    Deployed stacks have no unknown outputs, so the SDK never had to: it takes one unknown for all of them.
    """
    reference = pulumi.StackReference
    get, require = reference.get_output, reference.require_output

    def picking(original: Callable[..., Any], pick: Callable[[Any, str], Any]) -> Callable[..., Any]:
        def output(self: Any, name: Any) -> Any:
            both = pulumi.Output.all(pulumi.Output.from_input(name), self.outputs)
            value = both.apply(lambda pair: pick(*pair), True)
            return pulumi.Output(value.resources(), value.future(), value.is_known(), original(self, name).is_secret())

        return output

    reference.get_output = picking(get, _get)  # ty: ignore[invalid-assignment]
    reference.require_output = picking(require, _require)  # ty: ignore[invalid-assignment]
    try:
        yield
    finally:
        reference.get_output, reference.require_output = get, require


def _get(name: str, outputs: Any) -> Any:
    return outputs.get(name) if isinstance(outputs, Mapping) else outputs


def _require(name: str, outputs: Any) -> Any:
    return outputs[name] if isinstance(outputs, Mapping) else outputs
