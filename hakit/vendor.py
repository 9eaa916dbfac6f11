"""`hakit charts`: what charts.yaml wants is pulled into a folder beside Pulumi.yaml and held by charts.lock."""

import json
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hakit.charts.lock import (
    FOLDER,
    LOCK,
    WANTED,
    Locked,
    add_wanted,
    read_lock,
    read_wanted,
    write_lock,
    write_whole,
)
from hakit.charts.remote import EXACT, Remote, is_remote, remote
from hakit.charts.source_archive import check_archive
from hakit.charts.source_pull import fetch
from hakit.charts.source_vendored import check_digest, check_folders, digest_of, search_folders
from hakit.errors import HakitError, counted

#: Downloads at a time.
_AT_ONCE = 4
READY, FETCHED, COPIED = "ready", "fetched", "copied"
NOT_LOCKED, NOT_PULLED, DIFFERS, NOT_WANTED = "not locked", "not pulled", "differs", "not wanted"


@dataclass(frozen=True)
class Row:
    """One chart, and how it stands."""

    wanted: Remote
    locked: Locked | None
    state: str

    def as_dict(self) -> dict[str, str]:
        return {
            "chart": self.wanted.chart,
            "repo": self.wanted.repo,
            "wanted": self.wanted.version,
            "version": self.locked.version if self.locked else "",
            "digest": self.locked.digest if self.locked else "",
            "file": str(FOLDER / self.locked.file) if self.locked else "",
            "state": self.state,
        }


@dataclass(frozen=True)
class How:
    """How charts are pulled.

    Attributes:
        locked: charts.lock stays as it is; where it does not fit charts.yaml, nothing is done.
        upgrade: ranges are resolved anew.
        folders: where archives are looked for before a network is asked.
        plain_http: speak HTTP with OCI registries.
    """

    locked: bool = False
    upgrade: bool = False
    folders: Sequence[Path] = ()
    plain_http: bool = False


@dataclass(frozen=True)
class _Places:
    """Where one pull reads and writes: the project, folders with archives, a folder for drafts."""

    root: Path
    folders: Sequence[Path]
    draft: Path


def add(root: Path, chart: str, version: str, repo: str, how: How) -> list[Row]:
    """Pull one chart more and write it into charts.yaml.

    Raises:
        HakitError: the words do not name a chart, it is there already, or it cannot be had.
    """
    if not is_remote(chart, version, repo):
        raise HakitError("a chart of a repository needs --repo", given=chart, allowed="a name with --repo, or oci://")
    new = remote(chart, version, repo, f"hakit charts add {chart}")
    wanted = read_wanted(root) if (root / WANTED).is_file() else []
    if new in wanted:
        raise HakitError(f"{new} is in {WANTED} already", do="hakit charts pull")
    text = add_wanted(root, new)
    rows = pull(root, how, [*wanted, new])
    write_whole(root / WANTED, text)
    return [row for row in rows if row.wanted == new]


def pull(root: Path, how: How, wanted: Sequence[Remote] | None = None) -> list[Row]:
    """Bring the archives that charts.yaml wants into the project's folder, and charts.lock up to date.

    What is locked keeps its version and its digest. Everything is fetched and checked before anything is written.

    Raises:
        HakitError: charts.yaml or charts.lock is wrong, with `how.locked` they do not fit, or a chart cannot be had.
            Several that cannot be had are told in one error.
    """
    wanted = read_wanted(root) if wanted is None else wanted
    before = read_lock(root)
    by_wanted = {each.wanted: each for each in before}
    if how.locked:
        _refuse_unlocked(root, wanted, before)
    folders = [*check_folders(how.folders, "--from"), *search_folders(root)]
    kept = {} if how.upgrade else by_wanted
    with tempfile.TemporaryDirectory(prefix="hakit-charts-", ignore_cleanup_errors=True) as draft:
        places = _Places(root, folders, Path(draft))

        def get(each: Remote) -> tuple[Row, Path | None]:
            return _get(each, kept.get(each), places, plain_http=how.plain_http)

        found = _at_once(get, wanted)
        _refuse_one_name([row.locked for row, _ in found if row.locked])
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        for row, file in found:
            if file is not None and row.locked is not None:
                _put(file, root / FOLDER / row.locked.file)
    after = [row.locked for row, _ in found if row.locked]
    if set(after) != set(before) or len(after) != len(before):
        write_lock(root, after)
    return [row for row, _ in found]


def _refuse_unlocked(root: Path, wanted: Sequence[Remote], before: Sequence[Locked]) -> None:
    locked = {each.wanted for each in before}
    missing = [str(each) for each in wanted if each not in locked]
    extra = [str(each) for each in locked - set(wanted)]
    if missing or extra:
        raise HakitError(
            f"{LOCK} does not fit {WANTED}, and --locked lets nothing change it",
            where=str(root / LOCK),
            given="; ".join(
                [*(f"not locked: {each}" for each in missing), *(f"locked, not wanted: {each}" for each in extra)]
            ),
            do="run `hakit charts pull` without --locked, and commit charts.lock",
        )


def _get(wanted: Remote, locked: Locked | None, places: _Places, *, plain_http: bool) -> tuple[Row, Path | None]:
    """One chart: as it lies in the project, from a folder, or fetched; with the file that is to be put in place."""
    if locked is not None and (file := places.root / FOLDER / locked.file).is_file():
        check_digest(file, locked)
        return Row(wanted, locked, READY), None
    version = locked.version if locked else wanted.version
    exact = Remote(*wanted.source, version)
    state, file = COPIED, _in_folders(exact, locked, places.folders)
    if file is None:
        state, file = FETCHED, fetch(exact, Path(tempfile.mkdtemp(dir=places.draft)), plain_http=plain_http)
    found = Locked(wanted, check_archive(file, exact), digest_of(file))
    if locked is not None and found != locked:
        raise _changed(exact, locked, found)
    target = places.root / FOLDER / found.file
    if target.is_file():
        check_digest(target, found)
        return Row(wanted, found, READY), None
    return Row(wanted, found, state), file


def _in_folders(exact: Remote, locked: Locked | None, folders: Sequence[Path]) -> Path | None:
    for folder in folders if EXACT.fullmatch(exact.version) else ():
        file = folder / f"{exact.name}-{exact.version}.tgz"
        if file.is_file():
            if locked is not None:
                check_digest(file, locked)
            return file
    return None


def _changed(exact: Remote, locked: Locked, found: Locked) -> HakitError:
    return HakitError(
        "what was fetched is not the archive that was locked",
        where=str(exact),
        given=found.digest,
        allowed=f"{locked.digest} ({LOCK})",
        do=f"the version was published anew, or somebody is between: compare the charts; to take the new one, delete "
        f"its entry from {LOCK} and pull again",
    )


def _refuse_one_name(locked: Sequence[Locked]) -> None:
    """Two sources may have a chart of the same name and version; their archives would be one file."""
    by_file: dict[str, Locked] = {}
    for each in locked:
        other = by_file.setdefault(each.file, each)
        if other.digest != each.digest:
            raise HakitError(
                f"two charts would both be {FOLDER / each.file}",
                where=WANTED,
                given=f"{other.exact}; {each.exact}",
                do="take one of them from a folder of your own, by its path",
            )


def _put(file: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.new")
    shutil.copyfile(file, draft)
    draft.replace(target)


def _at_once(
    get: Callable[[Remote], tuple[Row, Path | None]], wanted: Sequence[Remote]
) -> list[tuple[Row, Path | None]]:
    """Several at a time, all of them tried.

    In daemon threads: Helm's client cannot be interrupted, and Ctrl-C must not wait for it.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, tuple[Row, Path | None] | BaseException]] = queue.SimpleQueue()
    for number in range(len(wanted)):
        waiting.put(number)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, get(wanted[number])))
            except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
                done.put((number, error))

    for _ in range(min(_AT_ONCE, len(wanted))):
        threading.Thread(target=work, daemon=True).start()
    results = dict(done.get() for _ in wanted)
    found, problems = [], []
    for number in range(len(wanted)):
        result = results[number]
        if isinstance(result, HakitError):
            problems.append(result)
        elif isinstance(result, BaseException):
            raise result
        else:
            found.append(result)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        each = "\n".join(str(problem) for problem in problems)
        raise HakitError(f"{len(problems)} of {len(wanted)} charts cannot be had; nothing was written\n{each}")
    return found


def standing(root: Path) -> list[Row]:
    """How each wanted chart stands, and which archives nobody wants any more. Nothing is fetched or written."""
    wanted, locked = read_wanted(root), {each.wanted: each for each in read_lock(root)}
    folders = [root / FOLDER, *search_folders(root)]
    rows = [Row(each, locked.get(each), _state(locked.get(each), folders)) for each in wanted]
    used = {row.locked.file for row in rows if row.locked}
    left = sorted(file.name for file in (root / FOLDER).glob("*.tgz") if file.name not in used)
    return rows + [Row(Remote(str(FOLDER / name)), None, NOT_WANTED) for name in left]


def _state(locked: Locked | None, folders: Sequence[Path]) -> str:
    if locked is None:
        return NOT_LOCKED
    file = next((folder / locked.file for folder in folders if (folder / locked.file).is_file()), None)
    if file is None:
        return NOT_PULLED
    return READY if digest_of(file) == locked.digest else DIFFERS


def exit_code(rows: Sequence[Row]) -> int:
    """0: programs find every chart; 1: not so."""
    return 1 if any(row.state in (NOT_LOCKED, NOT_PULLED, DIFFERS) for row in rows) else 0


def as_text(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        version = row.locked.version if row.locked else "-"
        lines.append((row.wanted.name, version, row.state, row.wanted.repo or row.wanted.chart))
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(3)]
    text = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]) for line in lines
    ]
    states = [row.state for row in rows]
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return "\n".join([*text, f"{counted(len(rows), 'chart')}: {', '.join(parts)}" if rows else "no charts"]) + "\n"


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps({"charts": [row.as_dict() for row in rows]}, indent=2) + "\n"
