"""`--out DIR`: one file an object, so that a pull request can show what changes in a cluster."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from hakit.errors import HakitError
from hakit.preview.document import ObjectDocument, ResourceDocument, StackDocument
from hakit.preview.objects import RELEASE

MARKER = ".hakit-preview"
_FIRST = ("apiVersion", "kind", "metadata", "spec")


class _Dumper(yaml.SafeDumper):
    """Long text as it is written, and no anchors: the same value twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def check_folder(out: Path) -> None:
    """Refuse a folder that cannot be written, or that holds anything that hakit did not write.

    Raises:
        HakitError: the message says which, and names a file that is not hakit's.
    """
    with _told(out):
        _check(out.resolve(), out)


def _check(folder: Path, out: Path) -> None:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise HakitError("--out: not a folder", given=out if there == folder else there)
    if there == folder:
        if folder.is_mount():
            raise HakitError(
                "--out: a mount point cannot be replaced as a whole", given=out, do="give a folder within it"
            )
        _refuse_foreign(folder, out)
        # What cannot be emptied could not be taken away either.
        if any(not os.access(path, os.R_OK | os.W_OK | os.X_OK) for path in (folder, *folder.rglob("*/"))):
            raise PermissionError(errno.EACCES, "it may not be changed")
    # Asking for permission is not enough: immutable, read-only and virtual file systems each have their own word.
    Path(tempfile.mkdtemp(prefix=f".{_shortened(folder)}.", dir=folder.parent if there == folder else there)).rmdir()


@contextmanager
def _told(out: Path) -> Generator[None]:
    try:
        yield
    # Older Pythons tell a circle of links as a RuntimeError.
    except (OSError, RuntimeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise HakitError(
            f"--out: the folder cannot be written: {reason}",
            where=str(out),
            do="give a folder that you may create or replace, on a disk with space left",
        ) from None


def _refuse_foreign(folder: Path, out: Path) -> None:
    marker = folder / MARKER
    ours = {MARKER, *marker.read_text(encoding="utf-8").splitlines()} if marker.is_file() else set()
    found = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    # The first one is enough: the folder may be somebody's home.
    foreign = next((name for name in (str(path.relative_to(folder)) for path in found) if name not in ours), None)
    if foreign is not None:
        raise HakitError(
            f"--out: the folder holds files that hakit did not write, {foreign} for one",
            given=out,
            allowed="an empty or new folder, or one that an earlier preview wrote",
            do="give another folder; hakit deletes nothing that is not its own",
        )


def write_manifests(stacks: Sequence[StackDocument], out: Path) -> int:
    """Write all objects of all stacks, in place of what an earlier preview wrote; return how many.

    The set is written beside the folder and put in its place whole.

    Raises:
        HakitError: it cannot be written; what was there before still is.
    """
    check_folder(out)
    files = {name: text for stack in stacks for name, text in stack_files(stack).items()}
    with _told(out):
        _write(files, out.resolve())
    return len(files)


def _write(files: Mapping[str, str], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{_shortened(out)}.", dir=out.parent))
    try:
        fresh.chmod(0o755)
        for name, text in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_text(text, encoding="utf-8")
        (fresh / MARKER).write_text("".join(f"{name}\n" for name in sorted(files)), encoding="utf-8")
        _swap(fresh, out)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _shortened(out: Path) -> str:
    # A name may be as long as the file system allows; the one beside it has more to say.
    return out.name[:100]


def _swap(fresh: Path, out: Path) -> None:
    if not out.exists():
        fresh.rename(out)
        return
    old = fresh.with_name(f"{fresh.name}.old")
    out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old)


def stack_files(stack: StackDocument) -> dict[str, str]:
    """The text of each file by its path within the folder."""
    entries = [(resource, one) for resource in stack["resources"] for one in resource["objects"]]
    names = [_name(one) for _, one in entries]
    for more in (
        lambda _, one: _group(one),
        lambda resource, _: resource["name"],
        lambda resource, _: resource["provider"],
    ):
        names = [
            f"{name}.{safe_name(more(*entry))}" if _clashes(name, names) and more(*entry) else name
            for name, entry in zip(names, entries, strict=True)
        ]
    files: dict[str, str] = {}
    taken: set[str] = set()
    for name, (resource, one) in zip(names, entries, strict=True):
        unique, number = name, 2
        while unique.casefold() in taken:
            unique, number = f"{name}.{number}", number + 1
        taken.add(unique.casefold())
        files[f"{safe_name(stack['stack'])}/{unique}.yaml"] = manifest_text(_placed(one, resource))
    return files


def _name(one: ObjectDocument) -> str:
    return f"{safe_name(one['namespace']) or '_cluster'}/{safe_name(one['kind'])}-{safe_name(one['name'])}"


def _clashes(name: str, names: Sequence[str]) -> bool:
    # Some file systems take `A` and `a` for one name.
    return sum(other.casefold() == name.casefold() for other in names) > 1


def _group(one: ObjectDocument) -> str:
    return one["api_version"].rpartition("/")[0]


def safe_name(text: str) -> str:
    """A file name: RBAC names hold colons, and a name from outside may hold anything."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", text)[:200]
    return f"_{safe[1:]}" if safe.startswith(".") else safe


def _placed(one: ObjectDocument, resource: ResourceDocument) -> Mapping[str, Any]:
    """The manifest with its namespace, by which `kubectl diff` finds the object; a release's objects lack it.

    That an object of its own goes to `default` is a guess: the provider's or the cluster's settings decide.
    """
    manifest, metadata = one["manifest"], one["manifest"].get("metadata", {})
    is_known = resource["type"] == RELEASE and re.fullmatch(r"[a-z0-9-]+", one["namespace"])
    if not is_known or not isinstance(metadata, Mapping) or metadata.get("namespace"):
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": one["namespace"]}}


def manifest_text(manifest: Mapping[str, Any]) -> str:
    return yaml.dump(_ordered(manifest), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def _ordered(manifest: Mapping[str, Any]) -> dict[str, Any]:
    first = {key: manifest[key] for key in _FIRST if key in manifest}
    return _sorted_within({**first, **{key: manifest[key] for key in sorted(manifest) if key not in first}})


def _sorted_within(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _sorted(item) for key, item in value.items()}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
