"""What a page of docs/ quotes and tells to do, for the tests that follow it."""

import re

from lab.harness.tools import ROOT


def blocks(page: str, heading: str, language: str) -> list[str]:
    """The code blocks of a language beneath a heading that begins so, up to the next one."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {re.escape(heading)}.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
