"""What a preview says, in documents written by hand."""

from typing import Any

import pytest

from hakit.preview import preview_text
from hakit.preview.document import PreviewDocument, ResourceDocument, StackDocument, failed
from hakit.preview.objects import find_objects
from hakit.preview.output import shortened
from hakit.preview.paint import Paint
from hakit.preview.tree import tree
from tests.unit.preview.test_preview_totals import resource


def finding(code: str, severity: str, thing: str, message: str, mend: str = "mend it") -> dict[str, str]:
    found = {"code": code, "severity": severity, "object": thing, "path": "spec", "message": message}
    return {**found, "where": "", "detail": "", "mend": mend}


def stack(name: str = "dev", **more: Any) -> StackDocument:
    document: Any = {**failed(name, "", ""), "status": "ok", "error": None, **more}
    return document


def report(**more: Any) -> dict[str, Any]:
    return {
        "app": "web",
        "region": "",
        "role": "",
        "summary": "",
        "open": [],
        "accepted": [],
        "mended": [],
        "failover": {},
        "reserved": [],
        **more,
    }


def shown(*stacks: StackDocument, verbose: bool = False, paint: Paint | None = None) -> str:
    document: PreviewDocument = {"version": 1, "project": "shop", "stacks": list(stacks), "totals": []}
    return preview_text(document, verbose=verbose, paint=paint)


HELD_BACK = [
    finding("HK028", "error", "Job/warehouse-migration", "it would run in the standby"),
    finding("HK028", "error", "Job/warehouse-seed", "it would run in the standby"),
    finding("HK026", "warning", "PodDisruptionBudget/web", "blocks drains"),
]


def test_what_is_held_back_in_the_standby_is_said_without_being_asked():
    text = shown(stack(findings=[report(summary="web standby", mended=HELD_BACK)]))
    assert (
        text
        == """\
dev  0 resources, 0 objects

  Findings of web: 0 errors, 0 warnings, 3 mended
    web standby
    held back in the standby: Job/warehouse-migration, Job/warehouse-seed

shop: 1 stack, 0 errors, 0 warnings, 3 mended
"""
    )


def test_warnings_alone_refuse_nothing():
    text = shown(stack(findings=[report(open=[finding("HK026", "warning", "PodDisruptionBudget/web", "no")])]))
    assert "refused" not in text
    assert text.endswith("\nshop: 1 stack, 0 errors, 1 warning\n")


LONG = "its pods are spread over zones by nothing at all, so that one zone may hold every one of them at a time"
THING = "Deployment/storefront"


def test_summary_and_findings_wrap_at_a_hundred_columns():
    summary = "storefront (storefront 1.2.0) active in us-east-1; storefront 6 (4 with a zone lost) over 3 zones"
    found = finding("HK013", "error", THING, LONG, mend=f"{'x' * 60} {'y' * 60}")
    document = stack(findings=[report(summary=summary, open=[found], accepted=[{**found, "accepted": "we know"}])])
    assert (
        shown(document)
        == f"""\
dev  0 resources, 0 objects

  Findings of web: 1 error, 0 warnings, 1 accepted
    refused: pulumi up stops here, before anything of it is registered
    storefront (storefront 1.2.0) active in us-east-1; storefront 6 (4 with a zone lost) over 3
      zones
    HK013 error   Deployment/storefront spec: its pods are spread over zones by nothing at all, so
            that one zone may hold every one of them at a time
          {"x" * 60}
          {"y" * 60}
    accepted: HK013 error   Deployment/storefront spec: its pods are spread over zones by nothing at
            all, so that one zone may hold every one of them at a time
          because: we know

shop: 1 stack, 1 error, 0 warnings, 1 accepted; errors in: dev
"""
    )


def test_a_path_that_is_longer_than_a_line_is_not_broken():
    text = shown(stack(findings=[report(open=[finding("HK013", "error", "x" * 120, "no")])]))
    assert f"    HK013 error\n            {'x' * 120}\n            spec: no\n" in text


def test_the_last_line_names_the_stacks_that_need_somebody():
    broken = finding("HK013", "error", THING, "no")
    bad = [report(open=[broken])]
    stacks = [stack("app", findings=bad), stack("base"), failed("dev", "raised", "no"), failed("prod", "exit", "no")]
    assert shown(*stacks).splitlines()[-1] == (
        "shop: 4 stacks, 1 error, 0 warnings; could not run: dev, prod; errors in: app"
    )
    many = [failed(f"a-long-name-of-a-stack-{number}", "raised", "no") for number in range(4)]
    assert shown(*many).splitlines()[-2:] == [
        "shop: 4 stacks, 0 errors, 0 warnings; could not run: a-long-name-of-a-stack-0,",
        "  a-long-name-of-a-stack-1, a-long-name-of-a-stack-2, a-long-name-of-a-stack-3",
    ]
    assert shown(*stacks, paint=Paint(on=True)).splitlines()[-1] == (
        "shop: 4 stacks, \x1b[31m1 error\x1b[0m, \x1b[32m0 warnings\x1b[0m; "
        "\x1b[31mcould not run:\x1b[0m dev, prod; \x1b[31merrors in:\x1b[0m app"
    )


def test_the_same_error_of_hakit_is_told_once():
    message = "zones: too few\n  do:      add one"
    stacks = [failed("a", "hakit", message), failed("b", "hakit", "another"), failed("c", "hakit", message)]
    raised = [failed("d", "raised", "ValueError: no"), failed("e", "raised", "ValueError: no")]
    text = shown(*stacks, *raised)
    assert text.startswith(
        "a  0 resources, 0 objects\n  could not run: zones: too few\n      do:      add one\n\n"
        "b  0 resources, 0 objects\n  could not run: another\n\n"
        "c  0 resources, 0 objects\n  could not run: the same error as a\n\n"
    )
    assert text.count("could not run: ValueError: no\n") == 2, "each has frames of its own"


def lines(*resources: ResourceDocument) -> list[str]:
    find_objects(resources)
    return [line[3:] for line in tree(resources, Paint())]


def scaler(least: Any, most: Any, provider: str = "") -> ResourceDocument:
    target = {"kind": "Deployment", "name": "web"}
    spec = {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": target}
    return resource("HorizontalPodAutoscaler", "web", "autoscaling/v2", provider, spec=spec)


@pytest.mark.parametrize(
    ("least", "most", "state", "replicas"),
    [
        (6, 10, "6-10 replicas (autoscaler)", 6),
        (None, 4, "1-4 replicas (autoscaler)", 1),
        (3, 3, "3 replicas (autoscaler)", 3),
        (1, 1, "1 replica (autoscaler)", 1),
        (2, "[unknown]", "2-[unknown] replicas (autoscaler)", 2),
        ("[unknown]", 4, "[unknown]-4 replicas (autoscaler)", "[unknown]"),
    ],
)
def test_an_autoscaled_workload_shows_what_the_autoscaler_keeps(least: Any, most: Any, state: str, replicas: Any):
    web = resource("Deployment", "web", spec={})
    assert lines(web, scaler(least, most))[0] == f"kubernetes:apps/v1:Deployment web  shop/web, {state}"
    assert web["objects"][0]["replicas"] == replicas


def test_an_autoscaler_of_another_cluster_or_unknown_changes_nothing():
    web, unknown = resource("Deployment", "web", provider="use1", spec={"replicas": 3}), scaler(1, 2)
    unknown["inputs"]["spec"] = "[unknown]"
    assert lines(web, scaler(6, 9, "usw2"), unknown)[0].startswith(
        "kubernetes:apps/v1:Deployment web  shop/web, 3 replicas"
    )


def test_a_suspended_cron_job_says_so():
    held = resource("CronJob", "held", "batch/v1", spec={"suspend": True})
    runs = resource("CronJob", "runs", "batch/v1", spec={"suspend": False})
    assert lines(held, runs) == [
        "kubernetes:batch/v1:CronJob held  shop/held, suspended",
        "kubernetes:batch/v1:CronJob runs  shop/runs",
    ]


def test_a_secret_shows_its_type_and_keys_or_how_many():
    few = resource("Secret", "few", "v1", type="Opaque", data={"user": "[secret]"}, stringData={"pw": "[secret]"})
    many = resource("Secret", "many", "v1", data={f"key-{number}": "[secret]" for number in range(9)})
    whole = resource("Secret", "whole", "v1", data="[secret]")
    assert lines(few, many, whole) == [
        "kubernetes:v1:Secret few  shop/few, Opaque, pw: [secret], user: [secret]",
        "kubernetes:v1:Secret many  shop/many, 9 keys",
        "kubernetes:v1:Secret whole  shop/whole",
    ]


def test_of_too_much_output_the_start_and_the_end_are_kept():
    numbers = [str(number) for number in range(2000)]
    assert shortened(numbers) == numbers
    short = shortened([str(number) for number in range(2500)])
    assert (short[0], short[999], short[1000], short[1001], short[2000]) == (
        "0", "999", "... 500 lines left out ...", "1500", "2499",
    )  # fmt: skip
    assert len(short) == 2001


def test_a_long_export_is_only_begun_and_a_text_is_whole():
    text = "storefront " * 30
    said = shown(stack(exports={"summary": text.strip(), "jobs": {"assets": "aws " * 100}, "names": ["a", "b"]}))
    assert " ".join(said.split()).count("storefront") == 30
    assert 'names: ["a", "b"]' in said
    assert 'jobs: {"assets": "aws' in said
    assert said.count("aws") == 47, '200 characters, of which {"assets": " takes 12'
    assert "(the rest: --format json)" in " ".join(said.split())
