"""The command line: one function a command, each a thin call into the package."""

import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hakit import __version__
from hakit.errors import HakitError

if TYPE_CHECKING:
    from hakit.topology import Witness
    from hakit.vendor import Row
    from hakit.witness import Place

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
    with _interruptible(), stoppable():
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
def status(
    topology: Annotated[
        Path | None, typer.Argument(metavar="[TOPOLOGY]", help="Its file; by default the project's only one.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For all questions to one region.")] = 15,
) -> None:
    """Show where every database stands now, beside what is declared; reads by kubectl, changes nothing.

    Exit code 0: nothing found; 3: warnings; 1: errors; 2: it could not be asked at all.
    """
    import hakit.status as looking
    from hakit.preview import Paint

    with _interruptible():
        document = looking.status(topology, seconds=seconds)
    if format is Format.JSON:
        import json

        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo(looking.status_text(document, Paint.for_stream(sys.stdout)), nl=False)
    raise typer.Exit(looking.exit_code(document))


@app.command()
def check(  # noqa: PLR0913, PLR0917  its parameters are its options
    charts: Annotated[list[str], typer.Argument(metavar="CHART...", help="Folders, .tgz archives, or pulled charts.")],
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
    version: Annotated[str, typer.Option("--version", help="Of a pulled chart; by default the locked one.")] = "",
    repo: Annotated[str, typer.Option("--repo", help="Repository of a pulled chart.")] = "",
    api_versions: Annotated[
        list[str] | None, typer.Option("--api-versions", help="What the cluster has beyond Kubernetes' own.")
    ] = None,
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
        version=version,
        repo=repo,
        api_versions=tuple(api_versions) if api_versions else None,
    )
    checked = [checking.check(chart, question) for chart in charts]
    text = checking.as_json(checked) if format is Format.JSON else checking.as_text(checked, hardened=hardened)
    typer.echo(text, nl=False)
    raise typer.Exit(checking.exit_code(checked, strict=strict))


charts_app = typer.Typer(
    name="charts",
    help="Charts of repositories and OCI registries: pulled into the project, held by a lock of digests.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(charts_app)

_Project = Annotated[Path, typer.Argument(metavar="DIR", help="The project, or a folder in it.")]
_From = Annotated[list[Path] | None, typer.Option("--from", help="A folder with archives, asked before the network.")]
_PlainHttp = Annotated[bool, typer.Option("--plain-http", help="Speak HTTP with OCI registries.")]
_Format = Annotated[Format, typer.Option("--format", help="How to print.")]


@charts_app.command("pull")
def charts_pull(  # noqa: PLR0913, PLR0917  its parameters are its options
    directory: _Project = Path(),
    locked: Annotated[bool, typer.Option("--locked", help="Refuse to change charts.lock; for CI.")] = False,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Resolve ranges of versions anew.")] = False,
    from_: _From = None,
    plain_http: _PlainHttp = False,
    format: _Format = Format.TEXT,  # noqa: A002
) -> None:
    """Pull what charts.yaml wants into vendor/charts, and write charts.lock.

    Exit code 0: all charts are here; 2: some cannot be had, or differ from the lock, and nothing was written.
    """
    import hakit.vendor as vendoring
    from hakit.charts.lock import root_of

    if locked and upgrade:
        raise HakitError("--locked and --upgrade contradict each other", do="leave one of them out")
    how = vendoring.How(locked=locked, upgrade=upgrade, folders=from_ or [], plain_http=plain_http)
    with _interruptible():
        _print_charts(vendoring.pull(root_of(directory), how), format)


@charts_app.command("add")
def charts_add(  # noqa: PLR0913, PLR0917  its parameters are its options
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A name with --repo, or oci://registry/path/name.")],
    version: Annotated[str, typer.Option("--version", help="A version, or a range such as ^1.20.")],
    directory: _Project = Path(),
    repo: Annotated[str, typer.Option("--repo", help="Address of the repository.")] = "",
    from_: _From = None,
    plain_http: _PlainHttp = False,
    format: _Format = Format.TEXT,  # noqa: A002
) -> None:
    """Pull one chart more, and write it into charts.yaml and charts.lock.

    Exit code 0: it is here; 2: it cannot be had, and nothing was written.
    """
    import hakit.vendor as vendoring
    from hakit.charts.lock import root_of

    how = vendoring.How(folders=from_ or [], plain_http=plain_http)
    with _interruptible():
        _print_charts(vendoring.add(root_of(directory), chart, version, repo, how), format)


@charts_app.command("list")
def charts_list(directory: _Project = Path(), format: _Format = Format.TEXT) -> None:  # noqa: A002
    """Show what charts.yaml wants, and whether programs find it. Asks no network.

    Exit code 0: everything is here; 1: a chart is not locked, not pulled, or differs from the lock.
    """
    import hakit.vendor as vendoring
    from hakit.charts.lock import root_of

    rows = vendoring.standing(root_of(directory))
    _print_charts(rows, format)
    raise typer.Exit(vendoring.exit_code(rows))


witness_app = typer.Typer(
    name="witness",
    help="The witness of a pair: who may be writable, as every region's fence reads it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(witness_app)

_TopologyFile = Annotated[Path, typer.Argument(metavar="TOPOLOGY", help="The topology's file.")]
_PairName = Annotated[str, typer.Argument(metavar="PAIR", help="A pair of it.")]


@witness_app.command("show")
def witness_show(topology: _TopologyFile, pair: _PairName, format: _Format = Format.TEXT) -> None:  # noqa: A002
    """Show what every place of a pair's witness says, beside what the list of handovers wants.

    Exit code 0: every place says it; 1: some do not; 2: there is no such pair, or no place.
    """
    import hakit.witness as witnessing
    from hakit.topology import load

    declared = load(topology)
    _print_witness(witnessing.show(declared, pair), witnessing.wanted(declared.pair(pair)), format)


@witness_app.command("raise")
def witness_raise(topology: _TopologyFile, pair: _PairName, format: _Format = Format.TEXT) -> None:  # noqa: A002
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


@contextmanager
def _interruptible() -> Generator[None]:
    """Click would end with 1, which for `charts list` means that something is missing."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _print_charts(rows: "Sequence[Row]", how: Format) -> None:
    import hakit.vendor as vendoring

    typer.echo(vendoring.as_json(rows) if how is Format.JSON else vendoring.as_text(rows), nl=False)


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
