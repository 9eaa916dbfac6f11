"""`hakit check`: the audit of charts alone, for people who do not use Pulumi."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.charts.audit import audit
from hakit.charts.examine import examine, examine_chart, refuse_nothing
from hakit.charts.holes import draft
from hakit.charts.ignored import Keys
from hakit.charts.intent import Intent, WorkloadIntent
from hakit.charts.known import advised
from hakit.charts.lock import root_of
from hakit.charts.manifests import Object
from hakit.charts.objects import name_of, of_kind
from hakit.charts.remote import is_remote
from hakit.charts.render import Release, rendered_by
from hakit.charts.source import load, read_values
from hakit.charts.templates import capabilities_elsewhere
from hakit.errors import HakitError, counted
from hakit.findings import Accepted, Finding, Settled, format_finding, settle


@dataclass(frozen=True)
class Question:
    """What a chart is checked for.

    Attributes:
        values: values files, a later one over an earlier one, as Helm merges them.
        hardened: show what is left under ZonalApp, not what the chart renders.
        zones: of the cluster.
        kubernetes: its version.
        namespace, name: of the release.
        clustered: workloads whose pods replicate their data among themselves.
        accept: reason by code.
        version, repo: of a pulled chart.
        api_versions: what the cluster has beyond Kubernetes' own; None: nobody said.
    """

    values: Sequence[Path] = ()
    hardened: bool = False
    zones: int = 3
    kubernetes: tuple[int, int] = (1, 34)
    namespace: str = "default"
    name: str = ""
    clustered: Sequence[str] = ()
    accept: Mapping[str, str] | None = None
    version: str = ""
    repo: str = ""
    api_versions: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Checked:
    """One chart's findings. `mendable` are those that ZonalApp would mend; `renderer` is empty for hakit's own."""

    chart: str
    settled: Settled
    mendable: frozenset[Finding]
    renderer: str = ""


def check(reference: str, question: Question) -> Checked:
    """Audit one chart.

    Raises:
        HakitError: the chart or a values file is missing or broken, the chart does not render, or `accept` names a
            code that does not exist.
    """
    pulled = is_remote(reference, question.version, question.repo)
    chart = load(reference, root_of(Path()) if pulled else None, version=question.version, repo=question.repo)
    values, lines = merged_values(question.values)
    release = Release(question.name or chart.name, question.namespace, question.kubernetes, question.api_versions)
    drafted = draft(chart, values, release)
    refuse_nothing(chart, drafted.objects)
    _refuse_unclustered(question, drafted.objects)
    intent = Intent(
        namespace=question.namespace,
        zones=question.zones,
        kubernetes=question.kubernetes,
        workloads={name: WorkloadIntent(clustered=True) for name in question.clustered},
    )
    examined = examine(drafted.objects, intent)
    found = examined.findings if question.hardened else audit(drafted.objects, intent)
    about_chart = examine_chart(chart, drafted, release, lines)
    found = advised([*about_chart, *found], chart)
    settled = settle(found, question.accept or {}, f"chart {reference}", capabilities_elsewhere(chart))
    return Checked(reference, settled, frozenset(examined.mended), rendered_by(chart, release))


def _refuse_unclustered(question: Question, objects: list[Object]) -> None:
    """--clustered is for StatefulSets that there are."""
    there = [name_of(obj) for obj in of_kind(objects, "StatefulSet")]
    for name in question.clustered:
        if name not in there:
            allowed = there or "nothing: the chart renders no StatefulSet"
            raise HakitError("--clustered: the chart renders no such StatefulSet", given=name, allowed=allowed)


def merged_values(files: Sequence[Path]) -> tuple[dict[str, Any], dict[Keys, str]]:
    """The values of several files, and file:line of each key where it was last set."""
    values: dict[str, Any] = {}
    lines: dict[Keys, str] = {}
    for file in files:
        found, places = read_values(file)
        values = _over(values, found)
        lines |= places
    return values, lines


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def parse_version(text: str) -> tuple[int, int]:
    """A Kubernetes version from the command line: major and minor.

    Raises:
        HakitError: it is not one.
    """
    found = re.fullmatch(r"1\.(\d+)", text)
    if not found:
        raise HakitError("--kubernetes: not a version", given=text, allowed="major and minor, such as 1.34")
    return 1, int(found[1])


def parse_accept(entries: Sequence[str]) -> dict[str, str]:
    """`CODE=why` or `CODE object=why` from the command line.

    Raises:
        HakitError: an entry has no reason.
    """
    found = {}
    for entry in entries:
        key, equals, reason = entry.partition("=")
        if not equals or not reason.strip():
            raise HakitError(
                "--accept: no reason", given=entry, allowed='CODE=why, such as --accept "HK004=a batch job may wait"'
            )
        found[key.strip()] = reason.strip()
    return found


def exit_code(checked: Sequence[Checked], *, strict: bool) -> int:
    """0: nothing unaccepted; 1: errors, or with `strict` warnings too."""
    bad = [each.settled.open if strict else each.settled.errors for each in checked]
    return 1 if any(bad) else 0


def as_text(checked: Sequence[Checked], *, hardened: bool) -> str:
    blocks: list[str] = []
    for each in checked:
        if len(checked) > 1:
            blocks.append(f"{each.chart}")
        blocks += [format_finding(finding) for finding in each.settled.open]
        blocks += [_accepted(item) for item in each.settled.accepted]
        blocks += [each.renderer] if each.renderer else []
    return "\n".join([*blocks, *_totals(checked, hardened=hardened)]) + "\n"


def _accepted(item: Accepted) -> str:
    return f"{item.finding.code} accepted {item.finding.subject}: {item.reason}"


def _totals(checked: Sequence[Checked], *, hardened: bool) -> list[str]:
    errors = sum(len(each.settled.errors) for each in checked)
    warnings = sum(len(each.settled.open) for each in checked) - errors
    accepted = sum(len(each.settled.accepted) for each in checked)
    total = f"{counted(errors, 'error')}, {counted(warnings, 'warning')} in {counted(len(checked), 'chart')}"
    if accepted:
        total += f"; {accepted} accepted"
    mendable = sum(finding in each.mendable for each in checked for finding in each.settled.open)
    if hardened or not mendable:
        return [total]
    return [f"{total}; {mendable} of them ZonalApp mends by itself (--hardened leaves them out)"]


def as_json(checked: Sequence[Checked]) -> str:
    """One document: per chart the open findings, the accepted ones, and which of them ZonalApp mends."""
    charts = [
        {
            "chart": each.chart,
            "renderer": each.renderer,
            "findings": [
                {**finding.as_dict(), "mended_by_zonal_app": finding in each.mendable} for finding in each.settled.open
            ],
            "accepted": [item.as_dict() for item in each.settled.accepted],
        }
        for each in checked
    ]
    return json.dumps({"charts": charts}, indent=2) + "\n"
