"""Resource transforms without an engine: the program's own callbacks, run in its own event loop.

Under Pulumi the engine calls back over gRPC. Here the monitor runs in the program's process, so it calls the same
function on the same bytes. Hooks are registered and not run: they belong to creation, and nothing is created.
"""

import asyncio
import contextvars
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import Any

from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import resource_pb2


class LocalCallbacks(_CallbackServicer):
    """Pulumi's registry of callbacks, without its server."""

    def __init__(self, monitor: Any, loop: asyncio.AbstractEventLoop) -> None:
        # Not the parent's constructor: that one opens a port, and puts itself on a list that outlives the run.
        self._callbacks = {}
        self._transforms = {}
        self._monitor = monitor
        self._target = "local"
        self._loop = loop
        self._context = contextvars.copy_context()

    def call(self, token: str, request: bytes) -> Any:
        """Run a callback in the program's loop and wait for its answer. Never call it from that loop's thread."""
        done: Future[Any] = Future()

        def start() -> None:
            task = self._loop.create_task(_settle(self._callbacks[token](request), done))
            task.add_done_callback(lambda _: None)

        self._loop.call_soon_threadsafe(start, context=self._context)
        return done.result()


async def _settle(work: Awaitable[Any], done: "Future[Any]") -> None:
    try:
        done.set_result(await work)
    except BaseException as error:  # noqa: BLE001  it is raised again in the thread that waits
        done.set_exception(error)


def transformed(
    request: resource_pb2.RegisterResourceRequest, tokens: list[str], callbacks: LocalCallbacks
) -> resource_pb2.RegisterResourceRequest:
    """The request after all transforms: the resource's own, its parents', the stack's."""
    result = resource_pb2.RegisterResourceRequest()
    result.CopyFrom(request)
    for token in tokens:
        asked = resource_pb2.TransformRequest(
            type=result.type, name=result.name, custom=result.custom, parent=result.parent, properties=result.object
        )
        _copy_options(result, asked.options)
        answer = callbacks.call(token, asked.SerializeToString())
        result.object.CopyFrom(answer.properties)
        if answer.HasField("options"):
            _take_options(answer.options, result)
    return result


_SAME = {
    "depends_on": "dependencies",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "additional_secret_outputs": "additionalSecretOutputs",
}


def _copy_options(
    request: resource_pb2.RegisterResourceRequest, options: resource_pb2.TransformResourceOptions
) -> None:
    for option, name in _SAME.items():
        getattr(options, option).extend(getattr(request, name))
    options.aliases.extend(request.aliases)
    options.providers.update(request.providers)
    options.provider, options.version = request.provider, request.version
    options.deleted_with = request.deletedWith
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete


def _take_options(
    options: resource_pb2.TransformResourceOptions, request: resource_pb2.RegisterResourceRequest
) -> None:
    for option, name in _SAME.items():
        del getattr(request, name)[:]
        getattr(request, name).extend(getattr(options, option))
    del request.aliases[:]
    request.aliases.extend(options.aliases)
    request.providers.clear()
    request.providers.update(options.providers)
    request.provider, request.deletedWith = options.provider, options.deleted_with
    if options.HasField("protect"):
        request.protect = options.protect
    if options.HasField("retain_on_delete"):
        request.retainOnDelete = options.retain_on_delete
