"""A node that runs containers: containerd, kubelet, kube-proxy and CoreDNS within a region's network.

The node has process ids and mounts of its own (pid_namespaces(7), mount_namespaces(7)), so that its end is the end of
everything in it: when its first process is killed, the kernel ends containers and what supervises them, and takes
every mount away. It sees a fresh /run, and fresh folders in /var where a node keeps its state; all else is the
machine's.
"""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.harness.client import Object
from lab.harness.network import RegionNetwork
from lab.harness.processes import LabError, Processes, started_at
from lab.harness.tools import BARMAN_IMAGES, BIN, PYTHON_IMAGE, tool
from lab.harness.waiting import wait_for

#: Only what asks for it lands on the node: it tolerates the taint, and selects the label.
TAINT = {"key": "lab.hakit/real", "value": "true", "effect": "NoSchedule"}
LABEL = {"lab.hakit/zone": "real"}
TOLERATION = {"key": "lab.hakit/real", "operator": "Exists", "effect": "NoSchedule"}

_STATE = ("var/lib/containerd", "var/lib/kubelet", "var/lib/cni", "var/log/containers")
_POD_LOGS = "var/log/pods"
# What kubelet wants of the kernel (its `setupKernelTunables`). It finds it so, and leaves the machine's alone.
_TUNABLES = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


class RealNode:
    """One node.

    Args:
        name: of the Node object.
        folder: for state and configuration.
        network: of its region.
        kubeconfig: of its region.
        lease_seconds: how long its lease lasts.
        processes: of its region.
    """

    def __init__(  # noqa: PLR0913  each is a fact of the node
        self,
        name: str,
        *,
        folder: Path,
        network: RegionNetwork,
        kubeconfig: Path,
        lease_seconds: int,
        processes: Processes,
    ) -> None:
        self.name = name
        self._folder = folder
        self._network = network
        self._kubeconfig = kubeconfig
        self._processes = processes
        # With the logs of the node's own programs, which are kept after a failure.
        self._places = {part: folder / part for part in _STATE} | {_POD_LOGS: processes.logs / "pods"}
        for path in (*self._places.values(), folder / "tunables", folder / "cni"):
            path.mkdir(parents=True, exist_ok=True)
        for path, value in _TUNABLES.items():
            self._write(f"tunables/{path.replace('/', '.')}", f"{value}\n")
        self._write("cni/10-pods.conflist", json.dumps(_cni(network)))
        self._write("containerd.toml", _CONTAINERD.format(cni=folder / "cni"))
        self._write("kubelet.json", json.dumps(_kubelet(network, lease_seconds)))
        self._write("Corefile", _COREFILE.format(network=network, kubeconfig=kubeconfig))
        self._write("start.sh", self._start_script())

    def _write(self, name: str, content: str) -> None:
        (self._folder / name).write_text(content, encoding="utf-8")

    def start(self) -> None:
        """The node starts, for the first time or after its loss: with the images and volumes that it had."""
        (self._folder / "ready").unlink(missing_ok=True)
        shell = ["sh", self._folder / "start.sh"]
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._processes.start("node", self._network.command([*own, *shell]))
        self._await("its first process", (self._folder / "ready").exists)
        config = self._folder / "containerd.toml"
        self._start("containerd", ["containerd", "--config", config, "--log-level", "warn"])
        self._await("containerd", lambda: not self._fails(["ctr", "version"]))
        if not (self._folder / "imported").exists():
            self._import_images()
        self._start("kubelet", self._kubelet())
        self._start("kube-proxy", self._proxy())
        listening = f"exec 3<>/dev/tcp/{self._network.wan}/10250"
        self._await("kubelet", lambda: not self._fails(["bash", "-c", listening]))
        self._start("coredns", [tool("coredns"), "-conf", self._folder / "Corefile"])

    def lose(self) -> None:
        """The node's power goes: every process in it ends at once, containers too. Its volumes stay."""
        inside = self.processes()
        self._processes.stop("node", "containerd", "kubelet", "kube-proxy", "coredns")
        wait_for(
            f"{self.name}: the end of all in it",
            lambda: [pid for pid in inside if started_at(pid)],
            lambda left: not left,
        )

    def processes(self) -> list[int]:
        """The ids of everything that runs in the node, containers included."""
        own = Path(f"/proc/{self._first()}/ns/pid").readlink()
        found = []
        for path in Path("/proc").glob("[0-9]*/ns/pid"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if path.readlink() == own:
                    found.append(int(path.parts[2]))
        return found

    def _first(self) -> str:
        holder = self._processes.id("node")
        children = Path(f"/proc/{holder}/task/{holder}/children").read_text(encoding="utf-8").split()
        if len(children) != 1:
            raise LabError(f"node {self.name} does not run: {self._processes.tail('node')}")
        return children[0]

    def _start(self, name: str, command: Iterable[str | Path]) -> None:
        self._processes.start(name, self._inside(command))

    def _await(self, what: str, look: Callable[[], object]) -> None:
        wait_for(f"{self.name}: {what}", look, hint=lambda: self._processes.tail("node"))

    def _inside(self, command: Iterable[str | Path]) -> list[str]:
        """A command within the node. Its own process stays outside and ends with it."""
        return ["nsenter", "--target", self._first(), "--mount", "--pid", "--net", "--", *map(str, command)]

    def _fails(self, command: Iterable[str | Path]) -> str:
        """What a command within the node said when it failed; empty when it did not."""
        done = subprocess.run(self._inside(command), capture_output=True, text=True, timeout=300, check=False)
        return (done.stderr.strip() or f"it ended with {done.returncode}") if done.returncode else ""

    def _import_images(self) -> None:
        """Every image of lab/bin/images but those that a test asks for."""
        for archive in sorted((BIN / "images").glob("*.tar")):
            if f"images/{archive.name}" not in (*BARMAN_IMAGES, PYTHON_IMAGE):
                self.import_image(archive)
        (self._folder / "imported").touch()

    def import_image(self, archive: Path) -> None:
        """Give the node an image. It is unpacked too, so that no pod waits for it."""
        if problem := self._fails(["ctr", "--namespace", "k8s.io", "images", "import", archive]):
            raise LabError(f"{self.name}: image {archive.name}: {problem}")

    def tag_image(self, image: str, name: str) -> None:
        """Give an image one more name, such as the one under which a manifest asks for it."""
        if problem := self._fails(["ctr", "--namespace", "k8s.io", "images", "tag", "--force", image, name]):
            raise LabError(f"{self.name}: {problem}")

    def pin_image(self, image: str) -> str:
        """Give an image that is there the name by its digest as well, and return it: what a manifest that is pinned
        asks for."""
        listing = self._inside(["ctr", "--namespace", "k8s.io", "images", "list", f"name=={image}"])
        said = subprocess.run(listing, capture_output=True, text=True, timeout=60, check=True).stdout
        digests = [part for part in said.split() if part.startswith("sha256:")]
        if len(digests) != 1:
            raise LabError(f"{self.name}: image {image}: {said}")
        pinned = f"{image.rpartition(':')[0]}@{digests[0]}"
        self.tag_image(image, pinned)
        return pinned

    def _kubelet(self) -> list[str | Path]:
        return [
            *(tool("cluster"), "kubelet", "--config", self._folder / "kubelet.json", "--kubeconfig", self._kubeconfig),
            *("--hostname-override", self.name, "--node-ip", self._network.wan),
            *("--node-labels", ",".join(f"{key}={value}" for key, value in LABEL.items())),
        ]

    def _proxy(self) -> list[str | Path]:
        return [
            *(tool("cluster"), "kube-proxy", "--kubeconfig", self._kubeconfig, "--proxy-mode", "iptables"),
            *("--hostname-override", self.name, "--cluster-cidr", self._network.pods),
            *("--conntrack-max-per-core", "0", "--conntrack-min", "0"),
            *("--healthz-bind-address", "127.0.0.1:10256", "--metrics-bind-address", "127.0.0.1:10249"),
        ]

    def _start_script(self) -> str:
        """The first process of the node; it also buries what its processes leave behind."""
        lines = ["set -e", "mount -t tmpfs tmpfs /run"]
        lines += [f"mkdir -p /{part} && mount --bind '{place}' /{part}" for part, place in self._places.items()]
        lines += [
            f"mount --bind '{self._folder}/tunables/{path.replace('/', '.')}' /proc/sys/{path}" for path in _TUNABLES
        ]
        # kubelet may be asked for mounts that a container sees later, which needs a shared one above.
        lines += ["mount --make-rshared /", f"touch '{self._folder}/ready'"]
        return "\n".join([*lines, "while :; do sleep 3600 & wait; done", ""])


def _cni(network: RegionNetwork) -> Object:
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isDefaultGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": network.pods}]]},
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def _kubelet(network: RegionNetwork, lease_seconds: int) -> Object:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        # Without a group for each class of pods, kubelet needs no say over the machine's groups.
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "address": network.wan,
        "healthzBindAddress": "127.0.0.1",
        # Nobody but the region and this machine reaches it.
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "clusterDNS": [network.wan],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "nodeLeaseDurationSeconds": lease_seconds,
        "nodeStatusUpdateFrequency": "2s",
        "syncFrequency": "10s",
        "imageMinimumGCAge": "1000h",
        "imageGCHighThresholdPercent": 100,
        # The disk is the machine's. A full one shall not throw pods off the node in the middle of a test.
        "evictionHard": {"memory.available": "50Mi"},
        "registerWithTaints": [TAINT],
        "maxPods": 60,
        "cpuManagerPolicy": "none",
    }


_CONTAINERD = """\
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Within what this process may: a machine that is a container itself may not lower it.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""

_COREFILE = """\
.:53 {{
    bind {network.wan}
    errors
    kubernetes cluster.local {{
        kubeconfig {kubeconfig} lab
        pods insecure
    }}
}}
"""
