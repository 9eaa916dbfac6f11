"""When a pair's last drill was held, from the folder that `hakit drill` keeps."""

import json
from pathlib import Path

from hakit.errors import HakitError

#: Without any drill the alert counts from here, and fires at once.
NEVER = "1970-01-01"


def last_day(folder: Path) -> str:
    """The day of the last drill that passed, `2026-11-24`; NEVER where there is none.

    Raises:
        HakitError: a file is none that hakit wrote.
    """
    days = [NEVER]
    for path in sorted(folder.glob("[0-9]*T[0-9]*Z.json")) if folder.is_dir() else []:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            days += [found["started"][:10]] if found["outcome"] == "passed" else []
        except (ValueError, KeyError, TypeError):
            raise HakitError("not a drill that hakit wrote", where=str(path), do="move it out of the folder") from None
    return max(days)
