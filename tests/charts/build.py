"""Charts and objects for one test each, written where the test can be read with them."""

import textwrap
from pathlib import Path
from typing import Any

from hakit.charts.manifests import Object, parse
from hakit.charts.render import Release
from hakit.charts.source import Chart, load

RELEASE = Release("web", "default")


def text(given: str) -> str:
    return textwrap.dedent(given).strip("\n") + "\n"


def make_chart(folder: Path, templates: dict[str, str] | str, values: str = "", **files: str) -> Chart:
    """A chart in a fresh folder; one template may be given by its text alone. Other files go by path."""
    templates = {"all.yaml": templates} if isinstance(templates, str) else templates
    chart = {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "values.yaml": values}
    chart |= {f"templates/{name}": content for name, content in templates.items()}
    chart |= files
    for name, content in chart.items():
        path = folder / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(content))
    return load(str(folder / "web"))


def one(given: str) -> Object:
    """The object of a manifest."""
    (found,) = parse(text(given))
    return found


def deployment(name: str = "web", replicas: int | None = 3, **pod: Any) -> Object:
    """A Deployment with `app: <name>` as its selector; `pod` goes into its pod's spec."""
    spec: dict[str, Any] = {} if replicas is None else {"replicas": replicas}
    spec["selector"] = {"matchLabels": {"app": name}}
    spec["template"] = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name}], **pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def config(data: str) -> str:
    """A template with one ConfigMap."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {data}\n"
