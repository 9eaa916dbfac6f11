"""A database in two regions as CloudNativePG's own documentation has it (replica_cluster.md, distributed topology), and
nothing of hakit: what its commands are measured against, typed by hand as a person would with `kubectl`.

Nothing fences, nothing guards, nobody writes down what was done: the figures are a floor, and not a way to work.
"""

import subprocess
import time
from dataclasses import dataclass
from typing import Any

from lab.harness import Lab
from lab.harness.cnpg import POSTGRES_IMAGE
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.tools import tool
from tests.lab.fence_program import CLUSTERS
from tests.lab.pair_by_up import authority
from tests.lab.writing import PASSWORD, connect

Manifest = dict[str, Any]

#: Of each node: a port for each such database.
PORTS = {"floor": 30501, "guide": 30502}


@dataclass(frozen=True)
class Plain:
    """One database, in a namespace of its own name; its Clusters are `<name>-a` and `<name>-b`."""

    lab: Lab
    name: str

    @property
    def port(self) -> int:
        return PORTS[self.name]

    def place(self, region: str) -> dict[str, Any]:
        """Where a writer finds it."""
        return {"host": self.lab[region].network.wan, "port": self.port}

    def make(self) -> None:
        """Both sides, `a` first; both are healthy then, and the tables of `pair_by_up.made` are there."""
        shared = authority(self.name)
        shared["metadata"]["name"] = f"{self.name}-ca"
        for region in self.lab:
            region.namespace(self.name)
            region.apply([shared, self._login(), self._entrance(region.name)], self.name)
        for region in ("a", "b"):
            self.lab[region].apply([self._cluster(region)], self.name)
            self.healthy(region)
        with connect(**self.place("a")) as connection:
            for table in ("orders (id bigint primary key", "probes (id bigserial primary key"):
                connection.execute(
                    f"create table if not exists {table}, at timestamptz not null default clock_timestamp())"
                )

    def healthy(self, region: str) -> None:
        self.lab[region].wait_for(
            f"{self.name}-{region} healthy",
            lambda: self.lab[region].client.get(*CLUSTERS, f"{self.name}-{region}", self.name).get("status", {}),
            lambda status: status.get("readyInstances") == 1 and "healthy" in status.get("phase", ""),
            seconds=300,
        )

    def kubectl(self, region: str, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tool("kubectl")), "--kubeconfig", str(self.lab[region].kubeconfig), "-n", self.name, *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def promote(self, region: str) -> None:
        """The failover of CloudNativePG's documentation: one patch on the side that is left."""
        own = f"{self.name}-{region}"
        patch = f'{{"spec": {{"replica": {{"primary": "{own}"}}}}}}'
        done = self.kubectl(region, "patch", "cluster", own, "--type", "merge", "-p", patch)
        assert done.returncode == 0, done.stderr

    def switch(self, old: str, new: str) -> None:
        """Its planned switchover: demote, copy the token, promote with it; one patch each. Nothing is put away."""
        before, after = f"{self.name}-{old}", f"{self.name}-{new}"
        demote = f'{{"spec": {{"replica": {{"primary": "{after}", "source": "{after}"}}}}}}'
        assert self.kubectl(old, "patch", "cluster", before, "--type", "merge", "-p", demote).returncode == 0
        token = ""
        while not token:
            token = self.kubectl(old, "get", "cluster", before, "-o", "jsonpath={.status.demotionToken}").stdout
            time.sleep(0.1)
        promote = f'{{"spec": {{"replica": {{"primary": "{after}", "promotionToken": "{token}"}}}}}}'
        assert self.kubectl(new, "patch", "cluster", after, "--type", "merge", "-p", promote).returncode == 0

    def settle(self, region: str) -> None:
        """A token that is left in place would stop the next switchover (cloudnative-pg#9273)."""
        self.healthy(region)
        patch = '{"spec": {"replica": {"promotionToken": null}}}'
        own = f"{self.name}-{region}"
        assert self.kubectl(region, "patch", "cluster", own, "--type", "merge", "-p", patch).returncode == 0
        for each in ("a", "b"):
            self.healthy(each)

    def by_the_guide(self, region: str) -> list[str]:
        """What the usual guide has a person type after the loss of the other region, without the load balancer's part;
        what each command said, failures too."""
        commands = [
            ["get", "pods"],
            ["exec", f"{self.name}-{region}-1", "-c", "postgres", "--", "pg_isready"],
            ["exec", f"{self.name}-{region}-1", "-c", "postgres", "--", "psql", "-c", "SELECT pg_promote();"],
        ]
        said = []
        for words in commands:
            done = self.kubectl(region, *words)
            said.append(f"{words[-1]}: {(done.stdout + done.stderr).strip().splitlines()[-1:]}")
        return said

    def _login(self) -> Manifest:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/basic-auth",
            "metadata": {"name": f"{self.name}-app"},
            "stringData": {"username": "app", "password": PASSWORD},
        }

    def _entrance(self, region: str) -> Manifest:
        selector = {"cnpg.io/cluster": f"{self.name}-{region}", "cnpg.io/instanceRole": "primary"}
        spec = {"type": "NodePort", "selector": selector, "ports": [{"port": 5432, "nodePort": self.port}]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "route"}, "spec": spec}

    def _cluster(self, region: str) -> Manifest:
        owner = {"database": "orders", "owner": "app", "secret": {"name": f"{self.name}-app"}}
        first = region == "a"
        return {
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Cluster",
            "metadata": {"name": f"{self.name}-{region}"},
            "spec": {
                "instances": 1,
                "imageName": POSTGRES_IMAGE,
                "imagePullPolicy": "Never",
                "smartShutdownTimeout": 5,
                "storage": {"size": "1Gi", "storageClass": "lab"},
                "certificates": {"serverCASecret": f"{self.name}-ca", "clientCASecret": f"{self.name}-ca"},
                "affinity": {"nodeSelector": LABEL, "tolerations": [TOLERATION]},
                "bootstrap": {"initdb": owner} if first else {"pg_basebackup": {"source": f"{self.name}-a", **owner}},
                "replica": {"self": f"{self.name}-{region}", "primary": f"{self.name}-a", "source": f"{self.name}-a"},
                "externalClusters": [self._member(region, each) for each in ("a", "b")],
            },
        }

    def _member(self, region: str, each: str) -> Manifest:
        certificates = {"name": f"{self.name}-{region}-replication"}
        return {
            "name": f"{self.name}-{each}",
            "connectionParameters": {
                "host": self.lab[each].network.wan,
                "port": str(self.port),
                "user": "streaming_replica",
                "dbname": "postgres",
                "sslmode": "verify-ca",
            },
            "sslKey": {**certificates, "key": "tls.key"},
            "sslCert": {**certificates, "key": "tls.crt"},
            "sslRootCert": {"name": f"{self.name}-ca", "key": "ca.crt"},
        }
