"""Real charts, as their projects ship them inside their Go modules: nothing here was made to fit.

The numbers of workloads are counted by hand in the charts' templates with their default values; the findings are those
that a reader of these templates would name.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hakit.charts.audit import audit
from hakit.charts.examine import examine_chart
from hakit.charts.harden import harden
from hakit.charts.holes import draft
from hakit.charts.intent import Intent, WorkloadIntent
from hakit.charts.objects import HOST, WORKLOADS, ZONE, id_of, name_of, of_kind, pod_spec
from hakit.charts.render import Release, render
from hakit.charts.source import load

RELEASE = Release("real", "apps")

EXTERNAL_DNS = "sigs.k8s.io/external-dns@v0.20.0"
MARIADB = "github.com/mariadb-operator/mariadb-operator@v0.38.1"
KWOK = "sigs.k8s.io/kwok@v0.8.0"
NFD = "sigs.k8s.io/node-feature-discovery@v0.18.3"
EXTERNAL_SECRETS = "github.com/external-secrets/external-secrets@v0.20.4"


@dataclass(frozen=True)
class Real:
    """A chart, the workloads in it, what it raises as it is, and what is left of three hardened replicas of each."""

    module: str
    path: str
    deployments: int
    findings: dict[str, int]
    daemons: int = 0
    left: dict[str, int] = field(default_factory=dict)


# Each has a single replica of everything (HK004) that stays on a dead node (HK023); a Service without a preStop wait
# (HK024) stands in front of external-dns' metrics, the webhooks and kwok's API.
CHARTS = [
    # Recreate: two external-dns at once would write the same records. With one replica it costs nothing.
    Real(EXTERNAL_DNS, "charts/external-dns", 1, {"HK004": 1, "HK023": 1, "HK024": 1}, left={"HK007": 1}),
    Real(MARIADB, "deploy/charts/mariadb-operator", 3, {"HK004": 3, "HK023": 3, "HK024": 1}),
    # Nine definitions among the templates, so that an uninstall would delete every database.
    Real(MARIADB, "deploy/charts/mariadb-operator-crds", 0, {"HK030": 9}),
    Real(KWOK, "charts/kwok", 1, {"HK004": 1, "HK023": 1, "HK024": 1}),
    Real(KWOK, "charts/metrics-usage", 0, {}),
    Real(KWOK, "charts/stage-fast", 0, {}),
    Real(NFD, "deployment/helm/node-feature-discovery", 2, {"HK004": 2, "HK023": 2}, daemons=1),
    # .Capabilities: the security context on OpenShift, and whether there is a ServiceMonitor.
    Real(
        EXTERNAL_SECRETS,
        "deploy/charts/external-secrets",
        3,
        {"HK004": 3, "HK020": 1, "HK023": 3, "HK024": 1},
    ),
]
each_chart = pytest.mark.parametrize("real", CHARTS, ids=[real.path.split("/")[-1] for real in CHARTS])


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each module in Go's module cache."""
    if shutil.which("go") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("go is not installed, and under CI the real charts must be read")
        pytest.skip("go is not installed: these charts come inside Go modules (`go mod download`)")
    folder = tmp_path_factory.mktemp("modules")
    (folder / "go.mod").write_text("module hakit.test/charts\n")
    wanted = sorted({real.module for real in CHARTS})
    ran = subprocess.run(
        ["go", "mod", "download", "-json", *wanted],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, f"go mod download: {ran.stderr}{ran.stdout}"
    found, decoder, text = {}, json.JSONDecoder(), ran.stdout.strip()
    while text:
        module, end = decoder.raw_decode(text)
        found[f"{module['Path']}@{module['Version']}"] = Path(module["Dir"])
        text = text[end:].strip()
    return found


@each_chart
def test_every_workload_of_a_real_chart_is_spread_by_its_own_selector(modules: dict[str, Path], real: Real) -> None:
    objects = render(load(str(modules[real.module] / real.path)), {}, RELEASE)
    wanted = {name_of(obj): WorkloadIntent(replicas=3) for obj in of_kind(objects, *WORKLOADS)}
    for intent in (Intent(namespace="apps"), Intent(namespace="apps", workloads=wanted)):
        hardened = harden(objects, intent)
        running = of_kind(hardened, *WORKLOADS)
        assert [obj["kind"] for obj in running] == ["Deployment"] * real.deployments
        for obj in running:
            spread = pod_spec(obj)["topologySpreadConstraints"]
            assert {each["topologyKey"]: each["labelSelector"] for each in spread} == dict.fromkeys(
                (ZONE, HOST), obj["spec"]["selector"]
            )
            labels = obj["spec"]["template"]["metadata"]["labels"]
            assert obj["spec"]["selector"]["matchLabels"].items() <= labels.items(), "the selector counts its own pods"


@each_chart
def test_daemonsets_and_all_other_objects_of_a_real_chart_stay_as_they_are(
    modules: dict[str, Path], real: Real
) -> None:
    objects = render(load(str(modules[real.module] / real.path)), {}, RELEASE)
    hardened = {id_of(obj): obj for obj in harden(objects, Intent(namespace="apps"))}
    assert len(of_kind(hardened.values(), "DaemonSet")) == real.daemons
    for obj in objects:
        if obj["kind"] not in (*WORKLOADS, "CustomResourceDefinition"):
            assert hardened[id_of(obj)] == obj


@each_chart
def test_a_real_chart_raises_what_a_reader_of_it_would_name(modules: dict[str, Path], real: Real) -> None:
    chart = load(str(modules[real.module] / real.path))
    drafted = draft(chart, {}, RELEASE)
    intent = Intent(namespace="apps")
    found = [*audit(drafted.objects, intent), *examine_chart(chart, drafted, RELEASE)]
    assert Counter(each.code for each in found) == real.findings
    wanted = {name_of(obj): WorkloadIntent(replicas=3, needs=2) for obj in of_kind(drafted.objects, *WORKLOADS)}
    replicated = Intent(namespace="apps", workloads=wanted)
    left = audit(harden(drafted.objects, replicated), replicated)
    assert Counter(each.code for each in left) == real.left, "three replicas, hardened, are all that was missing"
