"""The catalogue of findings, as data: what each code means, why it matters, how to mend it.

`docs/findings.md` is written from this list (`make docs`), `hakit explain CODE` prints one entry of it. A code is never
given a second meaning; a rule that goes leaves a gap.
"""

from hakit.rule import Rule, Severity
from hakit.rules_live import LIVE
from hakit.rules_status import STATUS

__all__ = ["RULES", "Rule", "Severity"]

_E, _W = Severity.ERROR, Severity.WARNING

RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule(
            "HK001",
            _E,
            "what is left after the loss of one zone is less than `needs`",
            "With r replicas spread evenly over z zones, the loss of the fullest zone leaves r - ceil(r / z). If fewer "
            "than `needs` are left, the application is down or overloaded until new pods run, and those need room in "
            "the zones that are left. A disruption budget that lets a drain take more than r - `needs` does the same.",
            "raise `replicas`, spread over more zones, or lower `needs` to what the application really needs",
        ),
        Rule(
            "HK002",
            _E,
            "all replicas are in one zone",
            "With one declared zone no number of replicas survives the loss of it.",
            "declare the cluster's other zones in `zones`, or in the topology",
        ),
        Rule(
            "HK003",
            _E,
            "the chart ignores this value",
            "No rendered object changes when the value changes: it is misspelt, belongs to another chart, or stands in "
            "values.yaml without a template that reads it. Helm says nothing, and whoever set it believes it works.",
            "delete the value, or use the key that the chart reads; hakit sets spread, disruption budget, rollout and "
            "termination itself, whatever the chart's keys are called",
        ),
        Rule(
            "HK004",
            _E,
            "a single replica",
            "The loss of its node or zone is an outage until the pod runs elsewhere, five minutes and more by "
            "Kubernetes' defaults.",
            "give the workload two replicas or more (`replicas`, or `workloads` for a chart with several), or accept "
            "the outage on the record",
        ),
        Rule(
            "HK005",
            _E,
            "several replicas share one ReadWriteOnce volume",
            "The volume attaches to one node in one zone. Replicas elsewhere wait for ever; replicas on that node die "
            "with it.",
            "use a ReadWriteMany claim, keep the data in a database or an object store, or run one replica and accept "
            "HK004",
        ),
        Rule(
            "HK006",
            _E,
            "a volume per pod, and no known clustering",
            "Each replica of this StatefulSet has its own data. Unless the software replicates between its pods, three "
            "replicas are three unrelated copies behind one Service: a write to one is missing from the others.",
            "run the data with an operator; or run one replica; or, if the software forms a cluster by itself, say so: "
            'workloads={"<name>": {"clustered": true}}',
        ),
        Rule(
            "HK007",
            _E,
            "Recreate stops every replica at each change",
            "With strategy Recreate all pods are deleted before the first new one starts: every rollout is an outage, "
            "however many replicas there are.",
            "use RollingUpdate; where the pods share a volume that allows only one of them, run one replica and accept "
            "HK004",
        ),
        Rule(
            "HK008",
            _E,
            "a PodDisruptionBudget that blocks every drain",
            "No pod may ever be evicted, so a node drain, and with it a node or cluster upgrade, waits for ever.",
            "use maxUnavailable: 1, and no budget at all for a single replica",
            mended=True,
        ),
        Rule(
            "HK009",
            _E,
            "a selector that matches the pods of another workload",
            "Spread, disruption budget or Service count or reach pods that are not theirs.",
            "give both workloads a label that tells them apart, such as app.kubernetes.io/component, and select by it",
        ),
        Rule(
            "HK010",
            _E,
            "a probe with two handlers",
            "The API server refuses a probe with more than one of httpGet, tcpSocket, exec and grpc. It comes from "
            "values that merge with the chart's default handler.",
            "set the chart's default handler to null beside your own",
        ),
        Rule(
            "HK011",
            _E,
            "a mount without a volume",
            "The API server refuses a pod whose container mounts a volume that the pod does not have.",
            "give the chart the volume, or turn its claim template on again",
        ),
        Rule(
            "HK012",
            _E,
            "the chart renders differently each time",
            "A template makes a random value (randAlphaNum, genCA, now) at each render: every `pulumi up` would change "
            "the password and restart the pods, and two regions would not agree on it.",
            "give the value that the chart makes up, from a pulumi_random resource, a Pulumi secret or an existing Secret",
        ),
        Rule(
            "HK013",
            _E,
            "nothing spreads the pods over zones",
            "The scheduler's own default is a wish (ScheduleAnyway, skew 5 over zones): all replicas may be in one zone.",
            "add a topologySpreadConstraint on topology.kubernetes.io/zone with the workload's own labels",
            mended=True,
        ),
        Rule(
            "HK014",
            _W,
            "nothing spreads the pods over hosts",
            "All replicas of a zone may share one node and go with it.",
            "add a topologySpreadConstraint on kubernetes.io/hostname with whenUnsatisfiable: ScheduleAnyway",
            mended=True,
        ),
        Rule(
            "HK015",
            _E,
            "required anti-affinity over zones leaves no room",
            "At most one pod a zone: more replicas than zones never run, and the extra pod of a rolling update has no "
            "zone left, so the rollout never ends.",
            "use a topologySpreadConstraint with maxSkew 1 instead",
            mended=True,
        ),
        Rule(
            "HK016",
            _E,
            "a PodDisruptionBudget with minAvailable and maxUnavailable",
            "The API server refuses it. It comes from a maxUnavailable of yours beside the chart's default minAvailable.",
            "set the other key to null",
            mended=True,
        ),
        Rule(
            "HK017",
            _W,
            "no PodDisruptionBudget",
            "A drain of several nodes at once may evict every replica together.",
            "add a PodDisruptionBudget with maxUnavailable: 1",
            mended=True,
        ),
        Rule(
            "HK018",
            _E,
            "replicas beside an autoscaler",
            "Both the manifest and the HorizontalPodAutoscaler set spec.replicas: each deployment throws the number "
            "away that the autoscaler chose under load.",
            "leave spec.replicas out where an autoscaler targets the workload",
            mended=True,
        ),
        Rule(
            "HK019",
            _W,
            "the spread over zones is a wish, not a rule",
            "With whenUnsatisfiable: ScheduleAnyway the replicas may gather in one zone. hakit uses it where a rule "
            "could leave pods without a place: fewer than three zones, or volumes that are bound to zones already.",
            "declare three zones; for volumes that exist, watch the spread (`hakit check` cannot see it)",
        ),
        Rule(
            "HK020",
            _W,
            "templates ask for what this render does not know",
            "The chart's templates read .Capabilities, .Release.Revision, .Release.IsUpgrade or .Release.IsInstall. "
            "Rendered outside the cluster they get a fixed answer: revision 1, an install, and for .Capabilities the "
            "Kubernetes version of hakit's own engine without extra API groups. With a helm command on PATH, or named by "
            "HAKIT_HELM, such a chart is rendered for the cluster's version, and with the groups of `api_versions`.",
            "have a helm command render it and name the cluster's API groups; else read the rendered objects (`hakit preview --out`) and accept the finding when they are what the cluster needs",
        ),
        Rule(
            "HK021",
            _E,
            "the release does not fit into a Kubernetes Secret",
            "Helm keeps every revision in one Secret of at most 1 MiB. A larger release fails when it is installed.",
            "split the chart, or keep large files out of its ConfigMaps",
        ),
        Rule(
            "HK022",
            _E,
            "a spread constraint or a disruption budget that counts no pod",
            "Its labelSelector does not match the pods that it is about: it is accepted and does nothing.",
            "use the workload's own spec.selector.matchLabels",
            mended=True,
        ),
        Rule(
            "HK023",
            _W,
            "pods wait five minutes on a dead node",
            "Kubernetes' default tolerations keep a pod on an unreachable node for 300 seconds before it is replaced.",
            "tolerate node.kubernetes.io/not-ready and unreachable for 30 seconds in pods without claims",
            mended=True,
        ),
        Rule(
            "HK024",
            _W,
            "pods stop while traffic still comes",
            "A pod gets its SIGTERM while load balancers still send to it: without a preStop wait each rollout and each "
            "drain drops requests.",
            "add a preStop sleep of 10 seconds and a grace period that leaves time after it",
            mended=True,
        ),
        Rule(
            "HK025",
            _W,
            "no readiness probe",
            "A pod behind a Service gets traffic as soon as its process starts, and keeps it when it cannot serve.",
            "give the container a readinessProbe (in the chart's values, or `probes` of ZonalApp)",
        ),
        Rule(
            "HK026",
            _W,
            "a disruption budget that protects broken pods",
            "Without unhealthyPodEvictionPolicy: AlwaysAllow a pod that never becomes ready blocks the drain of its node.",
            "set unhealthyPodEvictionPolicy: AlwaysAllow",
            mended=True,
        ),
        Rule(
            "HK027",
            _E,
            "a Service that selects no pod",
            "It has no endpoints: whoever asks it gets nothing.",
            "select by labels that the chart's pods carry",
        ),
        Rule(
            "HK028",
            _E,
            "a hook would run in a standby",
            "Install and upgrade hooks, migrations above all, would run against a database that is read-only, or twice.",
            'hold it back (the default), or allow it: "standby": {"hooks": "run"}',
            mended=True,
        ),
        Rule(
            "HK029",
            _E,
            "a CronJob or a Job would run in a standby",
            "The job would run in both regions, against data that is read-only in one of them.",
            'suspend it (the default), or allow it by name: workloads={"<name>": {"standby": {"suspend": false}}}',
            mended=True,
        ),
        Rule(
            "HK030",
            _E,
            "data that goes away with the release",
            "Deleting a CustomResourceDefinition deletes every object of its kind in the whole cluster; deleting a "
            "PersistentVolumeClaim deletes what is on it, and deleting a Namespace deletes everything. `helm uninstall`, or a chart that renames one, does it. "
            "A StatefulSet with persistentVolumeClaimRetentionPolicy Delete does so even when a standby scales it to zero.",
            "annotate it with helm.sh/resource-policy: keep; let a StatefulSet retain its claims",
            mended=True,
        ),
        Rule(
            "HK031",
            _W,
            "the value has no effect while a switch is off",
            "The chart reads the value only when another one is on, and that one is off: nothing changes with it now.",
            "turn the switch on, or delete the value",
        ),
        Rule(
            "HK032",
            _E,
            "templates look into the cluster",
            "The chart uses `lookup`. Rendered outside the cluster it finds nothing, and the chart takes its first-install "
            "branch each time: a new password, a second object, a lost setting.",
            "give the value that the chart looks up, and accept this finding when the lookup is then not reached",
        ),
        Rule(
            "HK034",
            _W,
            "switched off in the active region",
            "The workload has no replica in the role that serves. Its Services have no pods, and nothing else says so.",
            "give it replicas, or accept that it is off",
        ),
        Rule(
            "HK035",
            _W,
            "a rule over zones that counts a lost zone",
            "The nodes of a lost zone are still listed, and count as a zone without pods. A spread constraint with "
            "DoNotSchedule then allows the other zones no more pods than its maxSkew: what the lost zone ran comes back "
            "nowhere, and a rollout stops, until the nodes are deleted.",
            "set nodeTaintsPolicy: Honor in the constraint: the nodes of a lost zone are tainted",
            mended=True,
        ),
        Rule(
            "HK036",
            _E,
            "an autoscaler that cannot measure",
            "It is to keep a share of what the pods request, and a container requests nothing: the share is undefined, "
            "and the autoscaler never acts, whatever the load.",
            "give every container of the pod a request for that resource (the chart's values, or `resources`)",
        ),
        Rule(
            "HK037",
            _W,
            "a disruption budget that holds nothing back",
            "It lets every pod of the application be evicted at once: drains of several nodes are an outage. A share is "
            "rounded up, so 75% of two pods is both.",
            "use maxUnavailable: 1, or a share that leaves what must serve",
            mended=True,
        ),
        Rule(
            "HK038",
            _E,
            "a rule over zones for volumes that exist",
            "A volume that is bound to a zone binds its pod to it. When two volumes of three are in one zone, a spread "
            "constraint with DoNotSchedule forbids the second pod there, and its volume forbids every other place.",
            'make it a wish: "spread": {"zones": "ScheduleAnyway"}, or leave the choice to hakit',
        ),
        Rule(
            "HK039",
            _W,
            "asked for what this Kubernetes version does not know",
            "The API server drops a field that it does not know, and nothing says so.",
            "upgrade the cluster, or accept the finding until then",
        ),
        Rule(
            "HK040",
            _W,
            "requests stay in zones that may be filled unevenly",
            "With trafficDistribution a zone's requests go to the zone's own pods while one is ready there, however few "
            "they are; an autoscaler sees the mean of all zones. Where no rule spreads the pods, one pod may take the "
            "requests of a whole zone.",
            "spread them by rule (three zones, or `spread`), or let requests go to all zones",
        ),
        Rule(
            "HK041",
            _E,
            "pods that no network policy holds",
            "A default deny is asked for, and a policy selects pods by their labels: pods without one stay open in that "
            "direction.",
            "give the pod template a label of its own",
        ),
        Rule(
            "HK042",
            _E,
            "a network policy that cuts off name resolution",
            "Once a policy of type Egress selects a pod, what no policy allows is denied, and that includes the cluster's "
            "DNS: the application finds neither its database nor anybody else.",
            "allow port 53, UDP and TCP, to the cluster's DNS; `network` of ZonalApp does",
        ),
        Rule(
            "HK043",
            _W,
            "a DestinationRule with a part that does nothing",
            "Istio reads consecutive5xxErrors and consecutiveGatewayErrors, and no longer consecutiveErrors; locality "
            "failover needs outlierDetection, which tells it which pods fail. Nothing warns.",
            "write consecutive5xxErrors, and outlierDetection beside localityLbSetting; `istio` of ZonalApp does",
        ),
        Rule(
            "HK044",
            _E,
            "a volume for all zones on storage of one zone",
            "The topology says that volumes of this class live in one zone, such as EBS. They cannot be mounted by many "
            "nodes: the claim is never bound, and its pods never run.",
            'use the regional class ("storage": "regional"), or ReadWriteOnce and one pod',
        ),
        Rule(
            "HK045",
            _W,
            "runs on spot capacity",
            "The provider takes spot nodes back at short notice when it needs them, in all zones together. A failover is "
            "such a moment: everybody moves to the regions that are left. A standby on spot nodes may be gone when it is "
            "needed, and no new capacity to be had.",
            "reserve capacity for what a failover needs (On-Demand Capacity Reservations, an autoscaler's least), and "
            "accept the finding for what may be missing",
        ),
        Rule(
            "HK046",
            _E,
            "a node selector that no node has",
            "The label holds a machine type, and spot is none: the pods stay Pending.",
            "select spot nodes by their provider's label: karpenter.sh/capacity-type: spot, "
            'eks.amazonaws.com/capacityType: SPOT, cloud.google.com/gke-spot: "true", '
            "kubernetes.azure.com/scalesetpriority: spot",
        ),
        Rule(
            "HK047",
            _W,
            "an image from a registry of another region",
            "When that region is lost, its registry is too: nodes that do not have the image yet cannot start the pod, and "
            "those are the ones that a failover needs.",
            "replicate the repository (ECR replication, or a multi-region repository), and name each region's own registry "
            "in its values",
        ),
        Rule(
            "HK048",
            _E,
            "two autoscalers of one resource",
            "A VerticalPodAutoscaler raises the request as use grows, and a HorizontalPodAutoscaler measures use in "
            "percent of the request: each undoes what the other one saw, and the number of pods no longer follows load.",
            "let the vertical one move memory alone (controlledResources), or follow a metric that is no share of a request",
        ),
        Rule(
            "HK049",
            _E,
            "more than the region has reserved",
            "The application alone asks for more than the topology says is reserved in the region: when it becomes active "
            "there, some of its pods wait for nodes that nobody has. That `hakit preview` adds up all applications, is no "
            "finding but a line beneath its totals.",
            "reserve more (`regions.<name>.capacity` of the topology says what there is), or ask for less",
        ),
        Rule(
            "HK050",
            _E,
            "a workload that is off and would be scaled up",
            "It is declared with no replica, as a consumer in a standby is, and a ScaledObject of KEDA targets it: as soon "
            "as its queue holds something, KEDA runs it, against data that is read-only there.",
            'pause the ScaledObject: annotate it autoscaling.keda.sh/paused-replicas: "0"',
            mended=True,
        ),
        Rule(
            "HK051",
            _W,
            "an image whose version is not said",
            "`latest`, or no tag at all, is whatever the registry holds when a node pulls it. Pods that come back after the "
            "loss of a zone, and a region that becomes active, may run another version than the one that was tried.",
            "name a version, or better a digest, in the chart's values",
        ),
        Rule(
            "HK033",
            _E,
            "`accept` names a finding that there is not",
            "Nothing raises it any more, or never did. Left in place it would silence the next one unseen.",
            "delete the entry",
        ),
        Rule(
            "HK080",
            _E,
            "a dead region keeps its users longer than the RTO",
            "What the load balancer needs to notice a dead region (intervals times failures in a row, timeouts, the life "
            "of a DNS answer) is more than the pair's recovery time objective, before anybody decides or promotes "
            "anything.",
            "lower the largest term, or state an RTO that can be kept",
        ),
        Rule(
            "HK081",
            _E,
            "the edge certificate does not cover the host name",
            "Cloudflare's Universal SSL covers a zone's name and one label before it. Users of a name with more labels get "
            "a certificate error.",
            "choose a name with one label before the zone; or order an advanced certificate, and say "
            'cloudflare={"universal_ssl": False}',
        ),
        Rule(
            "HK082",
            _W,
            "no region takes users that may take writes",
            "The active region is drained or fenced, or all regions are. As long as that lasts users get errors: a standby "
            "is not ready, and is never sent users in place of the active region.",
            "hand the pair over, or let the region serve again",
        ),
        Rule(
            "HK083",
            _W,
            "certificates cannot be renewed in a region without users",
            "An HTTP-01 challenge reaches the region that the load balancer chooses, never a standby or a drained region: "
            "its certificate ends, and is missed at the failover.",
            "use DNS-01",
        ),
        Rule(
            "HK084",
            _W,
            "with no healthy region users may reach a standby",
            "When no endpoint is healthy, Global Accelerator sends users to a random endpoint of the nearest group, a dial "
            "of zero or not. Route 53 answers with a record of a standby when the active region is fenced and has none. "
            "Both rather send users somewhere than nowhere.",
            "make sure that a standby refuses what it cannot do, as a read-only database does, and accept the finding; or "
            "fence the region",
        ),
        Rule(
            "HK085",
            _E,
            "a DNS record without a health check",
            "A record without one counts as healthy for ever: users of a dead region stay with it.",
            'name a health check of Route 53 in external_dns={"health_check_ids": {"<region>": "..."}}',
        ),
        *LIVE,
        *STATUS,
    )
}
