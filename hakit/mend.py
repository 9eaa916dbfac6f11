"""`hakit mend`: releases that Helm holds for being under way, though nobody is at work any more.

Helm notes `pending-install`, `pending-upgrade` or `pending-rollback` in the Secret of a revision before it sends
anything, and refuses every later operation while the last revision says so (helm pkg/action/upgrade.go, errPending).
What was killed in between leaves the note for ever. Mending writes `failed` in its place, which is what Helm itself
notes when an operation ends badly: the next upgrade then begins at the last revision that was deployed. No workload is
touched.
"""

import base64
import binascii
import datetime as dt
import gzip
import json
import subprocess
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.errors import HakitError, counted
from hakit.observe import Object, Reader, RefusedError, UnreachableError, kubectl

#: What Helm calls an operation that has not ended (helm pkg/release/status.go, IsPending).
_PENDING = ("pending-install", "pending-upgrade", "pending-rollback")
#: Seconds that an operation may be under way before it counts as dead: half as much again as ZonalApp's own timeout.
AFTER = 900
_NEXT = {
    "pending-install": 'deploy with "adopt": "release" once, see docs/adoption.md: it has no revision that was ready',
    "pending-upgrade": "deploy again",
    "pending-rollback": "deploy again",
}


@dataclass(frozen=True)
class Pending:
    """A release whose last revision has not ended.

    Attributes:
        started: when the operation began; None where Helm's note does not say it.
        secret: in which Helm keeps the revision, as it was read.
    """

    namespace: str
    name: str
    revision: int
    status: str
    started: dt.datetime | None
    secret: Object

    def seconds(self, now: dt.datetime) -> float | None:
        return None if self.started is None else (now - self.started).total_seconds()


@dataclass(frozen=True)
class Place:
    """The cluster: a context of a kubeconfig; of either, empty means the usual one."""

    context: str
    kubeconfig: str


def find(place: Place, name: str = "", namespace: str = "", *, seconds: float = 15) -> list[Pending]:
    """Every release that is pending, or the one that is named.

    Raises:
        HakitError: there is no kubectl, the cluster does not answer, or may not be asked for Secrets.
    """
    where = f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"
    chosen = f"owner=helm,status in ({','.join(_PENDING)})" + (f",name={name}" if name else "")
    try:
        with Reader(place.context, place.kubeconfig, seconds=seconds) as reader:
            found = [_read(each) for each in reader.list(where, labelSelector=chosen)]
            return [each for each in found if _is_last(reader, each)]
    except UnreachableError as error:
        raise HakitError("the cluster does not answer", where=place.context, given=error) from None
    except RefusedError as error:
        raise HakitError(
            "Helm's Secrets may not be read", where=place.context, given=error.message, do="name a --namespace of yours"
        ) from None


def _is_last(reader: Reader, pending: Pending) -> bool:
    """Helm looks at the last revision alone."""
    path = f"/api/v1/namespaces/{pending.namespace}/secrets"
    every = reader.list(path, labelSelector=f"owner=helm,name={pending.name}")
    return pending.revision == max(int(each["metadata"]["labels"]["version"]) for each in every)


def _read(secret: Object) -> Pending:
    labels = secret["metadata"]["labels"]
    return Pending(
        namespace=secret["metadata"]["namespace"],
        name=labels["name"],
        revision=int(labels["version"]),
        status=labels["status"],
        started=_time(contents_of(secret).get("info", {}).get("last_deployed")),
        secret=secret,
    )


def mend(place: Place, pending: Pending, now: dt.datetime) -> None:
    """Note that the operation has failed. Nothing is written where anybody else has written in between.

    Raises:
        HakitError: the Secret has changed since it was read, or may not be changed.
    """
    metadata = pending.secret["metadata"]
    release = contents_of(pending.secret)
    release["info"] = release.get("info", {}) | {
        "status": "failed",
        "description": f"hakit mend: {pending.status} since {_shown(pending.started)}, given up at {_shown(now)}",
    }
    patch = {
        "metadata": {"resourceVersion": metadata["resourceVersion"], "labels": {"status": "failed"}},
        "data": {"release": _packed(release)},
    }
    command = [kubectl(), "--namespace", pending.namespace, "patch", "secret", metadata["name"], "--type", "merge"]
    command += [f"--context={place.context}"] if place.context else []
    command += [f"--kubeconfig={place.kubeconfig}"] if place.kubeconfig else []
    # On standard input: what is in a release is seen in no list of processes.
    command += ["--patch-file", "/dev/stdin"]
    done = subprocess.run(command, input=json.dumps(patch), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HakitError(
            f"release {pending.name} was not mended",
            where=place.context,
            given=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"kubectl: {done.returncode}",
            do="look again: somebody may be at work",
        )


def contents_of(secret: Object) -> dict[str, Any]:
    """What Helm keeps in a Secret: JSON, gzipped, in base64, and that in the API's own base64 (helm
    pkg/storage/driver/util.go, decodeRelease)."""
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        found = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
    except (KeyError, ValueError, binascii.Error, OSError, EOFError, zlib.error):
        raise HakitError(
            "not a release of Helm's", where=f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"
        ) from None
    return found if isinstance(found, dict) else {}


def _packed(release: dict[str, Any]) -> str:
    inner = base64.b64encode(gzip.compress(json.dumps(release).encode(), 9))
    return base64.b64encode(inner).decode()


def _time(text: Any) -> dt.datetime | None:
    """Go prints nanoseconds."""
    if not isinstance(text, str):
        return None
    head, dot, rest = text.partition(".")
    if dot:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        head += rest[digits:]
    try:
        found = dt.datetime.fromisoformat(head.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _shown(moment: dt.datetime | None) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "an unknown time"


def run(  # noqa: PLR0913  each is an option of the command
    place: Place,
    name: str,
    namespace: str,
    *,
    after: float,
    seconds: float,
    confirm: Callable[[str], bool],
    say: Callable[[str], None],
) -> int:
    """The whole command: find, say, ask, mend. Its exit code.

    Args:
        place: the cluster.
        name: of the release; empty: all that are pending.
        namespace: empty: all of them.
        after: seconds after which an operation counts as dead.
        seconds: that reading may take.
        confirm: asked before each change; True lets it happen.
        say: prints a line.
    """
    found = find(place, name, namespace, seconds=seconds)
    now = dt.datetime.now(dt.UTC)
    left = 0
    for each in found:
        say(_line(each, now))
        age = each.seconds(now)
        if age is not None and age < after:
            say(f"  left alone: begun less than {after:g} seconds ago, so somebody may be at work (--after)")
        elif confirm(f"  is nobody at work on it? note it as failed, so that it can be deployed again ({_OF_PODS})"):
            mend(place, each, now)
            say(f"  mended: it is `failed` now; next: {_NEXT[each.status]}")
            continue
        else:
            say("  left alone")
        left += 1
    say(_total(found, left))
    return 1 if left else 0


_OF_PODS = "what runs goes on"


def _line(each: Pending, now: dt.datetime) -> str:
    age = each.seconds(now)
    since = f"since {_shown(each.started)}" + (f", {age / 60:.0f} minutes" if age is not None else "")
    return f"{each.namespace}/{each.name}  revision {each.revision} is {each.status} {since}"


def _total(found: Sequence[Pending], left: int) -> str:
    if not found:
        return "no release is pending"
    return f"{counted(len(found), 'release')} pending, {len(found) - left} mended"


def place_of(context: str, kubeconfig: Path | None) -> Place:
    """The cluster that the options name."""
    return Place(context, str(kubeconfig) if kubeconfig else "")
