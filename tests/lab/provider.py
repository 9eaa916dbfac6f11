"""A stand-in asked as the engine asks it: over gRPC, with plain objects in and out."""

import contextlib
from collections.abc import Generator
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from lab.providers.frame import Frame, Object, listen, plain, struct


class Asked:
    def __init__(self, stub: provider_pb2_grpc.ResourceProviderStub) -> None:
        self._stub = stub

    def configure(self, settings: Object) -> None:
        self._stub.Configure(provider_pb2.ConfigureRequest(args=struct(settings)))

    def check(self, type_: str, inputs: Object, name: str = "it") -> dict[str, str]:
        """What is refused: the reason by the property's path."""
        answer = self._check(type_, inputs, name)
        return {each.property: each.reason for each in answer.failures}

    def checked(self, type_: str, inputs: Object, name: str = "it", olds: Object | None = None) -> Object:
        """The inputs as the provider completes them."""
        return plain(self._check(type_, inputs, name, olds).inputs)

    def _check(self, type_: str, inputs: Object, name: str, olds: Object | None = None) -> Any:
        given = provider_pb2.CheckRequest(
            type=type_, name=name, news=struct(inputs), olds=struct(olds or {}), randomSeed=b"seed"
        )
        return self._stub.Check(given)

    def diff(self, type_: str, old: Object, new: Object) -> list[str]:
        """The properties that a change replaces the resource for."""
        given = provider_pb2.DiffRequest(type=type_, old_inputs=struct(old), news=struct(new))
        return list(self._stub.Diff(given).replaces)

    def create(self, type_: str, inputs: Object, *, preview: bool = False) -> tuple[str, Object]:
        given = provider_pb2.CreateRequest(type=type_, properties=struct(inputs), preview=preview)
        answer = self._stub.Create(given)
        return answer.id, plain(answer.properties)

    def read(self, type_: str, identity: str, state: Object, inputs: Object) -> tuple[Object, Object] | None:
        """Properties and inputs as they are now; None when it is gone."""
        given = provider_pb2.ReadRequest(type=type_, id=identity, properties=struct(state), inputs=struct(inputs))
        answer = self._stub.Read(given)
        return (plain(answer.properties), plain(answer.inputs)) if answer.id else None

    def update(self, type_: str, identity: str, state: Object, old: Object, inputs: Object) -> Object:
        """Its properties, when `old` inputs become `inputs`."""
        given = provider_pb2.UpdateRequest(
            type=type_, id=identity, olds=struct(state), old_inputs=struct(old), news=struct(inputs)
        )
        return plain(self._stub.Update(given).properties)

    def delete(self, type_: str, identity: str, state: Object) -> None:
        self._stub.Delete(provider_pb2.DeleteRequest(type=type_, id=identity, properties=struct(state)))


@contextlib.contextmanager
def asked(provider: Frame) -> Generator[Asked]:
    server, port = listen(provider)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Asked(provider_pb2_grpc.ResourceProviderStub(channel))
    finally:
        server.stop(0)
