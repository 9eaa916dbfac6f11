"""The page of PostgresCluster: its program runs and gives its YAML, its tables name every argument."""

from pathlib import Path

import pytest
import yaml

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
