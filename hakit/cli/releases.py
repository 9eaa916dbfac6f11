"""Helm releases that were left half done: hakit mend."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from hakit.cli.base import app, interruptible


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
