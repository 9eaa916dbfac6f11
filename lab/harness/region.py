"""One region: a control plane, nodes in zones, and what can happen to them."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from lab.harness import waiting
from lab.harness.client import Client, Object, RefusedError
from lab.harness.controlplane import GRACE_SECONDS, LEASE_SECONDS, ControlPlane
from lab.harness.network import RegionNetwork
from lab.harness.nodes import UNZONED, is_ready, node, ready_pod
from lab.harness.processes import LabError, Processes, kept_logs, sweep
from lab.harness.realnode import RealNode
from lab.harness.tools import STATE
from lab.harness.volumes import Provisioner

T = TypeVar("T")
_PLANE = ("kube-controller-manager", "kube-scheduler", "kube-apiserver", "etcd")


class LabRegion:
    """A Kubernetes cluster: real control plane, simulated nodes (kwok), and a real node when it is asked for.

    Args:
        name: of the region; it appears in names of nodes and folders.
        zones: names of the zones.
        hosts: nodes in each zone.
        unzoned: nodes without a zone label.
        cpu, memory: allocatable of each simulated node.
        network: the region's own, which can be cut and have a real node; loopback without one.

    Raises:
        FileNotFoundError: a tool is not built.
        LabError: a program did not start.
    """

    def __init__(  # noqa: PLR0913  each is a fact of the region
        self,
        name: str,
        zones: Sequence[str],
        *,
        hosts: int = 2,
        unzoned: int = 0,
        cpu: str = "8",
        memory: str = "32Gi",
        network: RegionNetwork | None = None,
    ) -> None:
        self.name = name
        self.zones = list(zones)
        self._hosts = dict.fromkeys(zones, hosts) | ({UNZONED: unzoned} if unzoned else {})
        self._size = (cpu, memory)
        self._network = network
        self._node: RealNode | None = None
        self._provisioner: Provisioner | None = None
        self._folder = STATE / f"{name}-{os.getpid()}-{time.monotonic_ns() % 10**6}"

    def __enter__(self) -> Self:
        sweep(STATE)
        self._processes = Processes(self._folder)
        try:
            self._plane = ControlPlane.prepare(self._folder, self._network)
            self.restore()
            for zone, count in self._hosts.items():
                for number in range(count):
                    # Server-side apply would leave out the status, and with it what the node has to give.
                    self.client.create(node(self.name, zone, number, *self._size))
                self._start_kubelets(zone)
            self._wait_for_nodes("all nodes ready")
        except BaseException:
            self.close(keep_logs=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close(keep_logs=kind is not None)

    def close(self, *, keep_logs: bool = False) -> None:
        """End every process and remove what it wrote, but for the logs when they are asked for."""
        if not hasattr(self, "_processes"):
            return  # it has not started
        if self._provisioner is not None:
            self._provisioner.stop()
            self._provisioner = None
        if hasattr(self, "client"):
            self.client.close()
        self._processes.close(keep_logs=keep_logs)

    @property
    def kubeconfig(self) -> Path:
        return self._plane.kubeconfig

    @property
    def logs(self) -> Path:
        """Where the logs are while the region runs; after a failure they are in `kept_logs`."""
        return self._processes.logs

    @property
    def kept_logs(self) -> Path:
        return kept_logs(self._folder)

    def another_client(self) -> Client:
        """A connection of its own, for another thread; whoever asks for it closes it."""
        return Client(self._plane.console_url, self._plane.token, self._plane.authority)

    # The control plane's end, and its return with all that it knew

    def kill(self) -> None:
        """The control plane dies at once. The pods stay as they are: their kubelets do not need it to run."""
        self._processes.stop(*_PLANE)

    def restore(self) -> None:
        """The control plane starts, for the first time or again, on the same data and ports."""
        self._processes.start("etcd", self._plane.etcd())
        self._processes.start("kube-apiserver", self._plane.apiserver())
        self.wait_for("the API server's certificate", self._plane.authority.exists)
        self.client = self.another_client()
        self.wait_for("the API server", self.client.is_ready)
        self._processes.start("kube-controller-manager", self._plane.controllers())
        self._processes.start("kube-scheduler", self._plane.scheduler())
        self.wait_for(
            "the namespace's service account", lambda: self.client.find("v1", "ServiceAccount", "default", "default")
        )

    # The wide area, and the node that runs containers

    @property
    def network(self) -> RegionNetwork:
        if self._network is None:
            raise LabError(f"region {self.name} is on loopback: give it a network")
        return self._network

    def cut(self) -> None:
        """The region is cut off from all others and from this machine; the harness still sees it by the console."""
        self.network.cut()

    def reconnect(self) -> None:
        self.network.reconnect()

    def start_node(self) -> RealNode:
        """A node that runs containers, `<region>-real`; only what tolerates its taint lands on it."""
        name = f"{self.name}-real"
        self._node = RealNode(
            name,
            folder=self._folder / "node",
            network=self.network,
            kubeconfig=self.kubeconfig,
            lease_seconds=LEASE_SECONDS,
            processes=self._processes,
        )
        self._node.start()
        self.wait_for(f"node {name} ready", lambda: is_ready(self.client.find("v1", "Node", name) or {}))
        return self._node

    @property
    def node(self) -> RealNode:
        if self._node is None:
            raise LabError(f"region {self.name} has no real node: `start_node()`")
        return self._node

    def start_volumes(self) -> None:
        """Volumes on demand, in the zone of the node that a claim's pod goes to; see `Provisioner`."""
        self._provisioner = Provisioner(self.another_client(), self._folder / "volumes")
        self._provisioner.start()

    # Zones and nodes

    def lose_zone(self, zone: str, *, seconds: float = GRACE_SECONDS + 30) -> None:
        """Every kubelet of a zone falls silent; returns when the control plane has noticed and tainted its nodes."""
        self._processes.stop(f"kubelets-{zone}")
        self.wait_for(
            f"all nodes of {zone} tainted as unreachable",
            lambda: [each["metadata"]["name"] for each in self.nodes(zone) if not unreachable_since(each)],
            lambda untainted: not untainted,
            seconds=seconds,
        )

    def restore_zone(self, zone: str) -> None:
        """The kubelets of a zone are back; returns when its nodes are ready and carry no taint."""
        self._start_kubelets(zone)
        self._wait_for_nodes(f"all nodes of {zone} ready again", zone)

    def _wait_for_nodes(self, what: str, zone: str | None = None) -> None:
        # A node carries its taint for a moment longer than it is not ready, and a spread that honours taints does not
        # count its zone meanwhile: pods would lie where they should not.
        self.wait_for(
            what,
            lambda: [each for each in self.nodes(zone) if not is_ready(each) or each["spec"].get("taints")],
            lambda down: not down,
        )

    def _start_kubelets(self, zone: str) -> None:
        number = list(self._hosts).index(zone)
        self._processes.start(f"kubelets-{zone}", self._plane.kubelets(zone, number))

    def nodes(self, zone: str | None = None, *, ready: bool | None = None) -> list[Object]:
        found = self.client.list("v1", "Node", labels={"lab.hakit/zone": zone} if zone else None)
        return [each for each in found if ready in (None, is_ready(each))]

    def cordon(self, name: str, *, off: bool = False) -> None:
        self.client.merge("v1", "Node", name, {"spec": {"unschedulable": None if off else True}})

    def drain(self, *names: str, seconds: float = 60) -> list[RefusedError]:
        """Empty nodes through the Eviction API, all at once, as `kubectl drain` does; they stay cordoned.

        Returns:
            The evictions that a disruption budget put off, in order.
        """
        for name in names:
            self.cordon(name)
        refusals: list[RefusedError] = []

        def left() -> list[str]:
            staying = [pod for pod in self.client.list("v1", "Pod") if pod["spec"].get("nodeName") in names]
            for pod in staying:
                if "deletionTimestamp" in pod["metadata"]:
                    continue
                try:
                    self.client.evict(pod["metadata"]["name"], pod["metadata"]["namespace"])
                except RefusedError as error:
                    if error.status == 429:
                        refusals.append(error)
                    elif error.status != 404:
                        raise
            return [pod["metadata"]["name"] for pod in staying]

        self.wait_for(f"no pod left on {', '.join(names)}", left, lambda pods: not pods, seconds=seconds)
        return refusals

    # Objects

    def namespace(self, name: str) -> str:
        """Make a namespace, ready for pods, and return its name."""
        self.client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.wait_for(
            f"the service account of {name}", lambda: self.client.find("v1", "ServiceAccount", "default", name)
        )
        return name

    def apply(self, objects: Iterable[Object], namespace: str = "default", **options: Any) -> list[Object]:
        """Server-side apply with strict field validation; see `Client.apply`."""
        return self.client.apply_all(objects, namespace, **options)

    def pods(self, namespace: str, app: str | None = None) -> list[Object]:
        """Pods that nobody has deleted, by the label `app.kubernetes.io/instance`."""
        labels = {"app.kubernetes.io/instance": app} if app else None
        found = self.client.list("v1", "Pod", namespace, labels)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, namespace: str, app: str | None = None) -> list[Object]:
        return [pod for pod in self.pods(namespace, app) if ready_pod(pod)]

    def zone_counts(self, pods: Iterable[Object]) -> dict[str, int]:
        """How many of the pods are in each zone; zones without one are in it too, pods without a node are not."""
        zones = {each["metadata"]["name"]: each["metadata"]["labels"]["lab.hakit/zone"] for each in self.nodes()}
        counts = dict.fromkeys(self.zones, 0)
        for pod in pods:
            if place := pod["spec"].get("nodeName"):
                counts[zones[place]] = counts.get(zones[place], 0) + 1
        return counts

    def wait_for(
        self, what: str, look: Callable[[], T], until: Callable[[T], bool] = bool, *, seconds: float = 120
    ) -> T:
        """Wait; see `waiting.wait_for`. It stops early when a program of the region has died."""

        def looking() -> T:
            for name in self._processes.names():
                self._processes.check(name)
            return look()

        return waiting.wait_for(
            f"{self.name}: {what}", looking, until, seconds=seconds, hint=lambda: f"logs: {self.kept_logs}"
        )


def unreachable_since(given: Object) -> str | None:
    """Since when pods are evicted from a node that does not answer; None when they are not."""
    for taint in given["spec"].get("taints") or []:
        if (taint["key"], taint["effect"]) == ("node.kubernetes.io/unreachable", "NoExecute"):
            return taint.get("timeAdded")
    return None


__all__ = ["LabError", "LabRegion", "unreachable_since"]
