"""The examples of docs/preview.md and docs/testing.md run and print what the pages say."""

import re
from pathlib import Path

from tests.unit.preview.conftest import Project

DOCS = Path(__file__).parents[3] / "docs"


def test_the_example_of_the_preview_page_prints_what_the_page_shows(tmp_path: Path):
    example = re.search(r"## Try it\n+```\n(.*?)```", (DOCS / "preview.md").read_text(), re.DOTALL)
    assert example is not None
    script, _, shown = example[1].partition("$ hakit preview\n")
    program = re.search(r"<<'END'\n(.*?)END\n", script, re.DOTALL)
    assert program is not None
    files = dict(re.findall(r"printf '(.*)' > (\S+)", script))
    project = Project(tmp_path)
    project.write({name: text.replace("\\n", "\n") for text, name in files.items()} | {"__main__.py": program[1]})
    ran = project.preview()
    assert ran.code == 0, ran.err
    assert ran.out == shown


def test_the_example_of_the_testing_page_passes():
    example = re.search(r"```python\n(.*?)```", (DOCS / "testing.md").read_text(), re.DOTALL)
    assert example is not None
    names: dict = {}
    exec(compile(example[1], "docs/testing.md", "exec"), names)  # noqa: S102  our own page
    names["test_the_namespace_is_protected_and_the_login_secret"]()
