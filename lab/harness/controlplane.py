"""The command lines of a control plane, on loopback or in a region's network, and the files that it needs."""

import json
import secrets
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.harness.network import RegionNetwork
from lab.harness.tools import tool

#: Seconds that a node's lease lasts; kwok renews it every quarter of that.
LEASE_SECONDS = 8
#: Seconds without a renewed lease after which a node is taken for dead. Kubernetes' own default is 50.
GRACE_SECONDS = 12


@dataclass(frozen=True)
class ControlPlane:
    """Where a control plane listens and what it is given. Everything stands in `folder`."""

    folder: Path
    ports: tuple[int, int, int]
    token: str
    network: RegionNetwork | None = None

    @classmethod
    def prepare(cls, folder: Path, network: RegionNetwork | None = None) -> "ControlPlane":
        """Choose ports, and make the token and the key for service accounts."""
        ports = _free_ports() if network is None else (2379, 2380, 6443)  # in a network of its own all are free
        plane = cls(folder, ports, secrets.token_hex(16), network)
        plane.token_file.write_text(f"{plane.token},lab,lab,system:masters\n", encoding="utf-8")
        key = subprocess.run([tool("cluster"), "key"], check=True, capture_output=True).stdout
        plane.key_file.write_bytes(key)
        plane.kubeconfig.write_text(json.dumps(plane._kubeconfig(), indent=2), encoding="utf-8")
        for path in (plane.token_file, plane.key_file, plane.kubeconfig):
            path.chmod(0o600)
        return plane

    @property
    def address(self) -> str:
        return self.network.wan if self.network else "127.0.0.1"

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.ports[2]}"

    @property
    def console_url(self) -> str:
        """Where the harness asks: over the cable that nobody cuts, if there is one."""
        return f"https://{self.network.console}:{self.ports[2]}" if self.network else self.url

    def _placed(self, command: Sequence[str | Path]) -> list[str]:
        return self.network.command(command) if self.network else [str(part) for part in command]

    @property
    def authority(self) -> Path:
        """What signed the API server's certificate; it writes the file when it first starts."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def token_file(self) -> Path:
        return self.folder / "tokens.csv"

    @property
    def key_file(self) -> Path:
        return self.folder / "service-accounts.key"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def _kubeconfig(self) -> dict[str, object]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [
                {"name": "lab", "cluster": {"server": self.url, "certificate-authority": str(self.authority)}}
            ],
            "users": [{"name": "lab", "user": {"token": self.token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        }

    def etcd(self) -> list[str]:
        clients, peers = (f"http://127.0.0.1:{port}" for port in self.ports[:2])
        command = [
            *(tool("cluster"), "etcd", "--unsafe-no-fsync", "--log-level", "warn", "--name", "lab"),
            *("--data-dir", self.folder / "etcd"),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"lab={peers}"),
        ]
        return self._placed(command)

    def apiserver(self) -> list[str]:
        command = [
            *(tool("cluster"), "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{self.ports[0]}"),
            *self._listening(),
            *("--secure-port", str(self.ports[2]), "--cert-dir", self.authority.parent),
            *("--token-auth-file", self.token_file, "--authorization-mode", "RBAC"),
            *("--service-account-key-file", self.key_file, "--service-account-signing-key-file", self.key_file),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--allow-privileged", "--kubelet-preferred-address-types", "InternalIP"),
        ]
        return self._placed(command)

    def _listening(self) -> tuple[str, ...]:
        if self.network is None:
            # Nothing reaches the server through the Service "kubernetes", and a loopback address is refused as its
            # endpoint.
            here = ("--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1")
            return (*here, "--service-cluster-ip-range", "10.96.0.0/16", "--endpoint-reconciler-type", "none")
        # On all addresses of its network: the wide area's and the console's.
        here = ("--bind-address", "0.0.0.0", "--advertise-address", self.network.wan)  # noqa: S104
        return (*here, "--service-cluster-ip-range", self.network.services)

    def controllers(self) -> list[str]:
        command = [
            *(tool("cluster"), "kube-controller-manager", "--kubeconfig", self.kubeconfig, "--leader-elect=false"),
            *("--secure-port", "0", "--service-account-private-key-file", self.key_file),
            *("--root-ca-file", self.authority, "--kube-api-qps", "200", "--kube-api-burst", "400"),
            # Dead nodes are seen within seconds instead of a minute, and all nodes of a zone are tainted in turn
            # within a second instead of one each ten seconds (--node-eviction-rate, default 0.1).
            *("--node-monitor-period", "1s", "--node-monitor-grace-period", f"{GRACE_SECONDS}s"),
            *("--node-startup-grace-period", "20s", "--node-eviction-rate", "20"),
        ]
        return self._placed(command)

    def scheduler(self) -> list[str]:
        command = [
            *(tool("cluster"), "kube-scheduler", "--kubeconfig", self.kubeconfig, "--leader-elect=false"),
            *("--secure-port", "0", "--kube-api-qps", "200", "--kube-api-burst", "400"),
        ]
        return self._placed(command)

    def kubelets(self, zone: str, number: int) -> list[str]:
        """The simulated kubelets of one zone: one process, so that the zone can be lost by ending it."""
        command = [
            *(tool("kwok"), "--kubeconfig", self.kubeconfig, "--config", Path(__file__).with_name("stages.yaml")),
            *("--manage-nodes-with-label-selector", f"lab.hakit/zone={zone}"),
            *("--node-lease-duration-seconds", str(LEASE_SECONDS), "--cidr", f"10.{100 + number}.0.1/16"),
            *("--node-ip", f"10.200.{number}.1", "--server-address", ""),
        ]
        return self._placed(command)


def _free_ports() -> tuple[int, int, int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    first, second, third = (each.getsockname()[1] for each in held)
    for each in held:
        each.close()
    return first, second, third
