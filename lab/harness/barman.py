"""The Barman Cloud plugin in a region that has the operator: archives of WAL and base backups in an object store."""

import base64
import datetime as dt
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab.harness.client import Object
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.region import LabRegion
from lab.harness.tools import BARMAN_IMAGES, BIN

PLUGIN_IMAGE = "localhost/barman:0.14.0"
SIDECAR_IMAGE = "localhost/barman-sidecar:0.14.0"
_NAMESPACE = "cnpg-system"
_DAY = dt.timedelta(days=1)


def install_barman(region: LabRegion) -> None:
    """Apply the plugin's manifest and return when its pod is ready; the operator is there already.

    Changed are only the images, which come from no registry, where the pod may run, and its two certificates, which
    cert-manager would make.
    """
    for archive in BARMAN_IMAGES:
        region.node.import_image(BIN / archive)
    text = (BIN / "manifests" / "barman.yaml").read_text(encoding="utf-8")
    objects = [obj for obj in yaml.load_all(text, Loader=yaml.CSafeLoader) if obj]
    region.apply([_placed(obj) for obj in objects if not obj["apiVersion"].startswith("cert-manager.io/")])
    region.apply([_certificate("server", "barman-cloud"), _certificate("client", "barman-cloud-client")])
    region.wait_for("the plugin's pod", lambda: _ready(region))


def _placed(obj: Object) -> Object:
    if obj["kind"] != "Deployment":
        return obj
    pod: dict[str, Any] = obj["spec"]["template"]["spec"]
    pod |= {"nodeSelector": LABEL, "tolerations": [TOLERATION]}
    (plugin,) = pod["containers"]
    plugin |= {
        "image": PLUGIN_IMAGE,
        "imagePullPolicy": "Never",
        "env": [{"name": "SIDECAR_IMAGE", "value": SIDECAR_IMAGE}],
    }
    return obj


def _ready(region: LabRegion) -> bool:
    deployment = region.client.get("apps/v1", "Deployment", "barman-cloud", _NAMESPACE)
    return deployment.get("status", {}).get("readyReplicas") == 1


def _certificate(role: str, name: str) -> Object:
    """A Secret as cert-manager makes it of the manifest: self-signed, for one name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    content = {
        "tls.crt": made.public_bytes(serialization.Encoding.PEM),
        "tls.key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": f"barman-cloud-{role}-tls", "namespace": _NAMESPACE},
        "data": {file: base64.b64encode(data).decode() for file, data in content.items()},
    }
