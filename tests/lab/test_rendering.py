"""hakit renders in its own process, with the engine of a Python wheel. The real Helm 3 says whether it is right."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.charts.freeze import keyed
from hakit.charts.manifests import parse
from hakit.charts.render import Release, render
from hakit.charts.source import load
from lab.harness.helm import Helm
from lab.harness.tools import BIN
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
