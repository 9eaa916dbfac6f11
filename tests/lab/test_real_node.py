"""The lab's real node: containers run, packets flow, volumes hold data, and nothing is left of it."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.harness import LabRegion, Network, RefusedError, sweep, sweep_networks, wait_for
from lab.harness.processes import started_at
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.tools import NODE_TOOLS, POSTGRES_TOOLS, REGION_TOOLS
from tests.lab.conftest import need, need_network, running

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/postgresql:15"


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, *NODE_TOOLS)
    need_network()
    with Network(["east"]) as network, running(request, "east", ["a", "b"], hosts=1, network=network["east"]) as found:
        found.start_node()
        found.start_volumes()
        yield found


def _pod(name: str, command: list[str], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "nodeSelector": LABEL,
            "tolerations": [TOLERATION],
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": IMAGE, "command": command, **spec.pop("container", {})}],
            **spec,
        },
    }


def _said(region: LabRegion, namespace: str, pod: str) -> str:
    """What a pod has written. The API server asks the real kubelet for it."""
    path = region.client.path("v1", "Pod", pod, namespace)
    try:
        return region.client.request("GET", f"{path}/log")
    except RefusedError as error:
        return str(error)  # while a node starts again, its kubelet does not know its pods yet


def _wait_until_it_says(region: LabRegion, namespace: str, pod: str, text: str) -> None:
    region.wait_for(f"{pod} runs", lambda: _phase(region, namespace, pod), lambda phase: phase != "Pending")
    region.wait_for(f"what {pod} says", lambda: _said(region, namespace, pod), lambda said: said == text)


def _phase(region: LabRegion, namespace: str, pod: str) -> str:
    return region.client.get("v1", "Pod", pod, namespace)["status"]["phase"]


def test_a_container_runs_and_only_what_asks_for_it_lands_there(region: LabRegion, namespace: str):
    region.apply([_pod("asking", ["echo", "I run"], restartPolicy="Never")], namespace)
    other = _pod("other", ["echo", "nothing runs me"], nodeSelector=None, tolerations=None)
    region.apply([{**other, "spec": {k: v for k, v in other["spec"].items() if v is not None}}], namespace)
    _wait_until_it_says(region, namespace, "asking", "I run\n")
    assert region.client.get("v1", "Pod", "asking", namespace)["spec"]["nodeName"] == "east-real"
    place = region.wait_for(
        "the other's place", lambda: region.client.get("v1", "Pod", "other", namespace)["spec"].get("nodeName")
    )
    assert place in ("east-a-0", "east-b-0"), "a simulated node"


def test_a_service_is_found_by_name_and_its_packets_reach_the_pod(region: LabRegion, namespace: str):
    program = (
        "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;"
        "while (my $c = $s->accept) { print $c 'hello'; close $c }"
    )
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    fetch = f"until exec 3<>/dev/tcp/web.{namespace}.svc.cluster.local/80; do sleep 1; done; cat <&3"
    client = _pod("client", ["bash", "-c", f"{{ {fetch}; }} 2>/dev/null"], restartPolicy="Never")
    region.apply([_pod("web", ["perl", "-e", program]), service, client], namespace)
    _wait_until_it_says(region, namespace, "client", "hello")


@pytest.mark.long
def test_a_node_that_loses_its_power_comes_back_with_its_volumes(region: LabRegion, namespace: str):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    pod = _pod(
        "counting",
        ["bash", "-c", "echo run >> /data/runs; cat /data/runs; exec sleep 1000"],
        container={"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    )
    region.apply([claim, pod], namespace)
    _wait_until_it_says(region, namespace, "counting", "run\n")
    node = region.node
    processes = node.processes()
    assert len(processes) > 5, "containerd, kubelet, kube-proxy, CoreDNS, a supervisor and the pod's own"
    node.lose()
    assert [pid for pid in processes if started_at(pid)] == [], "the containers ended with it"
    node.start()
    _wait_until_it_says(region, namespace, "counting", "run\nrun\n")


def test_a_volume_in_a_simulated_zone_stays_in_that_zone(region: LabRegion, namespace: str):
    """The pod that comes back for it goes to the same zone, or waits: as with a cloud's zonal disks."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "zonal"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "zonal"}}]
    pod = _pod("zonal", ["true"], volumes=volumes, nodeSelector={"topology.kubernetes.io/zone": "b"})
    region.apply([claim, pod], namespace)
    bound = region.wait_for(
        "the claim's volume",
        lambda: region.client.get("v1", "PersistentVolumeClaim", "zonal", namespace),
        lambda found: found["status"]["phase"] == "Bound",
    )
    volume = region.client.get("v1", "PersistentVolume", bound["spec"]["volumeName"])
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["b"]}]
    region.client.delete("v1", "Pod", "zonal", namespace, now=True)
    region.client.delete("v1", "PersistentVolumeClaim", "zonal", namespace)
    region.wait_for(
        "the volume's end", lambda: region.client.find("v1", "PersistentVolume", volume["metadata"]["name"]), _is_none
    )
    assert not Path(volume["spec"]["hostPath"]["path"]).exists()


def _is_none(found: object) -> bool:
    return found is None


@pytest.mark.long
def test_nothing_is_left_of_a_real_node_whose_lab_was_killed_outright(region: LabRegion):
    program = (
        "import time\nfrom lab.harness import LabRegion, Network\n"
        "with Network(['killed']) as network:\n"
        "    with LabRegion('killed', zones=['a'], hosts=1, network=network['killed']) as region:\n"
        "        region.start_node()\n"
        "        print(region._processes.folder, region.network.namespace, flush=True)\n        time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other, _ended(other):
        assert other.stdout is not None
        said = other.stdout.readline().split()
        assert len(said) == 2, "it started"
        folder, namespace = Path(said[0]), said[1]
        record = json.loads((folder / "processes.json").read_text(encoding="utf-8"))
        assert {"node", "containerd", "kubelet", "kube-proxy", "coredns"} <= set(record["processes"])
        other.kill()
    sweep(folder.parent)
    sweep_networks()
    wait_for("the end of all its processes", lambda: _with(str(folder)), lambda left: not left)
    assert not folder.exists()
    assert not Path("/run/netns", namespace).exists()
    assert str(folder) not in Path("/proc/self/mounts").read_text(encoding="utf-8")
    assert region.client.is_ready(), "the region of this test is not swept: its owner lives"


def _with(text: str) -> list[str]:
    """The command lines on this machine that hold a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(encoding="utf-8", errors="replace").replace("\0", " ")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


@pytest.mark.long
def test_a_lab_to_explore_says_how_and_ends_when_it_is_told_from_elsewhere(tmp_path: Path):
    """`make lab` and `make lab-down`, but for where they remember which lab is open: this test ends nobody else's."""
    need(*REGION_TOOLS, *POSTGRES_TOOLS)
    need_network()
    program = "from pathlib import Path; from lab.harness import __main__ as lab; lab._OPEN = Path({!r}); lab.{}"
    remembered = str(tmp_path / "open.json")
    up = [sys.executable, "-c", program.format(remembered, "up(['solo'])")]
    with subprocess.Popen(up, cwd=ROOT, stdout=subprocess.PIPE, text=True) as lab, _ended(lab):
        assert lab.stdout is not None
        said = [lab.stdout.readline() for _ in range(7)]
        assert said[0].startswith("solo: 3 zones, 6 nodes; logs in ")
        kubeconfig = Path(said[1].removeprefix("  export KUBECONFIG=").strip())
        assert kubeconfig.exists()
        assert said[-1] == "Ctrl-C, or `make lab-down` from elsewhere, takes everything down.\n"
        cut, reconnect = (line.split() for line in said[2:4])
        server = json.loads(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
        assert _answers(server)
        subprocess.run(cut, check=True)
        assert not _answers(server)
        subprocess.run(reconnect, check=True)
        assert _answers(server)
        down = [sys.executable, "-c", program.format(remembered, "down()")]
        done = subprocess.run(down, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
        assert done.stdout.startswith("the lab is down\n"), done.stdout + done.stderr
        assert lab.wait(10) == 143, "ended by SIGTERM"
    assert not kubeconfig.parent.exists()
    assert _with(str(kubeconfig.parent)) == []


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever fails in the block, the process is told to end: leaving its own block only waits for it."""
    try:
        yield
    finally:
        process.terminate()


def _answers(server: str) -> bool:
    host, port = server.removeprefix("https://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
    except OSError:
        return False
    return True
