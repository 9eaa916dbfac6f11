"""git, asked for a bounded time: a remote that is away costs seconds, a question for a password costs none.

The program itself is used, as everybody's credentials, proxies and signing keys are set up for it.
"""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Seconds for what asks nobody else: a commit too, whose signing may wait for a key.
LOCAL = 20.0
#: Nobody is asked for anything, no lock is taken to look, and what git says is in the words this module knows.
#: https://git-scm.com/docs/git#_environment_variables
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_EDITOR": "true",
    "LC_ALL": "C",
}
#: What a user has set stays: it may name the key to use.
_SSH = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=5"}
#: Of git's hooks, which would make a commit elsewhere than its folder is: https://git-scm.com/docs/githooks
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


class GitError(Exception):
    """git did not do it. One line: its own last word, or that its time was over."""


@dataclass(frozen=True)
class Checkout:
    """Where a file stands in git.

    Attributes:
        top: folder of the work tree.
        file: the file's path in it.
        branch: the one that is checked out; empty for none (a detached HEAD).
        remote: where the branch is pushed to; empty for none.
        merge: the branch's name there.
    """

    top: Path
    file: str
    branch: str = ""
    remote: str = ""
    merge: str = ""

    @property
    def has_remote(self) -> bool:
        return bool(self.branch and self.remote and self.merge) and self.remote != "."  # a branch of this clone

    def git(self, *words: str, seconds: float = LOCAL) -> str:
        """git in this work tree. Raises GitError."""
        return run(self.top, *words, seconds=seconds)

    def text_at(self, commit: str) -> str | None:
        """The file as it is in a commit; None where the commit, or the file in it, is not there."""
        try:
            return self.git("show", f"{commit}:{self.file}")
        except GitError:
            return None

    def is_ignored(self) -> bool:
        return bool(_or_empty(self.top, "check-ignore", "--", self.file))


def checkout_of(path: Path) -> Checkout:
    """Where a file stands.

    Raises:
        GitError: there is no git, or the file is in no work tree.
    """
    real = path.resolve()
    top = Path(run(real.parent, "rev-parse", "--show-toplevel").rstrip("\n")).resolve()
    branch = _or_empty(top, "symbolic-ref", "--quiet", "--short", "HEAD")
    remote = _or_empty(top, "config", f"branch.{branch}.remote") if branch else ""
    merge = _or_empty(top, "config", f"branch.{branch}.merge") if branch else ""
    return Checkout(top, str(real.relative_to(top)), branch, remote, merge.removeprefix("refs/heads/"))


def run(folder: Path, *words: str, seconds: float = LOCAL) -> str:
    """What one git command prints.

    Raises:
        GitError: it failed, or took longer than `seconds`; then it and all it started have ended.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _OF_A_HOOK}
    try:
        process = subprocess.Popen(
            ["git", *words],
            cwd=folder,
            env={**_SSH, **kept, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # to end ssh and the like with it; and without a terminal nothing can ask
        )
    except OSError as error:
        raise GitError(f"there is no git to ask: {error.strerror}") from None
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        raise GitError(f"git {words[0]}: no answer within {seconds:g} s") from None
    except BaseException:  # Ctrl-C
        _end(process)
        raise
    text = out.decode(errors="replace")
    if process.returncode:
        said = [line for line in [*text.splitlines(), *err.decode(errors="replace").splitlines()] if line.strip()]
        raise GitError(_telling(said) or f"git {words[0]} ended with {process.returncode}")
    return text


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started. What has left the group is not waited for, though it may hold the pipes."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


def _telling(lines: list[str]) -> str:
    """The line that says what is wrong: a refused push's, a `fatal:` or `error:`, or the last one."""
    for begin in ("!", "fatal: ", "error: "):
        for line in lines:
            if line.startswith(begin):
                return line.removeprefix(begin).replace("\t", " ").strip()[:300]
    return lines[-1].strip()[:300] if lines else ""


def _or_empty(folder: Path, *words: str) -> str:
    try:
        return run(folder, *words).strip()
    except GitError:
        return ""
