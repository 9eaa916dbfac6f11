"""Colour, where somebody looks at a terminal; elsewhere the same text without it."""

import os
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True)
class Paint:
    """Wraps text in terminal colours, or leaves it alone."""

    on: bool = False

    @classmethod
    def for_stream(cls, stream: TextIO) -> "Paint":
        # https://no-color.org
        return cls(stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")

    def __call__(self, text: str, colour: str) -> str:
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.on and text else text
