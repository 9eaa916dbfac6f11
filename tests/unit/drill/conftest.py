"""Two regions as kubectl reaches them: a script in its place, in front of real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.drill.postgres import Servers, kubectl


@pytest.fixture(autouse=True)
def asked_by_kubectl(both: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`both` is each module's own: its servers and tables."""
    monkeypatch.setenv("HAKIT_KUBECTL", str(kubectl(tmp_path)))
    monkeypatch.setenv("HAKIT_TEST_SERVERS", str(both.folder))
    monkeypatch.setenv("HAKIT_TEST_BIN", str(both.bin))
    yield
    for mark in both.folder.glob("*/*"):
        if mark.name in ("away", "hangs"):
            mark.unlink()
