"""What is said when a cluster does not answer. That the real engine says it: tests/lab/test_dead_region.py."""

import subprocess
import sys
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi.resource_hooks import ErrorHookArgs

from hakit.components import unreachable
from hakit.components.manifests import resource
from hakit.components.unreachable import message, told_when_unreachable
from hakit.testing import record

ROOT = Path(__file__).parents[2]

#: From the sources named in unreachable.py.
UNREACHABLE = [
    "configured Kubernetes cluster is unreachable: unable to load schema information from the API server: Get "
    '"https://10.0.0.1/openapi/v2?timeout=32s": dial tcp 10.0.0.1:443: i/o timeout',
    "can't create Helm Release with unreachable cluster: unable to load schema information",
    "can't update Helm Release with unreachable cluster: unable to load schema information",
    'Kubernetes cluster unreachable: Get "https://10.0.0.1/version": dial tcp 10.0.0.1:443: connect: refused',
]
OTHER = [
    'Deployment.apps "storefront" is invalid: spec.replicas: Invalid value: -1',
    "release storefront failed, and has been uninstalled due to atomic being set: context deadline exceeded",
    "resource mapping not found for name: orders: no matches for kind Cluster",
]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", found.append)
    return found


def _failed(*errors: str) -> ErrorHookArgs:
    return ErrorHookArgs("urn", "id", "storefront", "kubernetes:helm.sh/v3:Release", errors=list(errors))


@pytest.mark.parametrize("error", UNREACHABLE)
def test_an_unreachable_cluster_is_told_once_and_no_second_attempt_is_asked_for(said: list[str], error: str):
    hook = unreachable._Once("what to do")
    assert [hook(_failed(error)), hook(_failed(error))] == [False, False], "each attempt would wait for the time limit"
    assert said == ["what to do"]


@pytest.mark.parametrize("error", OTHER)
def test_another_error_is_left_to_itself(said: list[str], error: str):
    assert unreachable._Once("what to do")(_failed(error)) is False
    assert said == []


def test_it_says_which_region_that_nothing_else_waits_for_it_and_what_to_do():
    text = message("us-east-1", "us-east-1")
    for part in (
        "region us-east-1 could not be reached",
        "the other regions, `traffic` and `shared` do not ask it",
        "run `pulumi up` on this stack again",
        "append a handover of kind failover",
        "Do not destroy the stack, edit its state",
        "docs/interrupted.md",
    ):
        assert part in text


def test_without_a_topology_it_names_the_provider_and_speaks_of_no_other_region():
    text = message("", "use1")
    assert "the cluster of provider 'use1' could not be reached" in text
    assert "region" not in text.partition("\n")[2].replace('"A region does not answer"', "")
    assert "Do not destroy the stack" in text


_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def _program() -> None:
    provider = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
    opts = pulumi.ResourceOptions(provider=provider)
    assert told_when_unreachable(opts) is opts
    resource("shop", _NAMESPACE, opts)


def test_without_an_engine_options_stay_as_they_are():
    assert record(_program).one("Namespace").provider == "use1"


_UNDER_MOCKS = """
import pulumi

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        print(args.name)
        return f"{args.name}-id", args.inputs

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks())
from tests.components.test_unreachable import _program

@pulumi.runtime.test
def run():
    _program()

run()
"""


def test_a_program_under_pulumis_own_mocks_runs_as_before():
    """They claim to have error hooks, and then fail to take one: "No callback server registered"."""
    done = subprocess.run(
        [sys.executable, "-c", _UNDER_MOCKS], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["use1", "shop"], done.stderr
