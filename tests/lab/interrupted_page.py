"""What docs/interrupted.md quotes and tells to do, for the tests that follow it."""

import re

from lab.harness.tools import ROOT

_PAGE = (ROOT / "docs" / "interrupted.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The text beneath a heading, up to the next one."""
    (found,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", _PAGE, re.MULTILINE | re.DOTALL)
    return found


def blocks(heading: str, language: str) -> list[str]:
    """The code blocks of a language beneath a heading."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)


def block(heading: str, language: str) -> str:
    """The only one."""
    (found,) = blocks(heading, language)
    return found
