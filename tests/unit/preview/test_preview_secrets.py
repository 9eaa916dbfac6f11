"""A canary is put wherever a secret can be; it occurs nowhere in anything that comes out."""

import base64
from pathlib import Path

import pytest

from hakit.preview.masking import Mask
from hakit.testing import UNKNOWN, Secret
from hakit.testing.values import secret_strings
from tests.unit.preview.conftest import Ran, write_project

LINES = ["canary-first-line", "canary-second-line"]
CANARY = "\n".join(LINES) + "\n"
PLAIN = "canary-in-one-line"

PROGRAM = f"""
import base64
import pulumi
CANARY = {CANARY!r}
class Thing(pulumi.CustomResource):
    def __init__(self, token, name, props):
        super().__init__(token, name, props)
secret = pulumi.Output.secret(CANARY)
Thing("random:index:Thing", "marked", {{"password": secret, "url": pulumi.Output.concat("http://", secret)}})
Thing("kubernetes:core/v1:Secret", "creds", {{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "creds"}},
    "stringData": {{"password": {PLAIN!r}}}, "data": {{"b": base64.b64encode(CANARY.encode()).decode()}}}})
Thing("kubernetes:core/v1:ConfigMap", "copied", {{"apiVersion": "v1", "kind": "ConfigMap",
    "metadata": {{"name": "copied"}}, "data": {{"again": "x " + {PLAIN!r}, "encoded":
    base64.b64encode(CANARY.encode()).decode()}}}})
print("printed", CANARY, {PLAIN!r})
pulumi.log.warn("logged " + {PLAIN!r})
answer = pulumi.runtime.invoke("aws:secretsmanager/getSecretVersion:getSecretVersion", {{}}).value
print("answered", answer["secretString"])
pulumi.export("out", secret)
pulumi.export("answered", answer["secretString"])
pulumi.export("config", pulumi.Config().require_secret("password"))
pulumi.export("shown", "this is not secret")
if pulumi.get_stack() == "raises":
    raise ValueError("cannot log in with " + CANARY)
"""
ANSWERS = f"""
invokes:
  aws:secretsmanager/getSecretVersion:getSecretVersion: {{secretString: {{secure: {PLAIN}-answered}}}}
config:
  password: {PLAIN}-config
"""
STACK = "config:\n  password: {secure: AAABAHciphertext}\n"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran | str]:
    root = tmp_path_factory.mktemp("secrets")
    project = write_project(root, PROGRAM, ("fine", "raises"), answers__yaml=ANSWERS)
    project.write({"Pulumi.fine.yaml": STACK, "Pulumi.raises.yaml": STACK})
    return {
        "text": project.preview("--answers", "answers.yaml", "--verbose"),
        "json": project.preview("--answers", "answers.yaml", "--stack", "fine", "--format", "json", "--out", "out"),
        "files": "".join(path.read_text() for path in Path(root, "out").rglob("*") if path.is_file()),
    }


@pytest.mark.parametrize("form", ["plain", "lines", "base64", "escaped"])
def test_the_canary_is_nowhere(everything: dict[str, Ran | str], form: str):
    forms = {
        "plain": [CANARY, PLAIN, "ciphertext"],
        "lines": LINES,
        "base64": [base64.b64encode(text.encode()).decode().rstrip("=")[:-2] for text in (CANARY, PLAIN, *LINES)],
        "escaped": [repr(CANARY)[1:-1]],
    }
    for name, ran in everything.items():
        for text in (ran,) if isinstance(ran, str) else (ran.out, ran.err):
            for secret in forms[form]:
                assert secret not in text, f"{form} canary in {name}"


def test_what_is_not_secret_is_still_there(everything: dict[str, Ran | str]):
    ran = everything["json"]
    assert isinstance(ran, Ran)
    fine = ran.stack("fine")
    assert fine["exports"] == {
        "answered": "[secret]",
        "config": "[secret]",
        "out": "[secret]",
        "shown": "this is not secret",
    }
    text = everything["text"]
    assert isinstance(text, Ran)
    assert "could not run: ValueError: cannot log in with [secret]\n" in text.out
    assert "__main__.py:" in text.out, "the traceback is there, without what it would show"
    assert everything["files"] != ""
    secret = next(one for one in fine["resources"] if one["name"] == "creds")
    assert secret["inputs"]["stringData"] == {"password": "[secret]"}
    assert "\n  ├─ kubernetes:core/v1:Secret creds  default/creds, b: [secret], password: [secret]\n" in text.out
    files = everything["files"]
    assert isinstance(files, str)
    assert "data:\n  b: '[secret]'\nstringData:\n  password: '[secret]'\n" in files
    assert secret["inputs"]["metadata"] == {"name": "creds"}
    assert fine["secret_config"] == ["shop:password"]


def test_the_canary_did_come_out_of_the_program(everything: dict[str, Ran | str]):
    # Without this, a program that prints nothing would pass the tests above.
    ran = everything["json"]
    assert isinstance(ran, Ran)
    fine = ran.stack("fine")
    assert fine["output"][0].startswith("printed [secret]")
    assert fine["notes"] == [{"kind": "warning", "text": "logged [secret]"}]


def test_a_structure_that_is_secret_as_a_whole_does_not_hide_ordinary_words():
    mask = Mask(
        secret_strings(Secret({"a": {"b": {"type": "ClusterIP", "key": "a-long-deep-secret"}}, "pw": "hunter2"}))
    )
    assert mask.text("ClusterIP of a-long-deep-secret and hunter2") == "ClusterIP of [secret] and [secret]"


def test_of_a_kubernetes_secret_everything_but_its_values_is_shown():
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "labels": {"a": "b"}, "annotations": {"c": "hidden when all of it is secret"}},
        "type": "Opaque",
        "data": {"k": "v"},
        "stringData": Secret({"m": "", "l": "w"}),
    }
    shown = {"type": "Opaque", "data": {"k": "[secret]"}, "stringData": {"l": "[secret]", "m": "[secret]"}}
    named = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "labels": {"a": "b"}}}
    assert Mask([]).data(Secret(manifest)) == {**named, **shown}
    assert Mask([]).data(manifest) == {**manifest, **shown}, "its data is masked unmarked too"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (Secret("canary"), "[secret]"), ("canary", "[secret]"), (Secret(UNKNOWN), "[secret]"), (UNKNOWN, "[secret]"),
        ({}, {}), (None, None), ({"k": {"deep": "canary"}}, {"k": "[secret]"}), ({"k": UNKNOWN}, {"k": "[secret]"}),
    ],
)  # fmt: skip
def test_data_of_a_secret_that_is_no_map_of_texts_shows_nothing(data: object, shown: object):
    assert Mask([]).data({"kind": "Secret", "data": data}) == {"kind": "Secret", "data": shown}


def test_labels_of_a_secret_object_do_not_show_what_its_data_holds():
    labels = {"app": "orders", "whole": "pin1", "part": "canary-part", "encoded": "canary-encoded", "marked": "abc"}
    data = {
        "pin": "pin1",
        "url": "postgres://orders:canary-part@db",
        "b": base64.b64encode(b"x canary-encoded").decode(),
    }
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders", "labels": labels}, "data": data}
    shown = Mask(["abc"], public=["orders"]).data(Secret(manifest))
    assert shown["metadata"]["labels"] == {
        "app": "orders",
        "encoded": "[secret]",
        "marked": "[secret]",
        "part": "[secret]",
        "whole": "[secret]",
    }


def test_a_secret_is_found_in_the_forms_that_text_gives_it():
    mask = Mask(["two words/and more"])
    for form in ("two words/and more", "two%20words%2Fand%20more", base64.b64encode(b"two words/and more").decode()):
        assert mask.text(f"<{form}>") == "<[secret]>", form


def test_a_secret_equal_to_a_shown_name_is_shown():
    assert Mask(["orders"], public=["orders"]).text("namespace orders") == "namespace orders"
