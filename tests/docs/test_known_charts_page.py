"""docs/known-charts.md has a row for each known chart, with what the data says."""

import re

from hakit.charts.known import KNOWN, ROLES, Known
from tests.docs.test_documentation import ROOT

PAGE = (ROOT / "docs" / "known-charts.md").read_text(encoding="utf-8")


def row(known: Known) -> str:
    def shown(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    cells = [
        f"`{known.name}`",
        f"{known.source}{'' if known.rendered else ', read'}",
        known.role,
        ", ".join(f"`{path}`" for path in known.replicas),
        ", ".join(f"`{path}: {shown(value)}`" for path, value in known.clustering.items()) or known.instead,
        ", ".join(f"`{path}` {fact}" for path, fact in known.database.items()),
        ", ".join(f"`{path}: {shown(value)}`" for path, value in known.switches.items()),
    ]
    return f"| {' | '.join(cells)} |"


def test_each_chart_has_its_row_in_order() -> None:
    assert re.findall(r"^\| `.+$", PAGE, re.MULTILINE) == [row(known) for known in KNOWN]


def test_each_role_is_explained() -> None:
    assert all(f"- **{role}**: {what}" in PAGE for role, what in ROLES.items())
