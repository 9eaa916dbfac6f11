"""What proves backups: hakit verify-backup."""

from pathlib import Path
from typing import Annotated

import typer

from hakit.cli.base import Format, app, interruptible
from hakit.errors import HakitError


@app.command("verify-backup")
def verify_backup(  # noqa: PLR0913, PLR0917  its parameters are its options
    pair: Annotated[str, typer.Option("--pair", help="A pair of the topology.")],
    database: Annotated[str, typer.Option("--database", help="A database of it.")],
    region: Annotated[str, typer.Option("--region", help="Where it is restored.")],
    from_region: Annotated[str, typer.Option("--from-region", help="Whose archive; by default the region's own.")] = "",
    topology: Annotated[
        Path | None, typer.Option("--topology", help="Its file; by default the project's only one.")
    ] = None,
    context: Annotated[str, typer.Option("--context", help="Of the kubeconfig; by default the topology's.")] = "",
    kubeconfig: Annotated[str, typer.Option("--kubeconfig", help="Its file; by default the topology's.")] = "",
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, help="To wait; by default as long as it may take.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
) -> None:
    """Restore a database's newest backup now, by the CronJob of a RestoreCheck, and show what came of it.

    Exit code 0: ok; 2: it could not be asked at all; 10: the restore failed; 11: no backup; 12: wrong credentials;
    13: corrupt backup; 14: WAL is missing; 15: stale; 16: a check failed; 17: timed out; 18: the store is unreachable;
    19: something is left of it; 20: another run is going on; 21: interrupted.
    """
    import hakit.verify_backup as verifying
    from hakit.observe import RefusedError, UnreachableError

    question = verifying.Question(
        topology, pair, database, region, from_region or region, context or None, kubeconfig or None, seconds
    )
    with interruptible():
        try:
            report = verifying.verify(question, lambda line: typer.echo(line, err=True))
        except (UnreachableError, RefusedError) as error:
            raise HakitError(f"{region}: {error}") from None
    if format is Format.JSON:
        import json

        typer.echo(json.dumps(report, indent=2))
    else:
        typer.echo(verifying.as_text(report), nl=False)
    raise typer.Exit(verifying.exit_code(report))
