"""Reading rendered YAML the way Helm reads it, and writing objects in a stable order.

Helm parses manifests with sigs.k8s.io/yaml: YAML 1.1 booleans and octal numbers, but no sexagesimal numbers and no
dates. PyYAML's own rules differ in those points, and a port "1:20" or a date label must stay a string.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, ClassVar

import yaml

Object = dict[str, Any]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _HelmLoader(_Base):
    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


def _resolve(tag: str, pattern: str, first: str) -> None:
    for char in first:
        _HelmLoader.yaml_implicit_resolvers.setdefault(char, []).append(
            (f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"))
        )


# What is resolved to what: resolve.go of goyaml.v2 in sigs.k8s.io/yaml.
_resolve("bool", "y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO")
_resolve("null", "~|null|Null|NULL|", "~nN")
_HelmLoader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile("^$"))]
_resolve(
    "int",
    "[-+]?(?:0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[bB]_*[01][01_]*|0[oO]_*[0-7][0-7_]*|_*[0-9][0-9_]*)",
    "-+0123456789",
)
_resolve(
    "float",
    r"(?:[-+]?_*[0-9][0-9_]*(?:\.[0-9_]*)?|[-+]\._*[0-9][0-9_]*|\.[0-9]+)(?:[eE][-+]?_*[0-9][0-9_]*)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "-+0123456789.",
)
_resolve("merge", "<<", "<")


def _bool(loader: Any, node: Any) -> bool:
    return loader.construct_scalar(node).lower() in {"y", "yes", "on", "true"}


def _int(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "").lower()
    digits = text.lstrip("+-")
    # Go reads a leading 0 as octal, and falls back to a decimal number where a digit is none: 08 is 8.
    base = next((base for mark, base in (("0x", 16), ("0b", 2), ("0o", 8)) if digits.startswith(mark)), 10)
    if base == 10 and digits.startswith("0") and not {"8", "9"} & set(digits):
        base = 8
    return int(text, base)


def _float(loader: Any, node: Any) -> float | str:
    text = loader.construct_scalar(node)
    value = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text if math.isinf(value) and "inf" not in text.lower() else value  # too large for Go: stays a text


for _tag, _constructor in (("bool", _bool), ("int", _int), ("float", _float)):
    _HelmLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _constructor)


def parse(text: str) -> list[Object]:
    """The objects in one rendered template; empty documents and comments are nothing.

    Raises:
        yaml.YAMLError: the text is not YAML.
        TypeError: a document is not a mapping with a kind.
    """
    found: list[Object] = []
    for document in yaml.load_all(text, Loader=_HelmLoader):
        if document is None:
            continue
        _refuse_other(document)
        if document["kind"] == "List" and isinstance(document.get("items"), list):
            for item in document["items"]:
                _refuse_other(item)
                found.append(item)
        else:
            found.append(document)
    return found


def _refuse_other(document: object) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise TypeError(f"a document is not a Kubernetes object but {_nature(document)}")


def _nature(document: object) -> str:
    if isinstance(document, dict):
        return "a mapping without kind"
    return {str: "a text", list: "a list"}.get(type(document), f"a {type(document).__name__}")


def load_values(text: str) -> Any:
    """One document of values, read with Helm's rules."""
    return yaml.load(text, Loader=_HelmLoader)  # noqa: S506 - a safe loader with other resolvers


_FIRST = ("apiVersion", "kind", "metadata", "spec", "name", "namespace")


def in_reading_order(value: Any) -> Any:
    """The same data with the keys that a reader looks for first in front, the others by name."""
    if isinstance(value, dict):
        keys = [key for key in _FIRST if key in value]
        keys += sorted((key for key in value if key not in _FIRST), key=str)
        return {key: in_reading_order(value[key]) for key in keys}
    if isinstance(value, list):
        return [in_reading_order(item) for item in value]
    return value


class _PlainDumper(yaml.SafeDumper):
    """No anchors, lists indented under their key."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


# A text that Helm, or any other reader of YAML 1.1, would take for something else is quoted: "y", "1e3", "0o644".
_PlainDumper.yaml_implicit_resolvers = {
    char: [*_HelmLoader.yaml_implicit_resolvers.get(char, []), *yaml.SafeDumper.yaml_implicit_resolvers.get(char, [])]
    for char in {*_HelmLoader.yaml_implicit_resolvers, *yaml.SafeDumper.yaml_implicit_resolvers}
}
# A text with a memory (`charts.holes.Leaf`) is written as the text that it is.
_PlainDumper.add_multi_representer(str, yaml.SafeDumper.represent_str)


def dump(objects: Iterable[Any]) -> str:
    """YAML text of the objects, in reading order, one document each."""
    return "---\n".join(
        yaml.dump(in_reading_order(item), Dumper=_PlainDumper, sort_keys=False, width=120, allow_unicode=True)
        for item in objects
    )
