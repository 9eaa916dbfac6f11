"""The real Pulumi engine over a copy of the reference system, with stand-ins for its providers and a file backend."""

import contextlib
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Self

import pulumi.automation as auto

from lab.harness.tools import BIN, ROOT, tool
from lab.providers import clouds
from lab.providers.aws_session import client
from lab.providers.store import Store

PROJECT = "hakit-reference"
#: The passphrase of the example's stack files, see stacks/config.
_PASSPHRASE = "reference"  # noqa: S105


class Engine:
    """One project folder, one backend, and the clouds that it deploys to. The clouds last as long as its block.

    Args:
        folder: for the project's copy, the state and the engine's own files.
        kubeconfigs: of each region's cluster, by the context that the topology names.
        program: a file that takes the place of stacks/__main__.py, for what the reference system does not have.
    """

    def __init__(
        self, folder: Path, kubeconfigs: Mapping[str, Path] | None = None, program: Path | None = None
    ) -> None:
        self.project = folder / "project"
        self._folder = folder
        self.project.mkdir(parents=True)
        shutil.copy(ROOT / "Pulumi.yaml", self.project)
        for part in ("stacks", "examples"):
            shutil.copytree(ROOT / part, self.project / part, ignore=shutil.ignore_patterns("__pycache__"))
        if program is not None:
            shutil.copy(program, self.project / "stacks" / "__main__.py")
        for part in ("state", "cloud"):
            (folder / part).mkdir()
        self._kubeconfig = folder / "kubeconfig"
        self._kubeconfig.write_text(json.dumps(_merged(kubeconfigs or {})), encoding="utf-8")
        self._clouds: contextlib.ExitStack | None = None
        self._ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._clouds is not None:
            self._clouds.close()

    # What the clouds hold

    @property
    def store(self) -> Store:
        """What exists in Cloudflare, and in AWS beside what moto plays."""
        return Store(self._folder / "cloud" / clouds.STORE)

    def aws(self, service: str, region: str) -> Any:
        """A boto3 client of the lab's AWS; there is one from the first AWS resource on."""
        return client((self._folder / "cloud" / clouds.ENDPOINT).read_text(encoding="utf-8"), service, region)

    @property
    def state(self) -> Path:
        return self._folder / "state"

    @contextlib.contextmanager
    def stack(self, name: str) -> Generator[auto.Stack]:
        """A stack, to be used within the block: the Kubernetes provider runs as long."""
        if self._clouds is None:
            self._clouds = contextlib.ExitStack()
            line = self._clouds.enter_context(_serving("lab.providers.clouds", self._folder / "cloud", os.environ))
            self._ports = json.loads(line)
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig)}
        with _serving("lab.providers.kubernetes", self.project / "stacks", environment) as port:
            ports = {"kubernetes": int(port), **self._ports}
            options = auto.LocalWorkspaceOptions(
                work_dir=str(self.project),
                pulumi_command=auto.PulumiCommand(str(BIN.parent)),
                env_vars={
                    "PULUMI_BACKEND_URL": self.state.as_uri(),
                    "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
                    "PULUMI_HOME": str(self._folder / "home"),
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{port}" for package, port in ports.items()),
                },
            )
            yield auto.create_or_select_stack(name, project_name=PROJECT, program=self._program, opts=options)

    def environment(self, stack: auto.Stack) -> dict[str, str]:
        """For whatever runs Pulumi's own command line over this project, while the stack is open: that one, kubectl and
        helm are the lab's. Other stacks may be named on the command line."""
        return {**self._environment(stack), "KUBECONFIG": str(self._kubeconfig)}

    def _environment(self, stack: auto.Stack) -> dict[str, str]:
        """Without KUBECONFIG: Pulumi's SDK makes it an input of the program's providers, and a stack that is also run
        inline, which has none, would find that it changes."""
        folder = self._folder / "path"
        folder.mkdir(exist_ok=True)
        host = folder / "pulumi-language-python"
        host.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lab.harness.language "$@"\n', encoding="utf-8")
        host.chmod(0o755)
        path = os.pathsep.join([str(folder), str(BIN), os.environ["PATH"]])
        own = {"PATH": path, "PYTHONPATH": str(ROOT)}
        return {**os.environ, **stack.workspace.env_vars, **own}

    @contextlib.contextmanager
    def command(self, stack: auto.Stack, *words: str) -> Generator[subprocess.Popen[str]]:
        """Pulumi's own command line, as a person or CI runs it, and everything that it starts; all of it is gone after
        the block. `lab.harness.language` runs the program."""
        process = subprocess.Popen(
            [str(tool("pulumi")), *words, "--non-interactive"],
            cwd=self.project,
            env=self._environment(stack),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        with process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, stack: auto.Stack, *words: str) -> str:
        """A whole command; what it said.

        Raises:
            CommandError: it ended with an error.
        """
        with self.command(stack, *words) as process:
            said, _ = process.communicate(timeout=120)
            if process.returncode != 0:
                raise auto.CommandError(auto.CommandResult(stdout=said, stderr="", code=process.returncode))
        return said

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
def _serving(module: str, argument: Path, environment: Mapping[str, str]) -> Generator[str]:
    """A stand-in's process; what it says about where it listens. What it started ends with it: the official Kubernetes
    provider has Helm within itself."""
    command = [sys.executable, "-m", module, str(argument)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, text=True, process_group=0) as process:
        try:
            yield process.stdout.readline() if process.stdout else ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


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
