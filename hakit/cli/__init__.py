"""The command line: one function a command, each a thin call into the package; a module a group of commands."""

import os
import sys
from contextlib import suppress
from importlib import import_module

import typer

from hakit.cli.base import app
from hakit.errors import HakitError

__all__ = ["app", "main"]

# Each adds its commands to the application, in the order of `hakit --help`.
for _group in ("preview", "live", "operate", "verify", "drill", "releases", "charts", "witness", "words"):
    import_module(f"hakit.cli.{_group}")

_BROKEN_PIPE = 141  # 128 and SIGPIPE's: what `| head` leaves of grep, too


def main() -> None:
    """Entry point: what is wrong with the input is a message and exit code 2, never a traceback."""
    try:
        app()
    except SystemExit as end:
        # Click ends with 1, which here means findings, when nobody reads any more.
        if isinstance(end.__context__, BrokenPipeError):
            _drop_output()
            sys.exit(_BROKEN_PIPE)
        raise
    except (HakitError, OSError) as error:
        with suppress(OSError):
            typer.echo(f"hakit: {error}", err=True)
        _drop_output()
        sys.exit(2)


def _drop_output() -> None:
    """What is still buffered goes nowhere, or Python would complain once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
