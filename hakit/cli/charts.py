"""What looks at charts: hakit check, and the commands of hakit charts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hakit.cli.base import Format, FormatOption, app, group, interruptible
from hakit.errors import HakitError

if TYPE_CHECKING:
    from hakit.vendor import Row


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


charts_app = group(
    "charts", "Charts of repositories and OCI registries: pulled into the project, held by a lock of digests."
)

_Project = Annotated[Path, typer.Argument(metavar="DIR", help="The project, or a folder in it.")]
_From = Annotated[list[Path] | None, typer.Option("--from", help="A folder with archives, asked before the network.")]
_PlainHttp = Annotated[bool, typer.Option("--plain-http", help="Speak HTTP with OCI registries.")]


@charts_app.command("pull")
def charts_pull(  # noqa: PLR0913, PLR0917  its parameters are its options
    directory: _Project = Path(),
    locked: Annotated[bool, typer.Option("--locked", help="Refuse to change charts.lock; for CI.")] = False,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Resolve ranges of versions anew.")] = False,
    from_: _From = None,
    plain_http: _PlainHttp = False,
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Pull what charts.yaml wants into vendor/charts, and write charts.lock.

    Exit code 0: all charts are here; 2: some cannot be had, or differ from the lock, and nothing was written.
    """
    import hakit.vendor as vendoring
    from hakit.charts.lock import root_of

    if locked and upgrade:
        raise HakitError("--locked and --upgrade contradict each other", do="leave one of them out")
    how = vendoring.How(locked=locked, upgrade=upgrade, folders=from_ or [], plain_http=plain_http)
    with interruptible():
        _print_charts(vendoring.pull(root_of(directory), how), format)


@charts_app.command("add")
def charts_add(  # noqa: PLR0913, PLR0917  its parameters are its options
    chart: Annotated[str, typer.Argument(metavar="CHART", help="A name with --repo, or oci://registry/path/name.")],
    version: Annotated[str, typer.Option("--version", help="A version, or a range such as ^1.20.")],
    directory: _Project = Path(),
    repo: Annotated[str, typer.Option("--repo", help="Address of the repository.")] = "",
    from_: _From = None,
    plain_http: _PlainHttp = False,
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Pull one chart more, and write it into charts.yaml and charts.lock.

    Exit code 0: it is here; 2: it cannot be had, and nothing was written.
    """
    import hakit.vendor as vendoring
    from hakit.charts.lock import root_of

    how = vendoring.How(folders=from_ or [], plain_http=plain_http)
    with interruptible():
        _print_charts(vendoring.add(root_of(directory), chart, version, repo, how), format)


@charts_app.command("list")
def charts_list(directory: _Project = Path(), format: FormatOption = Format.TEXT) -> None:  # noqa: A002
    """Show what charts.yaml wants, and whether programs find it. Asks no network.

    Exit code 0: everything is here; 1: a chart is not locked, not pulled, or differs from the lock.
    """
    import hakit.vendor as vendoring
    from hakit.charts.lock import root_of

    rows = vendoring.standing(root_of(directory))
    _print_charts(rows, format)
    raise typer.Exit(vendoring.exit_code(rows))


def _print_charts(rows: "Sequence[Row]", how: Format) -> None:
    import hakit.vendor as vendoring

    typer.echo(vendoring.as_json(rows) if how is Format.JSON else vendoring.as_text(rows), nl=False)
