"""The lab's tests need real binaries. Without them they are skipped, and under CI they fail."""

import contextlib
import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.harness import Client, Helm, Lab, LabRegion, missing, network_problem
from lab.harness.tools import REGION_TOOLS

_failures = pytest.StashKey[int]()
_tables = pytest.StashKey[list[tuple[str, list[str]]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: needs the lab's tools (make lab-tools)")
    config.stash[_failures] = 0
    config.stash[_tables] = []


def show(request: pytest.FixtureRequest, title: str, lines: list[str]) -> None:
    """Print measured figures at the end of the run, whether its tests pass or not."""
    request.config.stash[_tables].append((title, lines))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker has ended: what it has measured is printed by the one who prints."""
    node.config.stash[_tables] += getattr(node, "workeroutput", {}).get("tables", [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["tables"] = session.config.stash[_tables]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, lines in config.stash[_tables]:
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


def need(*names: str) -> None:
    """Skip when a tool is not built; under CI a skip would hide that nothing was proven."""
    _demand(missing(*names))


def need_network() -> None:
    """Skip where regions can have no networks of their own, without root above all; fail under CI."""
    _demand(network_problem())


def _demand(problem: str) -> None:
    if problem and os.environ.get("CI") == "true":
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        item.config.stash[_failures] += 1
        for region in _running:
            report.sections.append((f"logs of the lab's region {region.name}", f"kept in {region.kept_logs}"))
    return report


_running: list[LabRegion] = []
_numbers = itertools.count(1)


@contextlib.contextmanager
def running(request: pytest.FixtureRequest, name: str, zones: list[str], **options: Any) -> Iterator[LabRegion]:
    """A region for tests; its logs are kept when one of them fails."""
    before = request.config.stash[_failures]
    with LabRegion(name, zones=zones, **options) as found:
        _running.append(found)
        try:
            yield found
        finally:
            _running.remove(found)
            # Closed here, because only here it is known whether a test failed.
            found.close(keep_logs=request.config.stash[_failures] > before)


@contextlib.contextmanager
def running_lab(request: pytest.FixtureRequest, zones: dict[str, list[str]], **options: Any) -> Iterator[Lab]:
    """Several regions in one network, for tests; their logs are kept when one of them fails."""
    before = request.config.stash[_failures]
    with Lab(zones, **options) as found:
        _running.extend(found)
        try:
            yield found
        finally:
            for region in found:
                _running.remove(region)
            found.close(keep_logs=request.config.stash[_failures] > before)


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    """A region of three zones. A module has it for itself: it may break it."""
    need(*REGION_TOOLS)
    with running(request, "east", ["a", "b", "c"]) as found:
        yield found


@pytest.fixture
def namespace(region: LabRegion, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, gone afterwards."""
    name = f"test-{next(_numbers)}"
    region.namespace(name)
    yield name
    # Pods on their way out still count for the scheduler, and would move the next test's. A namespace takes five
    # seconds to empty itself.
    for kind in ("Deployment", "StatefulSet"):
        region.client.request("DELETE", region.client.path("apps/v1", kind, namespace=name))
    region.client.delete("v1", "Namespace", name)
    region.wait_for(f"no pod left in {name}", lambda: region.client.list("v1", "Pod", name), lambda left: not left)


@pytest.fixture
def other_client(region: LabRegion) -> Iterator[Client]:
    """A second connection, for a thread of its own."""
    found = region.another_client()
    yield found
    found.close()


@pytest.fixture
def helm(region: LabRegion, tmp_path: Path) -> Helm:
    need("helm")
    return Helm(region.kubeconfig, tmp_path)
