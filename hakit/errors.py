"""The one exception that hakit raises for wrong input: what, where, what is allowed, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class HakitError(Exception):
    """Wrong input, told so that the reader can mend it without opening hakit's code.

    Args:
        what: one sentence: which argument or key, what is wrong with it.
        where: the file and line, or the component and argument, that hold it.
        given: what was found there. Never pass a secret.
        allowed: what is possible there: a sentence, or the names to choose from.
        do: what to do about it; by default the nearest allowed name is suggested.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        given: object = None,
        allowed: str | Iterable[str] | None = None,
        do: str | None = None,
    ) -> None:
        names = None if allowed is None or isinstance(allowed, str) else [str(name) for name in allowed]
        self.what = what
        self.where = where
        self.given = given
        self.allowed = allowed if names is None else ", ".join(names) or "nothing"
        self.do = do or did_you_mean(given, names or [])
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.given is not None:
            lines.append(f"  given:   {self.given}")
        if self.allowed is not None:
            lines.append(f"  allowed: {self.allowed}")
        if self.do:
            lines.append(f"  do:      {self.do}")
        return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def nearest(given: object, names: Iterable[str]) -> str | None:
    """The allowed name that `given` was most likely meant to be, or None."""
    found = get_close_matches(str(given), list(names), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(given: object, names: Iterable[str]) -> str | None:
    found = nearest(given, names)
    return f"did you mean {found!r}?" if found else None
