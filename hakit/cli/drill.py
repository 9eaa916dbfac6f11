"""What holds a drill, and shows those that were held: hakit drill."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hakit.cli.base import Format, app, interruptible
from hakit.errors import HakitError

if TYPE_CHECKING:
    from hakit.drill.underway import Options
    from hakit.topology import Topology


@app.command()
def drill(  # noqa: PLR0913, PLR0917  its parameters are its options
    topology: Annotated[
        Path | None, typer.Argument(metavar="[TOPOLOGY]", help="Its file; by default the project's only one.")
    ] = None,
    pair: Annotated[str, typer.Option("--pair", help="A pair of it; by default its only one.")] = "",
    only: Annotated[str, typer.Option("--only", help="Parts, with commas; all without it.")] = "",
    to: Annotated[str, typer.Option("--to", help="Where the game day goes.")] = "",
    url: Annotated[str, typer.Option("--url", help="What users ask for; true only where a region serves.")] = "",
    origin: Annotated[
        list[str] | None, typer.Option("--origin", help="REGION=HOST[:PORT] past the balancer; may be repeated.")
    ] = None,
    history: Annotated[Path | None, typer.Option("--history", help="Folder of the drills that were held.")] = None,
    in_production: Annotated[
        str | None, typer.Option("--yes-in-production", metavar="ENVIRONMENT", help="The environment, typed.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would do; change nothing.")] = False,
    trend: Annotated[bool, typer.Option("--trend", help="Show the drills that were held; hold none.")] = False,
    marker_seconds: Annotated[float, typer.Option("--marker-seconds", min=0, help="For a marker; 0: 2 RPO.")] = 0,
    table_seconds: Annotated[float, typer.Option("--table-seconds", min=1, help="For a table on one side.")] = 60,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For all questions to one region.")] = 15,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,  # noqa: A002
) -> None:
    """Hold a drill: compare the regions' data, measure RPO and RTO by markers, restore, switch over and back.

    Exit code 0: all passed, every measured objective kept; 1: not so; 2: refused, nothing was done; 3: nothing tried.
    """
    from hakit.drill import history as keeping
    from hakit.drill import run as drilling
    from hakit.drill.report import exit_code, markdown
    from hakit.drill.report import trend as trend_of
    from hakit.drill.tools import RealTools
    from hakit.drill.underway import PARTS, Options
    from hakit.preview.project import find_topology
    from hakit.topology import load

    project, path = find_topology(topology)
    declared = load(path)
    name = pair or _only_pair(declared)
    folder = history or keeping.folder_of(project.root, declared.environment, declared.pair(name).name)
    if trend:
        held = keeping.drills(folder)
        typer.echo(_json(held) if format is Format.JSON else _lines(trend_of(held, last=len(held))), nl=False)
        return
    options = Options(
        parts=[each.strip() for each in only.split(",") if each.strip()] or PARTS,
        to=to,
        url=url,
        origins=_origins(origin or [], declared, name, url),
        marker_seconds=marker_seconds,
        table_seconds=table_seconds,
    )
    if plan:
        drilling.check(declared, declared.pair(name), options, declared.environment)
        typer.echo(_lines(_plan(options, folder)), nl=False)
        return
    drilling.check(declared, declared.pair(name), options, in_production)
    keeping.drills(folder)  # one that cannot be read is better told before than after
    tools = RealTools(path, name, project.root, seconds)
    with interruptible():
        document = drilling.run(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), name, tools, options, _said)
    earlier = keeping.drills(folder)
    page = keeping.keep(folder, document)
    typer.echo(_json(document) if format is Format.JSON else markdown(document, earlier), nl=False)
    typer.echo(f"{page}: fill in the lessons, and commit it", err=True)
    raise typer.Exit(exit_code(document))


def _only_pair(topology: "Topology") -> str:
    if len(topology.pairs) != 1:
        raise HakitError("several pairs: name one", allowed=topology.pairs, do="--pair NAME")
    return next(iter(topology.pairs))


def _origins(given: list[str], topology: "Topology", pair: str, url: str) -> dict[str, str]:
    """As they are named; else as GlobalLoadBalancer names them when a URL is given."""
    from urllib.parse import urlsplit

    from hakit.topology.names import origin_host

    found = {}
    for each in given:
        region, equals, place = each.partition("=")
        if not equals or not place:
            raise HakitError("--origin: no region and host", given=each, allowed="REGION=HOST, or REGION=HOST:PORT")
        found[region] = place
    if found or not url:
        return found
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HakitError("--url: not an address of http", given=url, allowed="such as https://shop.example.com/ready")
    port = f":{parts.port}" if parts.port else ""
    return {region: f"{origin_host(region, parts.hostname)}{port}" for region in topology.pair(pair).regions}


def _plan(options: "Options", folder: Path) -> list[str]:
    from hakit.drill.underway import CHANGES, PARTS

    return [
        *(f"{part}: {CHANGES[part]}" for part in PARTS if part in options.parts),
        f"then: a report into {os.path.relpath(folder)}",
    ]


def _said(part: str, what: str, event: str, seconds: float, said: str) -> None:
    """One line a step, on the standard error: what is printed there is the document alone."""
    if event == "begin":
        return
    typer.echo(f"{part}: {what}: {event}, {seconds:.1f} s{f' · {said}' if said else ''}", err=True)
    sys.stderr.flush()


def _lines(lines: list[str]) -> str:
    return "".join(f"{each}\n" for each in lines)


def _json(document: object) -> str:
    import json

    return f"{json.dumps(document, indent=2)}\n"
