"""Charts of OCI registries: pushed by the real Helm 3 to the real `distribution` registry, pulled by hakit.

On loopback and over HTTP: no certificate authority is played.
"""

import hashlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from hakit.charts.source import load
from hakit.errors import HakitError
from lab.harness import wait_for
from lab.harness.tools import tool
from tests.charts.repository import archive, hakit, lock, refused
from tests.lab.conftest import need

pytestmark = pytest.mark.lab

PASSWORD = "s3cr3t-word"  # noqa: S105  of a registry that ends with the test
#: `htpasswd -nbB reader s3cr3t-word`: the registry takes bcrypt only.
HTPASSWD = "reader:$2b$05$Yf.bBepWIbOeuceTjPNLUet4ODqsUMitbqStLFHvX3ukgsfacvF1.\n"


@dataclass
class Registry:
    host: str
    folder: Path

    @property
    def chart(self) -> str:
        return f"oci://{self.host}/charts/web"

    def helm(self, *words: str | Path, config: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "HELM_REGISTRY_CONFIG": str(config)}
        command = [tool("helm"), *words, "--plain-http"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    def login(self, config: Path, password: str = PASSWORD) -> None:
        self.helm("registry", "login", self.host, "-u", "reader", "-p", password, config=config)

    def push(self, version: str, color: str = "blue", config: Path | None = None) -> Path:
        file = archive(
            self.folder / f"web-{version}.tgz",
            {
                "web/Chart.yaml": f"apiVersion: v2\nname: web\nversion: {version}\n",
                "web/templates/map.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {color}}}\n",
            },
        )
        self.helm("push", file, f"oci://{self.host}/charts", config=config or self.folder / "push.json")
        return file


def _answers(host: str) -> bool:
    try:
        with urlopen(f"http://{host}/v2/", timeout=5):
            return True
    except HTTPError as error:
        return error.code == 401
    except URLError:
        return False


@pytest.fixture(params=[False, True], ids=["open", "with a password"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    need("registry", "helm")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = f"auth: {{htpasswd: {{realm: lab, path: {folder}/htpasswd}}}}\n" if request.param else ""
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '{host}', secret: lab}}\n{auth}"
    )
    with (folder / "log").open("w") as log:
        running = subprocess.Popen([tool("registry"), "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        wait_for("the registry", lambda: _answers(host), hint=(folder / "log").read_text)
        found = Registry(host, folder)
        if request.param:
            found.login(folder / "push.json")
        yield found
    finally:
        running.terminate()
        running.wait(timeout=30)


with_a_password = pytest.mark.parametrize("registry", [True], ids=["with a password"], indirect=True)
without_one = pytest.mark.parametrize("registry", [False], ids=["open"], indirect=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return folder


def _logged_in(registry: Registry) -> dict[str, str]:
    return {"HELM_REGISTRY_CONFIG": str(registry.folder / "push.json")}


def _add(project: Path, registry: Registry, version: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return hakit(project, "charts", "add", registry.chart, "--version", version, "--plain-http", **environment)


def test_a_chart_of_a_registry_is_pulled_locked_and_found_without_it(project: Path, registry: Registry):
    pushed = registry.push("1.0.0")
    registry.push("2.0.0")
    done = _add(project, registry, "^1", **_logged_in(registry))
    assert done.returncode == 0, done.stderr
    digest = f"sha256:{hashlib.sha256(pushed.read_bytes()).hexdigest()}"
    assert lock(project) == [{"chart": registry.chart, "wanted": "^1", "version": "1.0.0", "digest": digest}]
    assert load(registry.chart, project, version="1.0.0").version == "1.0.0"
    # No password, no registry: what is pulled is enough.
    assert hakit(project, "charts", "pull", "--locked").returncode == 0
    with pytest.raises(HakitError, match=r"charts\.lock has another one"):
        load(registry.chart, project, version="2.0.0")


@without_one
def test_a_tag_that_was_pushed_anew_is_refused(project: Path, registry: Registry):
    registry.push("1.0.0")
    _add(project, registry, "1.0.0")
    (project / "vendor/charts/web-1.0.0.tgz").unlink()
    again = hakit(project, "charts", "pull", "--locked", "--plain-http")
    assert again.returncode == 0, again.stderr
    (project / "vendor/charts/web-1.0.0.tgz").unlink()
    registry.push("1.0.0", color="red")
    said = refused(hakit(project, "charts", "pull", "--locked", "--plain-http"))
    assert "what was fetched is not the archive that was locked" in said
    assert not (project / "vendor/charts/web-1.0.0.tgz").exists()


@without_one
def test_what_the_registry_does_not_have_is_told(project: Path, registry: Registry):
    registry.push("1.0.0")
    registry.push("1.1.0")
    said = refused(_add(project, registry, "1.1.1"))
    assert "there is no such version of web" in said
    assert "allowed: 1.1.0, 1.0.0" in said
    assert "did you mean 1.1.0?" in said
    missing = hakit(project, "charts", "add", f"oci://{registry.host}/charts/wep", "--version", "1.0.0", "--plain-http")
    assert "the registry has no such chart" in refused(missing)


@without_one
def test_a_registry_without_https_is_told_with_the_option(project: Path, registry: Registry):
    registry.push("1.0.0")
    said = refused(hakit(project, "charts", "add", registry.chart, "--version", "1.0.0"))
    assert f"{registry.host} speaks HTTP, not HTTPS" in said
    assert "--plain-http" in said


@with_a_password
def test_wrong_expired_and_missing_logins_are_told_and_never_shown(project: Path, registry: Registry, tmp_path: Path):
    registry.push("1.0.0")
    said = refused(_add(project, registry, "1.0.0"))
    assert f"{registry.host} refuses it" in said
    assert f"helm registry login {registry.host}" in said
    # A login that worked once, until the password was changed on the registry's side.
    login = tmp_path / "login.json"
    registry.login(login)
    (registry.folder / "htpasswd").write_text(HTPASSWD.replace("Yf.bBepWIbOeuceTjPNLUe", "Yf.bBepWIbOeuceTjPNLUu"))
    done = _add(project, registry, "1.0.0", HELM_REGISTRY_CONFIG=str(login))
    said = refused(done)
    assert f"{registry.host} refuses it" in said
    assert "a login may have expired" in said
    assert PASSWORD not in said
    (registry.folder / "htpasswd").write_text(HTPASSWD)
    assert _add(project, registry, "1.0.0", HELM_REGISTRY_CONFIG=str(login)).returncode == 0
    assert PASSWORD not in (project / "charts.lock").read_text()
