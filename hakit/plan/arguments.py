"""Reading a component's arguments: types, unknown keys, numbers that arrive as floats.

Arguments are plain dictionaries, so that a component works the same from Python and from a packaged plugin. A plugin
hands every number over as a float (pulumi component.py), hence 3.0 is read as 3.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from hakit.errors import HakitError


class Arguments:
    """One mapping of arguments, read key by key.

    Args:
        given: what the user wrote.
        where: names the component: `ZonalApp 'storefront'`.
        known: the keys that there are.
        path: where the mapping stands in the component's arguments, empty at the top.

    Raises:
        HakitError: `given` is not a mapping, or has a key that is not known.
    """

    def __init__(self, given: Any, where: str, known: Iterable[str], path: str = "") -> None:
        self.where, self.path = where, path
        if not isinstance(given, Mapping):
            raise self._error("", "wrong type", _kind(given), "a mapping")
        self.given = given
        names = list(known)
        for key in given:
            if key not in names:
                raise HakitError(f"{self._full(str(key))}: unknown argument", where=where, given=key, allowed=names)

    def __contains__(self, key: str) -> bool:
        return self.given.get(key) is not None

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key, default)
        if not isinstance(value, str) or not value:
            raise self._error(key, "wrong type", _shown(value), "a text, known before anything is created")
        return value

    def number(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        value = self._value(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._error(key, "wrong value", _shown(value), f"a whole number, {least} or more")
        return value

    def number_or_share(self, key: str, default: int) -> int | str:
        """A whole number above zero, or a share of what there is: `"25%"`."""
        value = self._value(key, default)
        if isinstance(value, str):
            if not re.fullmatch(r"[1-9][0-9]?%", value):
                raise self._error(key, "wrong value", _shown(value), 'a share in quotes, from "1%" to "99%"')
            return value
        return self.number(key, default, least=1)

    def maybe_number(self, key: str, *, least: int = 0) -> int | None:
        return self.number(key, least=least) if key in self else None

    def decimal(self, key: str, default: float | None = None, *, least: float, most: float) -> float:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise self._error(key, "wrong value", _shown(value), f"a number from {least} to {most}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self._error(key, "wrong type", _shown(value), "true or false")
        return value

    def maybe_flag(self, key: str) -> bool | None:
        return self.flag(key) if key in self else None

    def word(self, key: str, allowed: Iterable[str], default: str) -> str:
        value, names = self._value(key, default), list(allowed)
        if value not in names:
            raise HakitError(f"{self._full(key)}: unknown word", where=self.where, given=_shown(value), allowed=names)
        return str(value)

    def names(self, key: str) -> tuple[str, ...]:
        value = self._value(key, [])
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item for item in value):
            raise self._error(key, "wrong type", _shown(value), "a list of names")
        twice = sorted({item for item in value if list(value).count(item) > 1})
        if twice:
            raise self._error(key, "the same name twice", ", ".join(twice), "each name once")
        return tuple(value)

    def numbers(self, key: str, *, least: int, most: int) -> tuple[int, ...]:
        value = self._value(key, [])
        found = [int(each) if isinstance(each, float) and each.is_integer() else each for each in _listed(value)]
        right = [isinstance(each, int) and not isinstance(each, bool) and least <= each <= most for each in found]
        if not isinstance(value, (list, tuple)) or not all(right):
            raise self._error(key, "wrong value", _shown(value), f"a list of whole numbers from {least} to {most}")
        return tuple(found)

    def labels(self, key: str) -> dict[str, str]:
        value = self.mapping(key)
        for name, text in value.items():
            if not isinstance(text, str):
                raise self._error(f"{key}.{name}", "wrong type", _shown(text), "a text")
        return value

    def listed(self, key: str, known: Iterable[str]) -> list["Arguments"]:
        """A list of mappings, each to be read key by key."""
        value, names = self._value(key, []), list(known)
        if not isinstance(value, (list, tuple)):
            raise self._error(key, "wrong type", _shown(value), "a list of mappings")
        return [Arguments(each, self.where, names, f"{self._full(key)}[{number}]") for number, each in enumerate(value)]

    def mapping(self, key: str) -> dict[str, Any]:
        value = self._value(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise self._error(key, "wrong type", _kind(value), "a mapping")
        return dict(value)

    def inner(self, key: str, known: Iterable[str]) -> "Arguments":
        return Arguments(self._value(key, {}), self.where, known, self._full(key))

    def missing(self, key: str, why: str) -> HakitError:
        return HakitError(f"{self._full(key)} is missing", where=self.where, do=why)

    def _value(self, key: str, default: Any) -> Any:
        value = self.given.get(key)
        if value is None and default is None:
            raise self.missing(key, "add it")
        return default if value is None else value

    def _full(self, key: str) -> str:
        return ".".join(part for part in (self.path, key) if part)

    def _error(self, key: str, what: str, given: str, allowed: str) -> HakitError:
        return HakitError(f"{self._full(key) or 'arguments'}: {what}", where=self.where, given=given, allowed=allowed)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _kind(value: Any) -> str:
    names = {type(None): "nothing", str: "a text", list: "a list", tuple: "a list", bool: "true or false"}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"the number {value}"
    return names.get(
        type(value), f"an {type(value).__name__}" if type(value).__name__ == "Output" else "something else"
    )


def _shown(value: Any) -> str:
    """What was given, in short: a text in quotes, a number as it is, of anything else only its kind."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:57]}...")
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)) and all(isinstance(item, (str, int, float)) for item in value):
        return str(list(value))
    return _kind(value)
