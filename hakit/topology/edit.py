"""Additions to a topology file: an entry, a token, `settled`. Nothing else in the file changes, not one byte.

Text is put in at the positions that ruamel.yaml gives; a dump of the loaded file would move comments that stand after
the last entry and reset the writer's own spacing. The new text is loaded and compared before it replaces the file.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from hakit.errors import HakitError
from hakit.topology import loading, source
from hakit.topology.model import Handover, Topology


def append_handover(path: str | Path, pair: str, entry: Mapping[str, Any]) -> Topology:
    """Add an entry at the end of a pair's list.

    Args:
        path: the topology file.
        pair: the pair's name.
        entry: its keys as they are to be written: `{"kind": "failover", "to": "us-west-2", "accept_loss": "30s"}`.

    Returns:
        The topology as it is now in the file.

    Raises:
        HakitError: the entry has tokens or settled, or the file would not be valid with it; it stays as it was.
    """
    early = [key for key in ("tokens", "settled") if key in entry]
    if early:
        raise HakitError(f"pair {pair}: a new entry has no {early[0]}", where=str(path), do="it is added later")
    read, _ = _pair(path, pair)
    node = _at(read.root, "pairs", pair)
    return _write(path, read, _added(read.text, node, "handovers", entry), ("pairs", pair, "handovers"), dict(entry))


def add_token(path: str | Path, pair: str, database: str, token: str) -> Topology:
    """Add a database's token to a pair's last entry.

    Raises:
        HakitError: there is no entry, it has the token already, or the file would not be valid; it stays as it was.
    """
    read, last = _last(path, pair)
    if database in last.tokens:
        raise HakitError(f"pair {pair}: the last entry has a token of {database} already", where=str(path))
    index = len(read.data["pairs"][pair]["handovers"]) - 1
    node = _at(read.root, "pairs", pair, "handovers", index)
    tokens = _child(node, "tokens")
    keys = ("pairs", pair, "handovers", index)
    if tokens is None:
        return _write(
            path, read, _put(read.text, node, "tokens", {database: token}), (*keys, "tokens"), {database: token}
        )
    return _write(path, read, _put(read.text, tokens, database, token), (*keys, "tokens", database), token)


def add_settled(path: str | Path, pair: str) -> Topology:
    """Add `settled: true` to a pair's last entry.

    Raises:
        HakitError: there is no entry, it is settled already, or the file would not be valid; it stays as it was.
    """
    read, last = _last(path, pair)
    index = len(read.data["pairs"][pair]["handovers"]) - 1
    keys = ("pairs", pair, "handovers", index)
    node = _at(read.root, *keys)
    if last.settled or _child(node, "settled") is not None:
        raise HakitError(f"pair {pair}: the last entry has settled already", where=read.where(*keys))
    return _write(path, read, _put(read.text, node, "settled", True), (*keys, "settled"), True)


def _pair(path: str | Path, pair: str) -> tuple[source.Source, tuple[Handover, ...]]:
    read = source.read(path)
    return read, loading.build(read).pair(pair).handovers


def _last(path: str | Path, pair: str) -> tuple[source.Source, Handover]:
    read, handovers = _pair(path, pair)
    if not handovers:
        raise HakitError(f"pair {pair}: no handover in the file yet", where=read.where("pairs", pair))
    return read, handovers[-1]


def _child(node: Node, key: str | int) -> Node | None:
    if isinstance(node, SequenceNode):
        return node.value[int(key)]
    return next((value for name, value in node.value if name.value == key), None)


def _at(node: Node, *keys: str | int) -> Node:
    for key in keys:
        found = _child(node, key)
        if found is None:  # not reached: the file was loaded
            raise HakitError(f"no key {key}")
        node = found
    return node


def _is_flow(node: Node) -> bool:
    return isinstance(node, MappingNode | SequenceNode) and bool(node.flow_style)


def _end(node: Node) -> int:
    """Where a node's own text ends; a block's end mark stands behind the comments that follow it."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return node.end_mark.index


def _flow(value: Any) -> str:
    """A value in flow style. Strings that are more than a plain word are quoted, as JSON does, which YAML reads."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str) and re.fullmatch(r"[a-z][-_a-z0-9]*|[1-9]\d*[smhd]", value):
        return value if value not in source.BOOLEAN_WORDS | {"true", "false", "null"} else f'"{value}"'
    return json.dumps(value)


def _line_end(text: str, position: int) -> int:
    """The end of the line that holds the character before a position, so that its comment stays on it."""
    if position and text[position - 1] == "\n":
        position -= 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    return end - 1 if end and text[end - 1 : end + 1] == "\r\n" else end


def _insert_line(text: str, node: Node, line: str) -> str:
    end = _line_end(text, _end(node))
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{text[:end]}{newline}{line}{text[end:]}"


def _put(text: str, mapping: Node, key: str, value: Any) -> str:
    """The text with one more key at the end of a mapping."""
    if _is_flow(mapping):
        if not mapping.value:
            inside = mapping.start_mark.index + 1
            return f"{text[:inside]}{_flow(key)}: {_flow(value)}{text[inside:]}"
        end = _end(mapping.value[-1][1])
        return f"{text[:end]}, {_flow(key)}: {_flow(value)}{text[end:]}"
    indent = " " * mapping.value[0][0].start_mark.column
    return _insert_line(text, mapping, f"{indent}{_flow(key)}: {_flow(value)}")


def _added(text: str, pair: Node, key: str, entry: Mapping[str, Any]) -> str:
    """The text with one more entry in a pair's list, which may be missing, empty, in flow or in block style."""
    item = _flow(entry)
    entries = _child(pair, key)
    newline = "\r\n" if "\r\n" in text else "\n"
    if entries is None:
        if _is_flow(pair):
            end = _end(pair.value[-1][1])
            return f"{text[:end]}, {key}: [{item}]{text[end:]}"
        indent = " " * pair.value[0][0].start_mark.column
        return _insert_line(text, pair, f"{indent}{key}:{newline}{indent}  - {item}")
    if not entries.value:
        start, end = entries.start_mark.index, entries.end_mark.index
        if _is_flow(pair):
            return f"{text[:start]}[{item}]{text[end:]}"
        indent = " " * (pair.value[0][0].start_mark.column + 2)
        rest = _line_end(text, end)
        return f"{text[:start].rstrip(' ')}{text[end:rest]}{newline}{indent}- {item}{text[rest:]}"
    if _is_flow(entries):
        end = _end(entries.value[-1])
        return f"{text[:end]}, {item}{text[end:]}"
    return _insert_line(text, entries, f"{' ' * entries.start_mark.column}- {item}")


def _write(path: str | Path, read: source.Source, text: str, keys: source.Keys, value: Any) -> Topology:
    """Check the new text, then replace the file in one step, with its mode; on any error the file stays as it was."""
    topology = loading.parse(text, str(path))
    if source.parse(text, str(path)).data != _expected(read.data, keys, value):
        raise HakitError("the file is written in a way that hakit cannot add to", where=read.where(*keys[:2]))
    target = Path(path).resolve()
    before = target.stat()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())
        new.chmod(before.st_mode & 0o7777)
        if target.read_bytes() != read.text.encode():
            raise HakitError("the file changed while it was edited", where=str(path), do="try again")
        new.replace(target)
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
    return topology


def _expected(data: Any, keys: source.Keys, value: Any) -> Any:
    """Plain data with one addition: a key, or an entry where a list is (or will be)."""
    if not keys:
        return [*data, value] if isinstance(data, list) else value
    key, rest = keys[0], keys[1:]
    if isinstance(data, list):
        return [_expected(each, rest, value) if index == key else each for index, each in enumerate(data)]
    if key not in data:
        return {**data, key: [value] if key == "handovers" else value}
    return {**data, key: _expected(data[key], rest, value)}
