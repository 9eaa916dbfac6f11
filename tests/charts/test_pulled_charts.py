"""Charts of repositories: pulled once, locked by digest, and found without a network.

Over plain HTTP on loopback, through the real command. OCI registries: tests/lab/test_registry.py.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hakit.charts.render import Release, render
from hakit.charts.source import load
from hakit.errors import HakitError
from tests.charts.repository import Repository, archive, hakit, lock, refused, serving


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with serving(tmp_path / "served") as found:
        found.publish("web", "1.0.0")
        found.publish("web", "1.1.0")
        found.publish("db", "2.0.0")
        yield found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return folder


def want(project: Path, repository: Repository, **versions: str) -> None:
    entries = [{"chart": name, "repo": repository.url, "version": version} for name, version in versions.items()]
    (project / "charts.yaml").write_text(yaml.safe_dump({"charts": entries}))


def written(project: Path) -> list[str]:
    """Every file of the project apart from what the test wrote itself."""
    files = (path for path in project.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(project)) for path in files if path.name not in ("Pulumi.yaml", "charts.yaml"))


# --- pull -----------------------------------------------------------------------------------------------------------


def test_what_charts_yaml_wants_is_pulled_and_locked(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.0.0", db="^2")
    done = hakit(project, "charts", "pull")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "2 charts: 2 fetched"
    assert written(project) == ["charts.lock", "vendor/charts/db-2.0.0.tgz", "vendor/charts/web-1.0.0.tgz"]
    for entry in lock(project):
        file = f"{entry['chart']}-{entry['version']}.tgz"
        summed = subprocess.run(["sha256sum", repository.folder / file], capture_output=True, text=True, check=True)
        assert entry == {
            "chart": entry["chart"],
            "repo": repository.url,
            "wanted": {"web": "1.0.0", "db": "^2"}[entry["chart"]],
            "version": {"web": "1.0.0", "db": "2.0.0"}[entry["chart"]],
            "digest": f"sha256:{summed.stdout.split()[0]}",
        }


def test_a_second_pull_asks_no_network_and_changes_nothing(project: Path, repository: Repository) -> None:
    want(project, repository, web="^1")
    hakit(project, "charts", "pull")
    before = (project / "charts.lock").read_bytes()
    repository.publish("web", "1.2.0")
    asked = len(repository.asked)
    assert hakit(project, "charts", "pull").stdout.endswith("1 chart: 1 ready\n")
    assert len(repository.asked) == asked
    assert (project / "charts.lock").read_bytes() == before, "a newer version comes with --upgrade only"
    assert hakit(project, "charts", "pull", "--upgrade").returncode == 0
    assert [entry["version"] for entry in lock(project)] == ["1.2.0"]


def test_locked_brings_exactly_what_is_locked_and_changes_no_lock(project: Path, repository: Repository) -> None:
    want(project, repository, web="^1")
    hakit(project, "charts", "pull")
    repository.publish("web", "1.2.0")
    (project / "vendor/charts/web-1.1.0.tgz").unlink()
    done = hakit(project, "charts", "pull", "--locked")
    assert (done.returncode, written(project)) == (0, ["charts.lock", "vendor/charts/web-1.1.0.tgz"])
    want(project, repository, web="^1", db="2.0.0")
    before, asked = (project / "charts.lock").read_bytes(), len(repository.asked)
    assert "not locked: db 2.0.0" in refused(hakit(project, "charts", "pull", "--locked"))
    assert ((project / "charts.lock").read_bytes(), len(repository.asked)) == (before, asked)
    (project / "charts.yaml").write_text("charts: []\n")
    assert "locked, not wanted: web ^1" in refused(hakit(project, "charts", "pull", "--locked"))


def test_one_chart_that_cannot_be_had_leaves_nothing_behind(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.0.0", db="9.0.0")
    refused(hakit(project, "charts", "pull"))
    assert written(project) == []


def test_all_charts_that_cannot_be_had_are_named_at_once(project: Path, repository: Repository) -> None:
    want(project, repository, web="8.0.0", db="9.0.0")
    said = refused(hakit(project, "charts", "pull"))
    assert "2 of 2 charts" in said
    assert "there is no such version of web" in said
    assert "there is no such version of db" in said


def test_add_pulls_and_writes_both_files_and_keeps_comments(project: Path, repository: Repository) -> None:
    words = ("--repo", repository.url, "--version")
    (project / "charts.yaml").write_text("charts:\n  # the shop's own\n")
    assert hakit(project, "charts", "add", "web", *words, "^1").returncode == 0
    assert hakit(project, "charts", "add", "db", *words, "2.0.0").returncode == 0
    text = (project / "charts.yaml").read_text()
    assert "# the shop's own" in text
    assert [entry["chart"] for entry in yaml.safe_load(text)["charts"]] == ["web", "db"]
    assert [entry["chart"] for entry in lock(project)] == ["db", "web"]
    refused(hakit(project, "charts", "add", "db", *words, "7.0.0"))
    assert (project / "charts.yaml").read_text() == text, "what cannot be had is not wanted either"
    assert "in charts.yaml already" in refused(hakit(project, "charts", "add", "db", *words, "2.0.0"))


def test_list_says_how_each_chart_stands(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.0.0", db="2.0.0")
    hakit(project, "charts", "pull")
    assert hakit(project, "charts", "list").returncode == 0
    (project / "vendor/charts/web-1.0.0.tgz").write_bytes(b"another")
    (project / "vendor/charts/db-2.0.0.tgz").rename(project / "vendor/charts/old-1.0.0.tgz")
    want(project, repository, web="1.0.0", db="2.0.0", more="1.0.0")
    asked = len(repository.asked)
    done = hakit(project, "charts", "list", "--format", "json")
    assert done.returncode == 1
    states = [(row["chart"], row["state"]) for row in json.loads(done.stdout)["charts"]]
    assert states == [
        ("web", "differs"),
        ("db", "not pulled"),
        ("more", "not locked"),
        ("vendor/charts/old-1.0.0.tgz", "not wanted"),
    ]
    assert len(repository.asked) == asked


# --- programs -------------------------------------------------------------------------------------------------------


def test_a_pulled_chart_renders_without_a_network(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.0.0")
    hakit(project, "charts", "pull")
    asked = len(repository.asked)
    for version in ("1.0.0", ""):
        chart = load("web", project, version=version, repo=repository.url)
        (found,) = render(chart, {"color": "red"}, Release("shop", "default"))
        assert (chart.version, found["data"]) == ("1.0.0", {"color": "red"})
    assert len(repository.asked) == asked


def test_a_chart_that_is_not_pulled_is_refused_with_the_command_and_never_fetched(
    project: Path, repository: Repository
) -> None:
    def told(version: str = "1.0.0") -> HakitError:
        with pytest.raises(HakitError) as caught:
            load("web", project, "ZonalApp 'web'", version=version, repo=repository.url)
        assert caught.value.where == "ZonalApp 'web'"
        return caught.value

    assert told().do == f"hakit charts add web --repo {repository.url} --version 1.0.0"
    assert hakit(project, *told().do.split()[1:]).returncode == 0, "the command that it names is the one that helps"
    load("web", project, version="1.0.0", repo=repository.url)
    (project / "charts.lock").unlink()
    assert told().do == "hakit charts pull"
    assert hakit(project, *told().do.split()[1:]).returncode == 0
    (project / "vendor/charts/web-1.0.0.tgz").unlink()
    assert told().do == "hakit charts pull --locked"
    asked = len(repository.asked)
    told()
    other = told("1.1.0")
    assert (other.given, other.allowed) == ("1.1.0", "1.0.0")
    assert len(repository.asked) == asked


def test_two_locked_versions_need_a_version(project: Path, repository: Repository) -> None:
    entries = [{"chart": "web", "repo": repository.url, "version": version} for version in ("1.0.0", "1.1.0")]
    (project / "charts.yaml").write_text(yaml.safe_dump({"charts": entries}))
    hakit(project, "charts", "pull")
    for version in ("1.0.0", "1.1.0"):
        assert load("web", project, version=version, repo=repository.url).version == version
    with pytest.raises(HakitError, match="version is missing") as caught:
        load("web", project, repo=repository.url)
    assert caught.value.allowed == "1.0.0, 1.1.0"


def test_check_audits_a_pulled_chart(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.0.0")
    hakit(project, "charts", "pull")
    asked = len(repository.asked)
    done = hakit(project, "check", "web", "--repo", repository.url)
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings in 1 chart\n")
    assert "version: charts.lock has another one" in refused(
        hakit(project, "check", "web", "--repo", repository.url, "--version", "3.0.0")
    )
    assert len(repository.asked) == asked


# --- digests --------------------------------------------------------------------------------------------------------


def test_an_archive_with_another_digest_is_refused_by_programs_and_by_pull(
    project: Path, repository: Repository
) -> None:
    want(project, repository, web="1.0.0")
    hakit(project, "charts", "pull")
    other = (repository.folder / "web-1.1.0.tgz").read_bytes()
    (project / "vendor/charts/web-1.0.0.tgz").write_bytes(other)
    with pytest.raises(HakitError, match=r"web-1\.0\.0\.tgz is not the archive that was locked") as caught:
        load("web", project, version="1.0.0", repo=repository.url)
    assert str(caught.value.allowed).startswith(lock(project)[0]["digest"])
    assert "is not the archive that was locked" in refused(hakit(project, "charts", "pull"))
    assert (project / "vendor/charts/web-1.0.0.tgz").read_bytes() == other, "nothing is overwritten"


@pytest.mark.parametrize("words", [[], ["--locked"]])
def test_a_version_that_was_published_anew_is_refused(project: Path, repository: Repository, words: list[str]) -> None:
    want(project, repository, web="1.0.0")
    hakit(project, "charts", "pull")
    before = lock(project)
    (project / "vendor/charts/web-1.0.0.tgz").unlink()
    repository.publish("web", "1.0.0", color="red")
    said = refused(hakit(project, "charts", "pull", *words))
    assert "what was fetched is not the archive that was locked" in said
    assert before[0]["digest"] in said
    assert (lock(project), written(project)) == (before, ["charts.lock"])


def test_an_edited_lock_leads_to_no_other_file(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.0.0")
    hakit(project, "charts", "pull")
    text = (project / "charts.lock").read_text()
    (project / "charts.lock").write_text(text.replace("version: 1.0.0", "version: ../../1.0.0"))
    with pytest.raises(HakitError, match="version: not as it was written"):
        load("web", project, repo=repository.url)


# --- without a way out ----------------------------------------------------------------------------------------------


def test_archives_of_a_folder_serve_a_site_without_a_network(
    project: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(project, repository, web="1.0.0")
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "", "no_proxy": ""}
    asked = len(repository.asked)
    done = hakit(project, "charts", "pull", "--from", str(repository.folder), **nowhere)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 chart: 1 copied")
    (project / "vendor/charts/web-1.0.0.tgz").unlink()
    monkeypatch.setenv("HAKIT_CHARTS_PATH", str(repository.folder))
    assert load("web", project, repo=repository.url).version == "1.0.0"
    assert len(repository.asked) == asked
    repository.publish("web", "1.0.0", color="red")
    with pytest.raises(HakitError, match="is not the archive that was locked"):
        load("web", project, repo=repository.url)
    monkeypatch.setenv("HAKIT_CHARTS_PATH", str(project / "misspelt"))
    with pytest.raises(HakitError, match="there is no such folder"):
        load("web", project, repo=repository.url)


def test_ctrl_c_ends_a_pull_from_a_host_that_never_answers(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        entry = {"chart": "web", "repo": address, "version": "1.0.0"}
        (project / "charts.yaml").write_text(yaml.safe_dump({"charts": [entry]}))
        running = subprocess.Popen(
            [sys.executable, "-m", "hakit.cli", "charts", "pull"],
            cwd=project,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background job ignores Ctrl-C, and so would all that it starts: as in a terminal, then.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
        connection, _ = silent.accept()  # it is within Helm's client now
        with connection:
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "interrupted\n")
    assert written(project) == []


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_missing_version_is_told_with_the_nearest(project: Path, repository: Repository) -> None:
    want(project, repository, web="1.1.1")
    said = refused(hakit(project, "charts", "pull"))
    assert "there is no such version of web" in said
    assert "allowed: 1.1.0, 1.0.0" in said
    assert "did you mean 1.1.0?" in said


def test_a_missing_chart_is_told_with_the_nearest(project: Path, repository: Repository) -> None:
    want(project, repository, wep="1.0.0")
    said = refused(hakit(project, "charts", "pull"))
    assert "the repository has no such chart" in said
    assert "did you mean 'web'?" in said


def test_an_address_without_an_index_is_told(project: Path, repository: Repository) -> None:
    repository.url += "/elsewhere"
    want(project, repository, web="1.0.0")
    assert "repo: there is no index.yaml" in refused(hakit(project, "charts", "pull"))


def test_no_network_is_told_with_the_way_without_one(project: Path) -> None:
    entry = {"chart": "web", "repo": "http://127.0.0.1:1", "version": "1.0.0"}
    (project / "charts.yaml").write_text(yaml.safe_dump({"charts": [entry]}))
    said = refused(hakit(project, "charts", "pull"))
    assert "no connection to 127.0.0.1:1" in said
    assert "hakit charts pull --from FOLDER" in said


def test_a_page_is_no_chart(project: Path, repository: Repository) -> None:
    (repository.folder / "web-3.0.0.tgz").write_text("<html>please log in</html>")
    repository.index("web", "3.0.0", "web-3.0.0.tgz")
    want(project, repository, web="3.0.0")
    assert "what was fetched is no chart" in refused(hakit(project, "charts", "pull"))


CHART = "apiVersion: v2\nname: web\nversion: 3.0.0\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"web/README.md": "no Chart.yaml"}, "what was fetched is no chart: Chart.yaml file is missing"),
        ({"web/Chart.yaml": CHART, "web/../../etc/cron.d/evil": "x"}, "a path that leads out of it"),
        ({"web/Chart.yaml": CHART, "/etc/cron.d/evil": "x"}, "a path that leads out of it"),
        ({"web/Chart.yaml": CHART, "web/film.mp4": bytes(6 * 1024**2)}, "the archive is too large for Helm"),
        (
            {"web/Chart.yaml": CHART, **{f"web/{n}.bin": bytes(5 * 1024**2) for n in range(21)}},
            "the archive is too large for Helm",
        ),
        ({"web/Chart.yaml": CHART.replace("web", "db")}, "the archive holds another chart"),
        ({"web/Chart.yaml": CHART.replace("3.0.0", "3.0.1")}, "the archive holds another version"),
    ],
    ids=["no Chart.yaml", "parent", "absolute", "large file", "large in all", "other chart", "other version"],
)
def test_an_archive_that_is_no_sound_chart_is_refused(
    project: Path, repository: Repository, files: dict[str, str | bytes], said: str
) -> None:
    repository.publish_files("web-3.0.0.tgz", files, index=False)
    repository.index("web", "3.0.0", "web-3.0.0.tgz")
    want(project, repository, web="3.0.0")
    assert said in refused(hakit(project, "charts", "pull"))
    assert written(project) == []
    # The same archive from a folder: nobody gets past the check that way.
    assert said in refused(hakit(project, "charts", "pull", "--from", str(repository.folder)))


def test_the_same_archive_without_the_fault_is_taken(project: Path, repository: Repository) -> None:
    repository.publish_files("web-3.0.0.tgz", {"web/Chart.yaml": CHART}, index=False)
    repository.index("web", "3.0.0", "web-3.0.0.tgz")
    want(project, repository, web="3.0.0")
    assert hakit(project, "charts", "pull").returncode == 0


def test_two_sources_with_charts_of_one_name_and_version_are_refused(
    project: Path, repository: Repository, tmp_path: Path
) -> None:
    with serving(tmp_path / "other") as other:
        other.publish("web", "1.0.0", color="red")
        entries = [{"chart": "web", "repo": each.url, "version": "1.0.0"} for each in (repository, other)]
        (project / "charts.yaml").write_text(yaml.safe_dump({"charts": entries}))
        assert "two charts would both be vendor/charts/web-1.0.0.tgz" in refused(hakit(project, "charts", "pull"))
    assert written(project) == []


# --- credentials ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept_in", ["netrc", "repositories.yaml"])
def test_credentials_come_from_the_user_s_files_and_go_nowhere_else(
    project: Path, repository: Repository, kept_in: str
) -> None:
    repository.login = ("reader", "s3cr3t-word")
    want(project, repository, web="1.0.0")
    said = refused(hakit(project, "charts", "pull"))
    assert "127.0.0.1" in said
    assert "refuses it without other credentials" in said
    for password, works in (("expired-word", False), ("s3cr3t-word", True)):
        home = project.parent / "home"
        if kept_in == "netrc":
            (home / ".netrc").write_text(f"machine 127.0.0.1 login reader password {password}\n")
            (home / ".netrc").chmod(0o600)
        else:
            settings = home / ".config" / "helm"
            settings.mkdir(parents=True, exist_ok=True)
            entry = {"name": "shop", "url": repository.url, "username": "reader", "password": password}
            (settings / "repositories.yaml").write_text(yaml.safe_dump({"repositories": [entry]}))
        done = hakit(project, "charts", "pull", XDG_CONFIG_HOME=str(home / ".config"))
        if works:
            assert done.returncode == 0, done.stderr
        else:
            assert "refuses it with the credentials that are there" in refused(done)
        assert password not in done.stdout + done.stderr
        for file in written(project):
            assert password.encode() not in (project / file).read_bytes()
    assert len(lock(project)) == 1


@pytest.mark.parametrize(
    ("chart", "repo", "said"),
    [
        ("web", "https://reader:s3cr3t@charts.example.com", "repo: an address with an @ in it"),
        ("oci://reader:s3cr3t@registry.example.com/web", "", "chart: an address with an @ in it"),
    ],
)
def test_an_address_with_credentials_is_refused_and_not_shown(project: Path, chart: str, repo: str, said: str) -> None:
    entry = {key: value for key, value in {"chart": chart, "repo": repo, "version": "1.0.0"}.items() if value}
    (project / "charts.yaml").write_text(yaml.safe_dump({"charts": [entry]}))
    told = refused(hakit(project, "charts", "pull"))
    assert said in told
    assert "s3cr3t" not in told


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"chart": "web", "version": "1.0.0"}, "version: it goes with repo"),
        ({"chart": "./web", "repo": "https://charts.example.com"}, "chart: with repo it is a name"),
        ({"chart": "web", "repo": "charts.example.com"}, "repo: not the address of a repository"),
        ({"chart": "web", "repo": "oci://registry.example.com/charts"}, "oci://registry.example.com/charts/web"),
        ({"chart": "oci://registry.example.com/web", "repo": "https://a.example.com"}, "an oci:// chart has none"),
        ({"chart": "oci://registry.example.com/web:1.0.0"}, 'version: "1.0.0"'),
        ({"chart": "https://charts.example.com/web-1.0.0.tgz"}, "an address of a file"),
    ],
)
def test_words_that_do_not_go_together_are_refused(tmp_path: Path, words: dict[str, str], said: str) -> None:
    with pytest.raises(HakitError) as caught:
        load(words.pop("chart"), tmp_path, "ZonalApp 'web'", **words)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("charts:\n  - {chart: web, repo: https://charts.example.com, version: 1.20}\n", "version: wrong type"),
        ("charts:\n  - {chart: web, repo: https://charts.example.com}\n", "version is missing"),
        ("charts:\n  - {chart: web, repository: https://charts.example.com}\n", "Chart.yaml's repository is repo here"),
        ("charts:\n  - {chart: web, rep: https://charts.example.com}\n", "did you mean 'repo'?"),
        ("charts: {web: 1.0.0}\n", "charts.yaml: one key, charts, with a list"),
        ("dependencies: []\n", "charts.yaml: one key, charts, with a list"),
        ("charts: [\n", "charts.yaml: not YAML"),
        (
            "charts:\n" + "  - {chart: web, repo: https://charts.example.com, version: 1.0.0}\n" * 2,
            "the same chart twice",
        ),
    ],
)
def test_a_wrong_charts_yaml_is_told_with_its_place(project: Path, text: str, said: str) -> None:
    (project / "charts.yaml").write_text(text)
    told = refused(hakit(project, "charts", "pull"))
    assert said in told
    assert str(project / "charts.yaml") in told


def test_a_misread_archive_helper_would_be_seen(tmp_path: Path) -> None:
    found = archive(
        tmp_path / "web-1.0.0.tgz", {"web/Chart.yaml": CHART, "web/templates/map.yaml": "kind: ConfigMap\n"}
    )
    assert load(str(found)).version == "3.0.0", "the archives of these tests are ones that Helm reads"
