"""Credentials that the user has for Helm already. They are handed on to Helm, and shown and stored nowhere."""

import netrc
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hakit.charts.remote import Remote
from hakit.errors import HakitError


def helm_folder() -> Path:
    """Helm's folder of settings: helmpath in Helm's source."""
    if found := os.environ.get("HELM_CONFIG_HOME"):
        return Path(found)
    if found := os.environ.get("XDG_CONFIG_HOME"):
        return Path(found) / "helm"
    return Path.home() / ("Library/Preferences/helm" if sys.platform == "darwin" else ".config/helm")


def registry_file() -> Path:
    """Where `helm registry login` keeps what it was given."""
    return Path(os.environ.get("HELM_REGISTRY_CONFIG") or helm_folder() / "registry" / "config.json")


def of_repository(remote: Remote) -> tuple[str, str] | None:
    """User and password for a repository: those of `helm repo add` for the same address, else those of netrc.

    Raises:
        HakitError: one of the files cannot be read.
    """
    return _of_helm(remote) or _of_netrc(remote)


def _of_helm(remote: Remote) -> tuple[str, str] | None:
    import yaml

    file = Path(os.environ.get("HELM_REPOSITORY_CONFIG") or helm_folder() / "repositories.yaml")
    if not file.is_file():
        return None
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        # Not the error's own words: they quote the line, in which a password may stand.
        raise HakitError("not YAML", where=str(file), do="mend it, or write it anew with `helm repo add`") from None
    repositories: Any = document.get("repositories") if isinstance(document, Mapping) else None
    for each in repositories or []:
        if str(each.get("url", "")).rstrip("/") == remote.repo and each.get("username"):
            return str(each["username"]), str(each.get("password") or "")
    return None


def _of_netrc(remote: Remote) -> tuple[str, str] | None:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    if not file.is_file():
        return None
    try:
        found = netrc.netrc(file).authenticators(remote.host.partition(":")[0])
    except netrc.NetrcParseError as error:
        raise HakitError("not a netrc file", where=f"{file}:{error.lineno}", do="mend the line") from None
    return (found[0], found[2] or "") if found else None
