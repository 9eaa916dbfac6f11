"""What explains: hakit explain and hakit schema."""

from typing import Annotated

import typer

from hakit.cli.base import app


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
