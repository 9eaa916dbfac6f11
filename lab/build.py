"""Build the lab's tools into lab/bin: `python lab/build.py [tool ...]`. Standard library only.

Each tool is a Go module beneath lab/ that pins it with everything it needs. What is built already, from the same pins,
is left alone; a tool on PATH that has the pinned version is linked instead of built.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
        version_arguments: what makes the tool print its version; None: it is never taken from PATH.
    """

    name: str
    module: str
    package: str
    version_flags: str
    minutes: float
    disk: float
    version_arguments: tuple[str, ...] | None = None

    @property
    def folder(self) -> Path:
        return LAB / self.name

    @property
    def version(self) -> str:
        text = (self.folder / "go.mod").read_text(encoding="utf-8")
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
        ("version", "--template", "{{.Version}}"),
    ),
    Tool("cluster", "k8s.io/kubernetes", ".", _KUBERNETES, 7, 3),
    # Without its version in it, the Automation API refuses the engine as too old.
    Tool(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={bare}",
        7,
        4,
        ("version",),
    ),
)

#: Charts of others, each within a Go module: what hakit's own rendering is compared on. Name, module, version, folder.
CHARTS = (
    ("external-dns", "sigs.k8s.io/external-dns", "v0.20.0", "charts/external-dns"),
    ("external-secrets", "github.com/external-secrets/external-secrets", "v0.20.4", "deploy/charts/external-secrets"),
    ("kwok", "sigs.k8s.io/kwok", "v0.8.0", "charts/kwok"),
    ("mariadb-operator", "github.com/mariadb-operator/mariadb-operator", "v0.38.1", "deploy/charts/mariadb-operator"),
    (
        "node-feature-discovery",
        "sigs.k8s.io/node-feature-discovery",
        "v0.18.3",
        "deployment/helm/node-feature-discovery",
    ),
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
    command = ["go", "build", "-trimpath", "-ldflags", f"-s -w {flags}".strip(), "-o", str(draft), tool.package]
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


def fetch_charts() -> None:
    """Copy the charts of others to lab/bin/charts; Go checks each module against its public checksum."""
    target, mark = BIN / "charts", BIN / ".charts.stamp"
    if target.is_dir() and mark.is_file() and mark.read_text(encoding="utf-8") == repr(CHARTS):
        return
    shutil.rmtree(target, ignore_errors=True)
    for name, module, version, folder in CHARTS:
        say(f"charts: {name} {version}")
        asked = ["go", "mod", "download", "-json", f"{module}@{version}"]
        # Outside of any module of ours, whose go.mod would have a say in it.
        done = subprocess.run(asked, cwd=BIN, env={**os.environ, "GOWORK": "off"}, capture_output=True, check=False)
        found = json.loads(done.stdout or "{}")
        if "Dir" not in found:
            raise LabToolsError(f"charts: {module}@{version}: {found.get('Error') or done.stderr.decode()}")
        shutil.copytree(Path(found["Dir"]) / folder, target / name, copy_function=shutil.copyfile)
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # the module cache is read-only, and copies are too
    mark.write_text(repr(CHARTS), encoding="utf-8")


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
    known = [*(tool.name for tool in TOOLS), "charts"]
    if unknown := [name for name in names if name not in known]:
        raise LabToolsError(f"no tool {unknown[0]}; there are: {', '.join(known)}")
    BIN.mkdir(exist_ok=True)
    with (BIN / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once would take twice the time and memory
        missing = [tool for tool in TOOLS if (not names or tool.name in names) and not is_there(tool)]
        for tool in list(missing):
            if found := on_path(tool):
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
            (BIN / f".{tool.name}.stamp").write_text(stamp(tool), encoding="utf-8")
        if not names or "charts" in names:
            fetch_charts()
    say(f"{', '.join(names) or 'all tools'}: ready in lab/bin")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except LabToolsError as problem:
        sys.exit(f"lab-tools: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
