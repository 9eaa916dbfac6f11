"""`hakit check`, through the real command: what it prints and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hakit.rules import RULES

ROOT = Path(__file__).parents[2]
STOREFRONT = "examples/charts/storefront"


def hakit(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hakit.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def values(folder: Path, text: str) -> str:
    (folder / "values.yaml").write_text(text)
    return str(folder / "values.yaml")


#: A storefront with nothing left to mend once it is hardened.
GOOD = "replicaCount: 3\nsession: {key: a-key-for-tests}\n"


def test_nothing_unaccepted_is_exit_code_0(tmp_path: Path) -> None:
    done = hakit("check", STOREFRONT, "-f", values(tmp_path, GOOD), "--hardened", "--strict")
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings in 1 chart\n")


def test_errors_are_exit_code_1(tmp_path: Path) -> None:
    done = hakit("check", STOREFRONT, "-f", values(tmp_path, GOOD))
    assert done.returncode == 1
    assert "HK013 error   Deployment/storefront" in done.stdout


def test_warnings_are_exit_code_1_only_when_strict(tmp_path: Path) -> None:
    file = values(tmp_path, GOOD + "autoscaling: {minReplicas: 4}\n")
    lenient = hakit("check", STOREFRONT, "-f", file, "--hardened")
    strict = hakit("check", STOREFRONT, "-f", file, "--hardened", "--strict")
    assert (lenient.returncode, strict.returncode) == (0, 1)
    assert "HK031 warning autoscaling: it has no effect while autoscaling.enabled is false" in lenient.stdout


def test_a_later_values_file_goes_over_an_earlier_one_and_is_the_place_that_is_named(tmp_path: Path) -> None:
    first = values(tmp_path, GOOD + "replicas: 2\n")
    second = tmp_path / "more.yaml"
    second.write_text("# a comment\nreplicas: 5\nreplicaCount: 4\n")
    done = hakit("check", STOREFRONT, "-f", first, "-f", str(second), "--hardened")
    assert f"HK003 error   replicas: the chart ignores this value\n      {second}:2 ·" in done.stdout


def test_an_unused_or_unknown_acceptance_is_not_let_through(tmp_path: Path) -> None:
    file = values(tmp_path, GOOD)
    unused = hakit("check", STOREFRONT, "-f", file, "--hardened", "--accept", "HK005=it has no volume")
    unknown = hakit("check", STOREFRONT, "-f", file, "--hardened", "--accept", "HK999=no such thing")
    no_reason = hakit("check", STOREFRONT, "-f", file, "--hardened", "--accept", "HK005")
    assert (unused.returncode, unknown.returncode, no_reason.returncode) == (1, 2, 2)
    assert "HK033 error   accept HK005: nothing raises this finding" in unused.stdout
    assert "accept: there is no finding 'HK999'" in unknown.stderr
    assert "--accept: no reason" in no_reason.stderr


def test_json_has_the_same_findings(tmp_path: Path) -> None:
    done = hakit("check", STOREFRONT, "-f", values(tmp_path, GOOD), "--format", "json")
    (chart,) = json.loads(done.stdout)["charts"]
    assert chart["chart"] == STOREFRONT
    # what a chart without spread, budget, tolerations and preStop raises at three replicas
    assert [each["code"] for each in chart["findings"]] == ["HK013", "HK014", "HK017", "HK023", "HK024"]
    assert {each["mended_by_zonal_app"] for each in chart["findings"]} == {True}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["check", "examples/charts/storefrnt"],
            "hakit: chart: nothing is there\n"
            "  given:   examples/charts/storefrnt\n"
            "  allowed: a folder with Chart.yaml, or a .tgz archive; beside it are: storefront, warehouse\n"
            "  do:      did you mean 'storefront'?\n",
        ),
        (
            ["check", "examples/charts"],
            "hakit: chart: the folder has no Chart.yaml\n"
            "  given:   examples/charts\n"
            "  allowed: examples/charts/storefront, examples/charts/warehouse\n",
        ),
        (
            ["check", STOREFRONT],
            f"hakit: chart {STOREFRONT}: the chart does not render: session.key is needed: replicas that sign with "
            "different keys log users out (storefront/templates/session.yaml:9:10)\n"
            "  do:      the chart's template says what it needs; give that value\n",
        ),
        (
            ["check", STOREFRONT, "-f", "examples/check/value.yaml"],
            "hakit: values: there is no file examples/check/value.yaml\n"
            "  given:   value.yaml\n"
            "  allowed: values.yaml\n"
            "  do:      did you mean 'values.yaml'?\n",
        ),
        (
            ["check", STOREFRONT, "--kubernetes", "v1"],
            "hakit: --kubernetes: not a version\n  given:   v1\n  allowed: major and minor, such as 1.34\n",
        ),
        (
            ["explain", "HK999"],
            "hakit: there is no such finding\n"
            "  given:   HK999\n"
            f"  allowed: HK001 to {max(RULES)}\n"
            "  do:      docs/findings.md lists all of them, `hakit explain` without a code prints them\n",
        ),
    ],
)
def test_wrong_input_is_exit_code_2_and_says_what_to_do(words: list[str], message: str) -> None:
    done = hakit(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_broken_values_name_their_line(tmp_path: Path) -> None:
    done = hakit("check", STOREFRONT, "-f", values(tmp_path, "replicaCount: 3\nsession: {key: abc\n"))
    assert done.returncode == 2
    assert f"hakit: {tmp_path}/values.yaml:3: values: not YAML" in done.stderr


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    done = hakit("check", STOREFRONT, "-f", values(tmp_path, "replicaCount: 3\nimage: {}\nreplicaCount: 4\n"))
    assert done.returncode == 2
    assert (
        f"{tmp_path}/values.yaml:3: values: replicaCount is there twice, first in line 1; "
        "Helm silently takes the last" in done.stderr
    )
