"""Known charts: an entry holds for the chart that it was read from and for no other of its name.

Those that a module proxy has are rendered; of the others there is a chart of the entry's shape, which shows what the
entry does and not that it is right. docs/known-charts.md says which is which.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from hakit.charts.audit import audit
from hakit.charts.intent import Intent
from hakit.charts.known import KNOWN, ROLES, Known, advised, known_of
from hakit.charts.objects import name_of, pod_spec, replicas_of, workloads
from hakit.charts.render import Release, render
from hakit.charts.source import Chart, load
from hakit.plan.pair import FACTS
from tests.charts.build import deployment
from tests.charts.test_real_charts import EXTERNAL_SECRETS, MARIADB, NFD, modules  # noqa: F401 (a fixture)

EACH = pytest.mark.parametrize("known", KNOWN, ids=[each.name for each in KNOWN])


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Values by dotted path as values.yaml has them."""
    found: dict[str, Any] = {}
    for path, value in values.items():
        *outer, last = path.split(".")
        inner = found
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return found


def chart_like(folder: Path, known: Known, without: str = "") -> Chart:
    """A chart with the name and the values of an entry, but for one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {known.name}\nversion: 1.0.0\n")
    paths = {path: "" for path in known.paths if path != without}
    (folder / "values.yaml").write_text(json.dumps(nested(paths)))
    return load(str(folder))


@EACH
def test_an_entry_is_found_by_its_shape(tmp_path: Path, known: Known) -> None:
    assert known_of(chart_like(tmp_path, known)) is known


@EACH
def test_a_chart_of_the_same_name_and_another_shape_is_another_chart(tmp_path: Path, known: Known) -> None:
    for number, path in enumerate(known.paths):
        assert known_of(chart_like(tmp_path / str(number), known, without=path)) is None, path


@EACH
def test_an_entry_speaks_the_words_that_the_rest_understands(known: Known) -> None:
    assert known.role in ROLES
    assert set(known.database.values()) <= set(FACTS), "what database_values of RegionPair may name"
    assert bool(known.clustering) or known.role != "cluster", "a cluster says how it becomes one"
    assert known.replicas


def test_names_are_there_once() -> None:
    names = [each.name for each in KNOWN]
    assert len(names) == len(set(names))


def _finding_of_volumes_per_pod(chart: Chart) -> str:
    database = {**deployment("db"), "kind": "StatefulSet"}
    database["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    (found,) = [each for each in advised(audit([database], Intent()), chart) if each.code == "HK006"]
    return found.remedy


# By hand from the charts' own values and templates: sb-helm-charts at 9618805.
ADVICE = {
    "keycloak": "keycloak (sb-helm-charts 0.3.0) forms a cluster with clustering.enabled: true; "
    "set it and say clustered",
    "minio": "minio (sb-helm-charts 0.4.0) forms a cluster with minio.mode: distributed; set it and say clustered",
    "postgresql": "postgresql (sb-helm-charts 0.4.0) is no cluster: use PostgresCluster",
    "redis": "redis (sb-helm-charts 0.4.0) is no cluster: its replicas follow the first pod, and none takes over: "
    "use RedisSentinel",
}


@pytest.mark.parametrize("name", list(ADVICE))
def test_the_way_out_of_a_volume_per_pod_is_the_known_charts_own(tmp_path: Path, name: str) -> None:
    (known,) = [each for each in KNOWN if each.name == name]
    assert _finding_of_volumes_per_pod(chart_like(tmp_path, known)) == ADVICE[name]


def test_of_an_unknown_chart_the_way_out_is_the_general_one(tmp_path: Path) -> None:
    unknown = Known("postgresql", "somebody else's", "single", ("primary.replicas",))
    assert "use an operator; or one replica" in _finding_of_volumes_per_pod(chart_like(tmp_path, unknown))


def test_other_findings_keep_their_own_way_out(tmp_path: Path) -> None:
    (known,) = [each for each in KNOWN if each.name == "postgresql"]
    found = audit([deployment(replicas=1)], Intent())
    assert advised(found, chart_like(tmp_path, known)) == found


# --- rendered -------------------------------------------------------------------------------------------------------

# Name, where its module has it, the workload, and the argument by which one of its pods leads: by hand from the charts.
REAL = [
    ("external-secrets", EXTERNAL_SECRETS, "deploy/charts/external-secrets", "real-external-secrets",
     "leader-election"),
    ("mariadb-operator", MARIADB, "deploy/charts/mariadb-operator", "real-mariadb-operator", "--leader-elect"),
    ("node-feature-discovery", NFD, "deployment/helm/node-feature-discovery", "real-node-feature-discovery-master",
     "-enable-leader-election"),
]  # fmt: skip


def test_every_entry_that_says_so_is_rendered() -> None:
    assert [name for name, *_ in REAL] == [each.name for each in KNOWN if each.rendered]


@pytest.mark.parametrize("real", REAL, ids=[name for name, *_ in REAL])
def test_the_real_chart_has_as_many_pods_as_said_and_one_of_them_leads(
    modules: dict[str, Path],  # noqa: F811
    real: tuple[str, ...],
) -> None:
    name, module, path, workload, argument = real
    chart = load(str(modules[module] / path))
    known = known_of(chart)
    assert known is not None
    assert known.name == name
    values = nested({**dict.fromkeys(known.replicas, 3), **known.clustering})
    objects = render(chart, values, Release("real", "apps"))
    (found,) = [each for each in workloads(objects) if name_of(each) == workload]
    assert replicas_of(found, objects) == 3
    assert argument in json.dumps(pod_spec(found))
