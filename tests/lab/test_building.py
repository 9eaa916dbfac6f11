"""lab/build.py: when it builds, what it takes from PATH, and what it refuses."""

import hashlib
import importlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from types import ModuleType
from typing import IO

import pytest

from lab import fetched, images, kept, packages


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    module = importlib.import_module("lab.build")
    monkeypatch.setattr(module, "BIN", tmp_path / "bin")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
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
        "registry": "v3.0.0",
        "cluster": "v1.35.4",
        "kubectl": "v0.35.4",
        "pulumi": "v3.250.0",
        "coredns": "v1.13.1",
        "cnpg": "v1.30.0",
        "barman": "v0.14.0",
        "promtool": "v0.312.0",
        "pause": "v1.0.0",
    }
    manifests = {name: version for name, _, version, _ in fetched.MANIFESTS}
    assert manifests == {"cnpg.yaml": "v1.30.0", "barman.yaml": "v0.14.0"}, "each is that of its binary"


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


def test_what_another_clone_has_built_from_the_same_pins_is_taken(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    helm = _helm(build)
    made = tmp_path / "made"
    made.write_bytes(b"a binary")
    kept.keep("helm", build.stamp(helm), made)
    monkeypatch.setattr(build, "build", lambda *_: pytest.fail("nothing is to be built"))
    build.main(["helm"])
    assert (build.BIN / "helm").read_bytes() == b"a binary"
    assert build.is_there(helm)
    assert "helm v3.21.4: built before, in another clone" in capsys.readouterr().out
    made.unlink()
    assert (build.BIN / "helm").read_bytes() == b"a binary", "it stands alone"


def test_what_is_built_is_kept_for_the_next_clone(build: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "on_path", lambda _: None)
    monkeypatch.setattr(build, "check_disk", lambda _: None)
    monkeypatch.setattr(build, "build", lambda tool, _: (build.BIN / tool.name).write_bytes(b"built"))
    build.build_tools([_helm(build)])
    (build.BIN / "helm").unlink()
    assert kept.take("helm", build.stamp(_helm(build)), build.BIN / "helm")
    assert (build.BIN / "helm").read_bytes() == b"built"


def test_three_builds_of_a_tool_are_kept_and_those_of_other_pins_are_not_taken(build: ModuleType, tmp_path: Path):
    made, target = tmp_path / "made", tmp_path / "target"
    for number in range(5):
        made.write_text(str(number), encoding="utf-8")
        os.utime(made, (number, number))
        kept.keep("helm", f"pins-{number}", made)
        made.unlink()
    assert [number for number in range(5) if kept.take("helm", f"pins-{number}", target)] == [2, 3, 4]
    assert target.read_text(encoding="utf-8") == "4"
    assert not kept.take("helm", "other pins", target)
    assert target.read_text(encoding="utf-8") == "4", "left as it was"


def test_where_nothing_can_be_kept_the_build_goes_on(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    made = tmp_path / "made"
    made.write_bytes(b"a binary")
    kept.keep("helm", "pins", made)
    assert not kept.take("helm", "pins", tmp_path / "target")


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
    with pytest.raises(
        build.LabToolsError,
        match=r"no part helmet; there are: kwok, helm, .*, charts, manifests, definitions, stores, backups, images",
    ):
        build.main(["helmet"])


def test_without_root_images_are_left_out_with_the_packages_that_they_need(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages, "absent", lambda: ["containerd", "runc"])
    build.main(["images"])
    said = capsys.readouterr().out
    assert "left out, as the lab's networks and its real node need root; " in said
    assert "it also needs the Debian packages containerd runc" in said
    assert not (build.BIN / "images").exists()


def test_a_package_is_not_asked_for_when_its_program_is_there(monkeypatch: pytest.MonkeyPatch):
    """Docker brings a containerd of its own, which Debian's package would remove."""
    monkeypatch.setattr(packages.shutil, "which", lambda name: None if name == "debootstrap" else f"/usr/bin/{name}")
    assert packages.absent() == ["debootstrap"]


def test_debian_comes_from_where_apt_has_it_from(monkeypatch: pytest.MonkeyPatch):
    _apt_says(
        monkeypatch,
        "https://mirror.example/security/ bookworm-security Debian-Security main\n"
        "https://mirror.example/debian/ bookworm Debian main\n",
    )
    assert images.mirror() == "https://mirror.example/debian/"


def test_another_release_than_the_one_that_was_tried_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    _apt_says(monkeypatch, "https://mirror.example/debian/ trixie Debian main\n")
    with pytest.raises(images.ImageError, match=r"needs Debian 12 \(bookworm\); apt .* knows: trixie Debian"):
        images.mirror()
    _apt_says(monkeypatch, "")
    with pytest.raises(images.ImageError, match="has `apt-get update` run"):
        images.mirror()


def _apt_says(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def run(*_args: object, **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=text)

    monkeypatch.setattr(images.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(images.subprocess, "run", run)


def test_an_image_is_made_of_the_program_at_each_of_its_places(build: ModuleType, tmp_path: Path):
    """Read back as containerd reads it: the layer that the description names, by its digest."""
    (build.BIN / "cnpg").write_bytes(b"the operator")
    target = tmp_path / "image.tar"
    images.make("localhost/cloudnative-pg:1.30.0", build.BIN, target)
    with tarfile.open(target) as archive:
        (manifest,) = json.load(_member(archive, "manifest.json"))
        config = json.load(_member(archive, manifest["Config"]))
        layer = _member(archive, manifest["Layers"][0]).read()
    assert manifest["RepoTags"] == ["localhost/cloudnative-pg:1.30.0"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["config"] == {"Entrypoint": ["/manager"], "User": "10001:10001"}
    with tarfile.open(fileobj=io.BytesIO(layer)) as content:
        for path in ("manager", "operator/manager_amd64"):
            assert content.getmember(path).mode == 0o755
            assert _member(content, path).read() == b"the operator"


def test_an_image_upon_another_one_has_its_layer_first(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """But for the wheels: what pip installs runs in `test_postgres_archive`."""

    def install(_packages: object, folder: Path, _name: str) -> None:
        folder.mkdir()
        (folder / "module.py").write_bytes(b"of Barman")

    monkeypatch.setattr(images, "_install", install)
    (build.BIN / "barman").write_bytes(b"the plugin")
    _debian_is_made(build)
    below, own = _layers_of("localhost/barman-sidecar:0.14.0", build, tmp_path / "image.tar")
    assert below == b"of Debian"
    with tarfile.open(fileobj=io.BytesIO(own)) as content:
        assert _member(content, "opt/barman/module.py").read() == b"of Barman"
        assert _member(content, "manager").read() == b"the plugin"


def test_the_image_with_python_adds_its_other_name_and_nothing_else(build: ModuleType, tmp_path: Path):
    _debian_is_made(build)
    below, own = _layers_of("localhost/python:3.11", build, tmp_path / "image.tar")
    assert below == b"of Debian"
    with tarfile.open(fileobj=io.BytesIO(own)) as content:
        (link,) = [entry for entry in content if not entry.isdir()]
    assert (link.name, link.issym(), link.linkname) == ("usr/bin/python", True, "python3")


def _debian_is_made(build: ModuleType) -> None:
    (build.BIN / "images").mkdir()
    with tarfile.open(build.BIN / "images" / "postgresql-15.tar", "w") as archive:
        entry = tarfile.TarInfo("layer.tar")
        entry.size = 9
        archive.addfile(entry, io.BytesIO(b"of Debian"))


def _layers_of(image: str, build: ModuleType, target: Path) -> list[bytes]:
    """Of an image that is made now, each as its description says it is."""
    images.make(image, build.BIN, target)
    with tarfile.open(target) as archive:
        (manifest,) = json.load(_member(archive, "manifest.json"))
        config = json.load(_member(archive, manifest["Config"]))
        layers = [_member(archive, name).read() for name in manifest["Layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    return layers


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    assert found is not None
    return found
