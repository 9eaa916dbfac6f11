"""Build the lab's tools into lab/bin: `python -m lab.build [part ...]`. Standard library only.

Each tool is a Go module beneath lab/ that pins it with everything it needs. What is built already, from the same pins,
is left alone, and what another clone has built is taken (kept.py); a tool on PATH that has the pinned version is linked
instead of built. After the tools come files out of other Go modules, and the images for the lab's real node
(images.py), which need root and a few Debian packages.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import fetched, images, kept, packages

LAB = Path(__file__).resolve().parent
BIN = LAB / "bin"
_GIB = 1024**3


@dataclass(frozen=True)
class Tool:
    """One binary.

    Attributes:
        name: of the binary, and of the folder with its go.mod.
        module: whose version in go.mod is the tool's version.
        package: what is built, from within the folder.
        version_flags: what the linker writes into it, `{version}` being the version with its v.
        minutes: what a cold build takes on two cores, for "how long is left".
        disk: GiB of module cache, build cache and binary that a cold build adds.
        tags: of Go's build, to leave out what the lab does not need.
        version_arguments: what makes the tool print its version; None: it is never taken from PATH.
    """

    name: str
    module: str
    package: str
    version_flags: str
    minutes: float
    disk: float
    tags: str = ""
    version_arguments: tuple[str, ...] | None = None

    @property
    def folder(self) -> Path:
        return LAB / self.name

    @property
    def version(self) -> str:
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
        if f"module {self.module}\n" in text:
            return "v1.0.0"  # the lab's own
        found = re.search(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", text, re.MULTILINE)
        if found is None:
            raise LabToolsError(f"{self.folder / 'go.mod'} does not pin {self.module}")
        return found[1]


_KUBERNETES = (
    "-X k8s.io/component-base/version.gitVersion={version} -X k8s.io/component-base/version.gitMajor={major} "
    "-X k8s.io/component-base/version.gitMinor={minor} -X k8s.io/component-base/version.gitTreeState=clean"
)
TOOLS = (
    Tool("kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", "", 2, 0.8),
    Tool(
        "helm",
        "helm.sh/helm/v3",
        "helm.sh/helm/v3/cmd/helm",
        "-X helm.sh/helm/v3/internal/version.version={version}",
        1.5,
        0.8,
        version_arguments=("version", "--template", "{{.Version}}"),
    ),
    Tool(
        "registry",
        "github.com/distribution/distribution/v3",
        "github.com/distribution/distribution/v3/cmd/registry",
        "-X github.com/distribution/distribution/v3/version.version={version}",
        2,
        1,
    ),
    Tool("cluster", "k8s.io/kubernetes", ".", _KUBERNETES, 8, 3.5),
    Tool("kubectl", "k8s.io/kubectl", ".", "", 1.5, 0.6),
    # Without its version in it, the Automation API refuses the engine as too old.
    Tool(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={bare}",
        7,
        4,
        version_arguments=("version",),
    ),
    Tool(
        "coredns", "github.com/coredns/coredns", ".", "-X github.com/coredns/coredns/coremain.GitCommit=lab", 1.5, 0.7
    ),
    Tool(
        "cnpg",
        "github.com/cloudnative-pg/cloudnative-pg",
        "github.com/cloudnative-pg/cloudnative-pg/cmd/manager",
        "-X github.com/cloudnative-pg/cloudnative-pg/pkg/versions.buildVersion={bare} "
        "-X github.com/cloudnative-pg/cloudnative-pg/pkg/versions.buildCommit=lab",
        3,
        1,
    ),
    Tool(
        "barman",
        "github.com/cloudnative-pg/plugin-barman-cloud",
        "github.com/cloudnative-pg/plugin-barman-cloud/cmd/manager",
        "",
        2,
        0.8,
    ),
    Tool(
        "promtool",
        "github.com/prometheus/prometheus",
        "github.com/prometheus/prometheus/cmd/promtool",
        "-X github.com/prometheus/common/version.Version={bare}",
        2,
        1,
        # It asks no cloud what there is to watch; their libraries would take ten minutes.
        tags="remove_all_sd",
    ),
    Tool("pause", "hakit/lab/pause", ".", "", 0.1, 0.1),
)


class LabToolsError(Exception):
    """Something that the reader has to mend before a tool can be built."""


def say(text: str) -> None:
    print(f"lab-tools: {text}", flush=True)


def stamp(tool: Tool) -> str:
    """Changes whenever a build would give something else."""
    files = [
        path for path in sorted(tool.folder.iterdir()) if path.name in ("go.mod", "go.sum") or path.suffix == ".go"
    ]
    digest = hashlib.sha256(repr(tool).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_there(tool: Tool) -> bool:
    mark = BIN / f".{tool.name}.stamp"
    return (BIN / tool.name).exists() and mark.is_file() and mark.read_text(encoding="utf-8") == stamp(tool)


def on_path(tool: Tool) -> Path | None:
    """The tool as it is installed on this machine, when it has the pinned version."""
    found = shutil.which(tool.name) if tool.version_arguments else None
    if found is None or tool.version_arguments is None:
        return None
    said = subprocess.run([found, *tool.version_arguments], capture_output=True, text=True, timeout=60, check=False)
    version = re.search(r"v?(\d+\.\d+\.\d+\S*)", said.stdout)
    if version is not None and f"v{version[1]}" == tool.version:
        return Path(found)
    told = f"v{version[1]}" if version else "of no known version"
    say(f"{tool.name}: {found} is {told}, the lab needs {tool.version}: building it")
    return None


def link(tool: Tool, found: Path) -> None:
    target = BIN / tool.name
    target.unlink(missing_ok=True)
    target.symlink_to(found)


def build(tool: Tool, left: float) -> None:
    """Build one tool. The binary appears whole or not at all."""
    major, minor = tool.version.removeprefix("v").split(".")[:2]
    flags = tool.version_flags.format(version=tool.version, bare=tool.version[1:], major=major, minor=minor)
    draft = BIN / f".{tool.name}.new"
    linked = ["-tags", tool.tags, "-ldflags", f"-s -w {flags}".strip()]
    command = ["go", "build", "-trimpath", *linked, "-o", str(draft), tool.package]
    # Without cgo the result depends on no library of this machine. A go.work further up is none of the lab's business.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    say(
        f"{tool.name} {tool.version}: building, about {tool.minutes:g} min when cold; {left:g} min for all that is left"
    )
    began = time.monotonic()
    running = subprocess.Popen(command, cwd=tool.folder, env=environment)
    try:
        _watch(tool, running, began)
    except BaseException:
        running.terminate()
        running.wait()
        draft.unlink(missing_ok=True)
        raise
    if running.returncode != 0:
        draft.unlink(missing_ok=True)
        raise LabToolsError(
            f"{tool.name}: `{' '.join(command[:2])} ...` in {tool.folder} failed; what it said is above"
        )
    (BIN / tool.name).unlink(missing_ok=True)  # it may be a link to what was on PATH
    draft.replace(BIN / tool.name)
    size = (BIN / tool.name).stat().st_size / 1024**2
    say(f"{tool.name}: built in {time.monotonic() - began:.0f} s, {size:.0f} MiB")


def _watch(tool: Tool, running: subprocess.Popen[bytes], began: float) -> None:
    told = began
    while running.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - told >= 30:
            told = time.monotonic()
            say(f"{tool.name}: {(told - began) / 60:.1f} of about {tool.minutes:g} min")


def make_images() -> None:
    """Make the images that are not there as the recipe and the tools have them now."""
    folder = BIN / "images"
    folder.mkdir(exist_ok=True)
    recipe = hashlib.sha256((LAB / "images.py").read_bytes()).hexdigest()
    marks = {
        image: recipe + (stamp(_tool(given.tool)) if isinstance(given, images.Program | images.Sidecar) else "")
        for image, given in images.IMAGES.items()
    }
    missing = [
        image
        for image, mark in marks.items()
        if not _reads(folder / f".{images.file_name(image)}.stamp", mark)
        or not (folder / images.file_name(image)).exists()
    ]
    for image in list(missing):
        target = folder / images.file_name(image)
        if kept.take(target.name, _key(marks[image]), target):
            (folder / f".{target.name}.stamp").write_text(marks[image], encoding="utf-8")
            missing.remove(image)
    for image in missing:
        minutes = 3 if isinstance(images.IMAGES[image], images.Debian) else 0.2
        say(f"image {image}: making it, about {minutes:g} min; {len(missing)} to make in all")
        began = time.monotonic()
        target = folder / images.file_name(image)
        images.make(image, BIN, target)
        kept.keep(target.name, _key(marks[image]), target)
        (folder / f".{target.name}.stamp").write_text(marks[image], encoding="utf-8")
        say(f"image {image}: {time.monotonic() - began:.0f} s, {target.stat().st_size / 1024**2:.0f} MiB")
    known = {images.file_name(image) for image in images.IMAGES}
    for old in folder.glob("*.tar"):
        if old.name not in known:
            old.unlink()


def _key(mark: str) -> str:
    return hashlib.sha256(mark.encode()).hexdigest()


def _tool(name: str) -> Tool:
    return next(tool for tool in TOOLS if tool.name == name)


def _reads(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def prepare_node() -> None:
    """What the real node needs beside tools. Without root it is left out: nothing of it would run."""
    absent = packages.absent()
    if os.geteuid() != 0:
        wanting = f"; it also needs the Debian packages {' '.join(absent)}" if absent else ""
        say(f"images: left out, as the lab's networks and its real node need root{wanting}")
        return
    images.mirror()
    if absent:
        packages.install(absent, say)
    make_images()


def check_disk(tools: list[Tool], free: Callable[[Path], int] | None = None) -> None:
    """Stop before a build, not in the middle of one, when the caches would fill the disk."""
    free = free or (lambda path: shutil.disk_usage(path).free)
    needed = sum(tool.disk for tool in tools)
    asked = subprocess.run(["go", "env", "GOCACHE", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout
    for folder in [*map(Path, asked.split()), BIN]:
        there = next(path for path in [folder, *folder.parents] if path.exists())
        if (left := free(there) / _GIB) < needed:
            raise LabToolsError(
                f"{there} has {left:.1f} GiB left; building {', '.join(tool.name for tool in tools)} takes up to "
                f"{needed:.0f} GiB. Free some, or set GOCACHE and GOMODCACHE to a larger disk."
            )


def main(names: list[str]) -> None:
    known = [*(tool.name for tool in TOOLS), "charts", "manifests", "definitions", "stores", "backups", "images"]
    if unknown := [name for name in names if name not in known]:
        raise LabToolsError(f"no part {unknown[0]}; there are: {', '.join(known)}")
    BIN.mkdir(exist_ok=True)
    with (BIN / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would take twice the time and memory
        build_tools([tool for tool in TOOLS if (not names or tool.name in names) and not is_there(tool)])
        for folder, wanted in (
            ("charts", fetched.CHARTS),
            ("manifests", fetched.MANIFESTS),
            ("definitions", fetched.DEFINITIONS),
            ("stores", fetched.STORES),
            ("backups", fetched.BACKUPS),
        ):
            if not names or folder in names:
                fetched.fetch(BIN / folder, wanted, say)
        if not names or "images" in names:
            prepare_node()
    say(f"{', '.join(names) or 'all parts'}: ready in lab/bin")


def build_tools(missing: list[Tool]) -> None:
    for tool in list(missing):
        if kept.take(tool.name, stamp(tool), BIN / tool.name):
            (BIN / f".{tool.name}.stamp").write_text(stamp(tool), encoding="utf-8")
            say(f"{tool.name} {tool.version}: built before, in another clone")
            missing.remove(tool)
        elif found := on_path(tool):
            link(tool, found)
            (BIN / f".{tool.name}.stamp").write_text(stamp(tool), encoding="utf-8")
            say(f"{tool.name} {tool.version}: taken from {found}")
            missing.remove(tool)
    if missing and shutil.which("go") is None:
        raise LabToolsError(f"go is not on PATH; it is needed to build {', '.join(tool.name for tool in missing)}")
    if missing:
        check_disk(missing)
    for index, tool in enumerate(missing):
        build(tool, sum(each.minutes for each in missing[index:]))
        kept.keep(tool.name, stamp(tool), BIN / tool.name)
        (BIN / f".{tool.name}.stamp").write_text(stamp(tool), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (LabToolsError, fetched.FetchError, images.ImageError, packages.PackageError) as problem:
        sys.exit(f"lab-tools: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
