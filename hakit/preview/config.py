"""Configuration of a stack: its file, and what Pulumi.yaml declares.

https://www.pulumi.com/docs/iac/concepts/config/
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.preview.yamlfile import raw_scalars

PLACEHOLDER = "[secret]"
_STANDS_FOR = {"integer": "0", "boolean": "false", "array": "[]", "object": "{}"}

# By namespaced key: `type`, `default` or `value`, `secret`.
Declared = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class StackConfig:
    """What a program reads through `pulumi.Config`.

    Attributes:
        values: by namespaced key, as strings.
        secrets: keys whose values are secret. Encrypted ones hold a placeholder: hakit decrypts nothing.
        encrypted: those of `secrets` that hold a placeholder.
        notes: what the reader should know.
    """

    values: dict[str, str]
    secrets: list[str]
    encrypted: list[str]
    notes: list[str]


def declared(project: str, config: Any, path: Path) -> Declared:
    """What Pulumi.yaml says under `config`, by namespaced key."""
    if config is None or isinstance(config, str):
        return {}
    if not isinstance(config, Mapping):
        raise HakitError("config: not a mapping", where=str(path), given=repr(config))
    result = {}
    for key, value in config.items():
        is_declaration = isinstance(value, Mapping) and set(value) & {"type", "default", "value", "secret"}
        result[_key(str(key), project)] = dict(value) if is_declaration else {"value": value}
    return result


def stack_config(
    project: str, declarations: Declared, data: Mapping[str, Any], path: Path | None, note: str = ""
) -> StackConfig:
    """A stack file's values over the declared ones.

    Raises:
        HakitError: a declared value without default is missing, as Pulumi refuses it too.
    """
    given = data.get("config") or {}
    if not isinstance(given, Mapping):
        raise HakitError("config: not a mapping", where=str(path), given=repr(given), allowed="key: value")
    raw = raw_scalars(path, "config") if path is not None and given else {}
    values: dict[str, str] = {}
    secrets: set[str] = set()
    encrypted: set[str] = set()
    for short, value in given.items():
        key = _key(str(short), project)
        kind = str(declarations.get(key, {}).get("type", ""))
        if _is_encrypted(value):
            values[key] = _STANDS_FOR.get(kind, PLACEHOLDER)
            encrypted.add(key)
        elif isinstance(value, Mapping | list):
            hidden, found = _without_secrets(value)
            values[key] = _json(hidden)
            encrypted |= {key} if found else set()
        else:
            values[key] = raw.get(str(short), "" if value is None else str(value))
    for key, declaration in declarations.items():
        if declaration.get("secret"):
            secrets.add(key)
        if key in values:
            continue
        default = declaration.get("value", declaration.get("default"))
        if default is not None:
            values[key] = default if isinstance(default, str) else _json(default)
        elif path is not None and "type" in declaration:
            raise HakitError(
                f"config: {key} has no value",
                where=str(path),
                do=f"Pulumi.yaml declares it without a default: set it, pulumi config set {key} ...",
            )
    notes = [note] if note else []
    if data.get("environment"):
        notes.append("`environment` names ESC environments; hakit opens none, so their configuration is missing")
    return StackConfig(values, sorted(secrets | encrypted), sorted(encrypted), notes)


def _key(key: str, project: str) -> str:
    # `project:config:key` is an old spelling of `project:key`.
    parts = key.split(":")
    if len(parts) == 3 and parts[1] == "config":
        return f"{parts[0]}:{parts[2]}"
    return key if ":" in key else f"{project}:{key}"


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def _without_secrets(value: Any) -> tuple[Any, bool]:
    if _is_encrypted(value):
        return PLACEHOLDER, True
    if isinstance(value, Mapping):
        inner = {str(key): _without_secrets(item) for key, item in value.items()}
        return {key: item for key, (item, _) in inner.items()}, any(found for _, found in inner.values())
    if isinstance(value, list):
        items = [_without_secrets(item) for item in value]
        return [item for item, _ in items], any(found for _, found in items)
    return value, False


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
