"""A whole preflight: preview the stacks, ask every region at once, judge, put into a document."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

from hakit.errors import HakitError
from hakit.findings import Finding, Settled, settle
from hakit.observe import UnreachableError, ask_all, place_of
from hakit.preflight import certificates, ground, quotas, restores, room, storage
from hakit.preflight.seen import Seen, see
from hakit.preflight.wanted import Wanted, wanted_of
from hakit.preview.project import Project, find_topology
from hakit.preview.run import Progress, preview
from hakit.topology import Topology, load

VERSION = 1
_HOST_SECONDS = 5.0


class RoomDocument(TypedDict):
    """What a region has for the stacks; see `hakit.preflight.room.Room`."""

    free: dict[str, dict[str, str | int]]
    asked: dict[str, str | int]
    after_failover: dict[str, str | int]
    uncounted: list[str]


class RegionDocument(TypedDict):
    region: str
    context: str
    kubernetes: str  # empty where the region does not answer
    nodes: int
    findings: list[dict[str, str]]
    accepted: list[dict[str, str]]
    room: RoomDocument | None


class HostsDocument(TypedDict):
    hosts: list[str]
    findings: list[dict[str, str]]
    accepted: list[dict[str, str]]


class PreflightDocument(TypedDict):
    """What `--format json` prints; docs/preflight.md describes it to users."""

    version: int
    topology: str
    regions: list[RegionDocument]
    hosts: HostsDocument


def preflight(  # noqa: PLR0913  each is an option of the command
    topology: Path | None = None,
    *,
    regions: Sequence[str] = (),
    stacks: Sequence[str] = (),
    hosts: Sequence[str] = (),
    accept: Mapping[str, str] | None = None,
    seconds: float = 15,
    timeout: float = 120,
    progress: Progress = lambda _stack, _event, _seconds: None,
) -> PreflightDocument:
    """Compare live regions with what the stacks want of them.

    Args:
        topology: its file; the project's only one when left out.
        regions: of it; all when empty.
        stacks: whose programs say what is wanted; those of the topology's regions when empty.
        hosts: whose certificates are looked at, `name` or `name:port`.
        accept: reason by code, or by code and object.
        seconds: that all questions to one region may take together.
        timeout: seconds for each program of the preview.
        progress: as for `preview`.

    Raises:
        HakitError: the topology is wrong, a region or stack is unknown, a program could not run, or
            there is no kubectl.
    """
    project, path = find_topology(topology)
    declared = load(path)
    names = [declared.region(name).name for name in dict.fromkeys(regions)] or list(declared.regions)
    wanted = wanted_by_region(project, declared, stacks, timeout=timeout, progress=progress)
    places = [place_of(declared, name, project.root) for name in names]
    seen = ask_all(places, lambda place, reader: see(reader, wanted[place.region]), seconds=seconds)
    now = dt.datetime.now(dt.UTC)
    found = {name: list(judge(wanted[name], answer, now)) for name, answer in seen.items()}
    # Of all regions at once: what an archive has is known where it is written, and restored anywhere.
    answered = {name: answer for name, answer in seen.items() if isinstance(answer, Seen)}
    known = restores.windows(store for answer in answered.values() for store in answer.stores)
    for name, answer in answered.items():
        found[name] += restores.judge(wanted[name].restores, answer.databases, known, now)
    of_hosts = _hosts(hosts, now)
    everywhere = [each for findings in [*found.values(), of_hosts] for each in findings]

    def settled(findings: Iterable[Finding]) -> Settled:
        return settle(findings, accept or {}, "--accept", everywhere)

    return {
        "version": VERSION,
        "topology": str(path),
        "regions": [
            _document(name, declared.region(name).cluster.context, wanted[name], seen[name], settled(found[name]))
            for name in names
        ],
        "hosts": {"hosts": list(hosts), **_findings(settled(of_hosts) if hosts else Settled([], []))},
    }


def wanted_by_region(
    project: Project,
    topology: Topology,
    stacks: Sequence[str] = (),
    *,
    timeout: float = 120,
    progress: Progress = lambda _stack, _event, _seconds: None,
) -> dict[str, Wanted]:
    """What the stacks want of each region. All of them are previewed, whichever region is asked about: what a failover
    brings to one is what another runs.

    Raises:
        HakitError: a stack is unknown, or its program could not run.
    """
    usual = [f"{topology.environment}-{name}" for name in topology.regions]
    chosen = list(stacks) or [name for name in project.stack_names() if name in usual]
    if not chosen:
        raise HakitError(
            "no stack deploys a region of this topology",
            where=str(project.stacks_dir),
            given=project.stack_names(),
            allowed=usual,
            do="name the stacks that do: --stack",
        )
    document = preview(project.root, chosen, timeout=timeout, progress=progress)
    for stack in document["stacks"]:
        if stack["error"] is not None:
            raise HakitError(
                f"what stack {stack['stack']} wants is not known: its program could not run",
                given=stack["error"]["message"],
                do=f"hakit preview --stack {stack['stack']} says more",
            )
    regions = topology.regions
    return {
        name: wanted_of(document["stacks"], region, [each for other, each in regions.items() if other != name])
        for name, region in regions.items()
    }


def judge(wanted: Wanted, seen: Seen | UnreachableError, now: dt.datetime) -> Iterable[Finding]:
    """Everything that is wrong with one region at a moment."""
    if isinstance(seen, UnreachableError):
        context = wanted.region.cluster.context
        yield Finding(
            "HK100", f"region {wanted.region.name}", "", "it does not answer", f"context {context}", str(seen)
        )
        return
    yield from ground.judge(wanted, seen)
    yield from room.judge(wanted, seen)
    yield from quotas.judge(wanted, seen)
    yield from storage.judge(wanted, seen)
    for certificate in seen.certificates:
        yield from certificates.judge(certificate, now)


def _hosts(hosts: Sequence[str], now: dt.datetime) -> list[Finding]:
    with ThreadPoolExecutor(max(len(hosts), 1)) as pool:
        shown = list(pool.map(lambda host: certificates.of_host(host, _HOST_SECONDS), hosts))
    return [finding for each in shown for finding in certificates.judge(each, now)]


def _document(
    name: str, context: str, wanted: Wanted, seen: Seen | UnreachableError, settled: Settled
) -> RegionDocument:
    dead = isinstance(seen, UnreachableError)
    return {
        "region": name,
        "context": context,
        "kubernetes": "" if dead else seen.version,
        "nodes": 0 if dead else len(seen.nodes),
        **_findings(settled),
        "room": None if dead else _room(wanted, seen),
    }


def _room(wanted: Wanted, seen: Seen) -> RoomDocument:
    found = room.room_of(wanted, seen)
    return {
        "free": {zone: amount.as_dict() for zone, amount in found.free.items()},
        "asked": found.asked.as_dict(),
        "after_failover": found.after_failover.as_dict(),
        "uncounted": list(wanted.uncounted),
    }


def _findings(settled: Settled) -> Any:
    return {
        "findings": [finding.as_dict() for finding in settled.open],
        "accepted": [accepted.as_dict() for accepted in settled.accepted],
    }


def exit_code(document: PreflightDocument, *, strict: bool = False) -> int:
    """0: nothing unaccepted; 1: errors, or with `strict` warnings too."""
    bad = {"error", "warning"} if strict else {"error"}
    parts = [*document["regions"], document["hosts"]]
    return 1 if any(finding["severity"] in bad for part in parts for finding in part["findings"]) else 0
