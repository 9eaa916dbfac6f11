"""Every command and program in README and docs runs and prints what the page says.

In the output of a `console` block a line of three dots stands for any number of lines. `make` commands are run by CI
itself.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.components.zonal_app_args import ZonalAppArgs
from hakit.explain import page
from hakit.testing import Recording, Secret, record
from hakit.topology.schema import json_schema

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[Any]:
    found = []
    for path in PAGES:
        for block in blocks(path, "console"):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append(pytest.param(command, output, id=f"{path.name}: {command[:50]}"))
    return found


@pytest.mark.parametrize(("command", "output"), commands())
def test_a_command_prints_what_the_page_says(command: str, output: str) -> None:
    words = shlex.split(command)
    assert words[0] == "hakit", "a console block is for hakit's own commands; use `sh` for others, and test them"
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", *words[1:]],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in output.splitlines())
    assert re.fullmatch(pattern, done.stdout), done.stdout + done.stderr


def test_the_pages_have_commands_at_all() -> None:
    assert len(commands()) >= 5


def run_block(code: str) -> Recording:
    return record(lambda: exec(compile(code, "docs", "exec"), {}), project="docs", stack="prod", root=ROOT)  # noqa: S102


ZONAL_APP = ROOT / "docs" / "zonal-app.md"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_programs_of_the_component_page_run_and_give_its_yaml(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    release = run_block(blocks(ZONAL_APP, "python")[number]).one("kubernetes:helm.sh/v3:Release")
    objects = release.inputs["values"]["objects"]
    for shown in yaml.safe_load_all(blocks(ZONAL_APP, "yaml")[number]):
        assert_within(shown, objects[f"{shown['kind']}/{shown['metadata']['name']}"])
    if number == 1:
        assert "Job/warehouse-migration" not in objects, "the page says that it is held back"


def assert_within(shown: Any, real: Any, path: str = "") -> None:
    """What a page shows is there, and equal; the page may leave keys out, but no item of a list."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert key in real, f"{path}.{key}"
            assert_within(value, real[key], f"{path}.{key}")
    elif isinstance(shown, list):
        assert len(shown) == len(real), path
        for index, value in enumerate(shown):
            assert_within(value, real[index], f"{path}[{index}]")
    else:
        assert shown == (real.value if isinstance(real, Secret) else real), path


def test_the_first_program_of_the_readme_is_the_example() -> None:
    (program,) = blocks(ROOT / "README.md", "python")
    assert program in (ROOT / "examples" / "one-region" / "__main__.py").read_text()


def test_the_component_page_names_every_argument() -> None:
    table = ZONAL_APP.read_text().partition("## Arguments")[2]
    missing = [name for name in ZonalAppArgs.__annotations__ if f"`{name}`" not in table]
    assert missing == []


def test_the_page_of_findings_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "findings.md").read_text() == page(), "run `make docs`"


def test_the_schema_beside_the_docs_is_what_the_code_says() -> None:
    import json

    assert json.loads((ROOT / "docs" / "topology.schema.json").read_text()) == json_schema(), "run `make docs`"


def test_every_link_of_a_page_leads_somewhere() -> None:
    broken = [
        f"{path.name}: {target}"
        for path in PAGES
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if not target.startswith("http") and not (path.parent / target).exists()
    ]
    assert broken == []
