"""The command line: one function a command, each a thin call into the package."""

import os
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hakit import __version__
from hakit.errors import HakitError

# Without rich, `--help` takes half the time and reads the same everywhere.
app = typer.Typer(
    name="hakit",
    help="Applications on Kubernetes that survive the loss of a zone, a region or their data.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


_BROKEN_PIPE = 141  # 128 and SIGPIPE's: what `| head` leaves of grep, too
_INTERRUPTED = 130  # 128 and SIGINT's number, as shells report it


class Format(StrEnum):
    """How a command prints its result."""

    TEXT = "text"
    JSON = "json"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hakit {__version__}")
        raise typer.Exit


@app.callback()
def hakit(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Make high availability true instead of believed."""


@app.command()
def preview(  # noqa: PLR0913, PLR0917  its parameters are its options
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A Pulumi project, or a folder in it.")] = Path(),
    stack: Annotated[list[str] | None, typer.Option("--stack", help="Only this stack; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write one manifest a file into this folder.")] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
    answers: Annotated[Path | None, typer.Option("--answers", help="YAML: results of invokes, other stacks.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds for each program.")] = 120,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show in full what hakit mended by itself.")] = False,
) -> None:
    """Show what each stack's Python program would create; no engine, no cluster, no credentials.

    Exit code 0: nothing unaccepted; 1: findings stand; 2: a program could not run.
    """
    import hakit.preview as previewing
    from hakit.preview.progress import Progress
    from hakit.preview.stopping import stoppable

    progress = Progress(sys.stderr)
    try:
        with stoppable():
            if out is not None:
                previewing.check_folder(out)
            given = previewing.load_answers(answers)
            try:
                document = previewing.preview(directory, stack or [], answers=given, timeout=timeout, progress=progress)
            finally:
                progress.end()
            code = previewing.exit_code(document, strict=strict)
            if format is Format.JSON:
                import json

                typer.echo(json.dumps(document, indent=2))
            else:
                paint = previewing.Paint.for_stream(sys.stdout)
                typer.echo(previewing.preview_text(document, verbose=verbose, paint=paint), nl=False)
            if out is not None:
                if code == 2:
                    typer.echo(f"{out}: nothing written, because a stack could not run", err=True)
                else:
                    written = previewing.write_manifests(document["stacks"], out)
                    typer.echo(f"{out}: {written} manifests written", err=True)
    except KeyboardInterrupt:
        # Click would end with 1, which here means findings.
        typer.echo("interrupted", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    raise typer.Exit(code)


@app.command()
def check(  # noqa: PLR0913, PLR0917  its parameters are its options
    charts: Annotated[list[str], typer.Argument(metavar="CHART...", help="Folders or .tgz archives.")],
    values: Annotated[list[Path] | None, typer.Option("--values", "-f", help="A values file; may be repeated.")] = None,
    hardened: Annotated[bool, typer.Option("--hardened", help="Show what is left under ZonalApp.")] = False,
    zones: Annotated[int, typer.Option("--zones", min=1, help="How many zones the cluster has.")] = 3,
    kubernetes: Annotated[str, typer.Option("--kubernetes", help="The cluster's version.")] = "1.34",
    name: Annotated[str, typer.Option("--name", help="Name of the release; by default the chart's.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the release.")] = "default",
    clustered: Annotated[
        list[str] | None, typer.Option("--clustered", help="A workload that replicates its data by itself.")
    ] = None,
    accept: Annotated[list[str] | None, typer.Option("--accept", help="CODE=why, or 'CODE object=why'.")] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
) -> None:
    """Audit charts: what of them would not survive a zone, and which values they ignore.

    Exit code 0: nothing unaccepted; 1: findings stand; 2: a chart could not be rendered.
    """
    import hakit.check as checking

    question = checking.Question(
        values=values or [],
        hardened=hardened,
        zones=zones,
        kubernetes=checking.parse_version(kubernetes),
        name=name,
        namespace=namespace,
        clustered=clustered or [],
        accept=checking.parse_accept(accept or []),
    )
    checked = [checking.check(chart, question) for chart in charts]
    text = checking.as_json(checked) if format is Format.JSON else checking.as_text(checked, hardened=hardened)
    typer.echo(text, nl=False)
    raise typer.Exit(checking.exit_code(checked, strict=strict))


@app.command()
def explain(
    code: Annotated[
        str, typer.Argument(metavar="[CODE]", help="Such as HK003; all of them as a page without it.")
    ] = "",
) -> None:
    """Explain a finding: what happens when it is left as it is, and how to mend it."""
    import hakit.explain as explaining

    typer.echo(explaining.explain(code) if code else explaining.page(), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the topology file, by which editors complete it."""
    import json

    from hakit.topology.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


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


if __name__ == "__main__":
    main()
