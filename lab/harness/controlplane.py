"""The command lines of a control plane on loopback, and the files that it needs."""

import json
import secrets
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

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

    @classmethod
    def prepare(cls, folder: Path) -> "ControlPlane":
        """Choose free ports, and make the token and the key for service accounts."""
        plane = cls(folder, _free_ports(), secrets.token_hex(16))
        plane.token_file.write_text(f"{plane.token},lab,lab,system:masters\n", encoding="utf-8")
        key = subprocess.run([tool("cluster"), "key"], check=True, capture_output=True).stdout
        plane.key_file.write_bytes(key)
        plane.kubeconfig.write_text(json.dumps(plane._kubeconfig(), indent=2), encoding="utf-8")
        for path in (plane.token_file, plane.key_file, plane.kubeconfig):
            path.chmod(0o600)
        return plane

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.ports[2]}"

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

    def etcd(self) -> list[str | Path]:
        clients, peers = (f"http://127.0.0.1:{port}" for port in self.ports[:2])
        return [
            *(tool("cluster"), "etcd", "--unsafe-no-fsync", "--log-level", "warn", "--name", "lab"),
            *("--data-dir", self.folder / "etcd"),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"lab={peers}"),
        ]

    def apiserver(self) -> list[str | Path]:
        return [
            *(tool("cluster"), "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{self.ports[0]}"),
            *("--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1"),
            *("--secure-port", str(self.ports[2]), "--cert-dir", self.authority.parent),
            *("--token-auth-file", self.token_file, "--authorization-mode", "RBAC"),
            *("--service-account-key-file", self.key_file, "--service-account-signing-key-file", self.key_file),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-cluster-ip-range", "10.96.0.0/16", "--allow-privileged"),
            # Nothing in the lab reaches the server through the Service "kubernetes", and a loopback address is
            # refused as its endpoint.
            *("--endpoint-reconciler-type", "none"),
        ]

    def controllers(self) -> list[str | Path]:
        return [
            *(tool("cluster"), "kube-controller-manager", "--kubeconfig", self.kubeconfig, "--leader-elect=false"),
            *("--secure-port", "0", "--service-account-private-key-file", self.key_file),
            *("--root-ca-file", self.authority, "--kube-api-qps", "200", "--kube-api-burst", "400"),
            # Dead nodes are seen within seconds instead of a minute, and all nodes of a zone are tainted in turn
            # within a second instead of one each ten seconds (--node-eviction-rate, default 0.1).
            *("--node-monitor-period", "1s", "--node-monitor-grace-period", f"{GRACE_SECONDS}s"),
            *("--node-startup-grace-period", "20s", "--node-eviction-rate", "20"),
        ]

    def scheduler(self) -> list[str | Path]:
        return [
            *(tool("cluster"), "kube-scheduler", "--kubeconfig", self.kubeconfig, "--leader-elect=false"),
            *("--secure-port", "0", "--kube-api-qps", "200", "--kube-api-burst", "400"),
        ]

    def kubelets(self, zone: str, number: int) -> list[str | Path]:
        """The simulated kubelets of one zone: one process, so that the zone can be lost by ending it."""
        return [
            *(tool("kwok"), "--kubeconfig", self.kubeconfig, "--config", Path(__file__).with_name("stages.yaml")),
            *("--manage-nodes-with-label-selector", f"lab.hakit/zone={zone}"),
            *("--node-lease-duration-seconds", str(LEASE_SECONDS), "--cidr", f"10.{100 + number}.0.1/16"),
            *("--node-ip", f"10.200.{number}.1", "--server-address", ""),
        ]


def _free_ports() -> tuple[int, int, int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    first, second, third = (each.getsockname()[1] for each in held)
    for each in held:
        each.close()
    return first, second, third
