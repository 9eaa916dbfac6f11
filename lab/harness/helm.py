"""The real Helm 3, on one region."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.harness.tools import tool


class HelmError(Exception):
    """Helm ended with an error; its message is what it said."""


class Helm:
    """Helm with a kubeconfig of its own, and none of the user's settings or repositories."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            **{f"HELM_{kind}_HOME": str(folder / f"helm-{kind.lower()}") for kind in ("CACHE", "CONFIG", "DATA")},
        }

    def run(self, *arguments: str | Path, values: Mapping[str, Any] | None = None) -> str:
        """Run helm and return what it printed; `values` go to it on standard input.

        Raises:
            HelmError: it ended with an error.
        """
        command = [str(tool("helm")), *map(str, arguments), *(["--values", "-"] if values is not None else [])]
        done = subprocess.run(
            command,
            input=json.dumps(values) if values is not None else "",
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0:
            raise HelmError(f"helm {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.run(*arguments, "--output", "json"))
