"""The corpus: one folder a trap beneath `traps/`, each readable on its own.

trap/          a small chart that is highly available but for one trap
mended/        its twin without the trap; when it is missing, the twin is the same chart with other values
expected.yaml  what it is, for which intent, what it raises as it is, what is left when hakit has hardened it
hardened.yaml  the hardened objects, written by hand; `<any>` stands for a text that nobody can know
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hakit.charts.audit import audit
from hakit.charts.examine import examine_chart
from hakit.charts.harden import harden
from hakit.charts.holes import draft
from hakit.charts.intent import Autoscaling, Intent, Istio, Network, Peer, Spread, WorkloadIntent
from hakit.charts.manifests import Object, parse
from hakit.charts.objects import id_of
from hakit.charts.render import Release
from hakit.charts.source import load
from hakit.findings import Finding

TRAPS = Path(__file__).parent / "traps"
RELEASE = Release("web", "default")


@cache
def _rendered(chart: str, values: str) -> list[Object]:
    return draft(load(chart), json.loads(values), RELEASE).objects


@dataclass(frozen=True)
class Case:
    """A chart with values and an intent: the trap, or its mended twin."""

    chart: Path
    values: dict[str, Any]
    intent: Intent

    def objects(self) -> list[Object]:
        return _rendered(str(self.chart), json.dumps(self.values))

    def findings(self) -> list[str]:
        """What the chart as it is raises: its objects, its templates and the values."""
        chart = load(str(self.chart))
        drafted = draft(chart, self.values, RELEASE)
        return told([*audit(drafted.objects, self.intent), *examine_chart(chart, drafted, RELEASE)])

    def hardened(self, *args: Any) -> list[Object]:
        return harden(self.objects(), self.intent, *args)


@dataclass(frozen=True)
class Trap:
    name: str
    trap: Case
    twin: Case
    findings: list[str]
    left: list[str]
    hardened: list[Object]


def told(findings: list[Finding]) -> list[str]:
    """`CODE object path`, in the order of expected.yaml."""
    return sorted(f"{found.code} {found.object} {found.path}".rstrip() for found in findings)


def read(folder: Path) -> Trap:
    expected = yaml.safe_load((folder / "expected.yaml").read_text())
    twin = folder / "mended" if (folder / "mended").is_dir() else folder / "trap"
    return Trap(
        name=folder.name,
        trap=_case(folder / "trap", expected),
        twin=_case(twin, expected["mended"]),
        findings=sorted(expected["findings"]),
        left=sorted(expected["left"]),
        hardened=parse((folder / "hardened.yaml").read_text()),
    )


def _case(chart: Path, given: dict[str, Any]) -> Case:
    intent = dict(given.get("intent") or {})
    intent["workloads"] = {name: _workload(each) for name, each in intent.get("workloads", {}).items()}
    for key, read_one in _READ.items():
        if key in intent:
            intent[key] = read_one(intent[key])
    return Case(chart, given.get("values") or {}, Intent(**intent))


def _network(given: dict[str, Any]) -> Network:
    return Network(**{key: tuple(Peer(**peer) for peer in peers) for key, peers in given.items()})


_READ = {
    "kubernetes": tuple,
    "places": tuple,
    "reserved": tuple,
    "spread": lambda given: Spread(**given),
    "network": _network,
    "istio": lambda given: Istio(**given),
}


def _workload(given: dict[str, Any]) -> WorkloadIntent:
    autoscaling = given.get("autoscaling")
    return WorkloadIntent(**given | ({"autoscaling": Autoscaling(**autoscaling)} if autoscaling else {}))


def corpus() -> list[Trap]:
    return [read(folder) for folder in sorted(TRAPS.iterdir()) if folder.is_dir()]


def same(found: Any, wanted: Any) -> bool:
    """Equal, where `<any>` equals every text."""
    if wanted == "<any>":
        return isinstance(found, str)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return type(found) is type(wanted) and found == wanted


def by_id(objects: list[Object]) -> dict[str, Object]:
    return {id_of(obj): obj for obj in objects}
