"""What a page of docs/ quotes and tells to do, for the tests that follow it."""

import re

from lab.harness.tools import ROOT


def section(page: str, heading: str) -> str:
    """The text beneath a heading, up to the next one."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found


def blocks(page: str, heading: str, language: str) -> list[str]:
    """The code blocks of a language beneath a heading."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(page, heading), re.MULTILINE | re.DOTALL)


def block(page: str, heading: str, language: str) -> str:
    """The only one."""
    (found,) = blocks(page, heading, language)
    return found
