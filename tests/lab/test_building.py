"""lab/build.py: when it builds, what it takes from PATH, and what it refuses."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("lab_build", ROOT / "lab" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "lab_build", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BIN", tmp_path / "bin")
    (tmp_path / "bin").mkdir()
    return module


def _helm(build: ModuleType):
    return next(tool for tool in build.TOOLS if tool.name == "helm")


def _on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, says: str) -> Path:
    folder.mkdir()
    program = folder / "helm"
    program.write_text(f"#!/bin/sh\necho {says}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


def test_versions_are_the_ones_that_go_mod_pins(build: ModuleType):
    assert {tool.name: tool.version for tool in build.TOOLS} == {
        "kwok": "v0.8.0",
        "helm": "v3.21.4",
        "cluster": "v1.35.4",
        "pulumi": "v3.250.0",
    }


def test_a_tool_on_path_of_the_pinned_version_is_taken(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    program = _on_path(monkeypatch, tmp_path / "path", "v3.21.4")
    monkeypatch.setattr(build, "build", lambda *_: pytest.fail("nothing is to be built"))
    build.main(["helm"])
    assert (build.BIN / "helm").readlink() == program
    assert build.is_there(_helm(build))


def test_a_tool_on_path_of_another_version_is_not_taken(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    program = _on_path(monkeypatch, tmp_path / "path", "v3.21.40")
    assert build.on_path(_helm(build)) is None
    assert f"{program} is v3.21.40, the lab needs v3.21.4" in capsys.readouterr().out


def test_what_was_built_from_other_pins_is_built_again(build: ModuleType):
    helm = _helm(build)
    (build.BIN / "helm").touch()
    (build.BIN / ".helm.stamp").write_text("of another go.mod", encoding="utf-8")
    assert not build.is_there(helm)
    (build.BIN / ".helm.stamp").write_text(build.stamp(helm), encoding="utf-8")
    assert build.is_there(helm)


def test_a_disk_that_is_too_full_is_named_before_anything_is_built(build: ModuleType, monkeypatch: pytest.MonkeyPatch):
    def go_env(*_args: object, **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=f"{build.BIN}\n{build.BIN}\n")

    monkeypatch.setattr(build.subprocess, "run", go_env)
    with pytest.raises(build.LabToolsError, match=r"has 0.5 GiB left; building .*cluster.* takes up to \d+ GiB"):
        build.check_disk(list(build.TOOLS), free=lambda _path: 2**29)
    build.check_disk(list(build.TOOLS), free=lambda _path: 2**40)


def test_an_unknown_tool_is_refused_with_the_names_there_are(build: ModuleType):
    with pytest.raises(build.LabToolsError, match="no tool helmet; there are: kwok, helm, cluster, pulumi, charts"):
        build.main(["helmet"])
