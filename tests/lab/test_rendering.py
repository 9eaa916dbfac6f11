"""hakit renders in its own process, with the engine of a Python wheel. The real Helm 3 says whether it is right."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml

import hakit
from hakit.charts import helm_binary
from hakit.charts.examine import examine_chart
from hakit.charts.freeze import keyed
from hakit.charts.holes import draft
from hakit.charts.manifests import parse
from hakit.charts.render import Release, parse_texts, render, rendered_by
from hakit.charts.source import Chart, load
from hakit.charts.templates import ENGINE_KUBERNETES
from hakit.errors import HakitError
from hakit.testing import record
from lab.harness.helm import Helm
from lab.harness.tools import BIN
from tests.charts.build import make_chart
from tests.lab import shop
from tests.lab.conftest import need

pytestmark = pytest.mark.lab

#: The Kubernetes version that the wheel's engine answers for, see hakit/charts/render.py.
KUBERNETES = "1.36.0"
CASES: list[tuple[str, dict[str, Any]]] = [
    ("storefront", {"session": {"key": "k"}}),
    (
        "storefront",
        {
            "session": {"key": "k"},
            "replicaCount": 6,
            "ingress": {"enabled": True},
            "autoscaling": {"enabled": True},
            "podDisruptionBudget": {"enabled": True},
            "nodeSelector": {"disk": "ssd"},
        },
    ),
    ("warehouse", {}),
    ("warehouse", {"migration": {"enabled": False}, "image": {"tag": "5.0.3"}}),
    ("external-dns", {"provider": {"name": "cloudflare"}, "policy": "sync"}),
    ("external-secrets", {"replicaCount": 3, "podDisruptionBudget": {"enabled": True}}),
    ("kwok", {"replicas": 2}),
    ("mariadb-operator", {"ha": {"enabled": True, "replicas": 3}}),
    ("node-feature-discovery", {"master": {"replicaCount": 2}}),
]


def _folder(chart: str, draft: Path) -> Path:
    """The chart, without optional subcharts that its repository does not hold: Helm refuses to render beside a gap."""
    own = shop.ROOT / "examples" / "charts" / chart
    if own.is_dir():
        return own
    folder = draft / chart
    shutil.copytree(BIN / "charts" / chart, folder)
    metadata = yaml.safe_load((folder / "Chart.yaml").read_text(encoding="utf-8"))
    there = [each for each in metadata.get("dependencies", []) if (folder / "charts" / each["name"]).is_dir()]
    (folder / "Chart.yaml").write_text(yaml.safe_dump({**metadata, "dependencies": there}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("chart", "values"), CASES, ids=[f"{name}-{len(values)}" for name, values in CASES])
def test_hakit_renders_object_by_object_what_helm_renders(tmp_path: Path, chart: str, values: dict[str, Any]):
    need("helm", "charts")
    helm, folder = Helm(tmp_path / "no-cluster", tmp_path), _folder(chart, tmp_path)
    text = helm.run(*("template", "lab", folder, "--namespace", "shop", "--kube-version", KUBERNETES), values=values)
    expected = keyed(parse(text), "shop")
    found = keyed(render(load(str(folder)), values, Release("lab", "shop")), "shop")
    assert expected, "a chart that renders nothing would prove nothing"
    assert sorted(found) == sorted(expected)
    for key, obj in expected.items():
        assert found[key] == obj, key


# --- the helm command as hakit's own second renderer ----------------------------------------------------------------


@pytest.mark.parametrize(("chart", "values"), CASES, ids=[f"{name}-{len(values)}" for name, values in CASES])
def test_both_renderers_give_the_same_objects(chart: str, values: dict[str, Any]):
    """Whole as its repository has it: external-secrets lacks a subchart that is switched off."""
    need("helm", "charts")
    own = shop.ROOT / "examples" / "charts" / chart
    loaded = load(str(own if own.is_dir() else BIN / "charts" / chart))
    release = Release("lab", "shop", ENGINE_KUBERNETES)
    helm = helm_binary.Helm(str(BIN / "helm"), "")
    texts = helm_binary.template(
        helm, loaded, values, name="lab", namespace="shop", kubernetes=ENGINE_KUBERNETES, api_versions=()
    )
    expected = keyed(render(loaded, values, Release("lab", "shop")), "shop")
    found = keyed(parse_texts(loaded, texts, values), "shop")
    assert expected
    assert found == expected
    assert rendered_by(loaded, release) == "", "no helm is named, so hakit's own engine renders"


ASKING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  version: {{ .Capabilities.KubeVersion.Version }}
  monitored: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
  token: {{ .Values.token | quote }}
  {{- if eq .Values.token "broken" }}{{ fail .Values.token }}{{ end }}
"""


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chart:
    """A chart that asks for the cluster, and the built helm to answer it."""
    need("helm")
    monkeypatch.setenv("HAKIT_HELM", str(BIN / "helm"))
    return make_chart(tmp_path, ASKING, values="token: a")


def _data(chart: Chart, release: Release) -> dict[str, str]:
    (found,) = render(chart, {}, release)
    return found["data"]


def test_a_chart_that_asks_is_rendered_for_the_cluster_it_is_for(asking: Chart):
    for minor in (30, 34):
        release = Release("web", "shop", (1, minor))
        assert _data(asking, release) == {"version": f"v1.{minor}.0", "monitored": "false", "token": "a"}
        assert rendered_by(asking, release) == f"rendered by helm v3.21.4 for Kubernetes 1.{minor}"
    known = Release("web", "shop", (1, 34), ("monitoring.coreos.com/v1",))
    assert _data(asking, known)["monitored"] == "true"


def _findings(chart: Chart, release: Release) -> list[tuple[str, str]]:
    found = examine_chart(chart, draft(chart, {}, release), release)
    return [(each.path, each.detail) for each in found if each.code in ("HK020", "HK032")]


def test_what_nobody_can_know_stays_a_finding(asking: Chart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cluster, known = Release("web", "shop", (1, 34)), Release("web", "shop", (1, 34), ())
    assert _findings(asking, cluster) == [(".Capabilities.APIVersions", "nobody said which API groups the cluster has")]
    assert _findings(asking, known) == []
    upgrade = make_chart(tmp_path / "upgrade", '{{ if .Release.IsUpgrade }}a: {{ lookup "v1" "Pod" "" "" }}{{ end }}')
    for release in (cluster, known):
        assert [path for path, _ in _findings(upgrade, release)] == ["lookup", ".Release.IsUpgrade"]
    monkeypatch.delenv("HAKIT_HELM")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _findings(asking, known) == [
        (".Capabilities", "2 places, answered for Kubernetes 1.36, by hakit's own engine: there is no helm command")
    ]


def test_the_helm_command_never_sees_a_value_in_its_arguments_nor_shows_a_secret(asking: Chart):
    with pytest.raises(HakitError, match="does not render") as caught:
        render(asking, {"token": "broken"}, Release("web", "shop", (1, 34)))
    assert "broken" not in str(caught.value)
    assert "[secret]" in str(caught.value)


def test_a_chart_that_is_not_made_for_the_cluster_is_refused(asking: Chart, tmp_path: Path):
    metadata = "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.34.0'\n"
    chart = make_chart(tmp_path / "new", ASKING, values="token: a", **{"Chart.yaml": metadata})
    assert _data(chart, Release("web", "shop", (1, 34)))["version"] == "v1.34.0"
    with pytest.raises(HakitError, match=r"requires kubeVersion: >=1\.34\.0 which is incompatible"):
        render(chart, {}, Release("web", "shop", (1, 33)))


def test_hakit_s_own_engine_answers_for_the_version_that_findings_name(asking: Chart):
    major, minor = ENGINE_KUBERNETES
    assert _data(asking, Release("web", "shop"))["version"] == f"v{major}.{minor}.0"


def test_the_component_says_which_helm_rendered_it_and_for_which_version(asking: Chart):
    def program() -> None:
        cluster = k8s.Provider("lab", context="lab", cluster_identifier="lab")
        args: hakit.ZonalAppArgs = {
            "chart": str(asking.path),
            "namespace": "shop",
            "zones": ["a", "b", "c"],
            "kubernetes": "1.33",
            "api_versions": ["monitoring.coreos.com/v1"],
        }
        hakit.ZonalApp("web", args, pulumi.ResourceOptions(provider=cluster))

    recorded = record(program, project="lab", stack="dev", root=asking.path.parent)
    release = recorded.one("kubernetes:helm.sh/v3:Release")
    assert release.inputs["values"]["objects"]["ConfigMap/web"]["data"]["version"] == "v1.33.0"
    assert "rendered by helm v3.21.4 for Kubernetes 1.33" in recorded.one("hakit:index:ZonalApp").outputs["summary"]
