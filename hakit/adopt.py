"""`hakit adopt`: what would change if an application that runs were taken over now. It only reads."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hakit.charts.adoption import CHANGED, GOES, KEPT, LEFT, NEW, REFUSED, SAME, Row, compare
from hakit.charts.manifests import Object, parse
from hakit.errors import HakitError, counted
from hakit.mend import contents_of
from hakit.observe import Reader, RefusedError, UnreachableError
from hakit.preview.document import ResourceDocument, StackDocument
from hakit.preview.objects import ZONAL_APP, ancestors
from hakit.preview.project import find_project
from hakit.preview.run import preview

_WORDS = {
    SAME: "stays as it is",
    CHANGED: "changes",
    REFUSED: "cannot become that",
    NEW: "is made",
    GOES: "is deleted",
    KEPT: "stays, and is the application's no more",
    LEFT: "nobody asks for it",
}


@dataclass(frozen=True)
class Compared:
    """An application beside what runs."""

    app: str
    stack: str
    rows: Sequence[Row] = field(repr=False)

    @property
    def stops(self) -> list[Row]:
        """What an adoption would be refused for, or would take data along."""
        return [row for row in self.rows if row.verdict == REFUSED or row.data]


def adopt(  # noqa: PLR0913  each is an option of the command
    directory: Path,
    app: str,
    *,
    stack: str = "",
    live: Path | None = None,
    context: str = "",
    kubeconfig: Path | None = None,
    seconds: float = 15,
    timeout: float = 120,
) -> Compared:
    """Compare an application of a project's programs with what runs.

    Args:
        directory: the project, or a folder in it.
        app: name of the ZonalApp.
        stack: whose program has it; needed where several have.
        live: what runs, as `kubectl get --output yaml` writes it; None: the cluster is asked.
        context: of the cluster; empty: the one that the application's provider names.
        kubeconfig: of the cluster; None: kubectl's own.
        seconds: for reading the cluster.
        timeout: for each program.

    Raises:
        HakitError: there is no such application, a program cannot run, or what runs cannot be read.
    """
    project = find_project(directory)
    document = preview(project.root, [stack] if stack else project.stack_names(), timeout=timeout)
    ran, component, resources = _found(document["stacks"], app)
    objects = [one for each in resources for one in each["objects"]]
    wanted = [_placed(one["manifest"], one["namespace"]) for one in objects if not one["name"].endswith(_MARK)]
    outputs = component["outputs"] or {}
    namespace, release = str(outputs.get("namespace", "")), str(outputs.get("name", app))
    if live is not None:
        return Compared(app, ran["stack"], compare(wanted, _read(live), namespace))
    there = context or _context_of(ran, resources)
    try:
        with Reader(there, str(kubeconfig) if kubeconfig else "", seconds=seconds) as reader:
            before = _of_release(reader, namespace, release)
            running = list(_running(reader, [*wanted, *before], namespace))
    except UnreachableError as error:
        raise HakitError("the cluster does not answer", where=there, given=error) from None
    except RefusedError as error:
        raise HakitError("the cluster may not be asked", where=there, given=error.message) from None
    return Compared(app, ran["stack"], compare(wanted, running, namespace, before))


#: What is no object of the application; see plan.delivery.
_MARK = "-delivered-by-hakit"


def _found(stacks: Iterable[StackDocument], app: str) -> tuple[StackDocument, ResourceDocument, list[ResourceDocument]]:
    names: list[str] = []
    found = []
    for stack in stacks:
        if stack["error"] is not None:
            raise HakitError(
                f"stack {stack['stack']}: its program could not run",
                given=stack["error"]["message"],
                do=f"hakit preview --stack {stack['stack']} says more; or name another one: --stack",
            )
        by_urn = {each["urn"]: each for each in stack["resources"]}
        for each in stack["resources"]:
            if each["type"] == ZONAL_APP:
                names.append(each["name"])
                if each["name"] == app:
                    below = [one for one in stack["resources"] if each in ancestors(one, by_urn)]
                    found.append((stack, each, below))
    if not found:
        raise HakitError("no ZonalApp has this name", given=app, allowed=sorted(set(names)) or "the programs have none")
    if len(found) > 1:
        raise HakitError(
            "several stacks have it",
            given=app,
            allowed=[stack["stack"] for stack, _, _ in found],
            do="name one: --stack",
        )
    return found[0]


def _context_of(stack: StackDocument, resources: Sequence[ResourceDocument]) -> str:
    named = {each["provider"] for each in resources} - {""}
    for each in stack["resources"]:
        if each["type"] == "pulumi:providers:kubernetes" and each["name"] in named:
            return str(each["inputs"].get("context") or "")
    return ""


def _placed(manifest: Mapping[str, Any], namespace: str) -> Object:
    metadata = dict(manifest.get("metadata") or {})
    return {**manifest, "metadata": metadata | ({"namespace": namespace} if namespace else {})}


def _read(file: Path) -> list[Object]:
    try:
        documents = parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
        raise HakitError("--live: it cannot be read", where=str(file), given=error) from None
    found = []
    for each in documents:
        found += each.get("items") or [] if str(each.get("kind", "")).endswith("List") else [each]
    return found


def _of_release(reader: Reader, namespace: str, release: str) -> list[Object]:
    """What the last deployed revision of a Helm release has, without hakit's mark; nothing where there is none."""
    chosen = f"owner=helm,name={release},status=deployed"
    secrets = reader.list(f"/api/v1/namespaces/{namespace}/secrets", labelSelector=chosen)
    if not secrets:
        return []
    last = max(secrets, key=lambda each: int(each["metadata"]["labels"]["version"]))
    had = parse(str(contents_of(last).get("manifest") or ""))
    return [each for each in had if not str(each["metadata"]["name"]).endswith(_MARK)]


def _running(reader: Reader, objects: Iterable[Object], namespace: str) -> Iterable[Object]:
    """Each object as the cluster has it; none where it has none, or does not know the kind."""
    kinds: dict[str, dict[str, tuple[str, bool]]] = {}
    seen = set()
    for each in objects:
        api, kind, name = str(each["apiVersion"]), str(each["kind"]), str(each["metadata"]["name"])
        place = str(each["metadata"].get("namespace") or namespace)
        base = f"/apis/{api}" if "/" in api else f"/api/{api}"
        if api not in kinds:
            answer = reader.find(base) or {}
            kinds[api] = {
                one["kind"]: (one["name"], one["namespaced"])
                for one in answer.get("resources", [])
                if "/" not in one["name"]
            }
        if kind not in kinds[api] or (api, kind, place, name) in seen:
            continue
        seen.add((api, kind, place, name))
        plural, namespaced = kinds[api][kind]
        found = reader.find(f"{base}/namespaces/{place}/{plural}/{name}" if namespaced else f"{base}/{plural}/{name}")
        if found is not None:
            yield {**found, "apiVersion": api, "kind": kind}


def as_text(compared: Compared) -> str:
    lines = [f"{compared.app} in {compared.stack}, beside what runs", ""]
    width = max((len(row.object) for row in compared.rows), default=0)
    for row in compared.rows:
        pods = "; its pods are made anew" if row.pods else ""
        data = ", and what is in it with it" if row.data else ""
        lines.append(f"  {row.object:<{width}}  {_WORDS[row.verdict]}{pods}{data}")
        lines += [f"  {'':<{width}}    {path}" for path in row.fields]
    counts = [f"{len([row for row in compared.rows if row.verdict == word])} {word}" for word in _WORDS]
    shown = [each for each in counts if not each.startswith("0 ")]
    return "\n".join([*lines, "", f"{counted(len(compared.rows), 'object')}: {', '.join(shown)}"]) + "\n"


def as_json(compared: Compared) -> str:
    rows = [asdict(row) | {"fields": list(row.fields)} for row in compared.rows]
    return json.dumps({"version": 1, "app": compared.app, "stack": compared.stack, "objects": rows}, indent=2) + "\n"


def exit_code(compared: Compared) -> int:
    """0: it can be taken over; 1: something is refused, or data would go."""
    return 1 if compared.stops else 0
