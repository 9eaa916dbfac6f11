"""Files of others that the lab uses as they are, out of Go modules. Standard library only."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

#: Charts of others, each within a Go module: what hakit's own rendering is compared on. Name, module, version, folder.
CHARTS = (
    ("external-dns", "sigs.k8s.io/external-dns", "v0.20.0", "charts/external-dns"),
    ("external-secrets", "github.com/external-secrets/external-secrets", "v0.20.4", "deploy/charts/external-secrets"),
    ("kwok", "sigs.k8s.io/kwok", "v0.8.0", "charts/kwok"),
    ("mariadb-operator", "github.com/mariadb-operator/mariadb-operator", "v0.38.1", "deploy/charts/mariadb-operator"),
    (
        "node-feature-discovery",
        "sigs.k8s.io/node-feature-discovery",
        "v0.18.3",
        "deployment/helm/node-feature-discovery",
    ),
)

#: Files of others, each within a Go module: what a region is given. Name, module, version, file.
MANIFESTS = (
    ("cnpg.yaml", "github.com/cloudnative-pg/cloudnative-pg", "v1.30.0", "releases/cnpg-1.30.0.yaml"),
    ("barman.yaml", "github.com/cloudnative-pg/plugin-barman-cloud", "v0.14.0", "manifest.yaml"),
)

#: Definitions of kinds that hakit writes beside those of CloudNativePG. Name, module, version, file.
DEFINITIONS = (
    (
        "objectstores.yaml",
        "github.com/cloudnative-pg/plugin-barman-cloud",
        "v0.14.0",
        "config/crd/bases/barmancloud.cnpg.io_objectstores.yaml",
    ),
    (
        "podmonitors.yaml",
        "github.com/prometheus-operator/prometheus-operator",
        "v0.93.1",
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
    ),
    (
        "prometheusrules.yaml",
        "github.com/prometheus-operator/prometheus-operator",
        "v0.93.1",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    ("istio.yaml", "istio.io/api", "v1.28.0", "kubernetes/customresourcedefinitions.gen.yaml"),
)

#: Definitions of the operators of the other data stores, all of each. Name, module, version, folder. The newest
#: versions that the Go proxy and its checksum database have; docs/other-databases.md says which are newer upstream.
STORES = (
    ("mariadb", "github.com/mariadb-operator/mariadb-operator/v25", "v25.10.4", "config/crd/bases"),
    ("redis", "github.com/OT-CONTAINER-KIT/redis-operator", "v0.16.0", "config/crd/bases"),
    ("xtradb", "github.com/percona/percona-xtradb-cluster-operator", "v1.20.0", "config/crd/bases"),
)

#: Definitions of Velero, all of them. Name, module, version, folder.
BACKUPS = (("velero", "github.com/vmware-tanzu/velero", "v1.18.1", "config/crd/v1/bases"),)


class FetchError(Exception):
    """A module could not be had."""


def fetch(target: Path, wanted: tuple[tuple[str, str, str, str], ...], say: Callable[[str], None]) -> None:
    """Copy files of others to a folder of lab/bin; Go checks each module against its public checksum."""
    mark = target.with_name(f".{target.name}.stamp")
    if target.is_dir() and mark.is_file() and mark.read_text(encoding="utf-8") == repr(wanted):
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name, module, version, path in wanted:
        say(f"{target.name}: {name} {version}")
        asked = ["go", "mod", "download", "-json", f"{module}@{version}"]
        # Outside of any module of ours, whose go.mod would have a say in it.
        done = subprocess.run(asked, cwd=target, env={**os.environ, "GOWORK": "off"}, capture_output=True, check=False)
        found = json.loads(done.stdout or "{}")
        if "Dir" not in found:
            raise FetchError(f"{target.name}: {module}@{version}: {found.get('Error') or done.stderr.decode()}")
        source = Path(found["Dir"]) / path
        if source.is_dir():
            shutil.copytree(source, target / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, target / name)
    for path in [target, *target.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # the module cache is read-only, and copies are too
    mark.write_text(repr(wanted), encoding="utf-8")
