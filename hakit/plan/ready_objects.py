"""The ready endpoint's objects: PostgREST, configured by its environment; nothing of hakit's runs in the pod. Pure.

Settings and paths are those of https://docs.postgrest.org/en/v14 (references/configuration, admin_server).
"""

from collections.abc import Mapping
from typing import Any

from hakit.charts.harden import harden
from hakit.charts.intent import Intent
from hakit.plan.ready import PATH, POOL, REPLICAS, ROLE, SCHEMA, Entrance, ReadySpec, name_of
from hakit.topology.model import Region

Object = dict[str, Any]

#: Seconds in which a check has its answer or fails: below the timeout of any monitor (Cloudflare 5, an NLB 6).
PATIENCE = 3
_PORT, _ADMIN = 3000, 3001
#: The image's own (nix/tools/docker/default.nix in PostgREST's repository).
_USER = 1000


def objects(spec: ReadySpec, pair: str, region: Region, namespace: str, database: Mapping[str, str]) -> list[Object]:
    """Deployment, Service, budget and Ingress, hardened as applications are. The same in every role.

    Args:
        spec: the arguments.
        pair, region, namespace: where it runs.
        database: `host`, `port` and `name` of the database.
    """
    made = [_deployment(spec, pair, namespace, database), _service(pair, namespace)]
    if spec.entrance:
        made.append(_ingress(spec.entrance, pair, namespace))
    major, _, minor = region.kubernetes.partition(".")
    intent = Intent(namespace=namespace, zones=len(region.zones), kubernetes=(int(major), int(minor)))
    return harden(made, intent)


def _metadata(pair: str, namespace: str, annotations: Mapping[str, str] | None = None) -> Object:
    name = name_of(pair)
    found: Object = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": name}}
    return {**found, "annotations": dict(annotations)} if annotations else found


def _deployment(spec: ReadySpec, pair: str, namespace: str, database: Mapping[str, str]) -> Object:
    labels = {"app.kubernetes.io/name": name_of(pair)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        # Nobody waits for it: a standby's database may not be there yet, and a failover has no time.
        "metadata": _metadata(pair, namespace, {"pulumi.com/skipAwait": "true"}),
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": _USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [
                        {
                            "name": "postgrest",
                            "image": spec.image,
                            "env": [*_environment(database), _password(spec)],
                            "ports": [
                                {"name": "http", "containerPort": _PORT},
                                {"name": "admin", "containerPort": _ADMIN},
                            ],
                            # Of PostgREST itself (references/admin_server), not of the database's role: the pods of a
                            # standby are ready, and answer 503. /ready asks the database, so it also connects anew.
                            "readinessProbe": _probe("/ready", 5, 2),
                            "livenessProbe": _probe("/live", 10, 3),
                            "resources": {
                                "requests": {"cpu": "10m", "memory": "64Mi"},
                                "limits": {"memory": "128Mi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                },
            },
        },
    }


def _environment(database: Mapping[str, str]) -> list[Object]:
    """PostgREST's settings (references/configuration) and libpq's.

    A node that is lost sends no farewell: without keepalives a connection to it would hang until the kernel gives up.
    """
    keepalive = f"keepalives_idle=5&keepalives_interval=2&keepalives_count=2&tcp_user_timeout={PATIENCE}000"
    settings = {
        "PGHOST": database["host"],
        "PGPORT": database["port"],
        "PGDATABASE": database["name"],
        "PGUSER": ROLE,
        # The certificate that CloudNativePG makes names its own Services and no other, so it is not verified by name.
        "PGSSLMODE": "require",
        "PGCONNECT_TIMEOUT": str(PATIENCE),
        "PGOPTIONS": f"-c statement_timeout={PATIENCE}s",
        "PGRST_DB_URI": f"postgresql://?{keepalive}",
        "PGRST_DB_SCHEMAS": SCHEMA,
        "PGRST_DB_ANON_ROLE": ROLE,
        "PGRST_DB_POOL": str(POOL),
        "PGRST_DB_POOL_ACQUISITION_TIMEOUT": str(PATIENCE),
        # LISTEN fails in recovery (references/listener), and nothing here changes while it runs.
        "PGRST_DB_CHANNEL_ENABLED": "false",
        # Nobody who can write to the database reconfigures the endpoint.
        "PGRST_DB_CONFIG": "false",
        "PGRST_OPENAPI_MODE": "disabled",
        # A standby answers every check with 503, which is no error of its.
        "PGRST_LOG_LEVEL": "crit",
        "PGRST_SERVER_PORT": str(_PORT),
        "PGRST_ADMIN_SERVER_PORT": str(_ADMIN),
    }
    return [{"name": name, "value": value} for name, value in settings.items()]


def _password(spec: ReadySpec) -> Object:
    return {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": spec.secret, "key": "password"}}}


def _probe(path: str, period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "admin"},
        "periodSeconds": period,
        "timeoutSeconds": PATIENCE,
        "failureThreshold": failures,
    }


def _service(pair: str, namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(pair, namespace, {"pulumi.com/skipAwait": "true"}),
        "spec": {
            "type": "ClusterIP",
            "selector": {"app.kubernetes.io/name": name_of(pair)},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _ingress(entrance: Entrance, pair: str, namespace: str) -> Object:
    """One path of the host names that users and Route 53 ask for; the rest of them is the application's."""
    backend = {"service": {"name": name_of(pair), "port": {"name": "http"}}}
    paths = [{"path": PATH, "pathType": "Exact", "backend": backend}]
    spec: Object = {"rules": [{"host": host, "http": {"paths": paths}} for host in entrance.hosts]}
    if entrance.class_name:
        spec["ingressClassName"] = entrance.class_name
    if entrance.tls_secret:
        spec["tls"] = [{"hosts": list(entrance.hosts), "secretName": entrance.tls_secret}]
    # Its address is the ingress controller's to give, and a preview of it is nothing to wait for.
    annotations = {**entrance.annotations, "pulumi.com/skipAwait": "true"}
    metadata = _metadata(pair, namespace, annotations)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}
