"""Operators by their manifests: the order in which they come, and what is refused."""

from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.operators import plan, specify


def thing(kind: str, name: str = "x", namespace: str = "", api: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def deployment(image: str, name: str = "cnpg-controller-manager") -> dict[str, Any]:
    pod = {"containers": [{"name": "manager", "image": image}]}
    return thing("Deployment", name, "cnpg-system", "apps/v1", spec={"template": {"spec": pod}})


GOOD = deployment("ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0")


def specified(**operators: Any) -> dict[str, str]:
    return specify(Arguments({"operators": operators}, "RegionBase 'base'", ("operators",)))


def test_operators_come_in_the_order_that_they_need_each_other_in_and_others_after_them() -> None:
    named = {
        "zoo": {"manifest": "zoo.yaml"},
        "plugin-barman-cloud": {"manifest": "plugin.yaml"},
        "cloudnative-pg": {"manifest": "pg.yaml"},
        "ant": {"manifest": "ant.yaml"},
        "cert-manager": {"manifest": "certs.yaml"},
    }
    assert list(specified(**named)) == ["cert-manager", "cloudnative-pg", "plugin-barman-cloud", "ant", "zoo"]


def test_what_somebody_else_provides_is_not_brought() -> None:
    provided = {"cert-manager": {"provided": "the platform team's chart"}, "cloudnative-pg": {"manifest": "pg.yaml"}}
    assert specified(**provided) == {"cloudnative-pg": "pg.yaml"}
    assert specified() == {}


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        ({}, "say which of the two"),
        ({"manifest": "a.yaml", "provided": "us"}, "say which of the two"),
        ({"provided": ""}, "operators.cert-manager.provided: wrong type"),
        ({"manifest": 3}, "operators.cert-manager.manifest: wrong type"),
        ({"chart": "x"}, "operators.cert-manager.chart: unknown argument"),
        ("x", "operators.cert-manager: wrong type"),
    ],
)
def test_an_operator_comes_from_one_place_that_is_named(operator: Any, words: str) -> None:
    with pytest.raises(HakitError, match=words):
        specified(**{"cert-manager": operator})


def test_each_stage_has_what_the_one_before_it_makes_possible() -> None:
    objects = [
        thing("ValidatingWebhookConfiguration", "hook"),
        GOOD,
        thing("Certificate", "tls", "cnpg-system", "cert-manager.io/v1"),
        thing("ClusterRole", "role"),
        thing("CustomResourceDefinition", "clusters"),
        thing("Namespace", "cnpg-system"),
    ]
    assert [list(stage) for stage in plan("cloudnative-pg", objects, "pg.yaml")] == [
        ["operator-cloudnative-pg-Namespace-cnpg-system"],
        ["operator-cloudnative-pg-CustomResourceDefinition-clusters"],
        ["operator-cloudnative-pg-Certificate-cnpg-system-tls", "operator-cloudnative-pg-ClusterRole-role"],
        ["operator-cloudnative-pg-Deployment-cnpg-system-cnpg-controller-manager"],
        ["operator-cloudnative-pg-ValidatingWebhookConfiguration-hook"],
    ]


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([deployment("ghcr.io/cloudnative-pg/cloudnative-pg:1.29.9")], "older than hakit needs"),
        ([thing("Namespace")], "no Deployment of it"),
        ([], "no Deployment of it"),
        ([GOOD, deployment("ghcr.io/other/other:main", "other")], "without a version"),
        ([GOOD, deployment("ghcr.io/other/other", "other")], "without a version"),
        ([GOOD, GOOD], "there twice"),
        ([GOOD, {"apiVersion": "v1", "kind": "Namespace"}], "not a Kubernetes object"),
        ([GOOD, {"kind": "Namespace", "metadata": {"name": "x"}}], "not a Kubernetes object"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(objects: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(HakitError, match=words):
        plan("cloudnative-pg", objects, "pg.yaml")


def test_a_newer_one_and_one_that_is_pinned_by_digest_are_taken() -> None:
    for image in (
        "cloudnative-pg:1.30.0",
        "cloudnative-pg:v2.0.0",
        "cloudnative-pg@sha256:ab",
        "cloudnative-pg:1.31.0-rc1",
    ):
        assert plan("cloudnative-pg", [deployment(image)], "pg.yaml")


def test_of_an_operator_that_hakit_does_not_know_only_its_images_are_looked_at() -> None:
    assert plan("my-own", [thing("ConfigMap")], "own.yaml") == [{"operator-my-own-ConfigMap-x": thing("ConfigMap")}]
    assert plan("my-own", [deployment("registry.example.com/own:0.1")], "own.yaml")
    with pytest.raises(HakitError, match="without a version"):
        plan("my-own", [deployment("registry.example.com/own:latest")], "own.yaml")
