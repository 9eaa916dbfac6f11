"""A chart repository on loopback: index.yaml and archives over plain HTTP, with a password if wanted; and hakit's
command with a home of its own."""

import base64
import contextlib
import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import helm_python
import yaml


@dataclass
class Repository:
    """What is served, and what was asked for so far."""

    folder: Path
    url: str = ""
    login: tuple[str, str] | None = None
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, version: str, color: str = "blue") -> Path:
        """Package a chart of one ConfigMap and put it into the index."""
        return self.publish_files(
            f"{name}-{version}.tgz",
            {
                f"{name}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n",
                f"{name}/values.yaml": f"color: {color}\n",
                f"{name}/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
                "data: {color: {{ .Values.color }}}\n",
            },
        )

    def publish_files(self, file: str, files: Mapping[str, str | bytes], *, index: bool = True) -> Path:
        path = archive(self.folder / file, files)
        if index:
            helm_python.repo_index_generate(self.folder)
        return path

    def index(self, name: str, version: str, file: str) -> None:
        """Name a file in the index, whatever is in it."""
        entry = f"  {name}: [{{apiVersion: v2, name: {name}, version: {version}, urls: [{file}]}}]\n"
        (self.folder / "index.yaml").write_text(f"apiVersion: v1\nentries:\n{entry}")


def archive(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with tarfile.open(path, "w:gz") as members:
        for name, contents in files.items():
            data = contents.encode() if isinstance(contents, str) else contents
            member = tarfile.TarInfo(name)
            member.size = len(data)
            members.addfile(member, io.BytesIO(data))
    return path


@contextlib.contextmanager
def serving(folder: Path, login: tuple[str, str] | None = None) -> Iterator[Repository]:
    folder.mkdir(parents=True, exist_ok=True)
    found = Repository(folder, login=login)

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            if found.login is not None:
                wanted = base64.b64encode(":".join(found.login).encode()).decode()
                if self.headers.get("Authorization") != f"Basic {wanted}":
                    self.send_error(401)
                    return
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def hakit(project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    home = project.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HELM_", "XDG_", "HAKIT_"))}
    return subprocess.run(
        [sys.executable, "-m", "hakit.cli", *words],
        cwd=project,
        env={**kept, "HOME": str(home), "NETRC": str(home / ".netrc"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def lock(project: Path) -> list[dict[str, str]]:
    return yaml.safe_load((project / "charts.lock").read_text())["charts"]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
