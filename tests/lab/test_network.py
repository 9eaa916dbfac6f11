"""The lab's networks: who reaches whom, what a cut is, and what is left of a lab that was killed."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from lab.harness import LabError, Network, RegionNetwork, network_problem, sweep_networks, wait_for
from lab.harness import network as network_module
from tests.lab.conftest import need_network

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    need_network()
    with Network(["east", "west"]) as made:
        yield made


@contextlib.contextmanager
def _web(region: RegionNetwork, folder: Path) -> Iterator[str]:
    """A web server within a region that says the region's name."""
    place = folder / region.name
    place.mkdir()
    (place / "index.html").write_text(region.name, encoding="utf-8")
    program = [sys.executable, "-m", "http.server", "--bind", region.wan, "--directory", place, "8080"]
    with subprocess.Popen(region.command(program), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        url = f"http://{region.wan}:8080/"
        try:
            wait_for("an answer", lambda: _get(url) == region.name)
            yield url
        finally:
            server.kill()


def _get(url: str, seconds: float = 3) -> str:
    """What a server says, or why it says nothing."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=seconds).text
        except requests.RequestException as error:
            return type(error).__name__


def _get_from(region: RegionNetwork, url: str) -> str:
    fetch = ["from urllib.request import *; import sys"]
    fetch.append("opener = build_opener(ProxyHandler({})); print(opener.open(sys.argv[1], timeout=3).read().decode())")
    command = region.command([sys.executable, "-c", "\n".join(fetch), url])
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.splitlines()[-1]


def test_regions_reach_each_other_and_the_machine_reaches_both(network: Network, tmp_path: Path):
    with _web(network["east"], tmp_path) as east, _web(network["west"], tmp_path) as west:
        assert (_get(east), _get(west)) == ("east", "west")
        assert (_get_from(network["west"], east), _get_from(network["east"], west)) == ("east", "west")


def test_a_cut_region_falls_silent_for_all_and_comes_back_with_its_processes(network: Network, tmp_path: Path):
    with _web(network["east"], tmp_path) as east, _web(network["west"], tmp_path) as west:
        network["east"].cut()
        # Longer than the three seconds after which an unanswered ARP request would become "no route to host".
        assert _get(east, 5) == "ConnectTimeout", "no refusal and no 'no route to host': packets vanish"
        assert "timed out" in _get_from(network["west"], east)
        assert "timed out" in _get_from(network["east"], west)
        assert _get_from(network["east"], east) == "east", "within the region all goes on"
        assert _get(west) == "west", "the other region is not touched"
        network["east"].reconnect()
        assert _get(east) == "east"
        assert _get_from(network["east"], west) == "west"


def test_nothing_leaves_the_network(network: Network):
    """A TEST-NET address (RFC 5737): there is no route to it, where one with a default route would wait."""
    assert "unreachable" in _get_from(network["east"], "http://192.0.2.1/")


def test_two_labs_have_no_name_and_no_address_in_common(network: Network):
    with Network(["east"]) as other:
        ours, theirs = network["east"], other["east"]
        assert ours.namespace != theirs.namespace
        assert len({ours.wan, theirs.wan, network.machine, other.machine}) == 4
        assert "unreachable" in _get_from(theirs, f"http://{ours.wan}:8080/")
    assert _get_from(ours, f"http://{ours.wan}:1/").endswith("Connection refused>"), "the first one's is still there"


def test_closing_ends_what_still_runs_in_it(network: Network):
    with Network(["east"]) as other:
        namespace = other["east"].namespace
        left = subprocess.Popen(other["east"].command(["sleep", "600"]))
        wait_for("it has entered", lambda: Path(f"/proc/{left.pid}/comm").read_text() == "sleep\n")
    assert left.wait(10) == -9
    assert not Path("/run/netns", namespace).exists()


def test_what_a_killed_lab_left_is_removed_by_the_next_one(network: Network):
    program = (
        "import subprocess, time\nfrom lab.harness import Network\n"
        "with Network(['east']) as made:\n"
        "    left = subprocess.Popen(made['east'].command(['sleep', '600']))\n"
        "    print(made['east'].namespace, left.pid, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        try:
            namespace, pid = lab.stdout.readline().split()
            assert Path("/run/netns", namespace).exists()
        finally:
            lab.kill()
    sweep_networks()  # another run on this machine may have been first
    assert not Path("/run/netns", namespace).exists()
    assert namespace.partition("-")[0] not in {name for _, name in socket.if_nameindex()}, "the machine's link is gone"
    wait_for("the process's end", lambda: not Path(f"/proc/{pid}").exists())
    assert Path("/run/netns", network["east"].namespace).exists(), "this lab's owner lives"


def test_a_lab_that_fails_half_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch):
    need_network()
    before = set(network_module._namespaces())
    monkeypatch.setattr(network_module, "_introduce", lambda *_: (_ for _ in ()).throw(LabError("half way")))
    with pytest.raises(LabError, match="half way"), Network(["east"]):
        pytest.fail("it was made")
    assert set(network_module._namespaces()) <= before


def test_without_root_it_says_so_and_makes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert network_problem() == "networks of regions need root"
    with pytest.raises(LabError, match="need root"), Network(["east"]):
        pytest.fail("it was made")
    assert sweep_networks() == []
