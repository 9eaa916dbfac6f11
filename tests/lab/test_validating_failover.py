"""The first command of docs/validating-failover.md, as it stands there, against two origins with a certificate."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.harness.tools import ROOT
from tests.docs.test_documentation import blocks
from tests.lab.certificates import certificate
from tests.lab.conftest import need_network

pytestmark = pytest.mark.lab

HOST = "shop.example.com"
#: On loopback, where nothing else of this machine listens.
ADDRESSES = {"us-east-1": "127.77.0.1", "us-west-2": "127.77.0.2"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Two origins on port 443, which takes root, and a curl that knows their names and their authority."""
    need_network()
    authority, *pair = certificate(tmp_path, HOST)
    processes = []
    lines = [f"cacert = {authority}"]
    try:
        for region, address in ADDRESSES.items():
            (tmp_path / region).mkdir()
            command = [sys.executable, "-m", "lab.edge.origin", region, address, "443", HOST, tmp_path / region, *pair]
            process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, text=True)
            processes.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == "443\n"
            lines.append(f"resolve = {region}.origin.{HOST}:443:{address}")
        (tmp_path / ".curlrc").write_text("\n".join(lines) + "\n")
        yield tmp_path
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_each_region_is_asked_past_the_load_balancer_and_says_its_role(folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    command = blocks(ROOT / "docs" / "validating-failover.md", "sh")[0]

    def said() -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        return subprocess.run(
            ["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=False
        ).stdout

    (folder / "us-west-2" / "ready").touch()
    assert said() == "us-east-1 200\nus-west-2 503\n", "one is active, the other waits"
    (folder / ".curlrc").write_text((folder / ".curlrc").read_text().replace("cacert", "#"))
    assert said() == "us-east-1 000\nus-west-2 000\n", "a certificate that nobody trusts"
