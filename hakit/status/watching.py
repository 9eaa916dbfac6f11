"""`hakit status --watch`: the same screen again and again, in its place on a terminal, as one line elsewhere."""

import json
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from hakit.errors import HakitError, counted
from hakit.preview.paint import Paint
from hakit.status.document import PairDocument, StatusDocument
from hakit.status.text import duration, status_text

#: Of ECMA-48: to the first cell; to the end of the line, and of the screen, nothing. No line flickers as with a clear.
_HOME, _REST_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"
_CLEAR = "\x1b[2J"


def watch(
    look: Callable[[], StatusDocument], stream: TextIO, *, every: float, as_json: bool = False, looks: int | None = None
) -> Iterator[StatusDocument]:
    """Look, show, wait; for ever. The caller ends it.

    A topology that is wrong at one moment, as while it is edited, is shown instead of the screen, and the next look is
    made as usual; only the first look's error ends it.

    Args:
        look: one status.
        stream: where it is shown: a terminal has one screen, which is written over; anything else has a line a look.
        every: seconds from the end of one look to the begin of the next.
        as_json: one document a line, terminal or not.
        looks: how many; None: no end.

    Yields:
        Each document, after it was shown.

    Raises:
        HakitError: the first look failed.
    """
    on_a_screen = stream.isatty() and not as_json
    made, last = 0, None
    while looks is None or made < looks:
        if made:
            time.sleep(every)
        try:
            last = look()
        except HakitError as error:
            if last is None:
                raise
            shown = f"{error}\n" if on_a_screen else f"{' '.join(str(error).split())}\n"
        else:
            shown = _shown(last, stream, on_a_screen=on_a_screen, as_json=as_json)
        stream.write(_in_place(shown, first=made == 0) if on_a_screen else shown)
        stream.flush()
        made += 1
        yield last


def _shown(document: StatusDocument, stream: TextIO, *, on_a_screen: bool, as_json: bool) -> str:
    if as_json:
        return f"{json.dumps(document)}\n"
    if not on_a_screen:
        return f"{line(document)}\n"
    return f"{document['topology']}  {document['at']}\n\n{status_text(document, Paint.for_stream(stream))}"


def _in_place(text: str, *, first: bool) -> str:
    lines = "".join(f"{each}{_REST_OF_LINE}\n" for each in text.splitlines())
    return f"{_CLEAR if first else ''}{_HOME}{lines}{_REST}"


def line(document: StatusDocument) -> str:
    """A whole status in one line: when, how it stands, who writes."""
    found = [each["severity"] for each in document["findings"]]
    answered = sum(bool(each["kubernetes"]) for each in document["regions"])
    parts = [
        document["at"],
        f"{answered}/{len(document['regions'])} regions",
        counted(found.count("error"), "error"),
        counted(found.count("warning"), "warning"),
        *(_writers(each) for each in document["pairs"]),
    ]
    codes = sorted({each["code"] for each in document["findings"]})
    return " · ".join([*parts, *([", ".join(codes)] if codes else [])])


def _writers(pair: PairDocument) -> str:
    told = []
    for database in pair["databases"]:
        writing = [copy["region"] for copy in database["copies"] if copy["role"] == "primary"]
        asked = any(copy["role"] != "unknown" for copy in database["copies"])
        where = "+".join(writing) or ("nowhere" if asked else "unknown")
        told.append(f"{database['database']} {where} epoch {database['epoch']}")
    lag = "" if pair["lag_seconds"] is None else f", behind {duration(pair['lag_seconds'])}"
    return f"{pair['pair']}: {', '.join(told) or 'active in ' + pair['active']}{lag}"
