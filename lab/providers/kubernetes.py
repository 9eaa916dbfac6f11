"""A stand-in for the Kubernetes provider: `python -m lab.providers.kubernetes FOLDER` prints its port and serves.

FOLDER is the program's. Objects go to the API server by server-side apply with strict validation, Releases to the real
helm 3 binary. Each rule it plays names its source: `release.go` is provider/pkg/provider/helm_release.go of
pulumi-kubernetes, commit 01799d56.

What it does not play: the refusal of an existing object in a preview already, awaiting plain objects, Patch and List
kinds, invokes, autonaming, a Release's computed inputs (checksum, resourceNames).
"""

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import requests
from google.protobuf.empty_pb2 import Empty  # ty: ignore[missing-module-member]  made at run time
from pulumi.runtime.proto import provider_pb2, status_pb2

from lab.harness.client import Client, Object, RefusedError
from lab.harness.helm import Helm, HelmError
from lab.providers.frame import Frame, diff, listen, plain, struct, while_the_parent_lives

RELEASE = "kubernetes:helm.sh/v3:Release"
#: What a Release cannot change in place: forceNewFields in release.go, Diff.
_RELEASE_REPLACED_BY = ("name", "namespace")
#: What makes an object another one: its kind, name and namespace.
_OBJECT_REPLACED_BY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
#: What else a kind is replaced for: deleted and made anew under its name (provider/pkg/provider/diff.go, forceNew, at
#: commit 94977969). Job, Pod and what no component here makes are left out.
_KIND_REPLACED_BY = {
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
}
#: And these, unless the provider was told that they are mutable, or when they say themselves that they are not
#: (diff.go, forceNewProperties).
_DATA = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData", "type")}
_FIELD_MANAGER = "pulumi-kubernetes"
#: How long a cluster may take to say which version it has, before it counts as unreachable.
_ANSWERS_WITHIN_SECONDS = 10
#: provider.go, Read. Its advice forgets all that runs in a cluster that only does not answer.
_UNREADABLE = (
    "failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove this "
    "resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable "
    'set to "true"'
)

#: await.go, Creation: what it adds to the API server's own words, in short.
_EXISTS = (
    "\n\nThe resource already exists in the cluster. [...] set upsertExistingObjects on the provider to allow "
    "server-side apply to update existing objects on create."
)


@dataclass(frozen=True)
class _Cluster:
    """Attributes:
    takes_in: an object that exists is no reason to refuse its creation.
    unreachable: why the cluster does not answer; empty when it does.
    """

    client: Client
    helm: Helm
    takes_in: bool
    unreachable: str


class Provider(Frame):
    """One provider for one cluster: the engine configures it with the context that the program names.

    Several engines may run at once: to each its connection is a provider of its own, as each would start a process.
    """

    version = "4.34.2"
    #: Only another cluster identifier is another cluster, when there is one (pulumi-kubernetes#1148).
    replaced_by = ("clusterIdentifier",)

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._mutable: set[str] = set()
        self._clusters: dict[str, _Cluster] = {}

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        given = plain(request.args)
        wanted = given.get("context") or request.variables.get("kubernetes:config:context")
        # provider.go, Configure, upsertExistingObjects: of both the provider's own argument counts.
        asked = given.get("upsertExistingObjects", os.environ.get("PULUMI_K8S_UPSERT_EXISTING_OBJECTS"))
        self._mutable = {
            kind
            for kind, key in (("ConfigMap", "enableConfigMapMutable"), ("Secret", "enableSecretMutable"))
            if str(given.get(key)).lower() == "true"
        }
        kubeconfig = json.loads(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
        clusters = {each["name"]: each["cluster"] for each in kubeconfig["clusters"]}
        users = {each["name"]: each["user"] for each in kubeconfig["users"]}
        named = {each["name"]: each["context"] for each in kubeconfig["contexts"]}
        if wanted not in named:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f'context "{wanted}" does not exist')
        cluster = clusters[named[wanted]["cluster"]]
        token = users[named[wanted]["user"]]["token"]
        own = Path(tempfile.mkdtemp(dir=self._folder))
        (own / "kubeconfig").write_text(json.dumps({**kubeconfig, "current-context": wanted}), encoding="utf-8")
        self._clusters[context.peer()] = _Cluster(
            Client(cluster["server"], token, Path(cluster["certificate-authority"])),
            Helm(own / "kubeconfig", own),
            takes_in=str(asked).lower() == "true",
            unreachable=_unreachable(cluster),
        )
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def _of(self, context: grpc.ServicerContext) -> _Cluster:
        """The cluster of the engine that asks."""
        return self._clusters[context.peer()]

    # Resources

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        failures = []
        if request.type == RELEASE and (problem := self._chart_problem(plain(request.news))):
            failures = [provider_pb2.CheckFailure(property="chart", reason=problem)]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def _chart(self, inputs: Object) -> Path:
        """A relative path counts from the program's folder, the plugin's working directory (release.go, localChart,
        asks os.Stat; the engine starts plugins there: pulumi pkg/engine/deployment.go, ProjectInfoContext)."""
        return self._program / inputs["chart"]

    def _chart_problem(self, inputs: Object) -> str:
        found = (self._chart(inputs) / "Chart.yaml").is_file()
        return "" if found else f'path "{inputs["chart"]}" not found'  # release.go, locateChart

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802, ARG002
        if request.type == RELEASE:
            return diff(request, _RELEASE_REPLACED_BY)
        answer = diff(request, (*_OBJECT_REPLACED_BY, *self._kind_replaced_by(plain(request.news))))
        # provider.go, Diff: two objects cannot have one name at once.
        answer.deleteBeforeReplace = bool(answer.replaces) and not {"metadata.name", "metadata.namespace"} & {
            *answer.replaces
        }
        return answer

    def _kind_replaced_by(self, inputs: Object) -> tuple[str, ...]:
        kind = inputs.get("kind", "")
        if kind in _DATA and (kind not in self._mutable or inputs.get("immutable")):
            return _DATA[kind]
        return _KIND_REPLACED_BY.get(kind, ())

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs = plain(request.properties)
        if request.type == RELEASE:
            identity = f"{inputs['namespace']}/{inputs['name']}"  # release.go, fqName
        else:
            place = inputs["metadata"].get("namespace")
            identity = f"{place}/{inputs['metadata']['name']}" if place else inputs["metadata"]["name"]
        if request.preview:
            return provider_pb2.CreateResponse(id=identity, properties=struct(inputs))
        if request.type != RELEASE and not self._of(context).takes_in:
            self._refuse_existing(inputs, context)
        outputs = self._write(request.type, inputs, context, "install", identity)
        return provider_pb2.CreateResponse(id=identity, properties=struct(outputs))

    def _refuse_existing(self, inputs: Object, context: grpc.ServicerContext) -> None:
        """The provider creates by POST unless it is told to take in what is there (await.go, Creation)."""
        self._need_the_cluster(context)
        try:
            there = _live(self._of(context), "", inputs) is not None
        except (RefusedError, LookupError, OSError):
            return  # the write says it better
        if there:
            metadata = inputs["metadata"]
            context.abort(grpc.StatusCode.UNKNOWN, f'{inputs["kind"]} "{metadata["name"]}" already exists{_EXISTS}')

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs = plain(request.news)
        outputs = inputs if request.preview else self._write(request.type, inputs, context, "upgrade")
        return provider_pb2.UpdateResponse(properties=struct(outputs))

    def _need_the_cluster(self, context: grpc.ServicerContext) -> None:
        """A preview goes on without the cluster; a write and a delete do not (provider.go, clusterUnreachable). Each
        would wait for its own time limit otherwise."""
        if why := self._of(context).unreachable:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"configured Kubernetes cluster is unreachable: {why}")

    def _write(
        self, type_: str, inputs: Object, context: grpc.ServicerContext, verb: str, identity: str = ""
    ) -> Object:
        self._need_the_cluster(context)
        cluster = self._of(context)
        try:
            if type_ != RELEASE:
                # The annotation names the manager of any resource (provider.go, fieldManagerName).
                annotations = inputs["metadata"].get("annotations") or {}
                manager = annotations.get("pulumi.com/patchFieldManager", _FIELD_MANAGER)
                # await.go, patchForce: the annotation lets the program win over other managers.
                force = annotations.get("pulumi.com/patchForce") == "true"
                return cluster.client.apply(inputs, manager=manager, force=force)
            cluster.helm.run(
                *(verb, inputs["name"], self._chart(inputs), "--namespace", inputs["namespace"]),
                *_flags(inputs, verb),
                values=without_nulls(inputs.get("values", {})),
            )
        except (HelmError, RefusedError, LookupError, OSError) as error:
            # A release that an install leaves behind failed is one all the same (release.go, Create, partialError).
            if identity and type_ == RELEASE and _status(cluster, inputs) == "failed":
                context.set_trailing_metadata(half_made(identity, inputs, str(error)))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return inputs | {"status": {"status": "deployed", "name": inputs["name"], "namespace": inputs["namespace"]}}

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        cluster = self._of(context)
        if cluster.unreachable:
            context.abort(grpc.StatusCode.UNKNOWN, _UNREADABLE)
        state, inputs = plain(request.properties), plain(request.inputs)
        is_import = not state
        try:
            if is_import:
                state = _named(cluster, request.type, request.id)
            live = _live(cluster, request.type, state)
        except (HelmError, RefusedError, LookupError, OSError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        if live is None:
            return provider_pb2.ReadResponse()  # no id: it is gone
        if is_import:
            inputs = state | {"timeout": 300} if request.type == RELEASE else without_what_servers_add(live)
        if request.type == RELEASE:
            inputs, live = inputs | {"values": live}, state | {"values": live}
        return provider_pb2.ReadResponse(id=request.id, properties=struct(live), inputs=struct(inputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self._need_the_cluster(context)
        cluster, state = self._of(context), plain(request.properties)
        try:
            if request.type == RELEASE:
                # It waits when the release was atomic or awaited (release.go, Delete).
                waits = state.get("atomic") or not state.get("skipAwait")
                waiting = ["--wait", "--timeout", f"{int(state.get('timeout') or 300)}s"] if waits else []
                cluster.helm.run("uninstall", state["name"], "--namespace", state["namespace"], *waiting)
            else:
                metadata = state["metadata"]
                place = metadata.get("namespace", "")
                cluster.client.delete(state["apiVersion"], state["kind"], metadata["name"], place)
        except (HelmError, RefusedError, LookupError, OSError) as error:
            gone = "not found" in str(error) or (isinstance(error, RefusedError) and error.status == 404)
            if not gone:
                context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return Empty()


def _status(cluster: _Cluster, inputs: Object) -> str:
    """Of the release that has the name; empty when none has."""
    releases = cluster.helm.json("list", "--namespace", inputs["namespace"], "--all")
    return next((each["status"] for each in releases if each["name"] == inputs["name"]), "")


def _named(cluster: _Cluster, type_: str, identity: str) -> Object:
    """What is to be imported, by its type and id (release.go and provider.go, parseFqName)."""
    namespace, _, name = identity.rpartition("/")
    if type_ == RELEASE:
        found = cluster.helm.json("get", "metadata", name, "--namespace", namespace)
        # release.go, importRelease: where no chart is found by the release's own, its name alone is left.
        return {"name": name, "namespace": namespace, "chart": found["chart"], "version": found["version"]}
    _, group_and_version, kind = type_.split(":")
    api_version = group_and_version.removeprefix("core/")
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name} | place}


def _live(cluster: _Cluster, type_: str, state: Object) -> Object | None:
    if type_ == RELEASE:
        if not _status(cluster, state):
            return None
        return cluster.helm.json("get", "values", state["name"], "--namespace", state["namespace"])
    metadata = state["metadata"]
    return cluster.client.find(state["apiVersion"], state["kind"], metadata["name"], metadata.get("namespace", ""))


def _unreachable(cluster: Object) -> str:
    """Why a cluster does not answer; empty when it does. A server that swallows every packet counts too, and so does
    one that accepts a connection and says nothing: both end after the time limit."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = cluster["certificate-authority"]
        try:
            session.get(f"{cluster['server']}/version", timeout=_ANSWERS_WITHIN_SECONDS)
        except OSError as error:  # requests' own are OSErrors, a missing certificate too
            return str(error)
    return ""


def half_made(identity: str, inputs: Object, why: str) -> list[tuple[str, bytes]]:
    """What a refusal carries so that the engine keeps the resource (sdk/go/common/resource/plugin/provider_plugin.go,
    parseError: the details of a google.rpc.Status)."""
    found = provider_pb2.ErrorResourceInitFailed(
        id=identity, properties=struct(inputs), reasons=[why], inputs=struct(inputs)
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=why)
    status.details.add().Pack(found)
    return [("grpc-status-details-bin", status.SerializeToString())]


def without_what_servers_add(live: Object) -> Object:
    """An imported object's inputs (provider.go, Read, readFromCluster)."""
    added = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
    metadata = {key: value for key, value in live["metadata"].items() if key not in added}
    return {key: value for key, value in live.items() if key != "status"} | {"metadata": metadata}


def without_nulls(values: Any) -> Any:
    """A Release's values as helm gets them: nulls are left out, and an empty list is a null (release.go, excludeNulls,
    where `var out []any` stays nil when nothing is appended)."""
    if isinstance(values, dict):
        return {key: without_nulls(value) for key, value in values.items() if value is not None}
    if isinstance(values, list):
        return [without_nulls(value) for value in values if value is not None] or None
    return values


def _flags(inputs: Object, verb: str) -> list[str]:
    """A Release's arguments as helm's (release.go, helmCreate and helmUpdate)."""
    flags = ["--timeout", f"{int(inputs.get('timeout') or 300)}s"]
    flags += ["--atomic"] if inputs.get("atomic") else []
    flags += [] if inputs.get("skipAwait") else ["--wait"]
    if verb == "install":
        flags += ["--skip-crds"] if inputs.get("skipCrds") else []
        flags += ["--create-namespace"] if inputs.get("createNamespace") else []
    else:
        flags += ["--history-max", str(int(inputs.get("maxHistory") or 0))]
    return flags


def serve(program: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server, port = listen(Provider(program, Path(folder)))
        print(port, flush=True)
        while_the_parent_lives()
        server.stop(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
