"""`hakit status --watch`: in its place on a terminal, a line a look elsewhere, and what ends it."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.status.document import StatusDocument, document_of
from hakit.status.watching import line, watch
from tests.unit.status.given import NOW, PRIMARY, both, copy, declared, healthy
from tests.unit.status.test_run import project as project  # noqa: PLC0414  a fixture


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def status() -> StatusDocument:
    return document_of(declared(), "topology.yaml", healthy(), NOW)


def looked(look: Callable[[], StatusDocument], stream: io.StringIO, looks: int, *, as_json: bool = False) -> str:
    list(watch(look, stream, every=0, looks=looks, as_json=as_json))
    return stream.getvalue()


def test_elsewhere_than_on_a_terminal_each_look_is_one_line() -> None:
    told = "2026-11-24T12:00:00+00:00 · 2/2 regions · 0 errors · 0 warnings · shop: orders a epoch 0, behind 0.2s\n"
    assert looked(status, io.StringIO(), 2) == told * 2


def test_two_primaries_and_their_code_are_in_the_line() -> None:
    seen = both(copy("a", now=PRIMARY), copy("b", now=PRIMARY))
    assert line(document_of(declared(), "topology.yaml", seen, NOW)).endswith(
        "1 error · 0 warnings · shop: orders a+b epoch 0 · HK130"
    )


def test_on_a_terminal_the_screen_is_written_over_and_nothing_of_a_longer_one_is_left() -> None:
    text = looked(status, Terminal(), 2)
    first, second = text.split("\x1b[H")[1:]
    assert text.startswith("\x1b[2J\x1b[H"), "what was there before goes, once"
    assert first == second
    assert "\x1b[2J" not in second
    assert second.endswith("\x1b[J")
    assert all(each.endswith("\x1b[K") for each in second.removesuffix("\x1b[J").splitlines())
    assert "topology.yaml  2026-11-24T12:00:00+00:00" in second


def test_as_json_it_is_one_document_a_line_on_a_terminal_too() -> None:
    lines = looked(status, Terminal(), 2, as_json=True).splitlines()
    assert [json.loads(each)["version"] for each in lines] == [1, 1]


def test_a_topology_that_is_wrong_while_it_is_edited_is_told_and_watching_goes_on() -> None:
    answers = iter([status(), HakitError("no key of that name", where="topology.yaml:3"), status()])

    def look() -> StatusDocument:
        answer = next(answers)
        if isinstance(answer, HakitError):
            raise answer
        return answer

    lines = looked(look, io.StringIO(), 3).splitlines()
    assert lines[1] == "topology.yaml:3: no key of that name"
    assert lines[0] == lines[2]


def test_what_is_wrong_from_the_first_look_on_ends_it() -> None:
    def look() -> StatusDocument:
        raise HakitError("no such file")

    with pytest.raises(HakitError, match="no such file"):
        looked(look, io.StringIO(), 2)


@contextmanager
def started(project: Path, output: int) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(
        [sys.executable, "-m", "hakit.cli", "status", "--seconds", "1", "--watch", "--every", "1"],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "HAKIT_KUBECTL": str(project / "kubectl"), "TERM": "dumb"},
        stdout=output,
        stderr=subprocess.PIPE,
        # A shell's background job ignores Ctrl-C, and so would all that it starts: as in a terminal, then.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    os.close(output)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_it_with_the_code_of_the_last_look_and_no_word_of_complaint(project: Path) -> None:
    reader, writer = os.pipe()
    with started(project, writer) as process, open(reader, encoding="utf-8") as lines:  # noqa: PTH123  a descriptor
        first, second = lines.readline(), lines.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 1
        assert process.stderr
        assert process.stderr.read() == b""
    assert " · 0/2 regions · 2 errors · 0 warnings · shop: orders unknown epoch 0 · HK100\n" in first
    assert second.endswith("HK100\n")


def test_on_a_real_terminal_it_draws_a_screen(project: Path) -> None:
    ours, theirs = pty.openpty()
    text = b""
    with started(project, theirs) as process, open(ours, "rb", buffering=0) as screen:  # noqa: PTH123  a descriptor
        while text.count(b"\x1b[J") < 2:
            text += screen.read(4096) or b""
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 1
    assert b"no answer: context does not exist" in text
