"""Charts from where they are kept: a folder, an archive, or what was pulled from a repository or a registry."""

import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hakit.charts.manifests import Object, load_values, parse
from hakit.charts.remote import is_remote, remote
from hakit.charts.source_vendored import archive_of
from hakit.errors import HakitError, did_you_mean

_ARCHIVES = (".tgz", ".tar.gz")


@dataclass(frozen=True)
class Chart:
    """A chart, loaded and not yet rendered.

    Attributes:
        reference: how the user named it.
        path: where it is.
        name, version, app_version, kube_version, description: from Chart.yaml.
        values: the chart's default values, those of its subcharts included.
        templates: template sources by name, those of its subcharts included.
        crds: the CustomResourceDefinitions of `crds/` folders.
        missing: the dependencies of Chart.yaml that are not in `charts/`.
        engine: Helm's own loaded chart.
    """

    reference: str
    path: Path
    name: str
    version: str
    app_version: str
    kube_version: str
    description: str
    values: dict[str, Any]
    templates: dict[str, str]
    crds: list[Object]
    missing: tuple[dict[str, Any], ...]
    engine: Any = field(repr=False, compare=False)

    @contextmanager
    def to_render(self) -> Generator[Any]:
        """Helm's own chart as it was loaded, for one render.

        A render changes a chart that has subcharts: Helm's ProcessDependencies takes those that are off out of it, and
        merges the values into its defaults. The next render would miss them, so each gets a chart of its own.
        """
        if not self.engine.dependencies:
            yield self.engine
            return
        import helm_python

        with helm_python.Chart.load(self.path) as fresh:
            yield fresh


def load(
    reference: str, base: Path | None = None, where: str | None = None, *, version: str = "", repo: str = ""
) -> Chart:
    """Load a chart from a folder, a `.tgz` archive, or the archives that `hakit charts pull` brought. Never downloads.

    Args:
        reference: path of the folder or archive; a chart's name in `repo`; or its oci:// address.
        base: what a relative path is relative to, and where pulled charts are: the folder of Pulumi.yaml, or the
            working directory.
        where: names the holder of `reference` in messages.
        version: of a pulled chart; empty: the locked one.
        repo: address of the repository of a pulled chart.

    Raises:
        HakitError: the reference names no chart, nothing is there, or what is there is not a chart or not the one that
            was locked.
    """
    if is_remote(reference, version, repo):
        wanted = remote(reference, version, repo, where)
        path = archive_of(wanted, (base or Path.cwd()).resolve(), where)
        return _load(str(wanted), path, _stamp(path), where)
    path = Path(reference)
    path = (path if path.is_absolute() else (base or Path.cwd()) / path).resolve()
    if not path.exists():
        near = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
        raise HakitError(
            "chart: nothing is there",
            where=where,
            given=reference,
            allowed="a folder with Chart.yaml, or a .tgz archive"
            + (f"; beside it are: {', '.join(near)}" if near else f"; there is no folder {Path(reference).parent}"),
            do=did_you_mean(path.name, near),
        )
    if path.is_dir() and not (path / "Chart.yaml").is_file():
        inside = sorted(item.parent.name for item in path.glob("*/Chart.yaml"))
        raise HakitError(
            "chart: the folder has no Chart.yaml",
            where=where,
            given=reference,
            allowed=", ".join(f"{reference.rstrip('/')}/{name}" for name in inside) or "a folder with Chart.yaml",
        )
    if path.is_file() and not path.name.endswith(_ARCHIVES):
        raise HakitError(
            "chart: the file is not an archive",
            where=where,
            given=reference,
            allowed="a folder with Chart.yaml, or a .tgz archive",
        )
    return _load(reference, path, _stamp(path), where)


def _stamp(path: Path) -> tuple[int, int]:
    """Changes whenever a file of the chart does, so that a long-lived process never renders an old chart."""
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    times = [item.stat().st_mtime_ns for item in files]
    return len(times), max(times, default=0)


@lru_cache(maxsize=256)
def _load(reference: str, path: Path, _stamp: tuple[int, int], where: str | None) -> Chart:
    import helm_python

    try:
        engine = helm_python.Chart.load(path)
    except helm_python.HelmError as error:
        raise HakitError(
            f"chart: Helm cannot load it: {_last(error)}",
            where=where,
            given=reference,
            do="run `helm lint` on the chart",
        ) from None
    metadata = engine.metadata
    return Chart(
        reference=reference,
        path=path,
        name=engine.name,
        version=engine.version,
        app_version=str(metadata.get("appVersion") or ""),
        kube_version=str(metadata.get("kubeVersion") or ""),
        description=str(metadata.get("description") or ""),
        values=engine.merge_values({}),
        templates=_templates(engine, path),
        crds=_definitions(engine.crds, reference, where),
        missing=_missing(engine),
        engine=engine,
    )


def _missing(engine: Any) -> tuple[dict[str, Any], ...]:
    there = {each.get("name") for each in engine.dependencies}
    return tuple(each for each in engine.metadata.get("dependencies") or [] if each.get("name") not in there)


def _templates(engine: Any, path: Path) -> dict[str, str]:
    """Template sources under the names that Helm gives them: those of subcharts begin with `charts/<name>/`."""
    import helm_python

    found = {item["name"]: item["data"] for item in engine.templates}
    if not engine.dependencies:
        return found
    if path.is_file():
        with tempfile.TemporaryDirectory() as folder:
            helm_python.expand(folder, path)
            return _templates(engine, Path(folder) / engine.name)
    for item in sorted((path / "charts").iterdir()):
        if (item / "Chart.yaml").is_file() or item.name.endswith(_ARCHIVES):
            with helm_python.Chart.load(item) as part:
                found |= {f"charts/{part.name}/{name}": text for name, text in _templates(part, item).items()}
    return found


def _definitions(files: Iterable[dict[str, str]], reference: str, where: str | None) -> list[Object]:
    import yaml

    found: list[Object] = []
    for item in files:
        try:
            found += parse(item["data"])
        except (yaml.YAMLError, TypeError) as error:
            raise HakitError(
                f"chart: {item['name']} is no Kubernetes object: {_last(error)}", where=where, given=reference
            ) from None
    return found


def _last(error: Exception) -> str:
    return " ".join(str(error).split())


def read_values(path: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """A values file, and file:line of each of its keys.

    Raises:
        HakitError: the file is missing, is not YAML, has a key twice, or is not a mapping.
    """
    import yaml

    if not path.is_file():
        near = sorted(item.name for item in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        raise HakitError(f"values: there is no file {path}", given=path.name, allowed=near or "a YAML file")
    try:
        text = path.read_text(encoding="utf-8")
        found = load_values(text)
        places = _places(text, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise HakitError(
            f"values: not YAML: {error.problem or error.context}",
            where=f"{path}:{mark.line + 1}" if mark else str(path),
            do="mend the line; indentation and quotes are the usual causes",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = getattr(error, "reason", "unreadable")
        raise HakitError(f"values: not a text in UTF-8: {reason}", where=str(path)) from None
    if found is None:
        return {}, {}
    if not isinstance(found, dict):
        raise HakitError(
            "values: not a mapping", where=f"{path}:1", given=type(found).__name__, allowed="keys and values"
        )
    return found, places


def _places(text: str, path: Path) -> dict[tuple[str, ...], str]:
    """`file:line` of each key by its path. Raises HakitError for a key that stands twice in one mapping."""
    import yaml

    places: dict[tuple[str, ...], str] = {}

    def walk(node: Any, above: tuple[str, ...]) -> None:
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                walk(item, above)
        if not isinstance(node, yaml.MappingNode):
            return
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            here = (*above, name)
            if name in seen and name != "<<":
                dotted = ".".join(here)
                raise HakitError(
                    f"values: {dotted} is there twice, first in line {seen[name]}; Helm silently takes the last",
                    where=f"{path}:{line}",
                    do="keep one of them",
                )
            seen[name] = line
            places.setdefault(here, f"{path}:{line}")
            walk(value, here)

    walk(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return places
