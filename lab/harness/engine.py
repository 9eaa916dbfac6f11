"""The real Pulumi engine over a copy of the reference system, with stand-in providers and a file backend."""

import contextlib
import gc
import json
import os
import runpy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path

import pulumi.automation as auto

from lab.harness.tools import BIN, ROOT

PROJECT = "hakit-reference"
#: The passphrase of the example's stack files, see stacks/config.
_PASSPHRASE = "reference"  # noqa: S105


class Engine:
    """One project folder and one backend.

    Args:
        folder: for the project's copy, the state and the engine's own files.
        kubeconfigs: of each region's cluster, by the context that the topology names.
    """

    def __init__(self, folder: Path, kubeconfigs: Mapping[str, Path]) -> None:
        self.project = folder / "project"
        self._folder = folder
        self.project.mkdir(parents=True)
        shutil.copy(ROOT / "Pulumi.yaml", self.project)
        for part in ("stacks", "examples"):
            shutil.copytree(ROOT / part, self.project / part, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "state").mkdir()
        self._kubeconfig = folder / "kubeconfig"
        self._kubeconfig.write_text(json.dumps(_merged(kubeconfigs)), encoding="utf-8")

    @property
    def state(self) -> Path:
        return self._folder / "state"

    @contextlib.contextmanager
    def stack(self, name: str) -> Generator[auto.Stack]:
        """A stack, to be used within the block: its provider runs as long."""
        with self._provider() as port:
            options = auto.LocalWorkspaceOptions(
                work_dir=str(self.project),
                pulumi_command=auto.PulumiCommand(str(BIN.parent)),
                env_vars={
                    "PULUMI_BACKEND_URL": self.state.as_uri(),
                    "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
                    "PULUMI_HOME": str(self._folder / "home"),
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "PULUMI_DEBUG_PROVIDERS": f"kubernetes:{port}",
                },
            )
            try:
                yield auto.create_or_select_stack(name, project_name=PROJECT, program=self._program, opts=options)
            finally:
                _collect_event_loops()

    def _program(self) -> None:
        """stacks/ as `pulumi up` would run it, from its own folder; an inline program needs no language plugin."""
        folder = self.project / "stacks"
        sys.path.insert(0, str(folder))
        try:
            with contextlib.chdir(folder):
                runpy.run_path(str(folder / "__main__.py"))
        finally:
            sys.path.remove(str(folder))
            for module in ("region", "shared", "traffic"):
                sys.modules.pop(module, None)

    @contextlib.contextmanager
    def _provider(self) -> Generator[int]:
        command = [sys.executable, "-m", "lab.providers.kubernetes", str(self.project / "stacks")]
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig)}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield int(process.stdout.readline() if process.stdout else "")
            finally:
                process.kill()


def _collect_event_loops() -> None:
    """The Automation API leaves the event loop of each program open; collected here, it complains to nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _merged(kubeconfigs: Mapping[str, Path]) -> dict[str, object]:
    """One kubeconfig with a context for each cluster."""
    found = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in kubeconfigs.items()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": each["clusters"][0]["cluster"]} for name, each in found.items()],
        "users": [{"name": name, "user": each["users"][0]["user"]} for name, each in found.items()],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in found],
    }
