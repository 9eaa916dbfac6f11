"""What a provider's Python SDK declares about a resource: its inputs, their types, its outputs.

Read from the SDK's own source (annotations and getters), class by class: importing pulumi_cloudflare takes ten seconds,
its `_inputs.py` alone has 96,000 lines.
"""

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lab.providers.frame import UNKNOWN

_PLAIN = {"str": "a string", "bool": "a boolean", "int": "an integer", "float": "a number"}


@dataclass(frozen=True)
class Property:
    """One input: its name as Pulumi sends it, the Python annotation, and whether it has to be given."""

    name: str
    annotation: ast.expr
    required: bool


@dataclass(frozen=True)
class Declared:
    """A resource type: what it takes and all that it puts out, in Pulumi's own spelling."""

    inputs: dict[str, Property]
    outputs: frozenset[str]
    #: Of the file that declares it, for the types that its inputs name.
    folder: Path


@functools.cache
def declared(type_: str) -> Declared | None:
    """The declaration of a type such as `aws:s3/bucket:Bucket`; None when the SDK has no such type."""
    package, module, _ = type_.split(":")
    root = _package(package)
    entry = re.search(
        rf'"fqn": "([\w.]+)",\s*"classes": {{\s*"{re.escape(type_)}": "(\w+)"', _text(root / "__init__.py")
    )
    if entry is None:
        return None
    folder = root.joinpath(*entry[1].split(".")[1:])
    name = module.rpartition("/")[2].replace("_", "").lower()
    own = _names(next(each for each in folder.glob("*.py") if each.stem.replace("_", "") == name))
    given = own.get(f"{entry[2]}InitArgs") or own[f"{entry[2]}Args"]
    put_out = _properties(own[f"_{entry[2]}State"]) if f"_{entry[2]}State" in own else {}
    inputs = _properties(given)
    return Declared(inputs, frozenset(put_out) | frozenset(inputs), folder)


def problems(type_: str, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where inputs are not what the SDK declares: (property's path, what is wrong)."""
    found = declared(type_)
    if found is None:
        return [("", f"the SDK has no resource type {type_}")]
    return list(_object_problems(found.folder, found.inputs, inputs, ""))


def _object_problems(
    folder: Path, properties: Mapping[str, Property], given: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    prefix = f"{path}." if path else ""
    for name, value in given.items():
        if name not in properties:
            near = get_close_matches(name, properties, 1)
            yield prefix + name, "unknown property" + (f"; did you mean {near[0]}?" if near else "")
        else:
            yield from _value_problems(folder, properties[name].annotation, value, prefix + name)
    for name, each in properties.items():
        if each.required and given.get(name) is None:
            yield prefix + name, "missing required property"


def _value_problems(folder: Path, annotation: ast.expr, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None or value == UNKNOWN:
        return
    match annotation:
        case ast.Subscript(value=outer, slice=inner):
            yield from _generic_problems(folder, _last(outer), inner, value, path)
        case ast.Constant(value=str(name)):
            if name.endswith("Args"):
                if not isinstance(value, dict):
                    yield path, f"expected an object, got {_spoken(value)}"
                else:
                    yield from _object_problems(folder, _nested(folder, name), value, path)
        case ast.Attribute() | ast.Name():
            expected = _PLAIN.get(_last(annotation))
            if expected and not _fits(_last(annotation), value):
                yield path, f"expected {expected}, got {_spoken(value)}"


def _generic_problems(folder: Path, outer: str, inner: ast.expr, value: Any, path: str) -> Iterator[tuple[str, str]]:
    match outer:
        case "Input" | "Optional":
            yield from _value_problems(folder, inner, value, path)
        case "Sequence":
            if not isinstance(value, list):
                yield path, f"expected a list, got {_spoken(value)}"
                return
            for index, each in enumerate(value):
                yield from _value_problems(folder, inner, each, f"{path}[{index}]")
        case "Mapping":
            if not isinstance(value, dict):
                yield path, f"expected a map, got {_spoken(value)}"
                return
            assert isinstance(inner, ast.Tuple)  # noqa: S101  Mapping[key, value]
            for key, each in value.items():
                yield from _value_problems(folder, inner.elts[1], each, f'{path}["{key}"]')
        case "Union":
            assert isinstance(inner, ast.Tuple)  # noqa: S101  Union[a, b]
            each_kind = [list(_value_problems(folder, kind, value, path)) for kind in inner.elts]
            yield from min(each_kind, key=len)


def _fits(name: str, value: Any) -> bool:
    if name == "str":
        return isinstance(value, str)
    if name == "bool":
        return isinstance(value, bool)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and (name == "float" or float(value).is_integer())


def _spoken(value: Any) -> str:
    kinds = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds[type(value)]


def _last(annotation: ast.expr) -> str:
    """`str` of `_builtins.str`, `Input` of `pulumi.Input`."""
    return annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", "")


# The SDK's files


@functools.cache
def _package(name: str) -> Path:
    found = importlib.util.find_spec(f"pulumi_{name}")
    if found is None or found.origin is None:
        raise LookupError(f"pulumi_{name} is not installed")
    return Path(found.origin).parent


@functools.cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@functools.cache
def _names(file: Path) -> dict[str, str]:
    """The source of each class of a file, by its name: up to the next statement of the module."""
    pieces = re.split(r"^(?=class \w+[:(]|@pulumi\.|if |else:|elif )", _text(file), flags=re.MULTILINE)
    return {name[1]: each for each in pieces if (name := re.match(r"class (\w+)", each))}


@functools.cache
def _nested(folder: Path, name: str) -> dict[str, Property]:
    return _properties(_names(folder / "_inputs.py")[name])


@functools.cache
def _properties(source: str) -> dict[str, Property]:
    """The properties of an arguments class: types and defaults from its constructor, names from its getters."""
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101
    functions = [each for each in body.body if isinstance(each, ast.FunctionDef)]
    names = {each.name: name for each in functions if (name := _getter(each))}
    init = next(each.args for each in functions if each.name == "__init__")
    return {
        names[each.arg]: Property(names[each.arg], each.annotation, default is None)
        for each, default in zip(init.kwonlyargs, init.kw_defaults, strict=True)
        if each.annotation is not None
    }


def _getter(function: ast.FunctionDef) -> str:
    """Pulumi's name of a property: `@pulumi.getter(name="accountId")`, or its Python name without one."""
    for each in function.decorator_list:
        if isinstance(each, ast.Call) and _last(each.func) == "getter":
            return next((str(ast.literal_eval(word.value)) for word in each.keywords), function.name)
        if isinstance(each, ast.Attribute) and _last(each) == "getter":
            return function.name
    return ""
