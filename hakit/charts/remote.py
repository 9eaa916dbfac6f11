"""Charts by the words of Helm: a name in a repository, or an oci:// address; and a version."""

import re
from dataclasses import dataclass

from hakit.errors import HakitError

#: A chart's name, as Helm's own validation has it apart from the first letter (chart names are file names here).
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: A version as semver.org writes it, with the leading v that Helm lets pass.
EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_HOST = r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?"
_REPO = re.compile(rf"https?://({_HOST})(/[^\s?#@]*)?")
_OCI = re.compile(rf"oci://({_HOST})(/[a-z0-9._-]+)+")


@dataclass(frozen=True)
class Remote:
    """A chart that is somewhere else.

    Attributes:
        chart: its name in the repository, or its oci:// address.
        repo: address of the repository; empty for oci://.
        version: the wanted one, or a range; empty where the locked one is meant.
    """

    chart: str
    repo: str = ""
    version: str = ""

    @property
    def name(self) -> str:
        return self.chart.rpartition("/")[2]

    @property
    def host(self) -> str:
        return (self.repo or self.chart).partition("://")[2].partition("/")[0]

    @property
    def source(self) -> tuple[str, str]:
        """What two versions of the same chart have in common."""
        return self.chart, self.repo

    def __str__(self) -> str:
        named = f"{self.chart} {self.version}".rstrip()
        return f"{named} from {self.repo}" if self.repo else named

    def words(self) -> str:
        """The chart as words of a `hakit charts` command."""
        repo = f" --repo {self.repo}" if self.repo else ""
        return f"{self.chart}{repo} --version {self.version or '<version>'}"


def is_remote(chart: str, version: str, repo: str) -> bool:
    """Whether a chart is somewhere else, and not a path."""
    return bool(version or repo) or chart.startswith(("oci:", "http:", "https:"))


def remote(chart: str, version: str, repo: str, where: str | None) -> Remote:
    """A chart that is somewhere else, by the words that name it.

    Raises:
        HakitError: the words do not go together, or hold credentials, which are never shown.
    """
    if "@" in repo or "@" in chart:
        raise HakitError(
            f"{'repo' if '@' in repo else 'chart'}: an address with an @ in it",
            where=where,
            allowed="an address without user, password and digest",
            do="log in with `helm registry login`, or put them into ~/.netrc; digests stand in charts.lock",
        )
    if chart.startswith("oci:"):
        return _oci(chart, version, repo, where)
    if chart.startswith(("http:", "https:")):
        raise HakitError(
            "chart: an address of a file, not of a chart",
            where=where,
            given=chart,
            allowed="a folder, a .tgz archive, oci://registry/path/name, or a name with repo and version",
            do="name the repository that the file is in: repo, chart and version",
        )
    if not repo:
        raise HakitError(
            "version: it goes with repo, or with an oci:// chart",
            where=where,
            given=version,
            allowed="a folder or an archive has its version in itself",
            do="add repo, or leave version out",
        )
    if not NAME.fullmatch(chart):
        raise HakitError(
            "chart: with repo it is a name", where=where, given=chart, allowed="the chart's name in the repository"
        )
    if not _REPO.fullmatch(repo):
        raise HakitError(
            "repo: not the address of a repository",
            where=where,
            given=repo,
            allowed="https://host/path, the folder in which index.yaml is; without query and fragment",
            do=f'write chart: "{repo.rstrip("/")}/{chart}" and leave repo out' if repo.startswith("oci:") else None,
        )
    return Remote(chart, repo.rstrip("/"), version)


def _oci(chart: str, version: str, repo: str, where: str | None) -> Remote:
    if repo:
        raise HakitError(
            "repo: an oci:// chart has none", where=where, given=repo, do="leave repo out; the address is in chart"
        )
    if not _OCI.fullmatch(chart):
        tagged = re.fullmatch(r"(oci://.*/[^/:]+):([^/:]+)", chart)
        raise HakitError(
            "chart: not the address of a chart in a registry",
            where=where,
            given=chart,
            allowed="oci://registry/path/name, without tag",
            do=f'write chart: "{tagged[1]}" and version: "{tagged[2]}"' if tagged else None,
        )
    return Remote(chart, "", version)
