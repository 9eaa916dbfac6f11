"""What failed beside another file gets one more run, alone; what is broken stays broken."""

import subprocess
import sys
from pathlib import Path

from tests.lab import short

_MARK = "import pathlib, pytest\npytestmark = pytest.mark.lab\n"
_CONFIG = "[pytest]\nmarkers =\n    lab: of the lab\n    long: takes minutes\n"
_PASSES = _MARK + "def test_it(): pass\n"
_FAILS = _MARK + "def test_it(): assert False\n"
_FAILS_THE_FIRST_TIME = (
    _MARK
    + """
def test_it():
    seen = pathlib.Path("seen")
    before = seen.exists()
    seen.touch()
    assert before
"""
)


def _run(folder: Path, **files: str) -> tuple[int, str]:
    tests = folder / "tests" / "lab"
    tests.mkdir(parents=True)
    (folder / "pytest.ini").write_text(_CONFIG)
    for name, text in files.items():
        (tests / f"test_{name}.py").write_text(text)
    ended = subprocess.run([sys.executable, short.__file__], cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


def test_a_file_that_passes_alone_passes(tmp_path: Path):
    code, printed = _run(tmp_path, good=_PASSES, shaken=_FAILS_THE_FIRST_TIME)
    assert code == 0
    assert "once more, alone: tests/lab/test_shaken.py" in printed


def test_a_broken_file_fails_twice_and_the_suite_with_it(tmp_path: Path):
    code, printed = _run(tmp_path, good=_PASSES, broken=_FAILS)
    assert code == 1
    assert printed.count("FAILED tests/lab/test_broken.py") == 2


def test_three_files_do_not_fail_by_accident(tmp_path: Path):
    code, printed = _run(tmp_path, one=_FAILS, two=_FAILS, three=_FAILS)
    assert code == 1
    assert "once more" not in printed


def test_no_test_at_all_is_no_accident(tmp_path: Path):
    code, printed = _run(tmp_path)
    assert code == 5, "pytest found nothing to run"
    assert "once more" not in printed


def test_nothing_is_run_again_after_a_run_that_passed(tmp_path: Path):
    code, printed = _run(tmp_path, good=_PASSES)
    assert code == 0
    assert "once more" not in printed
