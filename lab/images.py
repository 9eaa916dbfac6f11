"""Images for the lab's containers, as archives that containerd imports: no registry is asked. Standard library only.

`build.py` makes them into lab/bin/images. PostgreSQL comes from Debian's packages, through debootstrap; the rest holds
what the lab has built from Go modules.
"""

import fnmatch
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

#: The release whose containerd and runc the lab was tried with, and whose PostgreSQL is in its image.
RELEASE = "bookworm"
POSTGRES = "15"
#: The user that CloudNativePG runs PostgreSQL as unless a Cluster says otherwise (`postgresUID`, `postgresGID`).
POSTGRES_USER = 26

#: Of no use in a container, and half of what debootstrap leaves. Without LLVM, which compiles long queries, they are
#: interpreted.
_LEFT_OUT = (
    "dev/*",
    "usr/lib/*/libLLVM*",
    "usr/lib/*/libz3*",
    "usr/lib/postgresql/*/lib/bitcode*",
    "usr/lib/postgresql/*/lib/llvmjit*",
    "usr/share/doc/*",
    "usr/share/i18n/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/*",
    "var/lib/apt/lists/*",
    "var/lib/postgresql/*",
    "var/log/*",
)
#: Where Barman stands in its image.
_BARMAN = "opt/barman"
#: The Python of the release: which wheels fit.
_PYTHON = "3.11"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ImageError(Exception):
    """Something that the reader has to mend before an image can be made."""


@dataclass(frozen=True)
class Program:
    """An image of one program and nothing else.

    Attributes:
        tool: the binary in lab/bin.
        paths: where it stands in the image.
        user: that runs it; numbers, since the image has no /etc/passwd.
    """

    tool: str
    paths: tuple[str, ...]
    user: str

    def make(self, tools: Path, name: str, target: Path) -> None:
        def fill(layer: tarfile.TarFile) -> None:
            first, *others = self.paths
            _add_file(layer, tools / self.tool, first)
            for path in others:
                _add_folders(layer, path)
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname, entry.mode = tarfile.LNKTYPE, first, 0o755
                layer.addfile(entry)

        _write(target, name, fill, {"Entrypoint": [f"/{self.paths[0]}"], "User": self.user})


@dataclass(frozen=True)
class Debian:
    """A small Debian with PostgreSQL and everything that it needs; a shell too, for whatever a test lets run."""

    packages: tuple[str, ...]

    def make(self, _tools: Path, name: str, target: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="debian-", dir=target.parent) as folder:
            root = Path(folder) / "root"
            command = [
                "debootstrap",
                "--variant=minbase",
                f"--include={','.join(self.packages)}",
                RELEASE,
                root,
                mirror(),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last = "\n".join(done.stdout.splitlines()[-5:])
                raise ImageError(f"image {name}: debootstrap failed; the end of what it said:\n{last}\n{done.stderr}")
            old = _give_postgres_its_number(root / "etc")
            _write(
                target,
                name,
                lambda layer: _add_tree(layer, root, old),
                {
                    "Env": [f"PATH=/usr/lib/postgresql/{POSTGRES}/bin:{_PATH}"],
                    "Cmd": ["/bin/sh"],
                    "User": str(POSTGRES_USER),
                },
            )


@dataclass(frozen=True)
class Sidecar:
    """What the Barman Cloud plugin puts beside PostgreSQL: Barman, in Python, and the plugin that calls it.

    Attributes:
        base: the image with Python that it is a further layer of; made before this one.
        tool: the binary in lab/bin.
        packages: wheels, each with its version: Barman with what it needs for S3, and for nothing else.
    """

    base: str
    tool: str
    packages: tuple[str, ...]

    def make(self, tools: Path, name: str, target: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="sidecar-", dir=target.parent) as folder:
            wheels = Path(folder) / "wheels"
            below = _layer_of(self.base, tools, Path(folder))
            _install(self.packages, wheels, name)

            def fill(layer: tarfile.TarFile) -> None:
                layer.add(wheels, _BARMAN, filter=_roots)
                _add_file(layer, tools / self.tool, "manager")

            _write(
                target,
                name,
                fill,
                {
                    "Env": [f"PATH=/{_BARMAN}/bin:{_PATH}", f"PYTHONPATH=/{_BARMAN}"],
                    "Entrypoint": ["/manager"],
                    "User": str(POSTGRES_USER),
                },
                below=below,
            )


@dataclass(frozen=True)
class Python:
    """A further layer upon an image with Debian's Python, in which it is `python` too, as in the official image.

    Attributes:
        base: the image below; made before this one.
    """

    base: str

    def make(self, tools: Path, name: str, target: Path) -> None:
        def fill(layer: tarfile.TarFile) -> None:
            _add_folders(layer, "usr/bin/python")
            entry = tarfile.TarInfo("usr/bin/python")
            entry.type, entry.linkname = tarfile.SYMTYPE, "python3"
            layer.addfile(entry)

        with tempfile.TemporaryDirectory(prefix="python-", dir=target.parent) as folder:
            below = _layer_of(self.base, tools, Path(folder))
            path = f"PATH=/usr/lib/postgresql/{POSTGRES}/bin:{_PATH}"
            _write(target, name, fill, {"Env": [path], "Cmd": ["python"]}, below=below)


#: Images by their name without a registry; `localhost` stands for "was never in one".
IMAGES: Mapping[str, Program | Debian | Sidecar | Python] = {
    "localhost/pause:1": Program("pause", ("pause",), "65535:65535"),
    # The operator looks for itself under the second name, to give it to the pods of its own architecture.
    "localhost/cloudnative-pg:1.30.0": Program("cnpg", ("manager", "operator/manager_amd64"), "10001:10001"),
    # Python is not PostgreSQL's: the image below the last one is the same, so that there is one layer less to make.
    f"localhost/postgresql:{POSTGRES}": Debian((f"postgresql-{POSTGRES}", "python3")),
    "localhost/barman:0.14.0": Program("barman", ("manager",), "10001:10001"),
    # Barman as the plugin's own image has it; psycopg2 as a wheel, which needs no compiler.
    "localhost/barman-sidecar:0.14.0": Sidecar(
        f"localhost/postgresql:{POSTGRES}",
        "barman",
        (
            "barman==3.19.1",
            "boto3==1.43.56",
            "botocore==1.43.56",
            "jmespath==1.1.0",
            "psycopg2-binary==2.9.12",
            "python-dateutil==2.9.0.post0",
            "s3transfer==0.19.2",
            "six==1.17.0",
            "urllib3==2.7.0",
        ),
    ),
    # With `psql` and the rest of PostgreSQL in it, as nothing but a link is added.
    f"localhost/python:{_PYTHON}": Python(f"localhost/postgresql:{POSTGRES}"),
}


def file_name(image: str) -> str:
    """Of an image's archive."""
    return image.removeprefix("localhost/").replace(":", "-") + ".tar"


def mirror() -> str:
    """Where this machine's apt gets Debian from.

    Raises:
        ImageError: it is configured for another release, or not read yet.
    """
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(LABEL) $(COMPONENT)"]
    if shutil.which("apt-get") is None:
        raise ImageError(f"there is no apt-get; the lab's node needs Debian 12 ({RELEASE})")
    lines = subprocess.run([*asked, "Created-By: Packages"], capture_output=True, text=True, check=True).stdout
    found = [line.split() for line in lines.splitlines()]
    for parts in found:
        if parts[1:] == [RELEASE, "Debian", "main"]:
            return parts[0]
    told = ", ".join(sorted({" ".join(parts[1:3]) for parts in found})) or "nothing; has `apt-get update` run?"
    raise ImageError(f"the lab's node needs Debian 12 ({RELEASE}); apt on this machine knows: {told}")


def make(image: str, tools: Path, target: Path) -> None:
    """Make one image. The archive appears whole or not at all."""
    draft = target.with_suffix(".new")
    try:
        IMAGES[image].make(tools, image, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _give_postgres_its_number(etc: Path) -> tuple[int, int]:
    """Debian numbers `postgres` as it comes; returns the numbers that it had."""
    had = []
    for file, column in (("passwd", 2), ("group", 2)):
        lines = [line.split(":") for line in (etc / file).read_text(encoding="utf-8").splitlines()]
        (mine,) = [line for line in lines if line[0] == "postgres"]
        had.append(int(mine[column]))
        lines = [line for line in lines if line is mine or line[column] != str(POSTGRES_USER)]
        mine[column] = str(POSTGRES_USER)
        if file == "passwd":
            mine[3] = str(POSTGRES_USER)
        (etc / file).write_text("".join(f"{':'.join(line)}\n" for line in lines), encoding="utf-8")
    return had[0], had[1]


def _layer_of(image: str, tools: Path, folder: Path) -> Path:
    """The one layer of an image that is made already, in a folder."""
    below = folder / "below.tar"
    with (
        tarfile.open(tools / "images" / file_name(image)) as archive,
        _member(archive, "layer.tar") as source,
        below.open("wb") as copy,
    ):
        shutil.copyfileobj(source, copy)
    return below


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ImageError(f"{archive.name}: {name} is no file in it")
    return found


def _install(packages: tuple[str, ...], folder: Path, name: str) -> None:
    """Wheels for the image's Python, from the index that pip on this machine uses; nothing is compiled or run."""
    fitting = ["--only-binary=:all:", "--python-version", _PYTHON, "--platform", f"manylinux2014_{os.uname().machine}"]
    with tempfile.TemporaryDirectory(prefix="pip-") as own:
        pip = [f"{own}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        for command in (
            [sys.executable, "-m", "venv", own],  # the Python that runs this need not have pip
            [*pip, "--target", folder, *fitting, *packages],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ImageError(f"image {name}: {' '.join(map(str, command[:4]))}: {done.stdout}{done.stderr.strip()}")
    for script in (folder / "bin").glob("barman*"):  # their first line names this machine's Python
        _, _, rest = script.read_text(encoding="utf-8").partition("\n")
        script.write_text(f"#!/usr/bin/python3\n{rest}", encoding="utf-8")


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _add_tree(layer: tarfile.TarFile, root: Path, postgres: tuple[int, int]) -> None:
    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if any(fnmatch.fnmatch(entry.name, pattern) for pattern in _LEFT_OUT):
            return None
        entry.uid = POSTGRES_USER if entry.uid == postgres[0] else entry.uid
        entry.gid = POSTGRES_USER if entry.gid == postgres[1] else entry.gid
        entry.uname = entry.gname = ""
        return entry

    for path in sorted(root.iterdir()):
        layer.add(path, path.name, filter=kept)


def _add_folders(layer: tarfile.TarFile, path: str) -> None:
    for folder in reversed(Path(path).parents[:-1]):
        entry = tarfile.TarInfo(str(folder))
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        layer.addfile(entry)


def _add_file(layer: tarfile.TarFile, source: Path, path: str) -> None:
    _add_folders(layer, path)
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = source.stat().st_size, 0o755
    with source.open("rb") as stream:
        layer.addfile(entry, stream)


def _write(
    target: Path,
    name: str,
    fill: Callable[[tarfile.TarFile], None],
    config: Mapping[str, object],
    *,
    below: Path | None = None,
) -> None:
    """One layer, upon another one maybe, and their description, in the form of `docker save` (Docker image
    specification v1.2)."""
    with tempfile.TemporaryDirectory(prefix="layer-", dir=target.parent) as folder:
        layer = Path(folder) / "layer.tar"
        with tarfile.open(layer, "w") as packing:
            fill(packing)
        layers = {"below.tar": below, "layer.tar": layer} if below else {"layer.tar": layer}
        description = {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(path)}" for path in layers.values()]},
        }
        manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": list(layers)}]
        with tarfile.open(target, "w") as packing:
            for file, path in layers.items():
                packing.add(path, file)
            for file, content in (("config.json", description), ("manifest.json", manifest)):
                data = json.dumps(content).encode()
                entry = tarfile.TarInfo(file)
                entry.size = len(data)
                packing.addfile(entry, io.BytesIO(data))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
