"""The fence of a pair in one region: the objects that run `hakit.fence` there with the least rights. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from typing import Any

from hakit.errors import HakitError
from hakit.fence.watch import FENCED, OURS
from hakit.fence.witness import region_of
from hakit.plan.arguments import Arguments
from hakit.plan.stores import ACCESS_KEY, SECRET_KEY
from hakit.topology import names
from hakit.topology.model import Pair, Topology

Object = dict[str, Any]

ARGUMENTS = ("image", "every", "unreachable_after", "role_arn", "secret")
#: Seconds between two turns. With a request's timeout of 3 s a primary is stopped within about 5 s of the link's
#: return.
EVERY = 2
TIMEOUT = 3
#: What the program needs of hakit. Both packages' own `__init__` would load far more, so empty ones take their place.
_MODULES = (
    "hakit.topology.copies",
    "hakit.topology.turn",
    "hakit.fence.cluster",
    "hakit.fence.s3",
    "hakit.fence.watch",
    "hakit.fence.witness",
)
_PACKAGES = ("hakit", "hakit.topology", "hakit.fence")
_CODE, _SETTINGS = "/code", "/etc/hakit"


@dataclass(frozen=True)
class FenceSpec:
    """A fence's arguments, checked.

    Attributes:
        image: a container image with Python 3.10 or newer as `python`.
        witness: addresses where the witness is read.
        every: seconds between two turns.
        unreachable_after: seconds without a witness after which primaries here are fenced; None: never.
        role_arn: of the IAM role that may read the witness; None with a Secret, with Pod Identity, or when the
            addresses need no credentials.
        secret: with access keys, in the keys that an archive's has; None without.
    """

    image: str
    witness: tuple[str, ...]
    every: int
    unreachable_after: int | None
    role_arn: str | None
    secret: str | None


def specify(given: Arguments, topology: Topology, pair: Pair, region: str) -> FenceSpec:
    """Check a fence's arguments.

    Args:
        given: as the user gave them, with `ARGUMENTS` as the known ones.
        topology, pair, region: where it runs.

    Raises:
        HakitError: an argument is unknown, missing or wrong.
    """
    if not pair.witness:
        raise no_witness(topology, pair, f"{given.path}: a fence would have nothing to read", given.where)
    every = given.number("every", EVERY, least=1)
    after = given.maybe_number("unreachable_after", least=1)
    if after is not None and after < 5 * every:
        raise HakitError(
            f"{given.path}.unreachable_after: too short: one lost packet would stop the primary",
            where=given.where,
            given=after,
            allowed=f"{5 * every} seconds (five turns) or more",
        )
    role, secret = (given.text(key) if key in given else None for key in ("role_arn", "secret"))
    if role and secret:
        raise HakitError(
            f"{given.path}: role_arn and secret are both given",
            where=given.where,
            do="take one: the access keys of a Secret would be used, and the role never",
        )
    return FenceSpec(_image(given), read_in(pair, region), every, after, role, secret)


def no_witness(topology: Topology, pair: Pair, what: str, where: str | None = None) -> HakitError:
    """The error of whatever needs a witness that the topology does not name."""
    return HakitError(
        f"{what}: pair {pair.name} has no witness",
        where=where,
        do=f"add pairs.{pair.name}.witness in {topology.where('pairs', pair.name)}, for example "
        f"[{', '.join(address(topology, pair.name, each) for each in pair.regions)}]",
    )


def read_in(pair: Pair, region: str) -> tuple[str, ...]:
    """The places of the witness that a region's fence reads: what stands in its own bucket is no news from outside, and
    hides that nothing else can be read."""
    return tuple(each for each in pair.witness if region_of(each) != region) or pair.witness


def _image(given: Arguments) -> str:
    image = given.text("image")
    if "@sha256:" not in image:
        raise HakitError(
            f"{given.path}.image: not pinned by digest",
            where=given.where,
            given=image,
            allowed="<name>@sha256:<digest> of an image with Python 3.10 or newer as `python`",
            do="pin it: a tag can be moved, and what it then names would hold the right to stop your databases",
        )
    return image


def address(topology: Topology, pair: str, region: str) -> str:
    """Where a region could keep a witness: `s3://acme-prod-us-west-2-witness/shop.json?region=us-west-2`."""
    return f"s3://{names.bucket_of(topology, region, 'witness')}/{pair}.json?region={region}"


def name_of(pair: str) -> str:
    return f"{pair}-fence"


def objects(spec: FenceSpec, topology: Topology, pair: Pair, region: str, namespace: str) -> list[Object]:
    """The fence's objects, in the order in which they are needed."""
    name = name_of(pair.name)
    memory = f"{name}-memory"
    settings: dict[str, Any] = {
        "region": region,
        "namespace": namespace,
        "databases": list(pair.databases),
        "witness": list(spec.witness),
        "memory": memory,
        "every": spec.every,
        "timeout": TIMEOUT,
        "unreachable_after": spec.unreachable_after,
    }
    account_annotations = {"eks.amazonaws.com/role-arn": spec.role_arn} if spec.role_arn else {}
    return [
        _named("v1", "ServiceAccount", name, namespace, annotations=account_annotations),
        {**_named("rbac.authorization.k8s.io/v1", "Role", name, namespace), "rules": _rules(memory)},
        {
            **_named("rbac.authorization.k8s.io/v1", "RoleBinding", name, namespace),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
        *_only_annotations(topology, pair, namespace),
        # Its data is the program's own; a server-side apply that does not name the data leaves it alone.
        _named("v1", "ConfigMap", memory, namespace),
        {**_named("v1", "ConfigMap", f"{name}-code", namespace), "data": code()},
        {
            **_named("v1", "ConfigMap", f"{name}-settings", namespace),
            "data": {"fence.json": json.dumps(settings, indent=2)},
        },
        _deployment(spec, name, namespace, settings),
    ]


def _named(api: str, kind: str, name: str, namespace: str, annotations: Mapping[str, str] | None = None) -> Object:
    metadata: Object = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": name}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def _rules(memory: str) -> list[Object]:
    return [
        # A list cannot be limited to names; what a patch may change is limited by the policy below.
        {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["list", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [memory], "verbs": ["get", "patch"]},
    ]


def _only_annotations(topology: Topology, pair: Pair, namespace: str) -> list[Object]:
    """RBAC knows no fields: whoever may patch a Cluster may change its role. This policy leaves the fence two
    annotations."""
    name = f"{topology.name}-{topology.environment}-{name_of(pair.name)}"
    account = f"system:serviceaccount:{namespace}:{name_of(pair.name)}"
    free = json.dumps([FENCED, OURS])
    now, before = "object.metadata.?annotations.orValue({})", "oldObject.metadata.?annotations.orValue({})"
    validations = [
        ("object.spec == oldObject.spec", "the fence may not change a Cluster's spec"),
        (
            f"{now}.all(key, key in {free} || (key in {before} && {now}[key] == {before}[key])) && "
            f"{before}.all(key, key in {free} || key in {now})",
            f"the fence may change the annotations {FENCED} and {OURS} only",
        ),
        (
            "object.metadata.?labels == oldObject.metadata.?labels && "
            "object.metadata.?finalizers == oldObject.metadata.?finalizers && "
            "object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences",
            "the fence may not change labels, finalizers or owners",
        ),
    ]
    policy: Object = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["postgresql.cnpg.io"],
                        "apiVersions": ["*"],
                        "operations": ["UPDATE"],
                        "resources": ["clusters"],
                    }
                ]
            },
            "matchConditions": [{"name": "fence", "expression": f"request.userInfo.username == {json.dumps(account)}"}],
            "validations": [{"expression": expression, "message": text} for expression, text in validations],
        },
    }
    binding: Object = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    return [policy, binding]


def code() -> dict[str, str]:
    """The program by module name: a ConfigMap's keys have no slashes, the mount's paths do."""
    found = dict.fromkeys((f"{package}.__init__" for package in _PACKAGES), "")
    for module in _MODULES:
        package, _, name = module.rpartition(".")
        found[module] = resources.files(package).joinpath(f"{name}.py").read_text(encoding="utf-8")
    return found


def path_of(module: str) -> str:
    """Where a module of the program stands below the folder that it is mounted to."""
    return f"{module.replace('.', '/')}.py"


def _deployment(spec: FenceSpec, name: str, namespace: str, settings: Mapping[str, Any]) -> Object:
    labels = {"app.kubernetes.io/name": name}
    modules = sorted(code())
    command = ["python", "-m", "hakit.fence.watch"]
    return {
        **_named("apps/v1", "Deployment", name, namespace),
        "spec": {
            # Two: the zone that is lost may be the one the fence runs in. Both do the same, and it is done once.
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": labels,
                    # New settings or a new program start new pods.
                    "annotations": {"hakit/program": _digest([settings, code()])},
                },
                "spec": {
                    "serviceAccountName": name,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65534,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "topology.kubernetes.io/zone",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": labels},
                            "nodeTaintsPolicy": "Honor",
                        }
                    ],
                    "tolerations": [
                        {
                            "key": f"node.kubernetes.io/{state}",
                            "operator": "Exists",
                            "effect": "NoExecute",
                            "tolerationSeconds": 30,
                        }
                        for state in ("not-ready", "unreachable")
                    ],
                    "containers": [
                        {
                            "name": "fence",
                            "image": spec.image,
                            "command": [*command, f"{_SETTINGS}/fence.json"],
                            "env": [
                                {"name": "PYTHONPATH", "value": _CODE},
                                {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
                                *_keys(spec),
                            ],
                            "livenessProbe": {
                                "exec": {"command": [*command, "--alive", f"{_SETTINGS}/fence.json"]},
                                "initialDelaySeconds": 30,
                                "periodSeconds": 30,
                                "timeoutSeconds": 10,
                            },
                            "resources": {
                                "requests": {"cpu": "20m", "memory": "48Mi"},
                                "limits": {"memory": "96Mi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [
                                {"name": "code", "mountPath": _CODE, "readOnly": True},
                                {"name": "settings", "mountPath": _SETTINGS, "readOnly": True},
                                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  the pod's own
                            ],
                        }
                    ],
                    "volumes": [
                        {
                            "name": "code",
                            "configMap": {
                                "name": f"{name}-code",
                                "items": [{"key": module, "path": path_of(module)} for module in modules],
                            },
                        },
                        {"name": "settings", "configMap": {"name": f"{name}-settings"}},
                        {"name": "tmp", "emptyDir": {}},
                    ],
                },
            },
        },
    }


def _keys(spec: FenceSpec) -> list[Object]:
    """Access keys under the names that `hakit.fence.s3`, as Amazon's own tools, looks for."""
    if spec.secret is None:
        return []
    names = (("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY))
    return [{"name": name, "valueFrom": {"secretKeyRef": {"name": spec.secret, "key": key}}} for name, key in names]


def _digest(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
