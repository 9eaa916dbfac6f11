"""The commands of hakit witness."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hakit.cli.base import Format, FormatOption, group

if TYPE_CHECKING:
    from hakit.topology import Witness
    from hakit.witness import Place

witness_app = group("witness", "The witness of a pair: who may be writable, as every region's fence reads it.")

_TopologyFile = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology's file.")]
_PairName = Annotated[str, typer.Argument(metavar="PAIR", help="A pair of it.")]


@witness_app.command("show")
def witness_show(topology: _TopologyFile, pair: _PairName, format: FormatOption = Format.TEXT) -> None:  # noqa: A002
    """Show what every place of a pair's witness says, beside what the list of handovers wants.

    Exit code 0: every place says it; 1: some do not; 2: there is no such pair, or no place.
    """
    import hakit.witness as witnessing
    from hakit.topology import load

    declared = load(topology)
    _print_witness(witnessing.show(declared, pair), witnessing.wanted(declared.pair(pair)), format)


@witness_app.command("raise")
def witness_raise(topology: _TopologyFile, pair: _PairName, format: FormatOption = Format.TEXT) -> None:  # noqa: A002
    """Write what the list of handovers wants to every place of a pair's witness. It only rises.

    Before a failover or a cancel is applied, and when the token of a planned handover is recorded.

    Exit code 0: every place says it; 1: some could not be written, but every other region reads one that was; 2: not
    so, or a place is ahead of this list, and nothing was written over it.
    """
    import hakit.witness as witnessing
    from hakit.topology import load

    declared = load(topology)
    _print_witness(witnessing.raise_all(declared, pair), witnessing.wanted(declared.pair(pair)), format)


def _print_witness(places: "Sequence[Place]", wanted: "Mapping[str, Witness]", how: Format) -> None:
    import hakit.witness as witnessing

    text = witnessing.as_json(places, wanted) if how is Format.JSON else witnessing.as_text(places, wanted)
    typer.echo(text, nl=False)
    raise typer.Exit(witnessing.exit_code(places, wanted))
