"""What moves a pair: hakit switchover, failover and failback; and hakit runbook, which says how."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hakit.cli.base import Format, FormatOption, app, interruptible
from hakit.errors import HakitError

if TYPE_CHECKING:
    from hakit.operate.command import Wanted
    from hakit.operate.journal import Journal
    from hakit.operate.steps import Operation


class Kind(StrEnum):
    """What moves a pair."""

    SWITCHOVER = "switchover"
    FAILOVER = "failover"
    FAILBACK = "failback"


_Topology = Annotated[
    Path | None, typer.Argument(metavar="[TOPOLOGY]", help="Its file; by default the project's only one.")
]
_Pair = Annotated[str, typer.Option("--pair", help="Of the topology; by default its only one.")]
_To = Annotated[str, typer.Option("--to", metavar="REGION", help="The region that is to be active.")]
_Plan = Annotated[bool, typer.Option("--plan", help="Show the steps, and change nothing.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for automation.")]
_Journal = Annotated[
    str, typer.Option("--journal", metavar="PLACE", help="A folder or s3://...; by default beside the Pulumi state.")
]
_Cancel = Annotated[bool, typer.Option("--cancel", help="Take back what an earlier run left open.")]


@app.command()
def switchover(  # noqa: PLR0913, PLR0917  its parameters are its options
    to: _To,
    topology: _Topology = None,
    pair: _Pair = "",
    plan: _Plan = False,
    yes: _Yes = False,
    cancel: _Cancel = False,
    journal: _Journal = "",
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Make another region active, with both alive: no row is lost, nobody is rebuilt.

    Run again it goes on where it was left. Exit code 0: done; 1: stopped, run it again; 2: refused, nothing changed;
    3: done, with something left to do; 4: taken back, as before; 5: somebody else changed the list.
    """
    from hakit.operate.command import Wanted

    _operate(Wanted("switchover", topology, pair, to, "", plan, cancel, journal), yes, format)


@app.command()
def failover(  # noqa: PLR0913, PLR0917  its parameters are its options
    to: _To,
    topology: _Topology = None,
    pair: _Pair = "",
    accept_data_loss: Annotated[
        str, typer.Option("--accept-data-loss", metavar="DURATION", help="Such as 30s; else you are asked.")
    ] = "",
    plan: _Plan = False,
    yes: _Yes = False,
    journal: _Journal = "",
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Make another region active without the one that was, which is presumed dead. What it had alone may be lost.

    Run again it goes on where it was left. Exit codes as of switchover.
    """
    from hakit.operate.command import Wanted

    if yes and not accept_data_loss and not plan:
        raise HakitError("--yes needs to be told what may be lost", do="--accept-data-loss 30s")
    _operate(Wanted("failover", topology, pair, to, accept_data_loss, plan, False, journal), yes, format)


@app.command()
def failback(  # noqa: PLR0913, PLR0917  its parameters are its options
    topology: _Topology = None,
    pair: _Pair = "",
    to: Annotated[str, typer.Option("--to", metavar="REGION", help="By default the one that was left behind.")] = "",
    plan: _Plan = False,
    yes: _Yes = False,
    cancel: _Cancel = False,
    journal: _Journal = "",
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Rebuild the region that a failover left behind, and make it active again; its old copy is kept.

    Run again it goes on where it was left. Exit codes as of switchover.
    """
    from hakit.operate.command import Wanted

    _operate(Wanted("failback", topology, pair, to, "", plan, cancel, journal), yes, format)


@app.command()
def runbook(
    kind: Annotated[Kind, typer.Argument(help="Of which operation.")],
    topology: _Topology = None,
    pair: _Pair = "",
    to: Annotated[str, typer.Option("--to", metavar="REGION", help="By default another than the active one.")] = "",
    witness: Annotated[
        list[str] | None, typer.Option("--witness", metavar="ADDRESS", help="As if the pair had it; may be repeated.")
    ] = None,
) -> None:
    """Print an operation's runbook as Markdown: the steps that the command runs, and each of them by hand.

    Nobody is asked and nothing is changed. Exit code 2: it cannot be planned for this pair.
    """
    from hakit.operate.runbook import of_project

    typer.echo(of_project(kind, topology, pair, to, witness or ()), nl=False)


def _operate(wanted: "Wanted", yes: bool, how: Format) -> None:
    from hakit.operate.command import document_of, operate
    from hakit.operate.run import exit_code
    from hakit.operate.text import Progress, outcome_text, plan_text
    from hakit.preview import Paint

    progress, paint = Progress(sys.stderr), Paint.for_stream(sys.stdout)
    text = how is Format.TEXT

    def ask(operation: "Operation", notes: Sequence[str], journal: "Journal | None") -> bool:
        if text:
            typer.echo(plan_text(operation, notes, journal, paint), nl=False)
        if yes:
            return True
        if not sys.stdin.isatty():
            raise HakitError("nobody is there to be asked", do="--yes, or --plan to see the steps only")
        if not text:
            typer.echo(plan_text(operation, notes, journal, Paint.for_stream(sys.stderr)), nl=False, err=True)
        return typer.confirm("Go on?", err=True)

    with interruptible():
        try:
            done = operate(wanted, ask, progress)
        finally:
            progress.end()
    if text and wanted.plan_only:
        typer.echo(plan_text(done.operation, done.notes, None, paint), nl=False)
    if not text:
        import json

        typer.echo(json.dumps(document_of(done), indent=2))
    elif done.outcome is not None:
        typer.echo(outcome_text(done.operation, done.outcome, paint), nl=False)
    if done.outcome is None:
        raise typer.Exit(0 if wanted.plan_only else 2)
    raise typer.Exit(exit_code(done.outcome))
