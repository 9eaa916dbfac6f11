"""Where regions are reached, and what is said where there is nothing to ask them with."""

from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.observe import Place, ask_all, place_of
from hakit.topology import load

ROOT = Path(__file__).parents[2]


def test_a_region_is_reached_by_the_context_that_the_topology_names() -> None:
    topology = load(ROOT / "stacks" / "topology.prod.yaml")
    assert place_of(topology, "us-west-2", ROOT) == Place("us-west-2", "prod-usw2", "")
    with pytest.raises(HakitError, match="unknown region"):
        place_of(topology, "us-west-9", ROOT)


def test_a_kubeconfig_of_the_topology_is_relative_to_the_project(tmp_path: Path) -> None:
    text = (ROOT / "stacks" / "topology.prod.yaml").read_text()
    (tmp_path / "topology.yaml").write_text(
        text.replace("context: prod-use1", "kubeconfig: k/east, context: prod-use1")
    )
    assert place_of(load(tmp_path / "topology.yaml"), "us-east-1", tmp_path).kubeconfig == str(tmp_path / "k/east")


def test_without_kubectl_the_message_says_how_to_have_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("HAKIT_KUBECTL", raising=False)
    with pytest.raises(HakitError, match="there is no kubectl") as missing:
        ask_all([Place("east", "east")], lambda _place, reader: reader.get("/version"))
    assert "name it in HAKIT_KUBECTL" in str(missing.value)
    monkeypatch.setenv("HAKIT_KUBECTL", "no-such-program")
    with pytest.raises(HakitError, match="no-such-program"):
        ask_all([Place("east", "east")], lambda _place, reader: reader.get("/version"))


def test_no_regions_no_answers() -> None:
    assert ask_all([], lambda _place, reader: reader.get("/version")) == {}
