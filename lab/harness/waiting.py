"""Waiting for something to become true, with a message that says what was seen instead."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotWithinError(AssertionError):
    """What was waited for did not come."""


def wait_for(  # noqa: PLR0913  each is a fact of the wait
    what: str,
    look: Callable[[], T],
    until: Callable[[T], bool] = bool,
    *,
    seconds: float = 120,
    every: float = 0.2,
    hint: Callable[[], str] = str,
) -> T:
    """Look until `until` holds for what was seen, and return it.

    Args:
        what: what is waited for, as a noun: "six pods ready".
        look: what to look at.
        until: whether it is as it should be.
        seconds: how long at most; generous, as it costs time only where something is wrong.
        every: seconds between two looks.
        hint: what else the message of a failure says, asked for only then.

    Raises:
        NotWithinError: the time is up.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if until(seen):
            return seen
        if time.monotonic() > deadline:
            text = repr(seen)
            short = text if len(text) < 2000 else f"{text[:2000]}... ({len(text)} characters)"
            raise NotWithinError(f"{what}: not within {seconds:g} s; last seen: {short}\n{hint()}".rstrip())
        time.sleep(every)
