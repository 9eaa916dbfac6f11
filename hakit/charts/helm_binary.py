"""The second renderer: the `helm` command, for charts that ask which cluster they are rendered for.

hakit's own engine answers for one Kubernetes version. `helm template --kube-version` answers for any. It is taken from
HAKIT_HELM, else from PATH, and gets none of the user's settings, plugins or clusters.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from hakit.charts.source import Chart
from hakit.errors import HakitError

#: Names the binary; empty: the one on PATH.
VARIABLE = "HAKIT_HELM"
_SECONDS = 120
_SOURCE = re.compile(r"^---\n# Source: (.+)\n", re.MULTILINE)


class HelmFailedError(Exception):
    """`helm template` ended with an error; its message is what it said."""


@dataclass(frozen=True)
class Helm:
    """A helm command that works."""

    path: str
    version: str


def find() -> Helm | None:
    """The helm command to render with; None where there is none.

    Raises:
        HakitError: HAKIT_HELM names something that is no Helm 3 or 4.
    """
    return _find(os.environ.get(VARIABLE, ""), os.environ.get("PATH", ""))


@lru_cache(maxsize=8)
def _find(named: str, path: str) -> Helm | None:
    program = named or shutil.which("helm", path=path)
    version = _version(program) if program else ""
    if program and re.match(r"v[34]\.", version):
        return Helm(program, version)
    if named:
        raise HakitError(
            "it is no Helm that can be used",
            where=VARIABLE,
            given=f"{named}{f', which is {version}' if version else ''}",
            allowed="the path of a helm command, version 3 or 4",
            do="mend the path, or unset it: the helm on PATH is taken, else hakit's own engine",
        )
    return None


def _version(program: str) -> str:
    try:
        asked = subprocess.run(
            [program, "version", "--template", "{{.Version}}"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def template(  # noqa: PLR0913  each is a flag of `helm template`
    helm: Helm,
    chart: Chart,
    values: Mapping[str, Any],
    *,
    name: str,
    namespace: str,
    kubernetes: tuple[int, int],
    api_versions: Sequence[str],
) -> dict[str, str]:
    """The text that each template gives; those that give nothing are not among them.

    Values go in by standard input: arguments are for everybody to see.

    Raises:
        HelmFailedError: the chart does not render.
    """
    with tempfile.TemporaryDirectory(prefix="hakit-helm-") as folder:
        command = [helm.path, "template", name, str(_whole(chart, Path(folder))), "--values", "-"]
        command += ["--namespace", namespace, "--kube-version", f"{kubernetes[0]}.{kubernetes[1]}.0"]
        command += [word for each in api_versions for word in ("--api-versions", each)]
        done = subprocess.run(
            command,
            input=json.dumps(values),
            env=_environment(folder),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        said = done.stderr.partition("\n\nUse --debug flag")[0].strip()
        raise HelmFailedError(said.removeprefix("Error: ") or f"helm ended with {done.returncode}")
    texts: dict[str, str] = {}
    _, *parts = _SOURCE.split(done.stdout)
    for source, text in zip(parts[::2], parts[1::2], strict=True):
        texts[source] = f"{texts[source]}---\n{text}" if source in texts else text
    return texts


def _environment(folder: str) -> dict[str, str]:
    homes = {f"HELM_{kind}_HOME": folder for kind in ("CACHE", "CONFIG", "DATA")}
    return {"PATH": os.environ.get("PATH", ""), "HOME": folder, "KUBECONFIG": os.devnull, **homes}


def _whole(chart: Chart, folder: Path) -> Path:
    """The chart's path; a copy of it without the dependencies that are missing and switched off, beside which the
    command refuses to render."""
    if not chart.missing:
        return chart.path
    import helm_python

    copy = folder / chart.name
    if chart.path.is_dir():
        shutil.copytree(chart.path, copy)
    else:
        helm_python.expand(folder, chart.path)
    missing = {each.get("name") for each in chart.missing}
    metadata = dict(chart.engine.metadata)
    metadata["dependencies"] = [each for each in metadata.get("dependencies") or [] if each["name"] not in missing]
    (copy / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    return copy
