"""A Pulumi project on disk: Pulumi.yaml and its stack files, read as Pulumi reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.preview.config import Declared, StackConfig, declared, stack_config
from hakit.preview.yamlfile import load_mapping

WITHOUT_STACKS = "preview"


@dataclass(frozen=True)
class Project:
    """What Pulumi.yaml says.

    Attributes:
        name: of the project.
        root: folder of Pulumi.yaml.
        main: folder of the program: its working directory, and first on its path.
        program: what is run: `main`'s folder, or one file.
        stacks_dir: folder of the stack files.
        config: what Pulumi.yaml declares about configuration.
    """

    name: str
    root: Path
    main: Path
    program: Path
    stacks_dir: Path
    config: Declared = field(default_factory=dict)

    def stack_names(self) -> list[str]:
        names = (path.name.removeprefix("Pulumi.").rpartition(".")[0] for path in self._stack_files())
        return sorted(set(names))

    def stack(self, name: str) -> StackConfig:
        """The configuration of one stack.

        Raises:
            HakitError: the file is broken, or a declared value without default is missing.
        """
        for ending in ("yaml", "yml"):
            path = self.stacks_dir / f"Pulumi.{name}.{ending}"
            if path.is_file():
                return stack_config(self.name, self.config, load_mapping(path), path)
        note = f"no Pulumi.{name}.yaml in {self.stacks_dir}: it runs without configuration"
        return stack_config(self.name, self.config, {}, None, note)

    def _stack_files(self) -> Sequence[Path]:
        if not self.stacks_dir.is_dir():
            return []
        return [path for path in self.stacks_dir.glob("Pulumi.?*.y*ml") if path.suffix in (".yaml", ".yml")]


def find_project(directory: Path) -> Project:
    """The project of the nearest Pulumi.yaml, in this folder or above.

    Raises:
        HakitError: there is none, it is broken, or its runtime is not Python.
    """
    start = directory.resolve()
    if not start.is_dir():
        raise HakitError("no such folder", given=directory, do="give the folder of a Pulumi project")
    for folder in (start, *start.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (folder / name).is_file():
                return _read(folder / name)
    raise HakitError(
        "no Pulumi.yaml here or in any folder above",
        given=start,
        do="run it inside a Pulumi project, or give its folder: hakit preview DIR",
    )


def choose_stacks(project: Project, wanted: Sequence[str]) -> list[str]:
    """The stacks to run: all of them, or the wanted ones. A project without stack files has one, `preview`."""
    names = project.stack_names()
    if not names:
        return list(dict.fromkeys(wanted)) or [WITHOUT_STACKS]
    for name in wanted:
        if name not in names:
            raise HakitError(f"no stack is called {name!r}", where=str(project.stacks_dir), given=name, allowed=names)
    return [name for name in names if not wanted or name in wanted]


def _read(path: Path) -> Project:
    data = load_mapping(path)
    name = data.get("name")
    if not isinstance(name, str) or not name:
        raise HakitError("name: the project has none", where=str(path), given=repr(name), allowed="a string")
    _check_runtime(data.get("runtime"), path)
    root = path.parent
    program = (root / _text(data, "main", path)).resolve()
    if not program.exists():
        raise HakitError("main: it does not exist", where=str(path), given=program, allowed="a folder or a file")
    main = program if program.is_dir() else program.parent
    if program.is_dir() and not (program / "__main__.py").is_file():
        raise HakitError("main: the folder has no __main__.py", where=str(path), given=program)
    config = data.get("config")
    # Before Pulumi 3.44 `config` was the folder of the stack files; now it declares configuration.
    folder = config if isinstance(config, str) else _text(data, "stackConfigDir", path)
    return Project(name, root, main, program, (root / folder).resolve(), declared(name, config, path))


def _check_runtime(runtime: Any, path: Path) -> None:
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise HakitError("runtime: hakit previews Python programs only", where=str(path), given=name, allowed="python")


def _text(data: dict[str, Any], key: str, path: Path) -> str:
    value = data.get(key) or ""
    if not isinstance(value, str):
        raise HakitError(f"{key}: not a path", where=str(path), given=repr(value), allowed="a string")
    return value


def find_topology(given: Path | None) -> tuple[Project, Path]:
    """A topology's file and the project that it belongs to; without a file, of the project that this folder is in.

    Raises:
        HakitError: there is no project, or no file was given and it has none, or more than one.
    """
    project = find_project(given.parent if given else Path())
    return project, given or _only_topology(project)


def _only_topology(project: Project) -> Path:
    """The topology file beside the project's program."""
    found = sorted(project.main.glob("topology*.yaml"))
    if len(found) != 1:
        raise HakitError(
            "several topologies: name one" if found else "no topology",
            where=str(project.main),
            given=[path.name for path in found] or None,
            do="name its file after the command: stacks/topology.<environment>.yaml",
        )
    return found[0]
