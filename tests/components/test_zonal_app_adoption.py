"""What `adopt` registers. What it does in a cluster is in tests/lab/test_adoption.py."""

from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recorded, Recording, record

ROOT = Path(__file__).parents[2]
_DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def run(tmp_path: Path, **more: Any) -> Recording:
    """A chart with one definition in crds/, one in its templates, and a claim."""
    args: dict[str, Any] = {
        "chart": "charts/orders",
        "namespace": "shop",
        "zones": ["a", "b", "c"],
        "replicas": 3,
        "values": {"tag": "1"},
    }

    def program() -> None:
        cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
        hakit.ZonalApp("orders", {**args, **more}, pulumi.ResourceOptions(provider=cluster))  # ty: ignore

    if not (tmp_path / "charts").exists():
        (tmp_path / "charts").symlink_to(ROOT / "tests" / "lab" / "programs" / "charts")
    return record(program, root=tmp_path)


def release_of(recording: Recording) -> Recorded:
    return recording.one("kubernetes:helm.sh/v3:Release")


def test_a_release_that_is_taken_over_is_imported_by_namespace_and_name_and_stays_atomic(tmp_path: Path) -> None:
    recording = run(tmp_path, adopt="release", release_name="old-orders")
    release = release_of(recording)
    assert release.import_id == "shop/old-orders"
    assert release.inputs["values"]["adopt"] == "release", "the release's template looks for claims that would go"
    assert release.inputs["atomic"] is True, "what fails goes back to the revision that ran"
    assert recording.one(_DEFINITION).import_id == "orders.example.org"


def test_objects_that_are_taken_over_are_not_deleted_by_an_install_that_fails(tmp_path: Path) -> None:
    recording = run(tmp_path, adopt="objects")
    release = release_of(recording)
    assert release.inputs["atomic"] is False
    assert release.inputs["skipAwait"] is False, "it is waited for all the same"
    assert release.import_id == "", "there is no release yet"
    assert release.inputs["values"]["adopt"] == "objects"
    assert recording.one(_DEFINITION).import_id == "orders.example.org"


def test_nothing_is_taken_over_unless_it_is_asked_for(tmp_path: Path) -> None:
    recording = run(tmp_path)
    release = release_of(recording)
    assert (release.import_id, recording.one(_DEFINITION).import_id) == ("", "")
    assert list(release.inputs["values"]) == ["objects"]
    assert release.inputs["atomic"] is True


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HakitError) as refused:
        run(tmp_path, adopt="yes")
    assert str(refused.value) == (
        "ZonalApp 'orders': adopt: unknown word\n  given:   'yes'\n  allowed: release, objects"
    )
