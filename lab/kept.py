"""What the lab has built, kept for other clones of the same user: a second clone is ready in seconds. Standard library
only.

Each thing lies beneath the user's cache folder under a key that changes whenever a build would give something else.
Deleting the folder costs a build and nothing else.
"""

import contextlib
import os
import shutil
from pathlib import Path

#: How many builds of one thing stay; a branch and its base, and one to spare.
KEEP = 3


def folder() -> Path:
    """Where it lies: XDG_CACHE_HOME or ~/.cache, as the XDG base directory specification has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hakit-lab"


def take(name: str, key: str, target: Path) -> bool:
    """Put a kept file in its place, whole or not at all; False when there is none."""
    place = folder() / name / key
    if not place.is_file():
        return False
    _place(place, target)
    with contextlib.suppress(OSError):
        os.utime(place)
    return True


def keep(name: str, key: str, made: Path) -> None:
    """Keep a file that was made. Where that is impossible, a full disk or no home, the next clone builds again."""
    with contextlib.suppress(OSError, RuntimeError):
        place = folder() / name
        place.mkdir(parents=True, exist_ok=True)
        _place(made, place / key)
        files = sorted((path for path in place.iterdir()), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in files[KEEP:]:
            old.unlink()


def _place(source: Path, target: Path) -> None:
    """A second name for the file where the file system has such a thing, else a copy; whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:
        shutil.copy2(source, draft)
    # Of two names for one file, rename(2) would leave both.
    if target.exists() and target.samefile(draft):
        draft.unlink()
    else:
        draft.replace(target)
