"""What looks at live regions and changes nothing: hakit preflight, hakit status and hakit backups."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from hakit.cli.base import Format, app, interruptible
from hakit.errors import HakitError

if TYPE_CHECKING:
    from hakit.status import StatusDocument


@app.command()
def preflight(  # noqa: PLR0913, PLR0917  its parameters are its options
    topology: Annotated[
        Path | None, typer.Argument(metavar="[TOPOLOGY]", help="Its file; by default the project's only one.")
    ] = None,
    region: Annotated[list[str] | None, typer.Option("--region", help="Only this region; may be repeated.")] = None,
    stack: Annotated[
        list[str] | None, typer.Option("--stack", help="What is wanted; by default the topology's regions' stacks.")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="NAME or NAME:PORT whose certificate is looked at.")
    ] = None,
    accept: Annotated[list[str] | None, typer.Option("--accept", help="CODE=why, or 'CODE object=why'.")] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For all questions to one region.")] = 15,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds for each program.")] = 120,
) -> None:
    """Compare live regions with what their stacks want; reads by kubectl, changes nothing.

    Exit code 0: nothing unaccepted; 1: findings stand; 2: it could not be asked at all.
    """
    import hakit.preflight as checking
    from hakit.check import parse_accept
    from hakit.preview import Paint
    from hakit.preview.progress import Progress
    from hakit.preview.stopping import stoppable

    progress = Progress(sys.stderr)
    with interruptible(), stoppable():
        try:
            document = checking.preflight(
                topology,
                regions=region or [],
                stacks=stack or [],
                hosts=host or [],
                accept=parse_accept(accept or []),
                seconds=seconds,
                timeout=timeout,
                progress=progress,
            )
        finally:
            progress.end()
    if format is Format.JSON:
        import json

        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(checking.preflight_text(document, Paint.for_stream(sys.stdout)), nl=False)
    raise typer.Exit(checking.exit_code(document, strict=strict))


@app.command()
def status(  # noqa: PLR0913, PLR0917  its parameters are its options
    topology: Annotated[
        Path | None, typer.Argument(metavar="[TOPOLOGY]", help="Its file; by default the project's only one.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For all questions to one region.")] = 15,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", min=1, help="Seconds between two looks of --watch.")] = 5,
    room: Annotated[bool, typer.Option("--room", help="Room for a failover too; runs the stacks' programs.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds for each program of --room.")] = 120,
) -> None:
    """Show where every database stands now, beside what is declared; reads by kubectl, changes nothing.

    Exit code 0: nothing found; 3: warnings; 1: errors; 2: it could not be asked at all. With --watch, by the last look.
    """
    import hakit.status as looking
    from hakit.preview import Paint
    from hakit.preview.stopping import stoppable

    if watch and room:
        raise HakitError("--room with --watch would run every program at every look", do="one of the two")
    as_json = format is Format.JSON
    with interruptible():
        if watch:
            _watch(lambda: looking.status(topology, seconds=seconds), every, as_json=as_json)
        with stoppable():
            document = looking.status(topology, seconds=seconds, room=room, timeout=timeout)
    if as_json:
        import json

        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(looking.status_text(document, Paint.for_stream(sys.stdout)), nl=False)
    raise typer.Exit(looking.exit_code(document))


@app.command()
def backups(
    topology: Annotated[
        Path | None, typer.Argument(metavar="[TOPOLOGY]", help="Its file; by default the project's only one.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For all questions to one region.")] = 15,
) -> None:
    """List the backups that exist, what can be restored from them, and when a restore last worked; changes nothing.

    Exit code 0: something of everything can be restored; 1: not so, or a region did not answer; 2: it could not be
    asked at all.
    """
    import hakit.backups as listing
    from hakit.preview import Paint

    with interruptible():
        document = listing.backups(topology, seconds=seconds)
    if format is Format.JSON:
        import json

        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(listing.backups_text(document, Paint.for_stream(sys.stdout)), nl=False)
    raise typer.Exit(listing.exit_code(document))


def _watch(look: "Callable[[], StatusDocument]", every: float, *, as_json: bool) -> NoReturn:
    import hakit.status as looking

    last = None
    try:
        for document in looking.watch(look, sys.stdout, every=every, as_json=as_json):
            last = document
    except KeyboardInterrupt:
        if last is None:
            raise
    raise typer.Exit(looking.exit_code(last) if last else 0)
