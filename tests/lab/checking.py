"""RestoreCheck's program as a process of this machine, before a region's real API server, with the objects that the
component emits. Its rights are the lab's and not its own; that its own are enough, and that it runs in its pod, is
shown elsewhere (tests/lab/test_restore_check.py).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hakit.plan import restore_check
from hakit.plan.restore_check_spec import specify
from hakit.topology import Topology
from hakit.verify.made import CHECK
from hakit.verify.run import REPORT
from lab.harness import LabRegion
from lab.harness.tools import ROOT
from tests.lab.fence_program import CLUSTERS

Manifest = dict[str, Any]


class Check:
    """One check of `orders`, in the region `a`.

    Args:
        region: where it restores.
        name: of the component.
        args: of it, but for topology, scope and image; of `databases` only `orders`, from one region's archive.
        secrets: what its namespace has.
        folder: for its settings and its output.
    """

    def __init__(  # noqa: PLR0917  each is a fact of the check
        self, region: LabRegion, name: str, topology: Topology, args: Manifest, secrets: list[Manifest], folder: Path
    ) -> None:
        image = f"registry.example/python@sha256:{'a' * 64}"  # of the pod, which is not run
        given = {"topology": "topology.yaml", "scope": "a", "image": image, **args}
        planned = restore_check.plan(specify(name, given, topology))
        (settings,) = [each.manifest["data"]["check.json"] for each in planned if each.key.startswith("settings-")]
        config = json.loads(settings)
        self._region, self._folder = region, folder / name
        self._check, self._report, self.namespace = config["check"], config["report"], config["namespace"]
        region.apply([each.manifest for each in planned if each.manifest["kind"] != "CronJob"])
        region.apply(secrets, self.namespace)
        self._folder.mkdir(parents=True)
        self._settings = self._folder / "check.json"
        self._settings.write_text(json.dumps({**config, "patience": 30, **self._access()}), encoding="utf-8")

    def _access(self) -> Manifest:
        found = json.loads(self._region.kubeconfig.read_text(encoding="utf-8"))
        token = self._folder / "token"
        token.write_text(found["users"][0]["user"]["token"], encoding="utf-8")
        cluster = found["clusters"][0]["cluster"]
        return {"server": cluster["server"], "token": str(token), "authority": cluster["certificate-authority"]}

    def begin(self) -> subprocess.Popen[bytes]:
        """Whoever calls it ends it, or waits for its end."""
        command = [sys.executable, "-m", "hakit.verify.run", str(self._settings)]
        with (self._folder / "said").open("ab") as said:
            return subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=said, stderr=said)

    def report(self) -> Manifest:
        """Of the last run."""
        found = self._region.client.get("v1", "ConfigMap", self._report, self.namespace)
        return json.loads(found["data"][REPORT])

    def clusters(self) -> list[str]:
        """What is there of the check's own making."""
        found = self._region.client.list(*CLUSTERS, self.namespace, {CHECK: self._check})
        return [each["metadata"]["name"] for each in found]

    def left(self) -> list[str]:
        """Everything that came with restored Clusters, and is there still."""
        client, found = self._region.client, self.clusters()
        for kind in ("Pod", "PersistentVolumeClaim", "Secret", "Service"):
            objects = [each["metadata"] for each in client.list("v1", kind, self.namespace)]
            found += [f"{kind} {each['name']}" for each in objects if "cnpg.io/cluster" in (each.get("labels") or {})]
        return found
