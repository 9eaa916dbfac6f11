"""The program of docs/hardening.md gives the page's YAML."""

from pathlib import Path

import pytest
import yaml

from tests.docs.test_documentation import ROOT, assert_within, blocks, run_block

PAGE = ROOT / "docs" / "hardening.md"


def test_the_program_of_the_page_gives_its_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,), (shown,) = blocks(PAGE, "python"), blocks(PAGE, "yaml")
    objects = run_block(code).one("kubernetes:helm.sh/v3:Release").inputs["values"]["objects"]
    documents = list(yaml.safe_load_all(shown))
    assert [each["kind"] for each in documents] == [
        "PodDisruptionBudget",
        "Service",
        "NetworkPolicy",
        "DestinationRule",
    ]
    for each in documents:
        assert_within(each, objects[f"{each['kind']}/{each['metadata']['name']}"])


def test_the_lab_test_that_the_page_names_is_there() -> None:
    assert (ROOT / Path("tests/lab/test_hardening_admission.py")).is_file()
