"""What the regions' programs make of a topology, before it is in the file: while nobody writes nothing is rendered.

A token is not known ahead, so a text stands in its place, and is filled in when the manifest is applied. No token ever
goes through a program.
"""

import json
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.operate.steps import Step
from hakit.plan import guard
from hakit.preview.masking import SECRET
from hakit.preview.objects import is_postgres
from hakit.preview.project import Project
from hakit.preview.run import preview_instead
from hakit.topology import Pair, edit, names
from hakit.topology.loading import parse

Manifest = dict[str, Any]
_UNKNOWN = "[unknown]"


def stand_in(database: str, entry: int) -> str:
    """What stands where the token of an entry, by its number, will. As a token it is no plain word of YAML."""
    return f"TOKEN of {database} in entry {entry}"


def tokens_of(pair: Pair) -> dict[str, str]:
    """Every token of a pair's list, by its stand-in."""
    return {
        stand_in(database, number): token
        for number, entry in enumerate(pair.handovers, 1)
        for database, token in entry.tokens.items()
    }


def without_tokens(text: str, pair: Pair) -> str:
    """A topology's text with a stand-in for each token."""
    for known, token in tokens_of(pair).items():
        text = text.replace(token, known)
    return text


def with_tokens(value: Any, tokens: Mapping[str, str]) -> Any:
    """A manifest with the tokens in place of their stand-ins."""
    if isinstance(value, Mapping):
        return {key: with_tokens(item, tokens) for key, item in value.items()}
    if isinstance(value, list):
        return [with_tokens(item, tokens) for item in value]
    return tokens.get(value, value) if isinstance(value, str) else value


def texts_of(text: str, pair: Pair, steps: Iterable[Step]) -> dict[str, list[str]]:
    """By the file's text as it will be, the regions to which it will be applied, in the steps' order."""
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="hakit-") as folder:
        path = Path(folder) / "topology.yaml"
        path.write_text(text, encoding="utf-8")
        for step in steps:
            if step.act == "append" and not _has(path, pair.name, step.entry):
                edit.append_handover(path, pair.name, step.entry)
            elif step.act == "token":
                now = parse(path.read_text(encoding="utf-8"), "").pair(pair.name).handovers
                for database in pair.databases:
                    if database not in now[-1].tokens:
                        edit.add_token(path, pair.name, database, stand_in(database, len(now)))
            elif step.act in ("apply", "promoted"):
                regions = found.setdefault(path.read_text(encoding="utf-8"), [])
                regions += [] if step.region in regions else [step.region]
    return found


def _has(path: Path, pair: str, entry: Mapping[str, Any]) -> bool:
    """Whether the last entry is this one already: the operation goes on where it was left."""
    handovers = parse(path.read_text(encoding="utf-8"), "").pair(pair).handovers
    return bool(handovers) and (handovers[-1].kind, handovers[-1].to) == (entry["kind"], entry["to"])


def render(project: Project, path: Path, text: str, pair: str, regions: Collection[str]) -> dict[str, list[Manifest]]:
    """The whole manifests of a pair's databases in each region, as the stack's program makes them of a topology's text.

    Raises:
        HakitError: a program could not run, or what it makes is a secret or not known before it is deployed.
    """
    environment = parse(text, str(path)).environment
    stacks = {names.stack(environment, region): region for region in regions}
    found = {}
    for document in preview_instead(project, list(stacks), {str(path.resolve()): text}):
        if document["error"] is not None:
            raise HakitError(
                f"what stack {document['stack']} would apply is not known: its program could not run",
                given=document["error"]["message"],
                do=f"hakit preview --stack {document['stack']} says more",
            )
        objects = [one for resource in document["resources"] for one in resource["objects"]]
        clusters = [one["manifest"] for one in objects if is_postgres(one) and _is_of(one["manifest"], pair)]
        found[stacks[document["stack"]]] = [_checked(document["stack"], each) for each in clusters]
    return found


def _is_of(manifest: Mapping[str, Any], pair: str) -> bool:
    return (manifest.get("metadata", {}).get("labels") or {}).get(guard.PAIR) == pair


def _checked(stack: str, manifest: Mapping[str, Any]) -> Manifest:
    text = json.dumps(manifest)
    for hole in (SECRET, _UNKNOWN):
        if hole in text:
            raise HakitError(
                f"stack {stack}: a Cluster's manifest holds what is known to a deployment only",
                given=hole,
                do="its handover is made by `pulumi up`, which takes longer",
            )
    whole: Manifest = _numbers(manifest)
    return whole


def _numbers(value: Any) -> Any:
    """Whole numbers as such: on Pulumi's wire every number is a float, and a server refuses 3.0 for an integer."""
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
