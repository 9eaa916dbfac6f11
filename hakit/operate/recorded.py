"""The topology file in git: looked at before an operation, committed and pushed after each entry.

The file is what every `pulumi up` reads, so an entry that only one laptop has is undone by nobody, but known to nobody
either. git is never a precondition: what the regions follow is held by the epoch guard in each cluster and by the
witness. So a remote that is away, a refused push or a failing hook is told, with what to do later, and the operation
goes on. What is refused, before anything has changed, is what would mix somebody else's work into a handover.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.errors import HakitError
from hakit.operate.git import Checkout, GitError, checkout_of
from hakit.topology import loading, source
from hakit.topology.model import Handover, Pair, Topology

#: Seconds for one question to the remote.
SECONDS = 10.0
#: Marks of what git has left half-way in its folder; a commit would become a part of that.
#: https://git-scm.com/docs/gitrepository-layout, https://git-scm.com/docs/git-rebase
_HALF_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


@dataclass(frozen=True)
class Kept:
    """What became of an entry in git.

    Attributes:
        commit: that holds it; empty where there is none.
        pushed: the remote has it.
        problem: why not, in one line; empty when it has.
        do: commands and sentences for later.
    """

    commit: str = ""
    pushed: bool = False
    problem: str = ""
    do: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """For people."""
        done = f"git: commit {self.commit}{', pushed' if self.pushed else ''}" if self.commit else "git: not committed"
        return [f"{done}: {self.problem}" if self.problem else done, *(f"  later: {each}" for each in self.do)]


def before(path: Path, *, seconds: float = SECONDS) -> list[str]:
    """Look at the file in git before an operation.

    Returns:
        What to know, in sentences: the remote did not answer, there is no branch, nobody else sees the file.

    Raises:
        HakitError: the file has changes of another kind that are not committed, git is in the middle of a merge or
            the like, or the remote's branch has commits that this one lacks.
    """
    try:
        checkout = checkout_of(path)
    except GitError as error:
        return [f"git: {error}; nobody else sees an entry until you bring the file to them"]
    _refuse_half_way(checkout, path)
    if checkout.text_at("HEAD") is None:
        return ["git: the file is not in the last commit; nobody else sees it"]
    notes = _refuse_other_changes(checkout, path)
    if not checkout.has_remote:
        what = f"branch {checkout.branch} follows no remote" if checkout.branch else "no branch is checked out"
        return [*notes, f"git: {what}; entries are committed here and not pushed"]
    try:
        remote = _fetched(checkout, seconds)
        missing = checkout.git("rev-list", "--count", f"HEAD..{remote}").strip()
    except GitError as error:
        return [*notes, f"git: {checkout.remote} was not asked for a newer file: {error}"]
    if missing != "0":
        raise HakitError(
            f"{checkout.branch} lacks {missing} of {checkout.remote}'s commits",
            where=str(path),
            given=_newest(checkout, remote),
            do=f"git pull --rebase {checkout.remote} {checkout.merge}, and look at the list of handovers again",
        )
    return notes


def keep(path: Path, pair: str, *, seconds: float = SECONDS) -> Kept:
    """Commit the file, and nothing else, with a message that says which entry it brings; push it. Never raises for
    what git says. An entry that is committed already is only pushed.

    Hooks of this machine are not run: they may take minutes, change the file or ask. CI's checks are after the push.

    Args:
        path: the topology file, with the entry.
        pair: whose last entry it is.
        seconds: for each question to the remote.

    Raises:
        HakitError: the file is wrong, or has no such pair.
    """
    declared = loading.load(path).pair(pair)
    try:
        checkout = checkout_of(path)
    except GitError as error:
        return Kept(problem=str(error), do=("bring the file to where everybody's `pulumi up` reads it",))
    message = message_of(declared)
    try:
        commit = _committed(checkout, message)
    except GitError as error:
        command = f"git commit --only -m {shlex.quote(message.splitlines()[0])} -- {shlex.quote(checkout.file)}"
        return Kept(problem=str(error), do=(f"{command} && git push", f"in {checkout.top}"))
    if not checkout.has_remote:
        return Kept(commit, problem="there is nowhere to push it to", do=("push it where everybody pulls from",))
    try:
        checkout.git(
            "push", "--porcelain", "--no-verify", checkout.remote, f"HEAD:refs/heads/{checkout.merge}", seconds=seconds
        )
    except GitError as error:
        return _not_pushed(checkout, declared, commit, str(error), seconds)
    return Kept(commit, pushed=True)


def message_of(pair: Pair) -> str:
    """The message of the commit that brings a pair's last entry as it stands now."""
    if not pair.handovers:
        return f"{pair.name}: no handover\n"
    subject = f"{pair.name}: entry {len(pair.handovers)}, {_told(pair.handovers[-1])}"
    return f"{subject}\n\nWritten by hakit. Deploy it as it is, or something newer; never something older.\n"


def _told(entry: Handover) -> str:
    what = f"{entry.kind} to {entry.to}" if entry.kind != "rebuild" else f"rebuild of {entry.to}"
    if entry.accept_loss is not None:
        what += f", {entry.accept_loss} s of loss accepted"
    if entry.incarnation is not None:
        what += f", incarnation {entry.incarnation}"
    if entry.settled:
        return f"{what}: settled"
    return f"{what}: token of {', '.join(sorted(entry.tokens))}" if entry.tokens else what


def _refuse_half_way(checkout: Checkout, path: Path) -> None:
    for mark, what in _HALF_WAY.items():
        try:
            found = checkout.git("rev-parse", "--git-path", mark).strip()
        except GitError:
            return
        if (checkout.top / found).exists():
            raise HakitError(
                f"git is in the middle of a {what}", where=str(path), do=f"end it: git {what} --continue, or --abort"
            )


def _refuse_other_changes(checkout: Checkout, path: Path) -> list[str]:
    """Entries, tokens and `settled` that are not committed yet are an earlier run's own: the next commit takes them."""
    try:
        if not checkout.git("status", "--porcelain", "--", checkout.file).strip():
            return []
    except GitError as error:
        return [f"git: it was not asked for changes: {error}"]
    committed = checkout.text_at("HEAD") or ""
    now = path.read_text(encoding="utf-8")
    if _only_handovers(committed, now, str(path)):
        return ["git: an entry of an earlier run is not committed yet; it goes into this run's commit"]
    raise HakitError(
        "the file has changes that are not committed, and not only new handovers",
        where=str(path),
        do=f"commit them or take them back first: git diff -- {checkout.file}",
    )


def _only_handovers(old: str, new: str, path: str) -> bool:
    """Whether a text only adds entries at the end of lists, and tokens or `settled` to what was the last entry."""
    try:
        before, after = (source.parse(text, path).data for text in (old, new))
    except HakitError:
        return False
    old_lists, new_lists = _taken_out(before), _taken_out(after)
    return before == after and all(_extends(old_lists[name], new_lists[name]) for name in new_lists)


def _taken_out(data: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Every pair's list; what stays in `data` is everything else."""
    return {name: pair.pop("handovers", []) for name, pair in data.get("pairs", {}).items()}


def _extends(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> bool:
    if len(new) < len(old) or new[: len(old) - 1] != old[:-1]:
        return False
    return not old or _adds(old[-1], new[len(old) - 1])


def _adds(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an entry is another one with tokens or `settled` added."""
    tokens = {**new.get("tokens", {}), **old.get("tokens", {})} == new.get("tokens", {})
    rest = [{key: value for key, value in each.items() if key not in ("tokens", "settled")} for each in (old, new)]
    return rest[0] == rest[1] and tokens and old.get("settled", False) <= new.get("settled", False)


def _fetched(checkout: Checkout, seconds: float) -> str:
    """The remote's branch as it is now: the commit's name. Raises GitError."""
    checkout.git("fetch", "--quiet", "--no-tags", checkout.remote, f"refs/heads/{checkout.merge}", seconds=seconds)
    return checkout.git("rev-parse", "FETCH_HEAD").strip()


def _committed(checkout: Checkout, message: str) -> str:
    """The commit that has the file as it is: a new one, or the last where that has it. Raises GitError."""
    is_new = checkout.text_at("HEAD") is None
    if is_new:
        if checkout.is_ignored():
            raise GitError("the file is one that .gitignore leaves out")
        checkout.git("add", "--", checkout.file)
    if is_new or checkout.git("status", "--porcelain", "--", checkout.file).strip():
        # --only: what else is staged stays staged, and out of this commit.
        checkout.git("commit", "--quiet", "--no-verify", "--only", "-m", message, "--", checkout.file)
    return checkout.git("rev-parse", "--short", "HEAD").strip()


def _not_pushed(checkout: Checkout, pair: Pair, commit: str, why: str, seconds: float) -> Kept:
    push = f"git push {checkout.remote} HEAD:{checkout.merge}"
    behind = "fetch first" in why or "non-fast-forward" in why
    if not behind:
        elsewhere = f"git push {checkout.remote} HEAD:refs/heads/handover-{pair.name}-{len(pair.handovers)}"
        refused = "rejected" in why
        do = (f"{elsewhere}, and merge it at once: the branch takes no direct push",) if refused else (push,)
        return Kept(commit, problem=f"not pushed: {why}", do=do)
    try:
        remote = _fetched(checkout, seconds)
    except GitError as error:
        return Kept(commit, problem=f"not pushed: {why}; {error}", do=(f"git pull --rebase && {push}",))
    return _diverged(checkout, pair, commit, remote)


def _diverged(checkout: Checkout, pair: Pair, commit: str, remote: str) -> Kept:
    """Somebody else has pushed since `before`: something else, or an entry of their own."""
    who = _newest(checkout, remote)
    push = f"git pull --rebase {checkout.remote} {checkout.merge} && git push {checkout.remote} HEAD:{checkout.merge}"
    theirs = _list_at(checkout, remote, pair.name)
    ours = [each.model_dump() for each in pair.handovers]
    if theirs is not None and _extends([each.model_dump() for each in theirs], ours):
        return Kept(commit, problem=f"not pushed: the remote has newer commits, and no other entry ({who})", do=(push,))
    if not theirs:
        return Kept(commit, problem=f"not pushed: the remote's list is another one ({who})", do=_AGREE)
    problem = (
        f"not pushed: somebody else wrote to this list. Here entry {len(ours)} is {_told(pair.handovers[-1])}; "
        f"there entry {len(theirs)} is {_told(theirs[-1])} ({who})"
    )
    return Kept(commit, problem=problem, do=_AGREE)


#: Two laptops wrote different entries of one number. Which one the regions follow is not decided by who pushed first.
_AGREE = (
    "stop, and speak with whoever wrote the other entry; run no `pulumi up` until you agree",
    "`hakit witness show` and `hakit status` say which entry the regions follow: that list stands",
    "the other one gives its commit up (git reset --hard to the remote's branch, when nothing else is in it), "
    "or appends what is still wanted as the next entry",
)


def _list_at(checkout: Checkout, commit: str, pair: str) -> tuple[Handover, ...] | None:
    text = checkout.text_at(commit)
    if text is None:
        return None
    try:
        there: Topology = loading.parse(text, checkout.file)
        return there.pair(pair).handovers
    except HakitError:
        return None


def _newest(checkout: Checkout, commit: str) -> str:
    try:
        return checkout.git("log", "-1", "--format=%h by %an, %ar: %s", commit).strip()
    except GitError:
        return commit
