"""charts.yaml, the charts that a project wants, and charts.lock, what of them was pulled.

Both stand beside Pulumi.yaml. A person writes the first, `hakit charts pull` the second. Neither ever holds a
credential, and the lock no address that nobody wrote into charts.yaml.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.charts.remote import EXACT, NAME, Remote, remote
from hakit.errors import HakitError, did_you_mean

WANTED, LOCK = "charts.yaml", "charts.lock"
#: Where archives are kept, beside the two files.
FOLDER = Path("vendor") / "charts"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEADER = "# Written by `hakit charts pull`. Keep it in version control; edit charts.yaml instead.\n"


@dataclass(frozen=True)
class Locked:
    """One chart of charts.lock.

    Attributes:
        wanted: the chart as charts.yaml names it; its version may be a range.
        version: what that came to.
        digest: `sha256:` and the archive's checksum.
    """

    wanted: Remote
    version: str
    digest: str

    @property
    def file(self) -> str:
        """Name of the archive, the one that `helm pull` gives it."""
        return f"{self.wanted.name}-{self.version}.tgz"

    @property
    def exact(self) -> Remote:
        return Remote(*self.wanted.source, self.version)


def root_of(directory: Path) -> Path:
    """The folder that holds charts.yaml: that of the nearest Pulumi.yaml, else that of the nearest charts.yaml.

    Raises:
        HakitError: the directory is not there.
    """
    if not directory.is_dir():
        raise HakitError("there is no such folder", given=directory)
    here = directory.resolve()
    for name in ("Pulumi.yaml", WANTED):
        for folder in (here, *here.parents):
            if (folder / name).is_file():
                return folder
    return here


def read_wanted(root: Path) -> list[Remote]:
    """What charts.yaml wants, in its order.

    Raises:
        HakitError: it is missing or wrong.
    """
    path = root / WANTED
    if not path.is_file():
        raise HakitError(
            f"there is no {WANTED}",
            where=str(root),
            allowed="a file that lists charts, each with chart, version and, unless it is an oci:// one, repo",
            do="`hakit charts add NAME --repo ADDRESS --version VERSION` writes it",
        )
    found: list[Remote] = []
    for entry, where in _entries(path, ("chart", "version", "repo")):
        version = _text(entry, "version", where)
        wanted = remote(_text(entry, "chart", where), version, _text(entry, "repo", where, ""), where)
        if wanted in found:
            raise HakitError("the same chart twice", where=where, given=wanted, do="keep one of them")
        found.append(wanted)
    return found


def read_lock(root: Path) -> list[Locked]:
    """What charts.lock says; nothing where there is none.

    Raises:
        HakitError: it is not as `hakit charts pull` wrote it.
    """
    path = root / LOCK
    if not path.is_file():
        return []
    found = []
    for entry, where in _entries(path, ("chart", "repo", "wanted", "version", "digest")):
        words = [_text(entry, key, where) for key in ("chart", "wanted")]
        locked = Locked(
            remote(*words, _text(entry, "repo", where, ""), where),
            _text(entry, "version", where),
            _text(entry, "digest", where),
        )
        # They become a file's name: an edited lock must not lead out of the folder.
        for key, text, pattern in (
            ("chart", locked.wanted.name, NAME),
            ("version", locked.version, EXACT),
            ("digest", locked.digest, _DIGEST),
        ):
            if not pattern.fullmatch(text):
                raise HakitError(f"{key}: not as it was written", where=where, given=text, do=_MEND_LOCK)
        found.append(locked)
    return found


_MEND_LOCK = "restore it from version control, or delete it and pull again with `hakit charts pull`"


def write_lock(root: Path, locked: Iterable[Locked]) -> None:
    """Write charts.lock, whole or not at all."""
    entries = []
    for each in sorted(locked, key=lambda each: (each.wanted.name, each.wanted.source, each.version)):
        entry = {"chart": each.wanted.chart, "repo": each.wanted.repo, "wanted": each.wanted.version}
        entry |= {"version": each.version, "digest": each.digest}
        entries.append({key: value for key, value in entry.items() if value})
    write_whole(root / LOCK, _HEADER + _dump({"charts": entries}))


def add_wanted(root: Path, wanted: Remote) -> str:
    """The text of charts.yaml with one chart more, its comments kept. Nothing is written."""
    entry = {"chart": wanted.chart, "repo": wanted.repo, "version": wanted.version}
    entry = {key: value for key, value in entry.items() if value}
    path = root / WANTED
    if not path.is_file():
        return _dump({"charts": [entry]})
    import io

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 4096  # a digest stays in its line
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(path.read_text(encoding="utf-8")) or {}
    document["charts"] = document.get("charts") or []
    document["charts"].append(entry)
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _dump(document: dict[str, Any]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.compat import StringIO

    yaml = YAML()
    yaml.width = 4096  # a digest stays in its line
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(document, text)
    return text.getvalue()


#: What the dependencies of a Chart.yaml call the same things.
_OF_CHART_YAML = {"name": "chart", "repository": "repo"}


def _entries(path: Path, known: tuple[str, ...]) -> list[tuple[Mapping[str, Any], str]]:
    """The items of `charts` in a file, each with the words that name its place."""
    import yaml

    from hakit.charts.manifests import load_values

    try:
        document = load_values(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise HakitError(
            f"{path.name}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}",
            where=f"{path}:{mark.line + 1}" if mark else str(path),
            do=_MEND_LOCK if path.name == LOCK else "mend the line",
        ) from None
    document = {} if document is None else document
    charts = document.get("charts") if isinstance(document, Mapping) else None
    extra = sorted(set(document) - {"charts"}) if isinstance(document, Mapping) else ["no mapping"]
    if extra or not isinstance(charts or [], list):
        given = extra[0] if extra else type(charts).__name__
        raise HakitError(f"{path.name}: one key, charts, with a list", where=str(path), given=given, allowed=["charts"])
    found = []
    for number, entry in enumerate(charts or [], 1):
        where = f"{path}, chart {number}"
        if not isinstance(entry, Mapping):
            raise HakitError("not a mapping", where=where, given=entry, allowed=known)
        for key in entry:
            if key not in known:
                do = f"Chart.yaml's {key} is {_OF_CHART_YAML[key]} here" if key in _OF_CHART_YAML else None
                raise HakitError(f"{key}: unknown key", where=where, allowed=known, do=do or did_you_mean(key, known))
        found.append((entry, where))
    return found


def _text(entry: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if value is None:
        raise HakitError(f"{key} is missing", where=where, do="add it")
    if not isinstance(value, str) or (not value and default is None):
        raise HakitError(f"{key}: wrong type", where=where, given=value, allowed='a text, in quotes: "1.20.0"')
    return value
