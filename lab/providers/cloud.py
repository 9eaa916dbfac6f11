"""What the stand-ins of aws and cloudflare share: inputs are held against the SDK's declaration, and what was made is
kept in the store.

What they do not play: invokes (`aws.get_...`), the default values that the official providers fill in, and
fields that the official ones find out of order and put in order (JSON policies, sets).
"""

import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]  made at run time
from pulumi.runtime.proto import provider_pb2

from lab.providers.declared import declared, problems
from lab.providers.frame import UNKNOWN, Frame, Object, diff, plain, struct
from lab.providers.store import Store

#: A rule of a cloud, asked before anything is made: called with a resource's type, its inputs (in Pulumi's spelling; a
#: value may be `UNKNOWN` in a preview) and the store, it returns (property's path, why it is refused) for each failure.
Rule = Callable[[str, Object, Store], list[tuple[str, str]]]
#: Longer than any test; a held answer never outlives its test by more.
_HELD_SECONDS = 120


class CloudError(Exception):
    """The cloud said no; the message is its own."""


class Cloud(Frame):
    """A provider whose resources are rows of the store. A subclass names its rules and plays what is more than that."""

    package = ""
    #: Asked in this order by every Check.
    rules: tuple[Rule, ...] = ()

    def __init__(self, store: Store) -> None:
        self.store = store
        #: The provider's own inputs, by the engine's connection: each provider resource has one of its own.
        self._configured: dict[str, Object] = {}

    def replaced_by_of(self, type_: str) -> tuple[str, ...]:  # noqa: ARG002
        """The inputs of a type that cannot change in place."""
        return ()

    def named(self, type_: str, name: str, inputs: Object, olds: Object, seed: bytes) -> Object:  # noqa: ARG002
        """Inputs with the name that the provider makes up where the program gives none."""
        return inputs

    # The four verbs, with what exists as rows of the store

    def make(self, type_: str, inputs: Object, settings: Object) -> tuple[str, Object]:
        """Make a resource: its id and all its properties.

        Raises:
            CloudError: the cloud refuses.
        """
        raise NotImplementedError

    def look(self, type_: str, identity: str, state: Object, settings: Object) -> Object | None:  # noqa: ARG002
        """The properties that a resource has now; None when it is gone."""
        return self.store.find(type_, identity)

    def imported(self, type_: str, identity: str, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        """What an import's id alone says: the resource's own id, and as many properties as a look at it needs."""
        return identity, {}

    def change(self, type_: str, identity: str, state: Object, wanted: Object, settings: Object) -> Object:  # noqa: ARG002
        """Give a resource its new inputs; `wanted` has them, and of its properties those that the cloud made up."""
        self.store.put(type_, identity, wanted)
        return wanted

    def remove(self, type_: str, identity: str, state: Object, settings: Object) -> None:  # noqa: ARG002
        self.store.remove(type_, identity)

    # The protocol

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        prefix = f"{self.package}:config:"
        given = {name.removeprefix(prefix): value for name, value in request.variables.items()}
        self._configured[context.peer()] = given | plain(request.args)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        given = plain(request.news)
        inputs = self.named(request.type, request.name, given, plain(request.olds), request.randomSeed)
        found = problems(request.type, inputs)
        for rule in self.rules if not found else ():
            found += rule(request.type, inputs, self.store)
        failures = [provider_pb2.CheckFailure(property=path, reason=reason) for path, reason in found]
        return provider_pb2.CheckResponse(inputs=struct(inputs), failures=failures)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return diff(request, self.replaced_by_of(request.type))

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs = plain(request.properties)
        if request.preview:
            unknown = dict.fromkeys(self._outputs(request.type) - inputs.keys(), UNKNOWN)
            return provider_pb2.CreateResponse(id="", properties=struct(unknown | inputs))
        try:
            identity, outputs = self.make(request.type, inputs, self._settings(context))
        except CloudError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        deadline = time.monotonic() + _HELD_SECONDS
        while self.store.is_held(request.type) and time.monotonic() < deadline:
            time.sleep(0.05)
        return provider_pb2.CreateResponse(id=identity, properties=struct(outputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        identity, state, inputs = request.id, plain(request.properties), plain(request.inputs)
        settings = self._settings(context)
        try:
            if not state:  # `pulumi import` knows an id and nothing else
                identity, state = self.imported(request.type, identity, settings)
            found = self.look(request.type, identity, state, settings)
        except CloudError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        if found is None:
            return provider_pb2.ReadResponse()  # no id: it is gone
        kept = inputs or (known.inputs if (known := declared(request.type)) else {})
        seen = {name: found[name] for name in kept if name in found}
        return provider_pb2.ReadResponse(id=identity, properties=struct(found), inputs=struct(seen))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        state, inputs, old = plain(request.olds), plain(request.news), plain(request.old_inputs)
        wanted = {name: value for name, value in state.items() if name not in old} | inputs
        if "tagsAll" in wanted:
            wanted["tagsAll"] = inputs.get("tags") or {}
        if request.preview:
            return provider_pb2.UpdateResponse(properties=struct(wanted))
        try:
            outputs = self.change(request.type, request.id, state, wanted, self._settings(context))
        except CloudError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return provider_pb2.UpdateResponse(properties=struct(outputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        try:
            self.remove(request.type, request.id, plain(request.properties), self._settings(context))
        except CloudError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return Empty()

    def _settings(self, context: grpc.ServicerContext) -> Object:
        return self._configured.get(context.peer(), {})

    def _outputs(self, type_: str) -> frozenset[str]:
        found = declared(type_)
        return found.outputs if found else frozenset()
