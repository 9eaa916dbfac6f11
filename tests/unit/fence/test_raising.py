"""Writing the witness into a real HTTP server that plays S3 (moto): what is refused leaves the document as it was.

moto asks no signature; that of a PUT is compared with Amazon's own library in test_s3.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

import hakit.witness as witnessing
from hakit.cli import app
from hakit.errors import HakitError
from hakit.topology import Topology, Witness, load
from tests.unit.topology.example import with_handovers

PLANNED = "{kind: planned, to: us-west-2, tokens: {orders: T1}, settled: true}"
FAILOVER = "{kind: failover, to: us-west-2, accept_loss: 30s}"
BACK = "{kind: failover, to: us-east-1, accept_loss: 30s}"
EAST, WEST = "us-east-1", "us-west-2"


class Cloud:
    """A topology's file, and the two buckets that its pair's witness stands in."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.file = folder / "topology.yaml"
        self.endpoint = endpoint
        self.s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=EAST,
            aws_access_key_id="of",
            aws_secret_access_key="the test",  # noqa: S106
        )
        for region in (EAST, WEST):
            self.s3.create_bucket(Bucket=f"witness-{region}")

    def address(self, region: str, endpoint: str = "") -> str:
        return f"s3://witness-{region}/shop.json?endpoint={endpoint or self.endpoint}&region={region}"

    def declare(self, *entries: str, places: list[str] | None = None) -> Topology:
        witness = json.dumps(places or [self.address(EAST), self.address(WEST)])
        text = with_handovers(*entries).replace("    objectives:", f"    witness: {witness}\n    objectives:")
        self.file.write_text(text)
        return load(self.file)

    def says(self, region: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=f"witness-{region}", Key="shop.json")["Body"].read())

    def put(self, region: str, **content: Any) -> None:
        self.s3.put_object(Bucket=f"witness-{region}", Key="shop.json", Body=json.dumps(content).encode())


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        found = Cloud(tmp_path, f"http://{host}:{port}")
        yield found
        for region in (EAST, WEST):  # moto keeps what is made for the whole process
            found.s3.delete_object(Bucket=f"witness-{region}", Key="shop.json")
            found.s3.delete_bucket(Bucket=f"witness-{region}")
    finally:
        server.stop()


def entry(number: int, region: str, incarnation: int = 1) -> dict[str, Any]:
    return {"entry": number, "region": region, "incarnation": incarnation}


def test_a_failover_is_written_to_every_place(cloud: Cloud) -> None:
    places = witnessing.raise_all(cloud.declare(PLANNED, BACK), "shop")
    assert [each.problem for each in places] == ["", ""]
    assert [cloud.says(region) for region in (EAST, WEST)] == [{"orders": entry(2, EAST)}] * 2


def test_before_the_first_change_of_role_there_is_nothing_to_write(cloud: Cloud) -> None:
    topology = cloud.declare("{kind: planned, to: us-west-2}")
    assert witnessing.wanted(topology.pair("shop")) == {}, "not at append: only with the token"
    witnessing.raise_all(topology, "shop")
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket=f"witness-{WEST}")


def test_what_the_document_says_of_other_databases_stays(cloud: Cloud) -> None:
    cloud.put(WEST, ledger=entry(7, EAST))
    witnessing.raise_all(cloud.declare(FAILOVER), "shop")
    assert cloud.says(WEST) == {"ledger": entry(7, EAST), "orders": entry(1, WEST)}


@pytest.mark.parametrize(
    ("said", "entries", "message"),
    [
        pytest.param(entry(2, EAST), [FAILOVER], "ahead of this list", id="a later entry than the list has"),
        pytest.param(entry(1, EAST), [FAILOVER], "ahead of this list", id="the same entry leads elsewhere"),
        pytest.param(entry(1, EAST), [FAILOVER, BACK], "ahead of this list", id="an older entry led elsewhere"),
        pytest.param(entry(1, WEST, 2), [FAILOVER], "the witness only rises", id="another copy by the same entry"),
        pytest.param(entry(1, WEST), [], "ahead of this list", id="the list has no entry"),
    ],
)
def test_an_old_checkout_writes_over_nothing(cloud: Cloud, said: Any, entries: list[str], message: str) -> None:
    """It stands in one place only; the other one, which has no document yet, is left alone too."""
    cloud.put(WEST, orders=said)
    topology = cloud.declare(*entries) if entries else cloud.declare("{kind: planned, to: us-west-2}")
    with pytest.raises(HakitError, match=message) as raised:
        witnessing.raise_all(topology, "shop")
    assert "use the newest file" in str(raised.value)
    assert cloud.says(WEST) == {"orders": said}
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket=f"witness-{EAST}")


@pytest.mark.parametrize("before", [{}, {"orders": entry(1, WEST)}], ids=["no document yet", "a document"])
def test_of_two_that_write_at_once_the_older_never_overrules_the_newer(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, before: dict[str, Any]
) -> None:
    """Between this one's read and its write somebody with a longer list writes."""
    if before:
        cloud.put(EAST, **before)
    topology = cloud.declare(FAILOVER, BACK)
    write = witnessing._write

    def overtaken(address: str, document: bytes, tag: str, timeout: float) -> None:
        monkeypatch.setattr(witnessing, "_write", write)
        cloud.put(EAST, orders=entry(3, WEST))
        write(address, document, tag, timeout)

    monkeypatch.setattr(witnessing, "_write", overtaken)
    with pytest.raises(HakitError, match="ahead of this list"):
        witnessing.raise_all(topology, "shop")
    assert cloud.says(EAST) == {"orders": entry(3, WEST)}


def test_the_newer_of_two_that_write_at_once_writes_after_the_older(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    topology = cloud.declare(FAILOVER, BACK)
    write = witnessing._write

    def overtaken(address: str, document: bytes, tag: str, timeout: float) -> None:
        monkeypatch.setattr(witnessing, "_write", write)
        cloud.put(EAST, orders=entry(1, WEST))
        write(address, document, tag, timeout)

    monkeypatch.setattr(witnessing, "_write", overtaken)
    witnessing.raise_all(topology, "shop")
    assert cloud.says(EAST) == {"orders": entry(2, EAST)}


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_the_place_in_the_region_that_is_lost_is_not_waited_for(cloud: Cloud) -> None:
    topology = cloud.declare(FAILOVER, places=[cloud.address(EAST, nobody()), cloud.address(WEST)])
    lost, written = witnessing.raise_all(topology, "shop")
    assert "refused" in lost.problem
    assert written.said == {"orders": Witness(1, WEST, 1)}
    assert cloud.says(WEST) == {"orders": entry(1, WEST)}


def test_a_region_whose_fence_cannot_be_told_is_named(cloud: Cloud) -> None:
    """The fence in us-east-1 reads the place in us-west-2 only: its own region's would be no news from outside."""
    topology = cloud.declare(FAILOVER, places=[cloud.address(EAST), cloud.address(WEST, nobody())])
    with pytest.raises(HakitError, match="the fence in us-east-1 reads no place that says who may write"):
        witnessing.raise_all(topology, "shop")


def test_a_place_that_is_not_s3_is_written_by_hand_and_then_counts(cloud: Cloud) -> None:
    cloud.put(WEST, orders=entry(1, WEST))
    cloud.s3.put_object_acl(Bucket=f"witness-{WEST}", Key="shop.json", ACL="public-read")
    url = f"{cloud.endpoint}/witness-{WEST}/shop.json"
    place = witnessing._raised(cloud.declare(FAILOVER).pair("shop"), url, {"orders": Witness(1, WEST, 1)}, 5)
    assert place.problem == ""
    place = witnessing._raised(cloud.declare(FAILOVER, BACK).pair("shop"), url, {"orders": Witness(2, EAST, 1)}, 5)
    assert place.problem == (
        'hakit writes to S3 only; put this there: {"orders": {"entry": 2, "region": "us-east-1", "incarnation": 1}}'
    )
    assert cloud.says(WEST) == {"orders": entry(1, WEST)}


def test_a_document_that_is_no_witness_is_not_written_over(cloud: Cloud) -> None:
    cloud.s3.put_object(Bucket=f"witness-{WEST}", Key="shop.json", Body=b"something else")
    with pytest.raises(HakitError, match="the fence in us-east-1 reads no place"):
        witnessing.raise_all(cloud.declare(FAILOVER), "shop")
    assert cloud.s3.get_object(Bucket=f"witness-{WEST}", Key="shop.json")["Body"].read() == b"something else"


def test_a_pair_without_a_witness_is_told_where_one_could_stand(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(with_handovers(FAILOVER))
    with pytest.raises(HakitError, match="no place to write to: pair shop has no witness") as raised:
        witnessing.raise_all(load(file), "shop")
    assert "s3://acme-prod-us-west-2-witness/shop.json?region=us-west-2" in str(raised.value)


def test_the_commands_say_what_stands_and_what_is_wanted(cloud: Cloud) -> None:
    cloud.declare(FAILOVER)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["witness", words[0], str(cloud.file), "shop", *words[1:]])
        return done.exit_code, done.stdout

    assert run("show") == (
        1,
        "s3://witness-us-east-1/shop.json\n"
        "  orders: nothing; wanted: entry 1: us-west-2, incarnation 1\n"
        "s3://witness-us-west-2/shop.json\n"
        "  orders: nothing; wanted: entry 1: us-west-2, incarnation 1\n",
    )
    done = (
        0,
        "s3://witness-us-east-1/shop.json\n"
        "  orders: entry 1: us-west-2, incarnation 1\n"
        "s3://witness-us-west-2/shop.json\n"
        "  orders: entry 1: us-west-2, incarnation 1\n",
    )
    assert run("raise") == done
    assert run("show") == done
    code, text = run("show", "--format", "json")
    assert code == 0
    assert json.loads(text)["wanted"] == {"orders": entry(1, WEST)}
    assert [each["says"] for each in json.loads(text)["places"]] == [{"orders": entry(1, WEST)}] * 2
