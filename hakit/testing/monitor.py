# ruff: noqa: N802  the monitor's methods are named by Pulumi's protocol
"""The recording monitor: what stands where Pulumi's engine would stand, and writes down what it is asked."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]  made at run time
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import provider_pb2, resource_pb2

from hakit.errors import HakitError
from hakit.testing.answers import EMPTY, Answers, Sibling
from hakit.testing.recording import Invoke, Note, Recorded
from hakit.testing.transforms import LocalCallbacks, transformed
from hakit.testing.values import UNKNOWN, from_struct, open_secrets, secret_strings, to_struct

STACK = "pulumi:pulumi:Stack"
REFERENCE = "pulumi:pulumi:StackReference"


class RecordingMonitor(MockMonitor):
    """Answers like the engine in a first preview: inputs come back, everything computed is unknown.

    With `preview=False` it answers like an update instead: ids are `<name>-id`, computed outputs are None unless
    `answers` gives them. Calls come from several threads at once.
    """

    def __init__(self, project: str, stack: str, answers: Answers, *, preview: bool, sibling: Sibling | None) -> None:
        self.project, self.stack = project, stack
        self.answers, self.preview, self.sibling = answers, preview, sibling
        self.recorded: dict[str, Recorded] = {}
        self.exports: dict[str, Any] = {}
        self.invokes: list[Invoke] = []
        self.notes: list[Note] = []
        self.secrets: set[str] = set()
        self.callbacks: LocalCallbacks | None = None
        self._transforms: list[str] = []
        self._stack_urn = f"urn:pulumi:{stack}::{project}::{STACK}::{project}-{stack}"
        self._lock = threading.RLock()

    # What a program registers, reads and calls

    def RegisterResource(self, request: Any) -> Any:
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=self._stack_urn)
        tokens = [callback.token for callback in request.transforms] + self._transforms
        if tokens and self.callbacks is not None:
            request = transformed(request, tokens, self.callbacks)
        recorded = self._remember(_registered(request, self._urn(request)))
        state = {**recorded.inputs, **self.answers.resource(recorded)}
        identity = state.pop("id", "" if self.preview else f"{request.name}-id") if request.custom else ""
        _name_what_the_provider_names(recorded, state, preview=self.preview)
        return resource_pb2.RegisterResourceResponse(urn=recorded.urn, id=str(identity), object=to_struct(state))

    def ReadResource(self, request: Any) -> Any:
        recorded = self._remember(_read(request, self._urn(request)))
        if request.type == REFERENCE:
            state = self._reference(str(recorded.inputs.get("name") or request.id))
        else:
            state = {**recorded.inputs, **self.answers.resource(recorded)}
        return resource_pb2.ReadResourceResponse(urn=recorded.urn, properties=to_struct(state))

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = from_struct(request.outputs)
        with self._lock:
            self.secrets.update(secret_strings(outputs))
            if request.urn == self._stack_urn:
                self.exports = outputs
            elif request.urn in self.recorded:
                self.recorded[request.urn] = replace(self.recorded[request.urn], outputs=outputs)
        return Empty()

    def Invoke(self, request: Any) -> Any:
        args = from_struct(request.args)
        if request.tok == "pulumi:pulumi:getResource":
            known = self.recorded.get(args.get("urn", ""))
            state = {} if known is None else {"urn": known.urn, "id": "", "state": known.inputs}
            return _returned(state)
        answer = self.answers.invoke(request.tok, args)
        with self._lock:
            self.invokes.append(Invoke(request.tok, args, answer is not None))
            self.secrets.update(secret_strings(answer))
            if answer is None:
                self.note("invoke", f"{request.tok} was answered empty: only its provider knows")
        return _returned(EMPTY.get(request.tok, {}) if answer is None else answer)

    def Call(self, request: Any) -> Any:
        self.note("invoke", f"{request.tok}, a method, was answered empty: only its provider knows")
        return provider_pb2.CallResponse()

    # What the SDK asks of an engine besides

    def RegisterStackTransform(self, request: Any) -> Any:
        self._transforms.insert(0, request.token)
        return Empty()

    def RegisterStackInvokeTransform(self, _request: Any) -> Any:
        self.note("transform", "an invoke transform was not run")
        return Empty()

    def RegisterResourceHook(self, _request: Any) -> Any:
        return Empty()

    def RegisterErrorHook(self, _request: Any) -> Any:
        return Empty()

    def SupportsFeature(self, request: Any) -> Any:
        return SimpleNamespace(hasSupport=request.id != "outputValues")

    def note(self, kind: str, text: str) -> None:
        with self._lock:
            if Note(kind, text) not in self.notes:
                self.notes.append(Note(kind, text))

    def _remember(self, recorded: Recorded) -> Recorded:
        with self._lock:
            if recorded.urn in self.recorded:
                # The engine refuses this too ("Duplicate resource URN"), after minutes rather than at once.
                raise HakitError(
                    f"two resources are {recorded.type} {recorded.name!r} with the same parent",
                    given=recorded.urn,
                    do="give each its own name",
                )
            self.recorded[recorded.urn] = recorded
            self.secrets.update(secret_strings(recorded.inputs))
        return recorded

    def _urn(self, request: Any) -> str:
        parent = request.parent
        chain = "" if parent in ("", self._stack_urn) else parent.split("::")[2] + "$"
        return f"urn:pulumi:{self.stack}::{self.project}::{chain}{request.type}::{request.name}"

    def _reference(self, name: str) -> dict[str, Any]:
        outputs, why = self.sibling(name) if self.sibling is not None else (None, "")
        if outputs is None:
            outputs = self.answers.stack(name)
        if outputs is None:
            self.note("reference", f"outputs of stack {name} are unknown: {why or 'no answer was given for them'}")
            return {"name": name, "outputs": UNKNOWN, "secretOutputNames": []}
        with self._lock:
            self.secrets.update(secret_strings(outputs))
        secret = [key for key, value in outputs.items() if any(True for _ in secret_strings(value))]
        return {"name": name, "outputs": outputs, "secretOutputNames": secret}


def _returned(state: Mapping[str, Any]) -> provider_pb2.InvokeResponse:
    response = provider_pb2.InvokeResponse()
    getattr(response, "return").CopyFrom(to_struct(state))  # the field's name is a keyword here
    return response


def _registered(request: Any, urn: str) -> Recorded:
    return Recorded(
        type=request.type,
        name=request.name,
        urn=urn,
        parent=_parent(request.parent),
        provider=_provider(request.provider),
        providers={package: _provider(reference) for package, reference in sorted(request.providers.items())},
        inputs=from_struct(request.object),
        custom=request.custom,
        remote=request.remote,
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        depends_on=tuple(sorted(request.dependencies)),
        aliases=tuple(alias.urn or _alias(alias.spec) for alias in request.aliases),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        deleted_with=request.deletedWith,
        import_id=request.importId,
    )


def _read(request: Any, urn: str) -> Recorded:
    return Recorded(
        type=request.type,
        name=request.name,
        urn=urn,
        parent=_parent(request.parent),
        provider=_provider(request.provider),
        inputs=from_struct(request.properties),
        read=True,
        depends_on=tuple(sorted(request.dependencies)),
        import_id=request.id,
    )


def _parent(urn: str) -> str:
    return "" if urn.split("::")[2:3] == [STACK] else urn


def _provider(reference: str) -> str:
    # A reference is the provider's URN and its id: urn:pulumi:stack::project::type::name::id
    return reference.split("::")[3] if reference.count("::") >= 3 else ""


def _alias(spec: Any) -> str:
    return "::".join(part for part in (spec.type, spec.name or spec.parentUrn) if part)


def _name_what_the_provider_names(recorded: Recorded, state: dict[str, Any], *, preview: bool) -> None:
    """The kubernetes provider invents `metadata.name` where there is none: unknown here, never None."""
    metadata = open_secrets(state.get("metadata") or {})
    is_object = recorded.custom and recorded.type.startswith("kubernetes:") and "kind" in state
    if is_object and isinstance(metadata, Mapping) and "name" not in metadata:
        state["metadata"] = {**metadata, "name": UNKNOWN if preview else f"{recorded.name}-auto"}
