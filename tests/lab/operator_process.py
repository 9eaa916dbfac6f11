"""The CloudNativePG operator beside a region's API server, as a plain process: its real admission, without containers.

It is told that somebody else takes care of its certificate (`WEBHOOK_CERT_DIR`, as under OLM), and that somebody is
this module. It reconciles what it admits, as far as that goes where nothing runs containers.
"""

import base64
import datetime as dt
import ipaddress
import socket
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab.harness import LabRegion, RefusedError
from lab.harness.tools import tool
from tests.lab.definitions import documents

_NAMESPACE = "cnpg-system"
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def start_operator(region: LabRegion, folder: Path) -> None:
    """Start it, point the API server at it, and return when it admits and refuses."""
    certificate = _certificate(folder / "certificates")
    binary = folder / "operator" / "manager_amd64"
    binary.parent.mkdir()
    binary.symlink_to(tool("cnpg"))  # it looks there for the architectures that it can run
    region.namespace(_NAMESPACE)
    hook, metrics = _free_port(), _free_port()
    command = ["env", "-C", folder, tool("cnpg"), "controller", "--leader-elect=false"]
    region._processes.start(
        "cnpg",
        [*command, "--webhook-port", str(hook), "--metrics-bind-address", f"127.0.0.1:{metrics}"],
        {
            "KUBECONFIG": str(region.kubeconfig),
            "OPERATOR_NAMESPACE": _NAMESPACE,
            "OPERATOR_IMAGE_NAME": "localhost/cloudnative-pg:1.30.0",
            "WEBHOOK_CERT_DIR": str(folder / "certificates"),
        },
    )
    for each in documents("manifests/cnpg.yaml"):
        if each["kind"] in _WEBHOOKS:
            region.client.apply(_pointed(each, hook, certificate))
    region.wait_for("the operator's admission", lambda: _admits(region))


def _pointed(configuration: dict[str, Any], port: int, authority: bytes) -> dict[str, Any]:
    for webhook in configuration["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        webhook["clientConfig"] = {
            "url": f"https://127.0.0.1:{port}{path}",
            "caBundle": base64.b64encode(authority).decode(),
        }
    return configuration


def _admits(region: LabRegion) -> bool:
    """Whether the webhook is called: it refuses what the schema alone would let pass."""
    wrong = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "probe"},
        "spec": {"instances": 1, "storage": {"size": "not a size"}},
    }
    try:
        region.client.apply(wrong, dry=True)
    except RefusedError as error:
        return "admission webhook" in error.message and "denied the request" in error.message
    return False


def _certificate(folder: Path) -> bytes:
    """A certificate for 127.0.0.1 that signs itself, under the names that OLM gives its own."""
    folder.mkdir(parents=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "apiserver.crt").write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "apiserver.key").write_bytes(private)
    return pem


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
