"""The difference of two inputs as Pulumi's property paths, one for each leaf that differs."""

import re
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$]*")


def differences(old: Any, new: Any, path: str = "") -> dict[str, str]:
    """`ADD`, `DELETE` or `UPDATE` by path; a list that grew is compared item by item."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [(key, _joined(path, key)) for key in sorted(old.keys() | new.keys())]
        return _all((old.get(key), new.get(key), key in old, key in new, inner) for key, inner in keys)
    if isinstance(old, list) and isinstance(new, list):
        numbers = range(max(len(old), len(new)))
        return _all(
            (
                old[index] if index < len(old) else None,
                new[index] if index < len(new) else None,
                index < len(old),
                index < len(new),
                f"{path}[{index}]",
            )
            for index in numbers
        )
    return {} if old == new else {path: "UPDATE"}


def _all(pairs: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for before, after, was, is_now, path in pairs:
        if was and is_now:
            found |= differences(before, after, path)
        else:
            found[path] = "ADD" if is_now else "DELETE"
    return found


def _joined(path: str, key: str) -> str:
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f'{path}["{key}"]'
