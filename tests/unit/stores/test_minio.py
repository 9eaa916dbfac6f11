"""MinioSiteReplication: its Job, what its script does, and what is refused.

The script runs in a real shell; `mc` is a stand-in, as neither mc nor MinIO is in a package registry. It holds to mc's
own source (https://github.com/minio/mc, cmd/alias-set.go, cmd/admin-replicate-add.go, cmd/admin-replicate-info.go) and
MinIO's page on site replication: keys are read from standard input when they are not arguments; `info` prints JSON with
`sites[].endpoint`; `add` takes aliases, and refuses when more than one site has data. What this does not prove: that
MinIO replicates anything.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan import minio
from tests.unit.postgres.given import FAILOVER
from tests.unit.stores.given import SITES, minio_spec

MC = """#!{python}
import json, os, pathlib, sys

state = pathlib.Path(os.environ["MC_CONFIG_DIR"], "state.json")
known = json.loads(state.read_text())
words = [word for word in sys.argv[1:] if word != "--json"]
known["calls"].append(words)
if words[:2] == ["alias", "set"]:
    key, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    if [key, secret] != known["keys"][words[3]]:
        sys.exit("mc: <ERROR> Unable to initialize new alias from the provided credentials.")
    known["aliases"][words[2]] = words[3]
elif words[:3] == ["admin", "replicate", "info"]:
    sites = [{{"endpoint": each, "name": "x"}} for each in known["sites"]]
    print(json.dumps({{"enabled": bool(sites), "sites": sites}}, indent=1))
elif words[:3] == ["admin", "replicate", "add"]:
    endpoints = [known["aliases"][alias] for alias in words[3:]]
    if len(set(endpoints) & set(known["data"])) > 1:
        sys.exit("mc: <ERROR> Unable to add sites for replication. Only one site may have data.")
    known["sites"] = endpoints[: known["joins"]]
else:
    sys.exit("mc: unknown command")
state.write_text(json.dumps(known))
"""
ENDPOINTS = [site["endpoint"] for site in SITES.values()]
KEYS = {ENDPOINTS[0]: ["root-a", "s%cret $HOME \\n"], ENDPOINTS[1]: ["root-b", "'quoted'"]}


def run(folder: Path, **state: Any) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """The Job's container in a shell, and what the stand-in remembers."""
    (container,) = minio.job(minio_spec())["spec"]["template"]["spec"]["containers"]
    program = folder / "mc"
    program.write_text(MC.format(python=sys.executable))
    program.chmod(0o755)
    remembered = folder / "state.json"
    start = {"calls": [], "aliases": {}, "sites": [], "data": [], "joins": 2, "keys": KEYS}
    if not remembered.exists():
        remembered.write_text(json.dumps({**start, **state}))
    values = {
        (f"minio-{letter}", key): value
        for letter, endpoint in zip("ab", ENDPOINTS, strict=True)
        for key, value in zip(("ACCESS_KEY_ID", "ACCESS_SECRET_KEY"), KEYS[endpoint], strict=True)
    }
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    for each in container["env"]:
        reference = each.get("valueFrom", {}).get("secretKeyRef")
        environment[each["name"]] = values[reference["name"], reference["key"]] if reference else str(folder)
    done = subprocess.run(container["command"], env=environment, capture_output=True, text=True, check=False)
    return done, json.loads(remembered.read_text())


def added(state: dict[str, Any]) -> list[list[str]]:
    return [call for call in state["calls"] if call[:3] == ["admin", "replicate", "add"]]


def test_it_joins_the_sites_and_a_second_run_leaves_them_alone(tmp_path: Path) -> None:
    done, state = run(tmp_path, data=ENDPOINTS[:1])
    assert done.returncode == 0, done.stderr
    assert state["sites"] == ENDPOINTS
    again, state = run(tmp_path)
    assert (again.returncode, again.stdout) == (0, "every site replicates already\n")
    assert added(state) == [["admin", "replicate", "add", "a", "b"]]


def test_no_key_is_on_a_command_line(tmp_path: Path) -> None:
    _, state = run(tmp_path)
    assert state["aliases"] == {"a": ENDPOINTS[0], "b": ENDPOINTS[1]}, "the keys arrived as they are"
    for _, secret in KEYS.values():
        assert secret not in str(state["calls"])


def test_a_wrong_key_ends_it_before_anything_is_joined(tmp_path: Path) -> None:
    done, state = run(tmp_path, keys={**KEYS, ENDPOINTS[1]: ["root-b", "another"]})
    assert done.returncode != 0
    assert added(state) == []


def test_two_sites_with_data_are_not_joined(tmp_path: Path) -> None:
    done, state = run(tmp_path, data=ENDPOINTS)
    assert done.returncode != 0
    assert "Only one site may have data" in done.stderr
    assert state["sites"] == []


def test_a_site_that_is_left_out_makes_it_fail(tmp_path: Path) -> None:
    """mc ends well when only some of the sites were configured."""
    done, _ = run(tmp_path, joins=1)
    assert done.returncode == 1
    assert f"not replicating: {ENDPOINTS[1]}" in done.stderr


def test_there_is_one_job_and_no_role_decides_where() -> None:
    for entries in ([], [FAILOVER]):
        assert [each.key for each in minio.plan(minio_spec("a", entries))] == ["sites"]
        assert minio.plan(minio_spec("b", entries)) == []
        assert minio.job(minio_spec("a", entries)) == minio.job(minio_spec("a"))


def test_an_authority_is_where_mc_looks_for_it() -> None:
    pod = minio.job(minio_spec(authority="our-ca"))["spec"]["template"]["spec"]
    assert {"name": "authority", "secret": {"secretName": "our-ca"}} in pod["volumes"]
    assert {"name": "authority", "mountPath": "/config/certs/CAs"} in pod["containers"][0]["volumeMounts"]
    assert pod["containers"][0]["image"] == "quay.io/minio/mc:RELEASE.2025-08-13T08-35-41Z"


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no word about its state", {"unmaintained": None}, "archived in April 2026"),
    ("a region without a site", {"sites": {"a": SITES["a"]}}, "sites.b is missing"),
    ("a site of no region", {"sites": {**SITES, "c": SITES["a"]}}, "is not in this region"),
    ("one site twice", {"sites": {"a": SITES["a"], "b": SITES["a"]}}, "are the same place"),
    ("no TLS", {"sites": {**SITES, "b": {**SITES["b"], "endpoint": "http://b"}}}, "not an address over TLS"),
    ("a path", {"sites": {**SITES, "b": {**SITES["b"], "endpoint": "https://b/$(id)"}}}, "not an address over TLS"),
    ("a key in the program", {"sites": {**SITES, "b": {**SITES["b"], "key": "x"}}}, "unknown argument"),
    ("the latest image", {"image": "quay.io/minio/mc"}, "image: not pinned"),
]


@pytest.mark.parametrize(("arguments", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_it_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(HakitError, match=words):
        minio_spec(**arguments)
