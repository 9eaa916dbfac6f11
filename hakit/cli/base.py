"""The application that every command is added to, and what commands share."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from hakit import __version__


def _application(name: str, words: str) -> typer.Typer:
    # Without rich, `--help` takes half the time and reads the same everywhere.
    return typer.Typer(
        name=name,
        help=words,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )


app = _application("hakit", "Applications on Kubernetes that survive the loss of a zone, a region or their data.")


def group(name: str, words: str) -> typer.Typer:
    """`hakit <name>`, with commands of its own."""
    made = _application(name, words)
    app.add_typer(made)
    return made


INTERRUPTED = 130  # 128 and SIGINT's number, as shells report it


class Format(StrEnum):
    """How a command prints its result."""

    TEXT = "text"
    JSON = "json"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hakit {__version__}")
        raise typer.Exit


FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]


@app.callback()
def hakit(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Make high availability true instead of believed."""


@contextmanager
def interruptible() -> Generator[None]:
    """Click would end with 1, which for `charts list` means that something is missing."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
