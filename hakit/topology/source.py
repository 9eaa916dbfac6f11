"""A topology file as text with positions: every key and value knows its line, and what YAML would misread is refused.

The nodes that ruamel.yaml composes are walked here, instead of loading data: they know the line of each key and how a
value was typed, which is what the error messages need.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hakit.errors import HakitError

Keys = tuple[str | int, ...]

# YAML 1.1 reads these as booleans and 1.2 as words; Kubernetes, Helm and PyYAML still read 1.1. No word of the format
# is one of them, so a reader is never left to guess. https://yaml.org/type/bool.html
BOOLEAN_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})
_TAG = "tag:yaml.org,2002:"
_ENDS = (".yaml", ".yml")


@dataclass(frozen=True)
class Source:
    """One file, read.

    Attributes:
        path: as the caller gave it; messages begin with it.
        text: the whole file.
        root: the node at the top, for edits.
        data: plain dicts, lists and scalars.
        lines: the line, from 1, of every key path.
        typed: how a scalar at a key path was typed, `1.30` and not 1.3.
    """

    path: str
    text: str
    root: MappingNode
    data: dict[str, Any]
    lines: dict[Keys, int] = field(default_factory=dict)
    typed: dict[Keys, str] = field(default_factory=dict)

    def where(self, *keys: str | int) -> str:
        """`path:line` of a key path, or of the nearest of its parents that stands in the file."""
        return f"{self.path}:{line_of(self.lines, keys)}"


def line_of(lines: dict[Keys, int], keys: Keys) -> int:
    """The line of a key path, or of the nearest parent that has one."""
    while keys not in lines and keys:
        keys = keys[:-1]
    return lines.get(keys, 1)


_INSTEAD: dict[Path, str] = {}


@contextmanager
def reading_instead(texts: Mapping[str, str]) -> Generator[None]:
    """Within the block these files, by their absolute paths, say something else: what a program would make of it."""
    before = dict(_INSTEAD)
    _INSTEAD.update({Path(path).resolve(): text for path, text in texts.items()})
    try:
        yield
    finally:
        _INSTEAD.clear()
        _INSTEAD.update(before)


def read(path: str | Path) -> Source:
    """Read a topology file.

    Raises:
        HakitError: it is missing, is no text, is no YAML, or holds what YAML readers do not agree about.
    """
    file = Path(path)
    if not file.is_file():
        raise _missing(file)
    if _INSTEAD and (instead := _INSTEAD.get(file.resolve())) is not None:
        return parse(instead, str(path))
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise HakitError("not a text file in UTF-8", where=str(path), do="save it as UTF-8") from error
    return parse(text, str(path))


def parse(text: str, path: str) -> Source:
    """Read a topology's text; `path` is what messages call it. Raises HakitError as `read` does."""
    root = _compose(text, path)
    if root is None:
        raise HakitError(
            "the file is empty", where=f"{path}:1", do="start with name, environment, aws, regions and pairs"
        )
    if not isinstance(root, MappingNode):
        found = "a list" if isinstance(root, SequenceNode) else "a single value"
        raise HakitError(
            "the file must hold keys at the top",
            where=f"{path}:{_line(root)}",
            given=found,
            do="start with `name: ...` at the left margin",
        )
    walk = _Walk(path)
    return Source(path, text, root, walk.mapping(root, ()), walk.lines, walk.typed)


def _compose(text: str, path: str) -> Node | None:
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        parts = [part for part in (error.context, error.problem) if part]
        told, do = f"broken YAML: {', '.join(parts)}", _way_out(error, line)
        raise HakitError(told, where=f"{path}:{line}", do=do) from error
    except YAMLError as error:
        # A ReaderError has no mark; it names the character that YAML forbids and its position.
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        reason = getattr(error, "reason", "it cannot be read")
        told, do = f"broken YAML: {reason}", "delete the character; no editor shows it"
        raise HakitError(told, where=f"{path}:{line}", do=do) from error


#: What to do about a problem, by the parser's words for it.
_WAYS_OUT = {
    "'\\t'": "indent with spaces: a tab is no indentation",
    "single document": "keep one document: without the line ---",
    "undefined alias": "write the value out; a text that begins with * goes in quotes",
    "mapping values are not allowed": "line this key up with its neighbours; a text that holds a colon goes in quotes",
}


def _way_out(error: MarkedYAMLError, line: int) -> str:
    """The parser notices a mistake where nothing can follow any more: what it was reading began earlier."""
    for words, do in _WAYS_OUT.items():
        if words in f"{error.context} {error.problem}":
            return do
    begun = error.context_mark.line + 1 if error.context_mark else line
    place = f"from line {begun}, where it begins, to line {line}" if begun < line else "on this line and the one before"
    return f"look {place}: an open quote or bracket, a missing colon, a wrong indentation"


def _missing(file: Path) -> HakitError:
    folder = file.parent
    if file.is_dir():
        return HakitError("a folder, where a topology file is expected", where=str(file), do="name the file in it")
    if not folder.is_dir():
        return HakitError(f"no such file, and no folder {folder.resolve()}", where=str(file))
    names = sorted(each.name for each in folder.iterdir() if each.suffix in _ENDS)
    return HakitError(f"no such file in {folder.resolve()}", where=str(file), given=file.name, allowed=names)


def _line(node: Node) -> int:
    return node.start_mark.line + 1


class _Walk:
    """Turns nodes into plain data and remembers the line and the typed text of each."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines: dict[Keys, int] = {}
        self.typed: dict[Keys, str] = {}
        self._open: list[Node] = []

    def value(self, node: Node, keys: Keys) -> Any:
        if node in self._open:
            raise self._refuse(node, "an alias that holds itself", "write the value out")
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self.mapping(node, keys)
            if isinstance(node, SequenceNode):
                return self._sequence(node, keys)
            return self._scalar(node, keys)
        finally:
            self._open.pop()

    def mapping(self, node: MappingNode, keys: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in first:
                raise HakitError(
                    f"the key {key!r} stands here twice, on lines {first[key]} and {_line(key_node)}",
                    where=f"{self.path}:{_line(key_node)}",
                    do="keep one; YAML readers do not agree which one counts",
                )
            first[key] = _line(key_node)
            self.lines[*keys, key] = _line(key_node)
            found[key] = self.value(value_node, (*keys, key))
        return found

    def _sequence(self, node: SequenceNode, keys: Keys) -> list[Any]:
        found = []
        for index, each in enumerate(node.value):
            self.lines[*keys, index] = _line(each)
            found.append(self.value(each, (*keys, index)))
        return found

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise self._refuse(node, "a list or mapping used as a key", "use a name as the key")
        if node.tag == f"{_TAG}merge" or node.value == "<<":
            raise self._refuse(node, "a merge key (<<), which YAML 1.2 no longer has", "write the keys out")
        self._no_boolean_word(node)
        return str(node.value)

    def _scalar(self, node: Node, keys: Keys) -> Any:
        self._no_boolean_word(node)
        self.typed[keys] = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return str(node.value).lower() == "true"
        if kind in ("int", "float"):
            return _number(kind, str(node.value))
        if kind in ("str", "timestamp"):
            return str(node.value)
        raise self._refuse(node, f"a YAML tag, {node.tag}", "write the plain value")

    def _no_boolean_word(self, node: Node) -> None:
        plain = not getattr(node, "style", None)
        if plain and str(node.value).lower() in BOOLEAN_WORDS:
            raise HakitError(
                "a word that YAML 1.1 reads as a boolean and YAML 1.2 as a word",
                where=f"{self.path}:{_line(node)}",
                given=node.value,
                do="write it in quotes or use true/false",
            )

    def _refuse(self, node: Node, what: str, do: str) -> HakitError:
        return HakitError(what, where=f"{self.path}:{_line(node)}", do=do)


def _number(kind: str, text: str) -> int | float | str:
    try:
        return int(text.replace("_", ""), 0) if kind == "int" else float(text)
    except ValueError:
        # 012, .inf and the like: no key of the format takes them, and the check of the key says so.
        return float("nan")
