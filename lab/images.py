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
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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


#: Images by their name without a registry; `localhost` stands for "was never in one".
IMAGES: Mapping[str, Program | Debian] = {
    "localhost/pause:1": Program("pause", ("pause",), "65535:65535"),
    # The operator looks for itself under the second name, to give it to the pods of its own architecture.
    "localhost/cloudnative-pg:1.30.0": Program("cnpg", ("manager", "operator/manager_amd64"), "10001:10001"),
    f"localhost/postgresql:{POSTGRES}": Debian((f"postgresql-{POSTGRES}",)),
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


def _write(target: Path, name: str, fill: Callable[[tarfile.TarFile], None], config: Mapping[str, object]) -> None:
    """One layer and its description, in the form of `docker save` (Docker image specification v1.2)."""
    with tempfile.TemporaryDirectory(prefix="layer-", dir=target.parent) as folder:
        layer = Path(folder) / "layer.tar"
        with tarfile.open(layer, "w") as packing:
            fill(packing)
        with layer.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        description = {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
        manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
        with tarfile.open(target, "w") as packing:
            packing.add(layer, "layer.tar")
            for file, content in (("config.json", description), ("manifest.json", manifest)):
                data = json.dumps(content).encode()
                entry = tarfile.TarInfo(file)
                entry.size = len(data)
                packing.addfile(entry, io.BytesIO(data))
