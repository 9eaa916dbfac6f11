"""The page of PostgresCluster: its program runs and gives its YAML, its tables name every argument."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hakit.components.postgres_cluster_args import PostgresClusterArgs
from hakit.components.region_base_args import RegionBaseArgs
from hakit.plan import guard
from hakit.testing import record
from tests.docs.test_documentation import assert_within, blocks, run_block

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "postgres.md"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system}
spec: {template: {spec: {containers: [{name: manager, image: "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0"}]}}}
"""


def test_the_program_runs_and_gives_the_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = run_block(blocks(PAGE, "python")[0])
    shown = list(yaml.safe_load_all(blocks(PAGE, "yaml")[0]))
    assert [each["kind"] for each in shown] == ["Cluster", "ObjectStore", "ScheduledBackup", "Service"]
    for each in shown:
        (real,) = [
            made.inputs
            for made in found.all(each["kind"])
            if made.inputs["metadata"]["name"] == each["metadata"]["name"]
        ]
        del each["kind"], each["apiVersion"]  # of a Service the resource's type says them
        assert_within(each, real)


@pytest.mark.parametrize(("arguments", "heading"), [(PostgresClusterArgs, "Arguments"), (RegionBaseArgs, "RegionBase")])
def test_the_tables_name_every_argument(arguments: type, heading: str) -> None:
    table = PAGE.read_text().partition(f"\n## {heading}\n")[2]
    assert [name for name in arguments.__annotations__ if f"`{name}`" not in table] == []


def test_the_page_names_the_policies_and_the_records_as_they_are() -> None:
    text = PAGE.read_text()
    names = [each["metadata"]["name"] for each in guard.policies()]
    assert names == ["hakit-epoch", "hakit-created", "hakit-records"]
    assert all(f"| `{name}` |" in text for name in names)
    assert guard.NAMESPACE in text


def test_the_authority_that_the_page_makes_is_one_that_cloudnativepg_takes(tmp_path: Path) -> None:
    """An authority, and the `EC PRIVATE KEY` of it: ParseECPrivateKey in its pkg/certs/certs.go reads nothing else."""
    (commands,) = [block for block in blocks(PAGE, "sh") if "openssl" in block]
    subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    made = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    key = (tmp_path / "ca.key").read_bytes()
    assert key.startswith(b"-----BEGIN EC PRIVATE KEY-----")
    assert made.public_key() == serialization.load_pem_private_key(key, None).public_key()
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 3650


def test_the_certificates_that_the_page_asks_of_cert_manager_are_those_that_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    (text,) = [block for block in blocks(PAGE, "yaml") if "cert-manager.io/v1" in block]
    asked = {each["spec"]["secretName"]: each["spec"] for each in yaml.safe_load_all(text)}
    assert all(each["secretTemplate"] == {"labels": {"cnpg.io/reload": "true"}} for each in asked.values())
    (given,) = re.findall(r'"certificates": (\{.*?\})', PAGE.read_text(), re.DOTALL)
    host = "orders.us-west-2.internal.example.com"
    routes = {"us-east-1": {"host": "orders.us-east-1.internal.example.com"}, "us-west-2": {"host": host}}
    program = blocks(PAGE, "python")[0].replace(
        '"storage": "50Gi",', f'"storage": "50Gi", "routes": {routes!r}, "certificates": {given},'
    )
    cluster = run_block(program).one("kubernetes:postgresql.cnpg.io/v1:Cluster").inputs["spec"]
    named = cluster["certificates"]
    assert asked.keys() == {named["serverTLSSecret"], named["replicationTLSSecret"]}
    assert named["serverCASecret"] == named["clientCASecret"] not in asked
    assert asked[named["serverTLSSecret"]]["dnsNames"] == [host], "verify-full asks for the route's name"
    (other,) = (each for each in cluster["externalClusters"] if "connectionParameters" in each)
    assert other["connectionParameters"]["user"] == asked[named["replicationTLSSecret"]]["commonName"]
    assert other["sslCert"]["name"] == named["replicationTLSSecret"]


def test_the_program_with_operators_runs_beside_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = [block for block in blocks(PAGE, "python") if '"operators"' in block]
    for folder in ("stacks", "operators"):
        (tmp_path / folder).mkdir()
    topology = (ROOT / "stacks" / "topology.prod.yaml").read_text()
    (tmp_path / "stacks" / "topology.prod.yaml").write_text(topology)
    (tmp_path / "operators" / "cnpg-1.30.0.yaml").write_text(MANIFEST)
    monkeypatch.chdir(tmp_path)
    found = record(lambda: exec(compile(program, "docs", "exec"), {}), project="docs", stack="prod", root=tmp_path)  # noqa: S102
    assert found.one("kubernetes:apps/v1:Deployment").name == (
        "base-operator-cloudnative-pg-Deployment-cnpg-system-cnpg-controller-manager"
    )
    assert found.one("kubernetes:core/v1:ResourceQuota").inputs["spec"]["hard"]["pods"] == "60"
