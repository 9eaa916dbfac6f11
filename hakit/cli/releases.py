"""What runs already: hakit adopt looks at it before it is taken over, hakit mend ends what was left half done."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hakit.cli.base import Format, FormatOption, app, interruptible


@app.command()
def adopt(  # noqa: PLR0913, PLR0917  its parameters are its options
    name: Annotated[str, typer.Argument(metavar="APP", help="Name of the ZonalApp.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A Pulumi project, or a folder in it.")] = Path(),
    stack: Annotated[str, typer.Option("--stack", help="Whose program has it.")] = "",
    live: Annotated[
        Path | None, typer.Option("--live", help="What runs, as kubectl writes it, in place of a cluster.")
    ] = None,
    context: Annotated[str, typer.Option("--context", help="By default that of the application's provider.")] = "",
    kubeconfig: Annotated[Path | None, typer.Option("--kubeconfig", help="By default kubectl's own.")] = None,
    format: FormatOption = Format.TEXT,  # noqa: A002
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For reading the cluster.")] = 15,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds for each program.")] = 120,
) -> None:
    """Show what taking over an application that runs would change; reads by kubectl, changes nothing.

    Exit code 0: it can be taken over; 1: something cannot become what it is to be, or data would go; 2: it could not be
    compared.
    """
    import hakit.adopt as adopting
    from hakit.preview.stopping import stoppable

    with interruptible(), stoppable():
        compared = adopting.adopt(
            directory,
            name,
            stack=stack,
            live=live,
            context=context,
            kubeconfig=kubeconfig,
            seconds=seconds,
            timeout=timeout,
        )
    text = adopting.as_json(compared) if format is Format.JSON else adopting.as_text(compared)
    typer.echo(text, nl=False)
    raise typer.Exit(adopting.exit_code(compared))


@app.command()
def mend(  # noqa: PLR0913, PLR0917  its parameters are its options
    release: Annotated[str, typer.Argument(metavar="[RELEASE]", help="All that are pending without it.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", help="Of the release; by default all of them.")] = "",
    context: Annotated[str, typer.Option("--context", help="Of the kubeconfig; by default its current one.")] = "",
    kubeconfig: Annotated[Path | None, typer.Option("--kubeconfig", help="By default kubectl's own.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    after: Annotated[float, typer.Option("--after", min=0, help="Seconds after which it counts as dead.")] = 900,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For reading the cluster.")] = 15,
) -> None:
    """Find Helm releases that a killed deployment left pending, and note them as failed, so that they can be deployed.

    Touches no workload. Exit code 0: none is pending any more; 1: some are; 2: it could not be asked or changed.
    """
    import hakit.mend as mending

    def confirm(question: str) -> bool:
        # Nobody is there to answer in CI: without --yes it only looks.
        return yes or (sys.stdin.isatty() and typer.confirm(question))

    with interruptible():
        place = mending.place_of(context, kubeconfig)
        code = mending.run(place, release, namespace, after=after, seconds=seconds, confirm=confirm, say=typer.echo)
    raise typer.Exit(code)
