"""Site replication of MinIO, set up by a Job: there is no custom resource for it. Pure.

https://docs.min.io/community/minio-object-store/reference/minio-mc-admin/mc-admin-replicate.html; what docs/
other-databases.md says of MinIO's state comes first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.stores import ACCESS_KEY, SECRET_KEY, Manifest, Planned, kubernetes_name, pinned, reason, secret_name
from hakit.topology.model import Pair, Region, Topology

#: The last one that was published for the community edition.
IMAGE = "quay.io/minio/mc:RELEASE.2025-08-13T08-35-41Z"
ARGUMENTS = ("topology", "pair", "scope", "namespace", "unmaintained", "sites", "authority", "image")
#: Where mc keeps its aliases, and looks for authorities in `certs/CAs`.
_FOLDER = "/config"


@dataclass(frozen=True)
class Site:
    """A MinIO deployment, and the Secret of its root user."""

    endpoint: str
    secret: str


@dataclass(frozen=True)
class MinioSpec:
    """A MinioSiteReplication's arguments, checked."""

    name: str
    pair: Pair = field(repr=False)
    region: Region = field(repr=False)
    namespace: str
    sites: Mapping[str, Site]
    authority: str | None
    image: str

    @property
    def where(self) -> str:
        return f"MinioSiteReplication {self.name!r}"


def specify(name: str, args: Any, topology: Topology) -> MinioSpec:
    """Check a MinioSiteReplication's arguments.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one or the topology.
    """
    given = Arguments(args, f"MinioSiteReplication {name!r}", ARGUMENTS)
    pair = pair_of(given, topology)
    region = region_of(given, topology, pair)
    kubernetes_name(f"{name}-sites", given.where, "the Job's own name")
    if reason(given, "unmaintained") is None:
        raise given.missing(
            "unmaintained", "say why MinIO may hold this data: its community edition was archived in April 2026"
        )
    return MinioSpec(
        name=name,
        pair=pair,
        region=region,
        namespace=kubernetes_name(given.text("namespace"), given.where, "namespace"),
        sites=_sites(given, pair),
        authority=secret_name(given, "authority") if "authority" in given else None,
        image=pinned(given, "image", IMAGE),
    )


def _sites(given: Arguments, pair: Pair) -> dict[str, Site]:
    declared = given.mapping("sites")
    for name in declared:
        if name not in pair.regions:
            raise HakitError(
                f"sites: pair {pair.name} is not in this region", where=given.where, given=name, allowed=pair.regions
            )
    found: dict[str, Site] = {}
    for name in pair.regions:
        if name not in declared:
            raise given.missing(f"sites.{name}", "say where MinIO is in this region")
        inner = Arguments(declared[name], given.where, ("endpoint", "secret"), f"sites.{name}")
        endpoint = inner.text("endpoint")
        if not re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?", endpoint):
            raise HakitError(
                f"sites.{name}.endpoint: not an address over TLS",
                where=given.where,
                given=endpoint,
                allowed="https://<host>, in lower case, with its port where it has one, and nothing behind it",
            )
        other = next((each for each, site in found.items() if site.endpoint == endpoint), None)
        if other:
            raise HakitError(f"sites: {other} and {name} are the same place", where=given.where, given=endpoint)
        found[name] = Site(endpoint, secret_name(inner, "secret"))
    return found


def plan(spec: MinioSpec) -> list[Planned]:
    """One Job, in the region where the pair was founded: it is the same whoever runs it, and no role decides it."""
    return [Planned("sites", job(spec))] if spec.region.name == spec.pair.founded else []


def script(spec: MinioSpec) -> str:
    """What the Job does. Sites that replicate already are left alone; keys go by pipe, never on a command line.

    MinIO itself refuses when more than one site has data.
    """
    aliases = [
        f'site {name} "$KEY_{number}" "$SECRET_{number}" {site.endpoint}'
        for number, (name, site) in enumerate(spec.sites.items())
    ]
    first, endpoints = next(iter(spec.sites)), " ".join(site.endpoint for site in spec.sites.values())
    return "\n".join(
        [
            "set -eu",
            """site() { printf '%s\\n%s\\n' "$2" "$3" | mc alias set "$1" "$4" >/dev/null; }""",
            "missing() {",
            f'    found="$(mc --json admin replicate info {first})"',
            f"    for endpoint in {endpoints}; do",
            """        case "$found" in *'"'"$endpoint"'"'*) ;; *) echo "$endpoint" ;; esac""",
            "    done",
            "}",
            *aliases,
            'left="$(missing)"',
            'if [ -z "$left" ]; then echo "every site replicates already"; exit 0; fi',
            f"mc admin replicate add {' '.join(spec.sites)}",
            'left="$(missing)"',
            'if [ -n "$left" ]; then echo "not replicating: $left" >&2; exit 1; fi',
            "",
        ]
    )


def job(spec: MinioSpec) -> Manifest:
    """The Job that joins the sites."""
    keys = [
        {"name": f"{variable}_{number}", "valueFrom": {"secretKeyRef": {"name": site.secret, "key": key}}}
        for number, site in enumerate(spec.sites.values())
        for variable, key in (("KEY", ACCESS_KEY), ("SECRET", SECRET_KEY))
    ]
    volumes: list[Manifest] = [{"name": "config", "emptyDir": {"medium": "Memory"}}]
    mounts = [{"name": "config", "mountPath": _FOLDER}]
    if spec.authority:
        volumes.append({"name": "authority", "secret": {"secretName": spec.authority}})
        mounts.append({"name": "authority", "mountPath": f"{_FOLDER}/certs/CAs"})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{spec.name}-sites", "namespace": spec.namespace},
        "spec": {
            "backoffLimit": 4,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [
                        {
                            "name": "mc",
                            "image": spec.image,
                            "command": ["/bin/sh", "-c", script(spec)],
                            "env": [{"name": "MC_CONFIG_DIR", "value": _FOLDER}, *keys],
                            "volumeMounts": mounts,
                            "resources": {
                                "requests": {"cpu": "50m", "memory": "64Mi"},
                                "limits": {"memory": "256Mi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                    "volumes": volumes,
                }
            },
        },
    }
