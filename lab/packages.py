"""Debian packages that the lab's real node needs. Standard library only."""

import os
import shutil
import subprocess
from collections.abc import Callable

#: What the real node and the tests of Sentinel run, and the Debian package that it comes from. A package is asked for
#: only when its program is not there: Docker's own containerd serves as well, and Debian's would take its place.
PACKAGES = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "iptables": "iptables",
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "debootstrap": "debootstrap",
    # The same program as redis-server and redis-sentinel, by whose name it is called; their packages start services.
    "redis-check-rdb": "redis-tools",
}


class PackageError(Exception):
    """Packages could not be installed."""


def absent() -> list[str]:
    return [package for program, package in PACKAGES.items() if shutil.which(program) is None]


def install(wanted: list[str], say: Callable[[str], None]) -> None:
    """Install Debian packages. Nothing that is installed is removed for it."""
    say(f"packages: installing {', '.join(wanted)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "--quiet=2"],
        ["apt-get", "install", "--quiet=2", "--yes", "--no-remove", "--no-install-recommends", *wanted],
    ):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PackageError(f"packages: `{' '.join(command)}` failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
