"""docs/alerts.md has a section for each alert, and for nothing else: each is a runbook that an alert links to."""

import re
from pathlib import Path

from tests.docs.test_documentation import ROOT
from tests.unit.alerts.given import EAST, WEST, alerts, spec

PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")


def test_each_alert_has_its_section_and_each_section_its_alert(tmp_path: Path) -> None:
    there = {each.name for region in (EAST, WEST) for each in alerts(spec(tmp_path, region))}
    assert re.findall(r"^### (Ha\w+)$", PAGE, re.MULTILINE) == sorted(there)


def test_each_section_says_what_to_do() -> None:
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("\n")
        assert re.search(r"^\*\*Do\*\* ", text, re.MULTILINE), name
        assert re.search(r"^\*\*When\*\* ", text, re.MULTILINE), name
