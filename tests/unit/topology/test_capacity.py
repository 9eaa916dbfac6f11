"""What a region has reserved: a Kubernetes quantity, as YAML reads it."""

from pathlib import Path

import pytest

from hakit import topology
from hakit.errors import HakitError

FILE = """\
name: shop
environment: prod
aws: {{account: "111122223333", prefix: acme}}
regions:
  us-east-1:
    zones: [us-east-1a]
    kubernetes: "1.34"
    cluster: {{context: e}}
    storage: {{zonal: gp3}}
    capacity: {capacity}
"""


def loaded(tmp_path: Path, capacity: str) -> topology.model.Topology:
    (tmp_path / "t.yaml").write_text(FILE.format(capacity=capacity))
    return topology.load(tmp_path / "t.yaml")


def test_a_number_without_quotes_is_a_quantity_too(tmp_path: Path) -> None:
    found = loaded(tmp_path, "{cpu: 64, memory: 256Gi}").region("us-east-1").capacity
    assert found is not None
    assert (found.cpu, found.memory) == ("64", "256Gi")


@pytest.mark.parametrize("cpu", ["many", "true", "-4", "64 cores", "4e"])
def test_what_is_no_quantity_is_refused_where_it_stands(tmp_path: Path, cpu: str) -> None:
    with pytest.raises(HakitError, match="not a Kubernetes quantity") as raised:
        loaded(tmp_path, f"{{cpu: {cpu}, memory: 256Gi}}")
    assert "t.yaml:10" in str(raised.value)


def test_one_of_the_two_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="memory"):
        loaded(tmp_path, "{cpu: 64}")
