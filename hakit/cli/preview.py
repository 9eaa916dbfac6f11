"""hakit preview."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hakit.cli.base import INTERRUPTED, Format, app


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
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(code)
