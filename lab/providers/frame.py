"""What every stand-in shares: the parts of Pulumi's provider protocol that are the same for all, and how one is served.

The messages are `pulumi/provider.proto` of pulumi v3.250.0.
"""

import os
import time
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]  made at run time
from google.protobuf.struct_pb2 import Struct  # ty: ignore[missing-module-member]  made at run time
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.providers.difference import differences

Object = dict[str, Any]
#: Stands for a value that a preview cannot know (sdk/go/common/resource/plugin/rpc.go, UnknownStringValue).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Frame(provider_pb2_grpc.ResourceProviderServicer):
    """A provider without resources. Secrets come in the clear: no stand-in accepts them as such, so the engine opens
    them, and keeps what it gets back under the same names secret."""

    version = "0.0.0"
    #: Inputs of the provider itself that make it another one.
    replaced_by: tuple[str, ...] = ()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return plugin_pb2.PluginInfo(version=self.version)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        return diff(request, self.replaced_by)


def diff(request: Any, replaced_by: tuple[str, ...]) -> Any:
    """What changed among the inputs, field by field; a change in or below a field of `replaced_by` replaces."""
    kinds = provider_pb2.PropertyDiff
    found = differences(plain(request.old_inputs), plain(request.news))
    replacing = [path for path in found if any(path == each or _below(path, each) for each in replaced_by)]
    detailed = {}
    for path, word in found.items():
        kind = f"{word}_REPLACE" if path in replacing else word
        detailed[path] = provider_pb2.PropertyDiff(kind=kinds.Kind.Value(kind), inputDiff=True)
    answer = provider_pb2.DiffResponse
    return answer(
        changes=answer.DIFF_SOME if found else answer.DIFF_NONE,
        replaces=replacing,
        diffs=sorted({path.partition(".")[0].partition("[")[0] for path in found}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _below(path: str, field: str) -> bool:
    return path.startswith((f"{field}.", f"{field}["))


def plain(message: Struct) -> Object:
    found = json_format.MessageToDict(message)
    return {key: value for key, value in found.items() if not key.startswith("__")}


def struct(content: Mapping[str, Any]) -> Struct:
    message = Struct()
    message.update(content)
    return message


def listen(provider: Frame) -> tuple[grpc.Server, int]:
    """Serve a provider on loopback; the server and its port."""
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", -1)])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def while_the_parent_lives(also: Callable[[], bool] = lambda: True) -> None:
    """Return when whoever started this process has gone, so that nothing is left of a killed test."""
    parent = os.getppid()
    while os.getppid() == parent and also():
        time.sleep(0.5)
