"""Pulled charts: the archive of a chart that a program names, found without a network and held against the lock."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from hakit.charts.lock import FOLDER, LOCK, WANTED, Locked, read_lock, read_wanted
from hakit.charts.remote import Remote
from hakit.errors import HakitError

#: Folders with archives beside the project's own, for sites without a way out; as PATH has them.
SEARCH = "HAKIT_CHARTS_PATH"


def archive_of(wanted: Remote, root: Path, where: str | None = None) -> Path:
    """The archive of a chart, whose digest is the locked one.

    Args:
        wanted: the chart as a program names it.
        root: folder of charts.yaml and charts.lock.
        where: names the program's component in messages.

    Raises:
        HakitError: the chart is not locked or not pulled, or its archive has another digest.
    """
    locked = _locked(wanted, root, where)
    for folder in [root / FOLDER, *search_folders(root)]:
        file = folder / locked.file
        if file.is_file():
            check_digest(file, locked, where)
            return file
    raise HakitError(
        f"chart: {locked.exact} is locked, and its archive is not here",
        where=where,
        given=locked.file,
        allowed=f"an archive in {FOLDER}/ beside Pulumi.yaml, or in a folder that {SEARCH} names",
        do="hakit charts pull --locked",
    )


def search_folders(root: Path) -> list[Path]:
    """The folders that HAKIT_CHARTS_PATH names, relative ones beneath `root`.

    Raises:
        HakitError: one of them is not there: a misspelt one would be searched in vain.
    """
    return check_folders([root / each for each in os.environ.get(SEARCH, "").split(os.pathsep) if each], SEARCH)


def check_folders(folders: Sequence[Path], where: str) -> list[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise HakitError("there is no such folder", where=where, given=folder, allowed="folders with .tgz archives")
    return list(folders)


def _locked(wanted: Remote, root: Path, where: str | None) -> Locked:
    """The entry of charts.lock that a program's words name: by the version, or by the range as charts.yaml has it."""
    there = [each for each in read_lock(root) if each.wanted.source == wanted.source]
    named = [each for each in there if not wanted.version or wanted.version in (each.version, each.wanted.version)]
    if len(named) == 1:
        return named[0]
    versions = [each.version for each in there]
    if named:
        raise HakitError(
            f"version is missing: {LOCK} has several of {Remote(*wanted.source)}", where=where, allowed=versions
        )
    if versions:
        raise HakitError(
            f"version: {LOCK} has another one of {Remote(*wanted.source)}",
            where=where,
            given=wanted.version,
            allowed=versions,
            do=f"change it in {WANTED} and run `hakit charts pull`, or name a version that is locked",
        )
    is_wanted = (root / WANTED).is_file() and any(each.source == wanted.source for each in read_wanted(root))
    raise HakitError(
        "chart: it is not pulled; a program never downloads by itself",
        where=where,
        given=wanted,
        allowed=f"charts of {LOCK}" if (root / LOCK).is_file() else f"charts of {LOCK}; there is none yet",
        do="hakit charts pull" if is_wanted else f"hakit charts add {wanted.words()}",
    )


def digest_of(file: Path) -> str:
    with file.open("rb") as contents:
        return f"sha256:{hashlib.file_digest(contents, 'sha256').hexdigest()}"


def check_digest(file: Path, locked: Locked, where: str | None = None) -> None:
    """Raises HakitError when an archive is not the one that was locked."""
    found = digest_of(file)
    if found != locked.digest:
        raise HakitError(
            f"chart: {file.name} is not the archive that was locked",
            where=f"{where}: {file}" if where else str(file),
            given=found,
            allowed=f"{locked.digest} ({LOCK})",
            do="find out who changed it; then delete the file and run `hakit charts pull --locked`",
        )
