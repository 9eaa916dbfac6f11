"""Moments as clusters write them."""

import datetime as dt
import re
from contextlib import suppress
from typing import Any


def moment(text: Any) -> dt.datetime | None:
    """`2027-02-22 11:36:21 +0000 UTC`, as Go prints a time, or one of ISO 8601; `-infinity` is none."""
    plain = re.sub(r" ([+-]\d{4})( \w+)?$", r"\1", str(text or ""))
    with suppress(ValueError):
        found = dt.datetime.fromisoformat(plain)
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    return None
