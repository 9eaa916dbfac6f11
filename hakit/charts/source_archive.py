"""What an archive must be before it is kept: a chart, of the name and version asked for, that harms nobody."""

import gzip
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from hakit.charts.remote import EXACT, Remote
from hakit.errors import HakitError

#: Helm's own limits for a chart (pkg/chart/loader/archive: MaxDecompressedChartSize, MaxDecompressedFileSize).
CHART_LIMIT, FILE_LIMIT = 100 * 1024**2, 5 * 1024**2


def check_archive(file: Path, wanted: Remote) -> str:
    """The version of the chart in an archive that was fetched for `wanted`. Nothing is unpacked.

    Raises:
        HakitError: it is no archive, too large, holds paths that lead out of it, or is another chart.
    """
    import helm_python

    _check_members(file, wanted)
    try:
        with helm_python.Chart.load(file) as chart:
            name, version = chart.name, chart.version
    except helm_python.HelmError as error:
        raise _no_chart(wanted, " ".join(str(error).split())) from None
    if name != wanted.name:
        raise HakitError("the archive holds another chart", where=str(wanted), given=name, allowed=wanted.name)
    if not EXACT.fullmatch(version):
        raise HakitError("not a version", where=str(wanted), given=version, allowed="such as 1.20.0")
    if EXACT.fullmatch(wanted.version) and version.lstrip("v") != wanted.version.lstrip("v"):
        raise HakitError(
            "the archive holds another version",
            where=str(wanted),
            given=version,
            allowed=wanted.version,
            do="the repository's index names the wrong file; tell who keeps it",
        )
    return version


def _check_members(file: Path, wanted: Remote) -> None:
    """Member by member, so that a small archive with endless contents is left as soon as it is too large."""
    size = 0
    try:
        # gzip's own reader: the one in tarfile stumbles over the extra field that Helm writes into the header.
        with gzip.open(file) as contents, tarfile.open(fileobj=contents, mode="r|") as members:
            for member in members:
                size += member.size
                _check_member(member, size, wanted)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise _no_chart(wanted, str(error)) from None


def _check_member(member: tarfile.TarInfo, size: int, wanted: Remote) -> None:
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or member.islnk() or member.issym() or member.isdev():
        kind = "a link or a device" if not (member.isfile() or member.isdir()) else "a path that leads out of it"
        raise HakitError(
            f"the archive holds {kind}",
            where=str(wanted),
            given=member.name,
            allowed="files and folders beneath the chart's own",
            do="do not use it: no `helm package` makes such an archive",
        )
    if member.size > FILE_LIMIT or size > CHART_LIMIT:
        raise HakitError(
            "the archive is too large for Helm",
            where=str(wanted),
            given=f"{member.name} has {member.size} bytes" if member.size > FILE_LIMIT else f"{size} bytes and more",
            allowed=f"files of {FILE_LIMIT} bytes, {CHART_LIMIT} bytes in all",
            do="have large files taken out of the chart (.helmignore)",
        )


def _no_chart(wanted: Remote, reason: str) -> HakitError:
    return HakitError(
        f"what was fetched is no chart: {reason}",
        where=str(wanted),
        allowed="an archive of `helm package`",
        do="see what the address answers; a login page instead of a chart is the usual cause",
    )
