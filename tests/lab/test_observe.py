"""Reading a live region: what answers, what refuses, and what does not answer at all, within the time that is given."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.observe import Place, Reader, RefusedError, UnreachableError, ask_all
from lab.harness import LabRegion
from lab.harness.tools import tool
from tests.lab.conftest import need

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    need("kubectl")
    monkeypatch.setenv("HAKIT_KUBECTL", str(tool("kubectl")))


#: Preflight's tests read a region in all these ways; here each is looked at for itself.
long = pytest.mark.long


@pytest.fixture
def reader(region: LabRegion) -> Iterator[Reader]:
    with Reader("lab", str(region.kubeconfig)) as found:
        yield found


def _kubeconfig(folder: Path, server: str, user: dict[str, Any]) -> str:
    """A kubeconfig with one context, `there`."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(content))
    return str(folder / "kubeconfig")


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"


def _kubectls() -> list[str]:
    """Command lines of the proxies that this process has started and that run still."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            command = process.joinpath("cmdline").read_text().replace("\0", " ")
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and " proxy " in command:
            found.append(command)
    return found


@long
def test_lists_are_whole_however_many_pages_they_have(reader: Reader, region: LabRegion, monkeypatch):
    monkeypatch.setattr("hakit.observe.reader._PAGE", 4)
    assert len(reader.list("/api/v1/nodes")) == 6 == len(region.client.list("v1", "Node"))
    assert [each["metadata"]["name"] for each in reader.list("/api/v1/nodes", labelSelector="lab.hakit/zone=a")] == [
        "east-a-0",
        "east-a-1",
    ]


@long
def test_what_there_is_not_is_none_and_what_is_asked_for_by_get_is_refused(reader: Reader):
    assert reader.find("/api/v1/namespaces/nowhere") is None
    assert reader.find("/apis/example.com/v1/things") is None, "a kind that the server does not have"
    with pytest.raises(RefusedError, match='NotFound: namespaces "nowhere" not found') as refused:
        reader.get("/api/v1/namespaces/nowhere")
    assert refused.value.status == 404


@long
def test_without_the_right_to_it_the_server_says_no_in_its_own_words(region: LabRegion, tmp_path: Path):
    created = region.client.request(
        "POST",
        "/api/v1/namespaces/default/serviceaccounts/default/token",
        json={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    server = json.loads(region.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    place = _kubeconfig(tmp_path, server, {"token": created["status"]["token"]})
    with Reader("there", place) as reader, pytest.raises(RefusedError, match="cannot list resource") as refused:
        reader.list("/api/v1/nodes")
    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")


@long
def test_a_token_that_the_server_does_not_know_is_no_way_in(region: LabRegion, tmp_path: Path):
    server = json.loads(region.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    place = _kubeconfig(tmp_path, server, {"token": "nobody"})
    with Reader("there", place) as reader, pytest.raises(UnreachableError, match="does not accept the credentials"):
        reader.get("/version")


@long
def test_a_review_is_answered_and_nothing_can_be_changed(reader: Reader):
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"}},
    }
    answer = reader.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert answer["status"]["allowed"] is True
    with pytest.raises(UnreachableError, match="Forbidden"):
        reader._request("DELETE", "/api/v1/namespaces/default")


def test_a_dead_region_ends_in_time(deaf: str, tmp_path: Path):
    hanging = tmp_path / "hanging"
    hanging.mkdir()
    login = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
    slow_login = _kubeconfig(hanging, deaf, {"exec": {**login, "command": "sleep", "args": ["60"]}})
    places = [
        Place("deaf", "there", _kubeconfig(tmp_path, deaf, {"token": "x"})),
        Place("nobody logs in", "there", slow_login),
        Place("misspelt", "their", slow_login),
    ]
    began = time.monotonic()
    answers = ask_all(places, lambda _place, reader: reader.get("/version"), seconds=2)
    assert time.monotonic() - began < 30, "far less than the minute that the login takes"
    assert {name: str(answer) for name, answer in answers.items()} == {
        "deaf": "no answer within 2 s",
        "nobody logs in": "no answer within 2 s",
        "misspelt": 'context "their" does not exist',
    }
    assert _kubectls() == []


@long
def test_beside_a_dead_region_the_others_have_answered(region: LabRegion, deaf: str, tmp_path: Path):
    alive = Place("alive", "lab", str(region.kubeconfig))
    dead = Place("dead", "there", _kubeconfig(tmp_path, deaf, {"token": "x"}))
    answers = ask_all([dead, alive], lambda place, reader: (place.region, len(reader.list("/api/v1/nodes"))), seconds=9)
    assert answers["alive"] == ("alive", 6)
    assert isinstance(answers["dead"], UnreachableError)


def test_what_is_ended_from_outside_says_so_and_leaves_nothing(deaf: str, tmp_path: Path):
    reader = Reader("there", _kubeconfig(tmp_path, deaf, {"token": "x"}), seconds=60)
    with reader:
        folder = reader._folder
        threading.Timer(0.2, reader.close).start()
        with pytest.raises(UnreachableError):
            reader.get("/version")
    assert not folder.exists()
    assert _kubectls() == []
