"""The whole way of one chart in one role: rendered, hardened, audited."""

from collections.abc import Mapping
from dataclasses import dataclass

from hakit.charts.audit import audit
from hakit.charts.harden import harden
from hakit.charts.harden.placement import scale
from hakit.charts.holes import Draft
from hakit.charts.ignored import Keys, audit_values
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.render import Release, command_for, parse_texts, render_texts
from hakit.charts.source import Chart
from hakit.charts.stability import audit_stability
from hakit.charts.templates import audit_templates
from hakit.errors import HakitError
from hakit.findings import Finding, in_order


@dataclass(frozen=True)
class Examined:
    """What hardening and auditing made of rendered objects.

    Attributes:
        objects: as they should run.
        findings: what is wrong with them still.
        mended: what would be wrong with the chart's own objects at the declared replicas, and is not.
    """

    objects: list[Object]
    findings: list[Finding]
    mended: list[Finding]


def examine(objects: list[Object], intent: Intent) -> Examined:
    """Harden rendered objects, and audit them before and after."""
    hardened = harden(objects, intent)
    findings = audit(hardened, intent)
    still = {(finding.code, finding.object) for finding in findings}
    before = audit(harden(objects, intent, [scale]), intent)
    return Examined(hardened, findings, [each for each in before if (each.code, each.object) not in still])


def refuse_nothing(chart: Chart, objects: list[Object], where: str | None = None) -> None:
    """Refuse a chart that would deploy nothing: a release of it would look well and be empty.

    Raises:
        HakitError: it renders no object, and has no definitions either.
    """
    if not objects and not chart.crds:
        raise HakitError(
            f"chart: {chart.name} renders no object with these values",
            where=where,
            given=chart.reference,
            do="a library chart cannot be deployed by itself; in others a switch such as `enabled` is off",
        )


def examine_chart(
    chart: Chart, draft: Draft, release: Release, where: Mapping[Keys, str] | None = None
) -> list[Finding]:
    """Findings about the chart and the values, which no hardening of objects can mend."""
    first, second = (render_texts(chart, draft.values, release) for _ in range(2))
    return in_order(
        [
            *audit_templates(
                chart,
                first,
                by_command=command_for(chart, release) is not None,
                groups_known=release.api_versions is not None,
            ),
            *audit_stability(*(parse_texts(chart, texts, draft.values) for texts in (first, second))),
            *audit_values(chart, draft.values, release, where),
        ]
    )
