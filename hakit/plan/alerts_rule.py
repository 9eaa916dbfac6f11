"""One alert: what it asks Prometheus, for how long, and what it tells whoever is woken. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Where the bound stands in an expression.
LIMIT = "LIMIT"
ABOVE, BELOW = ">", "<"
CRITICAL, WARNING = "critical", "warning"


@dataclass(frozen=True)
class Alert:
    """One alerting rule.

    Attributes:
        name: of the alert, and of its section in docs/alerts.md.
        expr: PromQL; the word LIMIT stands for the bound.
        limit: the bound, in the unit of the expression; None where there is none.
        hold: seconds that it must be so before anybody is told.
        severity: `critical` for what may lose data or service now, `warning` for what takes a way out of that.
        summary: what is the matter; may name labels of the result as Prometheus does.
        impact: what it means for users or data.
        labels: that tell it from the others of its name: the application, the database.
    """

    name: str
    expr: str
    hold: int
    severity: str
    summary: str
    impact: str
    limit: int | float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def rule(alert: Alert, runbooks: str) -> dict[str, Any]:
    """The alert as a PrometheusRule has it; the runbook is its section of the page at `runbooks`."""
    return {
        "alert": alert.name,
        "expr": alert.expr if alert.limit is None else alert.expr.replace(LIMIT, str(alert.limit)),
        "for": f"{alert.hold}s",
        "labels": {"severity": alert.severity, **alert.labels},
        "annotations": {
            "summary": alert.summary,
            "impact": alert.impact,
            "runbook_url": f"{runbooks}#{alert.name.lower()}",
        },
    }


def measured(alert: Alert) -> str:
    """What an alert compares with its bound.

    Raises:
        ValueError: its expression ends in no bound.
    """
    for comparison in (ABOVE, BELOW):
        if alert.expr.endswith(f" {comparison} {LIMIT}"):
            return alert.expr.removesuffix(f" {comparison} {LIMIT}")
    raise ValueError(f"{alert.name}: {alert.expr}")


def within(value: int, least: int, most: int) -> int:
    """A duration that follows an objective, but neither shorter than two scrapes nor too long to be of use."""
    return max(least, min(value, most))
