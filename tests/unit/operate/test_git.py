"""The topology file in git: real repositories, a bare one as the remote, and two laptops.

What it does not prove: the words of a hosting service that refuses a direct push; here the remote's own hook does.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.operate.git import GitError, run
from hakit.operate.recorded import before, keep, message_of
from hakit.topology import load
from hakit.topology.edit import add_settled, add_token, append_handover
from tests.unit.topology.example import EXAMPLE

FILE = "stacks/topology.prod.yaml"


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests, and one name for every commit."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with the file and another one on main."""
    bare, first = tmp_path / "remote.git", tmp_path / "first"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(first))
    (first / "stacks").mkdir()
    (first / FILE).write_text(EXAMPLE)
    (first / "other.txt").write_text("one\n")
    git(first, "checkout", "--quiet", "-B", "main")
    git(first, "add", ".")
    git(first, "commit", "--quiet", "-m", "The system")
    git(first, "push", "--quiet", "-u", "origin", "main")
    return bare


def laptop(remote: Path, name: str) -> Path:
    """A clone; the topology's file in it."""
    git(remote.parent, "clone", "--quiet", str(remote), name)
    return remote.parent / name / FILE


def work(file: Path) -> Path:
    return file.parent.parent


def changed_by(repository: Path, commit: str = "HEAD") -> list[str]:
    return git(repository, "show", "--format=", "--name-only", commit).split()


def until_ended(process: str) -> None:
    """Wait for a killed process that is not ours until it is gone, or only waits for its parent to look."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"{process} goes on")


FAILOVER = {"kind": "failover", "to": "us-west-2", "accept_loss": "30s"}
PLANNED = {"kind": "planned", "to": "us-west-2"}


def test_an_entry_is_one_commit_of_one_file_with_a_message_that_says_which_and_it_is_pushed(remote: Path) -> None:
    file = laptop(remote, "ada")
    (work(file) / "other.txt").write_text("two\n")
    git(work(file), "add", "other.txt")
    (work(file) / "new.txt").write_text("not asked for\n")
    assert before(file) == []
    append_handover(file, "shop", FAILOVER)
    kept = keep(file, "shop")
    assert (kept.pushed, kept.problem, kept.do) == (True, "", ())
    assert git(remote, "log", "-1", "--format=%s", "main") == (
        "shop: entry 1, failover to us-west-2, 30 s of loss accepted\n"
    )
    assert changed_by(remote, "main") == [FILE]
    assert git(remote, "show", f"main:{FILE}") == file.read_text()
    assert git(work(file), "status", "--porcelain") == "M  other.txt\n?? new.txt\n", "what was staged still is"
    assert kept.lines() == [f"git: commit {kept.commit}, pushed"]


def test_the_message_says_how_far_an_entry_has_come(remote: Path) -> None:
    file = laptop(remote, "ada")
    said = []
    for step in (
        lambda: append_handover(file, "shop", PLANNED),
        lambda: add_token(file, "shop", "orders", "dG9rZW4="),
        lambda: add_settled(file, "shop"),
        lambda: append_handover(file, "shop", {"kind": "failover", "to": "us-east-1", "accept_loss": "5s"}),
        lambda: append_handover(file, "shop", {"kind": "rebuild", "to": "us-west-2", "incarnation": 2}),
    ):
        step()
        said.append(message_of(load(file).pair("shop")).splitlines()[0])
        assert keep(file, "shop").pushed
    assert said == [
        "shop: entry 1, planned to us-west-2",
        "shop: entry 1, planned to us-west-2: token of orders",
        "shop: entry 1, planned to us-west-2: settled",
        "shop: entry 2, failover to us-east-1, 5 s of loss accepted",
        "shop: entry 3, rebuild of us-west-2, incarnation 2",
    ]
    assert git(remote, "log", "--format=%s", "main").splitlines()[::-1] == ["The system", *said]
    assert "dG9rZW4=" not in git(remote, "log", "--format=%B", "main"), "a token belongs in the file only"


def test_an_entry_that_is_committed_already_is_only_pushed(remote: Path) -> None:
    file = laptop(remote, "ada")
    append_handover(file, "shop", FAILOVER)
    git(work(file), "remote", "set-url", "origin", str(remote.parent / "away.git"))
    first = keep(file, "shop")
    assert not first.pushed
    git(work(file), "remote", "set-url", "origin", str(remote))
    again = keep(file, "shop")
    assert (again.pushed, again.commit) == (True, first.commit)
    assert git(remote, "rev-list", "--count", "main") == "2\n"


def test_a_remote_that_is_away_is_told_and_the_commit_is_there(remote: Path) -> None:
    file = laptop(remote, "ada")
    git(work(file), "remote", "set-url", "origin", str(remote.parent / "away.git"))
    (note,) = before(file)
    assert note.startswith("git: origin was not asked for a newer file: ")
    append_handover(file, "shop", FAILOVER)
    kept = keep(file, "shop")
    assert kept.commit
    assert not kept.pushed
    assert "not pushed" in kept.problem
    assert kept.do == ("git push origin HEAD:main",)
    git(work(file), "remote", "set-url", "origin", str(remote))
    git(work(file), *kept.do[0].split()[1:])
    assert git(remote, "show", f"main:{FILE}") == file.read_text(), "what it says to do later does it"


def test_a_remote_that_never_answers_costs_no_more_than_the_time_given(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = laptop(remote, "ada")
    git(work(file), "remote", "set-url", "origin", "ssh://git@nowhere.invalid/shop.git")
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho $$ >> "{tmp_path}/started"\nexec sleep 600\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    append_handover(file, "shop", FAILOVER)
    assert before(file, seconds=2) == [
        "git: an entry of an earlier run is not committed yet; it goes into this run's commit",
        "git: origin was not asked for a newer file: git fetch: no answer within 2 s",
    ]
    kept = keep(file, "shop", seconds=2)
    assert (bool(kept.commit), kept.problem) == (True, "not pushed: git push: no answer within 2 s")
    started = (tmp_path / "started").read_text().split()
    assert len(started) == 2
    for process in started:
        until_ended(process)


def test_other_changes_of_the_file_are_refused_and_committed_ones_are_not(remote: Path) -> None:
    file = laptop(remote, "ada")
    file.write_text(EXAMPLE.replace("rpo: 30s", "rpo: 60s"))
    with pytest.raises(HakitError, match="changes that are not committed, and not only new handovers") as told:
        before(file)
    assert told.value.do == f"commit them or take them back first: git diff -- {FILE}"
    git(work(file), "commit", "--quiet", "-am", "A longer RPO")
    assert before(file) == [], "a commit of one's own that is not pushed yet is no obstacle"


def test_a_change_beside_a_new_entry_is_refused_too(remote: Path) -> None:
    file = laptop(remote, "ada")
    append_handover(file, "shop", FAILOVER)
    file.write_text(file.read_text().replace("rpo: 30s", "rpo: 60s"))
    with pytest.raises(HakitError, match="not only new handovers"):
        before(file)


def test_an_older_entry_that_was_changed_is_refused(remote: Path) -> None:
    file = laptop(remote, "ada")
    append_handover(file, "shop", FAILOVER)
    keep(file, "shop")
    append_handover(file, "shop", {"kind": "rebuild", "to": "us-east-1", "incarnation": 2})
    file.write_text(file.read_text().replace("accept_loss: 30s", "accept_loss: 90s"))
    with pytest.raises(HakitError, match="not only new handovers"):
        before(file)


def test_a_token_that_a_killed_run_wrote_is_its_own_and_goes_into_the_next_commit(remote: Path) -> None:
    file = laptop(remote, "ada")
    append_handover(file, "shop", PLANNED)
    keep(file, "shop")
    add_token(file, "shop", "orders", "dG9rZW4=")
    assert before(file) == ["git: an entry of an earlier run is not committed yet; it goes into this run's commit"]
    assert keep(file, "shop").pushed
    assert "dG9rZW4=" in git(remote, "show", f"main:{FILE}")


def test_a_branch_that_is_behind_its_remote_is_refused_until_it_has_pulled(remote: Path) -> None:
    ada, bob = laptop(remote, "ada"), laptop(remote, "bob")
    append_handover(bob, "shop", FAILOVER)
    assert keep(bob, "shop").pushed
    with pytest.raises(HakitError, match="main lacks 1 of origin's commits") as told:
        before(ada)
    assert "by Ada" in str(told.value.given)
    assert "entry 1, failover to us-west-2" in str(told.value.given)
    git(work(ada), "pull", "--quiet", "--rebase", "origin", "main")
    assert before(ada) == []


def test_two_laptops_that_wrote_different_entries_are_told_both_and_nothing_of_either_is_lost(remote: Path) -> None:
    ada, bob = laptop(remote, "ada"), laptop(remote, "bob")
    assert before(ada) == before(bob) == []
    append_handover(ada, "shop", PLANNED)
    append_handover(bob, "shop", FAILOVER)
    assert keep(bob, "shop").pushed
    kept = keep(ada, "shop")
    assert not kept.pushed
    assert "Here entry 1 is planned to us-west-2; there entry 1 is failover to us-west-2, 30 s of loss accepted" in (
        kept.problem
    )
    assert any("hakit witness show" in each for each in kept.do)
    assert git(remote, "show", f"main:{FILE}") == bob.read_text()
    assert "kind: planned" in git(work(ada), "show", f"HEAD:{FILE}")


def test_a_newer_commit_of_something_else_needs_one_command(remote: Path) -> None:
    ada, bob = laptop(remote, "ada"), laptop(remote, "bob")
    append_handover(ada, "shop", FAILOVER)
    (work(bob) / "other.txt").write_text("two\n")
    git(work(bob), "commit", "--quiet", "-am", "Something else")
    git(work(bob), "push", "--quiet")
    kept = keep(ada, "shop")
    assert "the remote has newer commits, and no other entry" in kept.problem
    (command,) = kept.do
    subprocess.run(command, shell=True, cwd=work(ada), check=True, capture_output=True, timeout=60)  # noqa: S602
    assert git(remote, "show", f"main:{FILE}") == ada.read_text(), "what it says to do does it"
    assert git(remote, "show", "main:other.txt") == "two\n"


def test_a_branch_that_takes_no_direct_push_is_told_where_to_push_instead(remote: Path) -> None:
    hook = remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo "open a pull request" >&2; exit 1; }\n')
    hook.chmod(0o755)
    file = laptop(remote, "ada")
    append_handover(file, "shop", FAILOVER)
    kept = keep(file, "shop")
    assert "remote rejected" in kept.problem
    command, _, rest = kept.do[0].partition(", ")
    assert rest == "and merge it at once: the branch takes no direct push"
    git(work(file), *command.split()[1:])
    assert git(remote, "show", f"handover-shop-1:{FILE}") == file.read_text()


def test_a_merge_under_way_is_refused(remote: Path) -> None:
    file = laptop(remote, "ada")
    git(work(file), "checkout", "--quiet", "-b", "side")
    git(work(file), "commit", "--quiet", "--allow-empty", "-m", "Beside")
    git(work(file), "checkout", "--quiet", "main")
    git(work(file), "merge", "--quiet", "--no-ff", "--no-commit", "side")
    with pytest.raises(HakitError, match="in the middle of a merge"):
        before(file)
    git(work(file), "merge", "--abort")
    assert before(file) == []


def test_a_hook_of_the_laptop_delays_no_handover(remote: Path) -> None:
    file = laptop(remote, "ada")
    for name in ("pre-commit", "pre-push"):
        hook = work(file) / ".git" / "hooks" / name
        hook.write_text("#!/bin/sh\nsleep 600\n")
        hook.chmod(0o755)
    append_handover(file, "shop", FAILOVER)
    assert keep(file, "shop").pushed


def test_a_commit_that_cannot_be_made_is_told_and_its_command_works_later(
    remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = laptop(remote, "ada")
    append_handover(file, "shop", FAILOVER)
    lock = work(file) / ".git" / "index.lock"
    lock.touch()
    kept = keep(file, "shop")
    assert (kept.commit, kept.pushed) == ("", False)
    assert "index.lock" in kept.problem
    lock.unlink()
    subprocess.run(kept.do[0], shell=True, cwd=work(file), check=True, capture_output=True, timeout=60)  # noqa: S602
    assert git(remote, "show", f"main:{FILE}") == file.read_text()


def test_without_a_repository_or_a_remote_or_a_branch_it_is_told_and_nothing_is_refused(
    remote: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone" / "topology.yaml"
    alone.parent.mkdir()
    alone.write_text(EXAMPLE)
    (note,) = before(alone)
    assert "not a git repository" in note
    append_handover(alone, "shop", FAILOVER)
    assert keep(alone, "shop").commit == ""

    file = laptop(remote, "ada")
    git(work(file), "checkout", "--quiet", "--detach")
    assert before(file) == ["git: no branch is checked out; entries are committed here and not pushed"]
    append_handover(file, "shop", FAILOVER)
    kept = keep(file, "shop")
    assert (bool(kept.commit), kept.pushed) == (True, False)
    assert kept.problem == "there is nowhere to push it to"

    git(work(file), "checkout", "--quiet", "-b", "of-my-own")
    assert before(file) == ["git: branch of-my-own follows no remote; entries are committed here and not pushed"]


def test_a_file_that_git_ignores_is_not_taken_for_committed(remote: Path) -> None:
    file = laptop(remote, "ada")
    (work(file) / ".gitignore").write_text("topology.test.yaml\n")
    ignored = file.with_name("topology.test.yaml")
    ignored.write_text(EXAMPLE)
    assert before(ignored) == ["git: the file is not in the last commit; nobody else sees it"]
    append_handover(ignored, "shop", FAILOVER)
    kept = keep(ignored, "shop")
    assert kept.commit == ""
    assert kept.problem == "the file is one that .gitignore leaves out"


def test_a_machine_without_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="there is no git to ask"):
        run(tmp_path, "status", seconds=5)


def test_a_link_to_the_file_is_followed_to_where_it_is_kept(remote: Path, tmp_path: Path) -> None:
    file = laptop(remote, "ada")
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    append_handover(link, "shop", FAILOVER)
    assert link.is_symlink()
    assert keep(link, "shop").pushed
    assert changed_by(remote, "main") == [FILE]
