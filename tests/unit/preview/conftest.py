"""Programs written into a folder and run through the real command."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hakit.preview import exit_code, load_answers, preview


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    def stack(self, name: str) -> dict[str, Any]:
        return next(stack for stack in self.document["stacks"] if stack["stack"] == name)


@dataclass(frozen=True)
class Project:
    root: Path

    def preview(self, *arguments: str) -> Ran:
        command = [sys.executable, "-m", "hakit.cli", "preview", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=60, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)

    def run(self, answers: str | None = None, timeout: float = 60) -> Ran:
        """The same without the command line: a quarter of a second less."""
        given = load_answers(self.root / answers if answers else None)
        document = preview(self.root, answers=given, timeout=timeout)
        return Ran(exit_code(document), json.dumps(document), "")

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


Write = Callable[..., Project]


def write_project(root: Path, program: str, stacks: tuple[str, ...] = ("dev",), **files: str) -> Project:
    project = Project(root)
    project.write({"Pulumi.yaml": "name: shop\nruntime: python\n", "__main__.py": program})
    project.write({f"Pulumi.{stack}.yaml": "" for stack in stacks})
    project.write({name.replace("__", "."): text for name, text in files.items()})
    return project


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(program: str, stacks: tuple[str, ...] = ("dev",), **files: str) -> Project:
        return write_project(tmp_path / "project", program, stacks, **files)

    return make
