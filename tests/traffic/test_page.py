"""The page docs/global-load-balancer.md: its program, its YAML and its tables are what the code does."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.components import global_load_balancer_args as arguments
from hakit.plan import ready
from hakit.plan.traffic.backends import BACKENDS
from hakit.testing import record

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "global-load-balancer.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "edge-cloudflare"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program_of_the_page_is_the_example() -> None:
    program, _ = blocks("python")
    assert program in (EXAMPLE / "__main__.py").read_text(encoding="utf-8")


def test_the_ready_endpoint_of_the_page_is_the_examples_and_its_function_is_the_one_that_is_made() -> None:
    _, argument = blocks("python")
    program = (ROOT / "examples" / "edge-ready" / "__main__.py").read_text(encoding="utf-8")
    assert textwrap.indent(argument, " " * 12) in program
    assert '"health": {"ready": True},' in program
    (sql,) = blocks("sql")
    assert sql == "".join(f"{statement};\n" for statement in ready.statements())


def test_the_yaml_of_the_page_comes_of_its_program() -> None:
    (program, _), (shown,) = blocks("python"), blocks("yaml")
    recording = record(
        lambda: exec(compile(program, "page", "exec"), {}),  # noqa: S102
        project="edge-cloudflare",
        stack="prod",
        root=EXAMPLE,
        preview=False,
        config={"accountId": "1" * 32, "zoneId": "2" * 32},
    )
    real = {one.name: one.inputs for one in recording.resources}
    for name, inputs in yaml.safe_load(shown).items():
        assert_within(inputs, real[name], name)
    assert len(real["shop-balancer"]["regionPools"]) == 13


def assert_within(shown: Any, real: Any, path: str) -> None:
    """The page may leave keys out, but no item of a list."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert key in real, f"{path}.{key}"
            assert_within(value, real[key], f"{path}.{key}")
    elif isinstance(shown, list):
        assert len(shown) == len(real), path
        for index, value in enumerate(shown):
            assert_within(value, real[index], f"{path}[{index}]")
    else:
        assert shown == real, path


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (None, arguments.GlobalLoadBalancerArgs),
        ("health", arguments.HealthArgs),
        ("origins", arguments.OriginArgs),
        ("affinity", arguments.AffinityArgs),
        ("cloudflare", arguments.CloudflareArgs),
        ("route53", arguments.Route53Args),
        ("global_accelerator", arguments.GlobalAcceleratorArgs),
        ("external_dns", arguments.ExternalDnsArgs),
    ],
)
def test_the_page_names_every_argument(row: str | None, kind: type) -> None:
    table = PAGE.partition("## Arguments")[2]
    text = table if row is None else next(line for line in table.splitlines() if line.startswith(f"| `{row}`"))
    assert [name for name in kind.__annotations__ if f"`{name}`" not in text] == []


def test_the_arguments_are_those_that_are_read() -> None:
    own = {
        "cloudflare": arguments.CloudflareArgs,
        "route53": arguments.Route53Args,
        "global_accelerator": arguments.GlobalAcceleratorArgs,
        "external_dns": arguments.ExternalDnsArgs,
    }
    for backend in BACKENDS.values():
        assert sorted(backend.keys) == sorted(own[backend.own].__annotations__)
