"""From a file to a Topology, and from pydantic's errors to messages that name the line, the key and the way out."""

from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hakit.errors import HakitError
from hakit.topology import source
from hakit.topology.listing import problems
from hakit.topology.model import (
    Aws,
    Cluster,
    Handover,
    Kind,
    Mode,
    Objectives,
    Pair,
    Region,
    RegionCode,
    Storage,
    Topology,
    Traffic,
    Writes,
)
from hakit.topology.source import Keys, Source

# Which model stands at which key path; * is a name or a position.
_MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Topology,
    ("aws",): Aws,
    ("regions", "*"): Region,
    ("regions", "*", "cluster"): Cluster,
    ("regions", "*", "storage"): Storage,
    ("pairs", "*"): Pair,
    ("pairs", "*", "objectives"): Objectives,
    ("pairs", "*", "handovers", "*"): Handover,
}
_WORDS = {"kind": Kind, "mode": Mode, "traffic": Traffic, "serves": RegionCode, "writes": Writes}
_TYPES = {
    "string_type": "text",
    "string_too_short": "text, at least one character",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "greater_than_equal": "1 or more",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "tuple_type": "a list",
}


class TopologyError(HakitError):
    """Everything that is wrong with one file; `errors` has them one by one."""

    def __init__(self, errors: list[HakitError]) -> None:
        self.errors = tuple(errors)
        first = errors[0]
        super().__init__(first.what, where=first.where, given=first.given, allowed=first.allowed, do=first.do)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def load(path: str | Path) -> Topology:
    """Read and check a topology file.

    The shape is checked first (keys, types, words), then what the keys mean together (regions that pairs name, the
    order of handovers). All errors of a stage are reported at once.

    Raises:
        HakitError: the file is missing, broken or wrong; with line, key, what was given and what is possible.
    """
    return build(source.read(path))


def parse(text: str, path: str) -> Topology:
    """Check a topology's text as `load` does; `path` is what messages call it."""
    return build(source.parse(text, path))


def build(read: Source) -> Topology:
    """The Topology of a file that was read. Raises HakitError as `load` does."""
    try:
        topology = Topology.model_validate(_all_regions(read.data))
    except ValidationError as error:
        raise TopologyError([_shape(read, dict(each)) for each in error.errors(include_url=False)]) from None
    found = [
        HakitError(
            f"{_dotted(each.keys)}: {each.what}",
            where=read.where(*each.keys),
            given=each.given,
            allowed=each.allowed,
            do=each.do,
        )
        for each in problems(topology)
    ]
    if found:
        raise TopologyError(found)
    return topology.placed(read.path, read.lines)


def _all_regions(data: dict[str, Any]) -> dict[str, Any]:
    """A pair without `regions` has all of them."""
    regions, pairs = data.get("regions"), data.get("pairs")
    if not (isinstance(regions, dict) and isinstance(pairs, dict)):
        return data
    filled = {
        name: {**pair, "regions": list(regions)} if isinstance(pair, dict) and "regions" not in pair else pair
        for name, pair in pairs.items()
    }
    return {**data, "pairs": filled}


def _dotted(keys: Keys) -> str:
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def _model_at(keys: Keys) -> type[BaseModel] | None:
    for pattern, model in _MODELS.items():
        if len(pattern) == len(keys) and all(p in ("*", k) for p, k in zip(pattern, keys, strict=True)):
            return model
    return None


def _shape(read: Source, error: dict[str, Any]) -> HakitError:
    """One of pydantic's errors, told for the file."""
    loc: Keys = tuple(error["loc"])
    # pydantic marks a dictionary's key that is wrong by one more step.
    keys = loc[:-1] if loc and loc[-1] == "[key]" else loc
    kind, context = error["type"], error.get("ctx", {})
    where, path = read.where(*keys), _dotted(keys)
    if kind == "missing":
        return HakitError(f"{path} is missing", where=where, do=f"add it: {_described(keys)}")
    if kind == "extra_forbidden":
        model = _model_at(keys[:-1])
        known = list(model.model_fields) if model else []
        return HakitError(f"{path}: unknown key", where=where, given=keys[-1], allowed=known)
    given = _given(read, keys, wrong_key=keys != loc)
    if kind == "hakit":
        return HakitError(
            f"{path}: {context['what']}",
            where=where,
            given=given,
            allowed=context["allowed"] or None,
            do=context["do"] or None,
        )
    if kind == "literal_error":
        names = [key for key in keys if isinstance(key, str)]
        return HakitError(f"{path}: unknown word", where=where, given=given, allowed=get_args(_WORDS[names[-1]]))
    if kind == "too_short":
        return HakitError(f"{path}: empty", where=where, allowed="at least one")
    return HakitError(
        f"{path}: {'wrong type' if kind.endswith('_type') else 'wrong value'}",
        where=where,
        given=given,
        allowed=_TYPES.get(kind, error["msg"]),
    )


def _given(read: Source, keys: Keys, *, wrong_key: bool) -> str | None:
    """What stands in the file at a key path, as it was typed; never a token."""
    if "tokens" in keys and not wrong_key:
        return None
    if wrong_key:
        return str(keys[-1])
    value: Any = read.data
    for key in keys:
        if isinstance(value, dict | list):
            value = value[key]  # type: ignore[index]
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) if _plain(value) else "a list"
    return "nothing" if value is None else read.typed.get(keys, str(value))


def _plain(values: list[Any]) -> bool:
    return bool(values) and not any(isinstance(each, dict | list) for each in values)


def _described(keys: Keys) -> str:
    model = _model_at(keys[:-1])
    found = model.model_fields.get(str(keys[-1])) if model else None
    return (found.description if found else None) or str(keys[-1])
