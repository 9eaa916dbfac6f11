"""The shape of a preview: what `--format json` prints. docs/preview.md describes it to users."""

from typing import Any, TypedDict

VERSION = 1


class NoteDocument(TypedDict):
    kind: str
    text: str


class ErrorDocument(TypedDict):
    """Why a stack could not run. `traceback` holds the frames of the user's own files, outermost first."""

    kind: str  # raised, hakit, exit, timeout, crash, config
    message: str
    traceback: list[str]


class ObjectDocument(TypedDict):
    """One Kubernetes object: of a frozen Release, or a resource of its own."""

    api_version: str
    kind: str
    namespace: str  # empty for cluster-scoped ones
    name: str
    replicas: int | str | None  # None where the kind has none; with an autoscaler its least
    manifest: dict[str, Any]


class ResourceDocument(TypedDict):
    urn: str
    type: str
    name: str
    parent: str
    provider: str
    custom: bool
    remote: bool
    read: bool
    protect: bool
    retain_on_delete: bool
    depends_on: list[str]
    inputs: dict[str, Any]
    outputs: dict[str, Any] | None
    objects: list[ObjectDocument]


class ReportDocument(TypedDict):
    """The audit of one application: `hakit.findings.AppReport`."""

    app: str
    region: str
    role: str
    summary: str
    open: list[dict[str, str]]
    accepted: list[dict[str, str]]
    mended: list[dict[str, str]]
    failover: dict[str, Any]  # pods, cpu, memory that must be free before a standby can become active
    reserved: list[str]  # cpu and memory of the region by the topology; empty when it says nothing


class TotalDocument(TypedDict):
    """What one region and role requests. Cores and bytes as Kubernetes quantities, exact."""

    region: str
    role: str
    pods: int
    cpu: str
    memory: str
    storage: str
    per_node_cpu: str
    per_node_memory: str
    jobs_cpu: str
    jobs_memory: str
    failover_pods: int  # of a standby: what must be free before it can become active
    failover_cpu: str
    failover_memory: str
    reserved_cpu: str  # of the region by the topology; 0 when it says nothing
    reserved_memory: str
    unknown: list[str]  # what could not be counted, and why


class StackDocument(TypedDict):
    stack: str
    status: str  # ok or failed
    error: ErrorDocument | None
    resources: list[ResourceDocument]
    findings: list[ReportDocument]
    exports: dict[str, Any]
    secret_config: list[str]
    notes: list[NoteDocument]
    output: list[str]
    totals: list[TotalDocument]


class PreviewDocument(TypedDict):
    version: int
    project: str
    stacks: list[StackDocument]
    totals: list[TotalDocument]


def failed(stack: str, kind: str, message: str) -> StackDocument:
    """A stack that has nothing but its error."""
    return {
        "stack": stack,
        "status": "failed",
        "error": {"kind": kind, "message": message, "traceback": []},
        "resources": [],
        "findings": [],
        "exports": {},
        "secret_config": [],
        "notes": [],
        "output": [],
        "totals": [],
    }
