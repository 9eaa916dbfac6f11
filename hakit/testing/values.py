"""Plain data on one side, Pulumi's wire format on the other.

On the wire a secret is a map with a signature and an unknown is a fixed string. In a recording a secret is
`Secret(value)` and an unknown is `UNKNOWN`, so that a test has to say which of them it expects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value  # ty: ignore[missing-module-member]  made at run time
from pulumi.runtime import rpc

SIGNATURE = rpc._special_sig_key  # noqa: SLF001  Pulumi has no public name for its wire format
_SECRET = rpc._special_secret_sig  # noqa: SLF001
_ASSET = rpc._special_asset_sig  # noqa: SLF001
_ARCHIVE = rpc._special_archive_sig  # noqa: SLF001
_RESOURCE = rpc._special_resource_sig  # noqa: SLF001
_OUTPUT = rpc._special_output_value_sig  # noqa: SLF001


class Unknown:
    """What only a provider can compute. There is one of it: `UNKNOWN`."""

    _only: "Unknown | None" = None

    def __new__(cls) -> "Unknown":
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> tuple[type["Unknown"], tuple[()]]:
        return (Unknown, ())


UNKNOWN = Unknown()


@dataclass(frozen=True, eq=True)
class Secret:
    """A value that the program marked as secret. Its `repr` does not show it: reprs end in CI logs."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


def from_wire(value: Any) -> Any:
    """Plain data from a JSON-like value in Pulumi's wire format."""
    if isinstance(value, Mapping):
        signature = value.get(SIGNATURE)
        if signature is None:
            return {key: from_wire(item) for key, item in value.items()}
        return _signed(signature, value)
    if isinstance(value, list | tuple):
        return [from_wire(item) for item in value]
    return UNKNOWN if value == rpc.UNKNOWN else value


def _signed(signature: object, value: Mapping[str, Any]) -> Any:
    rest = {key: item for key, item in value.items() if key != SIGNATURE}
    if signature == _SECRET:
        return Secret(open_secrets(from_wire(rest.get("value"))))
    if signature == _OUTPUT:
        inner = from_wire(rest["value"]) if "value" in rest else UNKNOWN
        return Secret(open_secrets(inner)) if rest.get("secret") else inner
    if signature == _RESOURCE:
        return rest.get("urn", "")
    if signature in (_ASSET, _ARCHIVE):
        return {"$asset" if signature == _ASSET else "$archive": from_wire(rest)}
    return from_wire(rest)


def to_wire(value: Any) -> Any:
    """The opposite of `from_wire`, as a JSON-like value."""
    if isinstance(value, Secret):
        return {SIGNATURE: _SECRET, "value": to_wire(value.value)}
    if value is UNKNOWN:
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {str(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_wire(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def from_struct(struct: Struct) -> dict[str, Any]:
    return {key: from_wire(_json(item)) for key, item in struct.fields.items()}


def to_struct(data: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(to_wire(data))
    return struct


def _json(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {key: _json(item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_json(item) for item in value.list_value.values]
    if kind == "number_value":
        # The wire knows only doubles. What is whole was an integer in any program worth testing.
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    return None if kind in (None, "null_value") else getattr(value, kind)


def open_secrets(value: Any) -> Any:
    """The data without its `Secret` wrappers."""
    if isinstance(value, Secret):
        return open_secrets(value.value)
    if isinstance(value, Mapping):
        return {key: open_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [open_secrets(item) for item in value]
    return value


_DEEP = 12  # characters from which a string deep in a secret structure counts


def secret_strings(value: Any, *, inside: bool = False) -> Iterator[str]:
    """The strings that are secret in the data: within a `Secret` somewhere, or in all of it if `inside` one already.

    One secret in a large structure makes the whole of it secret to Pulumi, "ClusterIP" and "true" with it. So a short
    string counts only where it is a secret by itself or in a flat map or list; and of a Kubernetes object only the
    data of a Secret counts: what else is secret in one became so by a value that is known by itself.
    """
    if isinstance(value, Secret):
        yield from _strings(value.value, 0)
    elif inside:
        yield from _strings(value, 0)
    else:
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        for item in items:
            yield from secret_strings(item)


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _strings(value.value, 0)
    elif isinstance(value, Mapping) and "apiVersion" in value and "kind" in value:
        if value["kind"] == "Secret":
            yield from _strings([value.get("data"), value.get("stringData")], -1)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item, depth + 1)
    elif isinstance(value, str) and (depth <= 1 or len(value) >= _DEEP):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool) and depth <= 1:
        yield str(value)
