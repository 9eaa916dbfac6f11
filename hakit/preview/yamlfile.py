"""YAML files, with the line in every complaint."""

import re
from pathlib import Path
from typing import Any

import yaml

from hakit.errors import HakitError


class _Loader(yaml.SafeLoader):
    """YAML as Pulumi's Go library reads it: `on` and `yes` are strings, 1:30 is no number; and no dates."""


# The first characters are an index: only scalars that begin with one of them are tried.
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0b[01_]+|0o?[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)", "-+0123456789"),
    ("float", r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9]+|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def load_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a file holds; an empty file is an empty one."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise HakitError(f"not YAML: {error.problem}", where=where) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise HakitError("cannot be read", where=str(path), given=error) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise HakitError("not a mapping", where=f"{path}:1", given=type(data).__name__, allowed="key: value")
    return data


def raw_scalars(path: Path, key: str) -> dict[str, str]:
    """Within the mapping under `key`, every scalar as it is written: Pulumi takes `010` and `yes` as strings."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    if not isinstance(node, yaml.MappingNode):
        return {}
    inner = next((value for name, value in node.value if name.value == key), None)
    if not isinstance(inner, yaml.MappingNode):
        return {}
    return {
        str(name.value): "" if value.tag.endswith(":null") else str(value.value)
        for name, value in inner.value
        if isinstance(value, yaml.ScalarNode)
    }
