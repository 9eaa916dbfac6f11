"""Where journal and lock stand."""

from pathlib import Path

import pytest

from hakit.operate import places
from hakit.preview.project import find_project
from hakit.topology.loading import parse
from tests.unit.topology.example import EXAMPLE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"PULUMI_BACKEND_URL": "file:///state"}, "/state/.hakit/shop"),
        (
            {"PULUMI_BACKEND_URL": "s3://acme-state/prod?region=us-east-2&awssdk=v2"},
            "s3://acme-state/prod/.hakit/shop?region=us-east-2",
        ),
        (
            {"PULUMI_BACKEND_URL": "s3://acme-state?endpoint=minio:9000&disableSSL=true", "AWS_REGION": "eu-west-1"},
            "s3://acme-state/.hakit/shop?region=eu-west-1&endpoint=http://minio:9000",
        ),
        ({"PULUMI_BACKEND_URL": "file:///state", "HAKIT_JOURNAL": "/elsewhere"}, "/elsewhere"),
    ],
)
def test_the_place_is_beside_the_pulumi_state(root: Path, environment: dict[str, str], address: str) -> None:
    assert places.address_of(find_project(root), "", environment) == address
    assert places.address_of(find_project(root), "/given", environment) == "/given"


def test_with_another_backend_it_is_in_the_project_and_that_is_said(root: Path) -> None:
    project = find_project(root)
    address = places.address_of(project, "", {"PULUMI_BACKEND_URL": "https://api.pulumi.com"})
    assert address == str(root / ".hakit" / "operate")
    store, _ = places.open_place(project, address)
    (told,) = places.warnings(project, store, address, parse(EXAMPLE, ""))
    assert "on this machine only" in told


def test_the_backend_of_pulumi_yaml_counts(root: Path) -> None:
    with (root / "Pulumi.yaml").open("a") as file:
        file.write("backend: {url: file:///mounted/state}\n")
    assert places.address_of(find_project(root), "", {}) == "/mounted/state/.hakit/shop"


def test_a_bucket_in_a_region_of_the_topology_is_told_as_a_risk(root: Path) -> None:
    project = find_project(root)
    for region, told in (("us-east-1", True), ("eu-central-1", False)):
        store, address = places.open_place(project, f"s3://acme-state/hakit?region={region}")
        assert bool(list(places.warnings(project, store, address, parse(EXAMPLE, "")))) is told, region
