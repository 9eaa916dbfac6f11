"""The format as a JSON schema, for editors: `# yaml-language-server: $schema=...` at the top of a topology file."""

from typing import Any

from hakit.topology.model import Topology

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"


def json_schema() -> dict[str, Any]:
    """The schema of a topology file, as plain data in a stable order.

    It says what a single key may hold; what keys mean together, such as the order of handovers, only `load` checks.
    """
    made = Topology.model_json_schema(mode="validation")
    made.pop("description", None)
    made.pop("title", None)
    definitions = made.pop("$defs")
    for definition in definitions.values():
        definition.pop("description", None)
    _patterns(made, definitions)
    schema = {"$schema": DIALECT, "title": "hakit topology", **made, "$defs": dict(sorted(definitions.items()))}
    return {key: schema[key] for key in ("$schema", "title", *sorted(set(schema) - {"$schema", "title"}))}


def _patterns(made: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Patterns that the model checks in words of its own, so that an editor sees them too."""
    for key in ("name", "environment"):
        made["properties"][key]["pattern"] = _NAME
    for key in ("regions", "pairs"):
        made["properties"][key]["propertyNames"] = {"pattern": _NAME}
    definitions["Aws"]["properties"]["account"]["pattern"] = "^[0-9]{12}$"
    definitions["Aws"]["properties"]["prefix"]["pattern"] = _NAME
    definitions["Region"]["properties"]["kubernetes"]["pattern"] = r"^1\.[0-9]{1,3}$"
    definitions["Region"]["properties"]["zones"]["uniqueItems"] = True
    definitions["Pair"]["properties"]["databases"]["items"]["pattern"] = _NAME
