"""A canary secret, its base64 and each of its lines occur nowhere that hakit writes to.

What this does not prove: what the real engine and provider print. They get the same secrets marked as secrets.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = ("-----BEGIN CANARY-----", "bm90LWEtcmVhbC1rZXktYXQtYWxs", "-----END CANARY-----")
CANARY = "\n".join(LINES)

PROGRAM = """
import pulumi, pulumi_kubernetes as k8s, hakit

cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
canary = {canary!r}
hakit.ZonalApp("web", {{
    "chart": "chart", "namespace": "shop", "zones": ["a", "b", "c"], "replicas": 3,
    "values": {values},
}}, pulumi.ResourceOptions(provider=cluster))
pulumi.export("canary", pulumi.Output.secret(canary))
"""

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {checksum/secret: {{ .Values.auth.password | sha256sum }}}
    spec:
      containers:
        - name: web
          image: web:1
          env:
            - {name: DIRECT, value: {{ .Values.auth.password | quote }}}
            - {name: ENCODED, value: {{ .Values.auth.password | b64enc }}}
            - {name: FIRST_LINE, value: {{ splitList "\\n" .Values.auth.password | first | quote }}}
            - {name: IN_A_TEXT, value: {{ printf "postgres://app:%s@db" .Values.auth.password | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: {{ .Values.auth.password | quote }}}
"""


def forms() -> set[str]:
    found = {CANARY, *LINES}
    found |= {base64.b64encode(form.encode()).decode() for form in found}
    # as JSON and YAML write a text of several lines
    return found | {json.dumps(form)[1:-1] for form in found}


def project(folder: Path, values: str, template: str = DEPLOYMENT) -> Path:
    chart = folder / "chart" / "templates"
    chart.mkdir(parents=True)
    (folder / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (folder / "chart" / "values.yaml").write_text('auth: {password: ""}\n')
    (chart / "web.yaml").write_text(template)
    (folder / "Pulumi.yaml").write_text("name: canary\nruntime: python\n")
    (folder / "Pulumi.prod.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(PROGRAM.format(canary=CANARY, values=values))
    return folder


def everything(folder: Path, *command: str, expect: int) -> str:
    """All that a command leaves behind: its output, and every file beneath its working directory and temporary folder
    that the test did not write itself."""
    temporary = folder / "tmp"
    temporary.mkdir()
    mine = {path for path in folder.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", *command],
        cwd=folder,
        env={"TMPDIR": str(temporary), "PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    files = [path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file() and path not in mine]
    return "\n".join([done.stdout, done.stderr, *files])


def assert_absent(text: str) -> None:
    assert text.strip(), "nothing was printed at all, so the test would prove nothing"
    leaked = sorted(form for form in forms() if form in text)
    assert leaked == []


@pytest.mark.parametrize("form", [["--format", "text"], ["--format", "json"], ["--verbose"]])
@pytest.mark.parametrize(
    "values",
    ['{"auth": {"password": pulumi.Output.secret(canary)}}', '{"auth": {"password": canary}}'],
    ids=["a Pulumi secret", "a plain value of a key that says password"],
)
def test_a_canary_in_the_values_is_in_no_preview_and_no_manifest(tmp_path: Path, values: str, form: list[str]) -> None:
    folder = project(tmp_path, values)
    text = everything(folder, "preview", "--out", "manifests", *form, expect=0)
    assert "Deployment" in text
    assert_absent(text)


def test_a_canary_in_the_values_is_in_no_message_when_the_chart_fails_on_it(tmp_path: Path) -> None:
    template = '{{ fail (printf "bad password %s" .Values.auth.password) }}'
    folder = project(tmp_path, '{"auth": {"password": canary}}', template)
    text = everything(folder, "preview", expect=2)
    assert "bad password" in text
    assert_absent(text)


def test_a_canary_is_in_no_message_when_it_breaks_the_rendered_yaml(tmp_path: Path) -> None:
    folder = project(tmp_path, '{"auth": {"password": canary}}', "kind: {{ .Values.auth.password }}\n  x: [")
    assert_absent(everything(folder, "preview", expect=2))


def test_a_canary_is_in_no_message_when_only_the_real_value_breaks_the_chart(tmp_path: Path) -> None:
    """The placeholder renders; the real value does not. Its error must not quote what was rendered."""
    template = '{{ if contains "CANARY" .Values.auth.password }}{{ fail .Values.auth.password }}{{ end }}' + DEPLOYMENT
    folder = project(tmp_path, '{"auth": {"password": pulumi.Output.secret(canary)}}', template)
    text = everything(folder, "preview", expect=2)
    assert "values.auth.password: the chart renders other objects, or none, with the real value" in text
    assert_absent(text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_check_shows_no_canary_of_a_values_file(tmp_path: Path, form: str) -> None:
    folder = project(tmp_path, "{}")
    (folder / "v.yaml").write_text(f"auth:\n  password: {json.dumps(CANARY)}\n  ignored: 1\n")
    text = everything(folder, "check", "chart", "-f", "v.yaml", "--format", form, expect=1)
    assert "HK003" in text
    assert_absent(text)


def test_check_shows_no_canary_when_the_chart_fails_on_it(tmp_path: Path) -> None:
    folder = project(tmp_path, "{}", '{{ fail (printf "bad password %s" .Values.auth.password) }}')
    (folder / "v.yaml").write_text(f"auth:\n  password: {json.dumps(CANARY)}\n")
    text = everything(folder, "check", "chart", "-f", "v.yaml", expect=2)
    assert "bad password" in text
    assert_absent(text)


def test_a_canary_in_the_stacks_secret_config_never_reaches_the_program(tmp_path: Path) -> None:
    folder = project(tmp_path, '{"auth": {"password": pulumi.Config().require_secret("password")}}')
    (folder / "Pulumi.prod.yaml").write_text(f"config:\n  canary:password:\n    secure: {json.dumps(CANARY)}\n")
    assert_absent(everything(folder, "preview", "--out", "manifests", expect=0))
