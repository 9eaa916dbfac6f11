"""`hakit preflight` against a live region: every fault is planted, found by its code, taken away, and found no more.

The region is the standby of the reference system, us-west-2; us-east-1 is dead. Its nodes are simulated, and so are the
operators' pods: that an operator works is what other tests are about.
"""

import base64
import contextlib
import datetime as dt
import itertools
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hakit.observe import Reader
from hakit.plan import region_base
from hakit.preflight import certificates
from hakit.preflight.certificates import of_host
from hakit.preflight.run import judge, wanted_by_region
from hakit.preflight.seen import see
from hakit.preflight.wanted import Wanted
from hakit.preview.project import find_project
from hakit.topology import Topology, load
from lab.harness import LabRegion
from lab.harness.client import Object, RefusedError
from lab.harness.tools import REGION_TOOLS, ROOT, tool
from tests.lab import definitions
from tests.lab.conftest import need, running

pytestmark = pytest.mark.lab
ZONES = ["us-west-2a", "us-west-2b", "us-west-2c"]
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
#: What is deleted at once is still on the mind of its simulated kubelet: no name is used twice.
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    """A region in which nothing is missing."""
    need(*REGION_TOOLS, "kubectl")
    with running(request, "us-west-2", ZONES) as found:
        definitions.define(found)
        found.namespace("cnpg-system")
        found.apply([_operator("cnpg-controller-manager", "cloudnative-pg:1.30.0")])
        found.apply([_operator("barman-cloud", "plugin-barman-cloud:v0.14.0")])
        found.apply([_class("gp3", default=True), _class("efs-sc")])
        found.wait_for("the operators", lambda: found.ready_pods("cnpg-system"), lambda pods: len(pods) == 2)
        yield found


@pytest.fixture(scope="module")
def project(region: LabRegion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference system, with this region's kubeconfig and version in its topology."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("stacks", "examples/charts"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    path = folder / "stacks" / "topology.prod.yaml"
    text = path.read_text().replace("context: prod-usw2", f"kubeconfig: {region.kubeconfig}, context: lab")
    path.write_text(text.replace('kubernetes: "1.34"', 'kubernetes: "1.35"'))
    return folder


@pytest.fixture(scope="module")
def topology(project: Path) -> Topology:
    return load(project / "stacks" / "topology.prod.yaml")


@pytest.fixture(scope="module")
def wanted(project: Path, topology: Topology) -> Wanted:
    return wanted_by_region(find_project(project), topology)["us-west-2"]


Found = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def found(region: LabRegion, wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> Found:
    """What a preflight finds now: (code, object), in the order of the codes."""
    monkeypatch.setenv("HAKIT_KUBECTL", str(tool("kubectl")))
    return lambda: _found(wanted, "lab", str(region.kubeconfig))


def _found(wanted: Wanted, context: str, kubeconfig: str) -> list[tuple[str, str]]:
    with Reader(context, kubeconfig, seconds=60) as reader:
        seen = see(reader, wanted)
    return sorted((each.code, each.object) for each in judge(wanted, seen, NOW))


def _operator(name: str, image: str) -> Object:
    labels = {"app": name}
    # All on one node, so that it is known how many pods more each takes.
    place = {"kubernetes.io/hostname": "us-west-2-us-west-2a-0"}
    pod = {"containers": [{"name": "manager", "image": f"ghcr.io/cloudnative-pg/{image}"}], "nodeSelector": place}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "cnpg-system", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def _class(name: str, *, default: bool = False, binding: str = "WaitForFirstConsumer") -> Object:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": "example.com/disks",
        "volumeBindingMode": binding,
    }


@contextlib.contextmanager
def _replaced(region: LabRegion, given: Object, by: Object | None) -> Iterator[None]:
    """Within it an object is another one, or is not there."""
    metadata = given["metadata"]
    key = (given["apiVersion"], given["kind"], metadata["name"], metadata.get("namespace", ""))
    region.client.delete(*key)
    region.wait_for(f"{key[1]} {key[2]} gone", lambda: region.client.find(*key) is None)
    if by is not None:
        region.client.create(by)
    try:
        yield
    finally:
        if by is not None:
            region.client.delete(*key)
            region.wait_for(f"{key[1]} {key[2]} gone again", lambda: region.client.find(*key) is None)
        region.client.create(given)


@contextlib.contextmanager
def _there(region: LabRegion, *objects: Object) -> Iterator[None]:
    for each in objects:
        region.client.create(each)
    try:
        yield
    finally:
        for each in objects:
            metadata = each["metadata"]
            key = (each["apiVersion"], each["kind"], metadata["name"], metadata.get("namespace", ""))
            region.client.delete(*key, now=True)
            region.wait_for(f"{key[1]} {key[2]} gone", lambda key=key: region.client.find(*key) is None)


@contextlib.contextmanager
def _labelled(region: LabRegion, node: str, zone: str | None) -> Iterator[None]:
    before = region.client.get("v1", "Node", node)["metadata"]["labels"]["topology.kubernetes.io/zone"]

    def label(value: str | None) -> None:
        patch = {"metadata": {"labels": {"topology.kubernetes.io/zone": value}}}
        region.client.merge("v1", "Node", node, patch)

    label(zone)
    try:
        yield
    finally:
        label(before)


def _hog(node: str, cpu: str) -> Object:
    """A pod of somebody else that holds most of a node."""
    container = {"name": "hog", "image": "hog", "resources": {"requests": {"cpu": cpu}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"hog-{next(_numbers)}-{node}", "namespace": "default"},
        "spec": {"nodeName": node, "containers": [container]},
    }


def _hogs(cpu: str, *zones: str) -> list[Object]:
    return [_hog(f"us-west-2-{zone}-{number}", cpu) for zone in zones or ZONES for number in (0, 1)]


def test_in_a_region_with_all_that_it_needs_nothing_is_found(found: Found):
    assert found() == []


def test_the_command_says_of_each_region_what_is_wrong_and_how_much_room_there_is(
    region: LabRegion, project: Path, found: Found, tmp_path: Path
):
    (tmp_path / "kubeconfig").write_text('{"apiVersion": "v1", "kind": "Config"}')
    with _there(region, *_hogs("7")):
        done = subprocess.run(
            [sys.executable, "-m", "hakit.cli", "preflight"],
            cwd=project,
            env={
                "PATH": "/usr/bin:/bin",
                "HAKIT_KUBECTL": str(tool("kubectl")),
                "KUBECONFIG": str(tmp_path / "kubeconfig"),
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    shown = re.findall(
        r"^\$ hakit preflight\n(.*?)^```$", (ROOT / "docs" / "preflight.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert [done.stdout.replace("  lab · ", "  prod-usw2 · ")] == shown, "the page shows what this region says"


@pytest.mark.long  # a preview of every stack, by the command
def test_a_status_that_is_asked_for_room_says_whether_a_failover_fits(region: LabRegion, project: Path, tmp_path: Path):
    (tmp_path / "kubeconfig").write_text('{"apiVersion": "v1", "kind": "Config"}')

    def asked() -> tuple[list[str], dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "hakit.cli", "status", "--room", "--format", "json", "--seconds", "30"],
            cwd=project,
            env={
                "PATH": "/usr/bin:/bin",
                "HAKIT_KUBECTL": str(tool("kubectl")),
                "KUBECONFIG": str(tmp_path / "kubeconfig"),
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout, done.stderr
        document = json.loads(done.stdout)
        east, west = document["regions"]
        assert east["failover"]["problem"], "it is dead"
        return [each["code"] for each in document["findings"] if each["code"] == "HK112"], west["failover"]

    # Of 48 cores the standby asks 3.9, and the active size 6.8; each of six hogs takes 7.
    codes, room = asked()
    assert (codes, room["lacks"], room["problem"]) == ([], "", "")
    with _there(region, *_hogs("7")):
        codes, room = asked()
    assert (codes, room["lacks"]) == (["HK112"], "2.9 cpu asked, 2.1 free")


def test_a_missing_kind_is_named(region: LabRegion, found: Found):
    kept = region.client.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "podmonitors.monitoring.coreos.com")
    definition = {key: kept[key] for key in ("apiVersion", "kind", "spec")}
    definition["metadata"] = {"name": kept["metadata"]["name"]}
    with _replaced(region, definition, None):
        region.wait_for("the kind gone", lambda: found() == [("HK101", "PodMonitor")])
    region.wait_for("the kind again", lambda: found() == [])


def test_an_old_an_unready_and_a_missing_operator_are_found(region: LabRegion, found: Found):
    new = _operator("cnpg-controller-manager", "cloudnative-pg:1.30.0")
    with _replaced(region, new, _operator("cnpg-controller-manager", "cloudnative-pg:1.29.1")):
        region.wait_for(
            "the old one ready",
            lambda: [each for each in found() if each[0] == "HK102"],
            lambda codes: codes == [("HK102", "Deployment/cnpg-controller-manager")],
        )
    with _replaced(region, _operator("barman-cloud", "plugin-barman-cloud:v0.14.0"), None):
        assert ("HK102", "plugin-barman-cloud") in found()
    region.wait_for("both ready", lambda: found() == [])


def test_a_node_without_a_zone_and_a_zone_without_nodes(region: LabRegion, found: Found):
    with _labelled(region, "us-west-2-us-west-2a-0", None):
        assert found() == [("HK103", "nodes")]
        with _labelled(region, "us-west-2-us-west-2a-1", "us-west-2d"):
            assert found() == [("HK103", "nodes"), ("HK104", "zone us-west-2a"), ("HK105", "zone us-west-2d")]
    assert found() == []


def test_nodes_that_take_no_pods_are_no_zone(region: LabRegion, found: Found):
    nodes = [f"us-west-2-us-west-2b-{number}" for number in (0, 1)]
    for name in nodes:
        region.cordon(name)
    assert found() == [("HK104", "zone us-west-2b")]
    for name in nodes:
        region.cordon(name, off=True)
    assert found() == []


def test_storage_classes(region: LabRegion, found: Found):
    with _replaced(region, _class("gp3", default=True), _class("gp3")):
        assert found() == [("HK107", "StorageClass")], "no default"
    with _there(region, _class("other", default=True)):
        assert found() == [("HK107", "StorageClass")], "two defaults"
    with _replaced(region, _class("gp3", default=True), _class("gp3", default=True, binding="Immediate")):
        assert found() == [("HK108", "StorageClass/gp3")]
    with _replaced(region, _class("gp3", default=True), None), _there(region, _class("other", default=True)):
        assert found() == [("HK106", "StorageClass/gp3")]
    assert found() == []


def test_room_for_the_stacks_for_a_lost_zone_and_for_a_failover(region: LabRegion, found: Found):
    # Of 8 cores a node each hog leaves some; the standby asks 3.9, the active size 6.8; a database's pod 1.
    with _there(region, *_hogs("7")):
        assert found() == [("HK112", "region")], "6 free: enough for a standby, and with a zone lost"
    with _there(region, *_hogs("8", "us-west-2b", "us-west-2c")):
        assert found() == [("HK111", "zone us-west-2a")], "all that is free is in one zone"
    with _there(region, *_hogs("7.5")):
        assert found() == [("HK110", "Cluster/orders-g1"), ("HK110", "region")]
    assert found() == []


def test_a_quota_that_a_failover_would_run_into(region: LabRegion, topology: Topology, found: Found):
    args = {"topology": "t", "scope": "us-west-2", "namespaces": {"shop": {}}}
    region.apply([region_base.plan(region_base.specify("base", args, topology))["namespace-shop"]])

    def quota(pods: str) -> Object:
        metadata = {"name": f"limit-{next(_numbers)}", "namespace": "shop"}
        return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": pods}}}

    # Seven pods, two more while the two Deployments roll; after a failover sixteen and three.
    with _there(region, quota("19")):
        assert found() == []
    with _there(region, quota("18")):
        assert [code for code, _ in found()] == ["HK121"]


def test_under_a_quota_containers_that_request_nothing_are_let_in(region: LabRegion, topology: Topology):
    args = {"topology": "t", "scope": "us-west-2", "namespaces": {"limited": {"quota": {"cpu": "2", "memory": "4Gi"}}}}
    planned = region_base.plan(region_base.specify("base", args, topology))
    region.namespace("limited")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hook", "namespace": "limited"},
        "spec": {"containers": [{"name": "hook", "image": "hook"}]},
    }
    region.apply([planned["quota-limited"]])
    # The quota counts as soon as its controller has looked at it once.
    region.wait_for(
        "the quota's status",
        lambda: "used" in region.client.get("v1", "ResourceQuota", "hakit", "limited").get("status", {}),
    )
    with pytest.raises(RefusedError, match=r"must specify requests\.cpu"):
        region.client.apply(pod, dry=True)
    region.apply([planned["defaults-limited"]])
    region.wait_for("the defaults", lambda: _requests(region, pod) == {"cpu": "50m", "memory": "64Mi"})


def _requests(region: LabRegion, pod: Object) -> object:
    try:
        (container,) = region.client.apply(pod, dry=True)["spec"]["containers"]
    except RefusedError:
        return None  # the admission plugin has not seen the LimitRange yet
    return container["resources"].get("requests")


def test_who_may_not_deploy_is_told_each_right_that_is_missing(region: LabRegion, wanted: Wanted, tmp_path: Path):
    region.namespace("people")
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "looks-only"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "looks", "namespace": "people"}}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "looks-only"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "looks-only"},
        "subjects": [{"kind": "ServiceAccount", "name": "looks", "namespace": "people"}],
    }
    region.apply([role, account, binding])
    kubeconfig = _as_account(region, tmp_path)
    denied = dict.fromkeys(_found(wanted, "account", kubeconfig))
    assert ("HK109", "deployments.apps") in denied
    assert ("HK109", "clusters.postgresql.cnpg.io") in denied
    assert ("HK109", "namespaces") in denied
    assert {code for code, _ in denied} == {"HK109"}
    role["rules"] = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    region.apply([role])
    assert _found(wanted, "account", kubeconfig) == []


def test_what_may_not_even_be_read_is_said_and_not_taken_for_missing(region: LabRegion, wanted: Wanted, tmp_path: Path):
    region.namespace("strangers")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "looks", "namespace": "strangers"}}
    region.apply([account])
    denied = _found(wanted, "account", _as_account(region, tmp_path, "strangers"))
    assert {code for code, _ in denied} == {"HK109"}
    assert ("HK109", "preflight") in denied


def _as_account(region: LabRegion, folder: Path, namespace: str = "people") -> str:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/looks/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = region.client.request("POST", path, json=request)["status"]["token"]
    content = json.loads(region.kubeconfig.read_text())
    content["users"] = [{"name": "account", "user": {"token": token}}]
    content["contexts"] = [{"name": "account", "context": {"cluster": "lab", "user": "account"}}]
    (folder / "kubeconfig").write_text(json.dumps(content))
    return str(folder / "kubeconfig")


def _certificate(ends: dt.datetime) -> dict[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example.com")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - 90 * DAY)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return {
        "tls.crt": made.public_bytes(pem),
        "tls.key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    }


def _tls(name: str, ends: dt.datetime) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": "shop"},
        "data": {file: base64.b64encode(data).decode() for file, data in _certificate(ends).items()},
    }


def test_certificates_that_end_are_found_and_nothing_of_them_is_kept(region: LabRegion, wanted: Wanted):
    region.namespace("shop")
    secrets = [_tls(name, NOW + days * DAY + HOUR) for name, days in (("good", 60), ("old", 9), ("dead", -2))]
    with _there(region, *secrets), Reader("lab", str(region.kubeconfig), seconds=60) as reader:
        seen = see(reader, wanted)
    assert [(each.code, each.object, each.message) for each in judge(wanted, seen, NOW)] == [
        ("HK117", "Namespace/shop", "no level is enforced, baseline is declared"),
        ("HK118", "Secret/dead", "ended 1 day ago"),
        ("HK119", "Secret/old", "9 days left"),
    ]
    assert len(seen.certificates) == 3
    assert not any(value in repr(seen) for each in secrets for value in each["data"].values())


def test_a_host_shows_when_its_certificate_ends(tmp_path: Path):
    for name, data in _certificate(NOW + 5 * DAY + HOUR).items():
        (tmp_path / name).write_bytes(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"

        def serve() -> None:
            with contextlib.suppress(OSError), context.wrap_socket(listening, server_side=True) as tls:
                tls.accept()[0].close()

        serving = threading.Thread(target=serve)
        serving.start()
        shown = of_host(address, 10)
        serving.join()
    assert [(each.code, each.object, each.message) for each in certificates.judge(shown, NOW)] == [
        ("HK119", f"host {address}", "5 days left")
    ]
    assert [each.code for each in certificates.judge(of_host(address, 10), NOW)] == ["HK120"], "it listens no more"


def test_databases_whose_guard_was_taken_away_are_found(
    region: LabRegion, topology: Topology, wanted: Wanted, found: Found
):
    args = {"topology": "t", "scope": "us-west-2", "namespaces": {"shop": {}}}
    planned = region_base.plan(region_base.specify("base", args, topology))
    region.apply(planned.values(), manager="hakit", force=True)
    region.apply([_cluster()])
    assert found() == []
    binding, policy = planned["binding-hakit-epoch.shop"], planned["policy-hakit-created"]
    with _replaced(region, binding, None):
        assert found() == [("HK115", "ValidatingAdmissionPolicyBinding/hakit-epoch.shop")]
    with _replaced(region, binding, {**binding, "spec": {**binding["spec"], "validationActions": ["Audit"]}}):
        assert found() == [("HK115", "ValidatingAdmissionPolicyBinding/hakit-epoch.shop")]
    with _replaced(region, policy, {**policy, "spec": {**policy["spec"], "failurePolicy": "Ignore"}}):
        assert found() == [("HK115", "ValidatingAdmissionPolicy/hakit-created")]
    assert found() == []


def _cluster() -> Object:
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {
            "name": "orders-g1",
            "namespace": "shop",
            "labels": {"hakit/pair": "shop", "hakit/database": "orders"},
            "annotations": {"hakit/epoch": "0", "hakit/incarnation": "1"},
        },
        "spec": {"instances": 3, "storage": {"size": "50Gi"}},
    }
