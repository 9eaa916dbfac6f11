"""Generated objects: what charts render, and what nobody would expect them to render."""

from typing import Any

from hypothesis import strategies as st

from hakit.charts.intent import Istio, Network, Peer, Spread

NAMES = st.sampled_from(["web", "api", "db"])
LABELS = st.dictionaries(st.sampled_from(["app", "part"]), NAMES, max_size=2)
ODD = st.sampled_from([None, "", "odd", 0, 7, True, [], {}, [None], ["odd"], {"odd": None}])


def odd_or(usual: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(usual, usual, usual, ODD)


def mapping_of(**fields: st.SearchStrategy) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of the fields; each may have an odd shape."""
    return st.fixed_dictionaries({}, optional={name: odd_or(value) for name, value in fields.items()})


def list_of(items: st.SearchStrategy) -> st.SearchStrategy[list]:
    return st.lists(odd_or(items), max_size=2)


COUNT = st.integers(0, 6)
SHARE = st.one_of(COUNT, st.sampled_from(["50%", "100%", "half"]))
SELECTOR = mapping_of(
    matchLabels=LABELS,
    matchExpressions=list_of(
        mapping_of(
            key=NAMES, operator=st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]), values=list_of(NAMES)
        )
    ),
)
TOPOLOGY = st.sampled_from(["topology.kubernetes.io/zone", "kubernetes.io/hostname", "rack"])
TERM = mapping_of(topologyKey=TOPOLOGY, labelSelector=SELECTOR)
SPREAD = mapping_of(
    topologyKey=TOPOLOGY,
    labelSelector=SELECTOR,
    whenUnsatisfiable=st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
)
PROBE = mapping_of(httpGet=mapping_of(port=COUNT), exec=mapping_of(command=list_of(NAMES)))
CONTAINER = mapping_of(
    name=NAMES,
    readinessProbe=PROBE,
    lifecycle=mapping_of(preStop=mapping_of(sleep=mapping_of(seconds=COUNT))),
    volumeMounts=list_of(mapping_of(name=NAMES)),
    resources=mapping_of(),
)
POD = mapping_of(
    containers=list_of(CONTAINER),
    initContainers=list_of(CONTAINER),
    volumes=list_of(mapping_of(name=NAMES, persistentVolumeClaim=mapping_of(claimName=NAMES))),
    tolerations=list_of(
        mapping_of(
            key=st.sampled_from(["node.kubernetes.io/unreachable", "gpu"]),
            effect=st.sampled_from(["NoExecute", "NoSchedule"]),
            tolerationSeconds=COUNT,
        )
    ),
    affinity=mapping_of(
        podAntiAffinity=mapping_of(
            requiredDuringSchedulingIgnoredDuringExecution=list_of(TERM),
            preferredDuringSchedulingIgnoredDuringExecution=list_of(mapping_of(podAffinityTerm=TERM)),
        )
    ),
    topologySpreadConstraints=list_of(SPREAD),
    terminationGracePeriodSeconds=COUNT,
)
TEMPLATE = mapping_of(metadata=mapping_of(labels=LABELS), spec=POD)
CLAIM = mapping_of(
    metadata=mapping_of(name=NAMES),
    spec=mapping_of(accessModes=list_of(st.sampled_from(["ReadWriteOnce", "ReadWriteMany"]))),
)
POLICY = mapping_of(
    outlierDetection=mapping_of(consecutiveErrors=COUNT),
    loadBalancer=mapping_of(localityLbSetting=mapping_of(enabled=st.booleans())),
)
SPECS = {
    "Deployment": mapping_of(
        replicas=COUNT,
        selector=SELECTOR,
        template=TEMPLATE,
        strategy=mapping_of(type=st.sampled_from(["Recreate", "RollingUpdate"])),
    ),
    "StatefulSet": mapping_of(
        replicas=COUNT, selector=SELECTOR, template=TEMPLATE, volumeClaimTemplates=list_of(CLAIM)
    ),
    "DaemonSet": mapping_of(selector=SELECTOR, template=TEMPLATE),
    "Job": mapping_of(template=TEMPLATE, suspend=st.booleans()),
    "CronJob": mapping_of(
        suspend=st.booleans(), jobTemplate=mapping_of(spec=mapping_of(template=TEMPLATE)), schedule=NAMES
    ),
    "PodDisruptionBudget": mapping_of(selector=SELECTOR, minAvailable=SHARE, maxUnavailable=SHARE),
    "HorizontalPodAutoscaler": mapping_of(
        scaleTargetRef=st.builds(
            lambda kind, name: {"kind": kind, "name": name}, st.sampled_from(["Deployment", "StatefulSet"]), NAMES
        ),
        minReplicas=COUNT,
        maxReplicas=COUNT,
    ),
    "ScaledObject": mapping_of(scaleTargetRef=mapping_of(name=NAMES)),
    "Service": mapping_of(
        selector=LABELS,
        clusterIP=st.just("None"),
        trafficDistribution=st.sampled_from(["PreferClose", "PreferSameZone"]),
    ),
    "NetworkPolicy": mapping_of(
        podSelector=SELECTOR,
        policyTypes=list_of(st.sampled_from(["Ingress", "Egress"])),
        ingress=list_of(mapping_of()),
        egress=list_of(mapping_of(ports=list_of(mapping_of(port=COUNT, endPort=COUNT)))),
    ),
    "DestinationRule": mapping_of(host=NAMES, trafficPolicy=POLICY, subsets=list_of(mapping_of(trafficPolicy=POLICY))),
    "PersistentVolumeClaim": mapping_of(accessModes=list_of(st.sampled_from(["ReadWriteOnce", "ReadWriteMany"]))),
    "CustomResourceDefinition": mapping_of(group=NAMES),
    "ConfigMap": mapping_of(),
}
METADATA = mapping_of(
    name=NAMES,
    labels=LABELS,
    annotations=st.dictionaries(
        st.sampled_from(["helm.sh/hook", "note"]), st.sampled_from(["pre-upgrade", "test", "post-delete"]), max_size=2
    ),
)


_VERSIONS = {"DestinationRule": "networking.istio.io/v1"}


def _object(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"apiVersion": st.just(_VERSIONS.get(kind, "v1")), "kind": st.just(kind)},
        optional={"metadata": odd_or(METADATA), "spec": odd_or(SPECS[kind])},
    )


OBJECTS = st.lists(st.one_of([_object(kind) for kind in SPECS]), max_size=5)
PODS = st.fixed_dictionaries(
    {"containers": st.just([{"name": "main"}])},
    optional={
        "volumes": odd_or(st.just([])),
        "affinity": odd_or(st.just({})),
        "tolerations": odd_or(st.just([])),
        "topologySpreadConstraints": odd_or(list_of(SPREAD)),
    },
)


@st.composite
def workload(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A workload that the API server would take, with nulls wherever it takes them."""
    labels = draw(st.dictionaries(st.sampled_from(["app", "part"]), NAMES, min_size=1, max_size=2))
    pod = {"metadata": {"labels": labels, "annotations": None}, "spec": draw(PODS)}
    spec = {"replicas": draw(COUNT), "selector": {"matchLabels": labels}, "template": pod}
    metadata = {"name": draw(NAMES), "labels": draw(st.sampled_from([None, {"app": "web"}])), "annotations": None}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


INTENTS = {
    "replicas": st.sampled_from([None, 0, 1, 3]),
    "zones": st.integers(1, 4),
    "kubernetes": st.sampled_from([(1, 25), (1, 27), (1, 34)]),
    "standby": st.booleans(),
    "existing_volumes": st.booleans(),
    "storage_class": st.sampled_from([None, "zonal"]),
    "same_zone": st.booleans(),
    "network": st.sampled_from([None, Network(), Network(ingress=(Peer(pods={"app": "web"}, workload="web"),))]),
    "istio": st.sampled_from([None, Istio()]),
    "spread": st.sampled_from([Spread(), Spread("DoNotSchedule", "DoNotSchedule")]),
}
