"""docs/dos-and-donts.md names findings, pages and files that there are, and has every line of the guide's lists."""

import re

import pytest

from hakit.rules import RULES
from tests.docs.test_documentation import ROOT

PAGE = (ROOT / "docs" / "dos-and-donts.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def rows(section: str) -> list[list[str]]:
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("section", ["Do", "Don't"])
def test_each_of_the_six_lines_of_the_guides_lists_is_there(section: str) -> None:
    assert len(rows(section)) == 6


@pytest.mark.parametrize("section", [name for name in SECTIONS if "|" in SECTIONS[name]])
def test_every_line_has_an_answer(section: str) -> None:
    assert all(len(row) == 2 and row[0] and row[1] for row in rows(section))


def test_every_finding_that_it_names_is_one() -> None:
    named = set(re.findall(r"HK\d{3}", PAGE))
    assert len(named) > 40, "the page is about findings"
    assert sorted(named - set(RULES)) == []


def test_every_file_that_it_names_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+|hakit/[^`]+)`", PAGE)
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_page_and_heading_that_it_links_to_is_there() -> None:
    for page, heading in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", PAGE):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        anchors = [
            re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        ]
        assert not heading or heading in anchors, f"{page}#{heading}: {anchors}"
