"""The lab's short suite: two files at a time, and what failed beside another file once more, alone.

Real schedulers, databases and clients share two cores here with whatever the other file does. A file that fails because
of its neighbour passes alone; one that is broken fails twice, and the suite with it. Either way both runs are printed.
"""

import json
import subprocess
import sys
from pathlib import Path

#: pytest's exit code when tests ran and some failed; any other says that something else went wrong.
_TESTS_FAILED = 1
#: More files than this do not fail by accident.
_ACCIDENTS = 2
_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def _pytest(*arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "lab and not long", *arguments], check=False
    ).returncode


def main() -> int:
    code = _pytest("tests/lab", "-n", "2", "--dist", "loadfile", "--cache-clear")
    if code != _TESTS_FAILED:
        return code
    files = sorted({name.partition("::")[0] for name in json.loads(_FAILED.read_text())})
    if len(files) > _ACCIDENTS:
        return code
    sys.stdout.write(f"\nonce more, alone: {', '.join(files)}\n")
    sys.stdout.flush()
    return _pytest(*files)


if __name__ == "__main__":
    sys.exit(main())
